"""The ledger of refusals: a refusal binds at once in memory, and is told only when it is on disk (Z16 Z19).

Owns the order of refusals and releases. How it works: `record` and `release_own` only queue; one task commits whatever
has queued as one transaction, without waiting for more. Every caller of a batch learns its commit's outcome: nobody is
told yes when it failed. Must never lift in memory before disk, nor lift what a later refusal closed.

A refusal that is repeated adds a row (each one is evidence) and changes no state; `Recorded.changed` tells.
"""

import asyncio
import json
import logging
import sqlite3
from asyncio import Future
from collections import deque
from collections.abc import Sequence
from typing import Final

import aiosqlite
from msgspec import Struct
from msgspec.structs import replace

from proxy.core.persons import PersonIndex, index_key
from proxy.core.purposes import OBJECTION
from proxy.registry.doubts import Decided, Verdict
from proxy.registry.keys import PersonSecret
from proxy.registry.ports import Recorded, Refused, Released, StoreError
from proxy.store import doubt_queue, receipts
from proxy.store.reader import signed

_logger: Final = logging.getLogger(__name__)

_BATCH_MOST: Final = 1000
#: How many wait while the disk hangs, each with whoever is to be answered; what comes then binds, and is not kept.
_QUEUE_MOST: Final = 10_000
#: Rows with this source came over the wire from the person, who can lift them by the same way.
OWN_SOURCE: Final = "reply"

_INSERT: Final = (
    "INSERT INTO suppressions (at_us, key, person, key_id, number, institution, bits, channel, source, label, matched, "
    "number_to, decision) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
_UPSERT: Final = (
    "INSERT INTO suppression_state (key, value, position) "
    "VALUES (?, ?, (SELECT value FROM counters WHERE name = 'position')) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value, position = excluded.position"
)
#: An objection is a row of its own, so that it can be settled and the refusal stays.
_SETTLE: Final = (
    "UPDATE suppressions SET released_at = ? WHERE key = ? AND person = ? AND institution = ? AND bits = ? "
    "AND released_at IS NULL"
)
_RELEASE: Final = (
    "UPDATE suppressions SET released_at = ? WHERE key = ? AND person = ? AND institution = ? AND source = ? "
    "AND released_at IS NULL"
)
_REMAINING: Final = (
    "SELECT DISTINCT bits FROM suppressions WHERE key = ? AND person = ? AND institution = ? AND released_at IS NULL"
)
_RELEASED: Final = (
    "INSERT INTO releases (at_us, key, person, institution, rows, remaining, channel, matched, number_to) "
    "VALUES (?,?,?,?,?,?,?,?,?)"
)


class _Closing(Struct, frozen=True):
    refusal: Refused
    keys: tuple[int, ...]
    person: bytes
    done: "Future[Recorded]"


class _Opening(Struct, frozen=True):
    recipient: str
    at_us: int
    institutions: tuple[str, ...]
    keys: tuple[int, ...]
    person: bytes
    channel: str
    matched: str
    number_to: str
    done: "Future[Released]"
    settles: bool = False


class _Deciding(Struct, frozen=True):
    case: int
    verdict: Verdict
    at_us: int
    by: str
    reason: str
    #: What the case closes, by institution: (bits, objection among them), and the keys in the same order.
    closes: tuple[tuple[str, int], ...]
    keys: tuple[int, ...]
    done: "Future[Decided]"


class RefusalLedger:
    """The one writer task over the owning connection. `writing` is held for each transaction on that connection."""

    def __init__(
        self, connection: aiosqlite.Connection, secret: PersonSecret, index: PersonIndex, writing: asyncio.Lock
    ) -> None:
        self._connection = connection
        self._secret = secret
        self._index = index
        self._writing = writing
        self._queue: deque[_Closing | _Opening | _Deciding] = deque()
        #: What is being committed, or waits for the lock to be.
        self._batch: list[_Closing | _Opening | _Deciding] = []
        #: Doubtful replies that wait for a verdict, as of the last commit.
        self.doubts_open = 0
        self._wake = asyncio.Event()
        self._closing = False
        self._task = asyncio.create_task(self._run(), name="refusal ledger")

    def record(self, refusal: Refused) -> "Future[Recorded]":
        """Closes in memory in this very call; the future is done after the commit, or raises StoreError.

        When it raises, memory stays closed: the carrier is answered with a temporary status and sends it again.
        """
        if not refusal.closes:
            raise ValueError("a refusal closes something")
        person = self._secret.person_key.digest(refusal.recipient)
        keys = tuple(index_key(person, self._secret.person_key.salt(name)) for name, _ in refusal.closes)
        if _binds(refusal):
            for key, (name, bits) in zip(keys, refusal.closes, strict=True):
                self._index.put(key, self._index.get(key) | _whole(refusal, name, bits))
        done: Future[Recorded] = asyncio.get_running_loop().create_future()
        self._enqueue(_Closing(refusal, keys, person, done))
        return done

    def release_own(
        self,
        recipient: str,
        institutions: tuple[str, ...],
        at_us: int,
        *,
        channel: str,
        matched: str,
        number_to: str,
    ) -> "Future[Released]":
        """Lifts what this person closed by reply with these institutions; what was imported stays closed.

        Memory follows after the commit, and keeps closed what the person refused in the meantime.
        """
        person = self._secret.person_key.digest(recipient)
        keys = tuple(index_key(person, self._secret.person_key.salt(name)) for name in institutions)
        done: Future[Released] = asyncio.get_running_loop().create_future()
        self._enqueue(_Opening(recipient, at_us, institutions, keys, person, channel, matched, number_to, done))
        return done

    def settle(self, recipient: str, institution: str, at_us: int) -> "Future[Released]":
        """Ends this person's objection to an institution's collection; what is closed stays closed."""
        person = self._secret.person_key.digest(recipient)
        keys = (index_key(person, self._secret.person_key.salt(institution)),)
        done: Future[Released] = asyncio.get_running_loop().create_future()
        self._enqueue(
            _Opening(recipient, at_us, (institution,), keys, person, "api", "settled", "", done, settles=True)
        )
        return done

    def decide(
        self,
        case: int,
        verdict: Verdict,
        closes: tuple[tuple[str, int], ...],
        person: bytes,
        at_us: int,
        *,
        by: str,
        reason: str,
    ) -> "Future[Decided]":
        """A verdict about a doubtful reply that `closes` this with a person; memory follows after the commit."""
        keys = tuple(index_key(person, self._secret.person_key.salt(name)) for name, _ in closes)
        done: Future[Decided] = asyncio.get_running_loop().create_future()
        self._enqueue(_Deciding(case, verdict, at_us, by, reason, closes, keys, done))
        return done

    async def count_doubts(self) -> None:
        """Reads how many doubts wait: once, before anything is recorded."""
        self.doubts_open = await doubt_queue.open_cases(self._connection)

    async def close(self) -> None:
        """Commits what has queued, then ends."""
        self._closing = True
        self._wake.set()
        await self._task

    def _enqueue(self, one: _Closing | _Opening | _Deciding) -> None:
        if self._closing or len(self._queue) >= _QUEUE_MOST:
            one.done.set_exception(StoreError("the ledger is closed" if self._closing else "the ledger is overloaded"))
            return
        self._queue.append(one)
        self._wake.set()

    async def _run(self) -> None:
        batch: list[_Closing | _Opening | _Deciding] = []
        try:
            while True:
                await self._wake.wait()
                batch = self._batch = [self._queue.popleft() for _ in range(min(len(self._queue), _BATCH_MOST))]
                if batch:
                    await self._settle(batch)
                elif self._closing:
                    return
                else:
                    self._wake.clear()
        finally:
            self._closing = True
            for one in (*batch, *self._queue):
                if not one.done.done():
                    one.done.set_exception(StoreError("the ledger ended before the commit"))

    async def _settle(self, batch: list[_Closing | _Opening | _Deciding]) -> None:
        """One transaction; every caller learns of it."""
        try:
            async with self._writing:
                # WHY in here: a rotation of keys may have moved a person since, and moves nobody while this is held.
                batch[:] = [await self._in_effect(one) for one in batch]
                answers, states = await self._commit(batch)
        except Exception as error:
            # WHY any: what one of a batch raises must not end the ledger for all that come after it.
            if not isinstance(error, sqlite3.Error | ValueError | OSError):
                _logger.error("ledger: a batch met a defect", exc_info=error)
            for one in batch:
                if not one.done.done():
                    one.done.set_exception(StoreError(f"not on disk: {error}"))
            return
        for one in batch:
            if not isinstance(one, _Closing):
                self._follow(one.keys, states)
        for one, answer in zip(batch, answers, strict=True):
            if not one.done.done():
                one.done.set_result(answer)  # type: ignore[arg-type]  # WHY: answers stand in the batch's order

    def keys_moved(self) -> None:
        """Persons were moved to another key: refusals that wait bind under it at once, also of who was in no ledger."""
        for one in (*self._batch, *self._queue):
            if isinstance(one, _Closing) and _binds(one.refusal) and not one.done.done():
                now = self._now(one)
                for key, (name, bits) in zip(now.keys, one.refusal.closes, strict=True) if now is not one else ():
                    self._index.put(key, self._index.get(key) | _whole(one.refusal, name, bits))

    async def _in_effect(self, one: _Closing | _Opening | _Deciding) -> _Closing | _Opening | _Deciding:
        """The same under the pseudonym by which the person is known now."""
        if isinstance(one, _Deciding) and self._secret.person_key.is_rotating:
            async with self._connection.execute("SELECT person FROM doubts WHERE id = ?", (one.case,)) as found:
                row = await found.fetchone()
            return one if row is None else replace(one, keys=self._keys(row[0], [name for name, _ in one.closes]))
        return self._now(one)

    def _now(self, one: _Closing | _Opening | _Deciding) -> _Closing | _Opening | _Deciding:
        if not self._secret.person_key.is_rotating or isinstance(one, _Deciding):
            return one
        if isinstance(one, _Closing):
            person = self._secret.person_key.digest(one.refusal.recipient)
            if person != one.person:
                return replace(one, person=person, keys=self._keys(person, [name for name, _ in one.refusal.closes]))
            return one
        person = self._secret.person_key.digest(one.recipient)
        return one if person == one.person else replace(one, person=person, keys=self._keys(person, one.institutions))

    def _keys(self, person: bytes, institutions: Sequence[str]) -> tuple[int, ...]:
        return tuple(index_key(person, self._secret.person_key.salt(name)) for name in institutions)

    def _follow(self, keys: tuple[int, ...], states: dict[int, int]) -> None:
        # INVARIANT: what was refused since this batch was taken waits in the queue, and stays closed.
        for key in keys:
            value = states.get(key, 0)
            for waiting in map(self._now, self._queue):
                if isinstance(waiting, _Closing) and _binds(waiting.refusal):
                    for other, (name, bits) in zip(waiting.keys, waiting.refusal.closes, strict=True):
                        value |= _whole(waiting.refusal, name, bits) if other == key else 0
            self._index.put(key, value)

    async def _commit(
        self, batch: list[_Closing | _Opening | _Deciding]
    ) -> tuple[list[Recorded | Released | Decided], dict[int, int]]:
        connection = self._connection
        await connection.execute("BEGIN IMMEDIATE")
        try:
            answers, states = await self._apply(batch)
            uncertain = any(
                isinstance(one, _Deciding) or (isinstance(one, _Closing) and one.refusal.doubt) for one in batch
            )
            waiting = await doubt_queue.open_cases(connection) if uncertain else self.doubts_open
            await connection.execute("COMMIT")
            self.doubts_open = waiting
        except BaseException:
            if connection.in_transaction:
                await connection.execute("ROLLBACK")
            raise
        return answers, states

    async def _apply(
        self, batch: list[_Closing | _Opening | _Deciding]
    ) -> tuple[list[Recorded | Released | Decided], dict[int, int]]:
        states = await self._states({key for one in batch for key in one.keys})
        before = dict(states)
        answers: list[Recorded | Released | Decided] = []
        rows: list[tuple[object, ...]] = []
        for one in batch:
            if isinstance(one, _Closing):
                queued = True
                if one.refusal.doubt is not None:
                    queued = await doubt_queue.put(self._connection, self._secret, one.refusal, one.person)
                rows += self._rows(one) if _binds(one.refusal) else []
                answers.append(_close(one, states, queued=queued))
                continue
            if rows:
                await self._connection.executemany(_INSERT, rows)
                rows = []
            if isinstance(one, _Deciding):
                answers.append(await self._decide(one, states))
            else:
                answers.append(await self._open(one, states))
        if rows:
            await self._connection.executemany(_INSERT, rows)
        given = [one.refusal.receipt for one in batch if isinstance(one, _Closing)]
        await receipts.put(self._connection, [receipt for receipt in given if receipt is not None])
        changed = [(signed(key), value) for key, value in states.items() if before.get(key, 0) != value]
        if changed:
            await self._connection.execute("UPDATE counters SET value = value + 1 WHERE name = 'position'")
            await self._connection.executemany(_UPSERT, changed)
        return answers, states

    async def _states(self, keys: set[int]) -> dict[int, int]:
        wanted = json.dumps([signed(key) for key in keys])
        rows = await self._connection.execute_fetchall(
            "SELECT key, value FROM suppression_state WHERE key IN (SELECT value FROM json_each(?))", (wanted,)
        )
        return {row[0] + (1 << 63): row[1] for row in rows}

    def _rows(self, one: _Closing) -> list[tuple[object, ...]]:
        said = one.refusal
        about = (said.channel, said.source, said.label, said.matched, said.number_to, said.decision)
        number = self._secret.seal(said.recipient, one.person)
        who = (one.person, self._secret.person_key.id_for(said.recipient), number)
        return [
            (said.at_us, signed(key), *who, institution, each, *about)
            for key, (institution, bits) in zip(one.keys, said.closes, strict=True)
            for each in ((bits, OBJECTION) if institution in said.objects else (bits,))
        ]

    async def _open(self, one: _Opening, states: dict[int, int]) -> Released:
        remaining: dict[str, int] = {}
        lifted: list[str] = []
        for institution, key in zip(one.institutions, one.keys, strict=True):
            who = (signed(key), one.person, institution)
            if one.settles:
                cursor = await self._connection.execute(_SETTLE, (one.at_us, *who, OBJECTION))
            else:
                cursor = await self._connection.execute(_RELEASE, (one.at_us, *who, OWN_SOURCE))
            rows = cursor.rowcount
            left = await self._left(who)
            remaining[institution] = left
            states[key] = left
            if rows:
                lifted.append(institution)
                about = (rows, left, one.channel, one.matched, one.number_to)
                await self._connection.execute(_RELEASED, (one.at_us, *who, *about))
        return Released(remaining, tuple(lifted))

    async def _left(self, who: tuple[int, bytes, str]) -> int:
        """What is closed by rows that were not released."""
        left = 0
        async with self._connection.execute(_REMAINING, who) as found:
            for (bits,) in await found.fetchall():
                left |= bits
        return left

    async def _decide(self, one: _Deciding, states: dict[int, int]) -> Decided:
        case = await doubt_queue.decide(self._connection, one.case, one.verdict, one.at_us, one.by, one.reason)
        if case is None:
            return Decided(stale=True)
        changed: list[str] = []
        for key, (institution, bits) in zip(one.keys, one.closes, strict=True):
            who = (signed(key), case.person, institution)
            if one.verdict == "dismissed":
                if rows := await doubt_queue.ended(self._connection, case, institution, one.at_us):
                    left = await self._left(who)
                    states[key] = left
                    about = (rows, left, case.channel, "dismissed", case.number_to)
                    await self._connection.execute(_RELEASED, (one.at_us, *who, *about))
                    changed.append(institution)
            elif not case.binds and not await doubt_queue.lifted_since(self._connection, case, institution):
                about_it = (case.channel, OWN_SOURCE, case.label, "confirmed", case.number_to, "")
                key_id = self._secret.person_key.id_for(self._secret.unseal(case.number, case.person))
                known = (signed(key), case.person, key_id, case.number, institution)
                kept = [OBJECTION] if bits & OBJECTION else []
                rows_of_it = [(one.at_us, *known, each, *about_it) for each in (bits & ~OBJECTION, *kept)]
                await self._connection.executemany(_INSERT, rows_of_it)
                states[key] = states.get(key, 0) | bits
                changed.append(institution)
        return Decided(ended=tuple(changed)) if one.verdict == "dismissed" else Decided(closed=tuple(changed))


def _binds(refusal: Refused) -> bool:
    return refusal.doubt is None or refusal.doubt.binds


def _whole(refusal: Refused, institution: str, bits: int) -> int:
    """What a refusal closes with an institution, its objection too."""
    return bits | OBJECTION if institution in refusal.objects else bits


def _close(one: _Closing, states: dict[int, int], *, queued: bool) -> Recorded:
    if not _binds(one.refusal):
        return Recorded((), queued)
    changed = []
    for key, (institution, bits) in zip(one.keys, one.refusal.closes, strict=True):
        known = states.get(key, 0)
        if bits & ~known:
            changed.append(institution)
        states[key] = known | _whole(one.refusal, institution, bits)
    return Recorded(tuple(changed), queued)
