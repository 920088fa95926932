"""Which message an ESME of a pool means by an id: one that the trail knows, or one that still waits to be sent.

Must never name a message of another account.
"""

from typing import Final, Protocol

from proxy.core.addresses import recipient
from proxy.judging.in_force import InForce
from proxy.pool.dispatch import Dispatch
from proxy.pool.spoken import Spoken, named_in
from proxy.smpp.codec import decode
from proxy.smpp.consts import CANCEL_SM
from proxy.smpp.pdu import Pdu
from proxy.trail.message import Message, decision_of


class Known(Protocol):
    """The part of `proxy/trail` that is asked here."""

    def all_shown_as(self, shown: int) -> tuple[Message, ...]: ...


class PoolNames:
    """The `Names` of one pool (see `pool/spoken.py`)."""

    def __init__(self, trail: Known, dispatch: Dispatch, in_force: InForce) -> None:
        self._in_force: Final = in_force
        self._trail: Final = trail
        self._dispatch: Final = dispatch

    def find(self, account: str, pdu: Pdu) -> Spoken | None:
        message = decision_of(named_in(pdu.raw))
        if message is None:
            return None
        found = [one for one in self._trail.all_shown_as(message) if one.account == account]
        if not found:
            ticket = self._dispatch.waiting(account, message)
            return None if ticket is None else Spoken(message, "", b"", ticket)
        if len(found) > 1 and pdu.command_id == CANCEL_SM:
            found = self._of_its_person(found, pdu)
        there = {(one.route, one.carrier_id) for one in found}
        # WHY no more: a submit_multi that several carriers have is no single message; nobody could answer for it.
        if len(there) != 1:
            return None
        route, carrier_id = there.pop()
        # WHY the empty id: without one the carrier would be asked about whatever is between two addresses.
        return Spoken(message, route, carrier_id) if carrier_id else None

    def _of_its_person(self, found: list[Message], pdu: Pdu) -> list[Message]:
        """Those to the person that a cancel_sm names; all where it names nobody. Raises PduError as `decode`."""
        fields = decode(pdu.raw).values
        ton, npi, address = fields["dest_addr_ton"], fields["dest_addr_npi"], fields["destination_addr"]
        if not address or not isinstance(address, bytes) or not isinstance(ton, int) or not isinstance(npi, int):
            return found
        person = recipient(ton, npi, address)
        key = self._in_force.snapshot.person_key
        names = (b"",) if person is None else (key.digest(person), key.other(person) or key.digest(person))
        return [one for one in found if one.person in names]
