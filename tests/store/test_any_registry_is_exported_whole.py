"""Generated registries: what was exported and imported into an empty store is the same, record for record.

Rows are drawn column by column from what each kind of field takes; those that contradict themselves are left out by
the product's own check. Persons are compared by what the policy reads of them and by the export itself.
"""

from __future__ import annotations

import asyncio
import tempfile
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from proxy.core.purposes import CHANNELS, STRICTEST_FIRST
from proxy.core.regions import REGIONS
from proxy.registry import content_fields, fields
from proxy.registry.exporting import export
from proxy.registry.fields import Field
from proxy.registry.importing import Known, RowCheck, check_rows
from proxy.registry.table import Column, Table
from proxy.registry.tables import RECORD_TABLES, TABLES
from proxy.store.person_load import CONSENTS, DEBTORS, NOTICES, PREFERENCES, SUPPRESSIONS
from proxy.store.sqlite import SqliteStore
from proxy.store.staging import StagedImport
from tests.store.open_store import NOW_US, SECRET, owned, rows_of
from tests.tools.example_budget import examples

#: Of no password: only its form is looked at.
HASHED = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$QWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY"
CHINA = timezone(timedelta(hours=8))
NAMES = {
    "institutions": ["bank", "fund"], "partners": ["agency", "agent"], "telecoms": ["tong", "ping"],
    "accounts": ["acct", "old"], "campaigns": ["spring", "autumn"], "submissions": ["sub-1", "sub-2"],
}  # fmt: skip
NAMES["owners"] = NAMES["institutions"] + NAMES["partners"]
#: What a column that names another record may hold.
REFERS = {
    "institution": "institutions", "principal": "institutions", "holder": "institutions", "claimant": "institutions",
    "operator": "owners", "owner": "owners", "partner": "partners", "parent": "partners", "account": "accounts",
    "campaign": "campaigns", "submission": "submissions", "telecoms": "telecoms", "telecom": "telecoms",
}  # fmt: skip
TEXT = st.text("甲乙（丙）・ab Z0';\"=-\\%_", max_size=8).map(str.strip)
WORDS = TEXT.filter(bool)
DATES = st.dates(date(1890, 1, 1), date(2100, 1, 1)).map(date.isoformat)
NOW = datetime.fromtimestamp(NOW_US / 1e6, CHINA).replace(tzinfo=None)
MOMENTS = st.datetimes(datetime(1999, 1, 1), NOW - timedelta(seconds=1)).map(
    lambda one: one.replace(tzinfo=CHINA).isoformat()
)
HASHES = st.sampled_from(["0123456789abcdef" * 4, "f" * 64])
OF_FIELD: dict[Field, st.SearchStrategy[Any]] = {
    fields.TEXT: TEXT,
    fields.FILLED: WORDS,
    fields.PASSAGE: st.lists(WORDS, min_size=1, max_size=3).map("\n".join),
    fields.NAMES: st.lists(WORDS, max_size=3),
    fields.FLAG: st.booleans(),
    fields.PURPOSES: st.lists(st.sampled_from(STRICTEST_FIRST), min_size=1, max_size=3),
    fields.CHANNEL_SET: st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=2),
    fields.REGION: st.sampled_from(["", *sorted(REGIONS)]),
    fields.REGION_SET: st.lists(st.sampled_from(sorted(REGIONS)), max_size=2),
    fields.NETWORKS: st.lists(st.sampled_from(["10.0.0.0/8", "2001:db8::/32"]), max_size=2),
    fields.HASH: HASHES,
    fields.DOCUMENTS: st.dictionaries(st.sampled_from(["licence", "委托书"]), HASHES, min_size=1).map(
        lambda found: [f"{name}={digest}" for name, digest in found.items()]
    ),
    fields.SINCE: DATES,
    fields.UNTIL: st.one_of(DATES, st.just("forever")),
    fields.MOMENT: MOMENTS,
    fields.MOMENT_NOTED: st.one_of(st.just(""), MOMENTS),
    fields.RECIPIENT: st.sampled_from(["13800138000", "13800138001", "057188880000"]),
    fields.SENDING_NUMBER: st.sampled_from(["10690001", "1069000112", "95588", "057188880000", "JIANGLAN"]),
    fields.PAGE: st.sampled_from(["", "https://bank.example/a?b=1"]),
    content_fields.SIGNATURE: st.sampled_from(["示例银行", "例行"]),
    content_fields.SIGNATURES: st.lists(st.sampled_from(["示例", "例"]), max_size=2),
    content_fields.TELEPHONE: st.sampled_from(["4000001001", "95588", "057188880000"]),
    content_fields.DOMAIN: st.sampled_from(["bank.example", "xn--fsq.cn"]),
    content_fields.KEYWORDS: st.lists(st.sampled_from(["T", "TD", "退订"]), max_size=3),
}  # fmt: skip


def value_of(table: Table, column: Column) -> st.SearchStrategy[Any]:
    if column.name in REFERS and column.name != table.key[:1]:
        names = st.sampled_from(NAMES[REFERS[column.name]])
        return names if column.required or column.name != "telecoms" else st.lists(names, max_size=2)
    if column.name == "id" and table.name in NAMES:
        return st.sampled_from(NAMES[table.name])
    if (table.name, column.name) == ("accounts", "reviewed_by"):
        return st.sampled_from([[], ["甲", "乙"]])
    if column.name == "password_hash":
        return st.just(HASHED)
    found = OF_FIELD.get(column.field)
    if found is not None:
        return found
    # A closed set of words, or a number within bounds: those that the field itself takes.
    tried: list[Any] = ["a-1", "b.2", "1069055", "1069059", *WORDS_OF_SETS, 0, 1, 5, 0x0400, 100, "08:00", "24:00"]
    return st.sampled_from([one for one in tried if takes(column, one)] or [column.default])


#: Of all closed sets of words.
WORDS_OF_SETS = [
    *("bank", "fund", "carrier", "sms_platform", "central", "local", "vendor", "standard", "precise", "legacy"),
    *("account", "number", "consent", "request", "submitted", "reviewed", "approved", "rejected", "draft", "received"),
    *("accepted", "returned", "merged", "replaced", "open", "settled", "application", "report", "debtor", "guarantor"),
    *("none", "marketing/sms", "collection/voice"),
]


def takes(column: Column, value: Any) -> bool:
    try:
        column.field.read(value)
    except (ValueError, TypeError):
        return False
    return True


def row_of(table: Table) -> st.SearchStrategy[dict[str, Any]]:
    asked = {"password_hash", *(("telecoms",) if table.name == "accounts" else ())}
    needed = {one.name: value_of(table, one) for one in table.columns if one.required or one.name in asked}
    others = {column.name: value_of(table, column) for column in table.columns if column.name not in needed}
    return st.fixed_dictionaries(needed, optional=others)


BASE: dict[str, list[dict[str, Any]]] = {
    "institutions": [{"id": name, "name": name, "kind": "bank"} for name in NAMES["institutions"]],
    "telecoms": [
        {"id": name, "name": f"{name}（虚构）", "kind": "carrier", "licence_no": "1", "since": "2026-01-01",
         "until": "2026-12-31"} for name in NAMES["telecoms"]
    ],
    "partners": [
        {"id": name, "name": name, "since": "2026-01-01", "until": "2026-12-31"} for name in NAMES["partners"]
    ],
    "accounts": [
        {"id": name, "principal": "bank", "operator": "bank", "purposes": "marketing", "password_hash": HASHED,
         "telecoms": ["tong"], "responsible": "责任人（虚构）"} for name in NAMES["accounts"]
    ],
    "campaigns": [
        {"id": name, "institution": "bank", "name": name, "responsible": "责任人（虚构）", "purposes": "marketing",
         "channels": "sms", "since": "2026-01-01", "until": "2026-12-31"} for name in NAMES["campaigns"]
    ],
    "submissions": [{"id": name, "institution": "bank", "department": "部门"} for name in NAMES["submissions"]],
}  # fmt: skip
REGISTRIES = st.fixed_dictionaries({name: st.lists(row_of(table), max_size=3) for name, table in TABLES.items()})


async def take_right_rows(store: SqliteStore, document: dict[str, Any], *, whole: bool) -> dict[str, int]:
    """Takes in the rows that are right; with `whole` there must be no other."""
    known = Known({table: await store.ids(table) for table in NAMES if table != "owners"})
    staged = StagedImport.beside(store.imports, SECRET.key_id)
    report = check_rows(rows_of(document), RowCheck(known, SECRET, NOW_US), staged)
    assert not whole or report.problems == [], report.problems
    staged.finish()
    await store.adopt(staged.path)
    return report.right


async def records(store: SqliteStore) -> dict[str, Any]:
    return {table.name: [row async for rows in store.rows(table.name) for row in rows] for table in RECORD_TABLES}


async def states(store: SqliteStore) -> dict[str, Any]:
    """What the policy reads of persons."""
    plans = (SUPPRESSIONS, CONSENTS, DEBTORS, NOTICES, PREFERENCES)
    return {
        plan.state_table: sorted(await store.fetch(f"SELECT key, value FROM {plan.state_table} WHERE value != 0"))
        for plan in plans
    }


async def there_and_back(document: dict[str, Any], folder: Path) -> dict[str, int]:
    async with owned(folder / "one") as first:
        await take_right_rows(first, BASE, whole=True)
        # Numbers of one name and overlapping periods are for the store to refuse; here each stands once.
        right = await take_right_rows(first, apart(document), whole=False)
        told = await export(first, SECRET, secrets=True)
        async with owned(folder / "two") as second:
            await take_right_rows(second, told | {"about": []}, whole=True)
            again = await export(second, SECRET, secrets=True)
            assert told | {"about": []} == again | {"about": []}
            assert await records(first) == await records(second)
            assert await states(first) == await states(second)
    return right


def apart(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the tables of `BASE` as they are there but for what was drawn, and each number once."""
    numbers = {row["address"]: row for row in document["numbers"]}
    return document | {"numbers": list(numbers.values())}


@pytest.mark.unit
@settings(max_examples=examples(0.1), deadline=None)
@given(REGISTRIES)
def test_any_registry_there_and_back(document: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(there_and_back(document, Path(folder)))


@pytest.mark.soak
@settings(max_examples=500, deadline=None)
@given(REGISTRIES)
def test_many_registries_there_and_back(document: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(there_and_back(document, Path(folder)))


@pytest.mark.unit
@pytest.mark.parametrize("table", list(TABLES))
def test_rows_of_every_table_can_be_drawn(table: str) -> None:
    """A generator whose rows are all wrong would show nothing."""

    def is_right(row: dict[str, Any]) -> bool:
        document = BASE | {table: [*BASE.get(table, []), row]} if table not in BASE else BASE | {table: [row]}
        found = check_rows(rows_of(document), RowCheck(Known(), SECRET, NOW_US)).right.get(table, 0)
        return found > len(BASE.get(table, [])) - (table in BASE) * 2

    # WHY no shrinking: any right row will do, and none at all raises NoSuchExample.
    sixty = settings(max_examples=60, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
    find(row_of(TABLES[table]), is_right, settings=sixty)
