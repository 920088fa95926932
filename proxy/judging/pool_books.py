"""What is written of each message in pool mode once it left: its ids in the trail, a failure in the evidence.

Owns the hash under which a carrier's id stands in the evidence. Must never write an id in clear there.
"""

from collections.abc import Callable
from typing import Final, Protocol

from proxy.core.decision import Decision
from proxy.judging.hearing import Hearing
from proxy.judging.in_force import InForce
from proxy.judging.journal import Journal
from proxy.pool.several import SeveralTicket
from proxy.pool.ticket import Ticket
from proxy.smpp.gate import LATE, REJECTED, UNKNOWN

#: SMPP v3.4 §5.2.23.
_CARRIER_ID_OCTETS_MOST: Final = 64


class Trail(Protocol):
    """The part of `proxy/trail` that the books need."""

    def accepted(self, decision_id: int, account: str, route: str, carrier_id: bytes, person: bytes) -> None: ...

    def show(self, decision_id: int, shown: int) -> None: ...


class PoolBooks:
    """The `Books` of a dispatch (see `pool/dispatch.py`)."""

    def __init__(
        self, in_force: InForce, journal: Journal, hearing: Hearing, trail: Trail, log: Callable[[str], None]
    ) -> None:
        self._in_force = in_force
        self._journal = journal
        self._hearing = hearing
        self._trail = trail
        self._log = log

    def accepted(self, ticket: Ticket, route: str, carrier_id: bytes) -> None:
        # WHY: an id that the protocol has no room for must cost its receipt, not the ESME's answer.
        known = carrier_id if len(carrier_id) <= _CARRIER_ID_OCTETS_MOST else b""
        self._trail.accepted(ticket.message, ticket.asker.account, route, known, ticket.person)

    def one_accepted(self, ticket: SeveralTicket, decision: Decision, route: str, carrier_id: bytes) -> None:
        known = carrier_id if len(carrier_id) <= _CARRIER_ID_OCTETS_MOST else b""
        self._trail.accepted(decision.id, ticket.asker.account, route, known, decision.person)
        if decision.id != ticket.whole.shown:
            self._trail.show(decision.id, ticket.whole.shown)

    def one_ended(self, decision: Decision, result: str, status: int) -> None:
        self._hearing.latest.forget(decision.id)
        if result == UNKNOWN:
            self._log("outcome.unknown")
        self._journal.outcome(decision.id, result, status, b"")

    def rejected(self, ticket: Ticket, status: int) -> None:
        self._hearing.latest.forget(ticket.decision_id)
        # WHY not a part: its message has one end, which its desk records.
        if ticket.part is None:
            self._journal.outcome(ticket.decision_id, REJECTED, status, b"")

    def unknown(self, ticket: Ticket) -> None:
        self._hearing.latest.forget(ticket.decision_id)
        if ticket.part is None:
            self._log("outcome.unknown")
            self._journal.outcome(ticket.decision_id, UNKNOWN, 0, b"")

    def late(self, ticket: Ticket, route: str, status: int, carrier_id: bytes) -> None:
        self._log("response.late")
        if carrier_id and not status:
            # WHY: it was answered as unknown, and yet its receipt is to find its way.
            self.accepted(ticket, route, carrier_id)
        hashed = self._in_force.snapshot.person_key.fingerprint(carrier_id) if carrier_id else b""
        self._journal.outcome(ticket.decision_id, LATE, status, hashed)

    def note(self, event: str) -> None:
        self._log(event)
