"""What commands on the registry show: tables for people, JSON for programs, a progress bar for whoever waits.

Owns presentation only. Tables and results go to standard output, progress and problems of files to standard error.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO

import msgspec
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from proxy.registry.importing import Problem

_PROBLEMS_SHOWN: Final = 200


def show(result: dict[str, Any], *, as_json: bool) -> None:
    """A verb's result: a listing as a table, else one line a field."""
    if as_json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
        sys.stdout.buffer.flush()
        return
    if "rows" in result:
        _list(result["rows"], sys.stdout)
        total = result.get("total")
        if total is not None and total > len(result["rows"]):
            sys.stdout.write(f"{len(result['rows'])} of {total} rows; see --most\n")
        return
    for name, value in result.items():
        sys.stdout.write(f"{name}: {_cell(value)}\n")


def show_problems(problems: list[Problem]) -> None:
    """Wrong rows of a file, on standard error."""
    rows = [
        {"table": one.table, "row": str(one.row), "column": one.column or "-", "reason": one.reason}
        for one in problems[:_PROBLEMS_SHOWN]
    ]
    _list(rows, sys.stderr)
    if len(problems) > _PROBLEMS_SHOWN:
        sys.stderr.write(f"and {len(problems) - _PROBLEMS_SHOWN} more; --json shows all\n")


@contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """Shows how many rows were read: a bar on a terminal, a line every 100,000 rows elsewhere."""
    if not sys.stderr.isatty():

        def line(count: int) -> None:
            if count % 100_000 == 0:
                sys.stderr.write(f"{what}: {count} rows\n")

        yield line
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed} rows"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda count: bar.update(task, completed=count)


def _list(rows: list[dict[str, Any]], stream: TextIO) -> None:
    """A table on a terminal; elsewhere a line a row, cells apart by tabs, nothing cut."""
    headings = list(rows[0]) if rows else ["nothing"]
    if not stream.isatty():
        for cells in (headings, *([_cell(value) for value in row.values()] for row in rows)):
            stream.write("\t".join(cells) + "\n")
        return
    table = Table(*headings)
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row.values()))
    Console(file=stream).print(table)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items() if part) or "nothing"
    return str(value)
