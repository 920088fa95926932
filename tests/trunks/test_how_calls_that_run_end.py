"""A call that was answered ends when it has lasted as long as it may, and when its number is closed; not otherwise."""

from __future__ import annotations

import pytest

from proxy.core.decision import Decision, Permit, Seal
from proxy.sip.call_events import EndedBy
from proxy.sip.judged import JudgedCall
from proxy.sip.message import SipRequest
from proxy.sip.reply import Headers
from proxy.trunks.judge import Permitted
from tests.tools.outbound_play import GROUND
from tests.tools.sip_call_play import SDP_B
from tests.tools.sip_desk_play import DeskPlay

pytestmark = pytest.mark.unit


class Running(Permitted):
    """A permitted call that may be closed meanwhile."""

    def __init__(self, longest_s: float = 0.0) -> None:
        octets = JudgedCall("95500", "8613800138000", "江澜银行").octets()
        super().__init__(Permit(Seal(), Decision(1, b"", GROUND), octets), longest_s)
        self.rule = ""
        self.ends: list[tuple[str, str, int]] = []

    def closed_by(self) -> str:
        return self.rule

    def ending(self, rule: str) -> Headers:
        return [("reason", b'Q.850;cause=21;text="%s"' % rule.encode())]

    def ended(self, by: EndedBy, cause: str, status: int, request: SipRequest | None) -> None:
        del request
        self.ends.append((by, cause, status))


def talking(longest_s: float = 0.0) -> tuple[DeskPlay, Running]:
    play, call = DeskPlay(), Running(longest_s)
    play.judge.permitted = call
    play.calls_out()
    play.answer("b", play.last("b", "INVITE"), 200, body=SDP_B)
    play.ask("a", "ACK", 1)
    return play, call


def byes(play: DeskPlay) -> list[tuple[str, bytes | None]]:
    return [
        (side, each.first("reason"))
        for side in ("a", "b")
        for each in play.sent[side]
        if isinstance(each, SipRequest) and each.method == "BYE"
    ]


def test_a_call_lasts_as_long_as_it_may() -> None:
    play, call = talking(30.0)
    play.to(29.9)
    assert (byes(play), call.ends) == ([], [])
    play.to(30.1)
    reason = b'Q.850;cause=16;text="duration"'
    assert (byes(play), call.ends) == ([("a", reason), ("b", reason)], [("us", "duration", 200)])


def test_without_a_cap_it_goes_on_and_one_that_has_ended_ends_once() -> None:
    play, call = talking()
    play.to(80_000)
    assert call.ends == []
    play, call = talking(30.0)
    play.ask("a", "BYE", 2)
    play.to(400)
    assert call.ends == [("a", "bye", 200)]


def test_a_number_that_is_closed_ends_its_calls_where_that_is_configured() -> None:
    play, call = talking()
    play.desk.recheck(play.now)
    play.note()
    assert (byes(play), call.ends) == ([], []), "whoever judges says that it may go on"
    call.rule = "fraud.hold"
    play.desk.recheck(play.now)
    play.note()
    reason = b'Q.850;cause=21;text="fraud.hold"'
    assert (byes(play), call.ends) == ([("a", reason), ("b", reason)], [("us", "fraud.hold", 200)])
    assert ("call.closed", {"trunk": "callcentre", "rule": "fraud.hold"}) in play.logged
