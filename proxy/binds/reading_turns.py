"""How much is read of all connections before the loop looks at anything else: timers, answers, the disk, other sockets.

Owns the order in which connections are read that found no time left. Must never leave one out, or read one twice before
another that waits. WHY: after whatever held the loop up, each connection has a chunk waiting, and all of them together
are a second of work; nothing else would have its turn before it is done, and it would be more by then.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

#: How long may be read in one turn. One chunk more may be on its way by then.
TURN_S: Final = 0.005
#: So much is read without looking at a clock. WHY: where little comes, turns are short, and the end of each would cost
#: more than the reading.
UNWATCHED_OCTETS: Final = 4096


class Waiting(Protocol):
    """A connection that has something to be read."""

    def read(self) -> None: ...


class ReadingTurns:
    """Shares the turns of a loop among connections. Used on the loop only; `clock` is monotonic seconds."""

    __slots__ = ("_clock", "_ends", "_known", "_loop", "_waiting", "_watched", "spent")

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float] = time.monotonic) -> None:
        self._loop: Final = loop
        self._clock: Final = clock
        self._waiting: Final[deque[Waiting]] = deque()
        #: Those that wait.
        self._known: Final[set[Waiting]] = set()
        #: Whether it is known when this turn began.
        self._watched = False
        self._ends = 0.0
        #: Octets that were read since a turn was known to end. Who reads adds to it.
        self.spent = 0

    def admits(self, one: Waiting) -> bool:
        """Whether a connection may read now; if not, it is read in a later turn, after those that wait already."""
        if not self._watched:
            if self.spent >= UNWATCHED_OCTETS:
                self._watched = True
                self._ends = self._clock() + TURN_S
                self._loop.call_soon(self._next)
            return True
        if self._clock() < self._ends:
            return True
        if one not in self._known:
            self._known.add(one)
            self._waiting.append(one)
        return False

    def _next(self) -> None:
        """Another turn begins."""
        waiting = self._waiting
        self.spent = 0
        if not waiting:
            self._watched = False
            return
        self._loop.call_soon(self._next)
        self._ends = self._clock() + TURN_S
        while waiting:
            one = waiting.popleft()
            self._known.remove(one)
            one.read()
            if self._clock() >= self._ends:
                return
