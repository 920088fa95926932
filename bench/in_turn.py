"""`python -m bench.in_turn plain 10x10 node-smpp OLD/bin/tdgate NEW/bin/tdgate`: CPU of hops that run side by side.

Each is started once and loaded in turn, round after round, so that what else the machine does meets all of them alike:
for builds whose difference is smaller than that of two runs of `python -m bench`.
"""

from __future__ import annotations

import argparse
import shlex
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench.cases import CASES, Load
from bench.hops import HOPS, tdgate
from bench.run import Bench, Effort
from bench.smpp.measure import build, free_port, measure, stop, wait_for
from bench.surroundings import certificate, start_simulator

_FIGURE = "cpu_s_per_1k"
_STARTUP_S = 240.0


def main(words: list[str] | None = None) -> int:
    ask = argparse.ArgumentParser(prog="python -m bench.in_turn", description=__doc__)
    ask.add_argument("case", choices=sorted(CASES))
    ask.add_argument("load", type=Load.parse, help="binds x window, as 10x10")
    ask.add_argument("hops", nargs="+", help="node-smpp, haproxy, or a command of tdgate")
    ask.add_argument("--rounds", type=int, default=12)
    ask.add_argument("--secs", type=float, default=1.2)
    ask.add_argument("--warm", type=float, default=0.4)
    given = ask.parse_args(words)
    case = CASES[given.case]
    smppload, smscsim = build(Path("bench/build"))
    found: dict[str, list[float]] = {name: [] for name in given.hops}
    with tempfile.TemporaryDirectory(prefix="bench-") as made, ExitStack() as running:
        folder = Path(made)
        cert = certificate(folder / "certificate")
        started = []
        for place, name in enumerate(found):
            # WHY a folder each: two builds of tdgate must not share a state.
            effort = Effort(given.secs, given.warm, 1, _STARTUP_S)
            bench = Bench(smppload, smscsim, folder / str(place), cert, effort, lambda _: None)
            upstream = free_port()
            simulator = start_simulator(smscsim, upstream, case.simulator)
            running.callback(stop, simulator)
            if not wait_for(upstream, simulator, 10):
                raise RuntimeError("the simulated carrier does not listen")
            hop = HOPS[name] if name in HOPS else tdgate("tdgate", shlex.split(name))
            started.append((name, bench, *bench.start(case, hop, upstream, running)))
        for number in range(given.rounds):
            print(f"round {number + 1} of {given.rounds}", file=sys.stderr)
            for name, bench, process, port in started:
                entry = measure(bench.load_command(case, given.load, port), process, given.warm, given.secs)
                if _FIGURE not in entry or entry.get("nonzero"):
                    raise RuntimeError(f"{name}: {entry}")
                found[name].append(entry[_FIGURE])
    first = statistics.median(next(iter(found.values())))
    for name, values in found.items():
        median = statistics.median(values)
        print(
            f"{median:.4f} CPU s/1k, {median / first:.2f} of the first, {min(values):.4f} to {max(values):.4f}: {name}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
