"""Connections share the turns of the loop: none holds it up with what waits on all of them, and each has its turn."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvloop

from proxy.binds.reading_turns import TURN_S, UNWATCHED_OCTETS, ReadingTurns
from proxy.binds.tcp import _CHUNK_OCTETS, SocketTransport

pytestmark = pytest.mark.filterwarnings("ignore:Overriding the:pytest.PytestDeprecationWarning")

#: What handling a chunk takes by the clock of these tests: two of them fill a turn.
_CHUNK_S = TURN_S / 2
_PEERS = 10


@pytest.fixture(params=[asyncio.DefaultEventLoopPolicy, uvloop.EventLoopPolicy], ids=["asyncio", "uvloop"])
def event_loop_policy(request: pytest.FixtureRequest) -> Any:
    return request.param()


class Scene:
    """Connections whose chunks take time by a clock that moves by nothing else; `read` tells whose chunks came."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = 0
        self.read: list[int] = []
        self.octets = [bytearray() for _ in range(_PEERS)]
        turns = ReadingTurns(asyncio.get_running_loop(), self._clock)
        self.transports: list[SocketTransport] = []
        self.peers: list[socket.socket] = []
        for number in range(_PEERS):
            ours, peer = socket.socketpair()
            self.peers.append(peer)
            connected = _Named(ours)
            self.transports.append(
                SocketTransport(
                    asyncio.get_running_loop(),
                    connected,  # type: ignore[arg-type]
                    _Peer(self, number),
                    turns,
                )
            )

    def _clock(self) -> float:
        self.asked += 1
        return self.now

    def came(self, number: int, data: bytes) -> None:
        self.now += _CHUNK_S
        self.read.append(number)
        self.octets[number] += data

    async def until(self, octets: int) -> list[int]:
        """Lets everybody read so much; how many chunks each turn of the loop held."""
        found = []
        while sum(map(len, self.octets)) < octets:
            before = len(self.read)
            await asyncio.sleep(0)
            if len(self.read) > before:
                found.append(len(self.read) - before)
        return found

    def close(self) -> None:
        for one in (*self.transports, *self.peers):
            one.abort() if isinstance(one, SocketTransport) else one.close()


class _Named:
    """A socket of a pair as if it were TCP."""

    def __init__(self, real: socket.socket) -> None:
        self._real = real

    def setsockopt(self, *_: int) -> None:
        pass

    def getpeername(self) -> tuple[str, int]:
        return "127.0.0.1", 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _Peer(asyncio.Protocol):
    def __init__(self, scene: Scene, number: int) -> None:
        self._scene, self._number = scene, number

    def data_received(self, data: bytes) -> None:
        self._scene.came(self._number, data)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    yield made
    made.close()


async def test_what_waits_on_all_connections_is_read_in_several_turns_and_in_order(scene: Scene) -> None:
    sent = [bytes((number,)) * 100 + bytes(_CHUNK_OCTETS * 2) for number in range(_PEERS)]
    for peer, octets in zip(scene.peers, sent, strict=True):
        peer.sendall(octets)
    held = await scene.until(sum(map(len, sent)))
    # WHY one more, twice: the chunk before the turn was watched, and the one that was on its way at its end.
    assert max(held) <= TURN_S / _CHUNK_S + 2
    assert [bytes(one) for one in scene.octets] == sent
    for start in range(0, len(scene.read) - _PEERS, _PEERS):
        assert sorted(scene.read[start : start + _PEERS]) == list(range(_PEERS)), "each before any for another time"


async def test_where_little_comes_no_clock_is_asked(scene: Scene) -> None:
    for peer in scene.peers:
        peer.sendall(b"x" * (UNWATCHED_OCTETS // _PEERS))
    await scene.until(UNWATCHED_OCTETS // _PEERS * _PEERS)
    assert not scene.asked


async def test_who_pauses_or_ends_while_waiting_is_not_read_and_comes_again(scene: Scene) -> None:
    for peer in scene.peers:
        peer.sendall(bytes(UNWATCHED_OCTETS))
    await scene.until(1)
    waiting = [number for number in range(_PEERS) if number not in scene.read]
    paused, ended = waiting[0], waiting[1]
    scene.transports[paused].pause_reading()
    scene.transports[ended].abort()
    await scene.until((_PEERS - 2) * UNWATCHED_OCTETS)
    assert not scene.octets[paused]
    assert not scene.octets[ended]
    scene.transports[paused].resume_reading()
    await scene.until((_PEERS - 1) * UNWATCHED_OCTETS)
    assert len(scene.octets[paused]) == UNWATCHED_OCTETS
