"""The ledger of preferences, as SQL: the last word of a person counts, for one institution or for all (J6).

All functions run inside the caller's transaction.
"""

from typing import Final

import aiosqlite

from proxy.registry.keys import PersonSecret
from proxy.registry.ports import Preferred
from proxy.store.reader import signed

#: The columns that name a row: the very same one is not added twice.
SAME: Final = ("key", "person", "institution", "at_us", "value", "source")
_DERIVE: Final = """
INSERT INTO preference_state (key, value, position)
SELECT key, value, (SELECT value FROM counters WHERE name = 'position')
FROM (
  SELECT p.key AS key, p.value AS value,
    row_number() OVER (PARTITION BY p.key ORDER BY p.at_us DESC, p.id DESC) AS place
  FROM preferences p JOIN temp.touched t ON t.key = p.key
) WHERE place = 1
ON CONFLICT (key) DO UPDATE SET value = excluded.value, position = excluded.position WHERE value != excluded.value
"""


async def derive(connection: aiosqlite.Connection) -> None:
    """Derives the states of all keys in `temp.touched`, and empties it: the latest word of each person counts."""
    await connection.execute("UPDATE counters SET value = value + 1 WHERE name = 'position'")
    await connection.execute(_DERIVE)
    await connection.execute("DELETE FROM temp.touched")


async def prefer(connection: aiosqlite.Connection, secret: PersonSecret, key: int, told: Preferred, at_us: int) -> bool:
    """Adds what a person prefers; whether anything is different now."""
    person = secret.person_key.digest(told.recipient)
    number = secret.seal(told.recipient, person)
    row = (
        at_us,
        signed(key),
        person,
        secret.person_key.id_for(told.recipient),
        number,
        told.institution,
        told.value,
        told.source,
    )
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
