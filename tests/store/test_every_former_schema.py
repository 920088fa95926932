"""Every schema that ever was migrates: no row and no value of any table is lost, and it becomes today's schema."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from proxy.cli import main
from proxy.core.pack import Pack
from proxy.core.persons import index_key
from proxy.registry.snapshots import build_snapshot
from proxy.store.schema import APPLICATION_ID, migrations
from tests.store.open_store import SECRET, owned, take_in
from tests.tools.words import reader

pytestmark = pytest.mark.unit

NEWEST = migrations()[-1][0]
#: What columns of records hold where any text would not be read.
READABLE: dict[str, Any] = {
    "kind": "bank", "purposes": "marketing", "channels": "sms", "code_map": "vendor", "call_map": "precise",
    "state": "draft", "issuer_level": "central", "path": "report", "role": "debtor", "channel": "sms", "bits": 1,
    "released_at": None, "next_day": None, "region": "", "regions": "", "parent": "", "short_names": "", "telecoms": "",
    "refusal_keywords": "", "addresses": "", "documents": "", "vendor_base": 0x0400, "binary": 0, "extensible": 1,
}  # fmt: skip
KINDS = {"telecoms": "carrier", "holds": "account"}
OCTETS = {"person": 16, "digest": 32}
#: Written by the migrations themselves, and by whoever opens a store.
OWN = ("counters", "meta")


def build(database: Path, version: int) -> None:
    """A store of a former version, with two rows in each table."""
    with contextlib.closing(sqlite3.connect(database)) as old:
        for number, script in migrations():
            if number <= version:
                old.executescript(f"{script}\nPRAGMA application_id={APPLICATION_ID};\nPRAGMA user_version={number};")
        for table in tables(old):
            if table not in OWN:
                for place in (1, 2):
                    fill(old, table, place)
        old.execute("UPDATE counters SET value = 7 WHERE name = 'revision'")
        old.commit()


def tables(store: sqlite3.Connection) -> list[str]:
    found = store.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY 1")
    return [name for (name,) in found]


def columns(store: sqlite3.Connection, table: str) -> dict[str, tuple[str, int]]:
    return {name: (kind, needed) for _, name, kind, needed, _, _ in store.execute(f"PRAGMA table_info({table})")}


def fill(store: sqlite3.Connection, table: str, place: int) -> None:
    row: dict[str, Any] = {}
    (sql,) = store.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    closed = dict(re.findall(r"(\w+) IN \('([^']*)'", sql))
    for column, (kind, _) in columns(store, table).items():
        if column in closed:
            row[column] = closed[column]
        elif column in READABLE:
            row[column] = KINDS.get(table, READABLE[column]) if column == "kind" else READABLE[column]
        elif column in OCTETS:
            row[column] = bytes([place] * OCTETS[column])
        elif column == "revision":
            row[column] = place + 5
        else:
            row[column] = {
                "INTEGER": place,
                "TEXT": f"{column}-{place}",
                "BLOB": bytes([place] * 8),
                "REAL": place / 2,
            }[kind]
    marks = ", ".join("?" * len(row))
    store.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))


def contents(database: Path) -> dict[str, list[dict[str, Any]]]:
    with contextlib.closing(sqlite3.connect(database)) as store:
        store.row_factory = sqlite3.Row
        return {name: [dict(row) for row in store.execute(f"SELECT * FROM {name}")] for name in tables(store)}


def shape(database: Path) -> dict[str, Any]:
    with contextlib.closing(sqlite3.connect(database)) as store:
        named = store.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite%' ORDER BY 1, 2")
        found: dict[str, Any] = {"objects": named.fetchall()}
        for table in tables(store):
            keys = [(name, key) for _, name, _, _, _, key in store.execute(f"PRAGMA table_info({table})") if key]
            found[table] = (columns(store, table), sorted(keys))
        return found


@pytest.fixture(scope="module")
def todays(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    database = tmp_path_factory.mktemp("today") / "registry.db"
    build(database, NEWEST)
    return shape(database)


def test_no_number_is_left_out() -> None:
    assert [number for number, _ in migrations()] == list(range(1, NEWEST + 1))


@pytest.mark.parametrize("version", range(1, NEWEST + 1))
async def test_a_former_schema_migrates_with_every_row(version: int, tmp_path: Path, todays: dict[str, Any]) -> None:
    database = tmp_path / "registry.db"
    build(database, version)
    before = contents(database)
    async with owned(tmp_path) as store:
        snapshot = await build_snapshot(store, SECRET.person_key, Pack("test", 1), reader())
        assert await store.revision() == 7
        # The registry is read and written as before: persons are found, imports are taken in.
        assert set(snapshot.accounts) == {"id-1", "id-2"}
        assert len(snapshot.numbers) == 2
        assert snapshot.suppressions.get(1 + (1 << 63)) == 1
        changed = await take_in(store, {"institutions": [{"id": "bank", "name": "示例银行（虚构）", "kind": "bank"}]})
        assert changed["institutions"] == 1
    after = contents(database)
    assert shape(database) == todays
    for table, rows in before.items():
        if table in OWN:
            continue
        kept = [{name: row[name] for name in rows[0]} for row in after[table]]
        assert [row for row in rows if row not in kept] == [], table
    # What did not exist is empty, and says nothing of whoever was there before.
    for table in set(after) - set(before):
        assert after[table] == [], table


def test_a_key_of_a_person_is_kept_less_two_to_the_63() -> None:
    person = SECRET.person_key.digest("8613800138000")
    assert 0 <= index_key(person, SECRET.person_key.salt("bank")) < 1 << 64


@pytest.mark.parametrize(
    "command", [("registry", "status"), ("hold", "add", "account", "acct", "--by", "甲", "--reason", "试")]
)
def test_a_newer_store_is_refused_with_what_to_do(
    command: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "tdgate.toml"
    config.write_text("[smpp.routes.default]\nport = 1\n[console]\nenabled = false\n", encoding="utf-8")
    institution = tmp_path / "one.json"
    institution.write_text(
        '{"institutions": [{"id": "bank", "name": "示例银行（虚构）", "kind": "bank"}]}', encoding="utf-8"
    )
    assert main(["registry", "import", "--config", str(config), str(institution)]) == 0
    (database,) = tmp_path.rglob("registry.db")
    with contextlib.closing(sqlite3.connect(database)) as store:
        store.execute(f"PRAGMA user_version = {NEWEST + 1}")
    capsys.readouterr()
    before = database.read_bytes()
    code = main([*command, "--config", str(config)])
    said = capsys.readouterr().err
    assert code == 1
    assert f"schema {NEWEST + 1} is newer than this program knows ({NEWEST})" in said
    assert "use the newer program" in said
    assert database.read_bytes() == before
