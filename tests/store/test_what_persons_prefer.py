"""Preferences, recycled numbers and do-not-call lists in the store: what the policy reads, across a restart too."""

from pathlib import Path

import pytest

from proxy.core.persons import index_key
from proxy.core.preferences import preference
from proxy.core.purposes import MARKETING_SMS, MARKETING_VOICE
from proxy.registry.ports import Given
from proxy.store.donotcall_file import DONOTCALL_FOLDER, DonotcallRows, ListedAs, load_donotcall, remove_donotcall
from proxy.store.person_base import BaseError
from tests.store.open_store import BANK, LENDER, NOW_US, PERSON, SECRET, key_of, owned, take_in

OTHER = "8613800138001"
DAY_US = 86_400_000_000


def of_all(recipient: str) -> int:
    return index_key(SECRET.person_key.digest(recipient), 0)


async def test_the_last_word_counts_and_outlives_a_restart(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        assert await store.prefer(PERSON, "", preference(MARKETING_SMS), "app")
        assert await store.prefer(PERSON, "bank", preference(MARKETING_VOICE, 60, 120), "app")
        assert not await store.prefer(PERSON, "bank", preference(MARKETING_VOICE, 60, 120), "app")
        assert await store.prefer(PERSON, "", preference(0), "app")
    async with owned(tmp_path) as store:
        index = store.preferences_index
        assert index.get(of_all(PERSON)) == 0
        assert index.get(key_of(PERSON, "bank")) == preference(MARKETING_VOICE, 60, 120)
        assert [row.value for row in await store.preferences()] == [
            preference(MARKETING_SMS),
            *[preference(MARKETING_VOICE, 60, 120)] * 2,
            0,
        ]


async def test_a_recycled_number_ends_the_former_owners_consents_and_no_others(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        await take_in(store, {"institutions": [BANK, LENDER]})
        for recipient, institution, at_us in (
            (PERSON, "bank", NOW_US - 9 * DAY_US),
            (PERSON, "lender", NOW_US - 9 * DAY_US),
            (PERSON, "lender", NOW_US - DAY_US),
            (OTHER, "bank", NOW_US - 9 * DAY_US),
        ):
            await store.give(Given(at_us, recipient, institution, MARKETING_SMS, 1 << 20, "form"))
        recycled = [(PERSON, NOW_US - 5 * DAY_US)]
        assert await store.recycle(recycled) == 2
        assert await store.recycle(recycled) == 0, "the same file once more changes nothing"
        assert store.consents_index.get(key_of(PERSON, "bank")) & 0xFF == 0
        assert store.consents_index.get(key_of(PERSON, "lender")) & 0xFF == MARKETING_SMS, "the new owner's own"
        assert store.consents_index.get(key_of(OTHER, "bank")) & 0xFF == MARKETING_SMS


async def test_a_list_is_taken_up_under_a_new_revision_and_gone_when_removed(tmp_path: Path) -> None:
    folder = tmp_path / DONOTCALL_FOLDER
    async with owned(tmp_path) as store:
        assert store.donotcall == ()
        rows = DonotcallRows(SECRET.key_id)
        for recipient in (PERSON, OTHER, PERSON):
            rows.add(SECRET.person_key.digest(recipient))
        assert rows.write(folder, ListedAs("national", MARKETING_VOICE, "2026-05-01", "示例主管部门（虚构）")) == 2
        before = await store.revision()
        assert await store.load_donotcall("national") == 1
        assert await store.revision() == before + 1
        (index,) = store.donotcall
        assert [index.get(of_all(each)) for each in (PERSON, OTHER, "8613900139000")] == [MARKETING_VOICE] * 2 + [0]
    async with owned(tmp_path) as store:
        assert store.donotcall[0].get(of_all(OTHER)) == MARKETING_VOICE
        assert remove_donotcall(folder, "national")
        assert not remove_donotcall(folder, "national")
        assert await store.load_donotcall("national") == 0
        assert store.donotcall == ()


def test_a_list_of_another_key_or_a_damaged_one_is_not_believed(tmp_path: Path) -> None:
    rows = DonotcallRows(SECRET.key_id)
    rows.add(SECRET.person_key.digest(PERSON))
    rows.write(tmp_path, ListedAs("national", MARKETING_VOICE, "2026-05-01", "-"))
    with pytest.raises(BaseError, match="another store or key"):
        load_donotcall(tmp_path, (SECRET.key_id + 1,))
    file = tmp_path / "national.base"
    file.write_bytes(file.read_bytes()[:-9] + b"x" + file.read_bytes()[-8:])
    with pytest.raises(BaseError):
        load_donotcall(tmp_path, (SECRET.key_id,))
