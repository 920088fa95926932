"""The console's process: a socket, a server, a low priority.

Owns the process and nothing it shows. Runs beside the wire process at a lower priority, so that people who look cannot
take the core that traffic needs. Ends on SIGTERM and SIGINT.
"""

import os
import signal
import socket
import sys
from types import FrameType
from typing import Final

import uvicorn

from proxy.console.app import build
from proxy.console.extension import NOTHING, Extension
from proxy.console.reopened import Reopen
from proxy.settings import Settings
from proxy.telemetry.counters import Counters
from proxy.telemetry.events import CONSOLE_FAILED, CONSOLE_STARTED
from proxy.telemetry.log import EventLog, configure

_NICE: Final = 10
_CONNECTIONS_MOST: Final = 128
_GRACE_S: Final = 1


class _Server(uvicorn.Server):
    """A server that also ends when the process that started it is gone."""

    def __init__(self, config: uvicorn.Config, parent: int | None) -> None:
        super().__init__(config)
        self._parent = parent

    async def on_tick(self, counter: int) -> bool:
        # WHY: a wire process that was killed would leave its window behind, on the port that the next one needs.
        if self._parent is not None and os.getppid() != self._parent:
            return True
        return await super().on_tick(counter)


def serve(
    settings: Settings, *, parent: int | None = None, reopen: Reopen | None = None, more: Extension = NOTHING
) -> int:
    """Runs the console until it is told to end; returns the exit code. Prints its address on standard output.

    With `parent`, a process id, it also ends when that process is no longer the one that started it. `reopen` asks
    recorded decisions anew; without it they are shown as recorded.
    """
    configure(settings.log.level)
    log = EventLog(Counters())
    os.nice(_NICE)
    try:
        listening = _listen(settings.console.host, settings.console.port)
    except OSError as error:
        log.emit(CONSOLE_FAILED, error=error, host=settings.console.host, port=settings.console.port)
        print(f"console: {settings.console.host}:{settings.console.port}: {error.strerror}", file=sys.stderr)
        return 1
    with listening:
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        tls = settings.console.tls
        config = uvicorn.Config(
            build(settings, reopen=reopen, more=more),
            ssl_certfile=None if tls is None else tls.certificate,
            ssl_keyfile=None if tls is None else tls.key,
            log_config=None,
            access_log=False,
            server_header=False,
            ws="none",
            lifespan="off",
            limit_concurrency=_CONNECTIONS_MOST,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=_GRACE_S,
        )
        server = _Server(config, parent)

        def end(number: int, frame: FrameType | None) -> None:
            server.should_exit = True

        # WHY: the server raises the signal once more when it has ended, and an orderly end is no death by a signal.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        log.emit(CONSOLE_STARTED, host=host, port=port)
        print(f"console: {'http' if tls is None else 'https'}://{shown}:{port}/", flush=True)
        server.run(sockets=[listening])
    return 0


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_CONNECTIONS_MOST)
    except OSError:
        listening.close()
        raise
    return listening
