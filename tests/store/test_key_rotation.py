"""A rotation of the key of persons: at every step everybody is found, whatever is written meanwhile and whenever it
ends without warning; in the end nothing is left under the former key.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from proxy.core.persons import PersonKey, index_key
from proxy.core.preferences import preference
from proxy.core.purposes import COLLECTION_SMS, MARKETING_SMS, MARKETING_VOICE
from proxy.core.snapshot import notice_of
from proxy.registry.doubts import Doubt
from proxy.registry.exporting import export
from proxy.registry.keys import PersonKeyError, create_person_key, former_of, load_person_key, next_of
from proxy.registry.ports import Given, Informed, Preferred, Refused, StoreError, Verified
from proxy.store import rekeying, rotation
from proxy.store.key_state import load_secret, secret_for
from proxy.store.opening import open_owner
from proxy.store.sqlite import SqliteStore
from tests.store.open_store import NOW_US, refused, take_in

pytestmark = pytest.mark.unit

PERSONS = [f"86138{number:08}" for number in range(23)]
BANKS = {
    "institutions": [{"id": name, "name": name, "kind": "bank"} for name in ("bank", "lender")],
    "partners": [{"id": "agency", "name": "合作方（虚构）", "since": "2026-01-01", "until": "2099-12-31"}],
}
TABLES = [ledger for ledger, _ in rekeying.LEDGERS]


class Keys:
    """A store under key files, and what should be found in it."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "registry.db"
        self.path = folder / "keys" / "person.key"
        self.now_us = NOW_US
        #: (index, salted, person) → value.
        self.expected: dict[tuple[str, str, str], int] = {}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[SqliteStore]:
        secret = secret_for(self.database, self.path)
        store = await open_owner(self.database, secret, lambda: self.now_us)
        try:
            yield store
        finally:
            await store.close()

    def check(self, store: SqliteStore) -> None:
        key = store._secret.person_key
        for (index, salted, person), value in self.expected.items():
            salt = key.salt(salted) if salted else 0
            assert getattr(store, index).get(index_key(key.digest(person), salt)) == value, (index, salted, person)

    async def refuse(self, store: SqliteStore, person: str, bits: int, institution: str = "bank") -> None:
        self.now_us += 1
        await store.record(refused((institution, bits), recipient=person, at_us=self.now_us))
        name = ("suppressions_index", institution, person)
        self.expected[name] = self.expected.get(name, 0) | bits

    async def start_again(self, store: SqliteStore, person: str) -> None:
        self.now_us += 1
        await store.release_own(person, ("bank",), self.now_us, channel="sms")
        self.expected["suppressions_index", "bank", person] = 0

    async def prefer(self, store: SqliteStore, person: str, institution: str, value: int) -> None:
        self.now_us += 1
        await store.prefer_all((Preferred(person, institution, value, "app"),))
        self.expected["preferences_index", institution, person] = value

    async def consent(self, store: SqliteStore, person: str) -> None:
        self.now_us += 1
        await store.give(Given(self.now_us, person, "bank", MARKETING_SMS | MARKETING_VOICE, 30_000, "form"))
        self.expected["consents_index", "bank", person] = MARKETING_SMS | MARKETING_VOICE | 30_000 << 8

    async def withdraw(self, store: SqliteStore, person: str) -> None:
        self.now_us += 1
        await store.withdraw(person, "bank", 255, self.now_us, "app")
        self.expected["consents_index", "bank", person] = 0

    async def owe(self, store: SqliteStore, person: str) -> None:
        self.now_us += 1
        await store.verify(Verified(self.now_us, person, "bank", "debtor", "loan"))
        await store.inform(Informed(self.now_us, person, "bank", "agency", "letter", "loan"))
        key = store._secret.person_key
        at = index_key(key.digest(person), key.salt("bank"))
        self.expected["debtors_index", "bank", person] = store.debtors_index.get(at)
        self.expected["notices_index", notice_of("bank", "agency"), person] = 1

    async def something(self, store: SqliteStore, chance: random.Random) -> None:
        """One thing that may happen, to a person who may be known."""
        person = chance.choice(PERSONS)
        what = chance.randrange(7)
        if what == 0:
            await self.refuse(store, person, chance.choice((MARKETING_SMS, MARKETING_VOICE, COLLECTION_SMS)))
        elif what == 1:
            await self.start_again(store, person)
        elif what == 2:
            await self.prefer(store, person, chance.choice(("", "bank")), preference(chance.randrange(4)))
        elif what == 3:
            await self.consent(store, person)
        elif what == 4:
            await self.withdraw(store, person)
        elif what == 5:
            await self.owe(store, person)
        else:
            await self.refuse(store, person, MARKETING_SMS, "lender")


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rekeying.move, "__defaults__", (3,))
    monkeypatch.setattr(rekeying.gather, "__defaults__", (7,))


def under(database: Path, key_id: int) -> int:
    """How many rows say that they were made with a key."""
    with sqlite3.connect(database) as reading:
        tables = [table for table in TABLES if table not in ("withdrawals", "releases")]
        return sum(
            reading.execute(f"SELECT count(*) FROM {table} WHERE key_id = ?", (key_id,)).fetchone()[0]
            for table in tables
        )


def persons_in(database: Path) -> set[bytes]:
    with sqlite3.connect(database) as reading:
        return {row[0] for table in TABLES for row in reading.execute(f"SELECT person FROM {table}")}


@pytest.mark.parametrize("seed", range(4))
async def test_everybody_is_found_at_every_step_whatever_happens_meanwhile(tmp_path: Path, seed: int) -> None:
    chance, keys = random.Random(seed), Keys(tmp_path)
    async with keys.opened() as store:
        await take_in_banks(store)
        for _ in range(60):
            await keys.something(store, chance)
        former = store._secret.key_id
        made = await store.rotation.begin(keys.path, "甲")
        keys.check(store)
    more = True
    while more:
        # Each opening is a start after an end without warning: nothing is kept but what a step committed.
        async with keys.opened() as store:
            keys.check(store)
            for _ in range(chance.randrange(2, 14)):
                person, bit = chance.choice(PERSONS), chance.choice((1, 2, 4, 8))
                waiting = store.record(refused(("bank", bit), recipient=person, at_us=keys.now_us))
                name = ("suppressions_index", "bank", person)
                keys.expected[name] = keys.expected.get(name, 0) | bit
                more = await store.rotation.step(keys.path)
                keys.check(store)
                await waiting
                keys.check(store)
                if not more:
                    break
                if chance.random() < 0.5:
                    await keys.something(store, chance)
                    keys.check(store)
    async with keys.opened() as store:
        keys.check(store)
        assert (store._secret.key_id, under(keys.database, former)) == (made, 0)
        newest = load_person_key(keys.path).person_key
        assert newest.key_id == made
        assert persons_in(keys.database) <= {newest.digest(person) for person in PERSONS}
        for _ in PERSONS:
            await keys.something(store, chance)
        # The former key is destroyed when nothing needs it; then the store is as any other.
        with pytest.raises(StoreError, match="until"):
            await store.rotation.retire(keys.path, 60, [], "乙")
        with pytest.raises(StoreError, match="national"):
            await store.rotation.retire(keys.path, 0, ["national.base"], "乙")
        keys.now_us += 61_000_000
        await store.rotation.retire(keys.path, 60, [], "乙")
        keys.check(store)
        told = await export(store, store._secret)
    assert not former_of(keys.path).exists()
    async with keys.opened() as store:
        keys.check(store)
        assert await export(store, store._secret) == told
        assert not store._secret.person_key.is_rotating
        # And once more from here.
        await store.rotation.begin(keys.path, "甲")
        while await store.rotation.step(keys.path):
            pass
        keys.check(store)
        assert await export(store, store._secret) == told


async def stepped(store: SqliteStore, keys: Keys) -> None:
    """All steps to the end."""
    while await store.rotation.step(keys.path):
        pass


async def take_in_banks(store: SqliteStore) -> None:
    """Records only: a staged file is under the key of these tests' other stores."""
    from tests.store import open_store

    whole = open_store.SECRET
    open_store.SECRET = store._secret  # type: ignore[misc]
    try:
        await take_in(store, BANKS)
    finally:
        open_store.SECRET = whole  # type: ignore[misc]


async def test_an_end_between_the_last_batch_and_the_files_is_made_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = Keys(tmp_path)
    async with keys.opened() as store:
        await take_in_banks(store)
        await keys.refuse(store, PERSONS[1], MARKETING_SMS)
        made = await store.rotation.begin(keys.path, "甲")

        def ends(_path: Path) -> None:
            raise PersonKeyError("the power went")

        monkeypatch.setattr(rotation, "promote_next", ends)
        with pytest.raises(PersonKeyError):
            await stepped(store, keys)
        keys.check(store)
    monkeypatch.undo()
    assert next_of(keys.path).exists()
    async with keys.opened() as store:
        keys.check(store)
        await keys.refuse(store, PERSONS[2], MARKETING_SMS)
        assert not await store.rotation.step(keys.path)
        keys.check(store)
    assert (load_person_key(keys.path).key_id, next_of(keys.path).exists()) == (made, False)
    async with keys.opened() as store:
        keys.check(store)


async def test_a_key_that_the_store_speaks_of_must_be_there(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    async with keys.opened() as store:
        await take_in_banks(store)
        await keys.refuse(store, PERSONS[1], MARKETING_SMS)
        await store.rotation.begin(keys.path, "甲")
        with pytest.raises(StoreError, match="lives still"):
            await store.rotation.begin(keys.path, "甲")
        with pytest.raises(StoreError, match="being moved"):
            await store.rotation.retire(keys.path, 0, [], "乙")
    beside = next_of(keys.path).read_bytes()
    next_of(keys.path).unlink()
    with pytest.raises(PersonKeyError, match="under way"):
        load_secret(keys.database, keys.path)
    create_person_key(next_of(keys.path))
    with pytest.raises(PersonKeyError, match="another key"):
        load_secret(keys.database, keys.path)
    next_of(keys.path).write_bytes(beside)
    async with keys.opened() as store:
        while await store.rotation.step(keys.path):
            pass
    former_of(keys.path).unlink()
    with pytest.raises(PersonKeyError, match="not retired"):
        load_secret(keys.database, keys.path)


async def test_a_doubt_moves_with_its_text_and_is_decided_under_the_new_key(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    async with keys.opened() as store:
        await take_in_banks(store)
        for person in PERSONS[:2]:
            doubt = Doubt("（虚构）你们看着办", 0.5, False, 10)
            closes = (("bank", MARKETING_SMS),)
            await store.record(Refused(NOW_US, person, closes, "sms", label="optout", number_to="1", doubt=doubt))
        await store.decide_doubt(1, "dismissed", by="甲", reason="x")
        await store.rotation.begin(keys.path, "甲")
        deciding = asyncio.create_task(store.decide_doubt(2, "confirmed", by="甲", reason="x"))
        await stepped(store, keys)
        await deciding
        keys.expected["suppressions_index", "bank", PERSONS[1]] = MARKETING_SMS
        keys.check(store)
        await store.record(Refused(NOW_US + 1, PERSONS[2], closes, "sms", label="optout", number_to="1", doubt=doubt))
        (row,) = await store.doubts()
        assert store._secret.unseal(row.text, row.person) == doubt.text
    async with keys.opened() as store:
        keys.check(store)
    with sqlite3.connect(keys.database) as reading:
        assert {row[0] for row in reading.execute("SELECT key_id FROM doubts")} == {load_person_key(keys.path).key_id}


async def test_persons_are_not_imported_while_others_are_moved(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    row: dict[str, Any] = {"recipient": "13800000001", "institution": "bank", "at": "2026-03-01"}
    async with keys.opened() as store:
        await take_in_banks(store)
        await keys.refuse(store, PERSONS[5], MARKETING_SMS)
        await store.rotation.begin(keys.path, "甲")
        BANKS["suppressions"] = [row]
        try:
            with pytest.raises(StoreError, match="rotated"):
                await take_in_banks(store)
        finally:
            del BANKS["suppressions"]
        await take_in_banks(store)


def test_a_ledger_can_be_moved_to_another_key_and_not_changed(tmp_path: Path) -> None:
    database = tmp_path / "triggers.db"

    async def made() -> None:
        keys = Keys(tmp_path)
        keys.database = database
        async with keys.opened() as store:
            await take_in_banks(store)
            await keys.refuse(store, PERSONS[1], MARKETING_SMS)
            await keys.consent(store, PERSONS[1])

    asyncio.run(made())
    with sqlite3.connect(database) as writing:
        for sql in (
            "UPDATE suppressions SET bits = 2",
            "UPDATE suppressions SET bits = 2, key_id = 7, person = zeroblob(16)",
            "UPDATE suppressions SET institution = 'lender', key_id = 7, person = zeroblob(16)",
            "UPDATE suppressions SET person = zeroblob(16), key_id = 7, released_at = 5",
            "UPDATE consents SET until_day = 99999",
            "UPDATE consents SET until_day = 99999, key_id = 7, person = zeroblob(16)",
            "DELETE FROM consents",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="append only"):
                writing.execute(sql)


def test_a_request_is_recognised_under_the_key_that_it_came_under() -> None:
    key = PersonKey(b"former key of 32 octets, invented", 1)
    asked = key.fingerprint(b"a request")
    key.begin(b"newer key of 32 octets, invented", 2)
    assert key.fingerprint(b"a request") != asked
    assert key.fingerprint(b"a request", 1) == asked
    assert key.fingerprint(b"a request", 2) == key.fingerprint(b"a request")
    key.all_moved()
    key.retire()
    assert key.fingerprint(b"a request", 1) == b""
