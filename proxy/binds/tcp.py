"""A plain TCP connection without ceremony: read what is there, write at once, keep the rest.

Owns one socket each. WHY not the loop's own transports: how much is read before the loop turns, and when a write goes
out, are ours to say here. It is not for speed: `docs/adr/0009-uvloop-and-own-tcp.md` has the figures. TLS connections
use the loop's transports; both offer what `links` needs.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Any, Final

from proxy.binds.reading_turns import ReadingTurns

#: WHY no more: a chunk is handled at a stretch, and this is some eighty messages.
_CHUNK_OCTETS: Final = 16_384
_CONNECTIONS_A_TURN: Final = 64
_DISCARDED_CHUNKS: Final = 64
#: Where connections cannot be taken (no descriptors left), how long until it is tried again.
_ACCEPT_PAUSE_S: Final = 0.1


class SocketTransport:
    """The part of asyncio.Transport that the links use, over one connected socket. Used on the loop only."""

    __slots__ = (
        "_buffer",
        "_closing",
        "_high",
        "_loop",
        "_paused",
        "_peer",
        "_protocol",
        "_reading",
        "_recv",
        "_send",
        "_socket",
        "_turns",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connected: socket.socket,
        protocol: asyncio.Protocol,
        turns: ReadingTurns | None = None,
    ) -> None:
        """Without `turns` it is read whenever something is there."""
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop = loop
        self._socket = connected
        self._recv = connected.recv
        self._send = connected.send
        self._protocol = protocol
        self._peer = connected.getpeername()
        self._buffer = bytearray()
        self._high = 65_536
        self._paused = False
        self._closing = False
        self._reading = True
        self._turns = turns
        protocol.connection_made(self)  # type: ignore[arg-type]
        if not self._closing:
            loop.add_reader(connected, self._readable)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """`peername`; anything else is `default`, as there is no TLS here."""
        return self._peer if name == "peername" else default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """From `high` unsent octets on the protocol is told to pause, until half of it went."""
        del low
        if high is not None:
            self._high = high

    def is_closing(self) -> bool:
        return self._closing

    def pause_reading(self) -> None:
        if self._reading and not self._closing:
            self._reading = False
            self._loop.remove_reader(self._socket)

    def resume_reading(self) -> None:
        if not self._reading and not self._closing:
            self._reading = True
            self._loop.add_reader(self._socket, self._readable)

    def write(self, octets: bytes | bytearray) -> None:
        """Sends at once what the kernel takes, and the rest when it takes more."""
        if self._buffer:
            self._buffer += octets
        else:
            try:
                sent = self._send(octets)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError as error:
                self._end(error)
                return
            if sent == len(octets):
                return
            self._buffer += octets[sent:]
            self._loop.add_writer(self._socket, self._writable)
        if not self._paused and len(self._buffer) > self._high:
            self._paused = True
            self._protocol.pause_writing()

    def close(self) -> None:
        """Reads no more, and ends once everything was sent."""
        if self._closing:
            return
        self._stop_reading()
        if not self._buffer:
            self._finish(None)

    def abort(self) -> None:
        """Ends now."""
        if self._socket.fileno() >= 0:
            self._buffer.clear()
            self._end(None)

    def _readable(self) -> None:
        if self._turns is None or self._turns.admits(self):
            self.read()

    def read(self) -> None:
        """Takes a chunk, if any is there and reading did not pause; for whoever says whose turn it is."""
        if not self._reading:
            return
        try:
            octets = self._recv(_CHUNK_OCTETS)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._end(error)
            return
        if not octets:
            self.close()
            return
        if self._turns is not None:
            self._turns.spent += len(octets)
        try:
            self._protocol.data_received(octets)
        except Exception as error:  # noqa: BLE001  WHY: a defect met by one peer's octets must not cost another's
            self._loop.call_exception_handler({"message": "a connection failed", "exception": error})
            self.abort()

    def _writable(self) -> None:
        try:
            sent = self._send(self._buffer)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._end(error)
            return
        del self._buffer[:sent]
        if not self._buffer:
            self._loop.remove_writer(self._socket)
            if self._closing:
                self._finish(None)
                return
        if self._paused and len(self._buffer) <= self._high // 2:
            self._paused = False
            self._protocol.resume_writing()

    def _stop_reading(self) -> None:
        self._closing = True
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._socket)

    def _end(self, error: Exception | None) -> None:
        """The connection is broken, or shall be."""
        self._stop_reading()
        self._buffer.clear()
        self._finish(error)

    def _finish(self, error: Exception | None) -> None:
        if self._socket.fileno() < 0:
            return
        with contextlib.suppress(OSError, ValueError):
            self._loop.remove_writer(self._socket)
        if error is None:
            self._discard()
        self._socket.close()
        # WHY not at once: whoever called is in the middle of something with this link.
        self._loop.call_soon(self._protocol.connection_lost, error)

    def _discard(self) -> None:
        """Takes what came and is not wanted. WHY: unread octets make the kernel reset, and the last answer is lost."""
        with contextlib.suppress(OSError):
            for _ in range(_DISCARDED_CHUNKS):
                if not self._recv(_CHUNK_OCTETS):
                    return


class Listening:
    """A listening socket that hands each connection to a protocol of its own."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, host: str, port: int, make: Callable[[], asyncio.Protocol]
    ) -> None:
        """Raises OSError where the address cannot be had."""
        self._loop = loop
        self._make = make
        self._turns = ReadingTurns(loop)
        self._pause: asyncio.TimerHandle | None = None
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=1024)
        self._socket.setblocking(False)
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        loop.add_reader(self._socket, self._acceptable)

    def _acceptable(self) -> None:
        for _ in range(_CONNECTIONS_A_TURN):
            try:
                connected, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                # WHY a pause: out of descriptors, most likely, and the backlog stays readable: no pause would be a
                # busy loop. Those that wait are taken when a descriptor is free again.
                self._loop.call_exception_handler({"message": "accept failed", "exception": error})
                self._loop.remove_reader(self._socket)
                self._pause = self._loop.call_later(_ACCEPT_PAUSE_S, self._accept_again)
                return
            try:
                SocketTransport(self._loop, connected, self._make(), self._turns)
            except OSError:
                connected.close()

    def _accept_again(self) -> None:
        self._pause = None
        self._loop.add_reader(self._socket, self._acceptable)

    def close(self) -> None:
        """Takes no more connections; those that stand go on."""
        if self._pause is not None:
            self._pause.cancel()
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()


async def connect(host: str, port: int, protocol: asyncio.Protocol) -> None:
    """Connects and hands the connection to `protocol`; raises OSError, of the last address tried."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure: OSError | None = None
    for family, kind, number, _, address in found:
        attempt = socket.socket(family, kind, number)
        attempt.setblocking(False)
        try:
            await loop.sock_connect(attempt, address)
        except OSError as error:
            attempt.close()
            failure = error
            continue
        except BaseException:
            attempt.close()
            raise
        try:
            SocketTransport(loop, attempt, protocol)
        except OSError as error:
            # It was reset before it was used.
            attempt.close()
            failure = error
            continue
        return
    raise failure or OSError(f"{host} has no address")
