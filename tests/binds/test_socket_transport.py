"""The plain TCP connection on real sockets of this machine: partial writes, pauses, resets, half-closes, endings."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvloop

from proxy.binds.tcp import SocketTransport

pytestmark = pytest.mark.filterwarnings("ignore:Overriding the:pytest.PytestDeprecationWarning")

MUCH = bytes(range(256)) * 8192
SMALL_BUFFER = 4096


@pytest.fixture(params=[asyncio.DefaultEventLoopPolicy, uvloop.EventLoopPolicy], ids=["asyncio", "uvloop"])
def event_loop_policy(request: pytest.FixtureRequest) -> Any:
    return request.param()


class Recorder(asyncio.Protocol):
    """Keeps what it is told. `reply` is called with what was read."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.octets = bytearray()
        self.error: Exception | None = None
        self.lost = asyncio.Event()
        self.paused = asyncio.Event()
        self.resumed = asyncio.Event()
        self.came = asyncio.Event()
        self.fault: Exception | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.told.append("made")

    def data_received(self, data: bytes) -> None:
        self.octets += data
        self.came.set()
        if self.fault is not None:
            raise self.fault

    def pause_writing(self) -> None:
        self.told.append("pause")
        self.paused.set()

    def resume_writing(self) -> None:
        self.told.append("resume")
        self.resumed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append("lost")
        self.error = exc
        self.lost.set()


@contextmanager
def pair() -> Iterator[tuple[SocketTransport, Recorder, socket.socket]]:
    """A transport with a tiny send buffer, its protocol, and the peer's bare socket."""
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        peer.connect(listening.getsockname())
        peer.setblocking(False)
        ours, _ = listening.accept()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER)
        protocol = Recorder()
        transport = SocketTransport(asyncio.get_running_loop(), ours, protocol)
        try:
            yield transport, protocol, peer
        finally:
            transport.abort()


async def read(peer: socket.socket, most: int | None = None) -> bytes:
    """Reads so many octets, or up to the end."""
    loop, found = asyncio.get_running_loop(), bytearray()
    while most is None or len(found) < most:
        chunk = await loop.sock_recv(peer, 65_536 if most is None else most - len(found))
        if not chunk:
            break
        found += chunk
    return bytes(found)


def reset(peer: socket.socket) -> None:
    """Ends a connection with RST."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


async def test_what_is_read_comes_whole_and_in_order() -> None:
    with pair() as (_, protocol, peer):
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(peer, MUCH)
        while len(protocol.octets) < len(MUCH):
            protocol.came.clear()
            await protocol.came.wait()
        assert bytes(protocol.octets) == MUCH


async def test_partial_writes_lose_and_reorder_nothing_and_tell_when_to_pause() -> None:
    with pair() as (transport, protocol, peer):
        transport.set_write_buffer_limits(high=100_000)
        for at in range(0, len(MUCH), 10_007):
            transport.write(MUCH[at : at + 10_007])
        assert protocol.told == ["made", "pause"], "once, however much is written"
        assert await read(peer, len(MUCH) // 2) == MUCH[: len(MUCH) // 2]
        assert await read(peer, len(MUCH) - len(MUCH) // 2) == MUCH[len(MUCH) // 2 :]
        await protocol.resumed.wait()
        assert protocol.told == ["made", "pause", "resume"]
        # And once more: the watermarks work again.
        transport.write(MUCH)
        assert protocol.told[3:] == ["pause"]
        assert await read(peer, len(MUCH)) == MUCH


async def test_a_write_that_fits_goes_at_once() -> None:
    with pair() as (transport, _, peer):
        transport.write(b"at once")
        peer.setblocking(True)
        assert peer.recv(100) == b"at once"


async def test_reading_that_is_paused_leaves_octets_to_the_kernel() -> None:
    with pair() as (transport, protocol, peer):
        transport.pause_reading()
        transport.pause_reading()
        peer.send(b"later")
        # Something else of the loop passes through a socket meanwhile: the paused one had its turn, and did not read.
        transport.write(b"x")
        assert await read(peer, 1) == b"x"
        assert protocol.octets == b""
        transport.resume_reading()
        transport.resume_reading()
        await protocol.came.wait()
        assert protocol.octets == b"later"


async def test_a_peer_that_resets_while_much_waits_ends_the_connection_once() -> None:
    with pair() as (transport, protocol, peer):
        transport.write(MUCH)
        reset(peer)
        await protocol.lost.wait()
        assert isinstance(protocol.error, OSError)
        transport.write(b"after the end")
        transport.close()
        transport.abort()
        transport.pause_reading()
        transport.resume_reading()
        await asyncio.sleep(0)
        assert protocol.told.count("lost") == 1
        assert transport.is_closing()


async def test_a_reset_is_noticed_by_a_write_though_reading_is_paused() -> None:
    with pair() as (transport, protocol, peer):
        transport.pause_reading()
        reset(peer)
        while not transport.is_closing():
            transport.write(b"x")
            await asyncio.sleep(0)
        await protocol.lost.wait()
        assert protocol.told == ["made", "lost"]


async def test_a_half_close_of_the_peer_still_gets_what_it_is_owed() -> None:
    with pair() as (transport, protocol, peer):
        transport.write(MUCH)
        peer.send(b"last words")
        peer.shutdown(socket.SHUT_WR)
        assert await read(peer) == MUCH
        await protocol.lost.wait()
        assert protocol.octets == b"last words"
        assert protocol.error is None
        assert protocol.told[-1] == "lost"


async def test_close_sends_the_rest_reads_no_more_and_tells_once() -> None:
    with pair() as (transport, protocol, peer):
        transport.write(MUCH)
        transport.close()
        transport.close()
        assert transport.is_closing()
        assert not protocol.lost.is_set()
        peer.send(b"too late")
        assert await read(peer, len(MUCH)) == MUCH
        await protocol.lost.wait()
        assert protocol.octets == b""
        assert protocol.told.count("lost") == 1


async def test_the_last_answer_arrives_though_the_peer_went_on_sending() -> None:
    with pair() as (transport, protocol, peer):
        transport.pause_reading()
        peer.send(b"nobody reads this any more")
        transport.write(b"refused")
        transport.close()
        assert await read(peer) == b"refused"
        await protocol.lost.wait()


async def test_close_with_nothing_left_ends_after_whoever_called() -> None:
    with pair() as (transport, protocol, peer):
        transport.close()
        assert not protocol.lost.is_set(), "who called is in the middle of something"
        await protocol.lost.wait()
        assert protocol.error is None
        assert await read(peer) == b""


async def test_abort_drops_what_waits() -> None:
    with pair() as (transport, protocol, peer):
        transport.write(MUCH)
        transport.abort()
        await protocol.lost.wait()
        assert len(await read(peer)) < len(MUCH)
        assert protocol.error is None


async def test_a_defect_met_by_one_peers_octets_ends_that_connection_only() -> None:
    loop, faults = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: faults.append(context["exception"]))
    with pair() as (_, protocol, peer), pair() as (other, beside, beside_peer):
        protocol.fault = KeyError("a defect")
        peer.send(b"octets")
        await protocol.lost.wait()
        assert faults == [protocol.fault]
        assert await read(peer) == b""
        beside_peer.send(b"goes on")
        await beside.came.wait()
        other.write(b"and on")
        assert await read(beside_peer, 6) == b"and on"


async def test_a_protocol_may_refuse_the_connection_as_it_is_made() -> None:
    class Refusing(Recorder):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            assert isinstance(transport, SocketTransport)
            transport.write(b"no")
            transport.close()

    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()) as peer:
        peer.setblocking(False)
        protocol = Refusing()
        SocketTransport(asyncio.get_running_loop(), listening.accept()[0], protocol)
        assert await read(peer) == b"no"
        await protocol.lost.wait()
        assert protocol.told == ["made", "lost"]


async def test_the_peer_is_known_by_its_address_also_after_it_went() -> None:
    with pair() as (transport, protocol, peer):
        here = peer.getsockname()
        reset(peer)
        await protocol.lost.wait()
        assert transport.get_extra_info("peername") == here
        assert transport.get_extra_info("ssl_object", "none") == "none"
