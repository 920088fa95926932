"""An ESME in a storm: one account on several binds, which sends, hears, answers, and comes back whenever it is cut off.

Owns its side of the books. What it submits again (after a temporary status, or where its connection was lost before an
answer, or the outcome is unknown) is a new attempt with a text of its own, so that each is told apart at the carrier.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections import deque
from collections.abc import Callable
from typing import cast

from tests.chaos import traffic
from tests.chaos.books import Answer, Attempt, Books, Line, Part, Receive, Stray, now
from tests.tools.wire import (
    BIND_TRX,
    DELIVER_SM,
    ENQUIRE_LINK,
    GENERIC_NACK,
    QUERY_SM,
    RESP,
    UNBIND,
    Frame,
    Splitter,
    bind_body,
    cstring,
    pdu,
)
from tests.wire.people import PASSWORD

_WATCH_S = 15.0
_TRIES_MOST = 6
#: How long a sender keeps still that was told to come again later.
_PAUSE_US = 100_000


class Sender:
    """One account. `numbers` gives the number of a new attempt; `sent` learns what it writes."""

    def __init__(
        self,
        side: traffic.Side,
        books: Books,
        chance: random.Random,
        port: Callable[[], int],
        sent: dict[tuple[int, bytes], Part],
        numbers: Callable[[], int],
        joined: Callable[[int, Line], None],
        *,
        binds: int,
        puts_off: float,
    ) -> None:
        self.side = side
        self.books = books
        self.random = chance
        self.port = port
        self.sent = sent
        self.numbers = numbers
        self.joined = joined
        self.window = side.window
        self.puts_off = puts_off
        self.calm = False
        self.queue: deque[Attempt] = deque()
        #: message → tries so far; those that have come to an end are gone.
        self.unfinished: dict[int, int] = {}
        self.finished = 0
        self.lines: set[_Bind] = set()
        self.ending = False
        self._binds = binds
        self._tasks: set[asyncio.Task[None]] = set()
        #: Nothing is sent before: it was asked to come again later.
        self._not_before_us = 0

    def start(self) -> None:
        for _ in range(self._binds):
            task = asyncio.get_running_loop().create_task(self._keep_up())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _keep_up(self) -> None:
        loop = asyncio.get_running_loop()
        while not self.ending:
            bind = _Bind(self)
            try:
                await loop.create_connection(lambda bind=bind: bind, "127.0.0.1", self.port())
            except OSError:
                await asyncio.sleep(0.1)
                continue
            await bind.gone.wait()
            # WHY a pause: a sender that came back without one would only be a flood of binds.
            await asyncio.sleep(self.random.uniform(0.05, 0.3))

    # ---- messages --------------------------------------------------------------------------------------------------

    def write(self, message: int, person: str, closed: str = "") -> None:
        """A message to be sent; `closed` says why it must be refused."""
        self.unfinished[message] = 0
        self._attempt(message, person, closed)

    def _attempt(self, message: int, person: str, closed: str) -> None:
        first = self.unfinished[message] == 0
        made = traffic.written(self.random, self.side, self.numbers(), message, person, first=first)
        made.closed = closed
        self.books.attempts[made.number] = made
        for part in made.parts:
            self.sent[(part.command, part.body)] = part
        self.queue.append(made)

    def ended(self, attempt: Attempt, *, lost: bool = False) -> None:
        """All parts of an attempt have their answers, or no more of them are to come."""
        tries = self.unfinished.get(attempt.message)
        if tries is None:
            return
        statuses = [part.answers[0].status if part.answers else None for part in attempt.parts]
        again = False
        if any(status in traffic.TEMPORARY for status in statuses):
            again = True
            self._not_before_us = now().us + _PAUSE_US
        elif attempt.closed and (traffic.PARTIAL in statuses or traffic.AMBIGUOUS in statuses):
            # That says nothing of the person.
            again = True
        elif None in statuses:
            again = bool(attempt.closed) or self.random.random() < 0.7
        elif traffic.UNKNOWN in statuses:
            again = self.random.random() < 0.3
        if again and (tries < _TRIES_MOST or attempt.closed):
            self.unfinished[attempt.message] = tries + 1
            pause = 0.0 if lost else min(0.15 * 2**tries, 2.0)
            asyncio.get_running_loop().call_later(pause, self._once_more, attempt)
        else:
            del self.unfinished[attempt.message]
            self.finished += 1

    def _once_more(self, attempt: Attempt) -> None:
        self._attempt(attempt.message, attempt.person, attempt.closed)
        self.pump()

    def pump(self) -> None:
        for bind in tuple(self.lines):
            bind.pump()

    @property
    def may_send(self) -> bool:
        return not self._not_before_us or now().us >= self._not_before_us

    @property
    def idle(self) -> bool:
        return not self.unfinished and not any(bind.open or bind.parts for bind in self.lines)

    def watch(self) -> None:
        for bind in tuple(self.lines):
            bind.watch()

    async def unbind(self, limit_s: float) -> None:
        """Ends all binds politely."""
        self.ending = True
        for bind in tuple(self.lines):
            bind.unbind()
        waits = [asyncio.create_task(bind.gone.wait()) for bind in self.lines]
        if waits:
            await asyncio.wait(waits, timeout=limit_s)
        await self.close()

    async def close(self) -> None:
        self.ending = True
        for bind in tuple(self.lines):
            bind.abort()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class _Bind(asyncio.Protocol):
    """One connection of an account."""

    def __init__(self, sender: Sender) -> None:
        self.sender = sender
        self.gone = asyncio.Event()
        self.transport: asyncio.Transport | None = None
        self.line = Line(0, sender.side.name, 0)
        self.bound = False
        self.sequence = 1
        #: Parts of the message that is being sent, which wait for room.
        self.parts: deque[Part] = deque()
        #: Messages among the requests without an answer.
        self._messages_open = 0
        #: Requests without an answer: what they carry (None: a link request), and since when (microseconds).
        self.open: dict[int, tuple[Part | None, int]] = {}
        #: Deliveries that were answered, each with the first sequence_number that was sent after its answer.
        self._unsettled: deque[tuple[Receive, int]] = deque()
        self._splitter = Splitter()
        self._enquired_us = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        raw = self.transport.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        books = self.sender.books
        self.line = Line(len(books.esme_lines) + 1, self.sender.side.name, books.run)
        books.esme_lines.append(self.line)
        self.sender.lines.add(self)
        self.sender.joined(self.transport.get_extra_info("sockname")[1], self.line)
        self.open[1] = (None, now().us)
        self._write(pdu(BIND_TRX, bind_body(self.sender.side.name, PASSWORD), sequence=1))

    def _write(self, octets: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(octets)

    def _request(self, command: int, body: bytes, part: Part | None) -> None:
        self.sequence += 1
        self.open[self.sequence] = (part, now().us)
        self._messages_open += part is not None
        self._write(pdu(command, body, sequence=self.sequence))

    def pump(self) -> None:
        """Sends what waits, as far as the window goes; a long message's parts one after the other."""
        sender = self.sender
        if self.transport is None or self.transport.is_closing() or not sender.may_send:
            return
        while self.bound and not self.line.why and self._messages_open < sender.window:
            if not self.parts:
                if not sender.queue:
                    return
                attempt = sender.queue.popleft()
                self.parts.extend(attempt.parts)
                if not sender.calm and sender.random.random() < 0.01:
                    self._query(attempt)
                    continue
            part = self.parts.popleft()
            part.line, part.sent = self.line, now()
            self._request(part.command, part.body, part)

    def _query(self, attempt: Attempt) -> None:
        """Asks about a message of one's own, known or not."""
        known = [answer.message_id for part in attempt.parts for answer in part.answers if answer.message_id]
        body = (known[0] if known else b"c0ffee") + b"\0" + bytes([0, 0]) + cstring("")
        asked = Part(attempt.number, 0, QUERY_SM, body, self.line, now())
        self.sender.books.other.append(asked)
        self._request(QUERY_SM, body, asked)

    def data_received(self, data: bytes) -> None:
        for frame in self._splitter.feed(data):
            self._take(frame)
        self.pump()

    def _take(self, frame: Frame) -> None:
        command = frame.command
        if command & RESP:
            self._answered(frame)
        elif command == DELIVER_SM:
            self._delivered(frame)
        elif command == ENQUIRE_LINK:
            self._write(pdu(ENQUIRE_LINK | RESP, sequence=frame.sequence))
        elif command == UNBIND:
            self._write(pdu(UNBIND | RESP, sequence=frame.sequence))
            self.line.why = "unbound by tdgate"
        else:
            self.sender.books.strays.append(Stray(self.sender.side.name, f"command {command:#x}"))

    def _answered(self, frame: Frame) -> None:
        known = self.open.pop(frame.sequence, None)
        if known is None:
            self.sender.books.strays.append(Stray(self.sender.side.name, f"an answer to nothing: {frame!r}"))
            return
        while self._unsettled and self._unsettled[0][1] <= frame.sequence:
            self._unsettled.popleft()[0].settled = now()
        part = known[0]
        if frame.sequence == 1:
            self._bound(frame)
        if part is None:
            return
        self._messages_open -= 1
        expected = (part.command | RESP, GENERIC_NACK)
        if frame.command not in expected:
            self.sender.books.strays.append(Stray(self.sender.side.name, f"the wrong answer: {frame!r}"))
        message_id = frame.body.partition(b"\0")[0]
        part.answers.append(Answer(now(), frame.status, message_id))
        attempt = self.sender.books.attempts[part.attempt]
        if not part.number:
            return
        if frame.status and self.parts and self.parts[0].attempt == attempt.number:
            # What has lost a part is not gone on with.
            self.parts.clear()
        if all(each.answers or each.sent is None for each in attempt.parts) and not (
            self.parts and self.parts[0].attempt == attempt.number
        ):
            self.sender.ended(attempt)

    def _bound(self, frame: Frame) -> None:
        if frame.status == 0:
            self.bound = True
            self.line.run = self.sender.books.run
        else:
            self.line.why = "refused"
            self.abort()

    def _delivered(self, frame: Frame) -> None:
        sender = self.sender
        received = Receive(sender.side.name, self.line, now(), frame.body)
        sender.books.receives.append(received)
        if not sender.calm and sender.random.random() < sender.puts_off:
            received.answered = 0x64
        body = b"" if received.answered else b"\0"
        self._write(pdu(DELIVER_SM | RESP, body, status=received.answered, sequence=frame.sequence))
        self._unsettled.append((received, self.sequence + 1))

    def watch(self) -> None:
        """Says that it is there, and gives the connection up where an answer is overdue."""
        at = now().us
        oldest = min((since for _, since in self.open.values()), default=at)
        if at - oldest > _WATCH_S * 1e6:
            self.line.why = "watchdog"
            self.abort()
        elif self.bound and not self.line.why and at - self._enquired_us > 500_000:
            self._enquired_us = at
            self._request(ENQUIRE_LINK, b"", None)

    def unbind(self) -> None:
        if self.bound:
            self._request(UNBIND, b"", None)
            self.line.why = "unbinding"
        else:
            self.abort()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        sender = self.sender
        self.line.closed = now()
        if self.line.why == "unbinding":
            self.line.why = "lost" if self.open else "unbound"
        self.line.why = self.line.why or "lost"
        sender.lines.discard(self)
        cut: dict[int, Attempt] = {}
        for part, _ in self.open.values():
            if part is not None and part.number:
                cut[part.attempt] = sender.books.attempts[part.attempt]
        if self.parts:
            cut[self.parts[0].attempt] = sender.books.attempts[self.parts[0].attempt]
            self.parts.clear()
        self.open.clear()
        for attempt in cut.values():
            sender.ended(attempt, lost=True)
        self.gone.set()
        sender.pump()
