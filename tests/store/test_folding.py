"""What lies over an index is folded while the owner serves: no answer changes, and what nobody committed stays."""

import asyncio
import errno
import os
from pathlib import Path

import pytest

from proxy.registry.ports import StoreError
from proxy.store import person_load
from tests.store.open_store import NOW_US, key_of, owned, refused

pytestmark = pytest.mark.wire


def person(number: int) -> str:
    return f"861380013{number:04d}"


async def test_folding_changes_no_answer_and_empties_what_lies_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(person_load, "TAIL_MOST", 10)
    async with owned(tmp_path) as store:
        index = store.suppressions_index
        for number in range(30):
            await store.record(refused(("bank", 3), recipient=person(number)))
        await store.release_own(person(0), ("bank",), NOW_US)
        index.put(key_of(person(1), "bank"), 15)  # closed in memory, and not on disk yet
        index.put(key_of(person(40), "bank"), 1)
        folding = asyncio.create_task(store.folding.fold_grown())
        while not folding.done():  # refusals go on while the other process writes
            await store.record(refused(("bank", 3), recipient=person(50)))
        assert await folding == ["suppressions.base"]
        expected = {0: 0, 1: 15, 40: 1, 50: 3} | dict.fromkeys(range(2, 30), 3)
        assert {number: index.get(key_of(person(number), "bank")) for number in expected} == expected
        assert index.laid_over <= 3
        assert await store.folding.fold_grown() == []
    async with owned(tmp_path) as store:
        assert store.suppressions_index.get(key_of(person(0), "bank")) == 0
        assert store.suppressions_index.get(key_of(person(50), "bank")) == 3
        assert store.suppressions_index.laid_over <= 1  # the base of before is the one that is used


async def test_a_base_that_cannot_be_written_is_told_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(person_load, "TAIL_MOST", 1)
    async with owned(tmp_path) as store:
        for number in range(3):
            await store.record(refused(("bank", 3), recipient=person(number)))
        base = tmp_path / "suppressions.base"
        base.unlink()
        base.mkdir()
        (base / "in the way").touch()
        with pytest.raises(StoreError, match="not folded"):
            await store.folding.fold_grown()
        assert store.suppressions_index.laid_over == 3
        assert os.listdir(tmp_path / "suppressions.base") == ["in the way"]

        async def no_room(*_: object, **__: object) -> None:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

        # No process could be made: told like any other failure, since what is not told ends the folding for good.
        monkeypatch.setattr(asyncio, "create_subprocess_exec", no_room)
        with pytest.raises(StoreError, match="not folded"):
            await store.folding.fold_grown()


async def test_a_tail_may_be_a_twentieth_of_its_base() -> None:
    assert (person_load.tail_most(0), person_load.tail_most(10_000_000)) == (100_000, 500_000)
