"""UDP: one socket, read until it is empty, written at once.

Owns the socket and the ways to those who were heard or asked on it, a bounded number. Must never wait: a datagram that
the kernel does not take is lost, as any datagram may be, and the transaction sends it again.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Final

from proxy.trunks.way import Local, Way

_DATAGRAMS_A_TURN: Final = 64
_MOST_OCTETS: Final = 65_535
_BUFFER_OCTETS: Final = 4 << 20
_WAYS_KEPT: Final = 16_384

#: Told every datagram that was there, in order.
Received = Callable[[list[tuple["UdpWay", bytes]]], None]
Beside = Callable[[str, int], "UdpWay"]


class UdpWay(Way):
    """An address on a socket."""

    __slots__ = ("_address", "_beside", "_socket")

    def __init__(self, local: Local, address: tuple[str, int], bound: socket.socket, beside: Beside) -> None:
        super().__init__(local, address[0], address[1], reliable=False)
        self._address: Final = address
        self._socket: Final = bound
        self._beside: Final = beside

    def beside(self, port: int) -> "UdpWay":
        """The way to another port of the same host."""
        return self._beside(self._address[0], port)

    def send(self, octets: bytes) -> bool:
        # WHY True whatever happens: any datagram may be lost; what matters is sent again, or given up in time.
        try:  # noqa: SIM105  WHY: `suppress` takes as long as what it stands around, which comes with every message.
            self._socket.sendto(octets, self._address)
        except OSError:
            pass
        return True


class UdpSocket:
    """One bound socket. `received` is told the datagrams that have come."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        host: str,
        port: int,
        advertised: str,
        received: Received,
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_DGRAM)
        try:
            bound.setblocking(False)
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                bound.setsockopt(socket.SOL_SOCKET, option, _BUFFER_OCTETS)
            bound.bind((host, port))
        except OSError:
            bound.close()
            raise
        self._loop = loop
        self._socket = bound
        self._received = received
        self._ways: dict[tuple[str, int], UdpWay] = {}
        #: Read into, so that a message costs its own length and not the longest one's.
        self._buffer: Final = memoryview(bytearray(_MOST_OCTETS))
        self.address: tuple[str, int] = bound.getsockname()[:2]
        self.local: Final = Local(b"UDP", advertised or self.address[0], self.address[1])
        loop.add_reader(bound, self._readable)

    def way(self, host: str, port: int) -> UdpWay:
        """The way to an address on this socket."""
        address = (host, port)
        way = self._ways.get(address)
        if way is None:
            if len(self._ways) >= _WAYS_KEPT:
                # WHY all: anybody can write from many ports; those in use are kept by who uses them.
                self._ways.clear()
            way = UdpWay(self.local, address, self._socket, self.way)
            self._ways[address] = way
        return way

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _readable(self) -> None:
        # WHY read before any is looked at: what waits longest waits in the kernel, whose room is bounded.
        receive = self._socket.recvfrom_into
        found: list[tuple[UdpWay, bytes]] = []
        buffer = self._buffer
        for _ in range(_DATAGRAMS_A_TURN):
            try:
                octets, address = receive(buffer)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                continue  # WHY: an ICMP of something that was sent before.
            way = self._ways.get(address) or self.way(address[0], address[1])
            found.append((way, bytes(buffer[:octets])))
        if found:
            self._received(found)
