"""The result on the screen, as Markdown, and as JSON with the machine it was measured on."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.beside import Beside
from bench.cases import CASES
from bench.run import Row
from bench.verdict import Verdict

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"
HEAD = ("hop", "load", "msg/s", "CPU s/1k", "p50 µs", "p99 µs", "MB")
FIGURES = (
    ("msgs_per_s", "{:,.0f}"),
    ("cpu_s_per_1k", "{:.4f}"),
    ("p50_us", "{:,.0f}"),
    ("p99_us", "{:,.0f}"),
    ("resident_mb", "{:,.0f}"),
)


def _cells(row: Row) -> list[str]:
    return [row.hop, row.load] + [
        form.format(row.figures[name]) if name in row.figures else "–" for name, form in FIGURES
    ]


def _cases(rows: Iterable[Row]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row.case, []).append(row)
    return grouped


def table(rows: list[Row]) -> str:
    """For the screen: one block a case, errors at the end of their line."""
    lines = []
    for case, members in _cases(rows).items():
        lines += ["", f"{case}: {CASES[case].says}"]
        lines.append(f"{HEAD[0]:12}{HEAD[1]:>12}" + "".join(f"{h:>11}" for h in HEAD[2:]))
        for row in members:
            cells = _cells(row)
            errors = "  " + "; ".join(row.errors) if row.errors else ""
            lines.append(f"{cells[0]:12}{cells[1]:>12}" + "".join(f"{c:>11}" for c in cells[2:]) + errors)
    return "\n".join(lines)


def markdown(rows: list[Row], command: str, beside: Iterable[Beside] = ()) -> str:
    """For the README: the same, with the command and the machine."""
    lines = [f"`{command}` on {machine()['cpu']}, {machine()['cores']} cores:"]
    for case, members in _cases(rows).items():
        lines += ["", f"**{case}**: {CASES[case].says}", "", "| " + " | ".join(HEAD) + " |"]
        lines.append("|---|---|" + "---:|" * (len(HEAD) - 2))
        lines += ["| " + " | ".join(_cells(row)) + " |" for row in members]
    for each in beside:
        lines += ["", f"**{each.name}**", "", "```", each.brief or each.told, "```"]
    return "\n".join(lines)


def into(readme: Path, tables: str) -> None:
    """Puts tables between the bench marks of a README; raises ValueError where it has none."""
    before, begin, rest = readme.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{readme}: no {BEGIN} … {END}")
    readme.write_text(f"{before}{begin}\n{tables}\n{end}{after}", "utf-8")


def machine() -> dict[str, Any]:
    cpu = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    return {"cpu": cpu, "cores": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version()}


def save(
    path: Path,
    rows: list[Row],
    verdicts: list[Verdict],
    command: str,
    began: str,
    beside: Iterable[Beside] = (),
) -> None:
    """Everything that was measured, each round included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "began": began,
        "command": command,
        "machine": machine(),
        "rows": [asdict(row) for row in rows],
        "beside": {each.name: each.figures for each in beside},
        "verdicts": [{**asdict(v), "met": v.met} for v in verdicts],
    }
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
