"""Opens the store as its one owner: the lock, the file, the schema, the two connections.

Must never leave a lock or a connection behind when it fails. How it works: the lock comes first, then the file is made
readable by its owner alone, brought to today's schema, and handed to a `SqliteStore` that has started.
"""

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote

import aiosqlite

from proxy.registry.keys import PersonSecret
from proxy.registry.ports import StoreError
from proxy.store import schema
from proxy.store.lock import OwnerLock
from proxy.store.sqlite import SqliteStore

#: FULL: a commit is on disk when it returns, also at a power cut. NORMAL may lose the last ones.
_PRAGMAS: Final = ("journal_mode = WAL", "synchronous = FULL", "temp_store = MEMORY", "cache_size = -16384")


def _now_us() -> int:
    return time.time_ns() // 1000


async def open_owner(
    database: Path, secret: PersonSecret, now_us: Callable[[], int] = _now_us, *, lock: Path | None = None
) -> SqliteStore:
    """Opens or creates the store as its one owner; raises OwnedError where another process is, StoreError else.

    `now_us` is UTC microseconds. The lock stands beside the database unless named.
    """
    held = OwnerLock(lock or database.with_name("owner.lock"))
    try:
        os.close(os.open(database, os.O_RDWR | os.O_CREAT, 0o600))
        return await _started(database, held, secret, now_us)
    except (OSError, sqlite3.Error) as error:
        held.release()
        raise StoreError(f"{database}: {error}") from error
    except BaseException:
        held.release()
        raise


async def _started(database: Path, held: OwnerLock, secret: PersonSecret, now_us: Callable[[], int]) -> SqliteStore:
    uri = f"file:{quote(str(database))}"
    opened: list[aiosqlite.Connection] = []
    try:
        owning = await aiosqlite.connect(f"{uri}?mode=rw", uri=True, isolation_level=None, timeout=5)
        opened.append(owning)
        await schema.migrate(owning, str(database))
        for pragma in _PRAGMAS:
            await owning.execute(f"PRAGMA {pragma}")
        reading = await aiosqlite.connect(f"{uri}?mode=ro", uri=True, isolation_level=None, timeout=5)
        opened.append(reading)
        store = SqliteStore(owning, reading, database, held, secret, now_us)
        await store.start()
    except BaseException:
        for connection in reversed(opened):
            await connection.close()
        raise
    return store
