"""Keeps the window for people running, in a process of its own, so that it cannot slow the wire."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

_PAUSE_S: Final = (1.0, 2.0, 5.0, 15.0)


class ConsoleProcess:
    """Starts the window, and starts it again with growing pauses should it end."""

    def __init__(self, config: Path, log: Callable[..., None]) -> None:
        self._config = config
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()

    def expect_end(self) -> None:
        """From now on its end is in order, and it is not started again."""
        # WHY before `stop`: a terminal and a service manager signal both processes at once, and draining takes time.
        self._stopping.set()

    async def run(self) -> None:
        """Until it is cancelled, or its process ended after `expect_end`."""
        attempt = 0
        while not self._stopping.is_set():
            try:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    *("-m", "proxy", "console", "--config", str(self._config), "--parent", str(os.getpid())),
                )
            except OSError as error:
                # WHY told and tried again: a machine without room for a process has some a while later.
                self._log("console.failed", error=error)
            else:
                code = await self._process.wait()
                if self._stopping.is_set():
                    return
                if code != 0:  # WHY: it ends with 0 only when somebody told it to.
                    self._log("console.failed", code=code)
            await asyncio.sleep(_PAUSE_S[min(attempt, len(_PAUSE_S) - 1)])
            attempt += 1

    async def stop(self) -> None:
        """Ends the process and waits for its end."""
        self.expect_end()
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 5.0)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
