"""What stands on disk of long messages that tdgate answered for: their parts, and how far they got. Pure.

Owns the format, MessagePack inside the sealed records of the spool. A part stands as it came. A mark says which parts
may have gone out to the carrier and which are over; the mark with the highest serial counts.
"""

from typing import Final

import msgspec
from msgspec import Struct


class PartRecord(Struct, frozen=True, array_like=True, tag="part"):
    """A part that was answered with `id`, which names its message too where it is the first: `message` says whose."""

    message: int
    id: int
    #: When the first part of its message came, UTC seconds.
    since: float
    raw: bytes


class MarkRecord(Struct, frozen=True, array_like=True, tag="mark"):
    """How far a message got: ids that may be at the carrier without an answer, those that it took, and those that ended
    otherwise, each with its message_state and command_status.
    """

    message: int
    serial: int
    out: list[int]
    taken: list[int]
    ended: list[tuple[int, int, int]]
    tries: int


Record = PartRecord | MarkRecord

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final[msgspec.msgpack.Decoder[Record]] = msgspec.msgpack.Decoder(PartRecord | MarkRecord)


def encode_record(record: Record) -> bytes:
    return _encoder.encode(record)


def decode_record(octets: bytes) -> Record:
    """Raises msgspec.DecodeError for anything else."""
    return _decoder.decode(octets)
