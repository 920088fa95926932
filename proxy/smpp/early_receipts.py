"""Receipts that may have come before the response to the message they are about: they wait for it. Sans-IO.

Owns which receipt waits for which open request. Must never lose one: what waits for nothing any more is given back.
"""

from typing import Final

from proxy.smpp.asked import TAIL, Asked, AskedToCancel, destinations_of
from proxy.smpp.pdu import Pdu
from proxy.smpp.window import Window, is_later

#: Receipts that wait for a response before the carrier is asked to try again later.
_MOST: Final = 1000

DELIVER: Final = "deliver"
WAITS: Final = "waits"
FULL: Final = "full"


class Waiting:
    """A receipt that waits. `about` is the end of its message's address, `last` the latest request to it then open."""

    __slots__ = ("about", "last", "pdu")

    def __init__(self, pdu: Pdu, about: bytes, last: int) -> None:
        self.pdu: Final = pdu
        self.about: Final = about
        self.last: Final = last


class EarlyReceipts:
    """The receipts that wait on one bind; `asked` are its open requests towards the carrier."""

    __slots__ = ("_asked", "waiting")

    def __init__(self, asked: Window[Asked | AskedToCancel]) -> None:
        self._asked = asked
        #: Open to hot loops, which only look whether there is any.
        self.waiting: list[Waiting] = []

    def take(self, pdu: Pdu, address: bytes) -> str:
        """Says whether a receipt about a message to `address` is to be delivered, waits here, or has no room."""
        # WHY the end of it: carriers write a number with or without its country code.
        about = address[-TAIL:]
        last = self._latest_to(about)
        if not last:
            return DELIVER
        if len(self.waiting) >= _MOST:
            return FULL
        self.waiting.append(Waiting(pdu, about, last))
        return WAITS

    def _latest_to(self, about: bytes) -> int:
        """The latest request to an address whose response is awaited, so that the ESME knows no id yet; or 0."""
        for sequence, (_, asked) in reversed(self._asked.entries.items()):
            if asked.pdu is not None and about in asked.pdu.raw and about in destinations_of(asked):
                return sequence
        return 0

    def released(self) -> list[Pdu]:
        """Takes out the receipts that wait for nothing any more: what was asked after they came is not theirs."""
        earliest: dict[bytes, int] = {}
        for sequence, (_, asked) in self._asked.entries.items():
            for about in destinations_of(asked):
                earliest.setdefault(about, sequence)
        free: list[Pdu] = []
        still: list[Waiting] = []
        for waiting in self.waiting:
            first = earliest.get(waiting.about)
            if first is None or is_later(first, waiting.last):
                free.append(waiting.pdu)
            else:
                still.append(waiting)
        self.waiting = still
        return free

    def drain(self) -> list[Pdu]:
        """Takes out everything: a side is gone."""
        pdus = [waiting.pdu for waiting in self.waiting]
        self.waiting = []
        return pdus
