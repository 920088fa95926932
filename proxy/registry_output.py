"""What commands on the registry show: tables for people, JSON for programs, a progress bar for whoever waits.

Owns presentation only. Tables and results go to standard output, progress and problems of files to standard error.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from proxy.registry.importing import Problem

#: Where no terminal tells its width: wide enough that no cell is cut.
_PLAIN_WIDTH: Final = 240
_PROBLEMS_SHOWN: Final = 200


def show(result: dict[str, Any], *, as_json: bool) -> None:
    """A verb's result: a listing as a table, else one line a field."""
    if as_json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
        sys.stdout.buffer.flush()
        return
    console = _console(sys.stdout)
    if "rows" in result:
        console.print(_table(result["rows"]))
        total = result.get("total")
        if total is not None and total > len(result["rows"]):
            console.print(Text(f"{len(result['rows'])} of {total} rows; see --most"))
        return
    for name, value in result.items():
        console.print(Text(f"{name}: {_cell(value)}"))


def show_problems(problems: list[Problem]) -> None:
    """Wrong rows of a file, on standard error."""
    console = _console(sys.stderr)
    rows = [
        {"table": one.table, "row": str(one.row), "column": one.column or "-", "reason": one.reason}
        for one in problems[:_PROBLEMS_SHOWN]
    ]
    console.print(_table(rows))
    if len(problems) > _PROBLEMS_SHOWN:
        console.print(Text(f"and {len(problems) - _PROBLEMS_SHOWN} more; --json shows all"))


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


def _console(stream: Any) -> Console:
    return Console(file=stream) if stream.isatty() else Console(file=stream, width=_PLAIN_WIDTH)


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table()
    for heading in rows[0] if rows else ("nothing",):
        table.add_column(heading)
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row.values()))
    return table


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items() if part) or "nothing"
    return str(value)
