"""A library that was made anew is let go of, and the newest one stays whole."""

import asyncio
from typing import Any, cast

import pytest

from proxy.core.number_library import NumberLibrary
from proxy.core.records import Number, Period
from proxy.registry import snapshots
from proxy.registry.snapshots import SnapshotBuilder

pytestmark = pytest.mark.unit


def numbers(until: int) -> list[Number]:
    both, purposes = frozenset(("sms",)), frozenset(("marketing",))
    return [
        Number(f"1069{place:05}", "bank", "bank", cast(Any, both), cast(Any, purposes), Period(0, until))
        for place in range(2500)
    ]


async def test_rows_that_nobody_needs_are_given_back_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    builder = SnapshotBuilder(cast(Any, None), cast(Any, None), cast(Any, None))
    for until in (5, 6):
        new = {(row.address,): row for row in numbers(until)}
        former = builder._kept["numbers"]
        builder._kept["numbers"] = new
        builder._renumbered = [(former.get(key), row) for key, row in new.items()]
        await builder._renumber()
    assert sum(map(len, builder._retired)) == 2500
    passes = 0

    async def passed() -> None:
        nonlocal passes
        while builder._retired:
            passes += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(snapshots, "_SLICE_RELEASED", len(builder._retired) // 5)
    await asyncio.gather(builder.release(), passed())
    assert builder._retired == []
    assert passes >= 4
    assert isinstance(builder._numbers, NumberLibrary)
    assert builder._numbers.find("106900007")[0].period.until == 6
