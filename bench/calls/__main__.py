"""`python -m bench.calls`: what a call costs tdgate, beside Kamailio and sippy, same calls, same run. UDP, one machine.

Exit 0 if every bound figure was met and nothing failed, 1 otherwise, 2 for wrong arguments.
"""

from __future__ import annotations

import argparse
import datetime
import json
import shlex
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from bench.bound_figures import told
from bench.calls.hops import HOPS, OTHER_HOPS, tdgate
from bench.calls.measure import HELD, RATES, SECS, bound_of, measure, table
from bench.report import machine


def _arguments() -> argparse.Namespace:
    ask = argparse.ArgumentParser(prog="python -m bench.calls", description=__doc__)
    ask.add_argument("--rates", default=",".join(map(str, RATES)), help="calls a second (default 200,500,1000)")
    ask.add_argument("--secs", type=float, default=SECS, help="seconds at each rate (default 8)")
    ask.add_argument("--hops", default=",".join(HOPS), help=f"of direct, {', '.join((*HOPS, *OTHER_HOPS))}")
    ask.add_argument("--held", type=int, default=HELD, help="calls that stand at once, 0 for none (default 5000)")
    ask.add_argument("--tdgate", help="its command (default: .venv-fast/bin/tdgate of `make fast`, else this checkout)")
    ask.add_argument("--folder", type=Path, help="keep configurations, states and logs here (default: thrown away)")
    given = ask.parse_args()
    given.hops = [name for name in given.hops.split(",") if name]
    unknown = [name for name in given.hops if name not in (*HOPS, *OTHER_HOPS, "direct")]
    if unknown:
        ask.error(f"--hops: {', '.join(unknown)} not among direct, {', '.join((*HOPS, *OTHER_HOPS))}")
    try:
        given.rates = [int(each) for each in given.rates.split(",")]
    except ValueError:
        ask.error("--rates: whole numbers, with commas")
    return given


def main() -> int:
    given = _arguments()
    began = datetime.datetime.now(datetime.UTC)
    hops = {**HOPS, **OTHER_HOPS}
    if given.tdgate:
        hops["tdgate"] = tdgate("tdgate", shlex.split(given.tdgate))
    chosen = [hops.get(name) for name in given.hops]

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    if given.folder:
        found = measure(given.folder.resolve(), chosen, given.rates, given.secs, given.held, say)
    else:
        with tempfile.TemporaryDirectory(prefix="tdgate-calls-") as folder:
            found = measure(Path(folder), chosen, given.rates, given.secs, given.held, say)
    figures = bound_of(found)
    print(table(found))
    print()
    print(told(figures))
    result = Path(__file__).resolve().parents[1] / "results" / f"calls-{began:%Y%m%dT%H%M%SZ}.json"
    result.parent.mkdir(parents=True, exist_ok=True)
    command = shlex.join(["python", "-m", "bench.calls", *sys.argv[1:]])
    rows = [asdict(each) for each in found]
    result.write_text(json.dumps({"command": command, "machine": machine(), "rows": rows}, indent=1) + "\n", "utf-8")
    return int(any(each.error for each in found) or not all(figure.met for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
