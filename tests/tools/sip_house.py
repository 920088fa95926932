"""The shell of the calls as a process of its own, for tests with real peers.

async with SipHouse(tmp_path) as house:
    await house.start(gateways=[port_b])
    …                                    # SIPp calls house.udp
    await house.end()                    # SIGTERM, exit 0, nothing left behind, no number in the log
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.wire.house import toml

ROOT = Path(__file__).resolve().parents[2]
#: Against waiting for ever; nothing is judged by it.
LIMIT_S = 60.0
NOTHING_LEFT = "calls=0 attempts=0 open=0"
#: Who is called; a test's name for somebody whom the stand-in permits.
PERSON = "8613800138000"
REFUSED = "8613800134444"


class SipHouse:
    """One process. `log` are its log lines; `ports` its listeners by kind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "tdgate.toml"
        self.process: asyncio.subprocess.Process | None = None
        self.ports: dict[str, int] = {}
        self.left = ""
        self.lines: list[dict[str, Any]] = []
        self._since = 0
        #: What it said that it holds, and how often it was asked.
        self.held = ""
        self._told = 0
        self._changed = asyncio.Condition()
        self._readers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> SipHouse:
        return self

    async def __aexit__(self, *raised: object) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        await asyncio.gather(*self._readers, return_exceptions=True)

    @property
    def udp(self) -> int:
        return self.ports["sip"]

    async def start(
        self,
        gateways: Sequence[int | dict[str, Any]],
        *,
        sip: dict[str, Any] | None = None,
        trunk: dict[str, Any] | None = None,
        carrier: dict[str, Any] | None = None,
        listeners: Sequence[dict[str, Any]] = ({"port": 0},),
        more: dict[str, list[str] | dict[str, Any]] | None = None,
        tables: dict[str, dict[str, Any]] | None = None,
    ) -> SipHouse:
        """`gateways` by port, the first goes first; or as tables. `more` are other trunks with their addresses, or as
        tables; `tables` stand as they are.
        """
        given = [
            {"port": each, "priority": place} if isinstance(each, int) else each
            for place, each in enumerate(gateways, 1)
        ]
        whole = {
            "sip": {"listeners": list(listeners), "drain_s": 1.0, **(sip or {})},
            "sip.trunks.callcentre": {"account": "jl-voice", "addresses": ["127.0.0.1/32"], **(trunk or {})},
            "sip.carriers.default": {"options_s": 0.0, "no_answer_s": 1.0, "gateways": given, **(carrier or {})},
        }
        for name, one in (more or {}).items():
            own = one if isinstance(one, dict) else {"addresses": one}
            whole[f"sip.trunks.{name}"] = {"account": "other", **own}
        whole |= tables or {}
        self.config.write_text('state = "state"\n' + toml(whole), encoding="utf-8")
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.tools.sip_stand_in", str(self.config)),
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._readers = [asyncio.create_task(self._output()), asyncio.create_task(self._log())]
        async with asyncio.timeout(LIMIT_S), self._changed:
            await self._changed.wait_for(
                lambda: len(self.ports) == len(listeners) or self.process is None or self._readers[0].done()
            )
        assert len(self.ports) == len(listeners), (self.folder / "tdgate.log").read_text()[-3000:]
        return self

    async def _output(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            word, _, rest = line.decode().strip().partition(" ")
            if word == "listening":
                kind, _, address = rest.partition(" ")
                self.ports[kind] = int(address.rpartition(":")[2])
            elif word == "left":
                self.left = rest
            await self._tell()
        await self._tell()

    async def _log(self) -> None:
        assert self.process is not None
        assert self.process.stderr is not None
        with (self.folder / "tdgate.log").open("ab") as kept:
            async for line in self.process.stderr:
                kept.write(line)
                kept.flush()
                if line.startswith(b"{"):
                    self.lines.append(json.loads(line))
                    if "held" in self.lines[-1]:
                        self.held = self.lines[-1]["held"]
                        self._told += 1
                await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def event(self, name: str, count: int = 1) -> list[dict[str, Any]]:
        """The log lines of an event, as soon as there are `count`."""
        async with asyncio.timeout(LIMIT_S), self._changed:
            await self._changed.wait_for(lambda: len(self.logged(name)) >= count)
        return self.logged(name)

    def logged(self, name: str) -> list[dict[str, Any]]:
        """The log lines of an event, of this test where the process is shared: since `rests`."""
        return [line for line in self.lines[self._since :] if line["event"] == name]

    async def rests(self) -> None:
        """Returns when no call is left; for those who share one process, between two tests."""
        assert self.process is not None
        async with asyncio.timeout(LIMIT_S):
            while True:
                told = self._told
                self.process.send_signal(signal.SIGUSR1)
                async with self._changed:
                    await self._changed.wait_for(functools.partial(lambda before: self._told > before, told))
                if self.held == NOTHING_LEFT:
                    break
                # WHY a pause: the process tells what it holds only when asked.
                await asyncio.sleep(0.02)
        assert not [line for line in self.lines[self._since :] if "raised_at" in line]
        self._since = len(self.lines)

    async def end(self, *, defects: bool = False) -> None:
        """An orderly end: exit 0, nothing left, no number of a person in the log; nothing raised, but for `defects`."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(self.process.wait(), LIMIT_S)
        await asyncio.gather(*self._readers)
        log = (self.folder / "tdgate.log").read_text(encoding="utf-8")
        assert code == 0, log[-3000:]
        assert self.left == NOTHING_LEFT
        for number in (PERSON, REFUSED):
            assert number[2:] not in log
        assert "Traceback" not in log
        assert ('"raised_at"' in log) == defects
