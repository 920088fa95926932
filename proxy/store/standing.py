"""Look-ups in the store by a process that checks a file: read-only, one short question a row.

Must never write. WHY not `StoreReader`: a check is a plain loop over 10^6 rows in a process of its own; nothing there
would be gained by waiting for each answer in a loop of events.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from proxy.registry.fields import SqlValue
from proxy.registry.ports import StoreError
from proxy.registry.standing import Span
from proxy.registry.tables import RECORD_TABLES, TABLES


class StandingRecords:
    """Fills `registry.standing.Standing` from a database of this program's schema."""

    def __init__(self, database: Path) -> None:
        self._name = str(database)
        try:
            self._connection = sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True, isolation_level=None)
            self._connection.execute("PRAGMA query_only = 1")
        except sqlite3.Error as error:
            raise StoreError(f"{database}: {error}") from error

    def spans(self, address: str) -> list[Span]:
        sql = "SELECT principal, operator, since, until, channels FROM numbers WHERE address = ?"
        return [Span(*row) for row in self._fetch(sql, (address,))]

    def changed(self, table: str, key: Sequence[SqlValue]) -> tuple[int, str] | None:
        if table not in {one.name for one in RECORD_TABLES}:
            raise KeyError(table)
        wanted = " AND ".join(f"{name} = ?" for name in TABLES[table].key)
        sql = (
            f"SELECT r.revision, coalesce(v.cause, 'import') FROM {table} r "
            f"LEFT JOIN revisions v ON v.revision = r.revision WHERE {wanted}"
        )
        found = self._fetch(sql, key)
        return (int(found[0][0]), str(found[0][1])) if found else None

    def _fetch(self, sql: str, arguments: Sequence[SqlValue]) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(sql, arguments).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"{self._name}: {error}") from error

    def close(self) -> None:
        self._connection.close()
