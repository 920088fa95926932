"""`tdgate rules list|diff`: which packs there are and on what they rest; what another pack would have changed.

Reads the configuration and the evidence log, beside a running proxy or without one; changes nothing. Exit codes: 0
done, 1 failed, 2 usage.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from proxy.commands.registry_output import counting
from proxy.control import ControlError, NotRunningError, call
from proxy.core.bound import Shelf
from proxy.core.pack import Pack
from proxy.evidence.layout import LayoutError
from proxy.evidence.records import Call, Decision, Outcome, RecordError, RuleTable, Start, decode, kind_of, rules_hash
from proxy.evidence.segments import batches_of, segment_paths
from proxy.pack_replay import Replay
from proxy.registry.packs import read_packs, read_shelf
from proxy.settings import Settings, load
from proxy.store.reader import open_reader
from proxy.telemetry.pack_rows import PackRow, pack_rows

#: Decision, Outcome, Start, RuleTable, Call.
_KINDS: Final = frozenset((1, 2, 6, 10, 13))
_CONTROL_SOCKET: Final = "control.sock"
_PLAIN_WIDTH: Final = 240
_DAY_US: Final = 86_400_000_000
_CHANGES: Final = {
    "refused": "newly refused 新增拒绝",
    "permitted": "newly permitted 新增放行",
    "other": "refused by another rule 拒绝规则改变",
}
_HEADS: Final = (
    "pack 规则包",
    "version 版本",
    "region 地区",
    "effective 生效",
    "state",
    "binds 适用",
    "runs",
    "source 依据",
)


def add_arguments(commands: Any) -> None:
    """Adds `rules list|diff` to the subparsers of `tdgate`."""
    verbs = commands.add_parser("rules", help="rule packs, and what another one would change 规则包").add_subparsers(
        required=True, metavar="VERB"
    )
    listing = verbs.add_parser("list", help="packs with source, region, effective date 列表")
    listing.add_argument("--values", action="store_true", help="every value with its basis")
    listing.add_argument(
        "--running", action="store_true", help="what is in force in the running proxy; else what the configuration says"
    )
    listing.set_defaults(run=_list)
    diff = verbs.add_parser("diff", help="asks recorded decisions again under another pack 对比")
    diff.add_argument("--pack", required=True, metavar="NEW", help="a pack that ships, or a path")
    diff.add_argument("--days", type=int, default=0, metavar="N", help="only the last N days; all if left out")
    diff.add_argument("--everywhere", action="store_true", help="as if it bound every institution, whatever its region")
    diff.set_defaults(run=_diff)
    for parser in verbs.choices.values():
        parser.add_argument("--config", type=Path, required=True, metavar="FILE")
        parser.add_argument("--json", action="store_true", help="for programs")


def _packs(settings: Settings) -> tuple[Pack, Shelf]:
    return read_shelf(settings.policy.pack, settings.policy.packs, settings.policy.region)


def _list(arguments: argparse.Namespace) -> int:
    settings = load(arguments.config)
    try:
        rows = _running(settings) if arguments.running else pack_rows(*_packs(settings), time.time())
    except (NotRunningError, ControlError) as error:
        sys.stderr.write(f"tdgate rules: {error}\n")
        return 1
    if arguments.json:
        _print_json({"packs": rows})
        return 0
    table = Table(
        "pack 规则包", "version", "region 地区", "effective 生效", "state", "binds 适用", "runs", "source 依据"
    )
    for row in rows:
        table.add_row(
            row.id, str(row.version), row.region, row.effective, row.state, row.binds, _runs(row), Text(row.source)
        )
    _console().print(table)
    if arguments.values:
        for row in rows:
            values = Table("rule", "value", "basis 依据", "official 原文", title=f"{row.id}@{row.version}")
            for one in row.values:
                values.add_row(one.rule, Text(one.value), Text(one.basis), Text(one.official))
            _console().print(values)
    return 0


def _running(settings: Settings) -> tuple[PackRow, ...]:
    """The packs that the running proxy judges by; raises NotRunningError, ControlError."""
    return msgspec.convert(call(settings.path(_CONTROL_SOCKET), "rules.list", {})["packs"], tuple[PackRow, ...])


def _runs(row: PackRow) -> str:
    if row.shadow:
        return "shadow"
    return "enforced" if row.share >= 1.0 else f"enforced for {row.share:.0%}"


def _diff(arguments: argparse.Namespace) -> int:
    settings = load(arguments.config)
    new = read_packs(arguments.pack)
    base, shelf = _with(new, *_packs(settings), everywhere=arguments.everywhere)
    since_us = time.time_ns() // 1000 - arguments.days * _DAY_US if arguments.days > 0 else 0
    replay = Replay(base, shelf, _regions(settings))
    try:
        with counting("replaying") as progress:
            unknown = _feed(replay, settings.path(settings.evidence.directory), since_us, progress)
    except (LayoutError, RecordError) as error:
        sys.stderr.write(f"tdgate rules: evidence: {error}\n")
        return 1
    counted = sorted(replay.changes.items(), key=lambda item: (-item[1], msgspec.structs.astuple(item[0])))
    rows = [{**msgspec.structs.asdict(change), "count": count} for change, count in counted]
    found = {
        "pack": new[0].name,
        "decisions": replay.decisions,
        "left_out": replay.left_out + unknown,
        "changed": sum(replay.changes.values()),
        "rows": rows,
    }
    if arguments.json:
        _print_json(found)
        return 0
    console = _console()
    told = f"{found['decisions']} decisions, {found['changed']} would change, {found['left_out']} left out"
    console.print(f"{found['pack']}: {told}")
    if rows:
        table = Table("change 变化", "rule 规则", "was 原规则", "account 账号", "institution 机构", "count 条数")
        for row in rows:
            cells = (_CHANGES[row["change"]], row["rule"], row["was"], row["account"], row["institution"])
            table.add_row(*(Text(str(cell)) for cell in cells), str(row["count"]))
        console.print(table)
    return 0


def _with(new: tuple[Pack, ...], base: Pack, shelf: Shelf, *, everywhere: bool) -> tuple[Pack, Shelf]:
    """The packs of the configuration with the new one in place of its namesake, or beside them.

    WHY since 0: it is asked what it would have changed, also of decisions from before its date.
    """
    versions = new if len(new) > 1 else (msgspec.structs.replace(new[0], since=0),)
    if everywhere:
        versions = tuple(msgspec.structs.replace(pack, region="CN") for pack in versions)
    others = tuple(pack for pack in shelf.packs if pack.id != versions[0].id)
    if base.id == versions[0].id:
        return versions[0], msgspec.structs.replace(shelf, packs=(*versions[1:], *others))
    return base, msgspec.structs.replace(shelf, packs=(*others, *versions))


def _regions(settings: Settings) -> Callable[[str], str]:
    """Institutions' regions, as the registry has them now; without a store none is known."""
    database = settings.path(settings.store.database)
    known: dict[str, str] = asyncio.run(_read_regions(database)) if database.exists() else {}
    return lambda institution: known.get(institution, "")


async def _read_regions(database: Path) -> dict[str, str]:
    reader = await open_reader(database)
    try:
        return {str(row[0]): str(row[1]) for row in await reader.fetch("SELECT id, region FROM institutions", ())}
    finally:
        await reader.close()


def _feed(replay: Replay, directory: Path, since_us: int, progress: Callable[[int], None]) -> int:
    """Gives a log's records to a replay; how many decisions had no table to be read by."""
    tables: dict[bytes, tuple[str, ...]] = {}
    unknown = taken = 0
    for octets in _octets(directory):
        if kind_of(octets) not in _KINDS:
            continue
        record = decode(octets)
        if isinstance(record, Start | RuleTable):
            tables[rules_hash(record.rules)] = record.rules
        elif isinstance(record, Decision):
            if record.at_us < since_us:
                continue
            taken += 1
            progress(taken)
            rules = tables.get(record.rules_hash)
            if rules is None:
                unknown += 1
            else:
                replay.decision(record, rules)
        elif isinstance(record, Outcome):
            replay.outcome(record)
        elif isinstance(record, Call):
            replay.call(record)
    return unknown


def _octets(directory: Path) -> Iterator[bytes]:
    for path in segment_paths(directory) if directory.is_dir() else ():
        for batch in batches_of(path):
            yield from batch.records


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=_PLAIN_WIDTH)


def _print_json(found: Any) -> None:
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    sys.stdout.buffer.flush()
