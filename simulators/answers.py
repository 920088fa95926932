"""What an SMSC said: a refused bind, the answer to a message.

Owns these values. Must never judge them.
"""

import msgspec

from proxy.smpp import consts


class BindRefused(Exception):
    """The SMSC answered the bind with a status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"bind refused: {consts.STATUS_NAMES.get(status, 'vendor status')} (0x{status:08X})")
        self.status = status


class SubmitResult(msgspec.Struct, frozen=True):
    """The answer to a message."""

    status: int
    """command_status; of several parts the first that is not 0."""
    message_id: str
    """Empty where the answer carried none; of several parts the first's."""
    parts: tuple["SubmitResult", ...] = ()
    """Every part's answer, where the text went in parts."""
    nacked: bool = False
    """Whether the answer was a generic_nack."""

    @property
    def status_name(self) -> str:
        """`ESME_ROK`, …; the number where the specification has no name."""
        return consts.STATUS_NAMES.get(self.status, f"0x{self.status:08X}")
