"""A snapshot that followed any changes, record by record, is the one that a start would make of the same records."""

from collections.abc import AsyncIterator, Iterable
from typing import Any, cast
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict

from proxy.core.own_marks import Marks
from proxy.core.pack import Pack
from proxy.core.persons import PersonIndex
from proxy.core.snapshot import Snapshot
from proxy.lists.entry import ListEntry
from proxy.registry import snapshots
from proxy.registry.news import News
from proxy.registry.snapshots import SnapshotBuilder
from proxy.registry.tables import FOLLOWED, TABLES
from tests.store.open_store import SECRET
from tests.tools.words import reader

pytestmark = pytest.mark.unit

IDS = ("jianglan", "lanhai", "yuanlu")
PERIODS = ((0, 5), (0, 9), (5, 9))
ADDRESSES = ("1069", "10690", "106901", "12345", "+8657100001234")


class Source:
    """Records in memory, each under the revision that wrote it last."""

    suppressions_index = consents_index = preferences_index = debtors_index = notices_index = PersonIndex()
    donotcall = ()

    def __init__(self, at_once: int) -> None:
        self.at = 0
        self.at_once = at_once
        self.kept: dict[str, dict[tuple[Any, ...], tuple[int, dict[str, Any]]]] = {name: {} for name in TABLES}
        self.lists: dict[tuple[str, bytes], tuple[int, ListEntry, bool]] = {}

    def put(self, table: str, values: dict[str, Any]) -> None:
        shape = TABLES[table]
        row = {column.name: "" if column.default is None else column.default for column in shape.columns} | values
        self.at += 1
        self.kept[table][tuple(row[name] for name in shape.key)] = (self.at, row)

    def hold(self, kind: str, target: str, *, held: bool) -> None:
        self.put("holds", {"kind": kind, "target": target})
        if not held:
            del self.kept["holds"][kind, target]

    def follow(self, entry: ListEntry, *, gone: bool) -> None:
        self.at += 1
        self.lists["other", entry.key()] = (self.at, entry, gone)

    async def news(self, after: int, most: int) -> News:
        if self.at == after:
            return News(self.at, {})
        found: dict[str, list[tuple[Any, ...]] | None] = {"holds": [slice_ async for slice_ in self._holds()]}
        for table in TABLES:
            rows = [row async for rows in self.rows(table, after=after, slice_rows=1) for row in rows]
            if rows and table != "holds":
                found[table] = rows if len(rows) <= self.at_once else None
        if any(at > after for at, *_ in self.lists.values()):
            found[FOLLOWED] = None
        return News(self.at, found)

    async def _holds(self) -> AsyncIterator[tuple[Any, ...]]:
        async for rows in self.rows("holds", after=-1, slice_rows=1):
            for row in rows:
                yield row

    async def rows(self, table: str, *, after: int, slice_rows: int) -> AsyncIterator[list[tuple[Any, ...]]]:
        rows = [row for _, (at, row) in sorted(self.kept[table].items()) if at > after]
        for row in rows:
            yield [tuple(row[name] for name in TABLES[table].names)]

    async def followed(self, *, after: int, slice_rows: int) -> AsyncIterator[list[tuple[str, ListEntry, bool]]]:
        yield [("other", entry, gone) for at, entry, gone in self.lists.values() if at > after]


ids, periods = st.sampled_from(IDS), st.sampled_from(PERIODS)
purposes = st.sampled_from(("marketing", "collection", "marketing,collection"))


def record(table: str, **values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    scope = {"purposes": purposes, "channels": st.sampled_from(("sms", "sms,voice"))}
    columns = set(TABLES[table].names)
    drawn = {name: value for name, value in (scope | values).items() if name in columns}
    dated = st.fixed_dictionaries(drawn)
    if "since" in columns:
        dated = st.builds(lambda row, period: {"since": period[0], "until": period[1]} | row, dated, periods)
    return dated.map(lambda row: (table, row))


def fixed(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


RECORDS = st.one_of(
    record(
        "institutions",
        id=ids,
        name=fixed("江澜银行股份有限公司（虚构）", "澜海银行（虚构）"),
        short_names=fixed("", "江澜\n澜海"),
    ),
    record("partners", id=ids, name=fixed("元麓科技（虚构）", "元麓有限公司")),
    record("licences", institution=ids, issuer=fixed("central"), licence_no=fixed("1", "2")),
    record("telecoms", id=ids, name=fixed("示例通信（虚构）", "jianglan"), kind=fixed("basic")),
    record("entrustments", institution=ids, partner=ids),
    record("liaisons", institution=ids, name=fixed("甲（虚构）", "乙（虚构）")),
    record(
        "numbers", address=fixed(*ADDRESSES), principal=ids, operator=ids, disposed=fixed(0, 1), extensible=fixed(0, 1)
    ),
    record(
        "templates",
        id=ids,
        institution=ids,
        text=fixed("您好", "尾号{数字:4}的账单已出"),
        state=fixed("draft", "reviewed", "rejected"),
        reviewed_by=fixed("", "甲"),
    ),
    record("segments", id=ids, first=fixed("1069"), last=fixed("1069", "1070")),
    record("attestations", institution=ids, attested=fixed(1_000_000, 9_000_000)),
    record(
        "accounts",
        id=ids,
        principal=ids,
        operator=ids,
        password_hash=fixed("x"),
        telecom_licence_since=fixed(0),
        telecom_licence_until=fixed(0, 9),
    ),
    record("signatures", owner=ids, signature=fixed("江澜银行", "元麓")),
    record("service_phones", owner=ids, phone=fixed("0571-00001234", "4000001001")),
    record("products", institution=ids, name=fixed("安居贷", "江澜卡"), aliases=fixed("", "安居")),
    record("domains", owner=ids, domain=fixed("jl.example", "yl.example")),
)
ENTRIES = st.builds(
    lambda address, institution, until: ListEntry(
        address, institution, institution, 0, until, "", ("sms",), ("marketing",), True, False, False, "", ""
    ),
    fixed(*ADDRESSES),
    ids,
    fixed(5, 9),
)
#: A record, a hold (kind, target, whether it begins) or an entry of another house's list with whether it is gone.
CHANGES = (
    RECORDS
    | st.tuples(fixed("account", "number"), fixed(*IDS, *ADDRESSES), st.booleans())
    | st.tuples(ENTRIES, st.booleans())
)


def apply(source: Source, change: Any) -> None:
    if isinstance(change[0], ListEntry):
        source.follow(change[0], gone=change[1])
    elif len(change) == 3:
        source.hold(change[0], change[1], held=change[2])
    else:
        source.put(*change)


def marks(found: Marks) -> object:
    return {owner: set(rows) for owner, rows in found._rows.items()}, found._owners


def sets(groups: Iterable[tuple[Any, tuple[Any, ...]]]) -> object:
    return {key: sorted(map(repr, rows)) for key, rows in groups}


def vars_of(thing: Any) -> object:
    return {name: sorted(getattr(thing, name)) for name in type(thing).__slots__}


def shown(snapshot: Snapshot) -> dict[str, object]:
    """All that a snapshot says of records, whatever the order in which they came."""
    plain = ("revision", "accounts", "institutions", "telecoms", "partners", "attested", "holds", "held_accounts")
    grouped = ("licences", "entrustments", "liaisons", "templates")
    own = snapshot.own_marks
    library = snapshot.numbers
    senders = (*ADDRESSES, "1069012", "106")
    return {
        **{name: getattr(snapshot, name) for name in (*plain, "held_numbers")},
        **{name: sets(getattr(snapshot, name).items()) for name in grouped},
        "segments": sorted(map(repr, snapshot.segments)),
        "marks": [marks(getattr(own, name)) for name in ("signatures", "phones", "products", "domains")],
        "lookalikes": vars_of(own.lookalikes),
        "partners": sets(own.partners.items()),
        "wordings": sets((one, tuple(each[1] for each in rows)) for one, rows in snapshot.wordings.items()),
        "rejections": sorted(snapshot.rejections),
        "numbers": sorted(repr(asdict(one)) for one in library),
        "found": [
            [sorted(map(repr, ask(one))) for ask in (library.find, library.family, library.above)] for one in senders
        ],
    }


@settings(max_examples=60)
@given(st.lists(st.lists(CHANGES, max_size=8), min_size=1, max_size=5), fixed(1, 300), fixed(0, 2, 9))
async def test_a_snapshot_of_any_changes_is_one_of_the_whole(turns: list[list[Any]], most: int, at_once: int) -> None:
    source, words, pack = Source(at_once), reader(), Pack("test", 1)
    followed = SnapshotBuilder(cast(Any, source), SECRET.person_key, words)
    earlier: list[tuple[Snapshot, dict[str, object]]] = []
    for turn in turns:
        for change in turn:
            apply(source, change)
        with patch.object(snapshots, "_CHANGES_MOST", most):
            snapshot = await followed.build(pack)
        assert shown(snapshot) == shown(await SnapshotBuilder(cast(Any, source), SECRET.person_key, words).build(pack))
        earlier.append((snapshot, shown(snapshot)))
    for snapshot, was in earlier:
        assert shown(snapshot) == was
