"""How long the loop was held up: what no message could pass in, as the process itself sees it.

Owns the measuring only. A timer falls due a hundred times a second; what it comes late by is the pause. Two parts of it
tell whose fault it was: `loop_ms`, in which what runs on the loop used a CPU, and `process_ms`, in which any thread of
the process did (one that does not let go of the interpreter holds the loop up too). The rest is a disk that the loop
waited for, or a machine that gave its CPUs to others.
"""

import asyncio
import time
from typing import Final

from msgspec import Struct

_PERIOD_S: Final = 0.01


class Pause(Struct, frozen=True):
    """The longest pause of the loop since it was asked last, in milliseconds, and the most of each part."""

    ms: float = 0.0
    process_ms: float = 0.0
    loop_ms: float = 0.0


class LoopWatch:
    """Watches a loop, from one of its callbacks or tasks, until `stop`."""

    __slots__ = ("_due", "_handle", "_loop", "_loop_used", "_ms", "_of_loop", "_of_process", "_process_used")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._ms = self._of_process = self._of_loop = 0.0
        self._arm(time.monotonic(), time.process_time(), time.thread_time())

    def _arm(self, now: float, process_used: float, loop_used: float) -> None:
        self._due = now + _PERIOD_S
        self._process_used = process_used
        self._loop_used = loop_used
        self._handle = self._loop.call_later(_PERIOD_S, self._passed)

    def _passed(self) -> None:
        # WHY each clock once: this runs a hundred times a second, also where nothing else does.
        now, process_used, loop_used = time.monotonic(), time.process_time(), time.thread_time()
        late = now - self._due
        if late > self._of_loop:
            # WHY the lesser: what was used before the timer fell due held nothing up.
            self._ms = max(self._ms, late)
            self._of_process = max(self._of_process, min(late, process_used - self._process_used))
            self._of_loop = max(self._of_loop, min(late, loop_used - self._loop_used))
        self._arm(now, process_used, loop_used)

    def take(self) -> Pause:
        """What was seen since the last time this was asked."""
        found = Pause(round(self._ms * 1e3, 3), round(self._of_process * 1e3, 3), round(self._of_loop * 1e3, 3))
        self._ms = self._of_process = self._of_loop = 0.0
        return found

    def stop(self) -> None:
        """Watches no longer."""
        self._handle.cancel()
