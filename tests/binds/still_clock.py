"""An event loop whose clock moves only when nothing else is to be done: hours of delays pass at once, and exactly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class StillClockLoop(asyncio.SelectorEventLoop):
    """`time()` starts at 0. What is run in an executor takes `work_s` of this clock, and no thread of the machine's.

    With `threads` no more than so many calls run at one time, first come, first served; else all do.
    """

    def __init__(self, work_s: float = 0.0, threads: int = 0) -> None:
        super().__init__()
        self._now = 0.0
        self.work_s = work_s
        self._free_at = [0.0] * threads
        self.working = 0
        """Calls under way in an executor."""
        self.most_working = 0
        real = self._selector.select  # type: ignore[attr-defined]

        def select(timeout: float | None = None) -> Any:
            if timeout is None:
                raise RuntimeError("everybody waits, and nothing will ever happen")
            self._now += max(timeout, 0.0)
            return real(0)

        self._selector.select = select  # type: ignore[attr-defined]

    def time(self) -> float:
        return self._now

    def run_in_executor(self, _executor: object, work: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        done: asyncio.Future[Any] = self.create_future()
        self.working += 1
        self.most_working = max(self.most_working, self.working)

        begins = self._now
        if self._free_at:
            # What was given up while it waited in line is done all the same, as by a thread that has it in hand.
            thread = self._free_at.index(min(self._free_at))
            begins = max(begins, self._free_at[thread])
            self._free_at[thread] = begins + self.work_s

        def finish() -> None:
            self.working -= 1
            if not done.done():
                done.set_result(work(*args))

        self.call_at(begins + self.work_s, finish)
        return done


def run_still(main: Callable[[StillClockLoop], Coroutine[Any, Any, T]], work_s: float = 0.0, threads: int = 0) -> T:
    """Runs `main` on a loop of its own with a still clock."""
    made: list[StillClockLoop] = []

    def make() -> StillClockLoop:
        made.append(StillClockLoop(work_s, threads))
        return made[0]

    async def begin() -> T:
        return await main(made[0])

    with asyncio.Runner(loop_factory=make) as runner:
        return runner.run(begin())
