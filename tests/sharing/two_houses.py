"""What a test needs of two houses that share a list: commands that stay, a real broker, and registries of any size."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from proxy.commands.registry_access import ImportRequest, StoreAccess
from proxy.settings import load
from tests.wire.house import ROOT

LIMIT_S = 60.0


class Command:
    """A command of tdgate that stays: its log lines are events to wait for."""

    def __init__(self, config: Path, *words: str) -> None:
        self._config = config
        self._words = words
        self.lines: list[dict[str, Any]] = []
        self.said: list[str] = []
        self._changed = asyncio.Condition()
        self._readers: list[asyncio.Task[None]] = []
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Command:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "proxy",
            *self._words,
            "--config",
            str(self._config),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._readers = [
            asyncio.create_task(self._read(self._process.stdout)),
            asyncio.create_task(self._read(self._process.stderr)),
        ]
        return self

    async def _read(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            try:
                self.lines.append(json.loads(line))
            except ValueError:
                self.said.append(line.decode().strip())
            async with self._changed:
                self._changed.notify_all()

    async def told(self, event: str, count: int = 1, **fields: Any) -> list[dict[str, Any]]:
        """The lines of an event with these fields, as soon as there are `count`."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.lines if line.get("event") == event and fields.items() <= line.items()]

        try:
            async with asyncio.timeout(LIMIT_S), self._changed:
                while len(found()) < count:
                    await self._changed.wait()
        except TimeoutError as error:
            raise AssertionError(f"{event} {fields}: never told; {self.said} {self.lines[-5:]}") from error
        return found()

    async def line(self, beginning: str) -> str:
        """The rest of the first plain line that begins so."""
        async with asyncio.timeout(LIMIT_S), self._changed:
            while not (found := [one for one in self.said if one.startswith(beginning)]):
                await self._changed.wait()
            return found[0].removeprefix(beginning).strip()

    async def __aexit__(self, *raised: object) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(self._process.wait(), LIMIT_S)
        await asyncio.gather(*self._readers)
        assert code == 0 or raised[0] is not None, (code, self.said, self.lines[-5:])


class Broker:
    """A real Mosquitto on a port of its own, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        assert program is not None
        self._program = program
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._config = folder / "mosquitto.conf"
        self._config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n", encoding="utf-8")
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            self._program,
            "-c",
            str(self._config),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(LIMIT_S):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return
                # WHY a pause: a port that begins to listen is no event one could wait for.
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Ends it at once: it keeps nothing, neither sessions nor retained messages."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def __aenter__(self) -> Broker:
        await self.start()
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.stop()


def number(place: int, **more: Any) -> dict[str, Any]:
    """One number of an invented library."""
    row = {
        "address": f"1069{place:07d}",
        "principal": "jianglan",
        "operator": "jianglan",
        "telecom": "示例通信（虚构）",
        "channels": ["sms"],
        "purposes": ["marketing"],
        "since": "2026-01-01",
        "until": "2099-12-31",
    }
    return row | more


async def take_in(config: Path, folder: Path, **sections: Any) -> None:
    """Imports sections into the registry of a configuration."""
    file = folder / "import.json"
    file.write_text(json.dumps(sections, ensure_ascii=False), encoding="utf-8")
    request = ImportRequest(file)
    report, changed = await asyncio.to_thread(StoreAccess(load(config)).take_in, request, lambda _: None)
    assert changed is not None, report.problems


async def ask(config: Path, verb: str, **fields: Any) -> dict[str, Any]:
    """What a verb answers, as a command would have it performed."""
    return await asyncio.to_thread(StoreAccess(load(config)).ask, verb, fields)


INSTITUTIONS = [{"id": "jianglan", "name": "江澜银行（虚构）", "kind": "bank"}]
