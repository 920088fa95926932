"""Moves persons from a former key to a new one, in bounded batches, each of them one transaction (J13).

Owns the order: rows are gathered by former pseudonym, and persons are moved in ascending order of it. So "below the
bound" says of anybody whether they were moved, also of who is in no ledger, and one pseudonym of each person is in
effect at any moment. Must never move a person without all rows and states of theirs, nor touch what a row says. After a
kill it goes on behind the last batch that was committed. All functions run inside the caller's transaction, which also
holds what writes the ledgers.
"""

import json
from typing import Any, Final

import aiosqlite
from msgspec import Struct

from proxy.core.persons import PersonKey, index_key
from proxy.registry.keys import PersonKeyError, PersonSecret
from proxy.store.reader import signed

#: Ledger → its state table, empty for those that follow another one's; the order is that of their numbers on disk.
LEDGERS: Final[tuple[tuple[str, str], ...]] = (
    ("suppressions", "suppression_state"),
    ("consents", "consent_state"),
    ("preferences", "preference_state"),
    ("debtors", "debtor_state"),
    ("debtor_notices", "notice_state"),
    ("withdrawals", ""),
    ("releases", ""),
    ("doubts", ""),
)
_NUMBERLESS: Final = ("withdrawals", "releases")
#: Its texts are sealed too, and it stands in no index.
_TEXTS: Final = "doubts"
GATHER_ROWS: Final = 5000
#: Unsealing, hashing and sealing take the interpreter: some 3 ms at a stretch.
PERSONS_AT_ONCE: Final = 50


class Moved(Struct, frozen=True):
    """What one batch did: `changes` are (state table, former key, new key, value) for the indexes in memory.

    `bound` is the new one, empty where nobody is left.
    """

    persons: int
    changes: list[tuple[str, int, int, int]]
    bound: bytes


async def gather(connection: aiosqlite.Connection, most: int = GATHER_ROWS) -> bool:
    """Notes the next rows of all ledgers; whether there may be more.

    WHY all, whatever key they name: a row that named the wrong one would be left behind, and with it a refusal.
    """
    noted = 0
    for number, (ledger, _) in enumerate(LEDGERS):
        async with connection.execute("SELECT id FROM rekeying_marks WHERE ledger = ?", (number,)) as cursor:
            row = await cursor.fetchone()
        mark = 0 if row is None else int(row[0])
        async with connection.execute(
            f"SELECT max(id), count(*) FROM (SELECT id FROM {ledger} WHERE id > ? ORDER BY id LIMIT ?)", (mark, most)
        ) as cursor:
            found = await cursor.fetchone()
        if found is None or not found[1]:
            continue
        await connection.execute(
            f"INSERT OR IGNORE INTO rekeying_rows SELECT person, ?, id FROM {ledger} WHERE id > ? AND id <= ?",
            (number, mark, found[0]),
        )
        await connection.execute("INSERT OR REPLACE INTO rekeying_marks VALUES (?, ?)", (number, found[0]))
        noted += int(found[1])
        if noted >= most:
            return True
    return False


async def move(connection: aiosqlite.Connection, secret: PersonSecret, most: int = PERSONS_AT_ONCE) -> Moved:
    """Moves the next persons. What was written since is gathered first, so that nobody stays behind the bound."""
    while await gather(connection):
        pass
    async with connection.execute(
        "SELECT DISTINCT person FROM rekeying_rows ORDER BY person LIMIT ?", (most,)
    ) as cursor:
        persons = [bytes(row[0]) for row in await cursor.fetchall()]
    if not persons:
        return Moved(0, [], b"")
    rows = await _rows(connection, persons[-1])
    renamed = _renamed(secret, rows)
    changes: dict[tuple[str, int], int] = {}
    for number, (ledger, state) in enumerate(LEDGERS):
        updates = []
        for row in rows.get(number, ()):
            found = renamed.get(row["person"])
            if found is None:
                continue
            new_key = row["key"] + (1 << 63) ^ _first(row["person"]) ^ _first(found[0])
            if state:
                changes[state, row["key"] + (1 << 63)] = new_key
            updates.append((new_key, found, row))
        await _write(connection, secret, ledger, updates)
    moved = await _states(connection, changes)
    last = persons[-1]
    await connection.execute("DELETE FROM rekeying_rows WHERE person <= ?", (last,))
    if len(persons) < most:
        # WHY now: everything was gathered, and nobody writes while this lock is held. An empty list may never come.
        return Moved(len(persons), moved, b"")
    # WHY not just `last`: rows of who was moved before are gathered too, by their new pseudonyms, wherever these stand.
    bound = max(await _bound(connection), last + b"\0")
    await connection.execute("INSERT OR REPLACE INTO meta VALUES ('person_key_moved', ?)", (bound.hex(),))
    return Moved(len(persons), moved, bound)


async def _bound(connection: aiosqlite.Connection) -> bytes:
    async with connection.execute("SELECT value FROM meta WHERE name = 'person_key_moved'") as cursor:
        row = await cursor.fetchone()
    return b"" if row is None else bytes.fromhex(row[0])


async def _rows(connection: aiosqlite.Connection, last: bytes) -> dict[int, list[dict[str, Any]]]:
    """All rows of the persons up to one, by ledger."""
    found: dict[int, list[dict[str, Any]]] = {}
    for number, (ledger, _) in enumerate(LEDGERS):
        async with connection.execute(
            "SELECT row FROM rekeying_rows WHERE person <= ? AND ledger = ?", (last, number)
        ) as cursor:
            wanted = json.dumps([row[0] for row in await cursor.fetchall()])
        if wanted == "[]":
            continue
        sealed = "NULL" if ledger in _NUMBERLESS else "number"
        key, text = ("0", "text") if ledger == _TEXTS else ("key", "NULL")
        async with connection.execute(
            f"SELECT id, {key}, person, {sealed}, {text} FROM {ledger} WHERE id IN (SELECT value FROM json_each(?))",
            (wanted,),
        ) as cursor:
            found[number] = [
                {"id": row[0], "key": row[1], "person": bytes(row[2]), "number": row[3], "text": row[4]}
                for row in await cursor.fetchall()
            ]
    return found


def _renamed(secret: PersonSecret, rows: dict[int, list[dict[str, Any]]]) -> dict[bytes, tuple[bytes, str]]:
    """Former pseudonym → (new one, recipient); without those who have the new one, or no number in any row.

    Raises PersonKeyError where a number cannot be unsealed.
    """
    fresh = _new_key(secret)
    found: dict[bytes, tuple[bytes, str]] = {}
    known: set[bytes] = set()
    for ledger in rows.values():
        for row in ledger:
            person = row["person"]
            if person in known or row["number"] is None:
                continue
            known.add(person)
            recipient = secret.unseal(bytes(row["number"]), person)
            new = fresh(recipient)
            if new != person:
                if secret.person_key.other(recipient) != person and secret.person_key.digest(recipient) != person:
                    raise PersonKeyError("a sealed number does not belong to its pseudonym")
                found[person] = (new, recipient)
    return found


def _new_key(secret: PersonSecret) -> Any:
    """The pseudonyms of the new key, whoever was moved."""
    key = secret.person_key

    def fresh(recipient: str) -> bytes:
        in_effect = key.digest(recipient)
        return in_effect if key.id_for(recipient) == key.key_id else key.other(recipient)

    return fresh


async def _write(
    connection: aiosqlite.Connection, secret: PersonSecret, ledger: str, updates: list[tuple[int, Any, dict[str, Any]]]
) -> None:
    if not updates:
        return
    if ledger in _NUMBERLESS:
        await connection.executemany(
            f"UPDATE {ledger} SET key = ?, person = ? WHERE id = ?",
            [(signed(key), person, row["id"]) for key, (person, _), row in updates],
        )
        return
    if ledger == _TEXTS:
        for _, (person, recipient), row in updates:
            text = secret.seal(secret.unseal(row["text"], row["person"]), person) if row["text"] else b""
            await connection.execute(
                f"UPDATE {ledger} SET person = ?, key_id = ?, number = ?, text = ? WHERE id = ?",
                (person, secret.key_id, secret.seal(recipient, person), text, row["id"]),
            )
        return
    await connection.executemany(
        f"UPDATE {ledger} SET key = ?, person = ?, key_id = ?, number = ? WHERE id = ?",
        [
            (signed(key), person, secret.key_id, secret.seal(recipient, person), row["id"])
            for key, (person, recipient), row in updates
        ],
    )


async def _states(
    connection: aiosqlite.Connection, changes: dict[tuple[str, int], int]
) -> list[tuple[str, int, int, int]]:
    """Moves the states, and tells them as they are now."""
    await connection.execute("UPDATE counters SET value = value + 1 WHERE name = 'position'")
    told = []
    for (state, former), new in changes.items():
        async with connection.execute(f"SELECT value FROM {state} WHERE key = ?", (signed(former),)) as cursor:
            row = await cursor.fetchone()
        if row is None:
            continue
        await connection.execute(
            f"UPDATE {state} SET key = ?, position = (SELECT value FROM counters WHERE name = 'position') "
            "WHERE key = ?",
            (signed(new), signed(former)),
        )
        told.append((state, former, new, int(row[0])))
    return told


def _first(person: bytes) -> int:
    return index_key(person, 0)


__all__ = ["GATHER_ROWS", "LEDGERS", "PERSONS_AT_ONCE", "Moved", "PersonKey", "gather", "move"]
