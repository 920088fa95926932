"""Real peers as processes: start, wait until ready, keep their output, end them by id.

Owns the life of one foreign process. Never waits by sleeping: readiness is a line of output or a port that answers,
each with a limit. What the process wrote stands in `<folder>/<name>.log`, which the test run shows when a test fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tools.ports import free_port as free_port

ROOT = Path(__file__).resolve().parents[3]
READY_S = 60.0
STOP_S = 5.0
SEARCH_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/lib/chromium"


def need(*programs: str) -> None:
    """Skips the test with one line if a program is not there (tests/conftest.py makes that a failure where CI=true)."""
    missing = [p for p in programs if shutil.which(p, path=SEARCH_PATH) is None]
    if "node" in programs and not (ROOT / "node_modules/smpp/package.json").exists():
        missing.append("node-smpp")
    if missing:
        pytest.skip(f"missing: {' '.join(missing)} (scripts/install-peers)")


async def listening(port: int, process: asyncio.subprocess.Process, limit_s: float = READY_S) -> None:
    """Returns when the port takes a connection. RuntimeError if the process ends first, TimeoutError after that."""
    async with asyncio.timeout(limit_s):
        while True:
            if process.returncode is not None:
                raise RuntimeError(f"process ended with {process.returncode} before it listened on {port}")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                # WHY a pause: a refused connection is no event one could wait for.
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return


class Peer:
    """One process in a session of its own, its standard error (and output, unless piped) in a log file."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.log = folder / f"{name}.log"
        self.process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    async def spawn(self, *command: str | Path, piped: bool = False, env: dict[str, str] | None = None) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *map(str, command),
                cwd=self.folder,
                stdin=asyncio.subprocess.PIPE if piped else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if piped else log,
                stderr=log,
                env={**os.environ, "PATH": SEARCH_PATH, **(env or {})},
                start_new_session=True,
                limit=1 << 24,
            )

    def kill(self) -> None:
        """Ends it as a crash does (SIGKILL)."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()

    async def stop(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """Ends it politely, and by force if it does not listen."""
        process = self.process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(sign)
            try:
                await asyncio.wait_for(process.wait(), STOP_S)
            except TimeoutError:
                self.kill()
        await process.wait()


class JsonPeer(Peer):
    """A process of ours around a foreign stack: commands as JSON lines in, events as JSON lines out.

    `events` keeps all in order. `wait` looks at every event, old and new.
    """

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name, folder)
        self.events: list[dict[str, Any]] = []
        self._changed = asyncio.Condition()
        self._ended = False
        self._ids = 0
        self._reader: asyncio.Task[None] | None = None

    async def start(self, *command: str | Path, env: dict[str, str] | None = None) -> None:
        await self.spawn(*command, piped=True, env=env)
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        with (self.folder / f"{self.name}.events.log").open("ab") as log:
            async for line in self.process.stdout:
                log.write(line)
                log.flush()
                async with self._changed:
                    self.events.append(json.loads(line))
                    self._changed.notify_all()
        self._ended = True
        async with self._changed:
            self._changed.notify_all()

    async def wait(
        self, match: Callable[[dict[str, Any]], bool], *, count: int = 1, limit_s: float = 60.0
    ) -> list[dict[str, Any]]:
        """The events that match, once there are `count`. TimeoutError if they never come, RuntimeError at its end."""
        async with asyncio.timeout(limit_s), self._changed:
            while len(found := [e for e in self.events if match(e)]) < count:
                if self._ended:
                    raise RuntimeError(f"{self.name} ended, see {self.log}")
                await self._changed.wait()
            return found

    async def command(self, do: str, *, limit_s: float = 60.0, **fields: Any) -> dict[str, Any]:
        """Sends one command and returns its answer. RuntimeError with the peer's own words if it failed."""
        assert self.process is not None
        assert self.process.stdin is not None
        self._ids += 1
        number = self._ids
        self.process.stdin.write(json.dumps({"id": number, "do": do, **fields}).encode() + b"\n")
        await self.process.stdin.drain()
        (answer,) = await self.wait(lambda e: e["event"] == "done" and e.get("id") == number, limit_s=limit_s)
        if "failed" in answer:
            raise RuntimeError(f"{self.name}: {do}: {answer['failed']}")
        return answer

    async def stop(self, sign: signal.Signals = signal.SIGTERM) -> None:
        await super().stop(sign)
        if self._reader is not None:
            await self._reader
