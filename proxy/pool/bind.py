"""One bind of a carrier route in pool mode: its session, its window, and what each answer belongs to. Sans-IO.

Must never answer an ESME twice for one request, or forward without a permit. Whoever owns the route decides who sends
next; this only knows whether there is room.
"""

from typing import Final

from proxy.pool.ticket import TakenBack, Ticket
from proxy.smpp.consts import GENERIC_NACK, RESPONSE_BIT
from proxy.smpp.forward import forward
from proxy.smpp.pdu import Pdu
from proxy.smpp.session import Session
from proxy.smpp.window import Window
from proxy.smpp.withdrawal import Withdrawal

_SENDING: Final = ("tx", "trx")
_LATE_KEPT: Final = 10_000


class PoolBind:
    """The carrier's side of one connection. `route` is its route's name; `now` is monotonic seconds."""

    __slots__ = ("_late", "_window", "gone", "owed", "route", "session")

    def __init__(self, route: str, session: Session, window: int, response_s: float) -> None:
        self.route: Final = route
        self.session: Final = session
        #: Set once the connection is gone.
        self.gone = False
        #: Deliveries of the carrier that wait for the disk.
        self.owed = 0
        self._window: Window[Ticket | TakenBack] = Window(window, response_s)
        #: What was given up, by sequence_number: it may still be answered.
        self._late: dict[int, Ticket | TakenBack] = {}

    @property
    def in_flight(self) -> int:
        """Requests that the carrier has not answered yet."""
        return len(self._window)

    @property
    def has_room(self) -> bool:
        """Whether another request may be sent now."""
        return not self._window.full and self.session.state in _SENDING

    def send(self, ticket: Ticket, now: float) -> None:
        """Spends the ticket's permit. INVARIANT: the caller asked `has_room` first."""
        forward(ticket.permit, self.session, self._window.open(ticket, now))

    def withdraw(self, withdrawal: Withdrawal, taken_back: TakenBack, now: float) -> None:
        """Asks the carrier to cancel a message, by its own id for it. INVARIANT: the caller asked `has_room` first."""
        self.session.out.append_as(withdrawal.octets, self._window.open(taken_back, now))

    def take_answer(self, pdu: Pdu) -> Ticket | TakenBack | None:
        """The request that a response answers, which is open no longer; None where it answers none."""
        ticket = self._window.peek(pdu.sequence)
        # WHY: an answer to something else says nothing of this message, which goes on waiting for its own.
        if ticket is None or pdu.command_id not in (ticket.pdu.command_id | RESPONSE_BIT, GENERIC_NACK):
            return None
        self._window.close(pdu.sequence)
        return ticket

    def take_late(self, pdu: Pdu) -> Ticket | TakenBack | None:
        """The request that was given up before this answer to it came, None where there is none such."""
        ticket = self._late.get(pdu.sequence)
        if ticket is None or pdu.command_id not in (ticket.pdu.command_id | RESPONSE_BIT, GENERIC_NACK):
            return None
        del self._late[pdu.sequence]
        return ticket

    def next_sequence(self) -> int:
        """A sequence_number for a link request."""
        return self._window.next_sequence()

    def next_deadline(self) -> float | None:
        """Monotonic time at which the oldest request has waited too long."""
        return self._window.next_deadline()

    def expired(self, now: float) -> list[Ticket | TakenBack]:
        """Takes out what has waited too long; a late answer still finds it."""
        given_up = []
        for sequence, ticket in self._window.expired(now):
            if len(self._late) >= _LATE_KEPT:
                del self._late[next(iter(self._late))]
            self._late[sequence] = ticket
            given_up.append(ticket)
        return given_up

    def lost(self) -> list[Ticket | TakenBack]:
        """Takes out everything that was open: the connection is gone."""
        self.gone = True
        self._late.clear()
        return self._window.drain()
