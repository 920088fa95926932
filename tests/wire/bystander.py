"""A session that goes on: what no bad input of another may disturb."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType

from tests.tools.wire import SUBMIT_SM
from tests.wire.house import House, text

#: Against waiting for ever; nothing is judged by it.
LIMIT_S = 60.0


class Bystander:
    """Submits one message after the other until the end; any answer but 0 ends it, and the test that looks at it."""

    def __init__(self, house: House, account: str = "jl-svc", number: str = "10690002") -> None:
        self._house, self._account, self._number = house, account, number
        self._answered = 0
        self._step = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Bystander:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        failed = self._task.done()
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        assert not failed

    async def _run(self) -> None:
        esme = await self._house.bind(self._account)
        while True:
            answer = await esme.request(SUBMIT_SM, text(self._number))
            assert answer.status == 0, answer
            async with self._step:
                self._answered += 1
                self._step.notify_all()
            # WHY: a few hundred a second are enough to notice a disturbance, and leave the machine to others.
            await asyncio.sleep(0.003)

    async def goes_on(self, more: int = 3) -> None:
        """Returns when it was answered `more` times from now on."""
        assert self._task is not None
        wanted = self._answered + more

        async def reached() -> None:
            async with self._step:
                await self._step.wait_for(lambda: self._answered >= wanted)

        waiting = asyncio.create_task(reached())
        await asyncio.wait((waiting, self._task), timeout=LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            waiting.cancel()
            await self._task
        assert waiting.done(), "the bystander stands still"
