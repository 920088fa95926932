"""An HTTP client on a bare socket: sends any octets as a request, reads whole answers. Knows nothing of the product."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NamedTuple

#: Against waiting for ever; nothing is judged by it.
LIMIT_S = 60.0


class HttpAnswer(NamedTuple):
    """A whole answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The octets of a request with Content-Length where it has a body."""
    whole = {"Host": "127.0.0.1", **headers}
    if body or method not in ("GET", "HEAD"):
        whole.setdefault("Content-Length", str(len(body)))
    head = "".join(f"{name}: {value}\r\n" for name, value in whole.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


async def send_octets(port: int, octets: bytes) -> list[HttpAnswer]:
    """Every answer that comes on one connection to these octets, until the other side closes it or is silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found: list[HttpAnswer] = []
    try:
        writer.write(octets)
        await writer.drain()
        while (answer := await _answer(reader)) is not None:
            found.append(answer)
            if answer.headers.get("connection") == "close":
                break
            writer.write_eof() if writer.can_write_eof() and len(found) >= octets.count(b" HTTP/1.1\r\n") else None
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()
    return found


async def ask(
    port: int, method: str, path: str, *, token: str = "", body: Any = None, headers: dict[str, str] | None = None
) -> HttpAnswer:
    """One request with a JSON body and a token; its answer."""
    whole = {"Connection": "close"}
    if token:
        whole["Authorization"] = f"Bearer {token}"
    octets = b""
    if body is not None:
        octets = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        whole["Content-Type"] = "application/json"
    (answer,) = await send_octets(port, request(method, path, whole | (headers or {}), octets))
    return answer


async def _answer(reader: asyncio.StreamReader) -> HttpAnswer | None:
    async with asyncio.timeout(LIMIT_S):
        line = await reader.readline()
        if not line:
            return None
        status, headers = int(line.split()[1]), {}
        while (line := await reader.readline()).strip():
            name, _, value = line.decode().partition(":")
            headers[name.strip().lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return HttpAnswer(status, headers, body)
