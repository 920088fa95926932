"""The index of persons against a plain dict, at sizes around those at which its directory grows."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.persons import PersonIndex

pytestmark = pytest.mark.unit

KEYS = st.integers(0, (1 << 64) - 1) | st.integers(0, 40) | st.integers((1 << 64) - 40, (1 << 64) - 1)


@given(st.dictionaries(KEYS, st.integers(1, 255), max_size=300), st.lists(st.tuples(KEYS, st.integers(0, 255))), KEYS)
def test_it_answers_as_a_dict_would(base: dict[int, int], laid: list[tuple[int, int]], other: int) -> None:
    ordered = sorted(base)
    index = PersonIndex(array("Q", ordered), bytes(base[key] for key in ordered))
    for key, value in laid:
        index.put(key, value)
    expected = base | dict(laid)
    for key in (*expected, other, 0, (1 << 64) - 1):
        assert index.get(key) == expected.get(key, 0)


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 255, 256, 5000])
@pytest.mark.parametrize("spread", [1, (1 << 64) // 5000])
def test_every_key_is_found_whether_spread_or_crowded(count: int, spread: int) -> None:
    keys = [place * spread for place in range(count)]
    index = PersonIndex(keys, [place % 255 + 1 for place in range(count)])
    assert all(index.get(key) == place % 255 + 1 for place, key in enumerate(keys))
    assert index.get((1 << 64) - 1) == 0
    assert index.get(count * spread) == 0
