"""Staged imports: a file of checked rows, written by the importing process and taken over by the owner.

Owns the hand-over. WHY: checking, hashing and sealing 10^5 rows is CPU work that must not share an interpreter with the
wire; the owner then only runs a few statements, in which SQLite releases the interpreter. Records are taken over in
one transaction; persons' rows in slices, so that a refusal from the wire never waits long for its commit.
"""

import os
import secrets
import sqlite3
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Final

from proxy.registry.ports import Row, StoreError
from proxy.registry.tables import RECORD_TABLES

VERSION: Final = 3
#: Rows of persons in one transaction.
SLICE_ROWS: Final = 2000
_BUFFER_ROWS: Final = 1000

_REFUSAL: Final = (
    "at_us",
    "key",
    "person",
    "key_id",
    "number",
    "institution",
    "bits",
    "channel",
    "source",
    "label",
    "matched",
    "number_to",
    "decision",
)
#: The columns of staged persons' rows, those of the ledgers.
PERSON_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    # INVARIANT: what closes comes before what opens, since each slice is a transaction of its own: an import that is
    # cut off leaves no consent in force without the refusal of the same file.
    "suppressions": _REFUSAL,
    # Objections are refusals of their own kind.
    "objections": _REFUSAL,
    "preferences": ("at_us", "key", "person", "key_id", "number", "institution", "value", "source"),
    "debtors": (
        "at_us",
        "key",
        "person",
        "key_id",
        "number",
        "institution",
        "role",
        "source",
        "document_hash",
        "recorded_us",
    ),
    "debtor_notices": (
        "at_us",
        "key",
        "person",
        "key_id",
        "number",
        "institution",
        "partner",
        "way",
        "source",
        "document_hash",
        "recorded_us",
    ),
    "consents": (
        "at_us",
        "key",
        "person",
        "key_id",
        "number",
        "institution",
        "bits",
        "until_day",
        "basis",
        "product",
        "source",
        "proof_hash",
        "recorded_us",
    ),
}
#: What staged consents say besides: when they ended, 0 for those that have not, and how that was heard.
CONSENT_ENDS: Final = ("withdrawn_us", "withdrawn_source")
STAGED_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    # based_on: the revision of the record that whoever wrote the row had before them, or nothing.
    **{table.name: (*table.names, "based_on") for table in RECORD_TABLES},
    **PERSON_COLUMNS,
    "consents": (*PERSON_COLUMNS["consents"], *CONSENT_ENDS),
}


class StagedImport:
    """A new staging file (mode 0600). Add rows, then `finish`; `discard` at any time."""

    def __init__(self, path: Path, key_id: int) -> None:
        self.path: Final = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute(f"PRAGMA user_version = {VERSION}")
        self._connection.execute("CREATE TABLE meta (key_id INTEGER NOT NULL)")
        self._connection.execute("INSERT INTO meta VALUES (?)", (key_id,))
        for table, columns in STAGED_COLUMNS.items():
            self._connection.execute(f"CREATE TABLE {table} (row INTEGER PRIMARY KEY, {', '.join(columns)})")
        self._connection.execute("BEGIN")

    @classmethod
    def beside(cls, folder: Path, key_id: int) -> "StagedImport":
        """A new file in a folder, under a name that nobody else has; only such names are taken over."""
        return cls(folder / f"{os.getpid()}-{secrets.token_hex(8)}.staged", key_id)

    def add(self, table: str, rows: Iterable[Row]) -> int:
        """Stages rows in the order of `STAGED_COLUMNS[table]`; returns how many. Raises StoreError."""
        columns = STAGED_COLUMNS[table]
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({','.join('?' * len(columns))})"
        count, waiting = 0, iter(rows)
        try:
            while part := list(islice(waiting, _BUFFER_ROWS)):
                self._connection.executemany(sql, part)
                count += len(part)
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}") from error
        return count

    def finish(self) -> None:
        """Closes the file so that the owner can take it over."""
        try:
            self._connection.execute("COMMIT")
            self._connection.close()
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}") from error

    def discard(self) -> None:
        """Closes and removes the file."""
        self._connection.close()
        self.path.unlink(missing_ok=True)
