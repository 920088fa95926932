"""Groups that are kept between revisions are those that all rows would make anew."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from proxy.registry.snapshots import _Groups

pytestmark = pytest.mark.unit


class Row(Struct, frozen=True, eq=False):
    group: int
    text: str


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.text(max_size=2)), max_size=40))
def test_groups_follow_every_change(changes: list[tuple[int, int, str]]) -> None:
    groups = _Groups[int, Row](lambda row: row.group)
    rows: dict[int, Row] = {}
    for key, group, text in changes:
        former, rows[key] = rows.get(key), Row(group, text)
        before = groups.snapshot()
        kept = dict(before)
        groups.put(former, rows[key])
        assert before == kept  # a snapshot stays as it was
    expected: dict[int, set[int]] = {}
    for row in rows.values():
        expected.setdefault(row.group, set()).add(id(row))
    assert {group: {id(row) for row in found} for group, found in groups.snapshot().items()} == expected
    assert sum(map(len, groups.snapshot().values())) == len(rows)
