"""What is in force follows the store and the newest pack, whatever fails or comes in between, and says when not yet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from proxy.core.bound import EMPTY_SHELF
from proxy.core.pack import Pack
from proxy.core.snapshot import Snapshot
from proxy.judging.in_force import InForce
from proxy.registry.ports import Owner, StoreError, VerbError
from proxy.registry.snapshots import SnapshotBuilder
from proxy.registry.verbs import Verbs
from proxy.revisions import NotInForceError, Revisions, turn_days
from tests.rules.scene import BASE, build

pytestmark = pytest.mark.unit

_, FIRST, _ = build(BASE)
OLD = FIRST.pack
NEW = msgspec.structs.replace(OLD, version=OLD.version + 1)


class Building:
    """A builder over a store that can be held up, and can fail so many times."""

    def __init__(self) -> None:
        self.revision = FIRST.revision
        self.failures = 0
        self.may_read = asyncio.Event()
        self.may_read.set()
        self.began = asyncio.Event()

    async def build(self, pack: Pack) -> Snapshot:
        self.began.set()
        await self.may_read.wait()
        if self.failures:
            self.failures -= 1
            raise StoreError("registry.db: disk I/O error")
        return msgspec.structs.replace(FIRST, pack=pack, revision=self.revision)


class House:
    """What the application gives to the revisions, and what it is told."""

    def __init__(self, pauses_s: tuple[float, ...] = (0.0,)) -> None:
        self.building = Building()
        self.in_force = InForce(FIRST, cast(Any, None), cast(Any, None), 0.0)
        self.swapped: list[tuple[int, int]] = []
        self.failed: list[StoreError] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.revisions = Revisions(
            cast(SnapshotBuilder, self.building),
            self.in_force,
            swapped=lambda snapshot: self.swapped.append((snapshot.revision, snapshot.pack.version)),
            failed=self.failed.append,
            spawn=self.spawn,
            pauses_s=pauses_s,
        )

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.ensure_future(work))


async def test_a_new_pack_is_not_undone_by_a_change_of_records_at_the_same_time() -> None:
    house = House()
    house.building.may_read.clear()
    records = [asyncio.ensure_future(house.revisions.follow())]
    await house.building.began.wait()
    records.append(asyncio.ensure_future(house.revisions.follow()))
    await asyncio.sleep(0)
    reload = asyncio.ensure_future(house.revisions.use(NEW, EMPTY_SHELF))
    await asyncio.sleep(0)
    records.append(asyncio.ensure_future(house.revisions.follow()))
    await asyncio.sleep(0)
    house.building.may_read.set()
    await asyncio.gather(reload, *records)
    assert house.in_force.snapshot.pack is NEW
    # Once it was in force the old one never came back.
    versions = [version for _, version in house.swapped]
    assert versions == sorted(versions)


async def test_a_change_that_cannot_be_read_is_told_and_comes_into_force_by_itself() -> None:
    house = House()
    house.building.revision += 1
    house.building.failures = 4
    with pytest.raises(NotInForceError, match=r"committed, not in force yet: .*disk I/O error"):
        await house.revisions.follow()
    assert house.in_force.snapshot is FIRST
    # Whoever changes something meanwhile is told the same, and starts no second row of attempts.
    with pytest.raises(NotInForceError):
        await house.revisions.follow()
    (retrying,) = house.tasks
    await retrying
    assert house.in_force.snapshot.revision == FIRST.revision + 1
    assert len(house.failed) == 4
    # And once more, when it fails later.
    house.building.failures = 1
    with pytest.raises(NotInForceError):
        await house.revisions.use(NEW, EMPTY_SHELF)
    await house.tasks[1]
    assert house.in_force.snapshot.pack is NEW


class Store:
    """An owner of which only the revision and one verb are asked."""

    imports = Path("imports")

    def __init__(self) -> None:
        self.kept = 1
        self.broken = False
        self.breaks_after_commit = False
        self.fails_after_commit = False

    async def revision(self) -> int:
        if self.broken:
            raise StoreError("registry.db: disk I/O error")
        return self.kept

    async def hold(self, _kind: str, _target: str, _reason: str, _by: str) -> bool:
        self.kept += 1
        self.broken = self.breaks_after_commit
        if self.fails_after_commit:
            raise StoreError("registry.db: the second half failed")
        return True


HOLD = {"kind": "account", "target": "jl", "reason": "fraud", "by": "operator"}


def verbs_over(store: Store, changed: Callable[[], Awaitable[None]]) -> Verbs:
    return Verbs(cast(Owner, store), cast(Any, SimpleNamespace()), changed)


async def test_a_hold_that_is_not_in_force_is_no_success() -> None:
    house, store = House(), Store()
    house.building.failures = 1
    with pytest.raises(VerbError, match="committed, not in force yet"):
        await verbs_over(store, house.revisions.follow).dispatch("hold.add", HOLD)
    await house.tasks[0]
    assert (await verbs_over(store, house.revisions.follow).dispatch("hold.add", HOLD))["changed"] is True


async def test_a_revision_that_cannot_be_told_is_followed() -> None:
    house, store = House(), Store()
    store.breaks_after_commit = True
    await verbs_over(store, house.revisions.follow).dispatch("hold.add", HOLD)
    assert house.swapped


async def test_what_a_failed_verb_left_behind_is_followed_and_its_failure_told() -> None:
    house, store = House(), Store()
    store.fails_after_commit = True
    house.building.failures = 1
    with pytest.raises(VerbError, match="the second half failed"):
        await verbs_over(store, house.revisions.follow).dispatch("hold.add", HOLD)
    await house.tasks[0]
    assert house.swapped


async def test_a_day_that_could_not_be_settled_is_tried_again_and_the_next_ones_follow() -> None:
    # Each look at the calendar tells the next of these; None of them is of a clock.
    days = iter((10, 11, 11, 11, 11, 12, 12))
    attempts: list[int] = []
    failed: list[StoreError] = []
    seen = [0]

    def day() -> int:
        try:
            seen[0] = next(days)
        except StopIteration:
            raise asyncio.CancelledError from None
        return seen[0]

    async def settle() -> None:
        attempts.append(seen[0])
        if len(attempts) < 3:
            raise StoreError("registry.db: disk I/O error")

    with pytest.raises(asyncio.CancelledError):
        await turn_days(10, day, settle, failed=failed.append, pause_s=0)
    assert attempts == [11, 11, 11, 12]
    assert len(failed) == 2
