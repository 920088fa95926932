"""The simulated SMSC: accepts binds, answers messages, writes receipts, injects replies, fails on demand.

Owns the listening socket, the connections, the counts and the record of what arrived. Must never decide what a product
under test should have done: it shows what came. For a bench, `record=False` and no receipts keep it on the fast path.

    smsc = Smsc()
    port = await smsc.start()
    await smsc.submitted(3)
    status = await smsc.inject("13800138000", "10690001", "TD")
    await smsc.stop()
"""

import asyncio
import contextlib
import random
import ssl
from collections.abc import Callable
from typing import Literal

from proxy.smpp import consts
from proxy.smpp.codec import Fields
from simulators import wording
from simulators.arrivals import Arrived, read_message
from simulators.bodies import Tlvs, data_body, message_body
from simulators.faults import Faults
from simulators.figures import SmscCounts
from simulators.outbox import Outbox, Unanswered, give_up
from simulators.receipts import Clock, receipt_body, receipt_text, receipt_tlvs, wall_clock
from simulators.smsc_session import Done, SmscSession
from simulators.smsc_settings import RADIX_SIGNS, SmscSettings
from simulators.watch import LIMIT_S, Watch


class Smsc:
    """An SMSC on 127.0.0.1 (or `host`); port 0 picks a free one."""

    def __init__(
        self,
        settings: SmscSettings | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        seed: int = 0,
        record: bool = True,
        clock: Clock = wall_clock,
        on_message: Callable[[Arrived], None] | None = None,
    ) -> None:
        self.settings = settings or SmscSettings()
        self.faults: Faults = self.settings.faults
        """May be replaced at any time by `change_faults`."""
        self.host, self.port = host, port
        self.counts = SmscCounts()
        self.arrived: list[Arrived] = []
        """All messages in order, where `record` is set."""
        self.sessions: list[SmscSession] = []
        """Open connections."""
        self.watch = Watch()
        self.plain = False
        self._record, self.on_message = record, on_message
        self._tls, self._seed, self._clock = tls, seed, clock
        self._server: asyncio.Server | None = None
        self._opened = 0
        self._refusals = 0
        self._id = self.settings.ids.first
        self._write_id = self.settings.ids.writer()
        self._outbox = Outbox(self.sessions)
        self._life: asyncio.Task[None] | None = None
        self._reference = 0
        self._settle()

    # Life

    async def start(self) -> int:
        """Listen; returns the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, self.host, self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        if self.settings.enquire_link_ms > 0:
            self._life = asyncio.create_task(self._ask_for_life(self.settings.enquire_link_ms / 1000))
        return self.port

    async def stop(self, *, reset: bool = False) -> None:
        """Stop listening and end all connections, in order or (`reset`) as a killed process does."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._life is not None:
            self._life.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._life
            self._life = None
        self.disconnect(reset=reset)
        with contextlib.suppress(TimeoutError):
            await self.watch.until(lambda: not self.sessions, 2.0)
        for session in list(self.sessions):
            session.reset()

    async def __aenter__(self) -> "Smsc":
        await self.start()
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.stop()

    def disconnect(self, *, reset: bool = True) -> None:
        """End every connection, and go on listening."""
        for session in list(self.sessions):
            if reset:
                session.reset()
            else:
                session.close()

    def change_faults(self, faults: Faults) -> None:
        """Behave otherwise from the next PDU on; counts of messages go on."""
        self.faults = faults
        self._settle()

    # Waiting

    async def bound(self, count: int = 1, limit_s: float | None = LIMIT_S) -> None:
        """Return when `count` binds stand at once; TimeoutError after `limit_s`."""
        await self.watch.until(lambda: sum(s.bound for s in self.sessions) >= count, limit_s)

    async def submitted(self, count: int = 1, limit_s: float | None = LIMIT_S) -> list[Arrived]:
        """Return all messages that arrived as soon as there are `count`; TimeoutError after `limit_s`."""
        await self.watch.until(lambda: self.counts.submits >= count, limit_s)
        return list(self.arrived)

    async def deliveries_answered(self, count: int = 1, limit_s: float | None = LIMIT_S) -> None:
        """Return when `count` receipts and replies have been answered."""
        await self.watch.until(lambda: self.counts.delivery_answers.total() >= count, limit_s)

    # Towards the ESME

    async def inject(
        self,
        source: str,
        destination: str,
        text: str,
        *,
        encoding: str = "auto",
        data_coding: int | None = None,
        system_id: str | None = None,
        command: Literal["deliver_sm", "data_sm"] = "deliver_sm",
        tlvs: Tlvs = (),
        long: str = "parts",
        limit_s: float | None = LIMIT_S,
    ) -> int:
        """Send a mobile-originated message and return the status it was answered with (of parts: the first not 0).

        Waits for a bind that can receive (of `system_id`, if given). ConnectionError where the connection ended first
        and `redeliver` is off; TimeoutError after `limit_s`; ValueError for a text that the encoding does not hold.
        """
        answers: list[int | None] = []

        def answered(status: int | None) -> None:
            answers.append(status)
            self.watch.tell()

        count = self.reply(
            source,
            destination,
            text,
            encoding=encoding,
            data_coding=data_coding,
            system_id=system_id,
            command=command,
            tlvs=tlvs,
            long=long,
            done=answered,
        )
        await self.watch.until(lambda: len(answers) == count, limit_s)
        if None in answers:
            raise ConnectionError("the connection ended before the answer")
        return next((status for status in answers if status), 0)

    def reply(
        self,
        source: str,
        destination: str,
        text: str,
        *,
        encoding: str = "auto",
        data_coding: int | None = None,
        system_id: str | None = None,
        command: Literal["deliver_sm", "data_sm"] = "deliver_sm",
        tlvs: Tlvs = (),
        long: str = "parts",
        done: Done | None = None,
        session: SmscSession | None = None,
    ) -> int:
        """Send a mobile-originated message without waiting; returns the number of its parts.

        `done` is told each part's status. Where nobody can receive it, it is held for the next bind that can.
        """
        self._reference += 1
        pieces = wording.segments(text, encoding, data_coding=data_coding, long=long, reference=self._reference)
        for piece in pieces:
            if command == "data_sm":
                body = data_body(source, destination, piece, tlvs=tlvs)
            else:
                body = message_body(source, destination, piece, tlvs=tlvs)
            number = consts.DATA_SM if command == "data_sm" else consts.DELIVER_SM
            self.counts.replies += 1
            self._outbox.put(system_id, number, body, session=session, done=done)
        return len(pieces)

    def deliver_receipt(self, session: SmscSession, receipt: bytes, delay_s: float = 0.0) -> None:
        """Send a receipt to the bind that sent the message, or another of its system_id that can receive."""
        if delay_s > 0:
            asyncio.get_running_loop().call_later(delay_s, self.deliver_receipt, session, receipt)
            return
        self.counts.receipts += 1
        self._outbox.put(session.system_id, consts.DELIVER_SM, receipt, session=session)

    # What sessions tell

    def joined(self, session: SmscSession) -> None:
        """Take a new connection into the list."""
        self.sessions.append(session)

    def left(self, session: SmscSession, unanswered: Unanswered) -> None:
        """Take a connection out; what waited for an answer there is held or given up."""
        self.sessions.remove(session)
        if self.settings.redeliver and self._server is not None:
            self._outbox.again(session.system_id, unanswered)
        else:
            give_up(unanswered)
        self.watch.tell()

    def judge_bind(self, fields: Fields) -> int:
        """Give the status of a bind response."""
        faults = self.faults
        if faults.refuse_binds < 0 or self._refusals < faults.refuse_binds:
            self._refusals += 1
            self.counts.refused_binds += 1
            return faults.bind_status
        accounts = self.settings.accounts
        if accounts:
            name, password = fields.values["system_id"], fields.values["password"]
            assert isinstance(name, bytes)
            assert isinstance(password, bytes)
            if accounts.get(name.decode("latin-1")) != password.decode("latin-1"):
                self.counts.refused_binds += 1
                return consts.ESME_RBINDFAIL
        return 0

    def has_bound(self, session: SmscSession) -> None:
        """Count a bind and send it what was held for it."""
        self.counts.binds += 1
        if session.can_receive:
            self._outbox.release(session)

    def next_id(self) -> str:
        """Give the next message_id."""
        number = self._id
        self._id = number + 1
        return self._write_id(number)

    def arrive(self, session: SmscSession, command: int, raw: bytes, status: int) -> Arrived:
        """Read, count and record a message; raises PduError where it is malformed."""
        message = read_message(command, raw)
        now = asyncio.get_running_loop().time()
        arrived = Arrived(session.system_id, session.number, command, raw, message, self.next_id(), status, now)
        self.counts.submits += 1
        self.counts.statuses[status] += 1
        if self._record:
            self.arrived.append(arrived)
        if self.on_message is not None and not status:
            self.on_message(arrived)
        return arrived

    def receipt_of(self, arrived: Arrived, rng: random.Random) -> bytes | None:
        """Write the body of the receipt that a message gets; None where it gets none."""
        receipts, message = self.settings.receipts, arrived.message
        asked = message.registered_delivery & consts.REGISTERED_RECEIPT_MASK
        if not (asked or receipts.unasked) or (receipts.share < 1 and rng.random() >= receipts.share):
            return None
        state = next(iter(receipts.states))
        if len(receipts.states) > 1:
            state = rng.choices(list(receipts.states), list(receipts.states.values()))[0]
        if asked == consts.REGISTERED_RECEIPT_ON_FAILURE and state == "DELIVRD" and not receipts.unasked:
            return None
        message_id = arrived.message_id
        if receipts.id_format != "same":
            radix = 10 if self.settings.ids.format == "decimal" else 16
            kind = RADIX_SIGNS[receipts.id_format]
            message_id = f"{int(message_id, radix):{kind}}"
        text = receipt_text(message_id, state, self._clock)
        return receipt_body(message, text, receipt_tlvs(arrived.message_id, state) if receipts.tlvs else b"")

    def _settle(self) -> None:
        """Find out whether messages may be answered from their header alone."""
        receipts = self.settings.receipts.share > 0
        self.plain = not (self._record or self.on_message or receipts) and self.faults == Faults()

    def _session(self) -> SmscSession:
        self._opened += 1
        return SmscSession(self, self._opened, random.Random(f"{self._seed}:{self._opened}"))

    async def _ask_for_life(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            for session in self.sessions:
                if session.bound:
                    session.ask_for_life()
