"""`tdgate registry reconcile`: the numbers that the wire has seen against those that were declared (Z10).

Reads the registry and the evidence log, beside a running proxy or without one; changes nothing. With `--draft` it
writes a registry file of what was seen and stands in no library, for people to look at and to import, and tells what
would be refused tomorrow if they did. Exit codes: 0 done, 1 failed, 2 usage.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from proxy.commands.registry_output import counting, show
from proxy.core.persons import PersonIndex
from proxy.core.records import Number, Period
from proxy.core.snapshot import Snapshot
from proxy.evidence.records import Decision, RuleTable, Start, decode, kind_of, rules_hash
from proxy.evidence.segments import batches_of, segment_paths
from proxy.reconciliation import Traffic, Use, drafted, state_of, unused, with_numbers
from proxy.registry import dates, fields
from proxy.registry.content_words import read_reader, read_vocabulary
from proxy.registry.keys import load_person_key
from proxy.registry.packs import read_shelf
from proxy.registry.ports import VerbError
from proxy.registry.snapshots import build_snapshot, number
from proxy.registry.tables import TABLES
from proxy.settings import Settings, load
from proxy.store.reader import StoreReader, open_reader

_DAY_S: Final = 86_400
#: Decision, Start, RuleTable.
_KINDS: Final = frozenset((1, 6, 10))
#: WHY short: what a machine found is for somebody to confirm.
_DRAFT_DAYS: Final = 90
_SHOWN: Final = 1000


class _NoPersons(StoreReader):
    """A reader whose indexes of persons are empty: no rule that is asked here looks at a person."""

    def __init__(self, opened: StoreReader) -> None:
        super().__init__(opened._connection, opened._name)
        self.suppressions_index = PersonIndex()
        self.consents_index = PersonIndex()
        self.debtors_index = PersonIndex()
        self.notices_index = PersonIndex()
        self.preferences_index = PersonIndex()
        self.donotcall: tuple[PersonIndex, ...] = ()


def add_arguments(commands: Any) -> argparse.ArgumentParser:
    """Adds the command to those of `tdgate registry`; its parser, whose `run` is to be set."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "reconcile", help="numbers that the wire has seen against those declared (Z10)"
    )
    parser.add_argument("--days", type=int, default=0, metavar="N", help="only the last N days; all if left out")
    parser.add_argument("--draft", type=Path, metavar="FILE", help="writes what is in no library as a registry file")
    parser.add_argument("--until", help="last day of the numbers of a draft; 90 days from now if left out")
    parser.add_argument("--most", type=int, default=_SHOWN, help="at most so many rows of each kind")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser


def run(parsed: argparse.Namespace) -> int:
    """The exit code; raises VerbError, StoreError, PersonKeyError, LayoutError, RecordError."""
    settings = load(parsed.config)
    now = time.time()
    period = _period(parsed.until, now)
    snapshot, declared = asyncio.run(registry_of(settings))
    traffic = Traffic()
    with counting("reading") as progress:
        feed(
            traffic,
            settings.path(settings.evidence.directory),
            (now - parsed.days * _DAY_S) if parsed.days else 0.0,
            progress,
        )
    uses = traffic.uses
    found: dict[str, Any] = {
        "decisions": traffic.decisions,
        "left_out": traffic.left_out,
        "seen": [_seen(use, snapshot, now) for use in uses],
        "unused": [_declared(row) for row in unused(declared, uses, snapshot, now)],
    }
    if parsed.draft is not None:
        rows = drafted(uses, snapshot, period)
        parsed.draft.write_bytes(msgspec.json.format(msgspec.json.encode({"numbers": [_written(row) for row in rows]})))
        found["drafted"] = len(rows)
        snapshot = with_numbers(snapshot, rows)
    found["tomorrow"] = [msgspec.structs.asdict(one) for one in traffic.foreseen(snapshot, now)]
    if parsed.json:
        show(found, as_json=True)
    else:
        _tell(found, parsed.most)
    return 0


def _tell(found: dict[str, Any], most: int) -> None:
    told = f"{found['decisions']} decisions, {found['left_out']} left out"
    sys.stdout.write(f"{told}, {found['drafted']} numbers drafted\n" if "drafted" in found else f"{told}\n")
    for name, title in (
        ("seen", "seen on the wire 实际使用"),
        ("unused", "declared, never seen 已登记未使用"),
        ("tomorrow", "would be refused tomorrow 明日将被拒绝"),
    ):
        sys.stdout.write(f"\n{title}\n")
        show({"rows": found[name][:most], "total": len(found[name])}, as_json=False)


def _period(until: str | None, now: float) -> Period:
    today = dates.day_number(now)
    try:
        last = int(fields.UNTIL.read(until) or 0) if until else dates.day_start_s(today + _DRAFT_DAYS)
    except ValueError as error:
        raise VerbError(f"until: {error}", usage=True) from error
    since = dates.day_start_s(today)
    if last <= since:
        raise VerbError("until: lies before today", usage=True)
    return Period(since, last)


async def registry_of(settings: Settings) -> tuple[Snapshot, list[Number]]:
    """The registry as the policy reads it, without persons, and its own numbers; raises StoreError, PersonKeyError."""
    policy = settings.policy
    pack, shelf = read_shelf(policy.pack, policy.packs, policy.region)
    reader = read_reader(policy.content, read_vocabulary(policy.vocabulary))
    person_key = load_person_key(settings.path(settings.store.person_key)).person_key
    opened = await open_reader(settings.path(settings.store.database))
    try:
        names = TABLES["numbers"].names
        declared = [number(dict(zip(names, row, strict=True))) async for rows in opened.rows("numbers") for row in rows]
        snapshot = await build_snapshot(_NoPersons(opened), person_key, pack, reader)
        return replace(snapshot, shelf=shelf), declared
    finally:
        await opened.close()


def feed(traffic: Traffic, directory: Path, since: float, progress: Callable[[int], None]) -> None:
    """Gives the decisions of a log from a moment on (UTC seconds) to `traffic`; raises LayoutError, RecordError."""
    tables: dict[bytes, tuple[str, ...]] = {}
    for octets in _octets(directory):
        if kind_of(octets) not in _KINDS:
            continue
        record = decode(octets)
        if isinstance(record, Start | RuleTable):
            tables[rules_hash(record.rules)] = record.rules
        elif isinstance(record, Decision) and record.at_us >= since * 1e6:
            traffic.take(record, tables.get(record.rules_hash, ()))
            progress(traffic.decisions)


def _octets(directory: Path) -> Iterator[bytes]:
    for path in segment_paths(directory) if directory.is_dir() else ():
        for batch in batches_of(path):
            yield from batch.records


def _seen(use: Use, snapshot: Snapshot, now: float) -> dict[str, Any]:
    return {
        "account": use.account,
        "sender": use.sender,
        "channel": use.channel,
        "state": state_of(use, snapshot, now),
        "purposes": sorted(use.purposes),
        "permitted": use.permitted,
        "refused": use.refused,
        "first": dates.moment_text(use.first_us),
        "last": dates.moment_text(use.last_us),
    }


def _declared(row: Number) -> dict[str, Any]:
    return {
        "address": row.address,
        "principal": row.principal,
        "operator": row.operator,
        "telecom": row.telecom,
        "until": dates.until_text(row.period.until),
    }


def _written(row: Number) -> dict[str, Any]:
    return {
        "address": row.address,
        "principal": row.principal,
        "operator": row.operator,
        # WHY not guessed: who owns a number is for people to say, and an import asks for it (J18).
        "telecom": row.telecom,
        "channels": sorted(row.channels),
        "purposes": sorted(row.purposes),
        "since": dates.since_text(row.period.since),
        "until": dates.until_text(row.period.until),
    }
