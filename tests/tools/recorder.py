"""A tap on a connection: forwards octets untouched and keeps them, both ways, cut into PDUs.

Stands before and behind the product in comparisons octet for octet, since the parsers of other stacks lose TLVs.

    async with Recorder(target_port) as tap:        # connect to tap.port instead
        ...
    tap.sent(SUBMIT_SM), tap.returned(DELIVER_SM)
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

from tests.tools.wire import Frame, Splitter


@dataclass
class Tape:
    """One connection: the octets and PDUs of each direction (`up` is towards the target)."""

    up: list[Frame] = field(default_factory=list)
    down: list[Frame] = field(default_factory=list)
    up_octets: bytearray = field(default_factory=bytearray)
    down_octets: bytearray = field(default_factory=bytearray)


class Recorder:
    """Listens on a free port of 127.0.0.1 and forwards to `target_port`."""

    def __init__(self, target_port: int, target_host: str = "127.0.0.1") -> None:
        self.port = 0
        self.tapes: list[Tape] = []
        self._target = (target_host, target_port)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Recorder:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *raised: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        tape = Tape()
        self.tapes.append(tape)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.close()
            self._tasks.discard(task)
            return
        try:
            await asyncio.gather(
                self._copy(reader, far_writer, tape.up, tape.up_octets),
                self._copy(far_reader, writer, tape.down, tape.down_octets),
            )
        finally:
            self._tasks.discard(task)
            writer.close()
            far_writer.close()

    async def _copy(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, frames: list[Frame], octets: bytearray
    ) -> None:
        splitter = Splitter()
        try:
            while chunk := await source.read(65536):
                octets += chunk
                frames += splitter.feed(chunk)
                sink.write(chunk)
                async with self._changed:
                    self._changed.notify_all()
                await sink.drain()
        except OSError:
            sink.transport.abort()
            return
        with contextlib.suppress(OSError, RuntimeError):
            sink.write_eof()

    def sent(self, command: int) -> list[Frame]:
        """All PDUs of this command that went towards the target."""
        return [f for tape in self.tapes for f in tape.up if f.command == command]

    def returned(self, command: int) -> list[Frame]:
        """All PDUs of this command that came from the target."""
        return [f for tape in self.tapes for f in tape.down if f.command == command]

    async def wait(
        self, *, sent: int | None = None, returned: int | None = None, count: int = 1, limit_s: float = 60.0
    ) -> list[Frame]:
        """Returns as soon as `count` PDUs of the command `sent` (or `returned`) have passed."""
        async with asyncio.timeout(limit_s), self._changed:
            while len(found := self.sent(sent) if sent is not None else self.returned(returned or 0)) < count:
                await self._changed.wait()
            return found
