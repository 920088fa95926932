"""The schema: ordered migrations, and the refusal to touch what is not ours or newer than we are.

`PRAGMA application_id` marks a file as tdgate's, `PRAGMA user_version` is the number of the last migration. Each
migration is one transaction. Never edits a migration that was released: a new one is added.
"""

import sqlite3
from importlib.resources import files
from typing import Final

import aiosqlite

from proxy.registry.ports import StoreError

APPLICATION_ID: Final = 0x74646774


def migrations() -> list[tuple[int, str]]:
    """(version, SQL) of every migration that ships, ascending; the version is the number its file name begins with."""
    found = [
        (int(entry.name[:4]), entry.read_text(encoding="utf-8"))
        for entry in (files("proxy.store") / "migrations").iterdir()
        if entry.name.endswith(".sql")
    ]
    return sorted(found)


async def check(connection: aiosqlite.Connection, name: str) -> int:
    """The schema version of an open file, 0 for a new one; raises StoreError for a foreign or a newer one."""
    try:
        application = await _pragma(connection, "application_id")
        version = await _pragma(connection, "user_version")
        tables = await _one(connection, "SELECT count(*) FROM sqlite_master")
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{name}: {error}") from error
    if application == 0 and version == 0 and tables == 0:
        return 0
    if application != APPLICATION_ID:
        raise StoreError(f"{name}: not a database of tdgate")
    newest = migrations()[-1][0]
    if version > newest:
        raise StoreError(f"{name}: schema {version} is newer than this program knows ({newest}); use the newer program")
    return version


async def migrate(connection: aiosqlite.Connection, name: str) -> None:
    """Brings an owned file to the newest schema; raises StoreError, and then nothing of the failed step is kept."""
    version = await check(connection, name)
    for number, script in migrations():
        if number <= version:
            continue
        try:
            await connection.executescript(
                f"BEGIN IMMEDIATE;\n{script}\nPRAGMA application_id={APPLICATION_ID};\n"
                f"PRAGMA user_version={number};\nCOMMIT;"
            )
        except sqlite3.Error as error:
            if connection.in_transaction:
                await connection.rollback()
            raise StoreError(f"{name}: migration {number} failed: {error}") from error


async def require_current(connection: aiosqlite.Connection, name: str) -> None:
    """For readers, who must not migrate: raises StoreError unless the schema is exactly the newest."""
    version, newest = await check(connection, name), migrations()[-1][0]
    if version != newest:
        raise StoreError(f"{name}: schema {version}, this program reads {newest}; start its owner once to migrate")


async def _pragma(connection: aiosqlite.Connection, name: str) -> int:
    return await _one(connection, f"PRAGMA {name}")


async def _one(connection: aiosqlite.Connection, sql: str) -> int:
    async with connection.execute(sql) as cursor:
        row = await cursor.fetchone()
    return 0 if row is None else int(row[0])
