"""Changes of single records, as verbs ask for them: inside the owner's transaction, all or none.

Must never write over what somebody else changed meanwhile: a row that is not as it was expected to be is a StaleError.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

import aiosqlite

from proxy.registry.ports import Alter, Put, StaleError
from proxy.registry.tables import RECORD_TABLES, TABLES

_RECORDS: Final = {table.name for table in RECORD_TABLES}


async def apply(connection: aiosqlite.Connection, changes: Sequence[Put | Alter]) -> None:
    """Runs all changes under the next revision; raises StaleError at the first that does not fit."""
    for change in changes:
        if change.table not in _RECORDS:
            raise KeyError(change.table)
        if isinstance(change, Put):
            await _put(connection, change)
        else:
            await _alter(connection, change)


async def _put(connection: aiosqlite.Connection, change: Put) -> None:
    names = TABLES[change.table].names
    marks = ", ".join("?" * len(names))
    sql = (
        f"INSERT INTO {change.table} ({', '.join(names)}, revision) "
        f"SELECT {marks}, value + 1 FROM counters WHERE name = 'revision'"
    )
    try:
        await connection.execute(sql, [change.row[name] for name in names])
    except sqlite3.IntegrityError as error:
        raise StaleError(f"{change.table}: there is such a row already") from error


async def _alter(connection: aiosqlite.Connection, change: Alter) -> None:
    sets = ", ".join(f"{name} = ?" for name in change.values)
    wanted = " AND ".join(f"{name} = ?" for name in change.where)
    sql = (
        f"UPDATE {change.table} SET {sets}, revision = (SELECT value + 1 FROM counters WHERE name = 'revision') "
        f"WHERE {wanted}"
    )
    cursor = await connection.execute(sql, [*change.values.values(), *change.where.values()])
    if cursor.rowcount != 1:
        raise StaleError(f"{change.table}: somebody changed it meanwhile; look at it again")
