"""Lists of other houses in the store: a document is taken in whole, in one transaction, or not at all (J16).

Owns the tables `followed_*` and the staged form in which a document crosses from the process that follows to the one
that owns the store. Must never mix them with one's own records: what an issuer says ends where that issuer says so.
"""

import os
import secrets
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

import aiosqlite

from proxy.lists.document import ListDocument
from proxy.lists.entry import ListEntry, read_key
from proxy.registry.ports import FollowedList, StoreError

_VERSION: Final = 101
_KEY: Final = ("address", "institution", "operator", "since")
#: Columns of a row as they are kept, in the order of `ListEntry`.
COLUMNS: Final = ListEntry.__struct_fields__
_SAME_KEY: Final = " AND ".join(f"f.{name} = s.{name}" for name in _KEY)


class _Staged(NamedTuple):
    issuer: str
    number: int
    whole: int
    before: str
    digest: str
    made_at: int


def kept(entry: ListEntry) -> tuple[str | int, ...]:
    """A row as the store keeps it: lists joined by commas."""
    values = (getattr(entry, name) for name in COLUMNS)
    return tuple(",".join(value) if isinstance(value, tuple) else value for value in values)


def entry_of(row: tuple[str | int, ...]) -> ListEntry:
    """The row that was kept."""
    named: dict[str, object] = dict(zip(COLUMNS, row, strict=True))
    for name in ("channels", "purposes"):
        named[name] = tuple(str(named[name]).split(","))
    for name in ("extensible", "binary", "disposed"):
        named[name] = bool(named[name])
    return ListEntry(**named)  # type: ignore[arg-type]


def stage_list(folder: Path, document: ListDocument) -> Path:
    """Writes a document where the owner takes it over (mode 0600). Raises StoreError."""
    heading = document.heading
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{os.getpid()}-{secrets.token_hex(8)}.list"
    head = _Staged(
        heading.issuer, heading.number, heading.kind == "snapshot", heading.before, heading.digest, heading.made_at
    )
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            connection.execute(f"CREATE TABLE head ({', '.join(_Staged._fields)})")
            connection.execute(f"CREATE TABLE put ({', '.join(COLUMNS)}, PRIMARY KEY ({', '.join(_KEY)}))")
            connection.execute(f"CREATE TABLE removed ({', '.join(_KEY)}, PRIMARY KEY ({', '.join(_KEY)}))")
            connection.execute("BEGIN")
            connection.execute(f"INSERT INTO head VALUES ({','.join('?' * len(_Staged._fields))})", head)
            connection.executemany(f"INSERT INTO put VALUES ({','.join('?' * len(COLUMNS))})", map(kept, document.put))
            connection.executemany("INSERT INTO removed VALUES (?,?,?,?)", map(read_key, document.removed))
            connection.execute("COMMIT")
        finally:
            connection.close()
    except (OSError, sqlite3.Error) as error:
        path.unlink(missing_ok=True)
        raise StoreError(f"{path}: {error}") from error
    return path


@asynccontextmanager
async def attached(connection: aiosqlite.Connection, path: Path) -> AsyncIterator[None]:
    """The staged document under the name `listed`, read-only; raises StoreError where it is none."""
    try:
        await connection.execute("ATTACH DATABASE ? AS listed", (f"file:{quote(str(path))}?mode=ro",))
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from error
    try:
        if await _one(connection, "PRAGMA listed.user_version") != _VERSION:
            raise StoreError(f"{path}: not a staged list of this version")
        yield
    finally:
        await connection.execute("DETACH DATABASE listed")


async def take_in(connection: aiosqlite.Connection, now_us: int) -> FollowedList:
    """Inside a transaction: the attached document over what is held. Raises StoreError where it is not the next one."""
    async with connection.execute(f"SELECT {', '.join(_Staged._fields)} FROM listed.head") as cursor:
        found = await cursor.fetchone()
    if found is None:
        raise StoreError("a staged list without a head")
    head = _Staged(*found)
    held = await held_list(connection, head.issuer)
    # INVARIANT: compared again here, since two processes may follow one list: neither may jump over the other.
    if head.number <= held.number or (
        not head.whole and (head.number != held.number + 1 or head.before != held.digest)
    ):
        raise StoreError(f"{head.issuer}: document {head.number} does not follow {held.number}, which is held")
    revision = await _one(connection, "SELECT value + 1 FROM counters WHERE name = 'revision'")
    bound: dict[str, str | int] = {"issuer": head.issuer, "revision": revision}
    rows = await _change(connection, head, bound)
    await connection.execute(
        "INSERT OR REPLACE INTO followed_lists VALUES (?, ?, ?, ?, ?)",
        (head.issuer, head.number, head.digest, head.made_at, now_us),
    )
    if rows:
        await connection.execute("UPDATE counters SET value = ? WHERE name = 'revision'", (revision,))
        await connection.execute(
            "INSERT INTO revisions VALUES (?, ?, ?, ?)", (revision, now_us, f"list {head.issuer} {head.number}", rows)
        )
    return FollowedList(head.issuer, head.number, head.digest, head.made_at, now_us, rows)


async def _change(connection: aiosqlite.Connection, head: _Staged, bound: dict[str, str | int]) -> int:
    gone = (
        "UPDATE main.followed_numbers AS f SET gone = 1, revision = :revision WHERE f.issuer = :issuer AND f.gone = 0"
    )
    if head.whole:
        sql = f"{gone} AND NOT EXISTS (SELECT 1 FROM listed.put s WHERE {_SAME_KEY})"
    else:
        sql = f"{gone} AND EXISTS (SELECT 1 FROM listed.removed s WHERE {_SAME_KEY})"
    rows = max((await connection.execute(sql, bound)).rowcount, 0)
    rest = [name for name in COLUMNS if name not in _KEY]
    differs = " OR ".join(f"followed_numbers.{name} IS NOT excluded.{name}" for name in rest)
    cursor = await connection.execute(
        f"INSERT INTO main.followed_numbers (issuer, {', '.join(COLUMNS)}, gone, revision) "
        f"SELECT :issuer, {', '.join(COLUMNS)}, 0, :revision FROM listed.put WHERE true "
        f"ON CONFLICT (issuer, {', '.join(_KEY)}) DO UPDATE SET "
        f"{', '.join(f'{name} = excluded.{name}' for name in rest)}, gone = 0, revision = excluded.revision "
        f"WHERE followed_numbers.gone OR {differs}",
        bound,
    )
    return rows + max(cursor.rowcount, 0)


async def held_list(connection: aiosqlite.Connection, issuer: str) -> FollowedList:
    """What is held of an issuer's list; number 0 where nothing is."""
    sql = "SELECT issuer, number, digest, made_at, taken_us FROM followed_lists WHERE issuer = ?"
    async with connection.execute(sql, (issuer,)) as cursor:
        found = await cursor.fetchone()
    return FollowedList(*found) if found is not None else FollowedList(issuer)


async def _one(connection: aiosqlite.Connection, sql: str) -> int:
    async with connection.execute(sql) as cursor:
        row = await cursor.fetchone()
    return 0 if row is None or row[0] is None else int(row[0])
