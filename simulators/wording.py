"""Texts to octets and back, in every encoding that the field uses, and long texts in parts.

Owns the names of encodings and the ways a long text travels. Must never choose silently: an encoding that does not hold
a text is an error, and `auto` is the only name that chooses.
"""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

import msgspec

from proxy.smpp.consts import (
    ESM_UDHI,
    TAG_MESSAGE_PAYLOAD,
    TAG_SAR_MSG_REF_NUM,
    TAG_SAR_SEGMENT_SEQNUM,
    TAG_SAR_TOTAL_SEGMENTS,
)
from proxy.smpp.gsm import decode_gsm, encode_gsm

ENCODINGS: Final = MappingProxyType(
    {
        "gsm": 0,
        "ascii": 1,
        "latin1": 3,
        "ucs2": 8,
        "gb18030": 15,
        "utf8": 4,
        "hex": 4,
    }
)
"""Names and the data_coding each has unless another is asked for; `hex` takes the text as hexadecimal digits."""

LONG_WAYS: Final = ("parts", "parts16", "sar", "payload", "refuse")
"""parts: UDH with an 8-bit reference; parts16: with 16 bits; sar: TLVs; payload: message_payload; refuse: an error."""

_CODECS: Final = {"ascii": "ascii", "latin1": "latin-1", "ucs2": "utf-16-be", "gb18030": "gb18030", "utf8": "utf-8"}


class Segment(msgspec.Struct, frozen=True):
    """One short_message with what goes around it."""

    octets: bytes
    """UDH included."""
    data_coding: int
    esm_class: int = 0
    tlvs: tuple[tuple[int, bytes], ...] = ()


def encode(text: str, encoding: str) -> bytes:
    """Encode a text; ValueError (UnicodeEncodeError among them) where the encoding does not hold it."""
    if encoding == "hex":
        return bytes.fromhex(text)
    if encoding == "gsm":
        octets = encode_gsm(text)
        if octets is None:
            raise ValueError("not all of the text is in the GSM alphabet")
        return octets
    codec = _CODECS.get(encoding)
    if codec is None:
        raise ValueError(f"no such encoding: {encoding} (known: auto, {', '.join(ENCODINGS)})")
    return text.encode(codec)


def choose(text: str) -> str:
    """Name the encoding of `auto`: gsm where it holds the text, else ucs2."""
    return "gsm" if encode_gsm(text) is not None else "ucs2"


def segments(
    text: str,
    encoding: str = "auto",
    *,
    data_coding: int | None = None,
    long: str = "parts",
    reference: int = 1,
) -> list[Segment]:
    """Cut a text into what goes on the wire; one segment where it fits a single message.

    `data_coding` declares another value than the encoding's own. `reference` is that of the parts.
    ValueError for an encoding that does not hold the text and for a long text where `long` is `refuse`.
    """
    name = choose(text) if encoding == "auto" else encoding
    octets = encode(text, name)
    coding = ENCODINGS[name] if data_coding is None else data_coding
    seven_bit = name in ("gsm", "ascii")
    single = 160 if seven_bit else 140
    if len(octets) <= single:
        return [Segment(octets, coding)]
    if long == "payload":
        return [Segment(b"", coding, tlvs=((TAG_MESSAGE_PAYLOAD, octets),))]
    if long not in ("parts", "parts16", "sar"):
        raise ValueError(f"{len(octets)} octets do not fit one message of {single}")
    header = 7 if long == "parts16" else 6
    room = single - (-(-header * 8 // 7) if seven_bit else header)
    pieces = _cut(text, name, room)
    if len(pieces) > 255:
        raise ValueError(f"{len(pieces)} parts, and 255 are the most")
    total = len(pieces)
    made = []
    for number, piece in enumerate(pieces, 1):
        if long == "sar":
            tlvs = (
                (TAG_SAR_MSG_REF_NUM, (reference & 0xFFFF).to_bytes(2, "big")),
                (TAG_SAR_TOTAL_SEGMENTS, bytes((total,))),
                (TAG_SAR_SEGMENT_SEQNUM, bytes((number,))),
            )
            made.append(Segment(piece, coding, tlvs=tlvs))
        elif long == "parts16":
            udh = b"\x06\x08\x04" + (reference & 0xFFFF).to_bytes(2, "big") + bytes((total, number))
            made.append(Segment(udh + piece, coding, ESM_UDHI))
        else:
            udh = b"\x05\x00\x03" + bytes((reference & 0xFF, total, number))
            made.append(Segment(udh + piece, coding, ESM_UDHI))
    return made


def _cut(text: str, encoding: str, room: int) -> list[bytes]:
    """Cut between characters, so that each part can be read alone."""
    step = text if encoding != "hex" else [text[i : i + 2] for i in range(0, len(text), 2)]
    pieces, current = [], b""
    for character in step:
        octets = encode(character, encoding)
        if len(current) + len(octets) > room:
            pieces.append(current)
            current = b""
        current += octets
    return [*pieces, current]


def decode(octets: bytes, data_coding: int) -> str:
    """Read octets as a telephone would, for matching and showing; what cannot be read becomes U+FFFD."""
    if data_coding == 8:
        return octets.decode("utf-16-be", "replace")
    if data_coding == 15:
        return octets.decode("gb18030", "replace")
    if data_coding == 3:
        return octets.decode("latin-1")
    if data_coding in (2, 4):
        try:
            return octets.decode("utf-8")
        except UnicodeDecodeError:
            return octets.decode("latin-1")
    if data_coding == 1:
        return octets.decode("ascii", "replace")
    text = decode_gsm(octets)
    return octets.decode("latin-1") if text is None else text


class Part(msgspec.Struct, frozen=True):
    """Where a part of a long message belongs."""

    reference: int
    total: int
    number: int


def split_udh(octets: bytes, esm_class: int, tlvs: Iterable[tuple[int, bytes]]) -> tuple[bytes, Part | None]:
    """Take the UDH off, and say which part this is; message_payload counts as the text."""
    by_tag = dict(tlvs)
    octets = octets or by_tag.get(TAG_MESSAGE_PAYLOAD, b"")
    if esm_class & ESM_UDHI and octets:
        size = octets[0]
        udh, octets = octets[1 : 1 + size], octets[1 + size :]
        at = 0
        while at + 2 <= len(udh):
            element, length = udh[at], udh[at + 1]
            body = udh[at + 2 : at + 2 + length]
            if element == 0 and len(body) == 3:
                return octets, Part(body[0], body[1], body[2])
            if element == 8 and len(body) == 4:
                return octets, Part(int.from_bytes(body[:2], "big"), body[2], body[3])
            at += 2 + length
        return octets, None
    sar = [by_tag.get(tag, b"") for tag in (TAG_SAR_MSG_REF_NUM, TAG_SAR_TOTAL_SEGMENTS, TAG_SAR_SEGMENT_SEQNUM)]
    if all(sar):
        return octets, Part(*(int.from_bytes(value, "big") for value in sar))
    return octets, None
