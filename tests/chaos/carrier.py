"""A carrier's SMSC in a storm: takes everything, answers in many ways, keeps each delivery until it is acknowledged.

Owns its side of the books. What it delivered and heard no answer to it sends again on another bind, as SMSCs do; a
temporary status likewise. `die` closes the port and resets all connections, `live` opens the same port again.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from tests.chaos import traffic
from tests.chaos.books import Arrival, Books, Delivery, Kind, Line, Part, Send, Stray, now
from tests.tools.wire import (
    BINDS,
    CANCEL_SM,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    GENERIC_NACK,
    QUERY_SM,
    RESP,
    SUBMIT_MULTI,
    SUBMIT_SM,
    UNBIND,
    Frame,
    Splitter,
    cstring,
    pdu,
)

_OPEN_MOST = 20
_AGAIN_S = 0.2
_WATCH_S = 15.0


@dataclass(frozen=True)
class Spelling:
    """How a carrier writes its ids: in its answer, and in its receipts."""

    answer: str = "{:x}"
    receipt: str = "{:x}"


@dataclass
class Temper:
    """How often (of one) a carrier does what. `slow_s` is longer than tdgate waits."""

    rejects: float = 0.01
    puts_off: float = 0.004
    #: In a pool: each slows its route for half a minute.
    puts_off_pool: float = 0.0002
    slow: float = 0.002
    slow_s: float = 4.0
    early: float = 0.1
    replies: float = 0.06
    refusals: float = 0.04


class _Session(asyncio.Protocol):
    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self.transport: asyncio.Transport | None = None
        self.line = Line(0, "", 0)
        self.account = ""
        self.bound = False
        self.sequence = 0
        self.open: dict[int, tuple[Delivery, Send]] = {}
        self._splitter = Splitter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        raw = self.transport.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.carrier.opened(self, self.transport.get_extra_info("peername")[1])

    def data_received(self, data: bytes) -> None:
        for frame in self._splitter.feed(data):
            self.carrier.take(self, frame)
        self.carrier.pump()

    def send(self, octets: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(octets)

    def connection_lost(self, exc: Exception | None) -> None:
        self.carrier.lost(self)

    def watch(self) -> None:
        """Gives the connection up where tdgate leaves a delivery unanswered for too long."""
        oldest = min((send.at.us for _, send in self.open.values()), default=0)
        if oldest and now().us - oldest > _WATCH_S * 1e6 and self.transport is not None:
            self.line.why = "watchdog"
            self.transport.abort()


@dataclass
class Carrier:
    """One SMSC. `sent` finds what an ESME wrote by its octets; `acknowledged` is told of each first acknowledgement."""

    name: str
    books: Books
    spelling: Spelling
    temper: Temper
    random: random.Random
    sent: dict[tuple[int, bytes], Part]
    acknowledged: Callable[[Delivery], None]
    joined: Callable[[int, Line], None] = lambda port, line: None
    calm: bool = False
    port: int = 0
    sessions: set[_Session] = field(default_factory=set)
    #: By the account that a session bound as; "" in a pool, whose binds take everything.
    waiting: dict[str, deque[Delivery]] = field(default_factory=dict)
    _server: asyncio.Server | None = None
    _ids: int = 0xC0DE00
    #: Deliveries that wait for their time after a temporary status.
    _put_off: int = 0

    @property
    def pooled(self) -> bool:
        return self.name in traffic.POOLED

    async def live(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Session(self), "127.0.0.1", self.port, backlog=256
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def die(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for session in tuple(self.sessions):
            assert session.transport is not None
            session.transport.abort()

    def opened(self, session: _Session, port: int) -> None:
        session.line = Line(len(self.books.carrier_lines) + 1, self.name, self.books.run)
        self.books.carrier_lines.append(session.line)
        self.sessions.add(session)
        self.joined(port, session.line)

    def lost(self, session: _Session) -> None:
        self.sessions.discard(session)
        session.line.closed = now()
        session.line.why = session.line.why or "lost"
        for delivery, _ in reversed(session.open.values()):
            self.queue(delivery).appendleft(delivery)
        session.open.clear()
        self.pump()

    def queue(self, delivery: Delivery) -> deque[Delivery]:
        return self.waiting.setdefault("" if self.pooled else delivery.account, deque())

    @property
    def idle(self) -> bool:
        """Whether everything that it had to deliver was acknowledged."""
        waits = self._put_off or any(self.waiting.values())
        return not waits and not any(session.open for session in self.sessions)

    # ---- what tdgate says -----------------------------------------------------------------------------------------

    def take(self, session: _Session, frame: Frame) -> None:
        command = frame.command
        if command in BINDS:
            session.account = "" if self.pooled else frame.body[: frame.body.index(0)].decode("ascii")
            session.bound = True
            session.send(pdu(command | RESP, cstring("CARRIER"), sequence=frame.sequence))
        elif command in (SUBMIT_SM, DATA_SM, SUBMIT_MULTI):
            self._take_message(session, frame)
        elif command in (ENQUIRE_LINK, UNBIND, CANCEL_SM):
            session.send(pdu(command | RESP, sequence=frame.sequence))
            if command == UNBIND:
                session.line.why = "unbound"
        elif command == QUERY_SM:
            message_id = frame.body[: frame.body.index(0) + 1]
            session.send(pdu(command | RESP, message_id + b"\0\2\0", sequence=frame.sequence))
        elif command == DELIVER_SM | RESP or command == GENERIC_NACK:
            self._delivered(session, frame)
        elif command not in (ENQUIRE_LINK | RESP, UNBIND | RESP):
            self.books.strays.append(Stray(self.name, f"command {command:#x}"))

    def _take_message(self, session: _Session, frame: Frame) -> None:
        arrival = Arrival(self.name, session.line, now(), frame.command, frame.body)
        self.books.arrivals.append(arrival)
        chance, temper = self.random, self.temper
        draw = 1.0 if self.calm else chance.random()
        puts_off = temper.puts_off_pool if self.pooled else temper.puts_off
        if draw < temper.rejects:
            self._answer(session, frame, arrival, 0x45)
        elif draw < temper.rejects + puts_off:
            self._answer(session, frame, arrival, chance.choice((0x14, 0x58)))
        elif draw < temper.rejects + puts_off + temper.slow:
            loop = asyncio.get_running_loop()
            loop.call_later(temper.slow_s, self._accept, session, frame, arrival, False)
        else:
            self._accept(session, frame, arrival, chance.random() < temper.early)

    def _accept(self, session: _Session, frame: Frame, arrival: Arrival, early: bool) -> None:
        self._ids += self.random.choice((1, 1, 2, 7))
        number = self._ids
        arrival.carrier_id = self.spelling.answer.format(number)
        part = self.sent.get((frame.command, frame.body))
        receipt_id = self.spelling.receipt.format(number)
        if early and part is not None:
            self._deliver_receipt(arrival, part, receipt_id)
            self.pump()
        self._answer(session, frame, arrival, 0)
        if part is None:
            return
        if not early:
            self._deliver_receipt(arrival, part, receipt_id)
        if part.command == SUBMIT_MULTI:
            # WHY no replies: a message of which one person is refused later would not be the one that was written.
            return
        chance = self.random.random()
        if chance < self.temper.refusals and part.number == 1:
            self._deliver_refusal(part)
        elif chance < self.temper.refusals + self.temper.replies:
            self._deliver("reply", part, f"请问是哪家机构？{number}")

    def _answer(self, session: _Session, frame: Frame, arrival: Arrival, status: int) -> None:
        arrival.status = status
        body = b"" if status else cstring(arrival.carrier_id)
        if frame.command == SUBMIT_MULTI and body:
            # Nobody in unsuccess_sme.
            body += b"\0"
        session.send(pdu(frame.command | RESP, body, status=status, sequence=frame.sequence))

    # ---- what it delivers ------------------------------------------------------------------------------------------

    def _deliver_receipt(self, arrival: Arrival, part: Part, receipt_id: str) -> None:
        attempt = self.books.attempts[part.attempt]
        for person in (attempt.person, *attempt.others):
            delivery = self._new("receipt", part, person)
            delivery.about, delivery.receipt_id = arrival, receipt_id
            delivery.body = traffic.receipt(delivery, receipt_id)
            self.queue(delivery).append(delivery)

    def _deliver_refusal(self, part: Part) -> None:
        said = self.random.choice(("TD", "td", "退订", "ＴＤ"))
        if self.random.random() < 0.8:
            self._deliver("td", part, said)
            return
        reference = self.random.randrange(256)
        headers = [bytes([5, 0, 3, reference, 2, place]) for place in (1, 2)]
        first, second = (self._deliver("half", part, half, header) for half, header in zip(said, headers, strict=True))
        self.books.halves.append((first, second))

    def _deliver(self, kind: Kind, part: Part, said: str, header: bytes = b"") -> int:
        delivery = self._new(kind, part)
        delivery.body = traffic.reply(delivery, said, header)
        self.queue(delivery).append(delivery)
        return delivery.number

    def _new(self, kind: Kind, part: Part, person: str = "") -> Delivery:
        attempt = self.books.attempts[part.attempt]
        number = len(self.books.deliveries) + 1
        made = Delivery(number, kind, self.name, attempt.account, person or attempt.person, b"")
        self.books.deliveries[number] = made
        return made

    def pump(self) -> None:
        """Sends what waits, as far as there is room on fitting binds."""
        for session in self.sessions:
            waiting = self.waiting.get(session.account)
            if not waiting or not session.bound or session.line.why:
                continue
            while waiting and len(session.open) < _OPEN_MOST:
                delivery = waiting.popleft()
                session.sequence += 1
                send = Send(session.line, now())
                delivery.sends.append(send)
                session.open[session.sequence] = (delivery, send)
                session.send(pdu(DELIVER_SM, delivery.body, sequence=session.sequence))

    def _delivered(self, session: _Session, frame: Frame) -> None:
        known = session.open.pop(frame.sequence, None)
        if known is None:
            self.books.strays.append(Stray(self.name, f"an answer to no delivery: {frame!r}"))
            return
        delivery, send = known
        first = delivery.acknowledged is None
        status = frame.status if frame.command != GENERIC_NACK else (frame.status or 0xFFFF)
        send.statuses.append((now(), status))
        if status == 0:
            if first:
                self.acknowledged(delivery)
        else:
            self._put_off += 1
            asyncio.get_running_loop().call_later(_AGAIN_S, self._again, delivery)

    def _again(self, delivery: Delivery) -> None:
        self._put_off -= 1
        self.queue(delivery).append(delivery)
        self.pump()

    async def close(self) -> None:
        self.die()
