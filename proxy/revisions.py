"""Keeps what is in force up with the store: each new revision, each new pack, each new day.

Owns the only way by which a snapshot comes into force. Must never let a pack or a revision be undone by a swap that
began earlier: one lock holds from the choice of the pack to the swap. Must never give up: what is committed and could
not be read is tried again, with growing pauses, until it is in force.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final

from msgspec.structs import replace

from proxy.core.bound import Shelf
from proxy.core.pack import Pack
from proxy.core.snapshot import Snapshot
from proxy.judging.in_force import InForce
from proxy.registry.ports import StoreError, VerbError
from proxy.registry.snapshots import SnapshotBuilder

_PAUSES_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

Spawn = Callable[[Coroutine[Any, Any, None]], None]


class NotInForceError(VerbError):
    """A change is committed and not in force yet. It comes into force by itself, as soon as the store can be read."""


class Revisions:
    """Puts the store's newest revision in force under the newest pack. Used on the loop only.

    `swapped` is told of each snapshot that came into force, `failed` of each attempt that did not bring one. `dress`
    lays on a snapshot what is in force beside the registry.
    """

    def __init__(
        self,
        builder: SnapshotBuilder,
        in_force: InForce,
        *,
        swapped: Callable[[Snapshot], None],
        failed: Callable[[StoreError], None],
        spawn: Spawn,
        pauses_s: Sequence[float] = _PAUSES_S,
        dress: Callable[[Snapshot], Snapshot] = lambda snapshot: snapshot,
    ) -> None:
        self._dress = dress
        self._builder = builder
        self._in_force = in_force
        self._pack = in_force.snapshot.pack
        self._shelf = in_force.snapshot.shelf
        self._swapped = swapped
        self._failed = failed
        self._spawn = spawn
        self._pauses_s = pauses_s
        self._swapping = asyncio.Lock()
        self._retrying = False

    async def use(self, pack: Pack, shelf: Shelf) -> None:
        """New packs, from this swap on and for every later one; raises NotInForceError."""
        self._pack, self._shelf = pack, shelf
        await self.follow()

    async def follow(self) -> None:
        """The newest revision, in force when this returns; raises NotInForceError, and then goes on trying."""
        try:
            await self._swap()
        except StoreError as error:
            if not self._retrying:
                self._retrying = True
                self._spawn(self._retry())
            raise NotInForceError(
                f"committed, not in force yet: {error}; it is tried again until it is, and then binds on the next PDU"
            ) from error

    async def _swap(self) -> None:
        async with self._swapping:
            # INVARIANT: the pack is read in here. Whoever waited for the lock uses the newest, never the one of when
            # it began to wait.
            try:
                pack, shelf = self._pack, self._shelf
                snapshot = await self._builder.build(pack)
            except StoreError as error:
                self._failed(error)
                raise
            # WHY here: what is open as a bypass outlives a revision, and never its time.
            snapshot = replace(snapshot, shelf=shelf, contacts=self._in_force.snapshot.contacts)
            self._in_force.snapshot = self._dress(snapshot)
            self._swapped(snapshot)

    async def _retry(self) -> None:
        attempt = 0
        try:
            while True:
                await asyncio.sleep(self._pauses_s[min(attempt, len(self._pauses_s) - 1)])
                try:
                    await self._swap()
                except StoreError:
                    attempt += 1
                else:
                    return
        finally:
            self._retrying = False


async def turn_days(
    first: int,
    day: Callable[[], int],
    settle: Callable[[], Awaitable[None]],
    *,
    failed: Callable[[StoreError], None],
    pause_s: float,
) -> None:
    """Runs `settle` once for each day that begins, for ever; a StoreError goes to `failed`, and it is tried again.

    `first` is the day for which it is settled already, `day` tells today's, and is asked every `pause_s` seconds.
    """
    settled = first
    while True:
        await asyncio.sleep(pause_s)
        today = day()
        if today == settled:
            continue
        try:
            await settle()
        except StoreError as error:
            failed(error)
        else:
            # WHY today as it was before: should midnight pass meanwhile, the next look settles once more.
            settled = today
