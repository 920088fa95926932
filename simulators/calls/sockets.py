"""Where the octets of a simulated end come from and go to: one UDP socket, or connections of TCP and TLS.

Owns descriptors. Must never know a call. Each way to a peer is a `Way`; the flows and hops of the stack bear it.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Final, cast

from proxy.sip.error import SipError
from proxy.sip.flow import Flow
from proxy.sip.framing import Broken, Ping, StreamFraming, read_datagram
from proxy.sip.hop import Hop
from proxy.sip.message import Limits, Message

_DATAGRAMS_A_TURN: Final = 64
_BUFFER_OCTETS: Final = 4 << 20
_ANY: Final = ("0.0.0.0", "::")
_SLOW_S: Final = 30.0
LIMITS: Final = Limits()
Received = Callable[[Message, "Way"], None]
Wrong = Callable[[SipError, "Way"], None]


def bracketed(host: str) -> bytes:
    """A host as URIs and Via have it."""
    return (f"[{host}]" if ":" in host else host).encode()


def local_host_towards(host: str, port: int) -> str:
    """The address from which a peer is reached; nothing is sent. OSError where there is none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(found[0], socket.SOCK_DGRAM) as asked:
        asked.connect(found[4])
        return str(asked.getsockname()[0])


class Way:
    """A peer, and how we appear to it."""

    __slots__ = ("flow", "hop", "local_host", "peer")

    def __init__(self, transport: str, local: tuple[str, int], peer: tuple[str, int]) -> None:
        self.peer: Final = peer
        self.local_host: Final = local[0]
        self.flow: Final = Flow(self, peer[0].encode(), transport != "udp")
        host = bracketed(local[0])
        contact = b"sip:sim@%s:%d" % (host, local[1])
        if transport != "udp":
            contact += b";transport=" + transport.encode()
        self.hop: Final = Hop(self.flow, transport.upper().encode(), host, local[1], contact)

    def send(self, octets: bytes) -> bool:
        """Send one message; False where this way leads nowhere any more."""
        raise NotImplementedError


def way_of(flow: Flow) -> Way:
    """The way that a flow bears."""
    assert isinstance(flow.key, Way)
    return flow.key


class UdpWay(Way):
    """An address on the socket."""

    __slots__ = ("_bound",)

    def __init__(self, bound: socket.socket, local: tuple[str, int], peer: tuple[str, int]) -> None:
        super().__init__("udp", local, peer)
        self._bound: Final = bound

    def send(self, octets: bytes) -> bool:
        # WHY True whatever happens: any datagram may be lost; what matters is sent again.
        with contextlib.suppress(OSError):
            self._bound.sendto(octets, self.peer)
        return True


class UdpEnd:
    """One bound socket."""

    def __init__(self, host: str, port: int, received: Received, wrong: Wrong) -> None:
        self._bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._bound.setblocking(False)
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                self._bound.setsockopt(socket.SOL_SOCKET, option, _BUFFER_OCTETS)
            self._bound.bind((host, port))
        except OSError:
            self._bound.close()
            raise
        self._received, self._wrong = received, wrong
        self._ways: dict[tuple[str, int], UdpWay] = {}
        self.address: tuple[str, int] = self._bound.getsockname()[:2]
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._bound, self._readable)

    def way(self, host: str, port: int) -> UdpWay:
        """The way to an address."""
        peer = (host, port)
        way = self._ways.get(peer)
        if way is None:
            local = self.address
            if local[0] in _ANY:
                with contextlib.suppress(OSError):
                    local = (local_host_towards(*peer), local[1])
            way = self._ways[peer] = UdpWay(self._bound, local, peer)
        return way

    def resolved(self, host: str, port: int) -> UdpWay:
        """The way to a host by name. OSError."""
        found = socket.getaddrinfo(host, port, family=self._bound.family, type=socket.SOCK_DGRAM)
        address = found[0][4]
        return self.way(str(address[0]), port)

    def close(self) -> None:
        """Close it."""
        self._loop.remove_reader(self._bound)
        self._bound.close()

    def _readable(self) -> None:
        for _ in range(_DATAGRAMS_A_TURN):
            try:
                data, address = self._bound.recvfrom(65_535)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                continue  # WHY: an ICMP about something that was sent before.
            way = self.way(address[0], address[1])
            try:
                message = read_datagram(data, LIMITS)
            except SipError as error:
                self._wrong(error, way)
                continue
            if message is not None:
                self._received(message, way)


class StreamEnd(asyncio.Protocol):
    """One connection, made or taken."""

    def __init__(
        self, transport_name: str, received: Received, wrong: Wrong, lost: Callable[["StreamWay"], None]
    ) -> None:
        self._name, self._received, self._wrong, self._lost = transport_name, received, wrong, lost
        self._framing = StreamFraming(LIMITS, _SLOW_S)
        self._way: StreamWay | None = None

    @property
    def way(self) -> "StreamWay":
        """The way that this connection is. INVARIANT: it stands."""
        assert self._way is not None
        return self._way

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # WHY a cast: uvloop's transports are none of asyncio's classes.
        stream = cast(asyncio.Transport, transport)
        local, peer = (stream.get_extra_info(name)[:2] for name in ("sockname", "peername"))
        self._way = StreamWay(self._name, local, peer, stream)

    def data_received(self, data: bytes) -> None:
        way = self.way
        for each in self._framing.receive(data, asyncio.get_running_loop().time()):
            if isinstance(each, Ping):
                way.send(b"\r\n")
            elif isinstance(each, Broken):
                self._wrong(each.error, way)
                way.close()
            elif isinstance(each, SipError):
                self._wrong(each, way)
            else:
                self._received(each, way)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._way is not None:
            self._way.ended = True
            self._lost(self._way)


class StreamWay(Way):
    """A connection that stands, or stood."""

    __slots__ = ("_transport", "ended")

    def __init__(self, name: str, local: tuple[str, int], peer: tuple[str, int], transport: asyncio.Transport) -> None:
        super().__init__(name, local, peer)
        self._transport: Final = transport
        self.ended = False

    def send(self, octets: bytes) -> bool:
        if self.ended or self._transport.is_closing():
            return False
        self._transport.write(octets)
        return True

    def close(self) -> None:
        """End it after what was written."""
        self._transport.close()
