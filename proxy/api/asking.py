"""How a request reaches the running proxy, which owns store and evidence: through its control socket.

Owns how many ask at once, so that the commands of operators find room beside them. Must never answer for the proxy:
where it is away, or does not say, the request was not confirmed.
"""

import asyncio
from pathlib import Path
from typing import Any, Final

from starlette.concurrency import run_in_threadpool

from proxy.control import ControlError, NotRunningError, call

#: The socket serves 16 at once.
_AT_ONCE: Final = 8
_WAITING_MOST: Final = 256
_PATIENCE_S: Final = 15.0


class AwayError(Exception):
    """The proxy did not confirm; the text is for whoever asked."""


class Asking:
    """Asks the proxy behind one socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def ask(self, verb: str, args: dict[str, Any]) -> dict[str, Any]:
        """The proxy's answer; raises AwayError."""
        if self._waiting >= _WAITING_MOST:
            raise AwayError("too much at once; try again")
        self._waiting += 1
        try:
            async with self._places:
                return await run_in_threadpool(call, self._socket, verb, args, _PATIENCE_S)
        except NotRunningError as error:
            raise AwayError("the proxy is not running; nothing was recorded") from error
        except ControlError as error:
            raise AwayError(
                "the proxy did not confirm; whether it was recorded is not known: repeat it with the same "
                "Idempotency-Key"
            ) from error
        finally:
            self._waiting -= 1
