"""`tdgate suppress export`: new refusals of one institution as a file, for whoever has to keep them (Z16 J13).

Owns the file (mode 0600, written beside and put in place whole) and the mark to resume from. Exit codes: 0 done, 1
refused or failed, 2 usage.
"""

import argparse
import csv
import os
from pathlib import Path
from typing import Any, Final

from proxy.commands.registry_access import StoreAccess
from proxy.commands.registry_output import counting, show
from proxy.registry.handing_over import PAGE_MOST, PURPOSE
from proxy.registry.ports import StoreError, VerbError
from proxy.settings import load

_COLUMNS: Final = ("number", "closes", "at")


def add_arguments(commands: Any) -> argparse.ArgumentParser:
    """Adds the command to those of `tdgate suppress`; its parser, whose `run` is to be set."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "export", help="refusals since a mark, numbers in clear, for suppressing only; noted"
    )
    parser.add_argument("--institution", required=True, help="whose refusals")
    parser.add_argument("--receiver", default="", help="who gets them: the institution, or a partner that it entrusts")
    parser.add_argument("--purpose", required=True, help=f"must be {PURPOSE}")
    parser.add_argument("--by", required=True, help="who asks")
    parser.add_argument("--after", type=int, help="rows after this mark; else after that of --mark-file, or all")
    parser.add_argument("--mark-file", type=Path, metavar="FILE", help="keeps the mark from one export to the next")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="a CSV that does not exist yet")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser


def run(parsed: argparse.Namespace) -> int:
    """Writes the file page by page; the exit code. Raises what `StoreAccess.ask` raises, and OSError."""
    access = StoreAccess(load(parsed.config))
    mark = _mark(parsed) if parsed.after is None else parsed.after
    asked = {"institution": parsed.institution, "receiver": parsed.receiver, "purpose": parsed.purpose}
    asked |= {"by": parsed.by, "most": PAGE_MOST}
    temporary = parsed.out.with_name(f"{parsed.out.name}.{os.getpid()}.new")
    if parsed.out.exists():
        raise VerbError(f"--out: {parsed.out} exists", usage=True)
    count = 0
    try:
        with (
            open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8-sig", newline="")
            as file,
            counting("writing") as progress,
        ):  # fmt: skip
            rows = csv.writer(file)
            rows.writerow(_COLUMNS)
            more = True
            while more:
                page = access.ask("suppress.export", asked | {"after": mark})
                rows.writerows([(row["number"], ";".join(row["closes"]), row["at"]) for row in page["rows"]])
                count += len(page["rows"])
                mark, more = page["mark"], page["more"]
                progress(count)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, parsed.out)
    finally:
        temporary.unlink(missing_ok=True)
    if parsed.mark_file is not None:
        _keep_mark(parsed.mark_file, mark)
    show({"rows_written": count, "mark": mark}, as_json=parsed.json)
    return 0


def _mark(parsed: argparse.Namespace) -> int:
    if parsed.mark_file is None or not parsed.mark_file.exists():
        return 0
    written = parsed.mark_file.read_text(encoding="ascii", errors="replace").strip()
    if not (written.isascii() and written.isdecimal() and len(written) < 19):
        raise StoreError(f"{parsed.mark_file}: holds no mark")
    return int(written)


def _keep_mark(path: Path, mark: int) -> None:
    """WHY after the file: whoever is stopped in between exports the same rows once more, and misses none."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    temporary.write_text(f"{mark}\n", encoding="ascii")
    os.replace(temporary, path)
