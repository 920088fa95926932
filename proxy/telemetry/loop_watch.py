"""How long the loop was held up: what no message could pass in, as the process itself sees it.

Owns the measuring only. A timer falls due a hundred times a second; what it comes late by is the pause. `spent_ms` is
the part of it in which this process used a CPU: a machine that gives it none makes it pause too, and that is no
fault of what runs on the loop.
"""

import asyncio
import time
from typing import Final

from msgspec import Struct

_PERIOD_S: Final = 0.01


class Pause(Struct, frozen=True):
    """The longest pause of the loop since it was asked last, in milliseconds; `spent_ms` of it with a CPU."""

    ms: float = 0.0
    spent_ms: float = 0.0


class LoopWatch:
    """Watches the running loop until `stop`."""

    __slots__ = ("_due", "_handle", "_loop", "_most", "_spent", "_used")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._most = 0.0
        self._spent = 0.0
        self._arm()

    def _arm(self) -> None:
        self._used = time.process_time()
        self._due = time.monotonic() + _PERIOD_S
        self._handle = self._loop.call_later(_PERIOD_S, self._passed)

    def _passed(self) -> None:
        late = time.monotonic() - self._due
        # WHY the lesser: all threads' use counts, and so does what was used before the timer fell due.
        spent = min(late, time.process_time() - self._used)
        self._most = max(self._most, late)
        self._spent = max(self._spent, spent)
        self._arm()

    def take(self) -> Pause:
        """What was seen since the last time this was asked."""
        found = Pause(round(self._most * 1000, 3), round(self._spent * 1000, 3))
        self._most = self._spent = 0.0
        return found

    def stop(self) -> None:
        """Watches no longer."""
        self._handle.cancel()
