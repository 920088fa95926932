"""Peers that send anything, a policy that decides by lot, late or not at all, a disk that fails or hangs: whatever
comes, each request has one final answer, each call that was let through ends once, and nothing stays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.decision import Decision, Permit, Seal
from proxy.sip.call_events import BranchFailed, CallAsked, CallEnded
from proxy.sip.flow import Flow
from proxy.sip.judged import JudgedCall
from proxy.sip.message import SipRequest
from proxy.sip.uri import Uri, parse_uri
from proxy.trunks.door import Admitted
from proxy.trunks.judge import Answer, CallBack, Listening, NotTaken, Permitted, Refused
from tests.sip.test_sip_call_storm import Storm
from tests.tools.outbound_play import GROUND
from tests.tools.sip_call_play import SDP_B
from tests.tools.sip_desk_play import DeskPlay

pytestmark = pytest.mark.unit

REFUSED = Refused(403, b"Forbidden", [("reason", b"Q.850;cause=21")], "suppression.active")
URI = parse_uri(b"sip:13800138000@192.0.2.20")


class Raised(Exception):
    """What the policy's side raises, as a defect of it would."""


class Ears(Permitted):
    """A permitted call, or the listener after it: a refusal of leg B's by lot."""

    def __init__(self, storm: DeskStorm, permit: Permit) -> None:
        super().__init__(permit, float((0, 0, 0, 20)[storm.lot(3)]))
        self.storm = storm
        self.ends = 0

    def _said(self, side: str, committed: Callable[[bool], None]) -> bool:
        if side != "b" or self.storm.lot(2) == 2:
            return False
        self.storm.commits.append(committed)
        return True

    def tried(self, carrier: str) -> None:
        self.storm.may_raise()

    def may_go_on(self, answer: Answer) -> bool:
        self.storm.may_raise()
        how = self.storm.lot(5)
        if how == 5:
            answer(REFUSED)
        elif how == 4:
            self.storm.answers.append(answer)
        return how < 4

    def rang(self, response: Any) -> None:
        self.storm.may_raise()

    def answered(self, response: Any, now: float) -> None:
        self.storm.may_raise()

    def info(self, request: Any, side: str, now: float, committed: Callable[[bool], None]) -> bool:
        self.storm.may_raise()
        return self._said(side, committed)

    def unwanted(self, message: Any, side: str, committed: Callable[[bool], None]) -> bool:
        self.storm.may_raise()
        return self._said(side, committed)

    def again(self, committed: Callable[[bool], None]) -> bool:
        return self._said("b", committed)

    def leaving(self) -> list[tuple[str, bytes]] | None:
        return [("reason", b"Q.850;cause=21")] if self.storm.lot(1) else None

    def after(self) -> Listening | None:
        return self if self.storm.lot(1) else None

    def closed_by(self) -> str:
        return "fraud.hold" if self.storm.lot(2) == 2 else ""

    def ended(self, *_: object) -> None:
        self.ends += 1


class Play(DeskPlay):
    """The desk as the shell runs it, with two gateways: what raises costs its own call."""

    def __init__(self) -> None:
        super().__init__(gateways=2, username="tdgate")

    def note(self) -> None:
        while True:
            known = len(self.events)
            super(DeskPlay, self).note()
            for event in self.events[known:]:
                try:
                    self.desk.take(event, self.admitted, self.now)
                except Raised:
                    self.desk.broken(event, self.now)
            if len(self.events) == known:
                return


class DeskStorm(Storm):
    """The storm, with a desk that decides. `commits` and `answers` are what the disk owes."""

    def __init__(self, data: st.DataObject) -> None:
        super().__init__(data)
        self.play = Play()
        if data.draw(st.booleans()):
            self.play.flows = {side: Flow(side, flow.peer, True) for side, flow in self.play.flows.items()}
        self.play.judge = self  # type: ignore[assignment]
        self.play.desk._judge = self  # type: ignore[misc]
        self.play.admitted = Admitted(self.play.trunk, URI)
        self.lucky = False
        self.permitted: list[Ears] = []
        self.commits: list[Callable[[bool], None]] = []
        self.answers: list[Answer] = []

    def may_raise(self) -> None:
        if not self.lucky and self.lot(15) == 15:
            raise Raised

    # The judge

    def judge(
        self, account: str, request: SipRequest, uri: Uri, answer: Answer, *, offers_text: bool = False
    ) -> Permitted | None:
        del account, request, uri
        self.may_raise()
        how = 1 if self.lucky else self.lot(7)
        if how == 7:
            answer(REFUSED)
        elif how == 6:
            self.answers.append(answer)
        else:
            octets = JudgedCall("95500", "8613800138000", "江澜银行").octets() if how else b""
            ears = Ears(self, Permit(Seal(), Decision(1, b"", GROUND), octets))
            self.permitted.append(ears)
            return ears
        return None

    def put_off(self, account: str, request: SipRequest, uri: Uri, rule: str, answer: Answer) -> None:
        answer(REFUSED)

    def call_back(self, carrier: str, request: SipRequest, uri: Uri, taking: object) -> CallBack | NotTaken:
        return NotTaken(404, [], "number")

    # What happens

    def settle(self) -> None:
        self.play.note()
        self.calls = list(dict.fromkeys(each.call for each in self.play.events if isinstance(each, CallAsked)))
        # What the storm below knows of a call that is under way: the request that it began with.
        for event in self.play.events[self.handled :]:
            assert not isinstance(event, BranchFailed) or event.status >= 300
        self.handled = len(self.play.events)

    def talk(self) -> None:
        """Begin with a call that both sides have answered."""
        self.lucky = True
        self.play.calls_out()
        self.play.answer("b", self.play.last("b", "INVITE"), 200, body=SDP_B)
        self.play.ask("a", "ACK", 1)
        self.lucky = False
        self.number = 10
        self.settle()

    def step(self) -> None:
        kind = self.lot(9)
        if kind == 0 and self.commits:
            self.commits.pop(self.lot(len(self.commits) - 1))(bool(self.lot(2)))
        elif kind == 1 and self.answers:
            self.answers.pop(self.lot(len(self.answers) - 1))(REFUSED)
        elif kind == 2:
            self.play.desk.recheck(self.play.now)
        elif kind == 3 and self.lot(3) == 3:
            self.play.dead = set() if self.play.dead else {"192.0.2.30"}
        else:
            super().step()
        self.settle()


@given(st.data())
def test_whatever_comes_each_call_ends_once_and_nothing_stays(data: st.DataObject) -> None:
    storm = DeskStorm(data)
    play = storm.play
    assert isinstance(play, Play)
    if data.draw(st.booleans()):
        storm.talk()
    for _ in range(data.draw(st.integers(1, 40))):
        storm.step()
    for answer in storm.answers:
        answer(REFUSED)
    for _ in range(6):
        play.to(play.now - 5000 + 250)
        storm.settle()
        play.desk.end_all(play.now)
        storm.settle()
    play.to(play.now - 5000 + 500)
    storm.check()
    assert len(play.desk) == 0
    assert [each.ends for each in storm.permitted] == [1] * len(storm.permitted)
    assert len([each for each in play.events if isinstance(each, CallEnded)]) == len(storm.calls)
