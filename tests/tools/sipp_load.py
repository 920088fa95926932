"""SIPp as a load: many calls of one scenario at a rate, and how many of them went as written.

uas = await Load("uas", steps).listen(folder, port)
uac = Load("uac", steps, persons=("8613800138001", …))       # [field0] of the steps
counts = await uac.run(folder, remote=port, calls=1000, rate=100)
counts.good, counts.bad, counts.repeated
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.tools.sipp import SIPP, Scenario, free_port, listens

#: Longer than any timer of RFC 3261 that decides whether a call is over.
PATIENCE_MS = 40_000


@dataclass(frozen=True)
class Counts:
    """Calls that went as written, calls that did not, and messages that were sent again."""

    good: int
    bad: int
    repeated: int


@dataclass
class Load:
    """One side. It keeps no messages, only its counts and the first errors."""

    name: str
    steps: Sequence[str]
    persons: Sequence[str] = ()
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    async def _start(self, folder: Path, local: int, remote: int, *more: str) -> None:
        assert SIPP is not None
        file = folder / f"{self.name}.xml"
        file.write_text(Scenario(self.name, self.steps).xml(), encoding="utf-8")
        self._counts = folder / f"{self.name}.csv"
        self.errors = folder / f"{self.name}.errors"
        if self.persons:
            rows = folder / f"{self.name}.persons"
            rows.write_text("\n".join(["SEQUENTIAL", *self.persons]) + "\n")
            more = ("-inf", str(rows), *more)
        self.process = await asyncio.create_subprocess_exec(
            SIPP,
            f"127.0.0.1:{remote}",
            *("-sf", str(file), "-i", "127.0.0.1", "-p", str(local), "-t", "u1", "-nostdin", "-buff_size", "4000000"),
            *("-trace_stat", "-stf", str(self._counts), "-fd", "1", "-trace_err", "-error_file", str(self.errors)),
            # WHY: what a timer sends again while SIPp thinks is no reason to abandon a call.
            *("-default_behaviors", "all,-abortunexp"),
            # WHY: a call whose other side gave up would wait for ever, and the whole run with it.
            *("-recv_timeout", str(PATIENCE_MS), "-max_log_size", "2000000", *more),
            cwd=folder,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def listen(self, folder: Path, port: int) -> Load:
        """Starts the side that is called; returns when it listens."""
        await self._start(folder, port, 9)
        assert self.process is not None
        await listens(port, "udp", self.process)
        return self

    async def run(self, folder: Path, *, remote: int, calls: int, rate: int) -> Counts:
        """Calls, and returns when the last one is over."""
        await self._start(folder, free_port(), remote, *("-m", str(calls), "-r", str(rate), "-l", str(40 * rate + 100)))
        assert self.process is not None
        await self.process.wait()
        return self.counts()

    def counts(self) -> Counts:
        """Of the last line that SIPp wrote about itself."""
        with self._counts.open() as read:
            rows = list(csv.reader(read, delimiter=";"))
        last = dict(zip(rows[0], rows[-1], strict=False))
        named = [int(last[name]) for name in ("SuccessfulCall(C)", "FailedCall(C)", "Retransmissions(C)")]
        return Counts(*named)

    async def end(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
