"""How crowded the way through tdgate is, told to v5 peers in our own answers (SMPP v5.0, congestion_state).

Owns the scale. Must never be put into an answer of the carrier, which has its own. How it works: the fuller of the
account's window and the evidence log counts; below `_FROM` nothing is said.
"""

from typing import Final

from proxy.judging.journal import Journal
from proxy.smpp.consts import TAG_CONGESTION_STATE
from proxy.smpp.tlv import encode_tlvs

#: SMPP v5.0: 90 to 99 is "nearly congested", 100 "congested". What is below is no reason to send more slowly.
_FROM: Final = 90
_MOST: Final = 100


class Congestion:
    """What a peer is told of the load."""

    __slots__ = ("_journal",)

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def state(self, in_flight: int, window: int) -> int:
        """0 to 100: the share of the window that is taken; the log counts 90 where crowded, 100 where full."""
        journal = self._journal
        log = 0 if not journal.is_crowded() else _FROM if journal.room else _MOST
        return max(log, min(_MOST, _MOST * in_flight // max(1, window)))

    def octets(self, in_flight: int, window: int) -> bytes:
        """The TLV, empty while there is nothing to tell."""
        state = self.state(in_flight, window)
        return encode_tlvs(((TAG_CONGESTION_STATE, bytes((state,))),)) if state >= _FROM else b""
