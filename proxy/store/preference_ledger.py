"""The ledger of preferences, as SQL: the last word of a person counts, for one institution or for all (J6).

All functions run inside the caller's transaction.
"""

import aiosqlite

from proxy.registry.keys import PersonSecret
from proxy.registry.ports import Preferred
from proxy.store.reader import signed


async def prefer(connection: aiosqlite.Connection, secret: PersonSecret, key: int, told: Preferred, at_us: int) -> bool:
    """Adds what a person prefers; whether anything is different now."""
    person = secret.person_key.digest(told.recipient)
    number = secret.seal(told.recipient, person)
    row = (at_us, signed(key), person, secret.key_id, number, told.institution, told.value, told.source)
    await connection.execute(
        "INSERT INTO preferences (at_us, key, person, key_id, number, institution, value, source) "
        "VALUES (?,?,?,?,?,?,?,?)",
        row,
    )
    await connection.execute("UPDATE counters SET value = value + 1 WHERE name = 'position'")
    cursor = await connection.execute(
        "INSERT INTO preference_state (key, value, position) "
        "VALUES (?, ?, (SELECT value FROM counters WHERE name = 'position')) ON CONFLICT (key) DO UPDATE "
        "SET value = excluded.value, position = excluded.position WHERE value != excluded.value",
        (signed(key), told.value),
    )
    return cursor.rowcount > 0
