"""What an SMSC may do wrong, on demand: one table of faults, and the fate of each message under them.

Owns the choice. Must never act: the session does. Counts are per connection and start at 1; shares are drawn from the
generator given, in the order of arrival, so that a seed repeats them.
"""

import enum
import random
from typing import Literal

import msgspec

from proxy.smpp.consts import ESME_RBINDFAIL, ESME_RTHROTTLED


class Faults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Faults of an SMSC; the defaults are none at all."""

    slow_ms: float = 0.0
    """Every answer to a message leaves this much later."""
    mute_after: int | None = None
    """After this many messages of a connection nothing leaves any more, not even enquire_link_resp."""
    disconnect_after: int | None = None
    """The connection ends after this many messages, the last of them unanswered."""
    disconnect_by: Literal["close", "reset"] = "reset"
    nack_share: float = 0.0
    """Share of messages that are answered with `nack_status`."""
    nack_status: int = ESME_RTHROTTLED
    generic_nack_share: float = 0.0
    """Share of messages that are answered with generic_nack and `nack_status`."""
    wrong_sequence_share: float = 0.0
    """Share of messages whose answer carries a sequence_number that nobody asked with."""
    duplicate_share: float = 0.0
    """Share of messages that are answered twice."""
    half_pdu_after: int | None = None
    """Of the answer to the message after this many only the first half leaves."""
    half_pdu_then: Literal["silence", "close"] = "silence"
    refuse_binds: int = 0
    """How many binds are refused (with `bind_status`) before one succeeds; -1: all of them."""
    bind_status: int = ESME_RBINDFAIL
    ignore_binds: bool = False
    """Binds are never answered."""

    def __post_init__(self) -> None:
        shares = (self.nack_share, self.generic_nack_share, self.wrong_sequence_share, self.duplicate_share)
        if any(not 0.0 <= share <= 1.0 for share in shares) or sum(shares) > 1.0:
            raise ValueError("shares of faults lie between 0 and 1, and so does their sum")


class Fate(enum.Enum):
    """What becomes of one message."""

    ANSWER = "answer"
    NACK = "nack"
    GENERIC_NACK = "generic_nack"
    WRONG_SEQUENCE = "wrong_sequence"
    DUPLICATE = "duplicate"
    MUTE = "mute"
    DISCONNECT = "disconnect"
    HALF_PDU = "half_pdu"


def fate_of(faults: Faults, count: int, rng: random.Random) -> Fate:
    """Say what becomes of the `count`-th message of a connection."""
    if faults.disconnect_after is not None and count >= faults.disconnect_after:
        return Fate.DISCONNECT
    if faults.half_pdu_after is not None and count > faults.half_pdu_after:
        return Fate.HALF_PDU
    if faults.mute_after is not None and count > faults.mute_after:
        return Fate.MUTE
    drawn = rng.random()
    for share, fate in (
        (faults.nack_share, Fate.NACK),
        (faults.generic_nack_share, Fate.GENERIC_NACK),
        (faults.wrong_sequence_share, Fate.WRONG_SEQUENCE),
        (faults.duplicate_share, Fate.DUPLICATE),
    ):
        if drawn < share:
            return fate
        drawn -= share
    return Fate.ANSWER
