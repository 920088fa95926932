"""Receipts and tokens of the HTTP interface, as SQL.

A receipt is written in the transaction of what it confirms: neither stands without the other. Functions on the owning
connection run inside the caller's transaction.
"""

from collections.abc import Sequence
from typing import Final

import aiosqlite

from proxy.registry.ports import ApiToken, Receipt

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
