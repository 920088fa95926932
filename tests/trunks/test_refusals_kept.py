"""What a person refuses in a call is answered when it is on disk; a disk that fails or hangs leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from proxy.sip.call_events import InsideAsked, UnwantedSaid
from proxy.sip.reply import Headers
from proxy.trunks.judge import Listening
from proxy.trunks.refusing import Declined, Refusing
from tests.tools.sip_call_play import CallPlay

pytestmark = pytest.mark.unit

DTMF = ("Content-Type: application/dtmf",)
UNWANTED = ("Reason: SIP;cause=607",)


class Ears(Listening):
    """Takes everything from leg B for a refusal, as often as it is said. `asked` are the commits under way."""

    def __init__(self, leaving: Headers | None = None) -> None:
        self.asked: list[tuple[float, Callable[[bool], None]]] = []
        self.reason = leaving
        self.is_there = False
        self.now: Callable[[], float] = lambda: 0.0

    def _take(self, committed: Callable[[bool], None]) -> bool:
        if self.is_there:
            return False
        self.asked.append((self.now(), committed))
        return True

    def info(self, request: Any, side: Any, now: float, committed: Callable[[bool], None]) -> bool:
        return side == "b" and self._take(committed)

    def pressed(self, key: str, side: Any, now: float, seen: str, committed: Callable[[bool], None]) -> bool:
        return side == "b" and self._take(committed)

    def unwanted(self, message: Any, side: Any, committed: Callable[[bool], None]) -> bool:
        return side == "b" and self._take(committed)

    def again(self, committed: Callable[[bool], None]) -> bool:
        return self._take(committed)

    def leaving(self) -> Headers | None:
        return self.reason


class Desk(CallPlay):
    """Calls with who keeps refusals, as the desk has it."""

    def __init__(self, leaving: Headers | None = None) -> None:
        super().__init__()
        self.ears = Ears(leaving)
        self.ears.now = lambda: round(self.now - self.began, 3)
        self.began = self.now
        self.told = 0
        self.refusing = Refusing(self.calls, lambda: self.now, self.tell)
        self.declined: Declined | None = None
        self.answered = True

    def tell(self) -> None:
        self.told += 1
        self.note()

    def note(self) -> None:
        seen = len(self.events)
        super().note()
        for event in self.events[seen:]:
            if isinstance(event, InsideAsked):
                self.refusing.info(event, self.ears, answered=self.answered, now=self.now)
            elif isinstance(event, UnwantedSaid):
                self.declined = self.refusing.unwanted(event, self.ears, self.now)
        if len(self.events) > seen:
            self.note()

    def commits(self, on_disk: bool) -> None:
        self.ears.asked[-1][1](on_disk)

    def nothing_left(self) -> None:
        self.to(80)
        assert (len(self.table), len(self.calls), len(self.calls.legs)) == (0, 0, 0)
        assert not self.refusing.under_way


def test_a_bye_is_answered_once_it_is_kept() -> None:
    desk = Desk()
    desk.talking()
    desk.ask("b", "BYE", 1, headers=UNWANTED)
    assert desk.words() == ["! UnwantedSaid", "! CallEnded", "a< BYE"]
    assert len(desk.refusing.under_way) == 1
    desk.commits(True)
    assert desk.words() == ["b< 200 BYE"]
    assert desk.told == 1
    assert not desk.refusing.under_way
    desk.nothing_left()


def test_a_commit_that_fails_is_tried_again() -> None:
    desk = Desk()
    desk.talking()
    desk.ask("b", "BYE", 1, headers=UNWANTED)
    desk.answer("a", desk.last("a", "BYE"), 200)
    desk.taken()
    for second in (0.0, 0.5, 1.5, 3.5):
        assert desk.ears.asked[-1][0] == second
        desk.commits(False)
        assert desk.words() == []
        desk.to(second + (0.5 if second == 0 else 1.0 if second == 0.5 else 2.0 if second == 1.5 else 4.0))
    desk.commits(True)
    assert desk.words() == ["b< 200 BYE"]
    assert len(desk.ears.asked) == 5
    desk.nothing_left()


def test_what_is_there_by_another_way_is_kept() -> None:
    desk = Desk()
    desk.talking()
    desk.ask("b", "BYE", 1, headers=UNWANTED)
    desk.taken()
    desk.commits(False)
    desk.ears.is_there = True
    desk.to(0.5)
    assert "b< 200 BYE" in desk.words()


@pytest.mark.parametrize("hangs", [True, False])
def test_a_bye_on_a_disk_that_hangs_or_fails_ends_with_500(hangs: bool) -> None:
    desk = Desk()
    desk.talking()
    desk.ask("b", "BYE", 1, headers=UNWANTED)
    desk.answer("a", desk.last("a", "BYE"), 200)
    while desk.now < desk.began + 27.9:
        if not hangs:
            desk.commits(False)
        desk.to(min(desk.now - desk.began + 1, 27.9))
    assert not [line for line in desk.words() if line.startswith("b<")]
    desk.to(28.0)
    assert desk.words() == ["b< 500 BYE"]
    if hangs:
        assert len(desk.ears.asked) == 1
    desk.commits(True)
    assert desk.words() == [], "too late: it was answered"
    desk.nothing_left()


def test_a_607_is_acknowledged_and_passed_on_once_it_is_kept() -> None:
    desk = Desk()
    call, invite = desk.ringing()
    desk.answer("b", invite, 607)
    assert desk.declined is not None
    assert desk.declined.wait(lambda now: call.refuse(607, [], now))
    assert desk.words() == ["! UnwantedSaid", "! BranchFailed"]
    desk.commits(True)
    assert desk.words() == ["! CallEnded", "b< ACK", "a< 607 INVITE"]
    assert not desk.declined.wait(lambda _: None)
    desk.ask("a", "ACK", 1)
    desk.nothing_left()


def test_a_607_on_a_disk_that_hangs_is_passed_on_and_never_acknowledged() -> None:
    desk = Desk()
    call, invite = desk.ringing()
    desk.answer("b", invite, 607)
    assert desk.declined is not None
    assert desk.declined.wait(lambda now: call.refuse(607, [], now))
    desk.taken()
    desk.to(27.9)
    desk.answer("b", invite, 607)
    assert desk.words() == []
    desk.to(28.0)
    assert desk.words() == ["! CallEnded", "a< 607 INVITE"]
    desk.commits(True)
    assert "b< ACK" not in desk.words()
    desk.nothing_left()


def test_what_nobody_takes_for_a_refusal_is_answered_in_the_same_turn() -> None:
    desk = Desk()
    desk.ears.is_there = True
    _, invite = desk.ringing()
    desk.answer("b", invite, 607)
    assert desk.words() == ["! UnwantedSaid", "! BranchFailed", "b< ACK"]
    assert desk.declined is None
    desk = Desk()
    desk.talking()
    desk.ask("a", "BYE", 2, headers=UNWANTED)
    assert desk.words() == ["! UnwantedSaid", "! CallEnded", "b< BYE", "a< 200 BYE"]


def test_a_key_is_passed_on_once_it_is_kept_and_the_call_goes_on() -> None:
    desk = Desk()
    desk.talking()
    desk.ask("b", "INFO", 1, headers=DTMF, body=b"9", branch="z9hG4bK-i")
    desk.ask("b", "INFO", 1, headers=DTMF, body=b"9", branch="z9hG4bK-i")
    assert len(desk.ears.asked) == 1, "the same INFO again is no second press"
    assert desk.words() == ["! InsideAsked"]
    desk.commits(True)
    assert desk.words() == ["a< INFO"]
    desk.answer("a", desk.last("a", "INFO"), 200)
    assert desk.words() == ["b< 200 INFO"]
    assert len(desk.calls) == 1


def test_a_key_that_releases_the_call_is_answered_here() -> None:
    desk = Desk([("reason", b"SIP;cause=607")])
    desk.talking()
    desk.ask("b", "INFO", 1, headers=DTMF, body=b"9")
    desk.commits(True)
    assert desk.words() == ["! InsideAsked", "! CallEnded", "b< 200 INFO", "a< BYE", "b< BYE"]
    assert desk.last("a", "BYE").first("reason") == b"SIP;cause=607"
    desk.answer("a", desk.last("a", "BYE"), 200)
    desk.answer("b", desk.last("b", "BYE"), 200)
    desk.nothing_left()


def test_a_key_on_a_disk_that_hangs_is_not_passed_on() -> None:
    desk = Desk()
    desk.talking()
    desk.ask("b", "INFO", 1, headers=DTMF, body=b"9")
    desk.to(28.0)
    assert desk.words() == ["! InsideAsked", "b< 500 INFO"]
    desk.ask("b", "BYE", 2)
    desk.answer("a", desk.last("a", "BYE"), 200)
    desk.nothing_left()


def test_a_key_before_the_answer_is_answered_here() -> None:
    desk = Desk()
    desk.answered = False
    desk.ringing()
    desk.ask("b", "INFO", 1, headers=DTMF, body=b"9")
    desk.commits(True)
    assert desk.words() == ["! InsideAsked", "b< 200 INFO"]


@pytest.mark.parametrize("releases", [True, False])
def test_a_key_that_a_relay_saw_ends_the_call_only_where_that_is_configured(releases: bool) -> None:
    desk = Desk([("reason", b"SIP;cause=607")] if releases else None)
    call = desk.talking()
    desk.refusing.pressed(call, desk.ears, "9", "a", "rtp b", desk.now)
    assert desk.ears.asked == [], "the sender's side"
    desk.refusing.pressed(call, desk.ears, "9", "b", "rtp b", desk.now)
    assert desk.words() == []
    desk.commits(False)
    desk.to(0.5)
    desk.commits(True)
    assert desk.words() == (["! CallEnded", "a< BYE", "b< BYE"] if releases else [])
    assert len(desk.ears.asked) == 2


def test_a_key_that_could_not_be_kept_ends_no_call() -> None:
    desk = Desk([("reason", b"SIP;cause=607")])
    call = desk.talking()
    desk.refusing.pressed(call, desk.ears, "9", "b", "rtp b", desk.now)
    desk.to(40)
    assert desk.words() == []
    assert len(desk.calls) == 1


def test_a_key_that_a_relay_saw_after_the_end_is_heard_by_who_listens_still() -> None:
    desk = Desk([("reason", b"SIP;cause=607")])
    call = desk.talking()
    desk.ask("a", "BYE", 2)
    desk.taken()
    desk.refusing.pressed(call, None, "9", "b", "rtp b", desk.now)
    assert desk.ears.asked == []
    call.listener = desk.ears
    desk.refusing.pressed(call, None, "9", "b", "rtp b", desk.now)
    desk.commits(True)
    assert desk.words() == []
