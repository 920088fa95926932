"""Which message an ESME of a pool means by an id: one that the trail knows, or one that still waits to be sent.

Must never name a message of another account.
"""

from typing import Final, Protocol

from proxy.pool.dispatch import Dispatch
from proxy.pool.spoken import Spoken, named_in
from proxy.smpp.pdu import Pdu
from proxy.trail.message import Message, decision_of


class Known(Protocol):
    """The part of `proxy/trail` that is asked here."""

    def by_ours(self, decision_id: int) -> Message | None: ...


class PoolNames:
    """The `Names` of one pool (see `pool/spoken.py`)."""

    def __init__(self, trail: Known, dispatch: Dispatch) -> None:
        self._trail: Final = trail
        self._dispatch: Final = dispatch

    def find(self, account: str, pdu: Pdu) -> Spoken | None:
        message = decision_of(named_in(pdu.raw))
        if message is None:
            return None
        found = self._trail.by_ours(message)
        if found is None:
            ticket = self._dispatch.waiting(account, message)
            return None if ticket is None else Spoken(message, "", b"", ticket)
        # WHY the empty id: without one the carrier would be asked about whatever is between two addresses.
        if found.account != account or not found.carrier_id:
            return None
        return Spoken(message, found.route, found.carrier_id)
