"""Calls at once are a bounded room: one trunk or carrier leaves a part of it to the others, and what ends is free."""

from __future__ import annotations

import pytest

from proxy.sip.message import SipRequest, SipResponse
from proxy.sip.uri import Uri, parse_uri
from proxy.trunks.door import Admitted
from proxy.trunks.judge import Answer, Permitted, Refused
from proxy.trunks.peers import Trunk, holder_of
from tests.tools.sip_call_play import SDP_B
from tests.tools.sip_desk_play import TAKING, DeskPlay, Judge
from tests.trunks.test_further_gateways import Placed

pytestmark = pytest.mark.unit

URI = parse_uri(b"sip:13800138000@192.0.2.20")


class Open(Judge):
    """Permits every call; what is put off is answered 503 with its rule."""

    def judge(
        self, account: str, request: SipRequest, uri: Uri, answer: Answer, *, offers_text: bool = False
    ) -> Permitted | None:
        return Placed()

    def put_off(self, account: str, request: SipRequest, uri: Uri, rule: str, answer: Answer) -> None:
        answer(Refused(503, b"Service Unavailable", [("retry-after", b"1")], rule))


def playing(most: int) -> DeskPlay:
    play = DeskPlay(most=most)
    play.desk._judge = Open()  # type: ignore[misc]
    return play


def call(play: DeskPlay, trunk: Trunk, name: str) -> int:
    """What becomes of an INVITE: the status of its answer, 0 where it goes on."""
    sent = len(play.sent["a"])
    play._begins(Admitted(trunk, URI), call_id=name, via=f"SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK-{name}")
    finals = [each.status for each in play.sent["a"][sent:] if isinstance(each, SipResponse) and each.status > 100]
    return finals[0] if finals else 0


def test_one_trunk_leaves_a_quarter_and_the_others_are_served() -> None:
    play = playing(16)
    other = Trunk("another", TAKING)
    assert [call(play, play.trunk, f"f{each}") for each in range(14)] == [0] * 12 + [503] * 2
    assert {fields["rule"] for event, fields in play.logged if event == "call.refused"} == {"throughput.account"}
    assert [call(play, other, f"o{each}") for each in range(3)] == [0] * 3
    assert (len(play.desk), len(play.calls)) == (15, 15)


def test_what_ended_is_free_again() -> None:
    play = playing(16)
    for each in range(12):
        call(play, play.trunk, f"f{each}")
    assert call(play, play.trunk, "over") == 503
    play.desk.end_all(play.now)
    play.note()
    assert [call(play, play.trunk, f"g{each}") for each in range(13)] == [0] * 12 + [503]


def test_the_last_place_is_the_last() -> None:
    play = playing(1)
    assert [call(play, play.trunk, "one"), call(play, Trunk("another", TAKING), "two")] == [0, 503]


def test_a_carrier_and_a_trunk_of_one_name_are_two_holders() -> None:
    assert holder_of("default", "") != holder_of("", "default")
    assert holder_of("", "") == ""


def test_calls_back_are_the_carriers() -> None:
    play = playing(4)
    for each in range(3):
        play.comes_back(call_id=f"b{each}", via=f"SIP/2.0/UDP 192.0.2.30;branch=z9hG4bK-b{each}")
    assert [call(play, play.trunk, f"f{each}") for each in range(1)] == [0]
    play.answer("b", play.last("b", "INVITE"), 200, body=SDP_B)
    assert play.desk._shares.of("carrier default").held == 3
