"""The control socket: how commands reach the running proxy, which owns the store.

Owns framing and limits of a UNIX socket (mode 0600): one JSON object a line, `{"verb", "args"}` in, `{"ok", "result"}`
or `{"ok", "error", "usage"}` out. What a verb does is the dispatcher's. Must never be reachable over a network, nor let
one request grow without bound; at most `connections_most` talk at a time.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from proxy.registry.ports import StoreError, VerbError

Dispatch = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]

REQUEST_MOST_OCTETS: Final = 1 << 20
RESPONSE_MOST_OCTETS: Final = 16 << 20
_IDLE_S: Final = 60.0
#: sun_path holds 108 octets with its NUL; longer paths go through the folder's descriptor.
_PATH_MOST_OCTETS: Final = 107


class ControlError(Exception):
    """The running proxy refused a request; the text is its reason. `usage` where the request itself is wrong."""

    def __init__(self, reason: str, *, usage: bool = False) -> None:
        super().__init__(reason)
        self.usage = usage


class NotRunningError(Exception):
    """No proxy listens on this socket."""


class _Ask(Struct, frozen=True, forbid_unknown_fields=True):
    verb: str
    args: dict[str, Any] = {}


class ControlServer:
    """Answers on a socket; `dispatch` raises ControlError (or VerbError, StoreError) for what it refuses.

    Call `start` once, then `stop`. Whoever starts must own the state folder: a socket left by a dead process is
    replaced.
    """

    def __init__(self, path: Path, dispatch: Dispatch, connections_most: int = 16) -> None:
        self._path = path
        self._dispatch = dispatch
        self._connections_most = connections_most
        self._talking: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Binds with mode 0600 and listens; raises OSError."""
        if self._path.is_socket():
            self._path.unlink()
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            # WHY before bind: on Linux the socket's file is born with this mode, so that there is no moment without it.
            os.fchmod(bound.fileno(), 0o600)
            _at(bound.bind, self._path)
            os.chmod(self._path, 0o600)
            self._server = await asyncio.start_unix_server(self._accept, sock=bound, limit=REQUEST_MOST_OCTETS)
        except BaseException:
            bound.close()
            raise

    async def stop(self) -> None:
        """Stops listening, ends open conversations, removes the socket."""
        if self._server is not None:
            self._server.close()
        for task in self._talking:
            task.cancel()
        await asyncio.gather(*self._talking, return_exceptions=True)
        with suppress(FileNotFoundError):
            self._path.unlink()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._talking) >= self._connections_most:
            writer.close()
            return
        task = asyncio.create_task(self._talk(reader, writer))
        self._talking.add(task)
        task.add_done_callback(self._talking.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                # WHY not `wait_for`: before Python 3.12 it can lose the cancellation by which `stop` ends this.
                async with asyncio.timeout(_IDLE_S):
                    line = await reader.readline()
                if not line.endswith(b"\n"):
                    return
                writer.write(msgspec.json.encode(await self._answer(line)) + b"\n")
                await writer.drain()
        except (ValueError, OSError, TimeoutError):
            return  # too long a line, a broken peer, or an idle one: the conversation ends, nothing else
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            ask = msgspec.json.decode(line, type=_Ask)
        except msgspec.DecodeError as error:
            return {"ok": False, "error": f"not a request: {error}"}
        try:
            return {"ok": True, "result": await self._dispatch(ask.verb, ask.args)}
        except (ControlError, VerbError, StoreError) as error:
            return {"ok": False, "error": str(error), "usage": getattr(error, "usage", False)}
        except Exception as error:  # noqa: BLE001  WHY: a defect in one verb must reach its caller, not end the proxy
            return {"ok": False, "error": f"internal: {type(error).__name__}"}


def call(path: Path, verb: str, args: dict[str, Any], timeout_s: float = 600.0) -> dict[str, Any]:
    """Asks the running proxy and waits for its answer.

    Raises NotRunningError where nobody listens, ControlError with the proxy's reason, or where the answer is broken.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(timeout_s)
        try:
            _at(asking.connect, path)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NotRunningError(f"{path}: nobody listens") from error
        except OSError as error:
            raise ControlError(f"{path}: {error.strerror}") from error
        try:
            asking.sendall(msgspec.json.encode({"verb": verb, "args": args}) + b"\n")
            with asking.makefile("rb") as file:
                line = file.readline(RESPONSE_MOST_OCTETS)
        except OSError as error:
            raise ControlError(f"{path}: {error}") from error
    try:
        answer = msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ControlError(f"{path}: the answer was cut short; whether it was done is not known") from error
    if answer.get("ok") is not True:
        raise ControlError(str(answer.get("error", "refused")), usage=answer.get("usage") is True)
    result: dict[str, Any] = answer["result"]
    return result


def _at(use: Callable[[str], None], path: Path) -> None:
    """Binds or connects to a path of any length."""
    if len(os.fsencode(path)) <= _PATH_MOST_OCTETS:
        use(str(path))
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        use(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)
