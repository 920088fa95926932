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
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from typing import Literal

from proxy.smpp import consts
from proxy.smpp.codec import Fields
from simulators import wording
from simulators.arrivals import Arrived, read_message
from simulators.bodies import Tlvs, data_body, message_body
from simulators.faults import Faults
from simulators.receipts import Clock, receipt_text, receipt_tlvs, wall_clock
from simulators.smsc_session import Done, SmscSession
from simulators.smsc_settings import SmscSettings
from simulators.watch import LIMIT_S, Watch


class SmscCounts:
    """What an SMSC has seen and sent; only ever grows."""

    def __init__(self) -> None:
        self.binds = 0
        self.refused_binds = 0
        self.submits = 0
        self.malformed = 0
        self.receipts = 0
        self.replies = 0
        self.statuses: Counter[int] = Counter()
        """What messages were answered with, where that was looked at."""
        self.delivery_answers: Counter[int] = Counter()
        """What receipts and replies were answered with."""


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
        self._held: defaultdict[str, deque[tuple[int, bytes, Done | None]]] = defaultdict(deque)
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
            self.deliver(system_id, number, body, kind="reply", session=session, done=done)
        return len(pieces)

    def deliver(
        self,
        system_id: str | None,
        command: int,
        body: bytes,
        *,
        kind: Literal["receipt", "reply"],
        session: SmscSession | None = None,
        done: Done | None = None,
    ) -> None:
        """Send a body to `session` if it can receive, else to any bind of `system_id` that can, else hold it."""
        if kind == "receipt":
            self.counts.receipts += 1
        else:
            self.counts.replies += 1
        self._route(system_id, command, body, session, done)

    def deliver_later(self, session: SmscSession, receipt: bytes) -> None:
        """Send a receipt after the delay of the settings."""
        delay_s = self.settings.receipts.delay_ms / 1000
        if delay_s <= 0:
            self._send_receipt(session, receipt)
        else:
            asyncio.get_running_loop().call_later(delay_s, self._send_receipt, session, receipt)

    def _send_receipt(self, session: SmscSession, receipt: bytes) -> None:
        self.deliver(session.system_id, consts.DELIVER_SM, receipt, kind="receipt", session=session)

    def _route(
        self, system_id: str | None, command: int, body: bytes, session: SmscSession | None, done: Done | None
    ) -> None:
        if session is None or session.closed or not session.can_receive:
            session = next(
                (s for s in self.sessions if s.can_receive and not s.closed and system_id in (None, s.system_id)), None
            )
        if session is None:
            self._held[system_id or ""].append((command, body, done))
        else:
            session.deliver(command, body, done)

    # What sessions tell

    def joined(self, session: SmscSession) -> None:
        """Take a new connection into the list."""
        self.sessions.append(session)

    def left(self, session: SmscSession, unanswered: list[tuple[bytes, Done | None]]) -> None:
        """Take a connection out; what waited for an answer there is held or given up."""
        self.sessions.remove(session)
        for pdu, done in unanswered:
            if self.settings.redeliver and self._server is not None and done is not None:
                command = int.from_bytes(pdu[4:8], "big")
                self._route(session.system_id, command, pdu[consts.HEADER_OCTETS :], None, done)
            elif done is not None:
                done(None)
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
            for key in (session.system_id, ""):
                for command, body, done in self._held.pop(key, ()):
                    session.deliver(command, body, done)

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
            kind = {"hex": "x", "HEX": "X", "decimal": "d"}[receipts.id_format]
            message_id = f"{int(message_id, radix):{kind}}"
        text = receipt_text(message_id, state, self._clock)
        piece = wording.Segment(text, 0, consts.ESM_TYPE_RECEIPT)
        tlvs = receipt_tlvs(arrived.message_id, state) if receipts.tlvs else ()
        return message_body(
            message.dest,
            message.source,
            piece,
            source_ton=message.dest_ton,
            source_npi=message.dest_npi,
            dest_ton=message.source_ton,
            dest_npi=message.source_npi,
            tlvs=tlvs,
        )

    def _settle(self) -> None:
        """Find out whether messages may be answered from their header alone, and how ids are written."""
        receipts = self.settings.receipts.share > 0
        self.plain = not (self._record or self.on_message or receipts) and self.faults == Faults()
        ids = self.settings.ids
        kind = {"hex": "x", "HEX": "X", "decimal": "d"}[ids.format]
        self._write_id = f"{{:0{ids.width}{kind}}}".format if ids.width else f"{{:{kind}}}".format

    def _session(self) -> SmscSession:
        self._opened += 1
        return SmscSession(self, self._opened, random.Random(f"{self._seed}:{self._opened}"))

    async def _ask_for_life(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            for session in self.sessions:
                if session.bound:
                    session.ask_for_life()
