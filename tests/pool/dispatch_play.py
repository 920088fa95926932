"""A pool of three routes without sockets: ESMEs that write down how their requests ended, and a clock."""

from __future__ import annotations

from proxy.core.decision import Permit
from proxy.policy import evaluate
from proxy.pool.bind import PoolBind
from proxy.pool.dispatch import Dispatch, PoolRoute
from proxy.pool.ticket import Ticket
from proxy.routing.choice import Route
from proxy.routing.pace import Pace
from proxy.smpp.consts import SUBMIT_SM, SUBMIT_SM_RESP
from proxy.smpp.pdu import Pdu, response
from proxy.smpp.session import Session, Timers
from tests.rules.scene import BASE, build
from tests.tools.session_play import read_all
from tests.tools.slotted import changed

QUIET = Timers(1e9, 1e9, 1e9, 1e9, 1e9)
REQUEST, SNAPSHOT, NOON = build(BASE)
RESPONSE_S = 30.0


class Asker:
    """An ESME that writes down how each of its requests ended."""

    account = "jl"

    def __init__(self) -> None:
        self.ends: dict[int, list[str]] = {}
        self.octets: dict[int, bytes] = {}
        self.refuses = False

    def _ended(self, ticket: Ticket, how: str) -> None:
        self.ends.setdefault(ticket.decision_id, []).append(how)

    def answered(self, ticket: Ticket, octets: bytes) -> None:
        self.octets[ticket.decision_id] = octets
        self._ended(ticket, "answered")

    def left_unknown(self, ticket: Ticket) -> None:
        self._ended(ticket, "unknown")

    def unroutable(self, ticket: Ticket) -> None:
        self._ended(ticket, "unroutable")

    def stands(self, ticket: Ticket) -> bool:
        if self.refuses:
            self._ended(ticket, "refused")
        return not self.refuses

    def called_back(self, ticket: Ticket) -> None:
        self._ended(ticket, "called back")


class Books:
    def __init__(self) -> None:
        self.written: list[tuple[str, int]] = []

    def accepted(self, ticket: Ticket, route: str, carrier_id: bytes) -> None:
        self.written.append(("accepted", ticket.decision_id))

    def rejected(self, ticket: Ticket, status: int) -> None:
        self.written.append(("rejected", ticket.decision_id))

    def unknown(self, ticket: Ticket) -> None:
        self.written.append(("unknown", ticket.decision_id))

    def late(self, ticket: Ticket, route: str, status: int, carrier_id: bytes) -> None:
        self.written.append(("late", ticket.decision_id))

    def note(self, event: str) -> None:
        pass


class Play:
    """Three routes, ESMEs and a clock."""

    def __init__(self, window: int, rate: float) -> None:
        self.books = Books()
        facts = [Route("a", priority=1), Route("b", priority=1, weight=3), Route("c", ["mobile"], priority=2)]
        self.dispatch = Dispatch((PoolRoute(one, Pace(rate)) for one in facts), self.books, 3 * RESPONSE_S)
        self.window = window
        self.askers = [Asker(), Asker()]
        self.gone: set[int] = set()
        self.now = 100.0
        self.asked: dict[int, Asker] = {}
        self.sent: list[int] = []
        self.binds: list[PoolBind] = []
        self.waiting: list[tuple[PoolBind, Pdu]] = []

    def bind(self, route: str) -> None:
        session = Session("smsc", QUIET, 70_000, lambda _: None, self.now)
        session.enter("trx")
        bind = PoolBind(route, session, self.window, RESPONSE_S)
        self.binds.append(bind)
        self.dispatch.bind_came(bind, self.now)

    def ask(self, who: int, carrier: str) -> None:
        number = len(self.asked) + 1
        octets = response(SUBMIT_SM, 0, number, number.to_bytes(4))
        verdict = evaluate(changed(REQUEST, id=number, octets=octets), SNAPSHOT, NOON)
        assert isinstance(verdict, Permit)
        self.asked[number] = self.askers[who]
        ticket = Ticket(self.askers[who], Pdu(SUBMIT_SM, 0, number, octets), verdict, carrier, self.now)
        self.dispatch.send(ticket, self.now)

    def carry(self) -> None:
        """What was written reaches the carriers."""
        for bind in self.binds:
            for pdu in read_all(bytes(bind.session.out.take())):
                self.sent.append(int.from_bytes(pdu.raw[16:20]))
                self.waiting.append((bind, pdu))

    def answer(self, place: int, status: int) -> None:
        self.carry()
        if self.waiting:
            bind, pdu = self.waiting.pop(place % len(self.waiting))
            raw = response(SUBMIT_SM_RESP, status, pdu.sequence, b"" if status else b"c1\0\x12\x34\0\0")
            self.dispatch.from_carrier(bind, Pdu(SUBMIT_SM_RESP, status, pdu.sequence, raw), self.now)

    def lose(self, place: int) -> None:
        self.carry()
        if self.binds:
            bind = self.binds.pop(place % len(self.binds))
            self.dispatch.bind_lost(bind, self.now)
            self.waiting = [one for one in self.waiting if one[0] is not bind]

    def leave(self, who: int) -> None:
        for ticket in self.dispatch.asker_gone(self.askers[who]):
            self.askers[who]._ended(ticket, "gone")

    def refuse(self) -> None:
        for asker in self.askers:
            asker.refuses = True
        self.dispatch.refused(_PERSON, self.now)
        for asker in self.askers:
            asker.refuses = False

    def cancel(self, number: int) -> None:
        ticket = self.dispatch.waiting("jl", number)
        assert ticket is None or (self.dispatch.call_back(ticket) and not self.dispatch.call_back(ticket))

    def wait(self, seconds: float) -> None:
        self.carry()
        self.now += seconds
        self.dispatch.handle_deadline(self.now)


_PERSON = evaluate(REQUEST, SNAPSHOT, NOON).decision.person
