"""Looks on the wire for the moment at which a change binds: one message after the other, until an answer changes.

Owns one transceiver of its own account, beside the load. Must never send two at a time: an answer tells the state that
its message met.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from bench.cases import PASSWORD

_SUBMIT_SM, _BIND_TRX, _ENQUIRE, _RESP = 0x4, 0x9, 0x15, 0x80000000
_LIMIT_S: Final = 600.0


class Seen(Struct, frozen=True):
    """Milliseconds from the request: until the first answer that shows the change, until the last that did not,
    and until the control socket had answered."""

    visible_ms: float
    last_before_ms: float
    answered_ms: float


class Probe:
    """A bound transceiver. Raises OSError where the connection does not stand, RuntimeError where it is refused."""

    def __init__(self, port: int, account: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_LIMIT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""
        self._sequence = 1
        head = b"".join(text.encode() + b"\0" for text in (account, PASSWORD, ""))
        self._send(_BIND_TRX, head + b"\x34\0\0\0")
        if status := self._answer(_BIND_TRX | _RESP):
            raise RuntimeError(f"the bind is refused: 0x{status:x}")

    def _send(self, command: int, body: bytes) -> None:
        self._sequence += 1
        self._socket.sendall(struct.pack(">IIII", 16 + len(body), command, 0, self._sequence) + body)

    def _answer(self, command: int) -> int:
        while True:
            while len(self._rest) >= 16 and len(self._rest) >= int.from_bytes(self._rest[:4]):
                length, heard, status, sequence = struct.unpack_from(">IIII", self._rest)
                self._rest = self._rest[length:]
                if heard == command:
                    return int(status)
                if heard == _ENQUIRE:
                    self._socket.sendall(struct.pack(">IIII", 16, _ENQUIRE | _RESP, 0, sequence))
            chunk = self._socket.recv(65536)
            if not chunk:
                raise ConnectionError("tdgate closed the connection")
            self._rest += chunk

    def submit(self, sender: str, recipient: str) -> int:
        """The command_status of one message."""
        addresses = b"\0\0\0" + sender.encode() + b"\0\1\1" + recipient.encode() + b"\0"
        self._send(_SUBMIT_SM, addresses + bytes(9) + bytes((2,)) + b"ok")
        return self._answer(_SUBMIT_SM | _RESP)

    def until(
        self,
        change: Callable[[], Any],
        sender: str,
        recipient: str,
        shows: Callable[[int], bool],
        pause_s: float = 0.001,
    ) -> Seen:
        """Makes a change from another thread and sends until an answer shows it."""
        if shows(self.submit(sender, recipient)):
            raise RuntimeError("the answer shows the change before it was made")
        answered: list[float] = []
        failed: list[BaseException] = []

        def work() -> None:
            try:
                change()
            except Exception as error:  # noqa: BLE001  WHY: told by the thread that waits
                failed.append(error)
            answered.append(time.monotonic())

        asking = threading.Thread(target=work)
        began = last = time.monotonic()
        asking.start()
        while True:
            sent = time.monotonic()
            if shows(self.submit(sender, recipient)):
                break
            last = sent
            if failed:
                raise RuntimeError(f"the change failed: {failed[0]}") from failed[0]
            if sent - began > _LIMIT_S:
                raise RuntimeError("the change never showed")
            time.sleep(pause_s)
        seen = time.monotonic()
        asking.join(_LIMIT_S)
        if failed:
            raise RuntimeError(f"the change failed: {failed[0]}") from failed[0]
        return Seen((seen - began) * 1000, (last - began) * 1000, (answered[0] - began) * 1000)

    def close(self) -> None:
        self._socket.close()
