"""`tdgate registry submission draft` and `registry summary`: lists to submit, and what was merged (J19 J23).

A draft is made of one's own library and imported as any file is, so that every row is checked. The summary reads the
merged list and the evidence log and changes nothing. Exit codes: 0 done, 1 failed, 2 usage.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from proxy.commands.reconcile import feed, registry_of
from proxy.commands.registry_access import ImportRequest, StoreAccess
from proxy.commands.registry_output import counting, show, show_problems
from proxy.reconciliation import Traffic
from proxy.registry.claim_summary import Merged, Summary
from proxy.registry.ports import VerbError
from proxy.registry.snapshots import claim
from proxy.registry.tables import TABLES
from proxy.settings import Settings, load
from proxy.store.reader import StoreReader, open_reader

_DAY_S: Final = 86_400
_ALL: Final = 1 << 40
_CLAIMED: Final = tuple(name for name in TABLES["claims"].names if name != "submission")


def add_draft(commands: Any) -> argparse.ArgumentParser:
    """Adds `draft` to the commands of `tdgate registry submission`; its parser, whose `run` is to be set."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "draft", help="drafts a list of an institution's library, for its liaison officer to submit (J19)"
    )
    parser.add_argument("institution", help="the institution's id")
    parser.add_argument("--department", required=True, help="the financial department that it is for")
    _add_common(parser)
    return parser


def add_summary(commands: Any) -> argparse.ArgumentParser:
    """Adds `summary` to the commands of `tdgate registry`; its parser, whose `run` is to be set."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "summary", help="the merged list by department and segment, with usage (J23)"
    )
    parser.add_argument("--days", type=int, default=0, metavar="N", help="usage of the last N days; all if left out")
    _add_common(parser)
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="for programs")


def draft(parsed: argparse.Namespace) -> int:
    """The exit code; raises what `StoreAccess` raises."""
    access = StoreAccess(load(parsed.config))
    rows = access.ask("registry.numbers", {"institution": parsed.institution, "most": _ALL})["rows"]
    rows = [row for row in rows if row["principal"] == parsed.institution and row["state"] in ("valid", "not yet")]
    if not rows:
        raise VerbError(f"institution: no number of {parsed.institution} is in use or to come")
    name = f"sub-{time.time_ns() // 1000:x}"
    document = {
        "submissions": [{"id": name, "institution": parsed.institution, "department": parsed.department}],
        "claims": [{"submission": name} | {column: row[column] for column in _CLAIMED} for row in rows],
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "draft.json"
        path.write_bytes(msgspec.json.encode(document))
        with counting("checking") as progress:
            report, changed = access.take_in(ImportRequest(path), progress)
    if changed is None:
        show_problems(report.problems)
        sys.stderr.write("tdgate: nothing was drafted\n")
        return 1
    show({"id": name, "state": "draft", "numbers": len(rows)}, as_json=parsed.json)
    return 0


def summary(parsed: argparse.Namespace) -> int:
    """The exit code; raises StoreError, PersonKeyError, LayoutError, RecordError."""
    settings, now = load(parsed.config), time.time()
    snapshot, _ = asyncio.run(registry_of(settings))
    merged, cases = asyncio.run(_merged(settings))
    settled = {
        (case["address"], loser): case["settled_for"]
        for case in cases
        for loser in (case["holder"], case["claimant"])
        if case["settled_for"] not in ("", "both", loser)
    }
    found = Summary(merged, [one for one in snapshot.segments if one.period.holds(now)], settled)
    for case in cases:
        if case["state"] == "open":
            found.case(case["address"], case["holder"])
    traffic = Traffic()
    with counting("reading") as progress:
        feed(
            traffic,
            settings.path(settings.evidence.directory),
            now - parsed.days * _DAY_S if parsed.days else 0.0,
            progress,
        )
    for use in traffic.uses:
        account = snapshot.accounts.get(use.account)
        if account is not None and not use.hidden:
            found.use(use.sender, account.principal, use.permitted, use.refused)
    rows = found.rows
    show({"rows": rows, "total": len(rows)}, as_json=parsed.json)
    return 0


async def _merged(settings: Settings) -> tuple[list[Merged], list[dict[str, Any]]]:
    """The merged list, and every case."""
    reader = await open_reader(settings.path(settings.store.database))
    try:
        lists = {one["id"]: one for one in await _named(reader, "submissions") if one["state"] == "merged"}
        found = [
            Merged(lists[one["submission"]]["department"], claim(one, lists[one["submission"]]["institution"]))
            for one in await _named(reader, "claims")
            if one["submission"] in lists
        ]
        return found, await _named(reader, "claim_cases")
    finally:
        await reader.close()


async def _named(reader: StoreReader, table: str) -> list[dict[str, Any]]:
    names = TABLES[table].names
    return [dict(zip(names, row, strict=True)) async for rows in reader.rows(table) for row in rows]
