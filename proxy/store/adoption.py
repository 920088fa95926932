"""Takes over a staged import: the statements that the owner runs over its own and the attached file.

Must never delete a record, lift a suppression, revive a withdrawn consent, lift a disposal, or forget a password that
the file left out: an import only adds and updates. A row that is already there, the same, changes nothing.
"""

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote

import aiosqlite
from msgspec import Struct

from proxy.registry.ports import StoreError
from proxy.registry.table import Table
from proxy.registry.tables import RECORD_TABLES
from proxy.store import consent_ledger, debtor_ledger, fitting, preference_ledger
from proxy.store.one_turn import in_transaction
from proxy.store.staging import PERSON_COLUMNS, SLICE_ROWS, VERSION

#: A file that says nothing of a review keeps the one there is, unless it changes what was reviewed.
_SAME_ACCOUNT: Final = (
    "excluded.reviewed_by = '' AND excluded.principal = accounts.principal AND excluded.operator = accounts.operator "
    "AND excluded.purposes = accounts.purposes "
    "AND EXISTS (SELECT 1 FROM main.onboardings o WHERE o.account = accounts.id AND o.state = 'approved')"
)
_SAME_TEXT: Final = (
    "excluded.state = 'draft' AND excluded.institution = templates.institution "
    "AND excluded.purposes = templates.purposes AND excluded.text = templates.text"
)
_SAME_CAMPAIGN: Final = (
    "excluded.state = 'draft' AND excluded.institution = campaigns.institution "
    "AND excluded.purposes = campaigns.purposes AND excluded.channels = campaigns.channels"
)
#: A file that has a list, a number or a case at its beginning does not take it back to there.
_SAME_LIST: Final = (
    "excluded.state = 'draft' AND excluded.institution = submissions.institution "
    "AND excluded.department = submissions.department"
)
_SUBMITTED: Final = (
    "state",
    "numbers",
    "digest",
    "submitted",
    "submitted_by",
    "receipt",
    "received",
    "received_by",
    "decided",
    "decided_by",
    "merged",
    "merged_by",
    "reason",
)
_SETTLED: Final = ("state", "settled", "settled_by", "settled_for", "reason")
_DECIDED: Final = ("state", "decided", "decided_by", "reason")
_PERSONS: Final = tuple(PERSON_COLUMNS)
_REVIEW: Final = ("state", "submitted_by", "reviewed", "reviewed_by", "checklist", "reason")


def _kept(table: str, name: str, condition: str) -> str:
    return f"CASE WHEN {condition} THEN {table}.{name} ELSE excluded.{name} END"


#: Columns that an update does not simply overwrite.
_MERGED: Final = {
    ("accounts", "reviewed_by"): _kept("accounts", "reviewed_by", _SAME_ACCOUNT),
    **{("templates", name): _kept("templates", name, _SAME_TEXT) for name in _REVIEW},
    **{("campaigns", name): _kept("campaigns", name, _SAME_CAMPAIGN) for name in _REVIEW},
    **{("submissions", name): _kept("submissions", name, _SAME_LIST) for name in _SUBMITTED},
    **{("intakes", name): _kept("intakes", name, "excluded.state = 'submitted'") for name in _DECIDED},
    **{("claim_cases", name): _kept("claim_cases", name, "excluded.state = 'open'") for name in _SETTLED},
    ("numbers", "disposed"): "max(numbers.disposed, excluded.disposed)",
    # WHY: what extends a port is closed with it; a file must not make of a closed port a number that nothing extends.
    ("numbers", "extensible"): (
        "CASE WHEN numbers.disposed THEN max(numbers.extensible, excluded.extensible) ELSE excluded.extensible END"
    ),
    ("accounts", "password_hash"): (
        "CASE excluded.password_hash WHEN '' THEN accounts.password_hash ELSE excluded.password_hash END"
    ),
}


class Adopted(Struct, frozen=True):
    """What a staging file held: record rows changed by table, and the last row of each table of persons, 0 for none."""

    changed: dict[str, int]
    persons: dict[str, int]


def adopt_records(
    connection: sqlite3.Connection, path: Path, key_id: int, now_us: int, *, without_persons: bool
) -> Adopted:
    """Takes over all records of a staging file in one transaction, and leaves the file attached as `staged`.

    Raises StoreError, also for another version or key, and, `without_persons`, where there are any; StaleError where
    somebody else changed a record meanwhile (see `fitting`). Nothing is attached then, and nothing written.
    """
    try:
        connection.execute("ATTACH DATABASE ? AS staged", (f"file:{quote(str(path))}?mode=ro",))
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from error
    try:
        _require_ours(connection, path, key_id)
        persons = {table: _one(connection, f"SELECT coalesce(max(row), 0) FROM staged.{table}") for table in _PERSONS}
        if without_persons and any(persons.values()):
            # WHY: a staged file was hashed when somebody was not moved yet who may be by now.
            raise StoreError(
                "the key of persons is being rotated: persons can be imported when it has ended; see tdgate keys status"
            )
        try:
            changed = in_transaction(connection, lambda own: _taken_over(own, now_us))
        except (sqlite3.Error, ValueError) as error:
            raise StoreError(f"{path}: nothing was written: {error}") from error
    except BaseException:
        detach(connection)
        raise
    return Adopted(changed, persons)


def detach(connection: sqlite3.Connection) -> None:
    """Lets go of the staging file, if it is attached, outside of any transaction."""
    if any(name == "staged" for _, name, _ in connection.execute("PRAGMA database_list").fetchall()):
        connection.execute("DETACH DATABASE staged")


def _require_ours(connection: sqlite3.Connection, path: Path, key_id: int) -> None:
    try:
        version = _one(connection, "PRAGMA staged.user_version")
        key = _one(connection, "SELECT key_id FROM staged.meta") if version == VERSION else -1
    except sqlite3.Error as error:
        raise StoreError(f"{path}: not a staged import: {error}") from error
    if version != VERSION or key != key_id:
        raise StoreError(f"{path}: staged by another version or with another key of persons")


def _taken_over(connection: sqlite3.Connection, now_us: int) -> dict[str, int]:
    """Inside a transaction: rows changed per table. Raises the revision where any changed."""
    revision = _one(connection, "SELECT value + 1 FROM counters WHERE name = 'revision'")
    changed = dict.fromkeys((table.name for table in RECORD_TABLES), 0)
    filled = {str(name) for (name,) in connection.execute(_FILLED)}
    # WHY only then: there are 10^5 of them.
    stood = _one(connection, "SELECT count(*) FROM main.numbers") if "numbers" in filled else 0
    for table in [one for one in RECORD_TABLES if one.name in filled]:
        fitting.require_unchanged(connection, table)
        changed[table.name] = connection.execute(_merge_sql(table), {"revision": revision}).rowcount
    if changed["numbers"]:
        fitting.require_apart(connection, revision)
        added = _one(connection, "SELECT count(*) FROM main.numbers") - stood
        if added:
            entry = (now_us, "number.added", f"{added} numbers", "", "import")
            connection.execute("INSERT INTO measures (at_us, verb, target, reason, by) VALUES (?,?,?,?,?)", entry)
    if sum(changed.values()):
        connection.execute("UPDATE counters SET value = ? WHERE name = 'revision'", (revision,))
        connection.execute(
            "INSERT INTO revisions VALUES (?, ?, 'import', ?)", (revision, now_us, sum(changed.values()))
        )
    return changed


def _merge_sql(table: Table) -> str:
    columns = ", ".join(table.names)
    rest = [name for name in table.names if name not in table.key]
    merged = {name: _MERGED.get((table.name, name), f"excluded.{name}") for name in rest}
    assignments = ", ".join(f"{name} = {value}" for name, value in merged.items())
    differs = " OR ".join(f"{table.name}.{name} IS NOT {value}" for name, value in merged.items())
    return (
        f"INSERT INTO main.{table.name} ({columns}, revision) SELECT {columns}, :revision FROM staged.{table.name} "
        f"WHERE true ORDER BY row ON CONFLICT ({', '.join(table.key)}) DO UPDATE SET {assignments}, "
        f"revision = excluded.revision WHERE {differs}"
    )


#: WHY: most imports fill one table.
_FILLED: Final = " UNION ALL ".join(
    f"SELECT '{table.name}' WHERE EXISTS (SELECT 1 FROM staged.{table.name})" for table in RECORD_TABLES
)


async def adopt_persons(connection: aiosqlite.Connection, table: str, first: int, today: int) -> int:
    """Inside a transaction: one slice of a table of persons, from row `first` on; rows added."""
    if table == "consents":
        return await adopt_consents(connection, first, today)
    if table in ("suppressions", "objections"):
        return await adopt_suppressions(connection, first, table)
    return await adopt_ledger(connection, table, first)


async def adopt_suppressions(connection: aiosqlite.Connection, first: int, table: str = "suppressions") -> int:
    """Inside a transaction: one slice of refusals, or of objections, from row `first` on; rows added."""
    columns = ", ".join(PERSON_COLUMNS["suppressions"])
    bounds = (first, first + SLICE_ROWS)
    cursor = await connection.execute(
        f"INSERT INTO main.suppressions ({columns}) SELECT {columns} FROM staged.{table} s WHERE row >= ? "
        "AND row < ? AND NOT EXISTS (SELECT 1 FROM main.suppressions m WHERE m.key = s.key AND m.person = s.person "
        "AND m.institution = s.institution AND m.at_us = s.at_us AND m.source = s.source AND m.bits = s.bits "
        "AND m.released_at IS NULL) ORDER BY row",
        bounds,
    )
    if cursor.rowcount > 0:
        await connection.execute("UPDATE counters SET value = value + 1 WHERE name = 'position'")
        await connection.execute(
            "INSERT INTO suppression_state (key, value, position) SELECT key, bits, "
            f"(SELECT value FROM counters WHERE name = 'position') FROM staged.{table} WHERE row >= ? AND row < ? "
            "ORDER BY key ON CONFLICT (key) DO UPDATE SET value = value | excluded.value, "
            "position = excluded.position WHERE value | excluded.value != value",
            bounds,
        )
    return max(cursor.rowcount, 0)


#: Ledger → the columns by which a row is known again, and what derives its states of the touched keys.
_LEDGERS: Final[dict[str, tuple[tuple[str, ...], Callable[[aiosqlite.Connection], Awaitable[object]]]]] = {
    "debtors": (debtor_ledger.DEBTOR_SAME, debtor_ledger.derive_debtors),
    "debtor_notices": (debtor_ledger.NOTICE_SAME, debtor_ledger.derive_notices),
    "preferences": (preference_ledger.SAME, preference_ledger.derive),
}


async def adopt_ledger(connection: aiosqlite.Connection, table: str, first: int) -> int:
    """Inside a transaction: one slice of a ledger of `_LEDGERS` from row `first` on; rows added."""
    columns = ", ".join(PERSON_COLUMNS[table])
    same, derive = _LEDGERS[table]
    is_same = " AND ".join(f"m.{name} = s.{name}" for name in same)
    bounds = (first, first + SLICE_ROWS)
    cursor = await connection.execute(
        f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM staged.{table} s WHERE row >= ? AND row < ? "
        f"AND NOT EXISTS (SELECT 1 FROM main.{table} m WHERE {is_same}) ORDER BY row",
        bounds,
    )
    if cursor.rowcount > 0:
        await connection.execute(
            f"INSERT OR IGNORE INTO temp.touched SELECT key FROM staged.{table} WHERE row >= ? AND row < ?", bounds
        )
        await derive(connection)
    return max(cursor.rowcount, 0)


async def adopt_consents(connection: aiosqlite.Connection, first: int, today: int) -> int:
    """Inside a transaction: one slice of consents from row `first` on; rows added."""
    columns = ", ".join(PERSON_COLUMNS["consents"])
    same = " AND ".join(f"m.{name} = s.{name}" for name in consent_ledger.SAME)
    bounds = (first, first + SLICE_ROWS)
    cursor = await connection.execute(
        f"INSERT INTO main.consents ({columns}) SELECT {columns} FROM staged.consents s WHERE row >= ? AND row < ? "
        f"AND NOT EXISTS (SELECT 1 FROM main.consents m WHERE {same}) ORDER BY row",
        bounds,
    )
    ended = await connection.execute(
        "INSERT INTO main.withdrawals (at_us, key, person, institution, bits, source) "
        "SELECT withdrawn_us, key, person, institution, bits, withdrawn_source FROM staged.consents s "
        "WHERE row >= ? AND row < ? AND withdrawn_us > 0 AND NOT EXISTS (SELECT 1 FROM main.withdrawals w "
        "WHERE w.key = s.key AND w.at_us = s.withdrawn_us AND w.bits & s.bits = s.bits) ORDER BY row",
        bounds,
    )
    if cursor.rowcount > 0 or ended.rowcount > 0:
        await connection.execute(
            "INSERT OR IGNORE INTO temp.touched SELECT key FROM staged.consents WHERE row >= ? AND row < ?", bounds
        )
        await consent_ledger.derive(connection, today)
    return max(cursor.rowcount, 0)


def _one(connection: sqlite3.Connection, sql: str) -> int:
    found = connection.execute(sql).fetchone()
    return 0 if found is None or found[0] is None else int(found[0])
