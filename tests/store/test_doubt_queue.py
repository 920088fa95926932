"""Doubtful replies: they count at once, wait for a verdict, end alone, and leave no text behind."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proxy.core.purposes import OBJECTION
from proxy.registry.doubts import Doubt
from proxy.registry.keys import PersonKeyError, PersonSecret
from proxy.registry.ports import Refused, StaleError, StoreError
from proxy.store.reader import open_reader
from tests.store.open_store import NOW_US, PERSON, SECRET, key_of, owned, refused

pytestmark = pytest.mark.unit

TEXT = "（虚构）这些短信嘛，你们看着办"


def doubtful(
    at_us: int = NOW_US,
    *,
    binds: bool = True,
    text: str = TEXT,
    most: int = 10,
    recipient: str = PERSON,
    objects: tuple[str, ...] = (),
) -> Refused:
    return Refused(
        at_us, recipient, (("bank", 3), ("lender", 3)), "sms", label="optout", matched="看着办", number_to="10690001",
        objects=objects, doubt=Doubt(text, 0.55, binds, most),
    )  # fmt: skip


async def raw(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    reader = await open_reader(folder / "registry.db")
    try:
        return await reader.fetch(sql)
    finally:
        await reader.close()


async def test_a_doubt_binds_at_once_waits_sealed_and_survives_a_restart(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        told = store.record(doubtful(objects=("bank",)))
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 3 | OBJECTION
        assert (await told).queued
        assert store.ledger.doubts_open == 1
    async with owned(tmp_path) as store:
        assert store.ledger.doubts_open == 1
        (row,) = await store.doubts()
        assert SECRET.unseal(row.text, row.person) == TEXT
        assert SECRET.unseal(row.number, row.person) == PERSON
        assert store.suppressions_index.get(key_of(PERSON, "lender")) == 3
    written = await asyncio.to_thread(lambda: b"".join(one.read_bytes() for one in tmp_path.iterdir() if one.is_file()))
    assert TEXT.encode() not in written
    assert PERSON.encode() not in written


async def test_dismissed_ends_what_this_reply_closed_and_nothing_else(tmp_path: Path) -> None:
    async with owned(tmp_path, NOW_US + 1000) as store:
        await store.record(refused(("bank", 1), at_us=NOW_US - 5))
        await store.record(doubtful(objects=("bank",)))
        await store.record(doubtful(NOW_US + 7, objects=("bank",)))  # the carrier gave it once more
        await store.record(refused(("lender", 4), at_us=NOW_US + 9))
        (row,) = await store.doubts()
        decided = await store.decide_doubt(row.id, "dismissed", by="chen, zhou", reason="asked about fees")
        assert decided.ended == ("bank", "lender")
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 1
        assert store.suppressions_index.get(key_of(PERSON, "lender")) == 4
        assert store.ledger.doubts_open == 0
        (row,) = await store.doubts(state="dismissed")
        assert (row.text, row.decided_by, row.decided_us) == (b"", "chen, zhou", NOW_US + 1000)
        (measure,) = await store.measures()
        assert (measure.verb, measure.target, measure.by) == ("doubt.dismissed", str(row.id), "chen, zhou")
        with pytest.raises(StaleError):
            await store.decide_doubt(row.id, "confirmed", by="chen", reason="")
    async with owned(tmp_path) as store:
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 1
        assert store.suppressions_index.get(key_of(PERSON, "lender")) == 4
    # Counted among the lifts of each institution, and the rows stay with their end.
    assert await raw(tmp_path, "SELECT institution, rows, remaining FROM releases ORDER BY institution") == [
        ("bank", 4, 1), ("lender", 2, 4)
    ]  # fmt: skip
    assert await raw(tmp_path, "SELECT count(*) FROM suppressions WHERE released_at IS NULL") == [(2,)]


async def test_confirmed_leaves_what_stands_and_empties_the_text(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        await store.record(doubtful())
        (row,) = await store.doubts()
        assert (await store.decide_doubt(row.id, "confirmed", by="chen", reason="")).closed == ()
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 3
        assert [one.text for one in await store.doubts(state="confirmed")] == [b""]


async def test_what_does_not_count_meanwhile_closes_when_it_is_confirmed(tmp_path: Path) -> None:
    async with owned(tmp_path, NOW_US + 50) as store:
        assert (await store.record(doubtful(binds=False, objects=("bank",)))).changed == ()
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 0
        (row,) = await store.doubts()
        assert (await store.decide_doubt(row.id, "confirmed", by="chen", reason="")).closed == ("bank", "lender")
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 3 | OBJECTION
        assert store.suppressions_index.get(key_of(PERSON, "lender")) == 3
    async with owned(tmp_path) as store:
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 3 | OBJECTION


@pytest.mark.parametrize("binds", [True, False])
async def test_a_later_wish_of_the_person_is_the_last_word(tmp_path: Path, binds: bool) -> None:
    async with owned(tmp_path) as store:
        await store.record(refused(("bank", 3), at_us=NOW_US - 9))
        await store.record(doubtful(binds=binds))
        await store.release_own(PERSON, ("bank", "lender"), NOW_US + 5)
        (row,) = await store.doubts()
        await store.decide_doubt(row.id, "confirmed", by="chen", reason="")
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 0


async def test_a_doubt_that_comes_again_after_a_wish_is_the_last_word(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        await store.record(refused(("bank", 3), at_us=NOW_US - 9))
        await store.record(doubtful(binds=False))
        await store.release_own(PERSON, ("bank", "lender"), NOW_US + 5)
        await store.record(doubtful(NOW_US + 9, binds=False))
        (row,) = await store.doubts()
        await store.decide_doubt(row.id, "confirmed", by="chen", reason="")
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 3


async def test_the_queue_is_bounded_and_what_finds_it_full_binds_all_the_same(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        people = [f"861380013800{i}" for i in range(4)]
        told = [await store.record(doubtful(recipient=one, most=2)) for one in people]
        assert [one.queued for one in told] == [True, True, False, False]
        assert (await store.record(doubtful(NOW_US + 3, recipient=people[0], most=2))).queued
        assert len(await store.doubts()) == 2
        assert store.suppressions_index.get(key_of(people[3], "bank")) == 3


async def test_a_reply_given_again_and_again_is_one_case_of_bounded_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.store.doubt_queue._MOMENTS_MOST", 5)
    async with owned(tmp_path) as store:
        for i in range(9):
            assert (await store.record(doubtful(NOW_US + i))).queued
        (row,) = await store.doubts()
        assert row.moments.count(",") == 4
        await store.decide_doubt(row.id, "dismissed", by="chen, zhou", reason="")
        # What was beyond stands: rather closed too much than too little.
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 3


@pytest.mark.parametrize("binds", [True, False])
async def test_the_same_words_to_another_institution_are_a_case_of_their_own(tmp_path: Path, binds: bool) -> None:
    first = doubtful(binds=binds)
    second = msgspec.structs.replace(first, at_us=NOW_US + 7, closes=(("agency", 1),))
    async with owned(tmp_path, NOW_US + 50) as store:
        await store.record(msgspec.structs.replace(first, closes=(("bank", 1),)))
        assert (await store.record(second)).queued
        assert (await store.record(msgspec.structs.replace(second, at_us=NOW_US + 8))).queued
        for_bank, for_agency = await store.doubts()
        if binds:
            decided = await store.decide_doubt(for_agency.id, "dismissed", by="chen, zhou", reason="")
            assert decided.ended == ("agency",)
            assert store.suppressions_index.get(key_of(PERSON, "agency")) == 0
            assert store.suppressions_index.get(key_of(PERSON, "bank")) == 1
        else:
            decided = await store.decide_doubt(for_agency.id, "confirmed", by="chen", reason="")
            assert decided.closed == ("agency",)
            assert store.suppressions_index.get(key_of(PERSON, "agency")) == 1
            assert [one.id for one in await store.doubts()] == [for_bank.id]


async def test_half_a_surrogate_pair_and_a_very_long_text_are_kept_readable(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        assert (await store.record(doubtful(text="\ud83d" + "长" * 5000))).queued
        (row,) = await store.doubts()
        assert SECRET.unseal(row.text, row.person) == "?" + "长" * 1023


async def test_who_reads_a_text_is_noted_first_and_only_open_cases_are_shown(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        await store.record(doubtful())
        (row,) = await store.doubts()
        assert (await store.show_doubt(row.id, by="chen", reason="weekly")).id == row.id
        assert [(one.verb, one.by, one.reason) for one in await store.measures()] == [("doubt.shown", "chen", "weekly")]
        await store.decide_doubt(row.id, "confirmed", by="chen", reason="")
        for case in (row.id, row.id + 1, 0, -1):
            with pytest.raises(StaleError):
                await store.show_doubt(case, by="chen", reason="weekly")


async def test_a_case_that_cannot_be_confirmed_ends_no_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with owned(tmp_path) as store:
        await store.record(doubtful(binds=False))
        (row,) = await store.doubts()

        def no_key(*_: object) -> str:
            raise PersonKeyError("a sealed number does not belong to this key and person")

        # As where a row was damaged, or is of another house.
        monkeypatch.setattr(PersonSecret, "unseal", no_key)
        with pytest.raises(StoreError, match="sealed number"):
            await store.decide_doubt(row.id, "confirmed", by="chen", reason="asked")
        assert (await store.record(refused(("bank", 3)))).changed == ("bank",)
    with pytest.raises(StoreError):
        await store.look("after the end", by="chen")
