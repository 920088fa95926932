"""Ports for programs that cannot take port 0."""

from __future__ import annotations

import random
import socket

_GIVEN: set[int] = set()
# WHY below 32768: Linux gives the ports above to whoever asks for any, at any moment before the program binds.
_FIRST, _LAST = 15_000, 31_999


def free_port(*, neighbours: int = 0) -> int:
    """A port that nobody has at this moment, on 127.0.0.1 for UDP and TCP, and `neighbours` ports behind it; never the
    same one twice.
    """
    while True:
        port = random.randrange(_FIRST, _LAST - neighbours)
        wanted = range(port, port + neighbours + 1)
        if _GIVEN.isdisjoint(wanted) and all(_free(each, kind) for each in wanted for kind in _KINDS):
            _GIVEN.update(wanted)
            return port


_KINDS = (socket.SOCK_STREAM, socket.SOCK_DGRAM)


def _free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
