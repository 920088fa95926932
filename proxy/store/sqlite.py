"""The owner of the store: one process, one connection that writes (WAL, synchronous=FULL).

Owns the life of the database and the live indexes of persons. Must never let two transactions mix on the writing
connection: `_transaction` holds a lock from BEGIN to COMMIT. How it works: refusals go through `RefusalLedger`, imports
through `adoption`; questions take a second, read-only connection, so that a long listing never stands between a refusal
and its commit, and sees only what was committed.
"""

import asyncio
import os
import sqlite3
from asyncio import Future
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, Literal

import aiosqlite

from proxy.core.persons import PersonIndex, index_key
from proxy.core.purposes import OBJECTION
from proxy.registry.dates import day_number
from proxy.registry.doubts import CLOSES, Decided, DoubtRow, Verdict
from proxy.registry.keys import PersonSecret
from proxy.registry.ports import (
    Alter,
    ApiToken,
    FollowedList,
    Given,
    Informed,
    Preferred,
    Put,
    Receipt,
    Recorded,
    Refused,
    Released,
    StaleError,
    StoreError,
    Verified,
)
from proxy.store import (
    adoption,
    amending,
    consent_ledger,
    debtor_ledger,
    followed,
    person_load,
    preference_ledger,
    receipts,
)
from proxy.store.donotcall_file import DONOTCALL_FOLDER, load_donotcall
from proxy.store.folding import Folding
from proxy.store.lock import OwnerLock
from proxy.store.one_turn import in_one_turn, in_transaction, roll_back
from proxy.store.reader import StoreReader
from proxy.store.refusal_ledger import RefusalLedger
from proxy.store.rotation import After, Rotation
from proxy.store.staging import PERSON_COLUMNS, SLICE_ROWS

#: Recycled numbers in one transaction: no refusal waits long for its commit.
_NUMBERS_AT_ONCE: Final = 50


class SqliteStore(StoreReader):
    """Fills `registry.ports.Owner`. Made by `opening.open_owner` only."""

    suppressions_index: PersonIndex
    consents_index: PersonIndex
    preferences_index: PersonIndex
    donotcall: tuple[PersonIndex, ...]
    debtors_index: PersonIndex
    notices_index: PersonIndex
    rotation: Rotation

    def __init__(
        self,
        connection: aiosqlite.Connection,
        reading: aiosqlite.Connection,
        database: Path,
        lock: OwnerLock,
        secret: PersonSecret,
        now_us: Callable[[], int],
    ) -> None:
        super().__init__(reading, str(database))
        self._owning = connection
        self._database = database
        self.imports = database.with_name("imports")
        self._lock = lock
        self._secret = secret
        self._now_us = now_us
        self._writing = asyncio.Lock()
        self._ledger: RefusalLedger | None = None

    async def start(self) -> None:
        """Proves the key, loads the indexes of persons, starts the ledger. Raises StoreError."""
        await self._owning.execute(consent_ledger.PREPARE)
        store_id = await self._identify()
        await self._settle_consents()
        key, writing = self._secret.person_key, self._writing
        of_store = (store_id, key.settled_id, self._remember_base)

        async def load(plan: person_load.IndexPlan) -> PersonIndex:
            return await person_load.load_index(self, self._database, plan, *of_store)

        self.suppressions_index = await load(person_load.SUPPRESSIONS)
        self.consents_index = await load(person_load.CONSENTS)
        self.preferences_index = await load(person_load.PREFERENCES)
        self.donotcall = await self._donotcall()
        self.debtors_index = await load(person_load.DEBTORS)
        self.notices_index = await load(person_load.NOTICES)
        self._ledger = RefusalLedger(self._owning, self._secret, self.suppressions_index, writing)
        # In the order of an import: what closes binds before what opens.
        self._indexes = {
            **dict.fromkeys(("suppressions", "objections"), (person_load.SUPPRESSIONS, self.suppressions_index)),
            "preferences": (person_load.PREFERENCES, self.preferences_index),
            "debtors": (person_load.DEBTORS, self.debtors_index),
            "debtor_notices": (person_load.NOTICES, self.notices_index),
            "consents": (person_load.CONSENTS, self.consents_index),
        }
        indexes = dict(self._indexes.values())
        self.folding = Folding(self, self._database, store_id, key, self._remember_base, writing, indexes)
        states = {plan.state_table: index for plan, index in indexes.items()}
        self.rotation = Rotation(
            self._owning, self._secret, self._transaction, self._acted, states, self._now_us, self._ledger.keys_moved
        )
        await self._ledger.count_doubts()

    async def _remember_base(self, file_name: str, checksum: bytes) -> None:
        async with self._transaction():
            await self._owning.execute(
                "INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"base {file_name}", checksum.hex())
            )

    async def _identify(self) -> bytes:
        """The store's id, made on first use; raises StoreError where the store was made with another key."""
        key_id = str(self._secret.person_key.settled_id)
        async with self._transaction():
            await self._owning.execute(
                "INSERT OR IGNORE INTO meta VALUES ('store_id', ?), ('person_key_id', ?)",
                (os.urandom(16).hex(), key_id),
            )
        if await self.meta("person_key_id") != key_id:
            raise StoreError(f"{self._name}: made with another key of persons; put the right key file in place")
        return bytes.fromhex(await self.meta("store_id") or "")

    @asynccontextmanager
    async def _transaction(self, after: After | None = None) -> AsyncIterator[None]:
        async with self._writing:
            committed = False
            # WHY around both: what the end of a failed transaction raises is told like the failure itself.
            try:
                try:
                    await self._owning.execute("BEGIN IMMEDIATE")
                    yield
                    await self._owning.execute("COMMIT")
                    committed = True
                    for step in after or ():
                        step()
                finally:
                    if not committed:
                        await in_one_turn(self._owning, roll_back)
            except (sqlite3.Error, ValueError) as error:
                raise StoreError(f"{self._name}: nothing was written: {error}") from error

    @property
    def ledger(self) -> RefusalLedger:
        """The ledger of refusals; raises StoreError before `start`."""
        if self._ledger is None:
            raise StoreError(f"{self._name}: not started")
        return self._ledger

    def record(self, refusal: Refused) -> "Future[Recorded]":
        return self.ledger.record(refusal)

    def release_own(
        self,
        recipient: str,
        institutions: tuple[str, ...],
        at_us: int,
        *,
        channel: str = "sms",
        matched: str = "",
        number_to: str = "",
    ) -> "Future[Released]":
        return self.ledger.release_own(
            recipient, institutions, at_us, channel=channel, matched=matched, number_to=number_to
        )

    async def decide_doubt(self, case: int, verdict: Verdict, *, by: str, reason: str) -> Decided:
        row = await self._open_doubt(case)
        closes = tuple(
            (name, bits | OBJECTION if objects else bits) for name, bits, objects in CLOSES.decode(row.closes)
        )
        decided = await self.ledger.decide(case, verdict, closes, row.person, self._now_us(), by=by, reason=reason)
        if decided.stale:
            raise StaleError(f"case: {case} was decided meanwhile")
        return decided

    async def show_doubt(self, case: int, *, by: str, reason: str) -> DoubtRow:
        row = await self._open_doubt(case)
        async with self._transaction():
            await self._acted("doubt.shown", str(case), reason, by)
        return row

    async def _open_doubt(self, case: int) -> DoubtRow:
        found = await self.doubts(after=case - 1, most=1)
        if not found or found[0].id != case:
            raise StaleError(f"case: {case} is not open")
        return found[0]

    async def adopt(self, staged: Path) -> dict[str, int]:
        owning = self._owning
        # WHY the lock more than once: a file of persons is long, and refusals of the wire come between its slices.
        async with self._writing:
            is_moving = self._secret.person_key.is_moving
            records = partial(
                adoption.adopt_records,
                path=staged,
                key_id=self._secret.key_id,
                now_us=self._now_us(),
                without_persons=is_moving,
            )
            try:
                adopted = await in_one_turn(owning, records)
            except asyncio.CancelledError:
                # WHY: the thread goes on, and nobody else would let go of the file.
                await in_one_turn(owning, adoption.detach)
                raise
            if not any(adopted.persons.values()):
                await in_one_turn(owning, adoption.detach)
                return adopted.changed | dict.fromkeys(PERSON_COLUMNS, 0)
        try:
            return adopted.changed | await self._adopt_persons(adopted.persons)
        finally:
            async with self._writing:
                await in_one_turn(owning, adoption.detach)

    async def _adopt_persons(self, last: dict[str, int]) -> dict[str, int]:
        changed = dict.fromkeys(PERSON_COLUMNS, 0)
        for table in self._indexes:
            for first in range(1, last[table] + 1, SLICE_ROWS):
                # INVARIANT: what is committed binds, slice by slice, also where a later one fails.
                position = await person_load.newest_position(self)
                async with self._transaction():
                    added = await adoption.adopt_persons(self._owning, table, first, self._today())
                if added:
                    await self._refresh(table, position)
                changed[table] += added
        return changed

    async def take_in_list(self, staged: Path) -> FollowedList:
        attached = followed.attached(self._owning, staged)
        # WHY the lock thrice: ATTACH and DETACH need the connection outside of any transaction.
        async with self._writing:
            await attached.__aenter__()
        try:
            async with self._transaction():
                return await followed.take_in(self._owning, self._now_us())
        finally:
            async with self._writing:
                await attached.__aexit__(None, None, None)

    async def _refresh(self, table: str, position: int) -> None:
        """Lays over an index what was committed of a table of persons after a position."""
        plan, index = self._indexes[table]
        is_live = plan is person_load.SUPPRESSIONS
        await person_load.lay_over(self, plan, index, position, beside=self._writing if is_live else None)

    async def settle_day(self) -> None:
        """Derives the consents anew that end in part today: to be called once after local midnight and on reload."""
        position = await person_load.newest_position(self)
        await self._settle_consents()
        await person_load.lay_over(self, person_load.CONSENTS, self.consents_index, position)

    async def _settle_consents(self) -> None:
        today = self._today()
        async with self._transaction():
            cursor = await self._owning.execute(
                "INSERT OR IGNORE INTO temp.touched SELECT key FROM consent_state WHERE next_day <= ?", (today,)
            )
            if cursor.rowcount > 0:
                await consent_ledger.derive(self._owning, today)

    async def give(self, consent: Given, receipt: Receipt | None = None) -> bool:
        position = await person_load.newest_position(self)
        async with self._transaction():
            key = self._key(consent.recipient, consent.institution)
            added = await consent_ledger.give(self._owning, self._secret, key, consent, self._now_us(), self._today())
            await receipts.put(self._owning, () if receipt is None else (receipt,))
        await person_load.lay_over(self, person_load.CONSENTS, self.consents_index, position)
        return added

    async def withdraw(
        self, recipient: str, institution: str, bits: int, at_us: int, source: str, receipt: Receipt | None = None
    ) -> bool:
        position = await person_load.newest_position(self)
        async with self._transaction():
            key = self._key(recipient, institution)
            # WHY before the commit: a withdrawal binds; if the commit fails, memory is the stricter of the two.
            self.consents_index.put(key, self.consents_index.get(key) & ~bits)
            person = self._secret.person_key.digest(recipient)
            ended = await consent_ledger.withdraw(
                self._owning, key, person, institution, bits, at_us, source, self._today()
            )
            await receipts.put(self._owning, () if receipt is None else (receipt,))
        await person_load.lay_over(self, person_load.CONSENTS, self.consents_index, position)
        return ended

    async def prefer(self, recipient: str, institution: str, value: int, source: str) -> bool:
        return await self.prefer_all((Preferred(recipient, institution, value, source),)) > 0

    async def prefer_all(self, told: Sequence[Preferred], receipt: Receipt | None = None) -> int:
        position = await person_load.newest_position(self)
        changed = 0
        async with self._transaction():
            for one in told:
                key = self._key(one.recipient, one.institution) if one.institution else self._key_of_all(one.recipient)
                changed += await preference_ledger.prefer(self._owning, self._secret, key, one, self._now_us())
            await receipts.put(self._owning, () if receipt is None else (receipt,))
        await person_load.lay_over(self, person_load.PREFERENCES, self.preferences_index, position)
        return changed

    async def look(self, what: str, by: str) -> None:
        async with self._transaction():
            await self._acted("persons.listed", what, "", by)

    async def issue_token(self, token: ApiToken) -> None:
        async with self._transaction():
            await receipts.issue(self._owning, token)
            target = f"{token.id} {token.institution} {token.scopes}"
            await self._acted("token.created", target, token.label, token.created_by)

    async def revoke_token(self, token: str, reason: str, by: str) -> bool:
        async with self._transaction():
            ended = await receipts.revoke(self._owning, token, self._now_us())
            if ended:
                await self._acted("token.revoked", token, reason, by)
        return ended

    async def note_act(self, verb: str, target: str, reason: str, by: str) -> None:
        async with self._transaction():
            await self._acted(verb, target, reason, by)

    async def receipts_noted(self, ids: Sequence[str]) -> None:
        async with self._transaction():
            await receipts.noted(self._owning, ids)

    async def recycle(self, numbers: Sequence[tuple[str, int]]) -> int:
        position = await person_load.newest_position(self)
        institutions = sorted(await self.ids("institutions"))
        ended = 0
        for first in range(0, len(numbers), _NUMBERS_AT_ONCE):
            async with self._transaction():
                for recipient, at_us in numbers[first : first + _NUMBERS_AT_ONCE]:
                    keys = [(self._key(recipient, institution), institution) for institution in institutions]
                    ended += await consent_ledger.recycle(self._owning, keys, self._digest(recipient), at_us)
                await consent_ledger.derive(self._owning, self._today())
        await person_load.lay_over(self, person_load.CONSENTS, self.consents_index, position)
        return ended

    async def _donotcall(self) -> tuple[PersonIndex, ...]:
        folder = self._database.with_name(DONOTCALL_FOLDER)
        _, indexes = await asyncio.to_thread(load_donotcall, folder, self._secret.person_key.ids)
        return indexes

    async def load_donotcall(self, cause: str) -> int:
        found = await self._donotcall()
        async with self._transaction():
            await self._owning.execute("UPDATE counters SET value = value + 1 WHERE name = 'revision'")
            await self._owning.execute(
                "INSERT INTO revisions SELECT value, ?, ?, ? FROM counters WHERE name = 'revision'",
                (self._now_us(), cause, len(found)),
            )
        self.donotcall = found
        return len(found)

    async def verify(self, one: Verified) -> bool:
        position = await person_load.newest_position(self)
        async with self._transaction():
            added = await debtor_ledger.verify(self._owning, self._secret, one, self._now_us())
        await person_load.lay_over(self, person_load.DEBTORS, self.debtors_index, position)
        return added

    async def inform(self, one: Informed) -> bool:
        position = await person_load.newest_position(self)
        async with self._transaction():
            added = await debtor_ledger.inform(self._owning, self._secret, one, self._now_us())
        await person_load.lay_over(self, person_load.NOTICES, self.notices_index, position)
        return added

    async def settle(self, recipient: str, institution: str, outcome: str, by: str) -> bool:
        settled = await self.ledger.settle(recipient, institution, self._now_us())
        if not settled.lifted:
            return False
        person = self._secret.person_key.digest(recipient).hex()
        await self.amend("objection.settled", f"{institution} {person[:16]}", (), reason=outcome, by=by)
        return True

    async def hold(self, kind: Literal["account", "number"], target: str, reason: str, by: str) -> bool:
        sql = "INSERT OR IGNORE INTO holds SELECT ?, ?, ?, value + 1 FROM counters WHERE name = 'revision'"
        return await self._measure("hold.add", f"{kind} {target}", reason, by, sql, (kind, target, reason)) > 0

    async def lift_hold(self, kind: Literal["account", "number"], target: str, by: str) -> bool:
        sql = "DELETE FROM holds WHERE kind = ? AND target = ?"
        return await self._measure("hold.remove", f"{kind} {target}", "", by, sql, (kind, target)) > 0

    async def dispose(self, address: str, *, disposed: bool, reason: str, by: str) -> int:
        verb = "number.dispose" if disposed else "number.restore"
        sql = (
            "UPDATE numbers SET disposed = ?, revision = (SELECT value + 1 FROM counters WHERE name = 'revision') "
            "WHERE address = ? AND disposed != ?"
        )
        return await self._measure(verb, address, reason, by, sql, (int(disposed), address, int(disposed)))

    async def _measure(
        self, verb: str, target: str, reason: str, by: str, sql: str, arguments: tuple[str | int, ...]
    ) -> int:
        """One change of records with its entry among the measures; rows changed."""

        def change(connection: sqlite3.Connection) -> int:
            rows = connection.execute(sql, arguments).rowcount
            if rows > 0:
                amending.enter(connection, self._now_us(), verb, target, reason, by, rows)
            return rows

        return await self._change(change)

    async def _change(self, change: Callable[[sqlite3.Connection], int]) -> int:
        """One transaction in one turn of the loop: what `change` returns."""
        async with self._writing:
            try:
                return await in_one_turn(self._owning, lambda connection: in_transaction(connection, change))
            except (sqlite3.Error, ValueError) as error:
                raise StoreError(f"{self._name}: nothing was written: {error}") from error

    async def _acted(self, verb: str, target: str, reason: str, by: str) -> None:
        """Inside a transaction: an entry among the measures, of what changed no record."""
        await self._owning.execute(
            "INSERT INTO measures (at_us, verb, target, reason, by) VALUES (?,?,?,?,?)",
            (self._now_us(), verb, target, reason, by),
        )

    async def amend(self, verb: str, target: str, changes: Sequence[Put | Alter], *, reason: str, by: str) -> None:
        def change(connection: sqlite3.Connection) -> int:
            amending.apply(connection, changes)
            amending.enter(connection, self._now_us(), verb, target, reason, by, len(changes))
            return len(changes)

        await self._change(change)

    async def noted(self, measure: int) -> None:
        async with self._transaction():
            await self._owning.execute("UPDATE counters SET value = max(value, ?) WHERE name = 'noted'", (measure,))

    def _digest(self, recipient: str) -> bytes:
        return self._secret.person_key.digest(recipient)

    def _key(self, recipient: str, institution: str) -> int:
        person_key = self._secret.person_key
        return index_key(person_key.digest(recipient), person_key.salt(institution))

    def _key_of_all(self, recipient: str) -> int:
        return index_key(self._digest(recipient), 0)

    def _today(self) -> int:
        return day_number(self._now_us() / 1e6)

    async def close(self) -> None:
        """Commits what has queued, closes the database, gives the lock back."""
        try:
            if self._ledger is not None:
                await self._ledger.close()
            await super().close()
            await self._owning.close()
        finally:
            self._lock.release()
