"""A load of calls: one after the other, many at once, or at a fixed rate.

Owns the pace. At a fixed rate the loop is open: a call's time counts from the moment it was due, also where `at_once`
had no room for it, so that a slow target cannot hide by slowing the load down.
"""

import asyncio
import contextlib
import random
from collections import deque
from typing import Final

from simulators.calls.settings import CallShape
from simulators.calls.uac import OutgoingCall, Uac
from simulators.patterns import compile_pattern

_TICK_S: Final = 0.001


class Numbers:
    """The numbers of a load or of one step, each from its pattern."""

    def __init__(self, shape: CallShape, seed: int) -> None:
        rng = random.Random(seed)
        self._patterns = [compile_pattern(each, rng) for each in (shape.callee, shape.caller, shape.asserted)]
        self._count = 0

    def next(self) -> tuple[str, str, str]:
        """Callee, caller, asserted."""
        callee, caller, asserted = (pattern(self._count) for pattern in self._patterns)
        self._count += 1
        return callee, caller, asserted


class CallLoad:
    """A load over an end that stands."""

    def __init__(self, uac: Uac, numbers: Numbers) -> None:
        settings = uac.settings
        self._uac, self._numbers = uac, numbers
        self._rate = settings.rate
        only_one = settings.count is None and settings.duration_s is None
        self._count = 1 if only_one else settings.count
        self._at_once = settings.at_once if settings.at_once is not None else 1 if settings.rate is None else None
        self._due: deque[float] = deque()
        self._begun = 0
        self._stopped = False

    def stop(self) -> None:
        """Begin no more calls."""
        self._stopped = True
        self._due.clear()
        self._uac.endpoint.watch.tell()

    async def run(self) -> None:
        """Make the calls and await their ends; what has none after `limit_s` is given up."""
        uac, settings = self._uac, self._uac.settings
        start = uac.endpoint.time()
        ending = None
        if settings.duration_s is not None:
            ending = asyncio.get_running_loop().call_later(settings.duration_s, self.stop)
        if self._rate is not None:
            await self._tick(start, self._rate)
        else:
            self._fill()
            await uac.endpoint.watch.until(self._all_begun, None)
        if ending is not None:
            ending.cancel()
        with contextlib.suppress(TimeoutError):
            await uac.endpoint.watch.until(lambda: not uac.under_way, settings.limit_s)
        uac.figures.seconds = uac.endpoint.time() - start
        for call in list(uac.under_way):
            call.give_up("limit", uac.endpoint.time())

    def _all_begun(self) -> bool:
        return self._stopped or (self._count is not None and self._begun >= self._count)

    def _room(self) -> bool:
        return self._at_once is None or len(self._uac.under_way) < self._at_once

    def _begin(self, due: float | None) -> None:
        self._begun += 1
        callee, caller, asserted = self._numbers.next()
        self._uac.call(callee, caller, asserted=asserted, due=due, done=self._ended)

    def _ended(self, call: OutgoingCall) -> None:
        # WHY later: a call that fails at once would begin the next one inside its own beginning.
        asyncio.get_running_loop().call_soon(self._fill)

    def _fill(self) -> None:
        if self._rate is not None:
            while self._due and self._room():
                self._begin(self._due.popleft())
            return
        while not self._all_begun() and self._room():
            self._begin(None)
        self._uac.endpoint.watch.tell()

    async def _tick(self, start: float, rate: float) -> None:
        issued, now = 0, self._uac.endpoint.time
        while not self._stopped and (self._count is None or issued < self._count):
            owed = int((now() - start) * rate) + 1 - issued
            for _ in range(owed if self._count is None else min(owed, self._count - issued)):
                self._due.append(start + issued / rate)
                issued += 1
            self._fill()
            await asyncio.sleep(_TICK_S)
        await self._uac.endpoint.watch.until(lambda: not self._due, None)
