"""One hop between a SIPp that calls and a SIPp that is called: CPU of the hop, failures, memory.

CPU is utime+stime of the hop's whole process tree from /proc, from before the first call until a few seconds after the
last: what a hop does afterwards for calls that are over counts too. It is told for each 1,000 calls that went as they
should. Refused calls begin when all transactions of the completed ones have ended (64*T1 and T4, RFC 3261): the end of
those is not a cost of these.
"""

from __future__ import annotations

import csv
import os
import resource
import socket
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.calls import scenarios, world
from bench.calls.hops import Hop
from bench.smpp.measure import resident_mb, stop, tree

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_AFTER_S: Final = 3.0
_ALL_ENDED_S: Final = 40.0
_WARM: Final = 200
_REFUSAL: Final = 607


@dataclass(frozen=True)
class Task:
    """So many calls at so many a second, each held for `hold_ms`; `refused`: to persons who have refused."""

    name: str
    rate: int
    calls: int
    hold_ms: int = 20
    refused: bool = False


@dataclass
class Result:
    """What came of a task. `kb_a_call` only where calls were held."""

    hop: str
    task: str
    rate: int
    calls: int
    right: int = 0
    cpu_s_per_1k: float = 0.0
    calls_per_s: float = 0.0
    failed_pct: float = 0.0
    sent_again: int = 0
    dropped: int = 0
    kb_a_call: float = 0.0
    error: str = ""


def free_udp_port() -> int:
    """A port that is free now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _cpu_s(pids: list[int]) -> float:
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def _datagrams_dropped() -> int:
    """Of the whole machine, for want of room in a receive buffer."""
    lines = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Udp:")]
    return int(dict(zip(lines[0], lines[1], strict=True))["RcvbufErrors"])


def _bound(port: int) -> bool:
    wanted = f":{port:04X} "
    return any(wanted in line for line in Path("/proc/net/udp").read_text().splitlines())


def _listens(port: int, process: subprocess.Popen[bytes], limit_s: float) -> bool:
    end = time.monotonic() + limit_s
    while time.monotonic() < end and process.poll() is None:
        if _bound(port):
            time.sleep(0.5)
            return True
        time.sleep(0.1)
    return False


def _many_files() -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Bench:
    """Runs hops one after the other, each for all its tasks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, hop: Hop | None, tasks: list[Task]) -> list[Result]:
        """The tasks on one hop; None: the two sides without one."""
        name = hop.name if hop is not None else "direct"
        folder = self._folder / f"{name}-{time.monotonic_ns()}"
        folder.mkdir(parents=True)
        try:
            with ExitStack() as running:
                return self._run(name, hop, tasks, folder, running)
        except (OSError, RuntimeError) as error:
            return [Result(name, each.name, each.rate, each.calls, error=str(error)) for each in tasks]

    def _run(self, name: str, hop: Hop | None, tasks: list[Task], folder: Path, running: ExitStack) -> list[Result]:
        listen, gateway = free_udp_port(), free_udp_port()
        process = None
        called = scenarios.write(folder, "called", scenarios.called(ring_ms=hop.ring_ms if hop else 0))
        side = self._sipp(folder, called, gateway, ["-trace_err", "-error_file", str(folder / "called.err")])
        running.callback(stop, side)
        if not _listens(gateway, side, 10):
            raise RuntimeError("the called side does not listen")
        if hop is not None:
            command = hop.start(folder, listen, gateway)
            with (folder / "hop.log").open("ab") as log:
                process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, cwd=Path.cwd())
            running.callback(stop, process)
            if not _listens(listen, process, 60):
                raise RuntimeError(f"{name} does not listen: {(folder / 'hop.log').read_text()[-300:]}")
            self._call(folder, hop, listen, Task("warm", 50, _WARM))
            time.sleep(1)
        port = listen if hop is not None else gateway
        found: list[Result] = []
        completed = False
        for each in tasks:
            if each.refused and completed:
                time.sleep(_ALL_ENDED_S)
            completed = not each.refused
            found.append(self._measured(name, folder, hop, process, port, each))
        return found

    def _sipp(self, folder: Path, scenario: Path, port: int, more: list[str]) -> subprocess.Popen[bytes]:
        command = ["sipp", "-sf", str(scenario), "-i", "127.0.0.1", "-p", str(port), "-t", "u1", "-nostdin"]
        quiet = subprocess.DEVNULL
        return subprocess.Popen(
            [*command, "-buff_size", "4000000", *more],
            stdout=quiet,
            stderr=quiet,
            cwd=folder,
            start_new_session=True,
            preexec_fn=_many_files,
        )

    def _start_calls(
        self, folder: Path, hop: Hop | None, port: int, task: Task
    ) -> tuple[subprocess.Popen[bytes], Path]:
        strict = hop is None or hop.strict
        text = scenarios.refused(_REFUSAL) if task.refused else scenarios.caller(strict=strict)
        stats = folder / f"{task.name}.csv.stat"
        most_s = task.calls / task.rate + task.hold_ms / 1000 + 45
        who = scenarios.persons(folder, task.name, world.REFUSED if task.refused else world.AGREED)
        more = ["-r", task.rate, "-m", task.calls, "-d", task.hold_ms, "-l", min(15_000, task.calls + 10), "-inf", who]
        more += ["-trace_stat", "-stf", stats, "-fd", 1, "-timeout", f"{most_s:.0f}s", "-timeout_error"]
        more += ["-recv_timeout", task.hold_ms + 34_000, f"127.0.0.1:{port}"]
        more += ["-trace_err", "-error_file", folder / f"{task.name}.err"]
        scenario = scenarios.write(folder, f"{task.name}-caller", text)
        return self._sipp(folder, scenario, free_udp_port(), [str(each) for each in more]), stats

    def _call(self, folder: Path, hop: Hop | None, port: int, task: Task) -> None:
        process, _ = self._start_calls(folder, hop, port, task)
        process.wait(120)

    def _measured(
        self, name: str, folder: Path, hop: Hop | None, process: subprocess.Popen[bytes] | None, port: int, task: Task
    ) -> Result:
        pids = tree(process.pid) if process is not None else []
        before_mb, before_s, dropped, began = resident_mb(pids), _cpu_s(pids), _datagrams_dropped(), time.monotonic()
        calling, stats = self._start_calls(folder, hop, port, task)
        most_mb = before_mb
        while calling.poll() is None:
            time.sleep(0.25)
            if task.hold_ms >= 1000:
                most_mb = max(most_mb, resident_mb(pids))
        took_s = time.monotonic() - began
        time.sleep(_AFTER_S)
        spent_s = _cpu_s(pids) - before_s
        found = Result(name, task.name, task.rate, task.calls)
        try:
            with stats.open(newline="") as lines:
                last: dict[str, Any] = list(csv.DictReader(lines, delimiter=";"))[-1]
        except (OSError, IndexError):
            found.error = "the calling side told nothing"
            return found
        found.right = int(last["SuccessfulCall(C)"])
        found.sent_again = int(last["Retransmissions(C)"])
        found.failed_pct = round(100 * (task.calls - found.right) / task.calls, 3)
        found.cpu_s_per_1k = round(1000 * spent_s / max(found.right, 1), 4)
        found.calls_per_s = round(found.right / max(took_s - task.hold_ms / 1000, 0.1), 1)
        found.dropped = _datagrams_dropped() - dropped
        if task.hold_ms >= 1000 and process is not None:
            found.kb_a_call = round((most_mb - before_mb) * 1000 / task.calls, 2)
        if process is not None and process.poll() is not None:
            found.error = "the hop has ended"
        return found
