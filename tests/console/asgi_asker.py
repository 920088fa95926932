"""Asks an ASGI application without a socket: whole answers, and the pieces of a stream as they come."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

HOST = "127.0.0.1:8080"


class Answer(NamedTuple):
    """A whole answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def _scope(path: str, method: str, headers: Mapping[str, str]) -> dict[str, Any]:
    bare, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": bare,
        "raw_path": bare.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in ({"host": HOST} | headers).items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8080),
        "root_path": "",
    }


@asynccontextmanager
async def asked(
    app: Any, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None
) -> AsyncIterator["asyncio.Queue[dict[str, Any]]"]:
    """What the application sends, message by message; when the block ends, the asker is gone."""
    sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    gone = asyncio.Event()
    begun = False

    async def receive() -> dict[str, Any]:
        nonlocal begun
        if not begun:
            begun = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    running = asyncio.create_task(app(_scope(path, method, headers or {}), receive, sent.put))
    try:
        yield sent
    finally:
        gone.set()
        await running


def ask(app: Any, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None) -> Answer:
    """The whole answer to one question."""

    async def whole() -> Answer:
        async with asked(app, path, method=method, headers=headers) as sent:
            start = await sent.get()
            body, more = b"", True
            while more:
                message = await sent.get()
                body += message.get("body", b"")
                more = message.get("more_body", False)
        found = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], found, body)

    return asyncio.run(whole())


async def next_event(sent: "asyncio.Queue[dict[str, Any]]") -> str:
    """The data of the next server-sent event, decoded; raises TimeoutError when none comes."""
    async with asyncio.timeout(60):
        while True:
            message = await sent.get()
            body = message.get("body", b"").decode()
            for line in body.splitlines():
                if line.startswith("data: "):
                    return str(json.loads(line.removeprefix("data: ")))
