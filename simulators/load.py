"""A load: many messages over one or more binds, as fast as their windows let or at a fixed rate.

Owns the windows and the measuring. At a fixed rate the loop is open: a message's time counts from the moment it was
due, so that a slow target cannot hide by slowing the load down. Must never hold back an answer's count: what was sent
and never answered is counted as unanswered.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Sequence

from proxy.smpp import consts
from proxy.smpp.pdu import PduError
from simulators.deliveries import Delivery, read_delivery
from simulators.esme import Esme
from simulators.esme_link import EsmeLink
from simulators.figures import Figures
from simulators.traffic import Traffic
from simulators.watch import Watch

_TICK_S = 0.001


class _Lane:
    """One bind of a load."""

    def __init__(self, load: "Load", link: EsmeLink, esme: Esme) -> None:
        self.link = link
        self.due: deque[float] = deque()
        """At a fixed rate: when the messages that wait for room in the window were due."""
        self.waiting: dict[int, float] = {}
        self.sends = esme.kind != "rx"
        self._load, self._esme = load, esme
        self._pieces: deque[bytes] = deque()
        self._pass_on = link.on_answer
        link.on_answer = self._answered
        link.on_delivery = load.delivered
        link.on_lost = self._lost
        if self.sends:
            link.after_chunk = self.fill
        # WHY: what came between the bind and this load is part of its figures.
        for delivery in esme.received:
            load.count(delivery)

    def fill(self) -> None:
        """Send what the window has room for."""
        load, link, waiting = self._load, self.link, self.waiting
        room = self._esme.window - len(waiting)
        if room <= 0 or link.closed:
            return
        request, command, now, pieces = link.request, load.traffic.command, load.time, self._pieces
        sent = 0
        while sent < room:
            if pieces:
                due = now()
            elif load.rate is not None:
                if not self.due:
                    break
                due = self.due.popleft()
                pieces.extend(load.traffic.next())
            elif load.may_send():
                due = now()
                pieces.extend(load.traffic.next())
            else:
                break
            waiting[request(command, pieces.popleft())] = due
            sent += 1
        load.figures.sent += sent

    @property
    def idle(self) -> bool:
        """Whether nothing is under way and nothing is due."""
        return self.link.closed or not (self.waiting or self.due or self._pieces)

    def _answered(self, command: int, status: int, sequence: int, buffer: bytes, at: int, stop: int) -> None:
        due = self.waiting.pop(sequence, None)
        if due is None:
            if command in (consts.SUBMIT_SM_RESP, consts.DATA_SM_RESP, consts.GENERIC_NACK):
                self._load.figures.strays += 1
            else:
                self._pass_on(command, status, sequence, buffer, at, stop)
            return
        figures = self._load.figures
        figures.answered += 1
        figures.statuses[status] += 1
        figures.latency.add(self._load.time() - due)
        if command == consts.GENERIC_NACK:
            figures.nacks += 1
        if not self.waiting:
            self._load.watch.tell()

    def _lost(self) -> None:
        self._load.figures.lost += 1
        self._load.watch.tell()


class Load:
    """A load over binds that stand."""

    def __init__(
        self,
        esmes: Sequence[Esme],
        traffic: Traffic,
        figures: Figures,
        *,
        count: int | None = None,
        duration_s: float | None = None,
        rate: float | None = None,
        limit_s: float = 10.0,
    ) -> None:
        """Take the binds; `count` and `duration_s` end the load, whichever is first; `rate` in messages a second."""
        if count is None and duration_s is None:
            raise ValueError("a load needs a count or a duration")
        self.traffic, self.figures, self.rate = traffic, figures, rate
        self.watch = Watch()
        # WHY not the loop's: uvloop's clock stands still within a turn and has milliseconds only.
        self.time = time.perf_counter
        self.stopped = False
        self._esmes, self._count, self._duration_s, self._limit_s = esmes, count, duration_s, limit_s
        self._taken = 0
        self._lanes: list[_Lane] = []
        self._senders: list[_Lane] = []

    async def run(self, receipts: int | None = None, settle_s: float = 5.0) -> None:
        """Send, await the answers, and then up to `settle_s` for receipts (None: one for each accepted message)."""
        start = self.time()
        self._lanes = [_Lane(self, esme.link, esme) for esme in self._esmes if esme.link is not None]
        if self._duration_s is not None:
            asyncio.get_running_loop().call_later(self._duration_s, self.stop)
        self._senders = [lane for lane in self._lanes if lane.sends]
        if not self._senders:
            await self.watch.until(self._all_sent, None)
        elif self.rate is None:
            for lane in self._senders:
                lane.fill()
            await self.watch.until(self._all_sent, None)
        else:
            await self._tick(start, self.rate)
        with contextlib.suppress(TimeoutError):
            await self.watch.until(lambda: all(lane.idle for lane in self._lanes), self._limit_s)
        self.figures.seconds = self.time() - start
        self.figures.unanswered += sum(len(lane.waiting) for lane in self._lanes)
        wanted = self.figures.accepted if receipts is None else receipts
        if wanted and settle_s > 0:
            with contextlib.suppress(TimeoutError):
                await self.watch.until(lambda: self.figures.receipts.total() >= wanted, settle_s)
        for esme, lane in zip(self._esmes, self._lanes, strict=False):
            lane.link.on_lost = esme.connection_ended

    def stop(self) -> None:
        """Send nothing new."""
        self.stopped = True
        self.watch.tell()

    def may_send(self) -> bool:
        """Take one from the count, if there is one."""
        if self.stopped or (self._count is not None and self._taken >= self._count):
            return False
        self._taken += 1
        return True

    def delivered(self, command: int, raw: bytes) -> int | None:
        """Take a receipt or a reply off the wire; returns the status to answer."""
        try:
            delivery = read_delivery(command, raw)
        except PduError as wrong:
            self.figures.malformed += 1
            return wrong.status
        self.count(delivery)
        self.watch.tell()
        return 0

    def count(self, delivery: Delivery) -> None:
        """Count a receipt or a reply that was read."""
        if delivery.is_receipt:
            self.figures.receipts[delivery.state] += 1
        else:
            self.figures.replies += 1

    def _all_sent(self) -> bool:
        done = self.stopped or (self._count is not None and self._taken >= self._count)
        return done or all(lane.link.closed for lane in self._senders or self._lanes)

    async def _tick(self, start: float, rate: float) -> None:
        issued = 0
        lanes = self._senders
        while not self._all_sent():
            owed = int((self.time() - start) * rate) + 1 - issued
            for _ in range(owed):
                if not self.may_send():
                    break
                lanes[issued % len(lanes)].due.append(start + issued / rate)
                issued += 1
            for lane in lanes:
                lane.fill()
            await asyncio.sleep(_TICK_S)
