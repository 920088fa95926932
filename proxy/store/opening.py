"""Opens the store as its one owner: the lock, the file, the schema, the two connections.

Must never leave a lock or a connection behind when it fails. How it works: the lock comes first, then the file is made
readable by its owner alone, brought to today's schema, and handed to a `SqliteStore` that has started.
"""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
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

#: How long a file may be staged, or a base be written, at most.
_LEFT_S: Final = 86_400.0


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
        _clear_away(database, now_us() / 1e6 - _LEFT_S)
        return await _started(database, held, secret, now_us)
    except (OSError, sqlite3.Error) as error:
        held.release()
        raise StoreError(f"{database}: {error}") from error
    except BaseException:
        held.release()
        raise


def _clear_away(database: Path, before: float) -> None:
    """Removes what killed processes left behind: files that were staged, and bases that were being written.

    WHY by age: whoever stages a file may be at it now, in a process that cannot be seen from here.
    """
    left = (*database.with_name("imports").glob("*-*.*"), *database.parent.glob("*.base.*.new"))
    for path in left:
        with suppress(OSError):
            if path.stat().st_mtime < before:
                path.unlink()


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
