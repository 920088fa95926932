"""One TCP connection that carries SMPP: frames what comes, gathers what goes, and writes once per chunk.

Owns framing, back-pressure and the end of a connection. Must never look into a body: a subclass gets the buffer with
the offsets of each PDU and cuts out only what it needs. What is sent while a chunk is being read leaves in one write
at its end; what is sent at other times leaves in one write at the end of the loop's turn.
"""

import asyncio
import socket
import struct
from typing import Final, cast

from proxy.smpp.consts import HEADER_OCTETS
from proxy.smpp.pdu import HEADER

MAX_PDU_OCTETS: Final = 256 * 1024
"""More than any message_payload (65,535 octets) needs."""

_unpack_header = HEADER.unpack_from
_LINGER_ZERO: Final = struct.pack("ii", 1, 0)


class Link(asyncio.Protocol):
    """A connection; `take` is called for every PDU, `lost` once at the end."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.closed = False
        self.muted = False
        """Takes everything and sends nothing, as a peer that hangs does."""
        self._loop = asyncio.get_running_loop()
        self._rest = b""
        self._out: list[bytes] = []
        self._reading = False
        self._flush_due = False
        self._write_paused = False

    # For subclasses

    def take(self, command: int, status: int, sequence: int, buffer: bytes, at: int, stop: int) -> None:
        """Take one PDU: octets `at` to `stop` of `buffer`, its header read."""
        raise NotImplementedError

    def opened(self) -> None:
        """Called when the connection stands."""

    def chunk_taken(self) -> None:
        """Called when all PDUs of a chunk were taken, before what they caused is written."""

    def broken(self, reason: str) -> None:
        """Called before the connection is closed because the stream holds no PDU."""

    def lost(self) -> None:
        """Called once when the connection has ended, from whichever side."""

    # What both sides use

    def send(self, octets: bytes) -> None:
        """Queue octets; they leave with the others of this chunk or turn."""
        self._out.append(octets)
        if not self._reading and not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what is queued."""
        self._flush_due = False
        out = self._out
        if not out:
            return
        self._out = []
        if self.transport is not None and not self.closed and not self.muted:
            self.transport.write(out[0] if len(out) == 1 else b"".join(out))

    def close(self) -> None:
        """Write what is queued and end the connection in order."""
        self.flush()
        if self.transport is not None:
            self.transport.close()

    def reset(self) -> None:
        """End the connection at once by RST, as a killed process with unread octets does."""
        if self.transport is None or self.closed:
            return
        raw = self.transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self.transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # WHY a cast: uvloop's transport is one by its methods only.
        self.transport = cast(asyncio.Transport, transport)
        raw = self.transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.opened()

    def data_received(self, data: bytes) -> None:
        buffer = self._rest + data if self._rest else data
        at, end = 0, len(buffer)
        self._reading = True
        try:
            while end - at >= HEADER_OCTETS:
                length, command, status, sequence = _unpack_header(buffer, at)
                if length < HEADER_OCTETS or length > MAX_PDU_OCTETS:
                    self.broken(f"command_length {length}")
                    self.close()
                    return
                stop = at + length
                if stop > end:
                    break
                self.take(command, status, sequence, buffer, at, stop)
                if self.closed:
                    return
                at = stop
            self._rest = buffer[at:] if at < end else b""
            self.chunk_taken()
        finally:
            self._reading = False
            self.flush()

    def pause_writing(self) -> None:
        # WHY: a peer that does not read must not fill our memory with answers to what it sends.
        self._write_paused = True
        if self.transport is not None:
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        self._write_paused = False
        if self.transport is not None and not self.closed:
            self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._out.clear()
        self.lost()
