"""The number library of one institution, as its token may see it: from the store, beside its owner (Z9).

Reads only, and in the process of the window: a long library must never hold up the wire. Must never show a number of
another institution.
"""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from proxy.registry.exporting import written
from proxy.registry.ports import StoreError
from proxy.registry.record_verbs import state_of
from proxy.registry.tables import TABLES

_NUMBERS: Final = TABLES["numbers"]


class NumberBook:
    """Numbers as the store has them. `clock` gives UTC seconds."""

    def __init__(self, database: Path, clock: Callable[[], float] = time.time) -> None:
        self._name = f"file:{quote(str(database))}?mode=ro"
        self._clock = clock

    def page(self, institution: str, after: int, most: int) -> list[dict[str, Any]]:
        """The rows of this principal with an id above `after`, at most so many; raises StoreError."""
        columns = ", ".join(_NUMBERS.names)
        sql = f"SELECT rowid, {columns} FROM numbers WHERE principal = ? AND rowid > ? ORDER BY rowid LIMIT ?"
        try:
            with closing(sqlite3.connect(self._name, uri=True, isolation_level=None, timeout=2)) as reading:
                rows = reading.execute(sql, (institution, after, most)).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"numbers cannot be read: {error}") from error
        now = self._clock()
        return [
            {"id": row[0], **written(_NUMBERS, row[1:])}
            | {"state": state_of(dict(zip(_NUMBERS.names, row[1:], strict=True)), now)}
            for row in rows
        ]
