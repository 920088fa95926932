"""Work of several statements in one turn: it runs whole in the thread of its connection.

Must never be given work that takes long while it holds the interpreter: the wire waits meanwhile. WHY: each statement
that is awaited by itself waits for a turn of the loop, and for the interpreter, which under load is a millisecond or
two each time; a change of one record is some forty of them.
"""

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar, cast

import aiosqlite

T = TypeVar("T")


async def in_one_turn(connection: aiosqlite.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    """What `work` returns or raises; whoever owns the connection's transactions holds their lock meanwhile."""
    # WHY by these names: aiosqlite runs its own statements so, and offers no other way to its thread.
    own = cast(Any, connection)
    return cast(T, await own._execute(work, own._conn))


def in_transaction(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    """What `work` returns, committed; where it raises, nothing was written."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        roll_back(connection)
        raise
    return result


def roll_back(connection: sqlite3.Connection) -> None:
    """Ends the transaction that is open, if any is.

    WHY asked in the thread: a statement whose caller has given up runs all the same, and may open or end one after it.
    """
    if connection.in_transaction:
        connection.execute("ROLLBACK")
