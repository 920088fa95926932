"""The ledger of consents, as SQL: what is given, what is withdrawn, and the state that follows for the policy (Z15).

Owns how several consents of one person for one institution become one value. A bit holds until the last day that
any consent names for it, unless a later withdrawal took it. Where bits end on different days, the value carries the
first of these days, and is derived again on it: never longer than given. All functions run inside the caller's
transaction.
"""

from typing import Final

import aiosqlite

from proxy.registry.keys import PersonSecret
from proxy.registry.ports import Given
from proxy.store.reader import signed

PREPARE: Final = "CREATE TEMP TABLE IF NOT EXISTS touched (key INTEGER PRIMARY KEY)"

#: The columns of the ledger that name a consent: the very same one is not added twice.
SAME: Final = ("key", "person", "institution", "bits", "at_us", "until_day", "basis", "product")

INSERT: Final = (
    "INSERT INTO consents (at_us, key, person, key_id, number, institution, bits, until_day, basis, product, source, "
    "proof_hash, recorded_us) SELECT :at_us, :key, :person, :key_id, :number, :institution, :bits, :until_day, :basis, "
    ":product, :source, :proof_hash, :recorded_us WHERE NOT EXISTS (SELECT 1 FROM consents m WHERE "
    + " AND ".join(f"m.{name} = :{name}" for name in SAME)
    + ")"
)

_DERIVE: Final = """
WITH bit (b) AS (VALUES (1), (2), (4), (8), (16), (32), (64), (128)),
held AS (
  SELECT c.key AS key, bit.b AS b, max(c.until_day) AS day
  FROM temp.touched t JOIN consents c ON c.key = t.key JOIN bit ON c.bits & bit.b
  WHERE NOT EXISTS (SELECT 1 FROM withdrawals w WHERE w.key = c.key AND w.at_us >= c.at_us AND w.bits & bit.b)
  GROUP BY c.key, bit.b
),
live AS (
  SELECT * FROM held WHERE day > :today
  OR NOT EXISTS (SELECT 1 FROM held other WHERE other.key = held.key AND other.day > :today)
),
whole AS (SELECT key, sum(b) AS bits, min(day) AS first, max(day) AS last FROM live GROUP BY key)
INSERT INTO consent_state (key, value, position, next_day)
SELECT t.key, coalesce(w.bits | (w.first << 8), 0), (SELECT value FROM counters WHERE name = 'position'),
  CASE WHEN w.first < w.last AND w.first > :today THEN w.first END
FROM temp.touched t LEFT JOIN whole w ON w.key = t.key WHERE true
ON CONFLICT (key) DO UPDATE SET value = excluded.value, position = excluded.position, next_day = excluded.next_day
WHERE value IS NOT excluded.value OR next_day IS NOT excluded.next_day
"""


async def derive(connection: aiosqlite.Connection, today: int) -> None:
    """Derives the states of all keys in `temp.touched`, and empties it. `today` is the Asia/Shanghai day number."""
    await connection.execute("UPDATE counters SET value = value + 1 WHERE name = 'position'")
    await connection.execute(_DERIVE, {"today": today})
    await connection.execute("DELETE FROM temp.touched")


async def give(
    connection: aiosqlite.Connection, secret: PersonSecret, key: int, consent: Given, now_us: int, today: int
) -> bool:
    """Adds a consent; False where the very same one stands in the ledger, withdrawn or not."""
    person = secret.person_key.digest(consent.recipient)
    row = {
        "at_us": consent.at_us,
        "key": signed(key),
        "person": person,
        "key_id": secret.person_key.id_for(consent.recipient),
        "number": secret.seal(consent.recipient, person),
        "institution": consent.institution,
        "bits": consent.bits,
        "until_day": consent.until_day,
        "basis": consent.basis,
        "product": consent.product,
        "source": consent.source,
        "proof_hash": consent.proof_hash,
        "recorded_us": now_us,
    }
    added = (await connection.execute(INSERT, row)).rowcount > 0
    if added:
        await connection.execute("INSERT OR IGNORE INTO temp.touched VALUES (?)", (signed(key),))
        await derive(connection, today)
    return added


async def withdraw(
    connection: aiosqlite.Connection,
    key: int,
    person: bytes,
    institution: str,
    bits: int,
    at_us: int,
    source: str,
    today: int,
) -> bool:
    """Takes bits from every consent given until `at_us`; False where none of them held (nothing is written then)."""
    async with connection.execute("SELECT value FROM consent_state WHERE key = ?", (signed(key),)) as cursor:
        row = await cursor.fetchone()
    if row is None or not row[0] & bits:
        return False
    await connection.execute(
        "INSERT INTO withdrawals (at_us, key, person, institution, bits, source) VALUES (?,?,?,?,?,?)",
        (at_us, signed(key), person, institution, bits, source),
    )
    await connection.execute("INSERT OR IGNORE INTO temp.touched VALUES (?)", (signed(key),))
    await derive(connection, today)
    return True


async def recycle(connection: aiosqlite.Connection, keys: list[tuple[int, str]], person: bytes, at_us: int) -> int:
    """Ends every consent of a number's former owner, given before `at_us`: with how many institutions. `keys` are
    (index key, institution). A consent of the new owner, given later, stays. `derive` has to follow.
    """
    ended = 0
    for key, institution in keys:
        cursor = await connection.execute(
            "INSERT INTO withdrawals (at_us, key, person, institution, bits, source) "
            "SELECT ?, ?, ?, ?, 255, 'recycled' "
            "WHERE EXISTS (SELECT 1 FROM consents c WHERE c.key = ? AND c.person = ? AND c.at_us < ?) AND NOT EXISTS "
            "(SELECT 1 FROM withdrawals w WHERE w.key = ? AND w.at_us >= ? AND w.source = 'recycled')",
            (at_us - 1, signed(key), person, institution, signed(key), person, at_us, signed(key), at_us - 1),
        )
        if cursor.rowcount > 0:
            ended += 1
            await connection.execute("INSERT OR IGNORE INTO temp.touched VALUES (?)", (signed(key),))
    return ended
