"""Receipts and tokens of the HTTP interface, as SQL.

A receipt is written in the transaction of what it confirms: neither stands without the other. Functions on the owning
connection run inside the caller's transaction.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

import aiosqlite

from proxy.registry.ports import ApiToken, Receipt, StaleError

RECEIPT_COLUMNS: Final = ", ".join(Receipt.__struct_fields__)
TOKEN_COLUMNS: Final = ", ".join(ApiToken.__struct_fields__)
_MARKS: Final = ",".join("?" * len(Receipt.__struct_fields__))


async def put(connection: aiosqlite.Connection, receipts: Sequence[Receipt]) -> None:
    """Adds receipts. INVARIANT: whoever asks sees to it that no key comes twice (`judging/told.py`)."""
    await connection.executemany(
        f"INSERT INTO receipts ({RECEIPT_COLUMNS}) VALUES ({_MARKS})",
        [tuple(getattr(one, name) for name in Receipt.__struct_fields__) for one in receipts],
    )


async def noted(connection: aiosqlite.Connection, ids: Sequence[str]) -> None:
    """The evidence log holds these for certain."""
    await connection.executemany("UPDATE receipts SET noted = 1 WHERE id = ?", [(one,) for one in ids])


async def issue(connection: aiosqlite.Connection, token: ApiToken) -> None:
    """Adds a token; raises StaleError where there is one of that name."""
    names = token.__struct_fields__
    sql = f"INSERT INTO api_tokens ({TOKEN_COLUMNS}) VALUES ({','.join('?' * len(names))})"
    try:
        await connection.execute(sql, [getattr(token, name) for name in names])
    except sqlite3.IntegrityError as error:
        raise StaleError(f"token: there is one named {token.id} already") from error


async def revoke(connection: aiosqlite.Connection, token: str, now_us: int) -> bool:
    """Ends a token; False where it ended before, or there is none."""
    sql = "UPDATE api_tokens SET revoked_us = ? WHERE id = ? AND revoked_us IS NULL"
    return (await connection.execute(sql, (now_us, token))).rowcount > 0
