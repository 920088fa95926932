"""The PDU as the wire carries it: sixteen octets of header, and a body that nobody has looked into.

Owns the header's layout, the patch of a sequence_number, the answers that need no codec, and the error that says which
command_status to answer. Must never read a body: that is `codec` and `short_message`. Forwarding takes `raw` and
patches four octets of it, so everything we do not know passes byte for byte.
"""

import struct
from typing import Final

from proxy.smpp.consts import GENERIC_NACK, HEADER_OCTETS

HEADER: Final = struct.Struct(">IIII")
"""command_length, command_id, command_status, sequence_number (SMPP v3.4 §3.2)."""

_pack_header = HEADER.pack
_pack_sequence = struct.Struct(">I").pack


class PduError(Exception):
    """A PDU that is not what it says it is, with what to answer.

    `status` is the command_status for the response. `reason` is a short machine word for the log and the counter
    (`truncated`, `overlong.source_addr`): it names fields, and never holds their octets.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{reason} (0x{status:08X})")
        self.status = status
        self.reason = reason

    def __reduce__(self) -> tuple[type["PduError"], tuple[int, str]]:
        return PduError, (self.status, self.reason)


class Pdu:
    """One framed PDU; its body is read lazily, by offset, from `raw`.

    `status` is command_status (0 in requests; peers send others all the same), `sequence` is sequence_number, any
    32-bit value: peers send 0 and 0xFFFFFFFF. `raw` holds all octets, the header's sixteen included; as many as
    command_length says.
    """

    __slots__ = ("command_id", "raw", "sequence", "status")

    def __init__(self, command_id: int, status: int, sequence: int, raw: bytes) -> None:
        self.command_id: Final = command_id
        self.status: Final = status
        self.sequence: Final = sequence
        self.raw: Final = raw


def with_sequence(raw: bytes, sequence: int) -> bytes:
    """Give the same PDU under another sequence_number; no octet but 12 to 15 differs."""
    return raw[:12] + _pack_sequence(sequence) + raw[16:]


def response(command_id: int, status: int, sequence: int, body: bytes = b"") -> bytes:
    """Put a header before a body whose octets are ready; `command_id` is that of the response."""
    return _pack_header(HEADER_OCTETS + len(body), command_id, status, sequence) + body


def generic_nack(status: int, sequence: int) -> bytes:
    """Build a generic_nack; `sequence` is 0 where the offender's cannot be read (SMPP v3.4 §4.3.1)."""
    return _pack_header(HEADER_OCTETS, GENERIC_NACK, status, sequence)
