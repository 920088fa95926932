"""What reached an SMSC, message by message, for tests and scenarios to look at.

Owns the record of one submit_sm or data_sm and the joining of its parts. Must never judge it.
"""

import msgspec

from proxy.smpp.consts import DATA_SM
from proxy.smpp.short_message import ShortMessage, read_data_sm, read_sm
from simulators import wording


class Arrived(msgspec.Struct, frozen=True):
    """A message that a bind sent."""

    system_id: str
    """Of the bind."""
    session: int
    """Number of the connection, from 1."""
    command: int
    raw: bytes
    message: ShortMessage
    message_id: str
    status: int
    """What it was answered with; 0 also where a fault kept the answer back."""
    at: float
    """Loop time (monotonic seconds) of its arrival."""

    @property
    def source(self) -> str:
        """source_addr as it stood."""
        return self.message.source.decode("latin-1")

    @property
    def destination(self) -> str:
        """destination_addr as it stood."""
        return self.message.dest.decode("latin-1")

    @property
    def data_coding(self) -> int:
        """data_coding as it stood."""
        return self.message.data_coding

    @property
    def tlvs(self) -> tuple[tuple[int, bytes], ...]:
        """All TLVs in wire order."""
        return self.message.tlvs

    @property
    def text(self) -> str:
        """The text as a telephone shows it, without UDH, of this part only."""
        octets, _ = wording.split_udh(self.message.short_message, self.message.esm_class, self.message.tlvs)
        return wording.decode(octets, self.message.data_coding)

    @property
    def part(self) -> wording.Part | None:
        """Which part of a long message it is."""
        return wording.split_udh(self.message.short_message, self.message.esm_class, self.message.tlvs)[1]


def read_message(command: int, raw: bytes) -> ShortMessage:
    """Read a submit_sm, deliver_sm or data_sm; raises PduError."""
    return read_data_sm(raw) if command == DATA_SM else read_sm(raw)


class Joiner:
    """Joins the texts of parts, in whatever order they come."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str, int, int], dict[int, str]] = {}

    def whole(self, arrived: Arrived) -> str | None:
        """Give the text once it is whole; None while parts are missing."""
        part = arrived.part
        if part is None or part.total < 2:
            return arrived.text
        key = (arrived.source, arrived.destination, part.reference, part.total)
        parts = self._open.setdefault(key, {})
        parts[part.number] = arrived.text
        if len(parts) < part.total:
            return None
        del self._open[key]
        return "".join(parts[number] for number in sorted(parts))
