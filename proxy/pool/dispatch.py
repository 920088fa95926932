"""The way from ESMEs to carriers in pool mode: which route a permitted request takes, when, and what answers it.

Owns the queues of the routes and the rewriting of message_ids. Must never send without a permit, lose a request that
waits, or let one ESME or one route hold up another. How it works: a request goes to the first route that its carrier's
list allows; where that has no room now it waits there, in its ESME's turn. An answer enters the message in the trail
and goes back under tdgate's own id: the decision's, sixteen hex digits.
"""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from proxy.core.decision import Decision
from proxy.pool.bind import PoolBind
from proxy.pool.several import SeveralTicket
from proxy.pool.ticket import Asker, Errand, TakenBack, Ticket
from proxy.routing.choice import Route, Routes
from proxy.routing.pace import Pace
from proxy.routing.rotation import Rotation
from proxy.smpp.consts import HEADER_OCTETS, QUERY_SM_RESP, RESPONSE_BIT
from proxy.smpp.gate import REJECTED, UNKNOWN
from proxy.smpp.pdu import Pdu, response
from proxy.smpp.withdrawal import Withdrawal, failure_of

#: Requests that wait at one route before further ones are turned away (`internal.upstream`).
_WAITING_MOST: Final = 10_000
#: How often lines are looked through for requests that have waited too long.
_LOOK_S: Final = 1.0


class Books(Protocol):
    """Where the fate of a message is written (`proxy/judging/pool_books.py`)."""

    def accepted(self, ticket: Ticket, route: str, carrier_id: bytes) -> None:
        """The carrier took it. INVARIANT: on disk before the ESME's answer is written."""
        ...

    def one_accepted(self, ticket: SeveralTicket, decision: Decision, route: str, carrier_id: bytes) -> None:
        """The carrier took one person's message of a submit_multi."""
        ...

    def one_ended(self, decision: Decision, result: str, status: int) -> None:
        """One person's message of a submit_multi ended as `rejected` or `unknown`."""
        ...

    def rejected(self, ticket: Ticket, status: int) -> None: ...

    def unknown(self, ticket: Ticket) -> None: ...

    def late(self, ticket: Ticket, route: str, status: int, carrier_id: bytes) -> None: ...

    def note(self, event: str) -> None: ...


class PoolRoute:
    """One route: how it stands, its binds, its pace, and who waits for it."""

    __slots__ = ("_next", "binds", "facts", "name", "pace", "waiting")

    def __init__(self, facts: Route, pace: Pace) -> None:
        self.facts: Final = facts
        self.name: Final = facts.name
        self.pace: Final = pace
        self.waiting: Final[Rotation[Asker, Ticket]] = Rotation()
        self.binds: list[PoolBind] = []
        self._next = 0

    def free_bind(self) -> PoolBind | None:
        """The next bind, in turn, that has room; None where none has."""
        count = len(self.binds)
        for step in range(count):
            bind = self.binds[(self._next + step) % count]
            if bind.has_room:
                self._next = (self._next + step + 1) % count
                return bind
        return None


class Dispatch:
    """All routes of one process. `touched` collects the binds that have something to say: the shell writes them."""

    __slots__ = ("_books", "_choice", "_latest", "_looked_at", "_wait_s", "routes", "touched")

    def __init__(self, routes: Iterable[PoolRoute], books: Books, wait_s: float) -> None:
        self.routes: Final = {route.name: route for route in routes}
        self._choice = Routes(route.facts for route in self.routes.values())
        self._books = books
        #: How long a request waits at a route before it is turned away.
        self._wait_s = wait_s
        self._looked_at = 0.0
        #: The decision of the latest request, and the route it took.
        self._latest: tuple[int, PoolRoute | None] = (0, None)
        self.touched: set[PoolBind] = set()

    @property
    def latest_decision(self) -> int:
        """The decision of the latest request that a route took: one of the same is another part of its message."""
        return self._latest[0]

    def send(self, ticket: Ticket, now: float) -> None:
        """Sends a request, lets it wait for its turn, or tells its ESME that no route takes it."""
        if ticket.part and self._send_behind(ticket, now):
            return
        candidates = self._choice.candidates(ticket.carrier)
        if candidates is None:
            ticket.asker.unroutable(ticket)
            return
        for place, facts in enumerate(candidates):
            route = self.routes[facts.name]
            if not len(route.waiting) and self._send_on(route, ticket, now):
                if place:
                    self._choice.took(ticket.carrier, facts)
                self._latest = (ticket.decision_id, route)
                return
        for facts in candidates:
            route = self.routes[facts.name]
            if len(route.waiting) < _WAITING_MOST:
                route.waiting.put(ticket.asker, ticket)
                self._latest = (ticket.decision_id, route)
                return
        ticket.asker.unroutable(ticket)

    def _send_behind(self, ticket: Ticket, now: float) -> bool:
        """Sends a part by the route of the one before it: a handset joins what one SMSC brings more surely."""
        if isinstance(ticket, Errand):
            self._send_by(self.routes.get(ticket.route), ticket, now)
            return True
        decision_id, route = self._latest
        if decision_id != ticket.decision_id or route is None or not route.facts.open:
            return False
        if len(route.waiting) or not self._send_on(route, ticket, now):
            route.waiting.put(ticket.asker, ticket)
        return True

    def _send_by(self, route: PoolRoute | None, ticket: Errand, now: float) -> None:
        """Sends what only one route's carrier can answer, or lets it wait there."""
        if route is None or not route.facts.open or len(route.waiting) >= _WAITING_MOST:
            ticket.asker.unroutable(ticket)
        elif len(route.waiting) or not self._send_on(route, ticket, now):
            route.waiting.put(ticket.asker, ticket)

    def _send_on(self, route: PoolRoute, ticket: Ticket, now: float) -> bool:
        bind = route.free_bind()
        if bind is None or not route.pace.take(now):
            return False
        bind.send(ticket, now)
        self.touched.add(bind)
        return True

    def pump(self, route: PoolRoute, now: float) -> None:
        """Sends what waits at a route, in fair turns, as far as there is room and the pace allows."""
        while len(route.waiting):
            bind = route.free_bind()
            if bind is None or not route.pace.take(now):
                return
            turn = route.waiting.take()
            if turn is None:
                return
            ticket = turn[1]
            if ticket.asker.stands(ticket):
                bind.send(ticket, now)
                self.touched.add(bind)

    def from_carrier(self, bind: PoolBind, pdu: Pdu, now: float) -> None:
        """Takes one response of a carrier to a request."""
        ticket = bind.take_answer(pdu)
        if ticket is None:
            self._late(bind, pdu)
            return
        route = self.routes[bind.route]
        raw = pdu.raw
        if type(ticket) is not Ticket:
            self._other_answered(route, ticket, pdu, now)
            return
        carrier_id = message_id(raw)
        # WHY without an id too: it was taken all the same, only that no receipt will be found to be about it.
        if pdu.status == 0 and pdu.command_id == ticket.pdu.command_id | RESPONSE_BIT:
            self._books.accepted(ticket, bind.route, carrier_id)
            octets = under_our_id(pdu, ticket)
        else:
            if route.pace.refused(now, pdu.status):
                self._books.note("route.slowed")
            self._books.rejected(ticket, pdu.status)
            octets = response(pdu.command_id, pdu.status, ticket.pdu.sequence, raw[16:])
        ticket.asker.answered(ticket, octets)
        if len(route.waiting):
            self.pump(route, now)

    def _other_answered(self, route: PoolRoute, ticket: Ticket | TakenBack, pdu: Pdu, now: float) -> None:
        """An answer to what is no message: to a request about one, or to a cancel of tdgate's own."""
        if pdu.status and route.pace.refused(now, pdu.status):
            self._books.note("route.slowed")
        if isinstance(ticket, TakenBack):
            ticket.ended(ticket.decision_id, failure_of(pdu))
        elif isinstance(ticket, SeveralTicket):
            self._several_accepted(ticket, pdu, route.name)
            for decision_id, status in ticket.several.rejected(pdu.raw):
                self._books.one_ended(ticket.several.decision(decision_id), REJECTED, status)
            ticket.asker.answered(ticket, pdu.raw)
        else:
            ticket.asker.answered(ticket, _about_ours(pdu, ticket))
        if len(route.waiting):
            self.pump(route, now)

    def _several_accepted(self, ticket: SeveralTicket, pdu: Pdu, route: str) -> None:
        given, readable = ticket.several.answered(pdu.raw)
        if not readable:
            self._books.note("pdu.malformed")
        rejected = {decision_id for decision_id, _ in ticket.several.rejected(pdu.raw)}
        for _, decision in ticket.several.permitted:
            if decision.id not in rejected:
                self._books.one_accepted(ticket, decision, route, given)

    def _late(self, bind: PoolBind, pdu: Pdu) -> None:
        ticket = bind.take_late(pdu)
        if ticket is None:
            self._books.note("response.unsolicited")
        elif type(ticket) is not Ticket:
            self._books.note("response.late")
            if isinstance(ticket, SeveralTicket):
                # WHY: it was answered as unknown, and yet receipts are to find their way.
                self._several_accepted(ticket, pdu, bind.route)
        else:
            self._books.late(ticket, bind.route, pdu.status, message_id(pdu.raw))

    def in_flight(self, route: str) -> int:
        """Requests that no bind of a route has answered yet: on any of them what is said may be about one of these."""
        return sum([bind.in_flight for bind in self.routes[route].binds])

    def bind_came(self, bind: PoolBind, now: float) -> None:
        """A bind of a route stands."""
        route = self.routes[bind.route]
        route.binds.append(bind)
        route.facts.up = True
        self.pump(route, now)

    def bind_lost(self, bind: PoolBind, now: float) -> None:
        """A bind is gone: its open requests are unknown; what waited at a route without binds goes another way."""
        route = self.routes[bind.route]
        if bind in route.binds:
            route.binds.remove(bind)
        route.facts.up = bool(route.binds)
        for ticket in bind.lost():
            self._unknown(ticket)
        if not route.facts.open:
            self.turn_away(route, now)

    def drain(self, name: str, draining: bool, now: float) -> None:
        """Lets a route take no new work, and what waits there go another way; or lets it work again."""
        route = self.routes[name]
        route.facts.draining = draining
        if draining:
            self.turn_away(route, now)
        else:
            self.pump(route, now)

    def turn_away(self, route: PoolRoute, now: float) -> None:
        """Sends what waits at a route that takes nothing any more by other ones: no permit of it is spent."""
        left = []
        while (turn := route.waiting.take()) is not None:
            left.append(turn[1])
        for ticket in left:
            if ticket.asker.stands(ticket):
                self.send(ticket, now)

    def asker_gone(self, asker: Asker) -> list[Ticket]:
        """Takes out what an ESME that is gone still had waiting; its permits were never spent."""
        return [ticket for route in self.routes.values() for ticket in route.waiting.drop(asker)]

    def refused(self, person: bytes, now: float) -> None:
        """A person refused: what waits for that person goes on waiting only if it would be permitted now as well."""
        for route in self.routes.values():
            for ticket in _taken_out(route, lambda one: one.concerns(person)):
                if ticket.asker.stands(ticket):
                    self.send(ticket, now)

    def waiting(self, account: str, message: int) -> Ticket | None:
        """The request that still waits here under an id of an account's; looks through all of that account."""
        for route in self.routes.values():
            for asker in route.waiting.owners():
                if asker.account == account:
                    for ticket in route.waiting.items(asker):
                        if ticket.message == message and type(ticket) is Ticket:
                            return ticket
        return None

    def call_back(self, ticket: Ticket) -> bool:
        """Takes out a request that waits, which ends by that; False where it waits no longer."""
        if not any(route.waiting.remove(ticket.asker, ticket) for route in self.routes.values()):
            return False
        ticket.asker.called_back(ticket)
        return True

    def handle_deadline(self, now: float) -> None:
        """Gives up what has waited too long for an answer, and sends what the pace allows by now."""
        for route in self.routes.values():
            for bind in route.binds:
                for ticket in bind.expired(now):
                    self._books.note("response.timeout")
                    self._unknown(ticket)
            if len(route.waiting) and now >= self._looked_at + _LOOK_S:
                # WHY: an ESME that has no answer for so long asks again, and its person would get both.
                for ticket in _taken_out(route, lambda one: now >= one.since + self._wait_s):
                    ticket.asker.unroutable(ticket)
            self.pump(route, now)
        if now >= self._looked_at + _LOOK_S:
            self._looked_at = now

    def withdraw(self, name: str, withdrawal: Withdrawal, taken_back: TakenBack, now: float) -> bool:
        """Asks a route's carrier to cancel a message; False where there is no room or no way now."""
        route = self.routes[name]
        bind = route.free_bind()
        if bind is None or not route.pace.take(now):
            return False
        bind.withdraw(withdrawal, taken_back, now)
        self.touched.add(bind)
        return True

    def _unknown(self, ticket: Ticket | TakenBack) -> None:
        if isinstance(ticket, TakenBack):
            ticket.ended(ticket.decision_id, None)
            return
        if isinstance(ticket, SeveralTicket):
            for _, decision in ticket.several.permitted:
                self._books.one_ended(decision, UNKNOWN, 0)
        elif type(ticket) is Ticket:
            self._books.unknown(ticket)
        ticket.asker.left_unknown(ticket)


def _taken_out(route: PoolRoute, wanted: Callable[[Ticket], bool]) -> list[Ticket]:
    """Takes what is wanted out of the lines of a route; all else keeps its place."""
    found: list[Ticket] = []
    kept: list[Ticket] = []
    while (turn := route.waiting.take()) is not None:
        (found if wanted(turn[1]) else kept).append(turn[1])
    for ticket in kept:
        route.waiting.put(ticket.asker, ticket)
    return found


def message_id(raw: bytes) -> bytes:
    """The message_id of a response, empty where it came without a body or has no end."""
    end = raw.find(0, 16)
    return raw[16:end] if end > 16 else b""


def our_id(message: int) -> bytes:
    """The message_id that an ESME gets in pool mode (see `Ticket.message`): sixteen lower-case hex digits."""
    return b"%016x" % message


def _about_ours(pdu: Pdu, ticket: Ticket) -> bytes:
    """The answer to a request about a message: only that to a query_sm names it."""
    if pdu.command_id == QUERY_SM_RESP and len(pdu.raw) > HEADER_OCTETS and not pdu.status:
        return under_our_id(pdu, ticket)
    return response(pdu.command_id, pdu.status, ticket.pdu.sequence, pdu.raw[HEADER_OCTETS:])


def under_our_id(pdu: Pdu, ticket: Ticket) -> bytes:
    """A carrier's answer as the ESME gets it: our message_id, the ESME's sequence_number, TLVs as they are."""
    end = pdu.raw.find(0, 16)
    rest = pdu.raw[end:] if end >= 16 else b"\0"
    return response(pdu.command_id, 0, ticket.pdu.sequence, our_id(ticket.message) + rest)
