"""What is queued for a peer comes out once, in order, with just the sequence_numbers changed that were to be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.smpp.outbox import Outbox
from proxy.smpp.pdu import with_sequence

pytestmark = pytest.mark.unit

RAW = st.binary(min_size=16, max_size=80)
SEQUENCE = st.one_of(st.none(), st.integers(0, 0xFFFFFFFF))


@given(st.lists(st.lists(st.tuples(RAW, SEQUENCE), max_size=5), max_size=4))
def test_what_is_taken_is_what_was_queued(rounds):
    outbox = Outbox()
    for queued in rounds:
        for raw, sequence in queued:
            if sequence is None:
                outbox.append(raw)
            else:
                outbox.append_as(raw, sequence)
        assert bool(outbox) == bool(queued)
        wanted = (raw if sequence is None else with_sequence(raw, sequence) for raw, sequence in queued)
        assert outbox.take() == b"".join(wanted)
        assert not outbox


def test_the_octets_of_a_pdu_stay_what_they_are():
    raw = bytes(range(20))
    outbox = Outbox()
    outbox.append_as(raw, 7)
    taken = outbox.take()
    assert taken != raw
    assert raw == bytes(range(20))
