"""TLV streams: kept as they came, refused where they break, typed for people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.smpp.consts import ESME_RINVTLVSTREAM
from proxy.smpp.pdu import PduError
from proxy.smpp.tlv import encode_tlvs, first_tlv, parse_tlvs
from tests.tools.smpp_octets import tlvs

pytestmark = pytest.mark.unit


@given(st.binary(max_size=20), tlvs())
def test_order_and_duplicates_are_kept(before: bytes, stream: list[tuple[int, bytes]]) -> None:
    raw = before + encode_tlvs(stream)
    assert parse_tlvs(raw, len(before)) == tuple(stream)


@given(st.binary(max_size=60))
def test_any_octets_are_a_stream_or_an_error(raw: bytes) -> None:
    outcome: bytes | int
    try:
        outcome = encode_tlvs(parse_tlvs(raw, 0))
    except PduError as error:
        outcome = error.status
    assert outcome in (raw, ESME_RINVTLVSTREAM)


def test_known_octets() -> None:
    raw = bytes.fromhex("0424 0002 9000  1400 0000  0424 0001 54")
    assert parse_tlvs(raw, 0) == ((0x0424, b"\x90\x00"), (0x1400, b""), (0x0424, b"T"))


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        ("04", "tlv.truncated"),
        ("0424", "tlv.truncated"),
        ("042400", "tlv.truncated"),
        ("0424 0001", "tlv.length"),
        ("0424 0002 54", "tlv.length"),
        ("0424 ffff 54", "tlv.length"),
        ("0424 0001 54 00", "tlv.truncated"),
    ],
)
def test_broken_streams(octets: str, reason: str) -> None:
    with pytest.raises(PduError) as caught:
        parse_tlvs(bytes.fromhex(octets), 0)
    assert (caught.value.status, caught.value.reason) == (ESME_RINVTLVSTREAM, reason)


@pytest.mark.parametrize("stream", [[(-1, b"")], [(0x10000, b"")], [(1, bytes(0x10000))]])
def test_what_sixteen_bits_do_not_hold_is_not_written(stream: list[tuple[int, bytes]]) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        encode_tlvs(stream)


def test_first_of_a_tag() -> None:
    assert first_tlv(((1, b"a"), (2, b"b"), (1, b"c")), 1) == b"a"
    assert first_tlv(((1, b"a"),), 3) is None
