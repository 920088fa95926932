"""A map and an order changed by a copy are those made anew, and leave what they were copied from alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core import shared_map
from proxy.core.shared_map import SharedMap, SharedOrder

pytestmark = pytest.mark.unit

keys = st.text("0123456789", min_size=1, max_size=3)
turns = st.lists(st.lists(st.tuples(keys, st.none() | st.integers(0, 3)), max_size=30), max_size=6)


@given(st.dictionaries(keys, st.integers(0, 3)), turns)
def test_a_changed_map_is_the_one_made_anew(first: dict[str, int], turns: list[list[tuple[str, int | None]]]) -> None:
    held, shared = dict(first), SharedMap(first.items())
    for turn in turns:
        before, former = dict(held), shared
        for key, value in turn:
            held.pop(key, None)
            if value is not None:
                held[key] = value
        shared = shared.changed(turn)
        assert dict(former) == before
        assert dict(shared.items()) == held
        assert len(shared) == len(held)
        assert all(shared.get(key, -1) == held.get(key, -1) and (key in shared) == (key in held) for key, _ in turn)
    assert shared == SharedMap(held.items())


def test_a_map_that_grew_is_spread_anew() -> None:
    shared = SharedMap[int, int]().changed([(place, place) for place in range(10_000)])
    assert max(map(len, shared.parts())) < 200
    assert dict(shared) == {place: place for place in range(10_000)}


@given(st.sets(keys), st.lists(st.sets(keys, max_size=20), max_size=6), st.text("0123456789", max_size=3))
def test_a_changed_order_is_the_one_made_anew(first: set[str], turns: list[set[str]], sought: str) -> None:
    part, shared_map._PART = shared_map._PART, 2  # type: ignore[misc]
    try:
        held, order = set(first), SharedOrder(first)
        for turn in turns:
            before, former = sorted(held), order
            order = order.changed([(key, key not in held) for key in sorted(turn)])
            held ^= turn
            assert list(former) == before
            assert list(order) == sorted(held)
            assert list(order.after(sought)) == [key for key in sorted(held) if key > sought]
    finally:
        shared_map._PART = part  # type: ignore[misc]
