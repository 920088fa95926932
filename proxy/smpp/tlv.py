"""The optional part of a PDU: tag, length, value, and again until the PDU ends.

Owns the TLV stream. Order and duplicates are kept and values are octets, so that a stream can be written back as it
came. Must never decide what a tag means.
"""

import struct
from collections.abc import Iterable
from typing import Final

from proxy.smpp.consts import ESME_RINVTLVSTREAM
from proxy.smpp.pdu import PduError

_TAG_LENGTH: Final = struct.Struct(">HH")
_unpack_tag_length = _TAG_LENGTH.unpack_from
_pack_tag_length = _TAG_LENGTH.pack

Tlv = tuple[int, bytes]


def parse_tlvs(raw: bytes, at: int) -> tuple[Tlv, ...]:
    """Read the TLVs of `raw` from offset `at` to its end; order and duplicates are kept.

    Raises `PduError(ESME_RINVTLVSTREAM)` where a tag, a length or a value does not end before the PDU does.
    """
    end = len(raw)
    found: list[Tlv] = []
    while at < end:
        value_at = at + 4
        if value_at > end:
            raise PduError(ESME_RINVTLVSTREAM, "tlv.truncated")
        tag, length = _unpack_tag_length(raw, at)
        at = value_at + length
        if at > end:
            raise PduError(ESME_RINVTLVSTREAM, "tlv.length")
        found.append((tag, raw[value_at:at]))
    return tuple(found)


def encode_tlvs(tlvs: Iterable[Tlv]) -> bytes:
    """Write a TLV stream; raises ValueError for a tag or a length that 16 bits do not hold."""
    parts: list[bytes] = []
    for tag, value in tlvs:
        if not 0 <= tag <= 0xFFFF or len(value) > 0xFFFF:
            raise ValueError(f"a TLV does not fit: tag {tag:#06x}, {len(value)} octets")
        parts.append(_pack_tag_length(tag, len(value)))
        parts.append(value)
    return b"".join(parts)


def first_tlv(tlvs: Iterable[Tlv], tag: int) -> bytes | None:
    """Find the first value of a tag; None where the tag is absent."""
    for found, value in tlvs:
        if found == tag:
            return value
    return None
