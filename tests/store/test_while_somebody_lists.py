"""A change that comes while somebody reads a long listing is seen at once, as if nobody did (Z14)."""

import asyncio
from pathlib import Path

import pytest

from proxy.core.pack import Pack
from proxy.registry.snapshots import SnapshotBuilder
from proxy.registry.verbs import Verbs
from proxy.store.staging import StagedImport
from tests.store.open_store import BANK, NOW_US, SECRET, key_of, owned, take_in
from tests.tools.words import reader

pytestmark = pytest.mark.unit

PERSON = "8613800138000"
ROWS = [{"id": f"bank{place}", "name": f"示例银行{place}（虚构）", "kind": "bank"} for place in range(9)]
HOLD = {"kind": "number", "target": "10690001", "reason": "诈骗", "by": "甲（虚构）"}


async def test_what_is_changed_while_a_listing_is_half_read_is_in_force(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        await take_in(store, {"institutions": [*ROWS, BANK]})
        builder = SnapshotBuilder(store, SECRET.person_key, reader())
        made = [await builder.build(Pack("test", 1))]

        async def follow() -> None:
            made.append(await builder.build(Pack("test", 1)))

        verbs = Verbs(store, SECRET, follow)
        listing = store.rows("institutions", slice_rows=2)
        seen = list(await anext(listing))
        answer = await verbs.dispatch("hold.add", HOLD)
        assert answer["changed"]
        assert made[-1].held_numbers == {"10690001"}
        assert await store.prefer(PERSON, "bank", 3, "hotline")
        assert store.preferences_index.get(key_of(PERSON, "bank")) == 3
        async for rows in listing:
            seen += rows
        assert len(seen) == len({row[0] for row in seen}) == 10


async def test_a_listing_in_slices_is_every_row_once_whatever_the_key(tmp_path: Path) -> None:
    both = {"channels": ["sms"], "purposes": ["marketing"], "telecom": "示例通信（虚构）", "until": "2030-01-01"}
    numbers = [
        {"address": address, "principal": "bank", "operator": "bank", "since": since, **both}
        for address in ("10690001", "10690002", "10690003")
        for since in ("2026-01-01",)
    ]
    async with owned(tmp_path) as store:
        await take_in(store, {"institutions": [BANK], "numbers": numbers})
        whole = [row async for rows in store.rows("numbers") for row in rows]
        for slice_rows in (1, 2, 3, 4):
            assert [row async for rows in store.rows("numbers", slice_rows=slice_rows) for row in rows] == whole
        assert len(whole) == 3
        at = await store.revision()
        await store.dispose("10690002", disposed=True, reason="x", by="y")
        assert [row[0] async for rows in store.rows("numbers", after=at) for row in rows] == ["10690002"]


async def test_an_import_that_is_given_up_lets_go_of_its_file(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        staged = StagedImport.beside(tmp_path / "imports", SECRET.key_id)
        staged.finish()
        adopting = asyncio.ensure_future(store.adopt(staged.path))
        while not store._writing.locked():  # noqa: ASYNC110  WHY: nothing tells when the lock is taken
            await asyncio.sleep(0)
        adopting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await adopting
        await take_in(store, {"institutions": [BANK]}, NOW_US)
        assert await store.ids("institutions") == {"bank"}
