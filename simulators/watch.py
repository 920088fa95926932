"""Waiting for a state of a simulator without sleeping: a condition, looked at whenever something happened.

Owns the waiting futures. Must never poll: whoever changes something that can be waited for calls `tell`.
"""

import asyncio
from collections.abc import Callable
from typing import Final

LIMIT_S: Final = 10.0
"""How long a wait lasts by default, in seconds."""


class Watch:
    """Futures that are resolved as soon as their condition holds."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def tell(self) -> None:
        """Look at the conditions again; cheap where nobody waits."""
        if not self._waiting:
            return
        still = []
        for condition, future in self._waiting:
            if future.done():
                continue
            if condition():
                future.set_result(None)
            else:
                still.append((condition, future))
        self._waiting = still

    async def until(self, condition: Callable[[], bool], limit_s: float | None = LIMIT_S) -> None:
        """Return when `condition` holds; raises TimeoutError after `limit_s` seconds (None: waits for ever)."""
        if condition():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((condition, future))
        async with asyncio.timeout(limit_s):
            await future
