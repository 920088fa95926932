"""TCP and TLS: connections that come and connections that are made, each cut into messages.

Owns one connection each, with what waits until it stands. Must never let a peer make us keep much: what is unsent
beyond a bound ends the connection, what comes slowly is ended by `late`. An answer goes back on the connection of its
request, a request of ours takes the one that stands (RFC 3261 §18.1.1, §18.2.2).
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Final, Protocol, cast

from proxy.sip.framing import Broken, Framed, Ping, StreamFraming
from proxy.sip.message import Limits
from proxy.trunks.certificate import identities_of
from proxy.trunks.way import Local, Way

_UNSENT_MOST: Final = 1 << 20
_PONG: Final = b"\r\n"


class StreamOwner(Protocol):
    """Who runs the connections."""

    def framed(self, stream: "Stream", found: list[Framed]) -> None:
        """These came, in order; pings are answered already, and a `Broken` ends the connection after this."""

    def stream_ended(self, stream: "Stream") -> None:
        """Nothing can be sent on it any more."""

    def let_in(self, stream: "Stream") -> bool:
        """Whether a connection that came may stay."""


class Stream(Way, asyncio.Protocol):
    """One connection. `outgoing` is one that we made."""

    def __init__(
        self,
        owner: StreamOwner,
        local: Local,
        peer: tuple[str, int],
        limits: Limits,
        patience_s: float,
        clock: Callable[[], float],
        *,
        outgoing: bool,
    ) -> None:
        super().__init__(local, peer[0], peer[1], reliable=True)
        self.outgoing: Final = outgoing
        self._owner: Final = owner
        self._clock: Final = clock
        self._framing: Final = StreamFraming(limits, patience_s)
        self._transport: asyncio.Transport | None = None
        self._waiting: list[bytes] = []
        self._waiting_octets = 0
        self.ended = False
        self.used_at = clock()

    # What the loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # WHY a cast: uvloop's transports do what asyncio.Transport does without being one.
        made = self._transport = cast(asyncio.Transport, transport)
        if self.ended:
            made.abort()
            return
        if self._waiting:
            made.write(b"".join(self._waiting))
            self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        if self.ended:
            return
        now = self._clock()
        self.used_at = now
        found = self._framing.receive(data, now)
        for each in found:
            if isinstance(each, Ping):
                self.send(_PONG)
        if found:
            self._owner.framed(self, found)
        if found and isinstance(found[-1], Broken):
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.failed()

    def failed(self) -> None:
        """It stands no more, or never did."""
        if not self.ended:
            self.ended = True
            self._waiting.clear()
            self._owner.stream_ended(self)

    # What its owner asks

    def send(self, octets: bytes) -> bool:
        if self.ended:
            return False
        transport = self._transport
        if transport is None:
            self._waiting.append(octets)
            self._waiting_octets += len(octets)
            too_much = self._waiting_octets > _UNSENT_MOST
        else:
            transport.write(octets)
            too_much = transport.get_write_buffer_size() > _UNSENT_MOST
        if too_much:
            self.abort()
        return not too_much

    def late(self, now: float) -> bool:
        """Whether a message was begun and not finished in time."""
        return self._framing.late(now)

    def close(self) -> None:
        """End it after what was written."""
        if self._transport is not None:
            self._transport.close()
        self.failed()

    def abort(self) -> None:
        """End it now."""
        if self._transport is not None:
            self._transport.abort()
        self.failed()


class Incoming(Stream):
    """A connection that came; whose it is shows when it stands."""

    def __init__(
        self, owner: StreamOwner, local: Local, limits: Limits, patience_s: float, clock: Callable[[], float]
    ) -> None:
        super().__init__(owner, local, ("", 0), limits, patience_s, clock, outgoing=False)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        host, port = transport.get_extra_info("peername")[:2]
        self.found_at(host, port)
        secured = transport.get_extra_info("ssl_object")
        octets = secured.getpeercert(binary_form=True) if secured is not None else None
        if octets:
            self.identities = identities_of(secured.getpeercert(), octets)
        super().connection_made(transport)
        if not self._owner.let_in(self):
            self.abort()


async def connect(stream: Stream, tls: ssl.SSLContext | None, server_name: str, timeout_s: float) -> None:
    """Make the connection that `stream` stands for; where that fails, `stream_ended` is told."""
    loop = asyncio.get_running_loop()
    peer = stream.flow.peer.decode()
    try:
        async with asyncio.timeout(timeout_s):
            await loop.create_connection(
                lambda: stream,
                peer,
                stream.port,
                ssl=tls,
                server_hostname=(server_name or peer) if tls is not None else None,
            )
    except (OSError, TimeoutError, ssl.SSLError):
        stream.abort()
