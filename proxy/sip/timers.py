"""Deadlines, in the order in which they come, without a clock of their own.

Owns what is to happen when. Must never act: `expire` tells each owner. How it works: nearly all delays of SIP are a few
fixed ones (T1 and its doublings, T4, 64*T1), and of one delay the deadlines come in the order in which they were
started. So each delay has a lane, a queue of its own, and starting, ending and expiring cost the same however many run.
Rare delays share a heap. A timer that was ended stays in its lane until it would have come.
"""

from collections import deque
from heapq import heappop, heappush
from typing import Final, Protocol

_MOST_LANES: Final = 48
_LATE_SHARE: Final = 1 / 64
_LATE_MOST_S: Final = 0.25
NEVER: Final = float("inf")


class TimerOwner(Protocol):
    """Whatever waits for a deadline."""

    def expired(self, name: str, now: float) -> None:
        """The timer `name` has come; `now` is monotonic."""


class Timer:
    """One deadline, monotonic seconds. `end` takes it back; ending it twice, or after it came, does nothing."""

    __slots__ = ("deadline", "name", "owner")

    def __init__(self, deadline: float, name: str, owner: TimerOwner) -> None:
        self.deadline: Final = deadline
        self.name: Final = name
        self.owner: TimerOwner | None = owner

    def end(self) -> None:
        """It is not to come any more."""
        self.owner = None


class Timers:
    """All deadlines of one stack. INVARIANT: `now` never goes back from call to call."""

    __slots__ = ("_count", "_heap", "_lanes", "soonest")

    def __init__(self) -> None:
        self._lanes: dict[float, deque[Timer]] = {}
        self._heap: list[tuple[float, int, Timer]] = []
        self._count = 0
        #: No deadline that was started since `next_deadline` or `next_wake` was asked is earlier than this.
        self.soonest = NEVER

    def start(self, owner: TimerOwner, name: str, delay_s: float, now: float) -> Timer:
        """Enter a deadline `delay_s` from now; `delay_s` is more than 0."""
        deadline = now + delay_s
        timer = Timer(deadline, name, owner)
        if deadline < self.soonest:
            self.soonest = deadline
        lane = self._lanes.get(delay_s)
        if lane is None:
            if len(self._lanes) >= _MOST_LANES:
                self._wait(timer)
                return timer
            lane = deque()
            self._lanes[delay_s] = lane
        lane.append(timer)
        return timer

    def _wait(self, timer: Timer) -> None:
        self._count += 1
        heappush(self._heap, (timer.deadline, self._count, timer))

    def next_deadline(self) -> float | None:
        """Monotonic time of the next deadline, None where there is none."""
        self.soonest = NEVER
        timer = self._first()
        return None if timer is None else timer.deadline

    def next_wake(self) -> float | None:
        """Monotonic time at which to call `expire`, None where there is no deadline. A deadline may come late by a 64th
        of its delay, at most `_LATE_MOST_S`: those that lie close together come in one wake.
        """
        self.soonest = NEVER
        heap, wake = self._heap, NEVER
        while heap and heap[0][2].owner is None:
            heappop(heap)
        if heap:
            wake = heap[0][0]
        for delay_s, lane in self._lanes.items():
            first = _first_of(lane)
            if first is not None:
                wake = min(wake, first.deadline + min(delay_s * _LATE_SHARE, _LATE_MOST_S))
        return None if wake == NEVER else wake

    def expire(self, now: float) -> None:
        """Tell the owners of all deadlines up to `now`, the earliest first."""
        due: list[Timer] = []
        heap = self._heap
        while heap and heap[0][0] <= now:
            due.append(heappop(heap)[2])
        for lane in self._lanes.values():
            while lane:
                timer = lane[0]
                if timer.owner is not None:
                    if timer.deadline > now:
                        break
                    due.append(timer)
                lane.popleft()
        if len(due) > 1:
            due.sort(key=_deadline_of)
        told = 0
        try:
            for timer in due:
                told += 1
                owner = timer.owner
                timer.owner = None
                if owner is not None:
                    owner.expired(timer.name, now)
        finally:
            # WHY: one owner that fails must not cost the others what they wait for.
            for place in range(told, len(due)):
                self._wait(due[place])

    def _first(self) -> Timer | None:
        first: Timer | None = None
        heap = self._heap
        while heap and heap[0][2].owner is None:
            heappop(heap)
        if heap:
            first = heap[0][2]
        for lane in self._lanes.values():
            timer = _first_of(lane)
            if timer is not None and (first is None or timer.deadline < first.deadline):
                first = timer
        return first

    def held(self) -> int:
        """How many entries are kept, ended ones that have not come yet included."""
        return len(self._heap) + sum(len(lane) for lane in self._lanes.values())


def _first_of(lane: deque[Timer]) -> Timer | None:
    """The first that has not ended; those before it are forgotten."""
    while lane:
        timer = lane[0]
        if timer.owner is not None:
            return timer
        lane.popleft()
    return None


def _deadline_of(timer: Timer) -> float:
    return timer.deadline
