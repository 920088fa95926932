"""The owner and its readers: one lock, one schema, one key; indexes that come back as they were."""

import contextlib
import logging
import os
import sqlite3
from pathlib import Path

import aiosqlite
import pytest

from proxy.core.pack import Pack
from proxy.registry.dates import day_number, since_s
from proxy.registry.keys import PersonSecret
from proxy.registry.ports import Given, StoreError
from proxy.registry.snapshots import build_snapshot
from proxy.registry.tables import RECORD_TABLES, TABLES
from proxy.rules.person import CONSENT_DAY_SHIFT
from proxy.store import person_load
from proxy.store.lock import OwnedError, OwnerLock
from proxy.store.reader import open_reader
from proxy.store.schema import APPLICATION_ID, migrate, migrations
from proxy.store.staging import PERSON_COLUMNS
from tests.store.open_store import BANK, NOW_US, PERSON, SECRET, key_of, owned, refused, take_in
from tests.tools.words import reader

pytestmark = pytest.mark.unit

TODAY = day_number(NOW_US / 1e6)
DAY_US = 86_400_000_000


def given(bits: int, until_day: int, at_us: int = NOW_US - DAY_US) -> Given:
    return Given(at_us, PERSON, "bank", bits, until_day, "form")


async def test_a_second_owner_is_told_who_has_the_store(tmp_path: Path) -> None:
    async with owned(tmp_path):
        with pytest.raises(OwnedError, match="owned by another process"):
            async with owned(tmp_path):
                pass
    async with owned(tmp_path):
        pass


def test_the_lock_is_free_after_release(tmp_path: Path) -> None:
    lock = OwnerLock(tmp_path / "owner.lock")
    with pytest.raises(OwnedError):
        OwnerLock(tmp_path / "owner.lock")
    lock.release()
    lock.release()
    OwnerLock(tmp_path / "owner.lock").release()


async def test_an_owner_that_fails_to_open_frees_the_lock(tmp_path: Path) -> None:
    (tmp_path / "registry.db").write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(StoreError):
        async with owned(tmp_path):
            pass
    OwnerLock(tmp_path / "owner.lock").release()


async def test_a_newer_schema_is_refused_by_owner_and_reader(tmp_path: Path) -> None:
    async with owned(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "registry.db") as future:
        future.execute(f"PRAGMA user_version = {migrations()[-1][0] + 1}")
    future.close()
    with pytest.raises(StoreError, match="newer than this program"):
        async with owned(tmp_path):
            pass
    with pytest.raises(StoreError, match="newer than this program"):
        await open_reader(tmp_path / "registry.db")


async def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "registry.db") as foreign:
        foreign.execute("CREATE TABLE institutions (id)")
    foreign.close()
    with pytest.raises(StoreError, match="not a database of tdgate"):
        async with owned(tmp_path):
            pass


async def test_another_key_of_persons_is_refused(tmp_path: Path) -> None:
    async with owned(tmp_path):
        pass
    with pytest.raises(StoreError, match="another key"):
        async with owned(tmp_path, secret=PersonSecret(bytes(32), bytes(32))):
            pass


async def test_a_reader_cannot_write_and_reads_beside_the_owner(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        await take_in(store, {"institutions": [BANK]})
        reader = await open_reader(tmp_path / "registry.db")
        try:
            assert await reader.ids("institutions") == {"bank"}
            assert await reader.revision() == 1
            with pytest.raises(StoreError):
                await reader.fetch("DELETE FROM institutions")
        finally:
            await reader.close()


async def test_there_is_nothing_to_read_before_there_is_a_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no registry yet"):
        await open_reader(tmp_path / "registry.db")
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240


async def test_full_sync_and_write_ahead_log_are_in_force(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        async with store._owning.execute("PRAGMA synchronous") as cursor:
            assert await cursor.fetchone() == (2,)
        async with store._owning.execute("PRAGMA journal_mode") as cursor:
            assert await cursor.fetchone() == ("wal",)


async def test_the_schema_has_the_columns_that_the_tables_declare(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        for table in TABLES.values():
            columns = {row[1] for row in await store.fetch(f"PRAGMA table_info({table.name})")}
            declared = set(table.names) if table in RECORD_TABLES else set(PERSON_COLUMNS[table.name])
            assert declared <= columns, table.name


@pytest.mark.parametrize("damage", ["missing", "flipped", "emptied", "foreign"])
async def test_a_base_that_cannot_be_trusted_is_written_anew_loudly(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with owned(tmp_path) as store:
        await store.record(refused(("bank", 3)))
    async with owned(tmp_path):
        pass
    base = tmp_path / "suppressions.base"
    if damage == "missing":
        base.unlink()
    elif damage == "flipped":
        octets = bytearray(base.read_bytes())
        octets[20] ^= 1
        base.write_bytes(octets)
    elif damage == "emptied":
        base.write_bytes(b"")
    else:
        (tmp_path / "other").mkdir()
        async with owned(tmp_path / "other") as other:
            await other.record(refused(("bank", 12)))
        base.write_bytes((tmp_path / "other" / "suppressions.base").read_bytes())
    # WHY: another test of this process may have had every logger say what it does.
    caplog.clear()
    with caplog.at_level(logging.WARNING, "tdgate.store"):
        async with owned(tmp_path) as store:
            assert store.suppressions_index.get(key_of(PERSON, "bank")) == 3
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_a_backup_put_back_does_not_meet_a_newer_base(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        await store.record(refused(("bank", 3)))
    backup = (tmp_path / "registry.db").read_bytes()
    async with owned(tmp_path) as store:
        await store.release_own(PERSON, ("bank",), NOW_US)
    person_base = tmp_path / "suppressions.base"
    person_base.unlink()
    async with owned(tmp_path):
        pass  # writes a base in which nothing is closed
    (tmp_path / "registry.db").write_bytes(backup)
    async with owned(tmp_path) as store:
        for _ in range(5):
            await store.record(refused(("lender", 1)))
        await store.record(refused(("lender", 3)))
        await store.record(refused(("lender", 7)))
    async with owned(tmp_path) as store:
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 3


async def test_a_long_tail_is_folded_into_a_new_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with owned(tmp_path) as store:
        for number in range(30):
            await store.record(refused(("bank", 3), recipient=f"861380013{number:04d}"))
    async with owned(tmp_path) as store:
        assert store.suppressions_index.laid_over == 30
    monkeypatch.setattr(person_load, "TAIL_MOST", 10)
    async with owned(tmp_path) as store:
        assert (store.suppressions_index.laid_over, len(store.suppressions_index)) == (0, 30)
        assert all(store.suppressions_index.get(key_of(f"861380013{n:04d}", "bank")) == 3 for n in range(30))


async def test_a_consent_is_bits_and_the_day_on_which_it_ends(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        assert await store.give(given(1, TODAY + 9))
        value = store.consents_index.get(key_of(PERSON, "bank"))
        assert (value & 0xFF, value >> CONSENT_DAY_SHIFT) == (1, TODAY + 9)
        assert not await store.give(given(1, TODAY + 9))
        assert await store.give(given(1, TODAY + 20))
        assert store.consents_index.get(key_of(PERSON, "bank")) >> CONSENT_DAY_SHIFT == TODAY + 20


async def test_a_withdrawn_consent_is_not_revived_by_an_older_one(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        key = key_of(PERSON, "bank")
        await store.give(given(3, TODAY + 9))
        assert await store.withdraw(PERSON, "bank", 1, NOW_US, "api")
        assert store.consents_index.get(key) & 0xFF == 2
        assert not await store.withdraw(PERSON, "bank", 1, NOW_US, "api")
        await store.give(given(1, TODAY + 90, at_us=NOW_US - 5))
        await take_in(
            store,
            {
                "institutions": [BANK],
                "consents": [
                    {
                        "recipient": PERSON,
                        "institution": "bank",
                        "channels": "sms",
                        "given": "2026-01-01",
                        "source": "x",
                    }
                ],
            },
        )
        assert store.consents_index.get(key) & 0xFF == 2
        await store.give(given(1, TODAY + 90, at_us=NOW_US + 5))
        assert store.consents_index.get(key) & 0xFF == 3
    async with owned(tmp_path) as store:
        assert store.consents_index.get(key) & 0xFF == 3


async def test_consents_of_two_channels_end_each_on_its_day(tmp_path: Path) -> None:
    key = key_of(PERSON, "bank")
    async with owned(tmp_path) as store:
        await store.give(given(1, TODAY + 2))
        await store.give(given(2, TODAY + 9))
        assert store.consents_index.get(key) == 3 | (TODAY + 2) << 8  # never longer than given
    async with owned(tmp_path, now_us=NOW_US + 2 * DAY_US) as store:
        assert store.consents_index.get(key) == 2 | (TODAY + 9) << 8
    async with owned(tmp_path, now_us=NOW_US + 20 * DAY_US) as store:
        assert store.consents_index.get(key) == 2 | (TODAY + 9) << 8  # over, and still told as expired


async def test_settling_a_day_in_a_running_store(tmp_path: Path) -> None:
    from proxy.store.opening import open_owner

    clock = [NOW_US]
    store = await open_owner(tmp_path / "registry.db", SECRET, lambda: clock[0])
    try:
        await store.give(given(1, TODAY + 1))
        await store.give(given(2, TODAY + 9))
        clock[0] = since_s_us = (since_s_of(TODAY + 1)) * 1_000_000
        assert since_s_us > NOW_US
        await store.settle_day()
        assert store.consents_index.get(key_of(PERSON, "bank")) == 2 | (TODAY + 9) << 8
    finally:
        await store.close()


def since_s_of(day: int) -> int:
    from datetime import date, timedelta

    return since_s(date(1970, 1, 1) + timedelta(days=day))


async def test_holds_and_disposals_raise_the_revision_once(tmp_path: Path) -> None:
    number = {
        "address": "10690001",
        "principal": "bank",
        "operator": "bank",
        "telecom": "invented",
        "channels": "sms",
        "purposes": "marketing",
        "since": "2026-01-01",
        "until": "2026-12-31",
    }
    async with owned(tmp_path) as store:
        await take_in(store, {"institutions": [BANK], "numbers": [number]})
        assert await store.revision() == 1
        assert await store.hold("account", "acme", "fraud", "officer")
        assert not await store.hold("account", "acme", "fraud", "officer")
        assert await store.revision() == 2
        assert await store.dispose("10690001", disposed=True, reason="complaints", by="carrier") == 1
        assert await store.dispose("10690001", disposed=True, reason="complaints", by="carrier") == 0
        assert await store.dispose("10699999", disposed=True, reason="complaints", by="carrier") == 0
        assert await store.revision() == 3
        await take_in(store, {"numbers": [number]})  # an import does not lift a disposal
        rows = [row async for part in store.rows("numbers") for row in part]
        assert rows[0][TABLES["numbers"].names.index("disposed")] == 1
        assert await store.dispose("10690001", disposed=False, reason="settled", by="carrier") == 1
        assert await store.lift_hold("account", "acme", "officer")
        assert not await store.lift_hold("account", "acme", "officer")
        assert await store.revision() == 5
        measures = await store.fetch("SELECT verb, target, by FROM measures ORDER BY id")
        assert measures[0] == ("number.added", "1 numbers", "import")
        assert [row[0] for row in measures] == [
            "number.added",
            "hold.add",
            "number.dispose",
            "number.restore",
            "hold.remove",
        ]


async def test_a_database_of_before_gains_what_came_later(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with contextlib.closing(sqlite3.connect(path)) as old:
        version, script = migrations()[0]
        old.executescript(f"{script}\nPRAGMA application_id={APPLICATION_ID};\nPRAGMA user_version={version};")
    async with aiosqlite.connect(path) as connection:
        await migrate(connection, path.name)
        await migrate(connection, path.name)
        async with connection.execute("SELECT name, dflt_value FROM pragma_table_info('accounts')") as found:
            columns = {str(name): default async for name, default in found}
    assert columns["replace_sm"] == "0"


async def test_a_disposed_port_stays_a_port_whatever_a_file_says(tmp_path: Path) -> None:
    """Made a number without extensions, and its extensions registered for themselves, it would open again (Z14)."""
    row = {"address": "10690001", "principal": "bank", "operator": "bank", "telecom": "x", "channels": "sms",
           "purposes": "marketing", "since": "2026-01-01", "until": "2030-12-31"}  # fmt: skip
    async with owned(tmp_path) as store:
        await take_in(store, {"institutions": [BANK], "numbers": [row | {"extensible": True}]})
        await store.dispose("10690001", disposed=True, reason="x", by="y")
        around = [row | {"extensible": False}, row | {"address": "1069000123"}]
        assert (await take_in(store, {"numbers": around}))["numbers"] == 1
        library = (await build_snapshot(store, SECRET.person_key, Pack("test", 1), reader())).numbers
        assert [one.disposed for one in library.above("1069000123")] == [True]
        # What is not disposed may become a number of its own.
        await store.dispose("10690001", disposed=False, reason="x", by="y")
        await take_in(store, {"numbers": [row | {"extensible": False}]})
        library = (await build_snapshot(store, SECRET.person_key, Pack("test", 1), reader())).numbers
        assert library.above("1069000123") == ()


async def test_what_killed_processes_left_is_cleared_away_once_it_is_old(tmp_path: Path) -> None:
    left = [
        tmp_path / "imports" / "12-ab.staged",
        tmp_path / "imports" / "12-ab.list",
        tmp_path / "consents.base.12.new",
    ]
    fresh = [tmp_path / "imports" / "13-ab.staged", tmp_path / "debtors.base.13.new"]
    (tmp_path / "imports").mkdir()
    for path in (*left, *fresh):
        path.touch()
        age_s = 90_000 if path in left else 80_000
        os.utime(path, (NOW_US / 1e6 - age_s,) * 2)
    async with owned(tmp_path):
        assert [path for path in (*left, *fresh) if path.exists()] == fresh
