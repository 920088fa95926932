"""The simulated ESME: binds, sends texts, awaits answers, receives replies and receipts.

Owns one bind. Must never retry by itself: what a status means is the tester's to say. For many messages at speed see
`load`, which drives several of these.

    async with Esme("127.0.0.1", 2775, "acct1", "secret") as esme:
        result = await esme.submit(source="10690001", destination="13800138000", text="【江澜银行】…")
        async for reply in esme.replies:
            print(reply.source, reply.text)
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Final, Literal

from proxy.smpp import consts
from proxy.smpp.codec import Fields, decode, encode
from proxy.smpp.pdu import PduError
from simulators import wording
from simulators.answers import BindRefused, SubmitResult
from simulators.bodies import Tlvs, data_body, message_body
from simulators.deliveries import Delivery, read_delivery
from simulators.esme_link import EsmeLink
from simulators.inbox import Inbox, Kind
from simulators.watch import LIMIT_S, Watch

__all__ = ["BindRefused", "Esme", "SubmitResult"]

BindKind = Literal["tx", "rx", "trx"]
BINDS: Final[Mapping[str, int]] = {
    "tx": consts.BIND_TRANSMITTER,
    "rx": consts.BIND_RECEIVER,
    "trx": consts.BIND_TRANSCEIVER,
}


class Esme:
    """One bind towards an SMSC; `bind` first, `stop` at the end, or use it as an async context manager."""

    def __init__(
        self,
        host: str,
        port: int,
        system_id: str,
        password: str,
        *,
        bind: BindKind = "trx",
        system_type: str = "",
        interface_version: int = consts.VERSION_34,
        address_range: str = "",
        window: int = 10,
        tls: ssl.SSLContext | None = None,
        limit_s: float = LIMIT_S,
        enquire_link_s: float = 0.0,
        delivery_status: int | None = 0,
        sequence: int = 0,
        watch: Watch | None = None,
    ) -> None:
        """Take what a bind needs; nothing is sent yet.

        `window` bounds the messages without an answer. `limit_s` is how long an answer may take. `delivery_status`
        is what deliveries are answered with (None: nothing). `sequence` is the number before the first.
        `watch`, shared by several binds, is told whatever happens on any of them.
        """
        self.host, self.port = host, port
        self.system_id, self.password, self.kind = system_id, password, bind
        self.window, self.limit_s = window, limit_s
        self.delivery_status = delivery_status
        self.link: EsmeLink | None = None
        self._system_type, self._version, self._range = system_type, interface_version, address_range
        self._tls, self._enquire_s = tls, enquire_link_s
        self._waiting: dict[int, asyncio.Future[Fields]] = {}
        self._watch = watch or Watch()
        self._slots = asyncio.Semaphore(window)
        self._inbox = Inbox(self._watch, lambda: self.closed)
        self._reference = 0
        self._sequence = sequence
        self._life: asyncio.Task[None] | None = None

    # Life

    @property
    def closed(self) -> bool:
        """Whether there is no connection (any more)."""
        return self.link is None or self.link.closed

    async def connect(self) -> None:
        """Open the connection without a bind; OSError where nobody listens."""
        loop = asyncio.get_running_loop()
        _, self.link = await loop.create_connection(
            lambda: EsmeLink(self._answered, self._delivered, self.connection_ended),
            self.host,
            self.port,
            ssl=self._tls,
            server_hostname=self.host if self._tls else None,
        )
        self.link.sequence = self._sequence

    async def bind(self) -> Fields:
        """Connect and bind; returns the response.

        BindRefused with its status, OSError where nobody listens, ConnectionError where the SMSC hangs up, TimeoutError
        where it does not answer.
        """
        if self.closed:
            await self.connect()
        values: dict[str, bytes | int] = {
            "system_id": self.system_id.encode("latin-1"),
            "password": self.password.encode("latin-1"),
            "system_type": self._system_type.encode("latin-1"),
            "interface_version": self._version,
            "address_range": self._range.encode("latin-1"),
        }
        command = BINDS[self.kind]
        answer = await self.request(command, encode(command, 0, 0, values)[consts.HEADER_OCTETS :])
        if answer.status:
            await self.stop()
            raise BindRefused(answer.status)
        if self._enquire_s > 0:
            self._life = asyncio.create_task(self._ask_for_life())
        return answer

    async def unbind(self) -> None:
        """Unbind in order and close; does nothing where the connection has ended."""
        if not self.closed:
            with contextlib.suppress(ConnectionError, TimeoutError):
                await self.request(consts.UNBIND, b"")
        await self.stop()

    async def stop(self, *, reset: bool = False) -> None:
        """Close without unbind, in order or (`reset`) as a killed process does."""
        if self._life is not None:
            self._life.cancel()
            self._life = None
        if self.link is None:
            return
        link = self.link
        if reset:
            link.reset()
        else:
            link.close()
        with contextlib.suppress(TimeoutError):
            await self._watch.until(lambda: link.closed, 2.0)

    async def __aenter__(self) -> "Esme":
        await self.bind()
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.unbind()

    # Sending

    async def request(self, command: int, body: bytes) -> Fields:
        """Send any request and await its answer (generic_nack too); ConnectionError, TimeoutError, PduError."""
        link = self._open_link()
        future: asyncio.Future[Fields] = asyncio.get_running_loop().create_future()
        sequence = link.request(command, body)
        self._waiting[sequence] = future
        try:
            async with asyncio.timeout(self.limit_s):
                return await future
        finally:
            self._waiting.pop(sequence, None)

    async def submit(
        self,
        source: str,
        destination: str,
        text: str,
        *,
        encoding: str = "auto",
        data_coding: int | None = None,
        long: str = "parts",
        registered_delivery: int = 0,
        command: Literal["submit_sm", "data_sm"] = "submit_sm",
        tlvs: Tlvs = (),
        service_type: str = "",
        validity: str = "",
        schedule: str = "",
    ) -> SubmitResult:
        """Send a text and await the answer of all its parts.

        ConnectionError where the connection ends first, TimeoutError where no answer comes within `limit_s`,
        ValueError for a text that the encoding does not hold.
        """
        self._reference += 1
        pieces = wording.segments(text, encoding, data_coding=data_coding, long=long, reference=self._reference)
        bodies = []
        for piece in pieces:
            if command == "data_sm":
                number = consts.DATA_SM
                body = data_body(source, destination, piece, registered_delivery=registered_delivery, tlvs=tlvs)
            else:
                number = consts.SUBMIT_SM
                body = message_body(
                    source,
                    destination,
                    piece,
                    registered_delivery=registered_delivery,
                    service_type=service_type,
                    validity=validity,
                    schedule=schedule,
                    tlvs=tlvs,
                )
            bodies.append((number, body))
        results = await asyncio.gather(*[self.submit_body(number, body) for number, body in bodies])
        if len(results) == 1:
            return results[0]
        first = next((result for result in results if result.status), results[0])
        return SubmitResult(first.status, results[0].message_id, tuple(results))

    async def submit_body(self, command: int, body: bytes) -> SubmitResult:
        """Send a message whose body is written already, inside the window."""
        async with self._slots:
            answer = await self.request(command, body)
        message_id = answer.values.get("message_id", b"")
        assert isinstance(message_id, bytes)
        return SubmitResult(
            answer.status, message_id.decode("latin-1"), nacked=answer.command_id == consts.GENERIC_NACK
        )

    # Receiving

    def count_of(self, kind: Kind) -> int:
        """Count the replies or receipts that have come."""
        return self._inbox.count(kind)

    @property
    def received(self) -> list[Delivery]:
        """All replies and receipts in order, where no load is driving."""
        return self._inbox.all

    @property
    def replies(self) -> AsyncIterator[Delivery]:
        """Everything that people sent, from the first not yet read on; ends with the connection."""
        return self._inbox.each("reply")

    @property
    def receipts(self) -> AsyncIterator[Delivery]:
        """Every receipt, from the first not yet read on; ends with the connection."""
        return self._inbox.each("receipt")

    async def replied(self, count: int = 1, limit_s: float | None = LIMIT_S) -> list[Delivery]:
        """Return all replies as soon as there are `count`; TimeoutError after `limit_s`."""
        return await self._inbox.wait("reply", count, limit_s)

    async def receipted(self, count: int = 1, limit_s: float | None = LIMIT_S) -> list[Delivery]:
        """Return all receipts as soon as there are `count`; TimeoutError after `limit_s`."""
        return await self._inbox.wait("receipt", count, limit_s)

    async def ended(self, limit_s: float | None = LIMIT_S) -> None:
        """Return when the connection has ended; TimeoutError after `limit_s`."""
        await self._watch.until(lambda: self.closed, limit_s)

    # What the link tells

    def _open_link(self) -> EsmeLink:
        if self.link is None or self.link.closed:
            raise ConnectionError("not connected")
        return self.link

    def _answered(self, command: int, status: int, sequence: int, buffer: bytes, at: int, stop: int) -> None:
        future = self._waiting.get(sequence)
        if future is None or future.done():
            return
        try:
            future.set_result(decode(buffer[at:stop]))
        except PduError as wrong:
            future.set_exception(wrong)

    def _delivered(self, command: int, raw: bytes) -> int | None:
        try:
            self._inbox.put(read_delivery(command, raw))
        except PduError as wrong:
            return wrong.status
        return self.delivery_status

    def connection_ended(self) -> None:
        """Give up what waits for an answer."""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionError("the connection ended before the answer"))
        self._watch.tell()

    async def _ask_for_life(self) -> None:
        while not self.closed:
            await asyncio.sleep(self._enquire_s)
            if self.link is not None and not self.link.closed:
                self.link.enquire()
