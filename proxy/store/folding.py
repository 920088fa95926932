"""Keeps what lies over the indexes of persons small while the owner serves: bases are written anew beside it.

Owns when a base is folded, and that answers stay what they are meanwhile. Must never do the work where traffic passes:
10^7 rows are read, sorted and written by a process of its own, at low priority; the owner maps the file, puts it under
its index in one step, and takes off in slices what the new base says too.
"""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from proxy.core.persons import PersonIndex, PersonKey
from proxy.registry.ports import StoreError
from proxy.store import person_load
from proxy.store.person_base import BaseIdentity, map_base
from proxy.store.person_load import IndexPlan, Remember
from proxy.store.reader import StoreReader

_LOOK_S: Final = 10.0
_FAILED_PAUSE_S: Final = 600.0
_SLICE_KEYS: Final = 1000


class Folding:
    """Folds the indexes of one store; made by its owner."""

    def __init__(
        self,
        reader: StoreReader,
        database: Path,
        store_id: bytes,
        key: PersonKey,
        remember: Remember,
        writing: asyncio.Lock,
        indexes: Mapping[IndexPlan, PersonIndex],
    ) -> None:
        self._reader = reader
        self._database = database
        self._store_id = store_id
        self._key = key
        self._remember = remember
        self._writing = writing
        self._indexes = dict(indexes)

    async def run(self, failed: Callable[[StoreError], None]) -> None:
        """Looks now and then, for ever; a failure is told, and what lies over an index then just grows."""
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                await self.fold_grown()
            except StoreError as error:
                failed(error)
                await asyncio.sleep(_FAILED_PAUSE_S)

    async def fold_grown(self) -> list[str]:
        """Folds each index over which much lies; the names of their bases. Raises StoreError."""
        folded = []
        for plan, index in self._indexes.items():
            if index.laid_over > person_load.tail_most(len(index) - index.laid_over):
                await self._fold(plan, index)
                folded.append(plan.file_name)
        return folded

    async def _fold(self, plan: IndexPlan, index: PersonIndex) -> None:
        identity = BaseIdentity(self._store_id, self._key.settled_id, plan.code)
        path = self._database.with_name(plan.file_name)
        checksum = await self._written(plan, identity, path)
        await self._remember(plan.file_name, checksum)
        newest = await person_load.newest_position(self._reader)
        base = await asyncio.to_thread(map_base, path, identity, newest, checksum)
        if base.directory is None:
            raise StoreError(f"{path}: written without a directory")
        # INVARIANT: whatever changed since this store was opened lies over the index, on disk or not; what the new base
        # holds beside that is on disk. So no answer becomes milder here. WHY the lock: a rotation of keys lays over
        # what it moved before it lets go of it.
        async with self._writing:
            index.rebase(base.keys, base.values, base.directory)
        laid = index.laid_keys()
        for first in range(0, len(laid), _SLICE_KEYS):
            index.forget_settled(laid[first : first + _SLICE_KEYS])
            await asyncio.sleep(0)
        index.shrink()

    async def _written(self, plan: IndexPlan, identity: BaseIdentity, path: Path) -> bytes:
        """The checksum of a new base, in place when this returns."""
        who = (self._store_id.hex(), str(identity.key_id), plan.code)
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "proxy.store.base_process", str(self._database), plan.state_table, *who, str(path)),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise StoreError(f"{path}: not folded: {error.strerror}") from error
        try:
            said, complaint = await process.communicate()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        if process.returncode != 0:
            raise StoreError(f"{path}: not folded: {complaint.decode(errors='replace').strip()[-300:]}")
        return bytes.fromhex(said.decode("ascii", "replace").strip())
