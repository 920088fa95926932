"""Starts tdgate on the largest lists it promises to hold, and changes them while traffic passes.

    python -m bench.scale [--numbers 100000] [--entrustments 10000] [--suppressions 10000000] [--consents 10000000]
                          [--contacts 0] [--rate 5000] [--trials 50] [--long 1000000] [--pure] [--no-ledgers] [--json]

Start counts from the start of the process until a bind is answered. A change counts from its request on the control
socket (for a file: from its hand-over, after it was checked) until the first answer to a message shows it; a probe
sends one message after the other for that, beside the load. A pause is the longest time in which the load saw no answer
at all, and what the process itself says it was held up (`tdgate_loop_pause_seconds`): by its loop, by all its threads,
and in all. Only the first two say something on a machine with other work. `--long` adds an import of so many refusals
and of all numbers.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec.structs import asdict

from bench import tdgate_hop
from bench.bound_figures import Figure, all_met, told
from bench.cases import NUMBER, PASSWORD, PERSON_DIGITS, PERSON_PREFIX, TEXTS
from bench.scale import world
from bench.scale.changes import Changes
from bench.scale.probe import Probe, Seen
from bench.scale.process import BUILD, ScaleProcess, kept_world
from proxy.telemetry.loop_watch import Pause

_START_S_MOST: Final = 20.0
_RSS_MB_MOST: Final = 600.0
_VISIBLE_MS_MOST: Final = 100.0
_PAUSE_MS_MOST: Final = 20.0
_START_LIMIT_S: Final = 300.0
_LIST: Final = 10_000


class Watch:
    """Looks at memory and pauses all the time; `phase` tells which figures are being made."""

    def __init__(self, process: ScaleProcess) -> None:
        self._process = process
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.pauses: dict[str, list[Pause]] = {}
        self.spans: dict[str, tuple[float, float]] = {}
        self._phase = ""
        self._seen = 0
        self._thread.start()

    def _run(self) -> None:
        while not self._end.wait(0.05):
            at_us, pause = self._process.pause()
            if at_us != self._seen and self._phase:
                self._seen = at_us
                self.pauses.setdefault(self._phase, []).append(pause)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """What is seen in this block is `name`'s."""
        began = time.monotonic()
        # WHY: the status that is there tells of the time before.
        self._seen = self._process.pause()[0]
        self._phase = name
        try:
            yield
            time.sleep(0.3)
        finally:
            self._phase = ""
            self.spans[name] = (began, time.monotonic())

    def stop(self) -> None:
        self._end.set()
        self._thread.join()


def bind_s(process: ScaleProcess) -> float:
    """Seconds from the start of the process until a bind is answered with yes."""
    began = time.monotonic()
    process.start()
    while True:
        try:
            probe = Probe(process.port, world.PROBE_ACCOUNT)
        except OSError:
            if time.monotonic() - began > _START_LIMIT_S:
                raise
            _ = process.pid
            time.sleep(0.02)
        else:
            took = time.monotonic() - began
            probe.close()
            return took


def percentile(values: list[float], share: float) -> float:
    """The smallest value that so many of all do not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)]


def of_changes(name: str, seen: list[Seen]) -> list[Figure]:
    """Median and p99 of how soon a kind of change was visible."""
    values = [one.visible_ms for one in seen]
    return [
        Figure(f"{name}: visible, median of {len(values)}", statistics.median(values), "ms"),
        Figure(f"{name}: visible, p99", percentile(values, 0.99), "ms", _VISIBLE_MS_MOST),
    ]


def started(process: ScaleProcess) -> list[Figure]:
    """The first start of a store that came from elsewhere, and a later one."""
    first_s = bind_s(process)
    process.end()
    used_s = bind_s(process)
    memory = process.memory_mb()
    return [
        Figure("first start on the store, bases written, until a bind", first_s, "s"),
        Figure("start until a bind is answered", used_s, "s", _START_S_MOST),
        Figure("CPU of that start", process.cpu_s(), "s"),
        Figure("memory after the start", memory["VmRSS"], "MB", _RSS_MB_MOST),
        Figure("its peak until then", memory["VmHWM"], "MB", _RSS_MB_MOST),
        Figure("of it not mapped from files", memory["RssAnon"], "MB"),
    ]


def _load(process: ScaleProcess, rate: int) -> subprocess.Popen[str]:
    who = ("-u", "acct%d", "-x", PASSWORD, "-s", NUMBER, "-T", 0, "-d", PERSON_PREFIX, "-D", PERSON_DIGITS)
    shape = ("-b", world.LOAD_ACCOUNTS, "-w", 200, "-r", rate, "-W", 1, "-t", 100_000, "-g", 5, "-f", TEXTS)
    command = [str(part) for part in (process.smppload, "-p", process.port, *who, *shape)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def changed(process: ScaleProcess, rate: int, trials: int, *, long: int, numbers: int) -> list[Figure]:
    """Every kind of change under load."""
    kinds: dict[str, tuple[int, Callable[[Changes], Seen]]] = {
        "refusal by the hotline": (trials * 2, Changes.suppression),
        "hold on a number": (trials, Changes.hold),
        "end of a hold": (trials, Changes.lifted_hold),
        "number added": (trials, Changes.number),
        "entrustment ended": (trials, Changes.entrustment),
    }
    figures: list[Figure] = []
    gaps: list[tuple[float, float, float]] = []
    load = _load(process, rate)
    hearing = threading.Thread(target=_hear, args=(load, gaps), daemon=True)
    hearing.start()
    watch = Watch(process)
    probe = Probe(process.port, world.PROBE_ACCOUNT)
    changes = Changes(process, probe)
    try:
        time.sleep(2)
        before_s, before = process.cpu_s(), time.monotonic()
        with watch.phase("load alone"):
            time.sleep(5)
        used = (process.cpu_s() - before_s) / (time.monotonic() - before)
        figures.append(Figure(f"CPU at {rate:,} messages a second", used * 100, "% of a core"))
        for name, (count, change) in kinds.items():
            world.say(f"{name}: {count} times")
            with watch.phase(name):
                seen = [change(changes) for _ in range(count)]
            figures += of_changes(name, seen)
        name = f"file of {_LIST:,} refusals"
        world.say(name)
        with watch.phase(name):
            pairs = [changes.refusals(_LIST) for _ in range(5)]
        figures.append(Figure(f"{name}: first row visible, median", _middle([a for a, _ in pairs]), "ms"))
        figures.append(Figure(f"{name}: last row visible, median", _middle([b for _, b in pairs]), "ms"))
        if long:
            figures += _long(process, watch, changes, long, numbers)
        memory = process.memory_mb()
        if load.poll() is not None:
            raise RuntimeError(f"the load ended with {load.returncode}")
    finally:
        watch.stop()
        probe.close()
        load.kill()
        load.wait()
        hearing.join()
    figures += [*_pauses(watch, gaps)]
    figures.append(Figure("memory at the end", memory["VmRSS"], "MB", _RSS_MB_MOST))
    figures.append(Figure("its peak", memory["VmHWM"], "MB", _RSS_MB_MOST))
    return figures


def _middle(seen: list[Seen]) -> float:
    return statistics.median(one.visible_ms for one in seen)


def _long(process: ScaleProcess, watch: Watch, changes: Changes, rows: int, numbers: int) -> list[Figure]:
    figures: list[Figure] = []
    kinds: dict[str, Callable[[], Seen]] = {
        f"import of {rows:,} refusals": lambda: changes.long_refusals(rows),
        f"import of {numbers:,} numbers": lambda: changes.long_numbers(numbers),
    }
    for name, change in kinds.items():
        world.say(name)
        before_s = process.cpu_s()
        with watch.phase(name):
            seen = change()
        figures.append(Figure(f"{name}: last row visible", seen.visible_ms / 1000, "s"))
        figures.append(Figure(f"{name}: CPU of the process meanwhile", process.cpu_s() - before_s, "s"))
    return figures


def _hear(load: subprocess.Popen[str], gaps: list[tuple[float, float, float]]) -> None:
    assert load.stderr is not None
    for line in load.stderr:
        if line.startswith("gap "):
            at, gap, asleep = map(float, line.split()[1:])
            gaps.append((at, gap, asleep))


def _pauses(watch: Watch, gaps: list[tuple[float, float, float]]) -> Iterator[Figure]:
    for name, (began, end) in watch.spans.items():
        seen = watch.pauses.get(name, [])
        loop = max((one.loop_ms for one in seen), default=0.0)
        process = max((one.process_ms for one in seen), default=0.0)
        yield Figure(f"{name}: longest pause by what runs on the loop", loop, "ms", _PAUSE_MS_MOST)
        yield Figure(f"{name}: by all threads", process, "ms")
        yield Figure(f"{name}: with disk and other processes", max((one.ms for one in seen), default=0.0), "ms")
        held = [gap for at, gap, asleep in gaps if began <= at <= end and asleep < gap / 2]
        yield Figure(f"{name}: longest time without an answer", max(held, default=0.0), "ms")


def main(arguments: list[str] | None = None) -> int:
    """Prints the figures; exit code 1 where one is beyond its bound."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name in ("numbers", "entrustments", "suppressions", "consents", "contacts"):
        parser.add_argument(f"--{name}", type=int, default=getattr(world.Size(), name))
    parser.add_argument("--rate", type=int, default=5000, help="messages a second meanwhile")
    parser.add_argument("--trials", type=int, default=50, help="of each kind of change")
    parser.add_argument("--long", type=int, default=0, help="also an import of so many refusals, and of all numbers")
    parser.add_argument("--pure", action="store_true", help="the plain build, also where there is a compiled one")
    parser.add_argument("--command", help="tdgate's command, instead of the build of `make fast`")
    parser.add_argument("--no-ledgers", action="store_true", help="states only: made in half the time")
    parser.add_argument("--fresh", action="store_true", help="makes the world anew")
    parser.add_argument("--only-start", action="store_true", help="no traffic")
    parser.add_argument("--json", action="store_true")
    parsed = parser.parse_args(arguments)
    size = world.Size(
        parsed.numbers,
        parsed.entrustments,
        parsed.suppressions,
        parsed.consents,
        parsed.contacts,
        not parsed.no_ledgers,
    )
    command = parsed.command.split() if parsed.command else tdgate_hop.PURE if parsed.pure else None
    kept = kept_world(size, fresh=parsed.fresh)
    with (
        tempfile.TemporaryDirectory(prefix="scale-run-", dir=BUILD) as name,
        ScaleProcess(kept, Path(name), command) as process,
    ):
        found = started(process)
        if not parsed.only_start:
            found += changed(process, parsed.rate, parsed.trials, long=parsed.long, numbers=parsed.numbers)
    print(json.dumps([asdict(one) for one in found], indent=1) if parsed.json else told(found))
    return int(not all_met(found))


if __name__ == "__main__":
    sys.exit(main())
