"""Changes of single records, as verbs ask for them: inside the owner's transaction, all or none.

Must never write over what somebody else changed meanwhile: a row that is not as it was expected to be is a StaleError.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

from proxy.registry.ports import Alter, Put, StaleError
from proxy.registry.tables import RECORD_TABLES, TABLES

_RECORDS: Final = {table.name for table in RECORD_TABLES}


def apply(connection: sqlite3.Connection, changes: Sequence[Put | Alter]) -> None:
    """Runs all changes under the next revision; raises StaleError at the first that does not fit."""
    for change in changes:
        if change.table not in _RECORDS:
            raise KeyError(change.table)
        if isinstance(change, Put):
            _put(connection, change)
        else:
            _alter(connection, change)


def _put(connection: sqlite3.Connection, change: Put) -> None:
    names = TABLES[change.table].names
    marks = ", ".join("?" * len(names))
    sql = (
        f"INSERT INTO {change.table} ({', '.join(names)}, revision) "
        f"SELECT {marks}, value + 1 FROM counters WHERE name = 'revision'"
    )
    try:
        connection.execute(sql, [change.row[name] for name in names])
    except sqlite3.IntegrityError as error:
        raise StaleError(f"{change.table}: there is such a row already") from error


def _alter(connection: sqlite3.Connection, change: Alter) -> None:
    sets = ", ".join(f"{name} = ?" for name in change.values)
    wanted = " AND ".join(f"{name} = ?" for name in change.where)
    sql = (
        f"UPDATE {change.table} SET {sets}, revision = (SELECT value + 1 FROM counters WHERE name = 'revision') "
        f"WHERE {wanted}"
    )
    cursor = connection.execute(sql, [*change.values.values(), *change.where.values()])
    if cursor.rowcount != 1:
        raise StaleError(f"{change.table}: somebody changed it meanwhile; look at it again")


def enter(connection: sqlite3.Connection, now_us: int, verb: str, target: str, reason: str, by: str, rows: int) -> None:
    """Inside a transaction that changed records: the new revision, and who did it."""
    connection.execute("UPDATE counters SET value = value + 1 WHERE name = 'revision'")
    connection.execute(
        "INSERT INTO revisions SELECT value, ?, ?, ? FROM counters WHERE name = 'revision'", (now_us, verb, rows)
    )
    connection.execute(
        "INSERT INTO measures (at_us, verb, target, reason, by) VALUES (?,?,?,?,?)", (now_us, verb, target, reason, by)
    )
