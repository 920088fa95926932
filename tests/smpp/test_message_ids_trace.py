"""Ids of mirror mode know their decision and how it ended, in bounded memory; states are read in any usual form."""

from __future__ import annotations

import tracemalloc

import pytest

from proxy.smpp.codec import encode
from proxy.smpp.consts import DELIVER_SM
from proxy.smpp.message_ids import MessageIds
from proxy.smpp.receipt import STATE_NAMES, final_state
from proxy.smpp.short_message import read_sm

pytestmark = pytest.mark.unit


def test_an_id_knows_its_decision_and_its_end() -> None:
    ids = MessageIds(3)
    ids.add(b"a", 11)
    assert ids.find(b"a") == (11, "", 0)
    ids.ended((b"x", b"a"), "delivered", 99)
    assert ids.find(b"a") == (11, "delivered", 99)
    assert ids.find(b"x") is None
    ids.add(b"b", 12)
    ids.add(b"c", 13)
    assert ids.find(b"a") == (11, "delivered", 99)
    for one in (b"d", b"e", b"f"):
        ids.add(one, 14)
    assert ids.find(b"a") is None
    assert b"a" not in ids
    assert ids.find(b"f") == (14, "", 0)


def test_an_id_that_is_given_again_is_open_again() -> None:
    ids = MessageIds(3)
    ids.add(b"a", 11)
    ids.ended((b"a",), "rejected", 99)
    ids.add(b"a", 12)
    assert ids.find(b"a") == (12, "", 0)


def test_every_state_and_the_largest_decision_come_back() -> None:
    ids = MessageIds(100)
    for place, state in enumerate(("ended", *STATE_NAMES.values())):
        ids.add(b"%d" % place, (1 << 64) - 1)
        for at in (1, 4_102_444_800):
            ids.ended((b"%d" % place,), state, at)
            assert ids.find(b"%d" % place) == ((1 << 64) - 1, state, at)


def test_the_end_of_a_message_takes_no_room_of_its_own() -> None:
    def octets(ended: bool) -> int:
        tracemalloc.start()
        try:
            ids = MessageIds(8000)
            for number in range(4000):
                ids.add(b"%016d" % number, (1 << 62) + number)
            for number in range(4000) if ended else ():
                ids.ended((b"%016d" % number,), "delivered", 1_795_000_000 + number)
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    assert octets(True) < 1.2 * octets(False)


@pytest.mark.parametrize(
    ("text", "tlvs", "state"),
    [
        (b"id:1 stat:DELIVRD err:0", (), "delivered"),
        (b"id:1 stat:undeliv err:0", (), "undeliverable"),
        (b"id:1 stat:REJECTD", (), "rejected"),
        (b"id:1 stat:EXPIRED err", ((0x0427, b"\2"),), "delivered"),
        (b"id:1 stat:??? err", (), "ended"),
        (b"", (), "ended"),
        (b"", ((0x0427, b"\x63"),), "ended"),
        (b"", ((0x0427, b""),), "ended"),
    ],
)
def test_a_final_receipt_says_what_became_of_its_message(
    text: bytes, tlvs: tuple[tuple[int, bytes], ...], state: str
) -> None:
    raw = encode(DELIVER_SM, 0, 1, {"short_message": text, "esm_class": 4}, tlvs)
    assert final_state(read_sm(raw)) == state
