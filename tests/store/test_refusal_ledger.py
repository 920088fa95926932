"""Refusals: bind at once, told only when on disk, lifted only by the person and only what they closed by reply."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import aiosqlite
import pytest

from proxy.core.persons import PersonIndex
from proxy.registry.ports import StoreError
from proxy.store.reader import open_reader
from proxy.store.refusal_ledger import RefusalLedger
from tests.store.open_store import BANK, LENDER, NOW_US, PERSON, SECRET, key_of, owned, refused, take_in

pytestmark = pytest.mark.unit


class FaultyConnection:
    """An aiosqlite connection that fails one statement, as a disk would, for as long as `failing` names its start."""

    def __init__(self, real: aiosqlite.Connection) -> None:
        self.real = real
        self.failing = ""
        self.statements: list[str] = []

    def execute(self, sql: str, arguments: Any = ()) -> Any:
        self.statements.append(sql)
        if self.failing and sql.startswith(self.failing):
            raise sqlite3.OperationalError("disk I/O error")
        return self.real.execute(sql, arguments)

    def execute_fetchall(self, sql: str, arguments: Any = ()) -> Any:
        self.statements.append(sql)
        if self.failing and sql.startswith(self.failing):
            raise sqlite3.OperationalError("disk I/O error")
        return self.real.execute_fetchall(sql, arguments)

    def executemany(self, sql: str, rows: Any) -> Any:
        if self.failing and sql.startswith(self.failing):
            raise sqlite3.OperationalError("database or disk is full")
        return self.real.executemany(sql, rows)

    @property
    def in_transaction(self) -> bool:
        return self.real.in_transaction


async def ledger_rows(database: Path) -> list[tuple[Any, ...]]:
    reader = await open_reader(database)
    try:
        return await reader.fetch("SELECT institution, bits, source, released_at FROM suppressions ORDER BY id")
    finally:
        await reader.close()


async def test_a_refusal_binds_in_the_same_call_and_is_on_disk_when_it_is_told(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        told = store.record(refused(("bank", 3)))
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 3  # before the loop had a turn
        assert not told.done()
        assert (await told).changed == ("bank",)
        assert await ledger_rows(tmp_path / "registry.db") == [("bank", 3, "reply", None)]


async def test_what_was_told_survives_a_process_that_never_closes(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        await store.record(refused(("bank", 3)))
        kept = tmp_path / "after the crash"
        kept.mkdir()
        for file in tmp_path.glob("registry.db*"):  # noqa: ASYNC240
            if not file.name.endswith("-shm"):
                (kept / file.name).write_bytes(file.read_bytes())
    async with owned(kept) as again:
        assert again.suppressions_index.get(key_of(PERSON, "bank")) == 3


@pytest.mark.parametrize(
    "failing", ["BEGIN", "SELECT", "INSERT INTO suppressions", "INSERT INTO suppression_state", "COMMIT"]
)
async def test_nobody_of_a_batch_is_told_yes_when_its_commit_fails(tmp_path: Path, failing: str) -> None:
    async with owned(tmp_path):
        pass
    async with aiosqlite.connect(tmp_path / "registry.db", isolation_level=None) as real:
        faulty = FaultyConnection(real)
        index = PersonIndex()
        ledger = RefusalLedger(faulty, SECRET, index, asyncio.Lock())  # type: ignore[arg-type]
        faulty.failing = failing
        told = [ledger.record(refused(("bank", 3), recipient=f"861380013800{n}")) for n in range(3)]
        answers = await asyncio.gather(*told, return_exceptions=True)
        assert [type(answer) for answer in answers] == [StoreError] * 3
        assert index.get(key_of("8613800138000", "bank")) == 3  # memory stays the stricter of the two
        assert not real.in_transaction

        faulty.failing = ""
        assert (await ledger.record(refused(("bank", 3)))).changed == ("bank",)  # the ledger goes on
        await ledger.close()
    assert await ledger_rows(tmp_path / "registry.db") == [("bank", 3, "reply", None)]


async def test_a_full_disk_is_told_to_the_caller(tmp_path: Path) -> None:
    async with owned(tmp_path):
        pass
    async with aiosqlite.connect(tmp_path / "registry.db", isolation_level=None) as real:
        await real.execute("PRAGMA max_page_count = 1")
        ledger = RefusalLedger(real, SECRET, PersonIndex(), asyncio.Lock())
        many = [ledger.record(refused(("bank", 3), recipient=f"8613800{n:06d}")) for n in range(500)]
        answers = await asyncio.gather(*many, return_exceptions=True)
        await ledger.close()
    failed = [answer for answer in answers if isinstance(answer, StoreError)]
    assert failed
    assert len(await ledger_rows(tmp_path / "registry.db")) == len(answers) - len(failed)


async def test_whatever_has_queued_shares_one_commit(tmp_path: Path) -> None:
    async with owned(tmp_path):
        pass
    async with aiosqlite.connect(tmp_path / "registry.db", isolation_level=None) as real:
        counting = FaultyConnection(real)
        ledger = RefusalLedger(counting, SECRET, PersonIndex(), asyncio.Lock())  # type: ignore[arg-type]
        await asyncio.gather(*(ledger.record(refused(("bank", 3), recipient=f"8613800{n:06d}")) for n in range(300)))
        await ledger.close()
    assert counting.statements.count("COMMIT") == 1


async def test_a_repeated_refusal_is_a_row_of_its_own_and_no_change(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        together = await asyncio.gather(*(store.record(refused(("bank", 3))) for _ in range(3)))
        assert [answer.changed for answer in together] == [("bank",), (), ()]
        assert (await store.record(refused(("bank", 1), ("lender", 4)))).changed == ("lender",)
        assert (await store.record(refused(("bank", 4)))).changed == ("bank",)
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 7
    assert len(await ledger_rows(tmp_path / "registry.db")) == 6


async def test_start_lifts_only_what_the_person_closed_by_reply(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        imported = {"recipient": "13800138000", "institution": "bank", "channels": ["voice"], "at": "2026-01-01"}
        await take_in(store, {"institutions": [BANK, LENDER], "suppressions": [imported]})
        await store.record(refused(("bank", 3), ("lender", 3)))
        await store.record(refused(("bank", 4), source="hotline"))
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 7
        released = await store.release_own(PERSON, ("bank", "other"), NOW_US + 1)
        assert released.remaining == {"bank": 2 | 4, "other": 0}
        assert released.lifted == ("bank",)
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 6
        assert store.suppressions_index.get(key_of(PERSON, "lender")) == 3  # not asked for
        again = await store.release_own(PERSON, ("bank",), NOW_US + 2)
        assert (again.remaining, again.lifted) == ({"bank": 6}, ())
    async with owned(tmp_path) as store:
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 6
        assert store.suppressions_index.get(key_of(PERSON, "lender")) == 3


async def test_start_lifts_nothing_of_another_person(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        await store.record(refused(("bank", 3)))
        await store.release_own("8613900139000", ("bank",), NOW_US)
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 3


async def test_a_refusal_after_start_stays_closed_at_every_moment(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        key = key_of(PERSON, "bank")
        await store.record(refused(("bank", 3)))
        lifted = store.release_own(PERSON, ("bank",), NOW_US)
        await asyncio.sleep(0)  # the release is under way, alone in its batch
        closed = store.record(refused(("bank", 1)))
        lifted.add_done_callback(lambda _: seen.append(store.suppressions_index.get(key)))
        seen: list[int] = []
        assert (await lifted).remaining == {"bank": 0}
        assert store.suppressions_index.get(key) == 1
        assert (await closed).changed == ("bank",)
        assert seen == [1]
        assert store.suppressions_index.get(key) == 1


async def test_a_start_between_two_refusals_of_one_batch(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        one = store.record(refused(("bank", 3)))
        two = store.release_own(PERSON, ("bank",), NOW_US)
        three = store.record(refused(("bank", 4)))
        assert (await one).changed == ("bank",)
        assert (await two).remaining == {"bank": 0}
        assert (await three).changed == ("bank",)
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 4
    async with owned(tmp_path) as store:
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 4


async def test_closing_commits_what_has_queued_and_refuses_what_comes_later(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        told = store.record(refused(("bank", 3)))
        ledger = store.ledger
    assert (await told).changed == ("bank",)
    with pytest.raises(StoreError):
        await ledger.record(refused(("bank", 4)))


async def test_the_number_is_sealed_and_the_row_cannot_be_changed(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        await store.record(refused(("bank", 3)))
        (row,) = await store.suppressions()
        assert SECRET.unseal(row.number, row.person) == PERSON
    octets = (tmp_path / "registry.db").read_bytes()
    assert PERSON.encode() not in octets
    assert PERSON[2:].encode() not in octets
    with sqlite3.connect(tmp_path / "registry.db") as forger:
        for statement in (
            "DELETE FROM suppressions",
            "UPDATE suppressions SET bits = 1",
            "UPDATE suppressions SET source = 'reply', released_at = 1, institution = 'x'",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                forger.execute(statement)
    forger.close()


async def test_while_a_disk_hangs_a_bounded_number_waits_and_the_next_binds_and_fails_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.store.refusal_ledger._QUEUE_MOST", 5)
    async with owned(tmp_path) as store:
        async with store.ledger._writing:
            first = store.record(refused(("bank", 1)))
            for _ in range(10):
                await asyncio.sleep(0)
            assert not store.ledger._queue, "it is with the disk"
            waiting = [store.record(refused(("bank", 1))) for _ in range(5)]
            beyond = store.record(refused(("lender", 3)))
            assert store.suppressions_index.get(key_of(PERSON, "lender")) & 3 == 3
            assert beyond.done()
            assert isinstance(beyond.exception(), StoreError)
            assert not any(each.done() for each in (first, *waiting))
        for each in (first, *waiting):
            await each
        await store.record(refused(("lender", 3)))
