"""What a delivery through the spool costs: `python tests/spool/measure_cost.py`. Not a test: it asserts nothing.

Prints CPU µs per entry of 200 octets from `put` through `fdatasync`, `take` and `done` (all threads, user and system,
marks of what is done included) for batches of 1, 10 and 100, the best of several rounds, so that quiet moments of a
busy machine count. Then how long a start takes with 10^5 entries that were put in batches of 10, and the same two
things for SQLite (WAL, synchronous=FULL, one commit a batch, in a thread of its own, octets sealed one by one).
"""

import asyncio
import os
import sqlite3
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import uvloop
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from proxy.spool.limits import Limits
from proxy.spool.spool import Spool
from tests.spool.disk_double import files_of

OCTETS = os.urandom(200)
ACCOUNT = "jianglan-01"
KEY = bytes(range(32))
WAITING = 100_000


async def put_batch(spool: Spool, size: int) -> None:
    """Puts one batch and waits until its last entry is durable, and so all are."""
    durable = asyncio.get_running_loop().create_future()
    for _ in range(size - 1):
        assert spool.put(ACCOUNT, OCTETS, nobody_waits)
    assert spool.put(ACCOUNT, OCTETS, durable.set_result)
    assert await durable is None


def nobody_waits(_: OSError | None) -> None:
    """What most of a batch calls back."""


async def cost(size: int, rounds: int = 8, seconds: float = 0.3) -> float:
    """CPU µs per entry, the least of several rounds."""
    least = float("inf")
    with tempfile.TemporaryDirectory() as directory:
        spool = Spool.open(Path(directory), KEY)
        for _ in range(rounds):
            count = 0
            end = time.perf_counter() + seconds
            begun = time.process_time()
            while time.perf_counter() < end:
                await put_batch(spool, size)
                for entry in spool.take(ACCOUNT, size):
                    spool.done(entry)
                count += size
            least = min(least, (time.process_time() - begun) / count * 1e6)
        await spool.close()
    return least


async def start() -> tuple[float, float, int]:
    """Seconds and CPU seconds of a start with what waits, and the octets on disk."""
    with tempfile.TemporaryDirectory() as directory:
        spool = Spool.open(Path(directory), KEY, limits=Limits(octets=1 << 30, account_octets=1 << 30))
        for _ in range(WAITING // 10):
            await put_batch(spool, 10)
        await spool.close()
        octets = sum(map(len, files_of(Path(directory)).values()))
        begun, cpu = time.perf_counter(), time.process_time()
        spool = Spool.open(Path(directory), KEY)
        taken = time.perf_counter() - begun, time.process_time() - cpu, octets
        assert len(spool.take(ACCOUNT, WAITING + 1)) == WAITING
        await spool.close()
        return taken


def connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS entry (id INTEGER PRIMARY KEY, at_us INTEGER, account TEXT, octets BLOB)"
    )
    return connection


async def sqlite_cost(size: int, rounds: int = 8, seconds: float = 0.3) -> tuple[float, float]:
    """CPU µs per entry as above; and seconds to read 10^5 entries at start."""
    aead = AESGCM(KEY)
    loop = asyncio.get_running_loop()
    least = float("inf")
    number = 0
    done: list[tuple[int]] = []

    def commit(rows: list[tuple[int, int, str, bytes]], gone: list[tuple[int]]) -> None:
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO entry VALUES (?, ?, ?, ?)", rows)
        connection.executemany("DELETE FROM entry WHERE id = ?", gone)
        connection.execute("COMMIT")

    def rows_of(count: int) -> list[tuple[int, int, str, bytes]]:
        nonlocal number
        rows = []
        for _ in range(count):
            number += 1
            rows.append((number, 0, ACCOUNT, aead.encrypt(number.to_bytes(12), OCTETS, b"")))
        return rows

    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(1) as thread:
        connection = connect(f"{directory}/spool.db")
        for _ in range(rounds):
            count = 0
            end = time.perf_counter() + seconds
            begun = time.process_time()
            while time.perf_counter() < end:
                rows = rows_of(size)
                await loop.run_in_executor(thread, commit, rows, done)
                done = [(row[0],) for row in rows]
                count += size
            least = min(least, (time.process_time() - begun) / count * 1e6)
        await loop.run_in_executor(thread, commit, rows_of(WAITING), done)
        begun = time.perf_counter()
        found = connection.execute("SELECT id, at_us, account, octets FROM entry ORDER BY id").fetchall()
        opened = [(row[0], aead.decrypt(row[0].to_bytes(12), row[3], b"")) for row in found]
        taken = time.perf_counter() - begun
        assert len(opened) == WAITING
        connection.close()
    return least, taken


async def main() -> None:
    for size in (1, 10, 100):
        print(f"spool, batches of {size:3}     {await cost(size):7.2f} µs an entry", flush=True)
    wall, cpu, octets = await start()
    print(
        f"spool, start with 10^5     {wall:7.2f} s, {cpu:.2f} s of CPU, {octets / WAITING:.0f} octets an entry",
        flush=True,
    )
    for size in (1, 10, 100):
        each, taken = await sqlite_cost(size)
        print(f"SQLite, batches of {size:3}    {each:7.2f} µs an entry, start {taken:.2f} s", flush=True)


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
