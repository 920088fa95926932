"""What a timer comes late by is the pause, and the clocks of process and thread tell whose it was."""

from collections.abc import Callable
from typing import Any

import pytest

from proxy.telemetry import loop_watch
from proxy.telemetry.loop_watch import LoopWatch, Pause

pytestmark = pytest.mark.unit


class Clocks:
    """The three clocks by hand, and a loop that only keeps what it is to call."""

    def __init__(self) -> None:
        self.wall = self.process = self.thread = 100.0
        self.next: Callable[[], None] | None = None
        self.cancelled = False

    def monotonic(self) -> float:
        return self.wall

    def process_time(self) -> float:
        return self.process

    def thread_time(self) -> float:
        return self.thread

    def call_later(self, _delay: float, callback: Callable[[], None]) -> "Clocks":
        self.next = callback
        return self

    def cancel(self) -> None:
        self.cancelled = True

    def pass_by(self, wall: float, process: float, thread: float) -> None:
        self.wall, self.process, self.thread = self.wall + wall, self.process + process, self.thread + thread
        assert self.next is not None
        self.next()


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    made = Clocks()
    monkeypatch.setattr(loop_watch, "time", made)
    return made


def watch(clocks: Any) -> LoopWatch:
    return LoopWatch(clocks)


def test_the_longest_pause_is_told_once(clocks: Clocks) -> None:
    seen = watch(clocks)
    clocks.pass_by(0.060, 0.045, 0.030)  # due after 0.010
    clocks.pass_by(0.030, 0.001, 0.001)
    assert seen.take() == Pause(50.0, 45.0, 30.0)
    assert seen.take() == Pause()
    clocks.pass_by(0.015, 0.020, 0.015)
    assert seen.take() == Pause(5.0, 5.0, 5.0)


def test_a_timer_in_time_is_no_pause(clocks: Clocks) -> None:
    seen = watch(clocks)
    clocks.pass_by(0.009, 0.009, 0.009)
    assert seen.take() == Pause()
    seen.stop()
    assert clocks.cancelled
