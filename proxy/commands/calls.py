"""`tdgate calls export`: one row for each attempt at a call, as CSV or JSON lines, from the evidence log.

Owns options and output. Read-only, beside a running proxy or without one. Exit codes: 0 done, 1 the log cannot be read,
2 usage.
"""

import argparse
import csv
import io
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import msgspec

from proxy.core.pack import CHINA_OFFSET_S
from proxy.evidence.call_rows import COLUMNS, CallRow, call_rows
from proxy.evidence.layout import LayoutError
from proxy.evidence.read import entries
from proxy.evidence.records import RecordError
from proxy.settings import load

_CHINA: Final = timezone(timedelta(seconds=CHINA_OFFSET_S))
#: What a spreadsheet takes for a formula when a cell begins with it.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def add_arguments(commands: Any) -> None:
    """Adds `calls` to the subparsers of `tdgate`; its parser sets `run`."""
    group = commands.add_parser("calls", help="call records: one per attempt 呼叫记录")
    export = group.add_subparsers(required=True, metavar="WHAT").add_parser("export", help="CSV or JSON lines 导出")
    export.add_argument("--config", type=Path, required=True, metavar="FILE")
    export.add_argument("--format", choices=("csv", "jsonl"), default="csv")
    export.add_argument("--json", action="store_const", const="jsonl", dest="format", help="the same as --format jsonl")
    export.add_argument("--day", type=date.fromisoformat, metavar="YYYY-MM-DD", help="of Asia/Shanghai; default: all")
    export.add_argument("--account", default="", help="one trunk; default: all")
    export.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Writes the rows to standard output; the exit code."""
    settings = load(arguments.config)
    directory = settings.path(settings.evidence.directory)
    rows = call_rows(entry.octets for entry in entries(directory))
    wanted = (row for row in rows if _is_wanted(row, arguments.day, arguments.account))
    write = _write_jsonl if arguments.format == "jsonl" else _write_csv
    try:
        write(wanted)
    except (LayoutError, RecordError, OSError) as error:
        sys.stderr.write(f"tdgate calls: {error}; tdgate evidence verify says more\n")
        return 1
    return 0


def _is_wanted(row: CallRow, day: date | None, account: str) -> bool:
    if account and row.account != account:
        return False
    return day is None or (bool(row.asked) and datetime.fromisoformat(row.asked).astimezone(_CHINA).date() == day)


def _write_jsonl(rows: Iterator[CallRow]) -> None:
    for row in rows:
        sys.stdout.write(msgspec.json.encode(row).decode() + "\n")


def _write_csv(rows: Iterator[CallRow]) -> None:
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(getattr(row, name)) for name in COLUMNS])
        sys.stdout.write(line.getvalue())
        line.seek(0)
        line.truncate()
    sys.stdout.write(line.getvalue())


def _cell(value: object) -> str:
    text = str(value)
    # WHY: an account or a sender may be named so that a spreadsheet runs it.
    return "'" + text if text.startswith(_FORMULA) else text
