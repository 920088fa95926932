"""Imports taken over by the owner: once, whole, and never lifting, reviving or forgetting anything."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from proxy.registry.importing import Known
from proxy.registry.keys import PersonSecret
from proxy.registry.ports import StoreError
from proxy.store import staging
from proxy.store.staging import StagedImport
from tests.store.open_store import BANK, NOW_US, PERSON, key_of, owned, refused, stage, take_in

pytestmark = pytest.mark.unit

ACCOUNT: dict[str, Any] = {
    "id": "bank-mkt",
    "principal": "bank",
    "operator": "bank",
    "purposes": ["marketing"],
    "password": "secret1",
    "reviewed_by": ["甲", "乙"],
    "telecom_licence_since": "2026-01-01",
    "telecom_licence_until": "2026-12-31",
    "responsible": "责任人（虚构）",
}


def suppressions(count: int) -> list[dict[str, Any]]:
    return [{"recipient": f"138{n:08d}", "institution": "bank", "at": "2026-01-01"} for n in range(count)]


async def test_the_same_import_twice_changes_nothing(tmp_path: Path) -> None:
    document = {
        "institutions": [BANK],
        "suppressions": suppressions(3),
        "consents": [
            {"recipient": PERSON, "institution": "bank", "channels": "sms", "given": "2026-01-01", "source": "form"}
        ],
    }
    async with owned(tmp_path) as store:
        first = await take_in(store, document)
        assert {name: count for name, count in first.items() if count} == {
            "institutions": 1,
            "suppressions": 3,
            "consents": 1,
        }
        assert await store.revision() == 1
        assert not any((await take_in(store, document)).values())
        assert await store.revision() == 1
        assert (await store.counts())["suppressions"] == 3


async def test_persons_alone_do_not_raise_the_revision_and_bind_at_once(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        await take_in(store, {"institutions": [BANK]})
        await take_in(store, {"suppressions": suppressions(2)})
        assert await store.revision() == 1
        assert store.suppressions_index.get(key_of("8613800000001", "bank")) == 3


async def test_many_slices_are_all_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.store.adoption.SLICE_ROWS", 7)
    monkeypatch.setattr("proxy.store.sqlite.SLICE_ROWS", 7)
    async with owned(tmp_path) as store:
        changed = await take_in(store, {"institutions": [BANK], "suppressions": suppressions(50)})
        assert changed["suppressions"] == 50
        assert all(store.suppressions_index.get(key_of(f"86138{n:08d}", "bank")) == 3 for n in range(50))


async def test_an_import_never_lifts_a_refusal(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        await store.record(refused(("bank", 4)))
        row = {"recipient": PERSON, "institution": "bank", "channels": "sms", "at": "2026-01-01"}
        await take_in(store, {"institutions": [BANK], "suppressions": [row]})
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 5
    async with owned(tmp_path) as store:
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 5


async def test_an_import_keeps_what_binds_in_memory_only(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        store.suppressions_index.put(key_of(PERSON, "bank"), 8)  # a refusal whose commit failed, to be sent again
        row = {"recipient": PERSON, "institution": "bank", "channels": "sms", "at": "2026-01-01"}
        await take_in(store, {"institutions": [BANK], "suppressions": [row]})
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 9


async def test_an_import_beside_refusals_from_the_wire_loses_none(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        path = stage(tmp_path, {"institutions": [BANK], "suppressions": suppressions(3000)}, Known())
        adopting = asyncio.create_task(store.adopt(path))
        wire = []
        while not adopting.done():
            wire.append(store.record(refused(("bank", 8), recipient=f"86139{len(wire):08d}")))
            wire.append(store.record(refused(("bank", 8), recipient=f"86138{len(wire):08d}")))
            await wire[-1]
        await asyncio.gather(*wire)
        assert (await adopting)["suppressions"] == 3000
        for place in range(len(wire)):
            network = 138 if place % 2 else 139
            assert store.suppressions_index.get(key_of(f"86{network}{place:08d}", "bank")) & 8
        assert all(store.suppressions_index.get(key_of(f"86138{n:08d}", "bank")) & 3 == 3 for n in range(3000))


async def test_an_account_without_password_keeps_the_one_it_has(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        await take_in(store, {"institutions": [BANK], "accounts": [ACCOUNT]})
        (before,) = [row async for part in store.rows("accounts") for row in part]
        changed = {name: value for name, value in ACCOUNT.items() if name != "password"} | {"window": 7}
        await take_in(store, {"accounts": [changed]})
        (after,) = [row async for part in store.rows("accounts") for row in part]
        assert before[4] == after[4] != ""
        assert before != after


async def test_a_file_staged_with_another_key_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    other = StagedImport.beside(tmp_path, PersonSecret(bytes(32), bytes(32)).key_id)
    other.finish()
    (tmp_path / "junk.staged").write_bytes(b"junk" * 1000)
    async with owned(tmp_path) as store:
        for path in (other.path, tmp_path / "junk.staged", tmp_path / "missing.staged"):
            with pytest.raises(StoreError):
                await store.adopt(path)
        assert (await store.record(refused(("bank", 3)))).changed == ("bank",)  # the store goes on
        assert (await take_in(store, {"institutions": [BANK]}))["institutions"] == 1


def test_a_staged_file_is_for_its_owner_only(tmp_path: Path) -> None:
    staged = StagedImport.beside(tmp_path / "imports", 1)
    assert staged.path.stat().st_mode & 0o777 == 0o600
    assert staged.add("institutions", [("a", "b", "bank", "", 0, 0, 0, "", "", None)]) == 1
    staged.discard()
    assert not staged.path.exists()
    assert staging.VERSION == 3
    assert NOW_US
