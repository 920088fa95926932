"""A scripted ESME on a bare socket: sends any octets, keeps every PDU that comes, waits for the one a test wants.

esme = await RawEsme.connect(port)
await esme.bind("江澜-id", "secret")
answer = await esme.request(SUBMIT_SM, message_body(...))      # the frame with the same sequence
mo = await esme.expect(DELIVER_SM)                             # answered with status 0 by itself unless auto=()
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable, Iterable

from tests.tools.wire import BIND_TRX, DATA_SM, DELIVER_SM, ENQUIRE_LINK, RESP, Frame, Splitter, bind_body, pdu

#: Against waiting for ever; nothing is judged by it.
TIMEOUT_S = 60.0


class RawEsme:
    """One connection. `received` holds all frames in order; `expect` returns no frame twice."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, auto: Iterable[int]) -> None:
        self.received: list[Frame] = []
        self.closed = asyncio.Event()
        self.reset = False
        self.sequence = 0
        self.auto = set(auto)
        self._pending: list[Frame] = []
        self._changed = asyncio.Condition()
        self._reader, self._writer = reader, writer
        self._splitter = Splitter()
        self._reading = asyncio.Event()
        self._reading.set()
        self._task = asyncio.create_task(self._read())

    @classmethod
    async def connect(
        cls,
        port: int,
        host: str = "127.0.0.1",
        *,
        tls: ssl.SSLContext | None = None,
        auto: Iterable[int] = (DELIVER_SM, DATA_SM, ENQUIRE_LINK),
    ) -> RawEsme:
        """Opens the connection. Requests whose command is in `auto` are answered with status 0."""
        reader, writer = await asyncio.open_connection(host, port, ssl=tls)
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(reader, writer, auto)

    async def __aenter__(self) -> RawEsme:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.close()

    async def _read(self) -> None:
        try:
            while True:
                await self._reading.wait()
                chunk = await self._reader.read(65536)
                if not chunk:
                    break
                for frame in self._splitter.feed(chunk):
                    if frame.command in self.auto:
                        body = b"\0" if frame.command in (DELIVER_SM, DATA_SM) else b""
                        self._writer.write(pdu(frame.command | RESP, body, sequence=frame.sequence))
                    async with self._changed:
                        self.received.append(frame)
                        self._pending.append(frame)
                        self._changed.notify_all()
        except OSError:
            self.reset = True
        finally:
            self.closed.set()
            async with self._changed:
                self._changed.notify_all()

    def pause_reading(self) -> None:
        """Stops taking octets off the socket after the next chunk, so that the far side meets a full buffer."""
        self._reading.clear()

    def resume_reading(self) -> None:
        self._reading.set()

    async def send(self, octets: bytes) -> None:
        """Sends the octets as they are."""
        self._writer.write(octets)
        await self._writer.drain()

    def next_sequence(self) -> int:
        self.sequence += 1
        return self.sequence

    async def submit(self, command: int, body: bytes = b"", *, status: int = 0) -> int:
        """Sends one PDU under the next sequence_number, which it returns, and waits for nothing."""
        sequence = self.next_sequence()
        await self.send(pdu(command, body, status=status, sequence=sequence))
        return sequence

    async def request(self, command: int, body: bytes = b"", *, limit_s: float = TIMEOUT_S) -> Frame:
        """Sends one PDU and returns the first frame that carries its sequence_number and is a response."""
        sequence = await self.submit(command, body)
        return await self.expect(match=lambda f: f.sequence == sequence and f.command & RESP != 0, limit_s=limit_s)

    async def bind(self, system_id: str, password: str, command: int = BIND_TRX, *, version: int = 0x34) -> Frame:
        """Binds and returns the response, whatever its status."""
        return await self.request(command, bind_body(system_id, password, version=version))

    async def expect(
        self,
        command: int | None = None,
        *,
        match: Callable[[Frame], bool] = lambda frame: True,
        limit_s: float = TIMEOUT_S,
    ) -> Frame:
        """The oldest frame not yet returned that fits. TimeoutError if none comes, ConnectionError at a close."""

        def found() -> Frame | None:
            for frame in self._pending:
                if (command is None or frame.command == command) and match(frame):
                    self._pending.remove(frame)
                    return frame
            return None

        async with asyncio.timeout(limit_s), self._changed:
            while (frame := found()) is None:
                if self.closed.is_set():
                    raise ConnectionError(
                        f"closed while awaiting {command if command is None else hex(command)}: {self.received[-5:]}"
                    )
                await self._changed.wait()
            return frame

    async def wait_closed(self, limit_s: float = TIMEOUT_S) -> None:
        """Returns when the far side has closed or reset the connection."""
        async with asyncio.timeout(limit_s):
            await self.closed.wait()

    def half_close(self) -> None:
        self._writer.write_eof()

    def abort(self) -> None:
        """Ends the connection with a TCP reset, as a killed process with unread data does."""
        raw = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def close(self) -> None:
        self._task.cancel()
        self._writer.close()
        await asyncio.gather(self._task, return_exceptions=True)
        self.closed.set()
