"""The queue of doubtful replies, as SQL: what waits for a person's verdict, and what a verdict changes (Z16 Z19 J13).

All functions run inside the caller's transaction. Must never keep a text that is decided, and never end a refusal that
was not made by the very reply that is decided.
"""

import json
from typing import Final

import aiosqlite

from proxy.registry.doubts import TEXT_MOST, DoubtRow, Verdict
from proxy.registry.keys import PersonSecret
from proxy.registry.ports import Refused

COLUMNS: Final = ", ".join(DoubtRow.__struct_fields__)
#: A carrier that gives one reply again and again: beyond that its refusals stand, whatever is decided.
_MOMENTS_MOST: Final = 1000
_SAME: Final = "person = ? AND number_to = ? AND said = ? AND state = 'open'"
_AGAIN: Final = (
    f"UPDATE doubts SET moments = json_insert(moments, '$[#]', ?) WHERE {_SAME} AND json_array_length(moments) < ?"
)
_INSERT: Final = (
    "INSERT INTO doubts (at_us, person, key_id, number, text, said, number_to, channel, label, confidence, binds, "
    "closes, moments, state, decided_us, decided_by) SELECT ?,?,?,?,?,?,?,?,?,?,?,?,?,'open',0,'' "
    f"WHERE NOT EXISTS (SELECT 1 FROM doubts WHERE {_SAME}) "
    "AND (SELECT count(*) FROM doubts WHERE state = 'open') < ?"
)
_DECIDE: Final = (
    "UPDATE doubts SET state = ?, decided_us = ?, decided_by = ?, text = x'' WHERE id = ? AND state = 'open'"
)
_END: Final = (
    "UPDATE suppressions SET released_at = ? WHERE person = ? AND institution = ? AND source = 'reply' "
    "AND released_at IS NULL AND at_us IN (SELECT value FROM json_each(?)) AND number_to = ?"
)
_VERBS: Final[dict[Verdict, str]] = {"confirmed": "doubt.confirmed", "dismissed": "doubt.dismissed"}
_LIFTED_SINCE: Final = "SELECT 1 FROM releases WHERE person = ? AND institution = ? AND rows > 0 AND at_us > ?"


async def put(connection: aiosqlite.Connection, secret: PersonSecret, refusal: Refused, person: bytes) -> bool:
    """Adds a doubtful refusal to the queue; False where it is full. What says and closes the same is one case."""
    doubt = refusal.doubt
    if doubt is None:
        raise ValueError("no doubt")
    text = doubt.text[:TEXT_MOST].encode("utf-8", "replace").decode()
    closes = json.dumps([(name, bits, name in refusal.objects) for name, bits in refusal.closes])
    # WHY what it closes, too: to another institution the same words are another refusal, for others to decide.
    same = (person, refusal.number_to, secret.person_key.newest(json.dumps([text, closes])))
    again = await connection.execute(_AGAIN, (refusal.at_us, *same, _MOMENTS_MOST))
    if again.rowcount:
        return True
    added = await connection.execute(
        _INSERT,
        (
            refusal.at_us,
            person,
            secret.person_key.id_for(refusal.recipient),
            secret.seal(refusal.recipient, person),
            secret.seal(text, person),
            same[2],
            refusal.number_to,
            refusal.channel,
            refusal.label,
            doubt.confidence,
            int(doubt.binds),
            closes,
            json.dumps([refusal.at_us]),
            *same,
            doubt.most,
        ),
    )
    if added.rowcount > 0:
        return True
    async with connection.execute(f"SELECT 1 FROM doubts WHERE {_SAME}", same) as found:
        return await found.fetchone() is not None


async def open_cases(connection: aiosqlite.Connection) -> int:
    """How many wait for a verdict."""
    async with connection.execute("SELECT count(*) FROM doubts WHERE state = 'open'") as found:
        row = await found.fetchone()
    return 0 if row is None else int(row[0])


async def decide(
    connection: aiosqlite.Connection, case: int, verdict: Verdict, at_us: int, by: str, reason: str
) -> DoubtRow | None:
    """Takes a verdict into the queue and the measures; the case as it was, None where it is not open."""
    async with connection.execute(f"SELECT {COLUMNS} FROM doubts WHERE id = ? AND state = 'open'", (case,)) as found:
        row = await found.fetchone()
    if row is None:
        return None
    await connection.execute(_DECIDE, (verdict, at_us, by, case))
    await connection.execute(
        "INSERT INTO measures (at_us, verb, target, reason, by) VALUES (?,?,?,?,?)",
        (at_us, _VERBS[verdict], str(case), reason, by),
    )
    return DoubtRow(*row)


async def ended(connection: aiosqlite.Connection, case: DoubtRow, institution: str, at_us: int) -> int:
    """Ends what stood meanwhile with one institution; rows ended."""
    cursor = await connection.execute(_END, (at_us, case.person, institution, case.moments, case.number_to))
    return cursor.rowcount


async def lifted_since(connection: aiosqlite.Connection, case: DoubtRow, institution: str) -> bool:
    """Whether the person asked to receive again after the reply: that is their later word."""
    latest = max(json.loads(case.moments), default=case.at_us)
    async with connection.execute(_LIFTED_SINCE, (case.person, institution, latest)) as found:
        return await found.fetchone() is not None
