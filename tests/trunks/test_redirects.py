"""A carrier's 3xx: it ends the call, or whom it names is asked about anew and dialled where configuration says."""

from __future__ import annotations

import pytest

from proxy.core.decision import Decision, Permit, Seal
from proxy.sip.judged import JudgedCall
from proxy.sip.message import SipRequest
from proxy.trunks.judge import Permitted, Refused
from proxy.trunks.redirect import redirect_of
from tests.tools.outbound_play import GROUND
from tests.tools.sip_desk_play import DeskPlay
from tests.tools.sip_messages import a_request, a_response

pytestmark = pytest.mark.unit

OTHER = "8613900139000"
ELSEWHERE = f"<sip:{OTHER}@elsewhere.example:5099;maddr=192.0.2.99>"


class Placed(Permitted):
    """A permitted call to somebody, and its end."""

    def __init__(self, called: str) -> None:
        octets = JudgedCall("95500", called, "江澜银行").octets()
        super().__init__(Permit(Seal(), Decision(1, b"", GROUND), octets))
        self.ends: list[tuple[object, ...]] = []

    def ended(self, by: object, cause: str, status: int, request: SipRequest | None) -> None:
        del request
        self.ends.append((by, cause, status))


def playing(*, follow: bool = True) -> tuple[DeskPlay, Placed, Placed]:
    play = DeskPlay(follow_redirects=follow)
    first, second = Placed("8613800138000"), Placed(OTHER)
    play.judge.permitted, play.judge.next = first, second
    play.calls_out()
    return play, first, second


def redirect(play: DeskPlay, contact: str = ELSEWHERE, status: int = 302) -> None:
    play.answer("b", play.last("b", "INVITE"), status, contact=contact)


def test_whom_it_names_is_asked_about_and_dialled_at_our_gateway() -> None:
    play, first, second = playing()
    redirect(play)
    assert play.judge.asked[1:] == [ELSEWHERE[1:-1].encode()]
    assert first.ends == [("b", "redirected", 302)]
    assert play.reached == ["192.0.2.30", "192.0.2.30"]
    invite = play.last("b", "INVITE")
    assert invite.uri == f"sip:{OTHER}@192.0.2.30:5060;user=phone".encode()
    assert b"elsewhere" not in invite.octets()
    play.answer("b", invite, 486)
    assert play.last_answer("a").status == 486
    assert second.ends == [("b", "486", 486)]
    assert len(play.desk) == 0


def test_a_refusal_of_whom_it_names_is_the_answer() -> None:
    play, first, _ = playing()
    play.judge.next = Refused(607, b"Unwanted", [("reason", b"Q.850;cause=21")], "suppression.active")
    redirect(play)
    assert play.last_answer("a").status == 607
    assert (first.ends, len(play.desk), play.reached) == ([("b", "redirected", 302)], 0, ["192.0.2.30"])


def test_once_and_no_further() -> None:
    play, _, second = playing()
    redirect(play)
    redirect(play)
    answer = play.last_answer("a")
    assert (answer.status, answer.each("reason"), len(play.judge.asked)) == (480, [b"SIP;cause=302"], 2)
    assert second.ends == [("b", "480", 480)]


@pytest.mark.parametrize("contact", ["<mailto:a@b.example>", "<sip:a@b@c>", "<sip:1@x>;q=7", "*"])
def test_a_contact_that_names_nobody_ends_the_call(contact: str) -> None:
    play, first, _ = playing()
    redirect(play, contact)
    assert (play.last_answer("a").status, len(play.judge.asked)) == (480, 1)
    assert first.ends == [("b", "480", 480)]


def test_unless_configuration_wants_it_the_call_ends() -> None:
    play, first, _ = playing(follow=False)
    redirect(play)
    assert (play.last_answer("a").status, len(play.judge.asked), first.ends) == (480, 1, [("b", "480", 480)])


def test_after_it_rang_nobody_else_is_called() -> None:
    play, _, _ = playing()
    play.answer("b", play.last("b", "INVITE"), 180)
    redirect(play)
    assert (play.last_answer("a").status, len(play.judge.asked)) == (480, 1)


@pytest.mark.parametrize(
    ("contacts", "best"),
    [
        (["<sip:1@x>;q=0.2", "<sip:2@x>;q=0.9"], b"sip:2@x"),
        (["<sip:1@x>;q=0.9", "<sip:2@x>"], b"sip:2@x"),
        (["<sip:1@x>, <sip:2@x>"], b"sip:1@x"),
        (["<mailto:a@b>", "<tel:+86139>;q=0.1"], b"tel:+86139"),
        ([], None),
    ],
)
def test_the_preferred_one_is_asked_about(contacts: list[str], best: bytes | None) -> None:
    response = a_response(a_request(), 300, headers=tuple(f"Contact: {each}" for each in contacts))
    found = redirect_of(response)
    assert (found.written if found is not None else None) == best
