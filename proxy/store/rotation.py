"""A rotation of the keys of persons, as the owner of the store runs it: begun, moved in batches, ended, retired.

Owns that store, memory and key files agree at each step, also after a kill between any two. Used on the loop only; each
step holds what writes the ledgers, for one bounded transaction, and lays in memory what it moved before it lets go.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final, Protocol

import aiosqlite

from proxy.core.persons import PersonIndex
from proxy.registry.dates import moment_text
from proxy.registry.keys import (
    PersonSecret,
    begin_next,
    create_next_key,
    key_id_of,
    next_of,
    promote_next,
    remove_former,
)
from proxy.registry.ports import StoreError
from proxy.store import rekeying
from proxy.store.key_state import FORMER, MOVED, MOVED_AT, NEXT

#: What runs after the commit, before anybody else writes.
After = list[Callable[[], None]]


class Writing(Protocol):
    """One transaction of the owner; what is put into the list runs after its commit."""

    def __call__(self, after: After) -> AbstractAsyncContextManager[None]: ...


class Acted(Protocol):
    """An entry among the measures, inside a transaction."""

    async def __call__(self, verb: str, target: str, reason: str, by: str) -> None: ...


class Rotation:
    """`indexes` are the live ones by their state table; `moved` is told of each batch, in its lock."""

    def __init__(
        self,
        connection: aiosqlite.Connection,
        secret: PersonSecret,
        writing: Writing,
        acted: Acted,
        indexes: dict[str, PersonIndex],
        now_us: Callable[[], int],
        moved: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._secret = secret
        self._writing = writing
        self._acted = acted
        self._indexes: Final = indexes
        self._now_us = now_us
        self._moved = moved
        self._gathered = False

    @property
    def former_id(self) -> int:
        """The former key's id, 0 where there is none."""
        ids = self._secret.person_key.ids
        return ids[1] if len(ids) > 1 else 0

    async def begin(self, path: Path, by: str) -> int:
        """A new key comes into effect, person by person; its id. Raises StoreError, PersonKeyError."""
        if self._secret.person_key.is_rotating:
            raise StoreError("a former key lives still; see tdgate keys status, and retire it first")
        create_next_key(path)
        made = key_id_of(next_of(path))
        after: After = []
        async with self._writing(after):
            await self._set(NEXT, str(made))
            await self._set(MOVED, "")
            await self._acted("keys.rotated", f"{self._secret.key_id:08x} to {made:08x}", "", by)
            after.append(lambda: begin_next(self._secret, path))
        self._gathered = False
        return made

    async def step(self, path: Path) -> bool:
        """One bounded step; False where nothing is left to do. Raises StoreError, PersonKeyError."""
        key = self._secret.person_key
        if not key.is_moving:
            if next_of(path).exists() and key.is_rotating:
                promote_next(path)  # a kill came between the last batch and this
            return False
        after: After = []
        async with self._writing(after):
            if not self._gathered:
                # WHY not until there is nothing: somebody writes all the time. The rest is gathered with each batch.
                self._gathered = not await rekeying.gather(self._connection)
                return True
            moved = await rekeying.move(self._connection, self._secret)
            after.append(lambda: self._lay(moved))
            if not moved.bound:
                await self._finish()
        if moved.bound:
            return True
        promote_next(path)
        return False

    def _lay(self, moved: rekeying.Moved) -> None:
        for state, former, new, value in moved.changes:
            index = self._indexes[state]
            # WHY or'ed: refusals lie over the index that wait for their commit; they close in any case.
            index.put(new, value | index.get(former) if state == "suppression_state" else value)
            index.put(former, 0)
        if moved.bound:
            self._secret.person_key.moved_to(moved.bound)
        else:
            self._secret.person_key.all_moved()
        self._moved()

    async def _finish(self) -> None:
        key = self._secret.person_key
        former = key.settled_id
        await self._set("person_key_id", str(key.key_id))
        await self._set(FORMER, str(former))
        await self._set(MOVED_AT, str(self._now_us()))
        await self._connection.execute("DELETE FROM meta WHERE name IN (?, ?)", (NEXT, MOVED))
        await self._connection.execute("DELETE FROM rekeying_marks")
        await self._acted("keys.moved", f"{former:08x} to {key.key_id:08x}", "", "tdgate")

    async def status(self) -> dict[str, object]:
        """What is under way, for people."""
        key = self._secret.person_key
        found: dict[str, object] = {"key": f"{key.key_id:08x}", "state": "one key"}
        if not key.is_rotating:
            return found
        found["former"] = f"{key.ids[1]:08x}"
        if not key.is_moving:
            return found | {"state": "moved", "since": moment_text(int(await self._get(MOVED_AT) or "0"))}
        bound = await self._get(MOVED) or ""
        left = await self._count("SELECT count(DISTINCT person) FROM (SELECT person FROM rekeying_rows LIMIT 100000)")
        done = int(bound[:8], 16) / (1 << 32) if bound else 0.0
        state = "moving" if bound or self._gathered else "gathering"
        return found | {"state": state, "done": f"{done:.1%}", "waiting": left}

    async def retire(self, path: Path, horizon_s: int, in_use: list[str], by: str) -> None:
        """Destroys the former key. `in_use` names files that were made with it. Raises StoreError with what is left."""
        key = self._secret.person_key
        if not key.is_rotating:
            raise StoreError("there is no former key")
        if key.is_moving:
            raise StoreError("persons are being moved still; see tdgate keys status")
        if in_use:
            raise StoreError(f"made with the former key: {', '.join(in_use)}; import them again, or remove them")
        free_us = int(await self._get(MOVED_AT) or "0") + horizon_s * 1_000_000
        if self._now_us() < free_us:
            raise StoreError(f"contacts are counted under the former key until {moment_text(free_us)}")
        after: After = []
        async with self._writing(after):
            await self._connection.execute("DELETE FROM meta WHERE name IN (?, ?)", (FORMER, MOVED_AT))
            await self._acted("keys.retired", f"{key.ids[1]:08x}", "", by)
            after.append(self._secret.retire)
        remove_former(path)

    async def _set(self, name: str, value: str) -> None:
        await self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    async def _get(self, name: str) -> str | None:
        async with self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)) as cursor:
            row = await cursor.fetchone()
        return None if row is None else str(row[0])

    async def _count(self, sql: str) -> int:
        async with self._connection.execute(sql) as cursor:
            row = await cursor.fetchone()
        return 0 if row is None else int(row[0])
