"""Runs one case: all hops in turn, round after round, so that a drift of the machine hits all alike; then medians."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.cases import NUMBER, PASSWORD, PERSON_DIGITS, PERSON_PREFIX, TEXTS, Case, Load
from bench.hops import Certificate, Hop, Ports
from bench.smpp.measure import free_port, measure, resident_mb, stop, tree, wait_for
from bench.surroundings import start_page_reader, start_simulator, start_stunnel

FIGURES = ("msgs_per_s", "cpu_s_per_1k", "p50_us", "p99_us", "resident_mb")
SHARE_TOLERANCE = 0.02


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it wrote nothing"


@dataclass(frozen=True)
class Effort:
    """How long each measurement takes."""

    measured_s: float
    warm_s: float
    rounds: int
    startup_s: float


@dataclass
class Row:
    """One hop under one load: the medians of FIGURES, each round as measured, and what went wrong."""

    case: str
    hop: str
    load: str
    figures: dict[str, float] = field(default_factory=dict)
    rounds: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Bench:
    """What stays the same for all cases of one run."""

    smppload: Path
    smscsim: Path
    folder: Path
    certificate: Certificate
    effort: Effort
    say: Callable[[str], None]

    def run(self, case: Case, hops: list[Hop]) -> list[Row]:
        """Measures the case without a hop ("direct") and with each of them."""
        rows: dict[tuple[str, str], Row] = {}

        def row(hop: str, load: Load) -> Row:
            return rows.setdefault((hop, str(load)), Row(case.name, hop, str(load)))

        for number in range(self.effort.rounds):
            for hop in (None, *hops):
                name = hop.name if hop else "direct"
                self.say(f"{case.name}: round {number + 1} of {self.effort.rounds}, {name}")
                try:
                    for load, measured in self._one_hop(case, hop):
                        row(name, load).rounds.append(measured)
                except (OSError, RuntimeError) as error:
                    for load in case.loads:
                        row(name, load).errors.append(str(error))
        for entry in rows.values():
            good = [r for r in entry.rounds if "error" not in r]
            entry.errors += [str(r["error"]) for r in entry.rounds if "error" in r]
            entry.errors = sorted(set(entry.errors))
            for figure in FIGURES:
                values = [r[figure] for r in good if figure in r]
                if values:
                    entry.figures[figure] = statistics.median(values)
        return list(rows.values())

    def _one_hop(self, case: Case, hop: Hop | None) -> list[tuple[Load, dict[str, Any]]]:
        measured = []
        with ExitStack() as running:
            upstream = free_port()
            simulator = start_simulator(self.smscsim, upstream, case.simulator)
            running.callback(stop, simulator)
            if not wait_for(upstream, simulator, 10):
                raise RuntimeError("the simulated carrier does not listen")
            process, port = None, upstream
            if hop:
                process, port = self.start(case, hop, upstream, running)
            for load in case.loads:
                entry = measure(
                    self.load_command(case, load, port), process, self.effort.warm_s, self.effort.measured_s
                )
                refused = entry.get("nonzero", 0) / max(entry.get("acked", 0), 1)
                expected = case.suppressed if hop and hop.enforces else 0.0
                if abs(refused - expected) > SHARE_TOLERANCE:
                    entry["error"] = f"{refused:.0%} refused, last 0x{entry.get('last_nonzero', 0):x}"
                if process:
                    entry["resident_mb"] = round(resident_mb(tree(process.pid)), 1)
                measured.append((load, entry))
        return measured

    def start(self, case: Case, hop: Hop, upstream: int, running: ExitStack) -> tuple[subprocess.Popen[bytes], int]:
        """Starts the hop and what stands around it; returns its process and the port for the load."""
        # INVARIANT: cases with the same share of suppressions share a folder, so that a registry is seeded once.
        folder = self.folder / f"{hop.name}-{case.suppressed:g}"
        folder.mkdir(parents=True, exist_ok=True)
        listen = port = free_port()
        start = hop.start(folder, case, Ports(listen, upstream), self.certificate)
        with (folder / "hop.log").open("ab") as log:
            process = subprocess.Popen(
                start.command, stdout=log, stderr=log, start_new_session=True, env={**os.environ, **start.env}
            )
        running.callback(stop, process)
        if not wait_for(listen, process, self.effort.startup_s):
            raise RuntimeError(f"{hop.name} does not listen: {_last_line(folder / 'hop.log')}")
        if case.tls:
            port = free_port()
            stunnel = start_stunnel(folder, port, listen, self.certificate.cert)
            running.callback(stop, stunnel)
            if not wait_for(port, stunnel, 10):
                raise RuntimeError(f"stunnel does not listen: {_last_line(folder / 'stunnel.log')}")
        if case.page_per_s and start.page:
            page_port = urlsplit(start.page).port or 0
            if not wait_for(page_port, process, self.effort.startup_s):
                raise RuntimeError(f"the page does not listen: {_last_line(folder / 'hop.log')}")
            reader = start_page_reader(folder, start.page, case.page_per_s)
            running.callback(self._end_page_reader, reader, folder)
        return process, port

    def _end_page_reader(self, reader: subprocess.Popen[bytes], folder: Path) -> None:
        stop(reader)
        lines = (folder / "page.log").read_text().splitlines()
        said = json.loads(lines[-1]) if lines else {"failures": 1}
        if said["failures"]:
            raise RuntimeError(f"the page failed {said['failures']} times: see {folder / 'page.log'}")

    def load_command(self, case: Case, load: Load, port: int) -> list[str]:
        """The command of the load for a hop that listens at this port."""
        effort = self.effort
        shape = ["-p", port, "-b", load.binds, "-w", load.window, "-r", load.rate, "-m", case.parts]
        span = ["-t", effort.measured_s, "-W", effort.warm_s]
        who = ["-u", "acct%d", "-x", PASSWORD, "-s", NUMBER, "-T", 0, "-d", PERSON_PREFIX, "-D", PERSON_DIGITS]
        return [str(part) for part in (self.smppload, *shape, *span, *who, "-f", TEXTS)]
