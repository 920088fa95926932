"""Calls from a carrier: where they go, what a trunk is shown, what the carrier is told; and the desk's own edges."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from proxy.core.decision import Decision, Permit, Seal
from proxy.sip.error import SipError
from proxy.sip.flow import Flow
from proxy.sip.hop import Hop
from proxy.sip.message import SipRequest
from proxy.sip_settings import SipCarrier, SipGateway
from proxy.trunks.gateways import Carrier, Gateway
from proxy.trunks.inward import Inward
from proxy.trunks.judge import NotTaken, Permitted
from proxy.trunks.outbound import HeaderRules
from tests.tools.outbound_play import GROUND
from tests.tools.sip_desk_play import TAKING, Back, DeskPlay
from tests.tools.sip_messages import SDP, a_request

pytestmark = pytest.mark.unit

TRUNKS = Gateway("callcentre", SipGateway("192.0.2.40", 5070), of_trunk=True)
HOP = Hop(Flow("b", b"192.0.2.40", False), b"UDP", b"192.0.2.20", 5060, b"sip:tdgate@192.0.2.20:5060")
PERSON = '"周" <sip:13800138000@carrier.example;user=phone>;tag=a'


def back(play: DeskPlay) -> Back:
    assert isinstance(play.judge.back, Back)
    return play.judge.back


def written(asked: SipRequest, called: str = "95500", held_back: frozenset[str] = frozenset()) -> SipRequest:
    settings = SipCarrier()
    via = HOP.via(b"z9hG4bK1")
    first = Inward(asked, called, held_back)
    return first.invite(TRUNKS, settings, HeaderRules([], {}), HOP, via, b"192.0.2.20", b"INVITE", b"call", b"tag", 1)


# Where it goes


def test_it_goes_to_the_trunk_and_is_followed_to_its_end() -> None:
    play = DeskPlay()
    play.comes_back()
    assert play.reached == ["192.0.2.40"]
    assert "jl-voice" in play.judge.taking
    invite = play.last("b", "INVITE")
    assert invite.uri == b"sip:95500@192.0.2.40:5060;user=phone"
    assert invite.body == SDP
    play.answer("b", invite, 200, body=SDP)
    assert play.last_answer("a").status == 200
    play.ask("a", "ACK", 1)
    play.ask("b", "BYE", 1)
    assert back(play).ends == [("b", "bye", 200)]
    assert back(play).carriers == ["default", "callcentre"]
    assert len(play.desk) == 0


def test_a_gateway_that_is_silent_or_overloaded_leads_to_the_trunks_next() -> None:
    play = DeskPlay()
    play.comes_back()
    play.answer("b", play.last("b", "INVITE"), 503)
    assert play.reached == ["192.0.2.40", "192.0.2.41"]
    play = DeskPlay()
    play.comes_back()
    play.to(4.1)
    assert play.reached == ["192.0.2.40", "192.0.2.41"]


@pytest.mark.parametrize(
    ("status", "told", "reason"),
    [
        (486, 486, []),
        (603, 603, []),
        # One trunk that cannot serve is no reason to give up all of us, nor are its Contacts and challenges ours.
        (503, 480, [b"SIP;cause=503"]),
        (302, 480, [b"SIP;cause=302"]),
        (401, 500, [b"SIP;cause=401"]),
    ],
)
def test_what_the_trunk_answers_is_told_as_it_is_or_as_no_more_than_it_means(
    status: int, told: int, reason: list[bytes]
) -> None:
    play = DeskPlay(msgspec.structs.replace(TAKING, gateways=[SipGateway("192.0.2.40")]))
    play.comes_back()
    play.answer("b", play.last("b", "INVITE"), status)
    answer = play.last_answer("a")
    assert (answer.status, answer.each("reason")) == (told, reason)
    assert back(play).ends == [("b", str(told), told)]


def test_where_no_gateway_lives_the_number_cannot_be_reached() -> None:
    play = DeskPlay()
    play.dead = {"192.0.2.40", "192.0.2.41"}
    play.comes_back()
    answer = play.last_answer("a")
    assert (answer.status, answer.each("reason")) == (480, [b"Q.850;cause=20"])
    assert back(play).ends == [("us", "480", 480)]


def test_what_nobody_takes_is_answered_and_leaves_nothing() -> None:
    play = DeskPlay()
    play.judge.back = NotTaken(404, [("reason", b"Q.850;cause=1")], "number")
    play.comes_back()
    answer = play.last_answer("a")
    assert (answer.status, answer.each("reason")) == (404, [b"Q.850;cause=1"])
    assert play.logged == [("call.untaken", {"carrier": "default", "status": 404, "reason": "number"})]
    assert (play.reached, len(play.desk)) == ([], 0)


@pytest.mark.parametrize("draining", [True, False])
def test_neither_beyond_the_limit_nor_while_draining(draining: bool) -> None:
    play = DeskPlay(most=100 if draining else 0)
    play.desk.draining = draining
    play.comes_back()
    answer = play.last_answer("a")
    assert (answer.status, answer.each("retry-after")) == (503, [b"5"])
    assert (play.reached, back(play).ends) == ([], [])


def test_a_caller_who_cannot_be_read_is_refused_and_on_record() -> None:
    play = DeskPlay()
    play.comes_back(caller="<sip:a@b@c>;tag=x")
    assert play.last_answer("a").status == 400
    assert [status for _, _, status in back(play).ends] == [400]


# What the trunk is shown


def test_the_trunk_sees_the_caller_and_nothing_of_the_carrier() -> None:
    asked = a_request(
        caller=PERSON,
        headers=(
            "P-Asserted-Identity: <sip:+8613800138000@carrier.example>",
            "P-Asserted-Identity: <tel:+8613800138000>",
            "Record-Route: <sip:edge.carrier.example;lr>",
            "Route: <sip:elsewhere.example>",
            "Diversion: <sip:1@carrier.example>",
            "User-Agent: carrier.example",
            "X-Kept: yes",
        ),
        body=SDP,
    )
    invite = written(asked, held_back=frozenset(("user-agent",)))
    octets = invite.octets()
    assert b"carrier.example" not in octets
    assert b"elsewhere" not in octets
    assert invite.first("from") == '"周" <sip:13800138000@192.0.2.20;user=phone>;tag=tag'.encode()
    assert invite.each("p-asserted-identity") == [b"<sip:+8613800138000@192.0.2.20>", b"<tel:+8613800138000>"]
    assert invite.first("to") == b"<sip:95500@192.0.2.40:5070;user=phone>"
    assert invite.first("max-forwards") == b"69"
    assert invite.each("x-kept") == [b"yes"]
    assert invite.body == SDP


@pytest.mark.parametrize(
    ("privacy", "caller"),
    [
        ("id", b"<sip:13800138000@192.0.2.20>;tag=tag"),
        ("header;id", b"<sip:13800138000@192.0.2.20>;tag=tag"),
        ("user, id", b'"Anonymous" <sip:anonymous@anonymous.invalid>;tag=tag'),
    ],
)
def test_a_caller_who_asks_for_privacy_has_it(privacy: str, caller: bytes) -> None:
    asserted = "P-Asserted-Identity: <tel:+8613800138000>"
    asked = a_request(caller="<sip:13800138000@c.example>;tag=a", headers=(asserted, f"Privacy: {privacy}"))
    invite = written(asked)
    assert invite.first("from") == caller
    assert not invite.has("p-asserted-identity")
    assert not invite.has("privacy")


def test_privacy_none_hides_nothing_and_an_anonymous_caller_stays_so() -> None:
    asserted = "P-Asserted-Identity: <tel:+8613800138000>"
    caller = '"Anonymous" <sip:anonymous@anonymous.invalid>'
    asked = a_request(caller=caller + ";tag=a", headers=(asserted, "Privacy: none"))
    invite = written(asked)
    assert invite.each("p-asserted-identity") == [b"<tel:+8613800138000>"]
    assert invite.first("from") == caller.encode() + b";tag=tag"


def test_an_asserted_identity_that_nobody_can_read_is_left_out() -> None:
    asked = a_request(caller=PERSON, headers=("P-Asserted-Identity: <sip:a@b@c>",))
    assert not written(asked).has("p-asserted-identity")


def test_without_a_permit_nothing_goes_to_a_carrier() -> None:
    carriers = Carrier("default", SipCarrier(gateways=[SipGateway("192.0.2.30")])).gateways[0]
    first = Inward(a_request(caller=PERSON), "8613800138000", frozenset())
    with pytest.raises(ValueError, match="trunk"):
        first.invite(carriers, SipCarrier(), HeaderRules([], {}), HOP, b"", b"192.0.2.20", b"", b"call", b"tag", 1)


# The desk's own edges


class Placed(Permitted):
    """A permitted call that has taken a place."""

    def __init__(self, octets: bytes) -> None:
        super().__init__(Permit(Seal(), Decision(1, b"", GROUND), octets))
        self.ends: list[tuple[object, ...]] = []

    def ended(self, by: object, cause: str, status: int, request: SipRequest | None) -> None:
        del request
        self.ends.append((by, cause, status))


@pytest.mark.parametrize("octets", [b"no call", b"95500\n\n\n", b"\xff"])
def test_a_permit_that_cannot_be_written_gives_its_place_back(octets: bytes) -> None:
    play = DeskPlay()
    placed = play.judge.permitted = Placed(octets)
    play.calls_out()
    assert play.last_answer("a").status == 500
    assert placed.ends == [("us", "unwritten", 500)]
    assert [event for event, _ in play.logged] == ["call.unwritten"]
    assert (len(play.desk), len(play.calls)) == (0, 0)


def test_a_permit_that_was_spent_gives_its_place_back() -> None:
    play = DeskPlay()
    placed = play.judge.permitted = Placed("95500\n8613800138000\n江澜银行\n".encode())
    placed.permit.spend()
    play.calls_out()
    assert play.last_answer("a").status == 500
    assert placed.ends == [("us", "unwritten", 500)]


def test_reading_a_caller_raises_what_answers_it() -> None:
    with pytest.raises(SipError):
        Inward(a_request(caller="<sip:a@b@c>;tag=x"), "95500", frozenset())


@pytest.mark.parametrize("begin", [DeskPlay.comes_back, DeskPlay.calls_out])
def test_a_call_that_offers_text_goes_nowhere_whatever_the_judge_says(begin: Callable[..., None]) -> None:
    play = DeskPlay()
    play.judge.permitted = Permitted(Permit(Seal(), Decision(1, b"", GROUND), b"95500\n8613800138000\n\n"))
    begin(play, body=SDP + b"m=message 9 TCP/MSRP *\r\n")
    assert (play.last_answer("a").status, play.reached, len(play.desk)) == (488, [], 0)


@pytest.mark.parametrize("inside", [True, False])
def test_a_text_is_answered_with_its_rule_and_told(inside: bool) -> None:
    play = DeskPlay()
    play.comes_back()
    play.answer("b", play.last("b", "INVITE"), 200, body=SDP)
    if inside:
        play.ask("a", "MESSAGE", 2)
    else:
        play.give("a", a_request("MESSAGE", call_id="text", via="SIP/2.0/UDP h;branch=z9hG4bK-text"))
    answer = play.last_answer("a")
    assert (answer.status, answer.each("reason")) == (405, [b'Q.850;cause=21;text="pdu.unsupported"'])
    assert [name for name, _ in play.logged] == ["call.text_refused"]
