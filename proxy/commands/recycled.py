"""`tdgate consent import-recycled`: numbers that have new owners, whose former owners' consents end (Z15).

Exit codes: 0 done, 1 refused or failed, 2 usage. A file with wrong rows is refused as a whole.
"""

import argparse
from pathlib import Path
from typing import Any, Final

import msgspec

from proxy.commands.registry_access import StoreAccess
from proxy.commands.registry_output import counting, show, show_problems
from proxy.registry import dates
from proxy.registry.documents import detect_encoding
from proxy.registry.importing import Problem
from proxy.registry.number_files import NUMBER, number_rows, written_recipient
from proxy.settings import load

_HEADINGS: Final = {"number": NUMBER, "date": ("date", "日期", "启用日期", "放号日期")}
_AT_ONCE: Final = 500
_TELL_EVERY: Final = 1000


def add_arguments(commands: Any) -> argparse.ArgumentParser:
    """Adds the command to those of `tdgate consent`; its parser, whose `run` is to be set."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "import-recycled", help="a CSV of number,date: consents given before that day end"
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--encoding", help="of the file; found out if left out")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser


def run(parsed: argparse.Namespace) -> int:
    """Checks the whole file, then hands it over; the exit code. Raises what `StoreAccess.ask` raises."""
    right: list[str] = []
    problems: list[Problem] = []
    with counting("reading") as progress:
        rows = number_rows(parsed.file, _HEADINGS, parsed.encoding or detect_encoding(parsed.file))
        for count, (line, (number, written), reason) in enumerate(rows, 1):
            if count % _TELL_EVERY == 0:
                progress(count)
            faults = [Problem("recycled", line, "", reason)] if reason else _faults(line, number, written)
            problems += faults
            if not faults:
                right.append(f"{number},{written}")
    result: dict[str, Any] = {"right": len(right), "wrong": len({one.row for one in problems}), "consents_ended": 0}
    if not problems:
        access = StoreAccess(load(parsed.config))
        with counting("handing over") as progress:
            for first in range(0, len(right), _AT_ONCE):
                part = {"numbers": right[first : first + _AT_ONCE]}
                result["consents_ended"] += access.ask("consent.recycle", part)["consents_ended"]
                progress(first)
    if parsed.json:
        result["problems"] = [msgspec.structs.asdict(one) for one in problems]
    elif problems:
        show_problems(problems)
    show(result, as_json=parsed.json)
    return 1 if problems else 0


def _faults(line: int, number: str, written: str) -> list[Problem]:
    found = []
    for column, text, read in (("number", number, written_recipient), ("date", written, dates.parse_moment_us)):
        try:
            read(text)
        except ValueError as error:
            found.append(Problem("recycled", line, column, str(error)))
    return found
