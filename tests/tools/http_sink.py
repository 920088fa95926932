"""A local HTTP end where gateways post replies and receipts: records every request, answers 200 with an empty body."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Posted:
    """One request: path without query, the query's first values read with `encoding`, headers in lower case, body."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    target: str

    def octets(self, key: str) -> bytes:
        """The value of a query field as octets, before any charset is applied."""
        return parse_qs(urlsplit(self.target).query, encoding="latin-1")[key][0].encode("latin-1")


class HttpSink:
    """`async with HttpSink() as sink`: sink.port, sink.posted, `await sink.wait("/mo")`."""

    def __init__(self) -> None:
        self.port = 0
        self.posted: list[Posted] = []
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> HttpSink:
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
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                _, target, _ = head[0].split(" ", 2)
                headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                parts = urlsplit(target)
                query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
                async with self._changed:
                    self.posted.append(Posted(parts.path, query, headers, body, target))
                    self._changed.notify_all()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def wait(
        self, path: str, *, count: int = 1, match: Callable[[Posted], bool] = lambda p: True, limit_s: float = 60.0
    ) -> list[Posted]:
        """The requests to `path` that match, once there are `count`."""
        async with asyncio.timeout(limit_s), self._changed:
            while len(found := [p for p in self.posted if p.path == path and match(p)]) < count:
                await self._changed.wait()
            return found
