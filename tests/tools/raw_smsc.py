"""A scripted SMSC on a bare socket: records all that comes and answers as a test says, PDU by PDU.

    async with RawSmsc(answer=my_answer) as smsc: ...
`answer(frame, session)` is asked for every PDU that is not a response. It returns octets to send (b"" for none), a
list of them, or None for the ordinary answer. It may keep the frame and answer later with `session.send`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import ssl
import struct
from collections.abc import Callable, Iterable
from typing import TypeVar

from tests.tools.wire import (
    BINDS,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    GENERIC_NACK,
    RESP,
    SUBMIT_MULTI,
    SUBMIT_SM,
    UNBIND,
    Frame,
    Splitter,
    cstring,
    pdu,
)

#: Against waiting for ever; nothing is judged by it.
TIMEOUT_S = 60.0
T = TypeVar("T")


class RawSession:
    """One connection into the SMSC. `system_id` is that of its bind, once one came."""

    def __init__(self, smsc: RawSmsc, writer: asyncio.StreamWriter) -> None:
        self.received: list[Frame] = []
        self.system_id = ""
        self.bind_command = 0
        self.closed = asyncio.Event()
        self.sequence = 0
        self.reading = asyncio.Event()
        self.reading.set()
        self._smsc, self._writer = smsc, writer

    async def send(self, octets: bytes) -> None:
        """Sends the octets as they are."""
        self._writer.write(octets)
        await self._writer.drain()

    async def deliver(self, body: bytes, command: int = DELIVER_SM) -> int:
        """Sends deliver_sm (or data_sm) under the next sequence_number, which it returns; then see `answered`."""
        self.sequence += 1
        await self.send(pdu(command, body, sequence=self.sequence))
        return self.sequence

    async def answered(self, sequence: int, command: int = DELIVER_SM, limit_s: float = TIMEOUT_S) -> Frame:
        """The response to what `deliver` sent."""
        return await self._smsc.wait(
            lambda: next(
                (f for f in self.received if f.command in (command | RESP, GENERIC_NACK) and f.sequence == sequence),
                None,
            ),
            limit_s,
        )

    def drop(self, *, reset: bool = True) -> None:
        """Ends the connection at once: by reset, as a killed process does, or by an ordinary close."""
        if reset:
            raw = self._writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._writer.transport.abort()
        else:
            self._writer.close()


Answer = Callable[[Frame, RawSession], bytes | list[bytes] | None]


class RawSmsc:
    """Listens on 127.0.0.1. `bind_status` other than 0 refuses every bind; `sessions` keeps closed ones too."""

    def __init__(
        self,
        *,
        port: int = 0,
        answer: Answer | None = None,
        bind_status: int = 0,
        tls: ssl.SSLContext | None = None,
        id_format: str = "{:08x}",
    ) -> None:
        self.port = port
        self.answer = answer
        self.bind_status = bind_status
        self.sessions: list[RawSession] = []
        self.frames: list[Frame] = []
        self.id_format = id_format
        self._ids = itertools.count(1)
        self._tls = tls
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> RawSmsc:
        await self.listen()
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.close()

    async def listen(self) -> None:
        """Opens the port (the same one again after `close`)."""
        # WHY the backlog: hundreds may come at once, and a SYN that is dropped comes again only after a second.
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self, *, reset: bool = True) -> None:
        """Stops listening and drops every connection, as a carrier that dies does."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for session in self.sessions:
            if not session.closed.is_set():
                session.reading.set()
                session.drop(reset=reset)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def ordinary(self, frame: Frame) -> bytes:
        """The answer of a willing SMSC."""
        if frame.command in BINDS:
            body = b"" if self.bind_status else cstring("RAWSMSC")
            return pdu(frame.command | RESP, body, status=self.bind_status, sequence=frame.sequence)
        if frame.command in (SUBMIT_SM, DATA_SM):
            body = cstring(self.id_format.format(next(self._ids)))
            return pdu(frame.command | RESP, body, sequence=frame.sequence)
        if frame.command == SUBMIT_MULTI:
            body = cstring(self.id_format.format(next(self._ids))) + b"\0"
            return pdu(frame.command | RESP, body, sequence=frame.sequence)
        if frame.command in (ENQUIRE_LINK, UNBIND):
            return pdu(frame.command | RESP, sequence=frame.sequence)
        return pdu(GENERIC_NACK, status=3, sequence=frame.sequence)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        session = RawSession(self, writer)
        self.sessions.append(session)
        splitter = Splitter()
        try:
            while True:
                await session.reading.wait()
                chunk = await reader.read(65536)
                if not chunk:
                    break
                for frame in splitter.feed(chunk):
                    await self._take(frame, session)
        except OSError:
            pass
        finally:
            self._tasks.discard(task)
            session.closed.set()
            writer.close()
            await self._tell()

    async def _take(self, frame: Frame, session: RawSession) -> None:
        session.received.append(frame)
        self.frames.append(frame)
        if frame.command in BINDS:
            session.system_id = frame.body[: frame.body.index(0)].decode("latin-1")
            session.bind_command = frame.command
        if not frame.command & RESP:
            said = self.answer(frame, session) if self.answer else None
            for octets in [self.ordinary(frame)] if said is None else [said] if isinstance(said, bytes) else said:
                if octets:
                    await session.send(octets)
        await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def wait(self, check: Callable[[], T | None], limit_s: float = TIMEOUT_S) -> T:
        """Returns the first true value of `check`, asked at every PDU and close. TimeoutError if none comes."""
        async with asyncio.timeout(limit_s), self._changed:
            while not (value := check()):
                await self._changed.wait()
            return value

    def of(self, *commands: int) -> list[Frame]:
        """All recorded frames of these commands, in order."""
        return [f for f in self.frames if f.command in commands]

    async def wait_for(self, command: int, count: int = 1, limit_s: float = TIMEOUT_S) -> list[Frame]:
        """Returns the frames of this command as soon as there are `count`."""
        return await self.wait(lambda: found if len(found := self.of(command)) >= count else None, limit_s)

    async def bound(self, system_id: str | None = None, limit_s: float = TIMEOUT_S) -> RawSession:
        """The newest open connection that has sent a bind (under this system_id)."""

        def newest() -> RawSession | None:
            fitting: Iterable[RawSession] = (
                s
                for s in reversed(self.sessions)
                if s.bind_command and not s.closed.is_set() and system_id in (None, s.system_id)
            )
            return next(iter(fitting), None)

        return await self.wait(newest, limit_s)
