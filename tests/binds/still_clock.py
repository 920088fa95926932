"""An event loop whose clock moves only when nothing else is to be done: hours of delays pass at once, and exactly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class StillClockLoop(asyncio.SelectorEventLoop):
    """`time()` starts at 0. What is run in an executor takes `work_s` of this clock, and no thread."""

    def __init__(self, work_s: float = 0.0) -> None:
        super().__init__()
        self._now = 0.0
        self.work_s = work_s
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

        def finish() -> None:
            self.working -= 1
            if not done.done():
                done.set_result(work(*args))

        self.call_later(self.work_s, finish)
        return done


def run_still(main: Callable[[StillClockLoop], Coroutine[Any, Any, T]], work_s: float = 0.0) -> T:
    """Runs `main` on a loop of its own with a still clock."""
    made: list[StillClockLoop] = []

    def make() -> StillClockLoop:
        made.append(StillClockLoop(work_s))
        return made[0]

    async def begin() -> T:
        return await main(made[0])

    with asyncio.Runner(loop_factory=make) as runner:
        return runner.run(begin())
