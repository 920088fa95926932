"""The ledgers of collection, as SQL: who somebody is to a debt, and who was told of a partner (J7 J10).

Owns how rows become the states that the policy reads: the newest verification of a person counts, whatever was
verified before; a notice once given stays given. All functions run inside the caller's transaction.
"""

from typing import Final

import aiosqlite

from proxy.core.debtors import ROLES
from proxy.core.pack import CHINA_OFFSET_S
from proxy.core.persons import index_key
from proxy.core.snapshot import notice_of
from proxy.registry.keys import PersonSecret
from proxy.registry.ports import Informed, Verified
from proxy.store.reader import signed

#: The columns that name a row: the very same one is not added twice.
DEBTOR_SAME: Final = ("key", "person", "institution", "at_us", "role", "source", "document_hash")
NOTICE_SAME: Final = ("key", "person", "institution", "partner", "at_us", "way", "source", "document_hash")

_ROLE: Final = "CASE role " + " ".join(f"WHEN '{name}' THEN {number}" for name, number in ROLES.items()) + " ELSE 0 END"
_DAY: Final = f"((at_us / 1000000 + {CHINA_OFFSET_S}) / 86400)"

_DERIVE_DEBTORS: Final = f"""
INSERT INTO debtor_state (key, value, position)
SELECT key, CASE WHEN {_ROLE} = 0 THEN 0 ELSE {_ROLE} | ({_DAY} << 8) END,
  (SELECT value FROM counters WHERE name = 'position')
FROM (
  SELECT d.key AS key, role, at_us, row_number() OVER (PARTITION BY d.key ORDER BY at_us DESC, d.id DESC) AS place
  FROM debtors d JOIN temp.touched t ON t.key = d.key
) WHERE place = 1
ON CONFLICT (key) DO UPDATE SET value = excluded.value, position = excluded.position WHERE value != excluded.value
"""
_DERIVE_NOTICES: Final = """
INSERT INTO notice_state (key, value, position)
SELECT key, 1, (SELECT value FROM counters WHERE name = 'position') FROM temp.touched WHERE true
ON CONFLICT (key) DO NOTHING
"""


async def derive_debtors(connection: aiosqlite.Connection) -> None:
    """Derives the states of all keys in `temp.touched`, and empties it."""
    await _derive(connection, _DERIVE_DEBTORS)


async def derive_notices(connection: aiosqlite.Connection) -> None:
    """The same for notices."""
    await _derive(connection, _DERIVE_NOTICES)


async def _derive(connection: aiosqlite.Connection, sql: str) -> None:
    await connection.execute("UPDATE counters SET value = value + 1 WHERE name = 'position'")
    await connection.execute(sql)
    await connection.execute("DELETE FROM temp.touched")


async def verify(connection: aiosqlite.Connection, secret: PersonSecret, one: Verified, now_us: int) -> bool:
    """Adds a verification; False where the very same one is known."""
    row = _row(secret, one, one.institution, now_us) | {"role": one.role}
    if not await _add(connection, "debtors", row, DEBTOR_SAME):
        return False
    await derive_debtors(connection)
    return True


async def inform(connection: aiosqlite.Connection, secret: PersonSecret, one: Informed, now_us: int) -> bool:
    """Adds a notice; False where the very same one is known."""
    row = _row(secret, one, notice_of(one.institution, one.partner), now_us)
    if not await _add(connection, "debtor_notices", row | {"partner": one.partner, "way": one.way}, NOTICE_SAME):
        return False
    await derive_notices(connection)
    return True


def _row(secret: PersonSecret, one: Verified | Informed, salted: str, now_us: int) -> dict[str, str | int | bytes]:
    person = secret.person_key.digest(one.recipient)
    return {
        "at_us": one.at_us,
        "key": signed(index_key(person, secret.person_key.salt(salted))),
        "person": person,
        "key_id": secret.person_key.id_for(one.recipient),
        "number": secret.seal(one.recipient, person),
        "institution": one.institution,
        "source": one.source,
        "document_hash": one.document_hash,
        "recorded_us": now_us,
    }


async def _add(
    connection: aiosqlite.Connection, table: str, row: dict[str, str | int | bytes], same: tuple[str, ...]
) -> bool:
    names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
    is_same = " AND ".join(f"m.{name} = :{name}" for name in same)
    cursor = await connection.execute(
        f"INSERT INTO {table} ({names}) SELECT {marks} WHERE NOT EXISTS (SELECT 1 FROM {table} m WHERE {is_same})", row
    )
    if cursor.rowcount <= 0:
        return False
    await connection.execute("INSERT OR IGNORE INTO temp.touched VALUES (:key)", {"key": row["key"]})
    return True
