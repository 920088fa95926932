"""Header, sequence patch and the answers that need no codec, octet by octet."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.smpp.consts import ENQUIRE_LINK_RESP, ESME_RINVCMDID, ESME_RINVCMDLEN, SUBMIT_SM_RESP
from proxy.smpp.pdu import HEADER, PduError, generic_nack, response, with_sequence

pytestmark = pytest.mark.unit


@given(st.binary(min_size=16, max_size=400), st.integers(0, 0xFFFFFFFF))
def test_only_the_sequence_number_is_patched(raw: bytes, sequence: int) -> None:
    patched = with_sequence(raw, sequence)
    assert len(patched) == len(raw)
    assert patched[:12] == raw[:12]
    assert patched[16:] == raw[16:]
    assert int.from_bytes(patched[12:16], "big") == sequence


def test_response_octets() -> None:
    assert response(ENQUIRE_LINK_RESP, 0, 0xFFFFFFFF) == bytes.fromhex("00000010 80000015 00000000 ffffffff")
    assert response(SUBMIT_SM_RESP, 0x58, 1, b"ab\0") == bytes.fromhex("00000013 80000004 00000058 00000001 616200")


def test_generic_nack_octets() -> None:
    assert generic_nack(ESME_RINVCMDID, 0) == bytes.fromhex("00000010 80000000 00000003 00000000")


def test_header_is_four_big_endian_words() -> None:
    assert HEADER.size == 16
    assert HEADER.unpack(bytes(range(16))) == (0x00010203, 0x04050607, 0x08090A0B, 0x0C0D0E0F)


def test_pdu_error_carries_status_and_reason_through_copies() -> None:
    error = PduError(ESME_RINVCMDLEN, "truncated.source_addr")
    for each in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (each.status, each.reason) == (ESME_RINVCMDLEN, "truncated.source_addr")
    assert str(error) == "truncated.source_addr (0x00000002)"
