"""A relay for UDP that loses datagrams, each way, by chance with a seed.

    async with LossyRelay(("127.0.0.1", port), share=0.02, seed=7, host="127.0.0.2") as relay:
        …                                   # ask relay.port instead; the far side sees an address of `host`

For one peer at the near side: what comes back goes to whoever wrote last.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket

_OCTETS = 65_535
_BUFFER_OCTETS = 4 << 20
_A_TURN = 64


class LossyRelay:
    """`passed` and `lost` count both ways together. `share` may be changed while it runs; 0 loses nothing."""

    def __init__(self, to: tuple[str, int], *, share: float, seed: int, host: str = "127.0.0.1") -> None:
        self.share = share
        self.passed = self.lost = 0
        self._to = to
        self._chance = random.Random(seed)
        self._near, self._far = (self._socket(each) for each in ("127.0.0.1", host))
        self._peer: tuple[str, int] | None = None
        self.port: int = self._near.getsockname()[1]

    @staticmethod
    def _socket(host: str) -> socket.socket:
        bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        bound.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            bound.setsockopt(socket.SOL_SOCKET, option, _BUFFER_OCTETS)
        bound.bind((host, 0))
        return bound

    async def __aenter__(self) -> LossyRelay:
        loop = asyncio.get_running_loop()
        loop.add_reader(self._near, self._there)
        loop.add_reader(self._far, self._back)
        return self

    async def __aexit__(self, *raised: object) -> None:
        loop = asyncio.get_running_loop()
        for each in (self._near, self._far):
            loop.remove_reader(each)
            each.close()

    def _there(self) -> None:
        for _ in range(_A_TURN):
            try:
                data, self._peer = self._near.recvfrom(_OCTETS)
            except OSError:
                return
            self._pass(self._far, data, self._to)

    def _back(self) -> None:
        for _ in range(_A_TURN):
            try:
                data = self._far.recv(_OCTETS)
            except OSError:
                return
            if self._peer is not None:
                self._pass(self._near, data, self._peer)

    def _pass(self, way: socket.socket, data: bytes, to: tuple[str, int]) -> None:
        if self._chance.random() < self.share:
            self.lost += 1
            return
        self.passed += 1
        with contextlib.suppress(OSError):
            way.sendto(data, to)
