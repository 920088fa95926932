"""How a page reaches the running proxy: through its control socket, a few at a time.

Must never answer for the proxy: what it refuses is told in its words, and where it is away nothing was done.
"""

import asyncio
from pathlib import Path
from typing import Any, Final

from starlette.concurrency import run_in_threadpool

from proxy.control import ControlError, NotRunningError, call

#: The socket serves 16 at once, institutions' programs take eight.
_AT_ONCE: Final = 4
_PATIENCE_S: Final = 10.0


class AskError(Exception):
    """The proxy refused, with its reason; or it is away (`away`)."""

    def __init__(self, reason: str, *, away: bool = False) -> None:
        super().__init__(reason)
        self.away = away


class Proxy:
    """The proxy behind one socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def ask(self, verb: str, args: dict[str, Any]) -> dict[str, Any]:
        """Its answer; raises AskError."""
        try:
            async with self._places:
                return await run_in_threadpool(call, self._socket, verb, args, _PATIENCE_S)
        except NotRunningError as error:
            raise AskError("", away=True) from error
        except ControlError as error:
            # WHY without the path: it is of no use to whoever reads the page.
            raise AskError(str(error).removeprefix(f"{self._socket}: ")) from error
