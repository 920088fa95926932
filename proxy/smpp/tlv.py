"""The optional part of a PDU: tag, length, value, and again until the PDU ends.

Owns the TLV stream and the kinds of the known tags. Order and duplicates are kept and values are octets, so that a
stream can be written back as it came; the typed view is for people to look at. Must never decide what a tag means.
"""

import struct
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from proxy.smpp import consts
from proxy.smpp.consts import ESME_RINVTLVLEN, ESME_RINVTLVSTREAM, ESME_RINVTLVVAL
from proxy.smpp.pdu import PduError

_TAG_LENGTH: Final = struct.Struct(">HH")
_unpack_tag_length = _TAG_LENGTH.unpack_from
_pack_tag_length = _TAG_LENGTH.pack

Tlv = tuple[int, bytes]

_INT8: Final = (
    consts.TAG_DEST_ADDR_SUBUNIT,
    consts.TAG_DEST_NETWORK_TYPE,
    consts.TAG_DEST_BEARER_TYPE,
    consts.TAG_SOURCE_ADDR_SUBUNIT,
    consts.TAG_SOURCE_NETWORK_TYPE,
    consts.TAG_SOURCE_BEARER_TYPE,
    consts.TAG_SOURCE_TELEMATICS_ID,
    consts.TAG_PAYLOAD_TYPE,
    consts.TAG_MS_MSG_WAIT_FACILITIES,
    consts.TAG_PRIVACY_INDICATOR,
    consts.TAG_USER_RESPONSE_CODE,
    consts.TAG_LANGUAGE_INDICATOR,
    consts.TAG_SAR_TOTAL_SEGMENTS,
    consts.TAG_SAR_SEGMENT_SEQNUM,
    consts.TAG_SC_INTERFACE_VERSION,
    consts.TAG_CALLBACK_NUM_PRES_IND,
    consts.TAG_NUMBER_OF_MESSAGES,
    consts.TAG_DPF_RESULT,
    consts.TAG_SET_DPF,
    consts.TAG_MS_AVAILABILITY_STATUS,
    consts.TAG_DELIVERY_FAILURE_REASON,
    consts.TAG_MORE_MESSAGES_TO_SEND,
    consts.TAG_MESSAGE_STATE,
    consts.TAG_CONGESTION_STATE,
    consts.TAG_USSD_SERVICE_OP,
    consts.TAG_BROADCAST_CHANNEL_INDICATOR,
    consts.TAG_BROADCAST_MESSAGE_CLASS,
    consts.TAG_BROADCAST_AREA_SUCCESS,
    consts.TAG_DEST_ADDR_NP_RESOLUTION,
    consts.TAG_DISPLAY_TIME,
    consts.TAG_ITS_REPLY_TYPE,
)
_INT16: Final = (
    consts.TAG_DEST_TELEMATICS_ID,
    consts.TAG_USER_MESSAGE_REFERENCE,
    consts.TAG_SOURCE_PORT,
    consts.TAG_DEST_PORT,
    consts.TAG_SAR_MSG_REF_NUM,
    consts.TAG_BROADCAST_REP_NUM,
    consts.TAG_SMS_SIGNAL,
)
_INT32: Final = (
    consts.TAG_QOS_TIME_TO_LIVE,
    consts.TAG_BROADCAST_ERROR_STATUS,
    consts.TAG_DEST_ADDR_NP_COUNTRY,
)
_CSTRING: Final = (
    consts.TAG_ADDITIONAL_STATUS_INFO_TEXT,
    consts.TAG_RECEIPTED_MESSAGE_ID,
    consts.TAG_SOURCE_NETWORK_ID,
    consts.TAG_DEST_NETWORK_ID,
)
_EMPTY: Final = (consts.TAG_ALERT_ON_MESSAGE_DELIVERY,)

TAG_KINDS: Final[Mapping[int, str]] = MappingProxyType(
    {
        **dict.fromkeys(consts.TAG_NAMES, "octets"),
        **dict.fromkeys(_INT8, "int8"),
        **dict.fromkeys(_INT16, "int16"),
        **dict.fromkeys(_INT32, "int32"),
        **dict.fromkeys(_CSTRING, "cstring"),
        **dict.fromkeys(_EMPTY, "empty"),
    }
)
"""Kind of each known tag: int8, int16, int32, cstring, octets, empty (SMPP v3.4 §5.3.2)."""

_INT_OCTETS: Final = {"int8": 1, "int16": 2, "int32": 4}


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


def typed_value(tag: int, value: bytes) -> int | bytes:
    """Read a value by the kind of its tag, for a person to look at: an int, or octets without the NUL of a cstring.

    The octets of unknown tags come back as they are. Raises `PduError`: ESME_RINVTLVLEN where an integer has another
    size or an empty tag holds more than the one octet of v5, ESME_RINVTLVVAL where a cstring has no NUL at its end.
    """
    kind = TAG_KINDS.get(tag, "octets")
    if kind == "octets":
        return value
    if kind == "cstring":
        if value.find(0) != len(value) - 1 or not value:
            raise PduError(ESME_RINVTLVVAL, "tlv.cstring")
        return value[:-1]
    if kind == "empty":
        if len(value) > 1:
            raise PduError(ESME_RINVTLVLEN, "tlv.size")
        return value
    if len(value) != _INT_OCTETS[kind]:
        raise PduError(ESME_RINVTLVLEN, "tlv.size")
    return int.from_bytes(value, "big")


def first_tlv(tlvs: Iterable[Tlv], tag: int) -> bytes | None:
    """Find the first value of a tag; None where the tag is absent."""
    for found, value in tlvs:
        if found == tag:
            return value
    return None
