"""Ports for programs that cannot take port 0."""

from __future__ import annotations

import os
import random
import socket

_GIVEN: set[int] = set()
# WHY below 32768: Linux gives the ports above to whoever asks for any, at any moment before the program binds.
_ALL = range(15_000, 32_000)
# WHY a part for each worker of pytest-xdist ("gw0"…): nothing else keeps two from one port that is not bound yet.
_PARTS = 8
_PART = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _PARTS
_FIRST = _ALL.start + _PART * (len(_ALL) // _PARTS)
_LAST = _FIRST + len(_ALL) // _PARTS


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
