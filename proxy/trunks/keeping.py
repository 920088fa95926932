"""A person's refusal inside a call, on its way to disk: whoever gave it is answered when it is there, and not before.

Owns the wait: a commit that fails is tried again, and after most of what the peer would wait for (RFC 3261 timers F
and H) it counts as lost, so that a hung disk keeps no transaction and no call. Must never take a refusal back: it binds
from the moment it was said, kept or not. Sans-IO; the timers are those of the calls.
"""

from collections.abc import Callable
from typing import Final

from proxy.sip.timers import Timer, Timers
from proxy.sip.transaction.timing import Timing
from proxy.trunks.judge import Committed

#: Of 64*T1: an answer that says that it is lost still finds whoever waits for one.
_MOST: Final = 7 / 8
#: Says it: False where nobody takes it for a refusal, and then nothing is called back.
Say = Callable[[Committed], bool]
#: Called once: whether it is kept, and the monotonic time.
Kept = Callable[[bool, float], None]


class Keeping:
    """One refusal. `again` says it once more where a commit has failed, `then` is called once after `begin` was True;
    `told` whenever something came of it outside of a turn.
    """

    __slots__ = ("_again", "_clock", "_gap_s", "_most", "_then", "_timers", "_timing", "_told", "over")

    def __init__(
        self,
        again: Say,
        then: Kept,
        timers: Timers,
        timing: Timing,
        clock: Callable[[], float],
        told: Callable[[], None],
    ) -> None:
        self._again: Final = again
        self._then: Final = then
        self._timers: Final = timers
        self._timing: Final = timing
        self._clock: Final = clock
        self._told: Final = told
        self._gap_s = timing.t1_s
        self._most: Timer | None = None
        self.over = False

    def begin(self, now: float) -> None:
        """It was said, and somebody took it for a refusal: wait for what comes of it."""
        self._most = self._timers.start(self, "most", self._timing.give_up_s * _MOST, now)

    def __call__(self, on_disk: bool) -> None:
        """What came of the commit."""
        if self.over:
            return
        now = self._clock()
        if on_disk:
            self._end(True, now)
        else:
            self._timers.start(self, "again", self._gap_s, now)
            self._gap_s = min(self._gap_s * 2, self._timing.t2_s)
        self._told()

    def expired(self, name: str, now: float) -> None:
        """It has been waited for long enough, or it is time to try again."""
        if self.over:
            return
        # WHY kept where nobody takes it for a refusal any more: it was put on disk another way.
        if name == "most":
            self._end(False, now)
        elif not self._again(self):
            self._end(True, now)

    def _end(self, kept: bool, now: float) -> None:
        self.over = True
        if self._most is not None:
            self._most.end()
        self._then(kept, now)
