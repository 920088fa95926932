"""Receipts that may have come before the response to the message they are about: they wait for it. Sans-IO.

Owns which receipt waits for which open request. Must never lose one: what waits for nothing any more is given back.
"""

from typing import Final

from proxy.smpp.asked import TAIL, Asked, AskedToCancel, destinations_of
from proxy.smpp.pdu import Pdu
from proxy.smpp.window import Window, is_later

#: Receipts that wait for a response before the carrier is asked to try again later.
_MOST: Final = 1000
#: Addresses that are remembered although nothing is open to most of them.
_KNOWN_MOST: Final = 1024
#: Requests to one address after which those that were answered are forgotten.
_MANY: Final = 64

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

    __slots__ = ("_asked", "_seen", "_to", "waiting")

    def __init__(self, asked: Window[Asked | AskedToCancel]) -> None:
        self._asked = asked
        #: The requests to each address, oldest first, up to `_seen`; some of them may have been answered since.
        self._to: dict[bytes, list[int]] = {}
        self._seen = 0
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
        self._look()
        sequences = self._to.get(about)
        if sequences is None:
            return 0
        entries = self._asked.entries
        while sequences:
            if sequences[-1] in entries:
                return sequences[-1]
            sequences.pop()
        del self._to[about]
        return 0

    def _look(self) -> None:
        """Notes where the requests go that were not looked at yet. WHY once each: the window may be a thousand wide."""
        entries = self._asked.entries
        if len(self._to) > _KNOWN_MOST and len(self._to) > 4 * len(entries):
            self._to.clear()
            self._seen = 0
        new: list[tuple[int, Asked | AskedToCancel]] = []
        for sequence, (_, asked) in reversed(entries.items()):
            if self._seen and not is_later(sequence, self._seen):
                break
            new.append((sequence, asked))
        if new:
            self._seen = new[0][0]
        for sequence, asked in reversed(new):
            for about in destinations_of(asked):
                sequences = self._to.setdefault(about, [])
                if len(sequences) % _MANY == _MANY - 1:
                    sequences[:] = [one for one in sequences if one in entries]
                sequences.append(sequence)

    def released(self) -> list[Pdu]:
        """Takes out the receipts that wait for nothing any more: what was asked after they came is not theirs."""
        entries = self._asked.entries
        # WHY: this is asked at each response, and mostly the request that a receipt waits for is still open.
        if not any(waiting.last not in entries for waiting in self.waiting):
            return []
        earliest: dict[bytes, int] = {}
        for sequence, (_, asked) in entries.items():
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
