"""Questions to the store: over the owner's connection, or over a read-only one beside it.

Must never write: a reader opens `mode=ro` with `query_only`, so that SQLite itself refuses. Numbers of persons leave
here sealed.
"""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote

import aiosqlite
from msgspec import Struct

from proxy.core.purposes import OBJECTION
from proxy.lists.entry import ListEntry
from proxy.registry.doubts import DoubtRow
from proxy.registry.news import News
from proxy.registry.ports import (
    ApiToken,
    ConsentRow,
    DebtorRow,
    FollowedList,
    Measure,
    NoticeRow,
    PreferenceRow,
    Receipt,
    Row,
    StoreError,
    SuppressionRow,
)
from proxy.registry.tables import FOLLOWED, KNOWN_TABLES, RECORD_TABLES, TABLES
from proxy.store import doubt_queue, followed, receipts, schema
from proxy.store.one_turn import in_one_turn

#: The ledger without objections, which are rows of their own kind in it.
_REFUSALS: Final = f"SELECT * FROM suppressions WHERE bits != {OBJECTION}"
_RECORDS: Final = {table.name for table in RECORD_TABLES}
#: The tables of records with a row of a later revision than :after, those of other houses with them.
_CHANGED: Final = " UNION ALL ".join(
    f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name} WHERE revision > :after)"
    for name in (*(table.name for table in RECORD_TABLES), FOLLOWED)
)
_CONSENT_COLUMNS: Final = ", ".join(name for name in ConsentRow.__struct_fields__ if name != "withdrawn")
#: SQLite has no bitwise aggregate: the bits that any later withdrawal of this person and institution names.
_WITHDRAWN: Final = " | ".join(
    f"(EXISTS (SELECT 1 FROM withdrawals w WHERE w.key = c.key AND w.at_us >= c.at_us AND w.bits & {bit}) * {bit})"
    for bit in (1, 2, 4, 8, 16, 32, 64, 128)
)


def _news(connection: sqlite3.Connection, after: int, most: int) -> News:
    connection.execute("BEGIN")
    try:
        revision = int(connection.execute("SELECT value FROM counters WHERE name = 'revision'").fetchone()[0])
        rows: dict[str, list[Row] | None] = {}
        if revision != after:
            # WHY holds always: they are the only records that are deleted, which leaves no row behind.
            rows["holds"] = connection.execute(_all_of("holds")).fetchall()
            for (name,) in connection.execute(_CHANGED, {"after": after}).fetchall():
                table = str(name)
                if table == FOLLOWED:
                    rows[table] = None
                elif table != "holds":
                    found = connection.execute(f"{_all_of(table)} WHERE revision > ? LIMIT ?", (after, most + 1))
                    several = found.fetchall()
                    places = [TABLES[table].names.index(name) for name in TABLES[table].key]
                    # WHY sorted here: to sort them in SQLite is to sort all that are newer, before any is left out.
                    several.sort(key=lambda row: [row[place] for place in places])
                    rows[table] = several if len(several) <= most else None
        return News(revision, rows)
    finally:
        connection.execute("COMMIT")


def _all_of(table: str) -> str:
    return f"SELECT {', '.join(TABLES[table].names)} FROM {table}"


def signed(key: int) -> int:
    """An unsigned 64-bit index key as SQLite keeps it, in the same order."""
    return key - (1 << 63)


class StoreReader:
    """Fills `registry.ports.Reader` over one connection."""

    def __init__(self, connection: aiosqlite.Connection, name: str) -> None:
        self._connection = connection
        self._name = name

    async def fetch(self, sql: str, arguments: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of one query; raises StoreError."""
        try:
            # WHY in one: every step of a query waits for a turn of the loop, which is long under load.
            return [tuple(row) for row in await self._connection.execute_fetchall(sql, arguments)]
        except (sqlite3.Error, ValueError) as error:
            raise StoreError(f"{self._name}: {error}") from error

    async def revision(self) -> int:
        rows = await self.fetch("SELECT value FROM counters WHERE name = 'revision'")
        return int(rows[0][0])

    async def news(self, after: int, most: int) -> News:
        """What is newer than a revision, all of one moment and in one turn of the loop."""
        try:
            return await in_one_turn(self._connection, lambda connection: _news(connection, after, most))
        except (sqlite3.Error, ValueError) as error:
            raise StoreError(f"{self._name}: {error}") from error

    async def rows(
        self, table: str, *, after: int = 0, slice_rows: int = 500, revisions: bool = False
    ) -> AsyncIterator[list[Row]]:
        """Rows of a record table that changed after a revision, in slices, each as it is when it is read."""
        if table not in _RECORDS:
            raise KeyError(table)
        shape = TABLES[table]
        columns = ", ".join((*shape.names, "revision") if revisions else shape.names)
        # WHY +: by the index of revisions each slice would sort all that are left.
        sql = f"SELECT {columns} FROM {table} WHERE +revision > ?"
        async for found in self._sliced(sql, (after,), shape.key, shape.names, slice_rows):
            yield found

    async def _sliced(
        self, sql: str, arguments: tuple[Any, ...], key: tuple[str, ...], names: tuple[str, ...], slice_rows: int
    ) -> AsyncIterator[list[Row]]:
        """All rows of a query, in the order of a unique key. INVARIANT: no query is left open between two slices:
        while one is, SQLite shows this connection nothing newer, and a change that is followed meanwhile is not seen.
        """
        places = [names.index(name) for name in key]
        order = f"ORDER BY {', '.join(key)} LIMIT {slice_rows}"
        beyond = f"({', '.join(key)}) > ({', '.join('?' * len(key))})"
        found = await self.fetch(f"{sql} {order}", arguments)
        while found:
            yield found
            if len(found) < slice_rows:
                return
            last = tuple(found[-1][place] for place in places)
            found = await self.fetch(f"{sql} AND {beyond} {order}", (*arguments, *last))

    async def counts(self) -> dict[str, int]:
        found = {}
        for table in TABLES:
            whole = f"({_REFUSALS})" if table == "suppressions" else table
            found[table] = int((await self.fetch(f"SELECT count(*) FROM {whole}"))[0][0])
        active = await self.fetch("SELECT count(*) FROM suppression_state WHERE value & 15")
        found["suppressions_active"] = int(active[0][0])
        return found

    async def ids(self, table: str) -> set[str]:
        if table not in KNOWN_TABLES:
            raise KeyError(table)
        found = {str(row[0]) for row in await self.fetch(f"SELECT id FROM {table}")}
        if table == "telecoms":
            found |= {str(row[0]) for row in await self.fetch("SELECT name FROM telecoms")}
        return found

    async def suppressions(
        self, *, person: bytes | None = None, institution: str | None = None, after: int = 0, most: int = 100
    ) -> list[SuppressionRow]:
        rows = await self._ledger_rows(f"({_REFUSALS})", SuppressionRow, person, institution, after, most)
        return [SuppressionRow(*row) for row in rows]

    async def objections(
        self, *, person: bytes | None = None, institution: str | None = None, after: int = 0, most: int = 100
    ) -> list[SuppressionRow]:
        rows = await self._ledger_rows("objections", SuppressionRow, person, institution, after, most)
        return [SuppressionRow(*row) for row in rows]

    async def debtors(
        self, *, person: bytes | None = None, institution: str | None = None, after: int = 0, most: int = 100
    ) -> list[DebtorRow]:
        rows = await self._ledger_rows("debtors", DebtorRow, person, institution, after, most)
        return [DebtorRow(*row) for row in rows]

    async def notices(
        self, *, person: bytes | None = None, institution: str | None = None, after: int = 0, most: int = 100
    ) -> list[NoticeRow]:
        rows = await self._ledger_rows("debtor_notices", NoticeRow, person, institution, after, most)
        return [NoticeRow(*row) for row in rows]

    async def _ledger_rows(
        self, table: str, kind: type[Struct], person: bytes | None, institution: str | None, after: int, most: int
    ) -> list[tuple[Any, ...]]:
        return await self.fetch(
            f"SELECT {', '.join(kind.__struct_fields__)} FROM {table} WHERE id > ? AND (? IS NULL OR person = ?) "
            "AND (? IS NULL OR institution = ?) ORDER BY id LIMIT ?",
            (after, person, person, institution, institution, most),
        )

    async def consents(
        self, *, person: bytes | None = None, institution: str | None = None, after: int = 0, most: int = 100
    ) -> list[ConsentRow]:
        rows = await self.fetch(
            f"SELECT {_CONSENT_COLUMNS}, c.bits & ({_WITHDRAWN}) FROM consents c WHERE id > ? "
            "AND (? IS NULL OR person = ?) AND (? IS NULL OR institution = ?) ORDER BY id LIMIT ?",
            (after, person, person, institution, institution, most),
        )
        return [ConsentRow(*row) for row in rows]

    async def withdrawals(self, row: ConsentRow) -> list[tuple[int, int, str]]:
        """What ended a consent: (bits of it, UTC microseconds, source), each bit by what ended it first."""
        found: list[tuple[int, int, str]] = []
        left = row.withdrawn
        rows = await self.fetch(
            "SELECT w.bits, w.at_us, w.source FROM withdrawals w JOIN consents c ON c.key = w.key "
            "WHERE c.id = ? AND w.at_us >= c.at_us ORDER BY w.at_us, w.id",
            (row.id,),
        )
        for bits, at_us, source in rows:
            if bits & left:
                found.append((bits & left, int(at_us), str(source)))
                left &= ~bits
        return found

    async def preferences(
        self, *, person: bytes | None = None, institution: str | None = None, after: int = 0, most: int = 100
    ) -> list[PreferenceRow]:
        rows = await self._ledger_rows("preferences", PreferenceRow, person, institution, after, most)
        return [PreferenceRow(*row) for row in rows]

    async def lifts(self) -> list[tuple[str, int, int]]:
        rows = await self.fetch(
            "SELECT i.id, (SELECT count(*) FROM releases r WHERE r.institution = i.id AND r.rows > 0), "
            "(SELECT count(*) FROM suppressions s WHERE s.institution = i.id) FROM institutions i ORDER BY i.id"
        )
        return [(str(name), int(lifts), int(refusals)) for name, lifts, refusals in rows]

    async def doubts(self, *, state: str = "open", after: int = 0, most: int = 100) -> list[DoubtRow]:
        rows = await self.fetch(
            f"SELECT {doubt_queue.COLUMNS} FROM doubts WHERE id > ? AND (? = '' OR state = ?) ORDER BY id LIMIT ?",
            (after, state, state, most),
        )
        return [DoubtRow(*row) for row in rows]

    async def followed_lists(self) -> list[FollowedList]:
        rows = await self.fetch("SELECT issuer, number, digest, made_at, taken_us FROM followed_lists ORDER BY issuer")
        return [FollowedList(*row) for row in rows]

    async def followed(
        self, *, issuer: str | None = None, after: int = 0, slice_rows: int = 500
    ) -> AsyncIterator[list[tuple[str, ListEntry, bool]]]:
        """Rows of followed lists that changed after a revision, in slices."""
        columns = ("issuer", "gone", *followed.COLUMNS)
        sql = f"SELECT {', '.join(columns)} FROM followed_numbers WHERE +revision > ? AND (? IS NULL OR issuer = ?)"
        key = ("issuer", "address", "institution", "operator", "since")
        async for found in self._sliced(sql, (after, issuer, issuer), key, columns, slice_rows):
            yield [
                (str(row[0]), followed.entry_of(cast(tuple[str | int, ...], row[2:])), bool(row[1])) for row in found
            ]

    async def measures(self, *, after: int | None = None, most: int = 100) -> list[Measure]:
        rows = await self.fetch(
            "SELECT id, at_us, verb, target, reason, by FROM measures "
            "WHERE id > coalesce(?, (SELECT value FROM counters WHERE name = 'noted')) ORDER BY id LIMIT ?",
            (after, most),
        )
        return [Measure(*row) for row in rows]

    async def tokens(self) -> list[ApiToken]:
        rows = await self.fetch(f"SELECT {receipts.TOKEN_COLUMNS} FROM api_tokens ORDER BY created_us, id")
        return [ApiToken(*row) for row in rows]

    async def receipt(self, token: str, idempotency: str) -> Receipt | None:
        rows = await self.fetch(
            f"SELECT {receipts.RECEIPT_COLUMNS} FROM receipts WHERE token = ? AND idempotency = ?", (token, idempotency)
        )
        return Receipt(*rows[0]) if rows else None

    async def receipts_to_note(self, most: int) -> list[Receipt]:
        rows = await self.fetch(
            f"SELECT {receipts.RECEIPT_COLUMNS} FROM receipts WHERE noted = 0 ORDER BY id LIMIT ?", (most,)
        )
        return [Receipt(*row) for row in rows]

    async def meta(self, name: str) -> str | None:
        """A fact the store knows of itself."""
        rows = await self.fetch("SELECT value FROM meta WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

    async def close(self) -> None:
        await self._connection.close()


async def open_reader(database: Path) -> StoreReader:
    """A read-only view for another process; raises StoreError where there is no database or not this schema."""
    if not database.exists():  # noqa: ASYNC240  WHY: one stat before a connection is opened
        raise StoreError(f"{database}: no registry yet")
    try:
        connection = await aiosqlite.connect(
            f"file:{quote(str(database))}?mode=ro", uri=True, isolation_level=None, timeout=5
        )
    except sqlite3.Error as error:
        raise StoreError(f"{database}: {error}") from error
    try:
        await connection.execute("PRAGMA query_only = 1")
        await schema.require_current(connection, str(database))
    except (StoreError, sqlite3.Error) as error:
        await connection.close()
        raise StoreError(str(error)) from error
    return StoreReader(connection, str(database))
