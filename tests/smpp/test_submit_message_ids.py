"""The memory of message_ids: bounded, and it never forgets what is recent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.smpp.message_ids import MessageIds

pytestmark = pytest.mark.unit


@given(st.integers(1, 20), st.lists(st.integers(0, 60), max_size=200))
def test_the_latest_are_known_and_no_others_ever_are(kept, added):
    ids, most = MessageIds(kept), kept + 2 * -(-kept // 8)
    seen: list[bytes] = []
    for number in added:
        message_id = b"%d" % number
        ids.add(message_id)
        seen.append(message_id)
        assert all(each in ids for each in seen[-kept:])
        assert len(ids._new) + sum(map(len, ids._former)) <= most
    assert b"never" not in ids
    assert sum(each in ids for each in set(seen)) <= most
