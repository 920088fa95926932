"""A change that is given up while a statement of it is on its way leaves no transaction open behind it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.store.open_store import BANK, PERSON, key_of, owned, refused, take_in

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("statement", ["BEGIN", "INSERT", "COMMIT"])
async def test_what_comes_after_a_change_that_was_given_up_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    async with owned(tmp_path) as store:
        await take_in(store, {"institutions": [BANK]})
        execute: Any = store._owning._execute
        under_way, go_on = asyncio.Event(), Event()

        async def held(work: Callable[..., Any], *arguments: Any) -> Any:
            if not under_way.is_set() and arguments and str(arguments[0]).startswith(statement):
                under_way.set()
                return await execute(lambda *given: go_on.wait(5) and work(*given), *arguments)
            return await execute(work, *arguments)

        monkeypatch.setattr(store._owning, "_execute", held)
        changing = asyncio.ensure_future(store.note_act("x", "y", "", "z"))
        await under_way.wait()
        changing.cancel()
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await changing
        assert await store.hold("number", "10690001", "诈骗", "甲（虚构）")
        await store.record(refused(("bank", 4)))
        assert store.suppressions_index.get(key_of(PERSON, "bank")) == 4
