"""Receipts: what is one, which message it means, what became of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.smpp import consts
from proxy.smpp.receipt import STATES, is_final, is_receipt, receipt_fields, receipt_ids, receipt_state
from proxy.smpp.short_message import ShortMessage, read_sm
from tests.tools.naming import case_of
from tests.tools.smpp_octets import submit, tlv_octets

pytestmark = pytest.mark.unit

TEXT = (
    b"id:0123456789 sub:001 dlvrd:001 submit date:2503011200 done date:2503011201 stat:DELIVRD err:000"
    b" text:id:77 stat:EXPIRED TD"
)


def sm(*tlvs: tuple[int, bytes]) -> ShortMessage:
    return read_sm(submit(command="deliver_sm", esm_class=b"\4", tlvs=tlv_octets(list(tlvs))))


def test_two_types_are_receipts_whatever_the_other_bits_say() -> None:
    for esm_class in range(256):
        with case_of(esm_class):
            assert is_receipt(esm_class) == (esm_class >> 2 & 0x0F in (0b0001, 0b1000))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TEXT, (b"0123456789",)),
        (b"ID:aB-9 STAT:DELIVRD", (b"aB-9",)),
        (b"Id: 42 sub:001", (b"42",)),
        (b"id : 42 sub:001", (b"42",)),
        (b"stat:DELIVRD err:000 id:42", (b"42",)),
        (b"sub:001 id:42\0", (b"42",)),
        (b"sub:001\r\nid:42\r\nstat:DELIVRD", (b"42",)),
        (b"text:hello id:42 stat:DELIVRD", (b"42",)),
        (b"id:6ba7b810-9dad-11d1-80b4-00c04fd430c8 stat:DELIVRD", (b"6ba7b810-9dad-11d1-80b4-00c04fd430c8",)),
        (b"id: sub:001", ()),
        (b"id:", ()),
        (b"msgid:5 stat:DELIVRD", ()),
        (b"valid:5", ()),
        (b"", ()),
        (b"TD", ()),
    ],
)
def test_the_id_of_the_text(text: bytes, expected: tuple[bytes, ...]) -> None:
    assert receipt_ids(sm(), text) == expected


def test_the_id_of_the_tlv_goes_first() -> None:
    assert receipt_ids(sm((consts.TAG_RECEIPTED_MESSAGE_ID, b"7b\0")), b"id:123 stat:DELIVRD") == (b"7b", b"123")
    assert receipt_ids(sm((consts.TAG_RECEIPTED_MESSAGE_ID, b"123\0")), b"id:123 stat:DELIVRD") == (b"123",)
    assert receipt_ids(sm((consts.TAG_RECEIPTED_MESSAGE_ID, b"7b")), b"") == (b"7b",)
    assert receipt_ids(sm((consts.TAG_RECEIPTED_MESSAGE_ID, b"\0")), b"") == ()
    assert receipt_ids(sm((consts.TAG_RECEIPTED_MESSAGE_ID, b"")), b"id:1") == (b"1",)


@pytest.mark.parametrize(("word", "state"), STATES.items())
def test_states_by_word(word: bytes, state: int) -> None:
    for each in (word, word.lower(), word + b"\0"):
        assert receipt_state(sm(), b"id:1 stat:" + each) == state


def test_states_of_the_specification_have_a_word() -> None:
    assert set(STATES.values()) == set(range(1, 9))


def test_the_state_of_the_tlv_goes_before_the_word() -> None:
    assert receipt_state(sm((consts.TAG_MESSAGE_STATE, b"\5")), TEXT) == consts.STATE_UNDELIVERABLE
    assert receipt_state(sm((consts.TAG_MESSAGE_STATE, b"")), TEXT) == consts.STATE_DELIVERED
    assert receipt_state(sm(), b"id:1 stat:FUNNY") is None
    assert receipt_state(sm(), b"id:1") is None


def test_the_quoted_text_is_not_read_for_fields() -> None:
    fields = receipt_fields(TEXT)
    assert fields["stat"] == b"DELIVRD"
    assert fields["text"] == b"id:77 stat:EXPIRED TD"
    assert fields["done date"] == b"2503011201"


@given(st.binary(max_size=300))
def test_any_octets_are_read_without_error(text: bytes) -> None:
    for each in receipt_ids(sm(), text):
        assert each in text
    assert receipt_state(sm(), text) in (None, *range(1, 9))


@pytest.mark.parametrize(
    ("esm_class", "text", "state", "final"),
    [
        (0x04, b"id:1 stat:DELIVRD err:000 text:", None, True),
        (0x04, b"id:1 stat:UNDELIV err:000 text:", None, True),
        (0x04, b"id:1 stat:ENROUTE err:000 text:", None, False),
        (0x04, b"id:1 stat:ACCEPTD err:000 text:", None, False),
        (0x04, b"id:1 stat:ACCEPTED err:000 text:", None, False),
        (0x04, b"", None, True),
        (0x20, b"id:1 stat:DELIVRD err:000 text:", None, False),  # a notification on the way
        (0x04, b"id:1 stat:ENROUTE text:", consts.STATE_DELIVERED, True),  # the TLV says it better
        (0x04, b"id:1 stat:DELIVRD text:", consts.STATE_ENROUTE, False),
        (0x04, b"", consts.STATE_ACCEPTED, False),
        (0x44, b"id:1 stat:REJECTD text:", consts.STATE_REJECTED, True),
    ],
)
def test_whether_a_receipt_is_the_last_word(esm_class: int, text: bytes, state: int | None, final: bool) -> None:
    stated = [] if state is None else [(consts.TAG_MESSAGE_STATE, bytes((state,)))]
    raw = submit(command="deliver_sm", esm_class=bytes((esm_class,)), tlvs=tlv_octets(stated))
    assert is_final(read_sm(raw), text) == final
