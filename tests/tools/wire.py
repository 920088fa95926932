"""SMPP octets by hand: what the scripted ends and the taps of the tests share.

Owns a second, independent reading of SMPP v3.4 framing and of the few PDUs that tests build. Never imports the product:
a mistake there must not hide in the tests. A PDU here is one `Frame`: its octets as they were on the wire.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

BIND_RX, BIND_TX, BIND_TRX = 0x1, 0x2, 0x9
SUBMIT_SM, DELIVER_SM, DATA_SM = 0x4, 0x5, 0x103
QUERY_SM, REPLACE_SM, CANCEL_SM, SUBMIT_MULTI = 0x3, 0x7, 0x8, 0x21
UNBIND, ENQUIRE_LINK, GENERIC_NACK, RESP = 0x6, 0x15, 0x80000000, 0x80000000
BINDS = (BIND_RX, BIND_TX, BIND_TRX)


@dataclass(frozen=True)
class Frame:
    """One PDU as it stood on the wire."""

    raw: bytes

    @property
    def command(self) -> int:
        return int.from_bytes(self.raw[4:8], "big")

    @property
    def status(self) -> int:
        return int.from_bytes(self.raw[8:12], "big")

    @property
    def sequence(self) -> int:
        return int.from_bytes(self.raw[12:16], "big")

    @property
    def body(self) -> bytes:
        return self.raw[16:]

    def same_but_sequence(self, other: Frame) -> bool:
        """Whether all octets agree but those of sequence_number, the only field a relay may change."""
        return self.raw[:12] == other.raw[:12] and self.raw[16:] == other.raw[16:]

    def __repr__(self) -> str:
        head = f"{self.command:#x} status={self.status:#x} seq={self.sequence:#x}"
        return f"Frame({head} {self.body[:60].hex()}{'…' if len(self.body) > 60 else ''})"


def pdu(command: int, body: bytes = b"", *, status: int = 0, sequence: int = 1) -> bytes:
    """A whole PDU with a true command_length."""
    return struct.pack(">IIII", 16 + len(body), command, status, sequence) + body


def cstring(value: str | bytes) -> bytes:
    return (value if isinstance(value, bytes) else value.encode("ascii")) + b"\0"


def tlv(tag: int, value: bytes) -> bytes:
    return struct.pack(">HH", tag, len(value)) + value


def bind_body(
    system_id: str, password: str, *, system_type: str = "", version: int = 0x34, addr_range: str = ""
) -> bytes:
    return cstring(system_id) + cstring(password) + cstring(system_type) + bytes([version, 0, 0]) + cstring(addr_range)


def message_body(
    source: str,
    destination: str,
    message: bytes,
    *,
    data_coding: int = 0,
    esm_class: int = 0,
    registered: int = 0,
    source_ton: int = 0,
    source_npi: int = 0,
    dest_ton: int = 1,
    dest_npi: int = 1,
    service_type: str = "",
    protocol_id: int = 0,
    priority: int = 0,
    schedule: str = "",
    validity: str = "",
    replace: int = 0,
    default_message: int = 0,
    tlvs: bytes = b"",
) -> bytes:
    """The body of submit_sm and deliver_sm (SMPP v3.4 §4.4.1, §4.6.1); `tlvs` follows as it is."""
    head = cstring(service_type) + bytes([source_ton, source_npi]) + cstring(source)
    head += bytes([dest_ton, dest_npi]) + cstring(destination) + bytes([esm_class, protocol_id, priority])
    head += cstring(schedule) + cstring(validity) + bytes([registered, replace, data_coding, default_message])
    return head + bytes([len(message)]) + message + tlvs


def data_sm_body(
    source: str,
    destination: str,
    payload: bytes | None,
    *,
    data_coding: int = 0,
    esm_class: int = 0,
    registered: int = 0,
    tlvs: bytes = b"",
) -> bytes:
    """The body of data_sm (SMPP v3.4 §4.7.1), the text in message_payload."""
    head = cstring("") + bytes([0, 0]) + cstring(source) + bytes([1, 1]) + cstring(destination)
    return (
        head
        + bytes([esm_class, registered, data_coding])
        + (tlv(0x0424, payload) if payload is not None else b"")
        + tlvs
    )


def receipt_text(message_id: str, state: str = "DELIVRD") -> bytes:
    """The text of a receipt (SMPP v3.4 appendix B)."""
    return (
        f"id:{message_id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:{state} err:000 text:"
    ).encode("ascii")


@dataclass(frozen=True)
class Message:
    """submit_sm or deliver_sm read field by field, TLVs in wire order as (tag, value)."""

    source: str
    destination: str
    esm_class: int
    registered: int
    data_coding: int
    short_message: bytes
    tlvs: tuple[tuple[int, bytes], ...]

    @property
    def text(self) -> str:
        """Text of a UCS-2 (8) or single-octet message."""
        return self.short_message.decode("utf-16-be" if self.data_coding == 8 else "latin-1")


def read_message(frame: Frame) -> Message:
    """Reads submit_sm, deliver_sm (SMPP v3.4 §4.4.1). IndexError or ValueError if the octets do not hold one."""
    body, at = frame.body, 0

    def text() -> str:
        nonlocal at
        end = body.index(0, at)
        found, at = body[at:end].decode("latin-1"), end + 1
        return found

    def octet() -> int:
        nonlocal at
        at += 1
        return body[at - 1]

    text()
    octet(), octet()
    source = text()
    octet(), octet()
    destination = text()
    esm_class = octet()
    octet(), octet()
    text(), text()
    registered = octet()
    octet()
    coding = octet()
    octet()
    length = octet()
    message, at = body[at : at + length], at + length
    return Message(source, destination, esm_class, registered, coding, message, tuple(read_tlvs(body[at:])))


def read_tlvs(octets: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(octets):
        tag, length = struct.unpack_from(">HH", octets, at)
        yield tag, octets[at + 4 : at + 4 + length]
        at += 4 + length


class Splitter:
    """Cuts a stream into PDUs. At octets that cannot be one (length below 16) it stops: see `rest`."""

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, chunk: bytes) -> list[Frame]:
        self.rest += chunk
        frames, at = [], 0
        while len(self.rest) - at >= 16:
            length = int.from_bytes(self.rest[at : at + 4], "big")
            if length < 16 or len(self.rest) - at < length:
                break
            frames.append(Frame(self.rest[at : at + length]))
            at += length
        self.rest = self.rest[at:]
        return frames
