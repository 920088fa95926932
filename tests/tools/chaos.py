"""A TCP proxy that harms the connection at a chosen octet or PDU.

    async with Chaos(target_port) as chaos:
        chaos.up.cut_after_pdus(3, how="reset")        # towards the target; chaos.down is the way back
        chaos.down.fragment(1)
A `Harm` belongs to a direction and holds for every connection from then on; counters are per connection and direction.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Literal

How = Literal["reset", "close", "half_close", "stall"]


class Harm:
    """What is done to one direction. Octets up to the chosen point pass; then `how` happens."""

    def __init__(self) -> None:
        self._at_octet: int | None = None
        self._at_pdu: int | None = None
        self._extra = 0
        self._how: How = "reset"
        self._pieces = 0
        self.flowing = asyncio.Event()
        self.flowing.set()

    def cut_after_octets(self, octets: int, how: How = "reset") -> None:
        self._at_octet, self._at_pdu, self._how = octets, None, how

    def cut_after_pdus(self, pdus: int, how: How = "reset", *, extra_octets: int = 0) -> None:
        """After that many whole PDUs and `extra_octets` of the next one."""
        self._at_octet, self._at_pdu, self._extra, self._how = None, pdus, extra_octets, how

    def fragment(self, octets: int) -> None:
        """Each write holds at most so many octets, each a segment of its own; 0 ends it."""
        self._pieces = octets

    def stall(self) -> None:
        """Nothing passes from now on; connections stay open."""
        self.flowing.clear()

    def resume(self) -> None:
        self.flowing.set()

    def heal(self) -> None:
        self._at_octet = self._at_pdu = None
        self._pieces = 0
        self.flowing.set()

    def pieces(self, chunk: bytes) -> list[bytes]:
        if not self._pieces:
            return [chunk]
        return [chunk[i : i + self._pieces] for i in range(0, len(chunk), self._pieces)]

    def limit(self, pdu_ends: Callable[[int], int | None]) -> int | None:
        """The octet of the stream after which the harm happens, if known yet. `pdu_ends(n)`: end of the n-th PDU."""
        if self._at_octet is not None:
            return self._at_octet
        if self._at_pdu is not None:
            end = pdu_ends(self._at_pdu)
            return None if end is None else end + self._extra
        return None

    @property
    def how(self) -> How:
        return self._how


class _Ends:
    """Where each PDU of a stream ends; the header is enough, so that a cut may fall inside a PDU."""

    def __init__(self) -> None:
        self.ends = [0]
        self._seen = 0
        self._head = b""

    def feed(self, chunk: bytes) -> None:
        at = 0
        while at < len(chunk):
            next_head = self.ends[-1]
            if self._seen + at < next_head:
                at += min(next_head - self._seen - at, len(chunk) - at)
                continue
            take = chunk[at : at + 4 - len(self._head)]
            self._head += take
            at += len(take)
            if len(self._head) == 4:
                length = max(int.from_bytes(self._head, "big"), 4)
                self.ends.append(self.ends[-1] + length)
                self._head = b""
        self._seen += len(chunk)

    def end(self, pdus: int) -> int | None:
        return self.ends[pdus] if pdus < len(self.ends) else None


class Chaos:
    """Listens on a free port of 127.0.0.1. `up` is towards the target, `down` back; `cuts` counts what happened."""

    def __init__(self, target_port: int, target_host: str = "127.0.0.1") -> None:
        self.port = 0
        self.target_port = target_port
        self.up, self.down = Harm(), Harm()
        self.cuts = 0
        self.harmed = asyncio.Event()
        self.connections = 0
        self._host = target_host
        self._server: asyncio.Server | None = None
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Chaos:
        await self.listen()
        return self

    async def __aexit__(self, *raised: object) -> None:
        self.refuse()
        self.drop_all()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """Stops listening: new connections are refused until `listen` is called again (same port)."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def drop_all(self, how: How = "reset") -> None:
        """Harms every open connection now."""
        for pair in list(self._pairs):
            self._harm(pair, how, pair[0])

    def _harm(
        self, pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter], how: How, sink: asyncio.StreamWriter
    ) -> None:
        self.cuts += 1
        self.harmed.set()
        if how == "stall":
            return
        if how == "half_close":
            with contextlib.suppress(OSError, RuntimeError):
                sink.write_eof()
            return
        self._pairs.discard(pair)
        for writer in pair:
            if how == "reset":
                with contextlib.suppress(OSError):
                    linger = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()
            else:
                writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            far_reader, far_writer = await asyncio.open_connection(self._host, self.target_port)
        except OSError:
            writer.close()
            self._tasks.discard(task)
            return
        for end in (writer, far_writer):
            end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = (writer, far_writer)
        self._pairs.add(pair)
        try:
            await asyncio.gather(
                self._copy(reader, far_writer, self.up, pair),
                self._copy(far_reader, writer, self.down, pair),
                return_exceptions=False,
            )
        finally:
            self._pairs.discard(pair)
            self._tasks.discard(task)
            writer.close()
            far_writer.close()

    async def _copy(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        harm: Harm,
        pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
    ) -> None:
        ends, passed = _Ends(), 0
        try:
            while chunk := await source.read(65536):
                ends.feed(chunk)
                for piece in harm.pieces(chunk):
                    await harm.flowing.wait()
                    limit = harm.limit(ends.end)
                    if limit is not None and passed + len(piece) >= limit:
                        sink.write(piece[: max(0, limit - passed)])
                        await sink.drain()
                        self._harm(pair, harm.how, sink)
                        await self._swallow(source)
                        return
                    sink.write(piece)
                    passed += len(piece)
                    await sink.drain()
                    if len(piece) < len(chunk):
                        # WHY: gives the kernel a turn, so that the pieces leave as segments of their own.
                        await asyncio.sleep(0)
        except OSError:
            sink.transport.abort()
            return
        with contextlib.suppress(OSError, RuntimeError):
            sink.write_eof()

    @staticmethod
    async def _swallow(source: asyncio.StreamReader) -> None:
        """Takes and forgets what still comes in the harmed direction, until that end closes."""
        while await source.read(65536):
            pass
