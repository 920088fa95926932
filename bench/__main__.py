"""`python -m bench`: tdgate beside haproxy and a node-smpp relay, same load, same run. `make bench` runs this.

Exit 0 if every bound figure was met and nothing failed, 1 otherwise, 2 for wrong arguments.
"""

from __future__ import annotations

import argparse
import datetime
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from bench import report, tdgate_hop
from bench.beside import BESIDE, measure_beside
from bench.cases import CASES, DEFAULT_CASES, Load
from bench.hops import HOPS, Hop, tdgate
from bench.run import Bench, Effort, Row
from bench.smpp.measure import build
from bench.surroundings import certificate
from bench.verdict import judge

HERE = Path(__file__).resolve().parent


def _arguments() -> argparse.Namespace:
    ask = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    ask.add_argument("--secs", type=float, default=2, help="measured seconds a load (default 2)")
    ask.add_argument("--warm", type=float, default=0.5, help="seconds before that (default 0.5)")
    ask.add_argument("--rounds", type=int, default=2, help="rounds over all hops; medians are shown (default 2)")
    ask.add_argument("--startup", type=float, default=120, help="seconds a hop may take to listen")
    ask.add_argument("--hops", help=f"of {', '.join(HOPS)} (default all)")
    ask.add_argument("--tdgate", help="its command (default: .venv-fast/bin/tdgate of `make fast`, else this checkout)")
    ask.add_argument("--pure", action="store_true", help="add the hop tdgate-pure: this checkout, not compiled")
    ask.add_argument("--cases", help=f"of {', '.join(CASES)} (default {', '.join(DEFAULT_CASES)})")
    ask.add_argument("--page", action="store_true", help="add the case page to the cases that were chosen")
    ask.add_argument("--loads", default="", help="instead of each case's own: 1x1,10x100,10x10@1000")
    ask.add_argument("--markdown", action="store_true", help="print the tables as Markdown on standard output")
    ask.add_argument("--readme", action="store_true", help="put the tables into README.md, between its bench marks")
    ask.add_argument(
        "--beside",
        help=f"of {', '.join(BESIDE)}, comma separated (default: all, unless cases, hops or loads are chosen)",
    )
    ask.add_argument("--folder", type=Path, help="keep registries, configurations and logs here (default: thrown away)")
    given = ask.parse_args()
    chosen = given.hops is not None or given.cases is not None or given.loads
    given.hops = _names(given.hops, [name for name in HOPS if name != "tdgate-pure"])
    if given.pure and "tdgate-pure" not in given.hops:
        given.hops.append("tdgate-pure")
    given.cases = _names(given.cases, DEFAULT_CASES)
    given.beside = _names(given.beside, () if chosen else BESIDE)
    if given.page and "page" not in given.cases:
        given.cases.append("page")
    try:
        given.loads = tuple(Load.parse(text) for text in given.loads.split(",") if text)
    except ValueError as error:
        ask.error(f"--loads: {error}")
    for kind, names, known in (
        ("hops", given.hops, list(HOPS)),
        ("cases", given.cases, list(CASES)),
        ("beside", given.beside, list(BESIDE)),
    ):
        unknown = [name for name in names if name not in known]
        if unknown:
            ask.error(f"--{kind}: {', '.join(unknown)} not among {', '.join(known)}")
    return given


def _names(given: str | None, otherwise: Iterable[str]) -> list[str]:
    return list(otherwise) if given is None else [name for name in given.split(",") if name]


def _hops(given: argparse.Namespace) -> list[Hop]:
    """The hops that were asked for; says which tdgate is among them."""
    command = tuple(shlex.split(given.tdgate)) if given.tdgate else tdgate_hop.command()
    build = "not compiled: `make fast` makes the other" if command == tdgate_hop.PURE else shlex.join(command)
    print(f"tdgate: {build}", file=sys.stderr, flush=True)
    return [tdgate(name, command) if name == "tdgate" else HOPS[name] for name in given.hops]


def _measure(given: argparse.Namespace, folder: Path) -> list[Row]:
    smppload, smscsim = build(HERE / "build")
    effort = Effort(given.secs, given.warm, given.rounds, given.startup)
    bench = Bench(
        smppload,
        smscsim,
        folder,
        certificate(folder / "certificate"),
        effort,
        lambda line: print(line, file=sys.stderr, flush=True),
    )
    rows, hops = [], _hops(given)
    for name in given.cases:
        case = replace(CASES[name], loads=given.loads) if given.loads else CASES[name]
        rows += bench.run(case, hops)
    return rows


def main() -> int:
    given = _arguments()
    began = datetime.datetime.now(datetime.UTC)
    command = shlex.join(["python", "-m", "bench", *sys.argv[1:]])
    try:
        if given.folder:
            given.folder.mkdir(parents=True, exist_ok=True)
            rows = _measure(given, given.folder.resolve())
        else:
            with tempfile.TemporaryDirectory(prefix="tdgate-bench-") as folder:
                rows = _measure(given, Path(folder))
    except (OSError, subprocess.CalledProcessError) as reason:
        print(f"the bench cannot be set up: {reason}", file=sys.stderr)
        return 1
    beside = measure_beside(given.beside, lambda line: print(line, file=sys.stderr, flush=True))
    verdicts = judge(rows) if "tdgate" in given.hops else []
    print(report.table(rows), file=sys.stderr)
    if verdicts:
        print("", *verdicts, sep="\n", file=sys.stderr)
    for each in beside:
        print(f"\n{each}", file=sys.stderr)
    if given.markdown:
        print(report.markdown(rows, command, beside))
    if given.readme:
        report.into(HERE.parent / "README.md", report.markdown(rows, command, beside))
    result = HERE / "results" / f"{began:%Y%m%dT%H%M%SZ}.json"
    report.save(result, rows, verdicts, command, began.isoformat(), beside)
    print(f"\n{result.relative_to(Path.cwd()) if result.is_relative_to(Path.cwd()) else result}", file=sys.stderr)
    return int(
        any(row.errors for row in rows)
        or not all(verdict.met for verdict in verdicts)
        or not all(each.met for each in beside)
    )


if __name__ == "__main__":
    sys.exit(main())
