"""Brings the indexes of persons into memory: a mapped base, and over it what changed since.

Owns when a base is written anew: when it is missing, damaged or foreign (loudly), or when its tail has grown long.
Must never take a base on trust, and never hold a Python object per person of the base.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from msgspec import Struct

from proxy.core.persons import PersonIndex
from proxy.store.person_base import Base, BaseError, BaseIdentity, ValueCode, map_base, write_base
from proxy.store.reader import StoreReader

_LOG: Final = logging.getLogger("tdgate.store")
#: A tail longer than this, and than a twentieth of its base, is folded into a new base.
TAIL_MOST: Final = 100_000
_TAIL_SHARE: Final = 20
#: Entries laid over an index at a stretch, so that the loop stays free for the wire: under 1 ms.
SLICE_ENTRIES: Final = 1000


class IndexPlan(Struct, frozen=True):
    """One index: the table of its states, its base file's name and how wide a value is."""

    state_table: str
    file_name: str
    code: ValueCode


SUPPRESSIONS: Final = IndexPlan("suppression_state", "suppressions.base", "B")
CONSENTS: Final = IndexPlan("consent_state", "consents.base", "I")
DEBTORS: Final = IndexPlan("debtor_state", "debtors.base", "I")
NOTICES: Final = IndexPlan("notice_state", "notices.base", "B")

PREFERENCES: Final = IndexPlan("preference_state", "preferences.base", "I")
STATE_TABLES: Final = frozenset(plan.state_table for plan in (SUPPRESSIONS, CONSENTS, DEBTORS, NOTICES, PREFERENCES))


def tail_most(count: int) -> int:
    """How many changes may lie over a base of so many persons."""
    return max(TAIL_MOST, count // _TAIL_SHARE)


Remember = Callable[[str, bytes], Awaitable[None]]


async def load_index(
    reader: StoreReader, database: Path, plan: IndexPlan, store_id: bytes, key_id: int, remember: Remember
) -> PersonIndex:
    """The index of a plan as the store has it now. `remember` keeps a new base's checksum in the store."""
    identity = BaseIdentity(store_id, key_id, plan.code)
    path = database.with_name(plan.file_name)
    base = await _usable_base(reader, path, plan, identity)
    if base is None:
        count, checksum = await asyncio.to_thread(write_base, database, plan.state_table, identity, path)
        await remember(plan.file_name, checksum)
        base = await asyncio.to_thread(map_base, path, identity, await newest_position(reader), checksum)
        _LOG.info("%s: base of %d persons written", plan.file_name, count)
    index = await asyncio.to_thread(PersonIndex, base.keys, base.values, directory=base.directory)
    await lay_over(reader, plan, index, base.position)
    return index


async def _usable_base(reader: StoreReader, path: Path, plan: IndexPlan, identity: BaseIdentity) -> Base | None:
    remembered = await reader.meta(f"base {plan.file_name}")
    if remembered is None:
        return None  # WHY: a new store never had one; that is nothing to shout about.
    try:
        base = await asyncio.to_thread(
            map_base, path, identity, await newest_position(reader), bytes.fromhex(remembered)
        )
    except BaseError as error:
        _LOG.warning("the base is not trusted and is written anew: %s", error)
        return None
    most = tail_most(len(base.keys))
    tail = await reader.fetch(
        f"SELECT count(*) FROM (SELECT 1 FROM {plan.state_table} WHERE position > ? LIMIT ?)",
        (base.position, most + 1),
    )
    return base if tail[0][0] <= most else None


async def lay_over(
    reader: StoreReader, plan: IndexPlan, index: PersonIndex, position: int, *, beside: asyncio.Lock | None = None
) -> None:
    """Lays every state that changed after `position` over an index, in slices.

    `beside` is the lock of a live ledger over the same index: then bits are only added, since refusals lie over the
    index that are not yet on disk, and each slice is read and laid while no commit is under way, so that none of it is
    older than a release.
    """
    # WHY not the last key of `position`: SQLite would walk over all rows of that position to find none after it.
    after, key_after = position + 1, float("-inf")
    while True:
        async with beside or nullcontext():
            # INVARIANT: a state that changes meanwhile moves to a later position, so this walk still meets it.
            # WHY this order: the index on position is in it, so each slice is one short walk.
            rows = await reader.fetch(
                f"SELECT position, key, value FROM {plan.state_table} WHERE (position, key) > (?, ?) "
                "ORDER BY position, key LIMIT ?",
                (after, key_after, SLICE_ENTRIES),
            )
            for _, signed_key, value in rows:
                key = signed_key + (1 << 63)
                index.put(key, index.get(key) | value if beside else value)
        if len(rows) < SLICE_ENTRIES:
            return
        after, key_after, _ = rows[-1]
        await asyncio.sleep(0)


async def newest_position(reader: StoreReader) -> int:
    """The counter of changes of persons' states."""
    return int((await reader.fetch("SELECT value FROM counters WHERE name = 'position'"))[0][0])
