"""What a staged import must still fit when it is taken over: somebody may have written since its rows were checked.

Must never let the second of two people write over the first without being told, or two rows of one sending number hold
at the same time. Raises StaleError inside the owner's transaction, so that nothing of the import is kept.
"""

import sqlite3
from typing import Any, Final

from proxy.registry.ports import StaleError
from proxy.registry.table import Table

#: Rows that this import changed, and another of the same number for the same two that holds at the same time.
_OVERLAPPING: Final = (
    "SELECT n.address FROM main.numbers n JOIN main.numbers o ON o.address = n.address AND o.principal = n.principal "
    "AND o.operator = n.operator AND o.since != n.since AND o.since < n.until AND n.since < o.until "
    "AND ((instr(n.channels, 'sms') AND instr(o.channels, 'sms')) "
    "OR (instr(n.channels, 'voice') AND instr(o.channels, 'voice'))) WHERE n.revision = ? "
    "AND (n.address, n.principal, n.operator, n.since) IN (SELECT address, principal, operator, since "
    "FROM staged.numbers) LIMIT 1"
)


def require_unchanged(connection: sqlite3.Connection, table: Table) -> None:
    """Before rows are taken over: each that names the revision it is based on finds the record at that revision."""
    same = " AND ".join(f"m.{name} = s.{name}" for name in table.key)
    keys = ", ".join(f"s.{name}" for name in table.key)
    found = _first(
        connection,
        f"SELECT m.revision, {keys} FROM staged.{table.name} s JOIN main.{table.name} m ON {same} "
        "WHERE s.based_on IS NOT NULL AND m.revision != s.based_on LIMIT 1",
    )
    if found is not None:
        raise StaleError(
            f"{table.name}: {found[1]} was changed since, in revision {found[0]}; nothing was imported, read it again"
        )


def require_apart(connection: sqlite3.Connection, revision: int) -> None:
    """After numbers were taken over under `revision`: no changed row overlaps another."""
    found = _first(connection, _OVERLAPPING, revision)
    if found is not None:
        raise StaleError(
            f"numbers: {found[0]} was given another period meanwhile, which overlaps; nothing was imported"
        )


def _first(connection: sqlite3.Connection, sql: str, *arguments: int) -> tuple[Any, ...] | None:
    found: tuple[Any, ...] | None = connection.execute(sql, arguments).fetchone()
    return found
