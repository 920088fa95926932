"""Imports of what persons want: what closes is there before what opens, and nothing brings back what ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.core.preferences import preference
from proxy.core.purposes import COLLECTION_VOICE, MARKETING_SMS
from proxy.registry.exporting import export
from proxy.registry.ports import Given, StoreError
from proxy.store import adoption
from proxy.store.sqlite import SqliteStore
from proxy.store.staging import PERSON_COLUMNS
from tests.store.open_store import BANK, NOW_US, PERSON, SECRET, key_of, owned, take_in

pytestmark = pytest.mark.unit

BARE = PERSON.removeprefix("86")
AGREED = {"recipient": BARE, "institution": "bank", "channels": "sms", "given": "2026-03-01", "source": "form"}
REFUSED = {"recipient": BARE, "institution": "bank", "at": "2026-03-02"}


async def test_an_import_that_is_cut_off_leaves_no_consent_without_its_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One file says that a person agreed and, later, refused; the process ends before the last of its transactions."""

    async def cut_off(*_: object) -> int:
        raise StoreError("the process ended here")

    async with owned(tmp_path) as store:
        await take_in(store, {"institutions": [BANK]})
        last = list(PERSON_COLUMNS)[-1]
        assert last == "consents"
        monkeypatch.setattr(adoption, "adopt_consents", cut_off)
        with pytest.raises(StoreError):
            await take_in(store, {"consents": [AGREED], "suppressions": [REFUSED]})
        # What is on disk binds at once, though the import failed: the same file again would change nothing of it.
        assert store.suppressions_index.get(key_of(PERSON, "bank")) & MARKETING_SMS
    monkeypatch.undo()
    async with owned(tmp_path) as store:
        assert store.suppressions_index.get(key_of(PERSON, "bank")) & MARKETING_SMS
        assert store.consents_index.get(key_of(PERSON, "bank")) == 0


async def opened(store: SqliteStore) -> int:
    return store.consents_index.get(key_of(PERSON, "bank")) & 0xFF


async def test_a_withdrawn_consent_stays_withdrawn_in_another_store(tmp_path: Path) -> None:
    """The file that gave it is imported there once more, as somebody will."""
    async with owned(tmp_path / "one") as first:
        await take_in(first, {"institutions": [BANK], "consents": [AGREED]})
        assert await opened(first) == MARKETING_SMS
        await first.withdraw(PERSON, "bank", MARKETING_SMS, NOW_US - 1, "hotline")
        told = await export(first, SECRET, secrets=True)
    (row,) = told["consents"]
    assert (row["withdrawn_source"], bool(row["withdrawn"])) == ("hotline", True)
    async with owned(tmp_path / "two") as second:
        await take_in(second, told | {"about": []})
        assert await opened(second) == 0
        await take_in(second, {"consents": [AGREED]})
        assert await opened(second) == 0
        # What was given later holds.
        await second.give(Given(NOW_US, PERSON, "bank", MARKETING_SMS, 1 << 20, "form"))
        assert await opened(second) == MARKETING_SMS


async def test_the_last_word_of_a_person_counts_whatever_came_first(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        await take_in(store, {"institutions": [BANK]})
        await store.prefer(PERSON, "bank", preference(MARKETING_SMS), "app")
        older = {"recipient": BARE, "institution": "bank", "at": "2026-01-01"}
        assert (await take_in(store, {"preferences": [older]}))["preferences"] == 1
        assert store.preferences_index.get(key_of(PERSON, "bank")) == preference(MARKETING_SMS)
        # Of all institutions: under no salt; the same file twice changes nothing.
        for_all = {"recipient": BARE, "declines": "collection", "channels": "voice", "at": "2026-03-01"}
        for_all |= {"opens": "09:00", "closes": "24:00"}
        assert (await take_in(store, {"preferences": [for_all]}))["preferences"] == 1
        assert (await take_in(store, {"preferences": [for_all]}))["preferences"] == 0
        anybody = int.from_bytes(SECRET.person_key.digest(PERSON)[:8])
        assert store.preferences_index.get(anybody) == preference(COLLECTION_VOICE, 540, 1440)
    async with owned(tmp_path) as store:
        assert store.preferences_index.get(anybody) == preference(COLLECTION_VOICE, 540, 1440)
