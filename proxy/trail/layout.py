"""The octets of the trail's files: frames with a checksum, and the records in them.

Owns the layout. Pure. Integers are unsigned and little-endian. A segment begins with `SEGMENT_MAGIC`; frames follow,
one for each flush: magic, octets of the payload, CRC-32 of length and payload, payload. Records stand in a payload one
after the other. Each segment names the accounts, routes and states that its records speak of by number, before they do.
Never in a record: a subscriber's number, a text.
"""

import struct
from collections.abc import Iterator
from typing import Final
from zlib import crc32

SEGMENT_MAGIC: Final = b"TDGTRAIL01\r\n"
FRAME_MAGIC: Final = b"\xf1TDt"
SEGMENT_SUFFIX: Final = ".trail"

NAME: Final = 1
ACCEPTED: Final = 2
FINAL: Final = 3
SHOWN: Final = 4

ACCOUNT: Final = 0
ROUTE: Final = 1
STATE: Final = 2

CARRIER_ID_OCTETS_MOST: Final = 64
PERSON_OCTETS: Final = 16

_FRAME: Final = struct.Struct("<4sII")
_LENGTH: Final = struct.Struct("<I")
_NAME_HEAD: Final = struct.Struct("<BBHH")
_ACCEPTED_HEAD: Final = struct.Struct("<BQIHH16sB")
_FINAL: Final = struct.Struct("<BQIB")
_SHOWN: Final = struct.Struct("<BQQ")
_pack_frame = _FRAME.pack
_pack_length = _LENGTH.pack

#: type, decision id, UTC seconds, account, route, person, octets of the carrier's id, which follows.
pack_accepted_head: Final = _ACCEPTED_HEAD.pack
#: Octets of a carrier's id that a row has room for; hardly any carrier gives longer ones.
ROW_ID_OCTETS: Final = 24
#: The same as a row has it: the carrier's id as far as there is room, of which the first so many octets are it.
unpack_accepted_row: Final = struct.Struct(f"<BQIHH16sB{ROW_ID_OCTETS}s").unpack_from
#: type, decision id, UTC seconds, state.
pack_final: Final = _FINAL.pack
#: type, decision id, the id that its ESME knows instead.
pack_shown: Final = _SHOWN.pack

#: Without the carrier's id.
ACCEPTED_OCTETS: Final = _ACCEPTED_HEAD.size
FINAL_OCTETS: Final = _FINAL.size


class NameRecord:
    """A number for a name; `kind` is ACCOUNT, ROUTE or STATE."""

    __slots__ = ("kind", "name", "number")

    def __init__(self, kind: int, number: int, name: str) -> None:
        self.kind: Final = kind
        self.number: Final = number
        self.name: Final = name


class AcceptedRecord:
    """A message that a carrier accepted."""

    __slots__ = ("account", "at", "carrier_id", "decision_id", "person", "route")

    def __init__(self, decision_id: int, at: int, account: int, route: int, person: bytes, carrier_id: bytes) -> None:
        self.decision_id: Final = decision_id
        self.at: Final = at
        self.account: Final = account
        self.route: Final = route
        self.person: Final = person
        self.carrier_id: Final = carrier_id


class FinalRecord:
    """The end of a message; state 0: it is forgotten."""

    __slots__ = ("at", "decision_id", "state")

    def __init__(self, decision_id: int, at: int, state: int) -> None:
        self.decision_id: Final = decision_id
        self.at: Final = at
        self.state: Final = state


class ShownRecord:
    """A message whose ESME knows it by another id: that of the submit_multi that it was a part of."""

    __slots__ = ("decision_id", "shown")

    def __init__(self, decision_id: int, shown: int) -> None:
        self.decision_id: Final = decision_id
        self.shown: Final = shown


Record = NameRecord | AcceptedRecord | FinalRecord | ShownRecord


def pack_name(kind: int, number: int, name: str) -> bytes:
    octets = name.encode()
    return _NAME_HEAD.pack(NAME, kind, number, len(octets)) + octets


def pack_frame(payload: bytes) -> bytes:
    """A frame around the records of one flush."""
    size = len(payload)
    return _pack_frame(FRAME_MAGIC, size, crc32(payload, crc32(_pack_length(size)))) + payload


def payloads(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """The payloads of a segment's sound frames, each with the offset behind its frame.

    What is no sound frame is stepped over up to the next one: after a power cut a page may be missing before one that
    is there. Whoever adds up the sizes knows how many octets were not sound.
    """
    at = octets.find(FRAME_MAGIC)
    while at >= 0:
        start = at + _FRAME.size
        if start > len(octets):
            return
        _, size, checksum = _FRAME.unpack_from(octets, at)
        end = start + size
        if end <= len(octets) and crc32(octets[start:end], crc32(_pack_length(size))) == checksum:
            yield end, octets[start:end]
            at = octets.find(FRAME_MAGIC, end)
        else:
            at = octets.find(FRAME_MAGIC, at + 1)


def frame_octets(payload: bytes) -> int:
    """How many octets the frame of a payload has."""
    return _FRAME.size + len(payload)


def records(payload: bytes) -> Iterator[Record]:
    """The records of a payload; ends at one of an unknown type."""
    at, end = 0, len(payload)
    while at < end:
        kind = payload[at]
        if kind == ACCEPTED:
            _, decision_id, when, account, route, person, size = _ACCEPTED_HEAD.unpack_from(payload, at)
            at += ACCEPTED_OCTETS
            yield AcceptedRecord(decision_id, when, account, route, person, payload[at : at + size])
            at += size
        elif kind == FINAL:
            _, decision_id, when, state = _FINAL.unpack_from(payload, at)
            yield FinalRecord(decision_id, when, state)
            at += FINAL_OCTETS
        elif kind == SHOWN:
            _, decision_id, shown = _SHOWN.unpack_from(payload, at)
            yield ShownRecord(decision_id, shown)
            at += _SHOWN.size
        elif kind == NAME:
            _, sort, number, size = _NAME_HEAD.unpack_from(payload, at)
            at += _NAME_HEAD.size
            yield NameRecord(sort, number, payload[at : at + size].decode())
            at += size
        else:
            return
