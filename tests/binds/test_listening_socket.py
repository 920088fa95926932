"""Taking and making connections: out of descriptors it waits without spinning, and what was reset costs nothing."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Any

import pytest
import uvloop

import proxy.binds.tcp
from proxy.binds.tcp import Listening, connect

pytestmark = pytest.mark.filterwarnings("ignore:Overriding the:pytest.PytestDeprecationWarning")


@pytest.fixture(params=[asyncio.DefaultEventLoopPolicy, uvloop.EventLoopPolicy], ids=["asyncio", "uvloop"])
def event_loop_policy(request: pytest.FixtureRequest) -> Any:
    return request.param()


class Taken(asyncio.Protocol):
    """What is made of a connection that was taken; `all` are those of one test."""

    def __init__(self, came: asyncio.Queue[Taken]) -> None:
        self._came = came
        self.transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._came.put_nowait(self)


class Failing:
    """A listening socket of which the first `times` accepts fail; `asked` counts all of them."""

    def __init__(self, real: socket.socket, error: OSError, times: int) -> None:
        self._real, self._error, self.times = real, error, times
        self.asked = 0

    def accept(self) -> tuple[socket.socket, Any]:
        self.asked += 1
        if self.times > 0:
            self.times -= 1
            raise self._error
        return self._real.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def listen(came: asyncio.Queue[Taken]) -> Listening:
    return Listening(asyncio.get_running_loop(), "127.0.0.1", 0, lambda: Taken(came))


async def ended(taken: Taken) -> None:
    assert taken.transport is not None
    taken.transport.abort()  # type: ignore[attr-defined]
    await asyncio.sleep(0)


async def test_out_of_descriptors_it_tries_again_after_a_pause_and_takes_who_waited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop, faults, pauses = asyncio.get_running_loop(), [], []
    loop.set_exception_handler(lambda _, context: faults.append(context["exception"]))
    came: asyncio.Queue[Taken] = asyncio.Queue()
    listening = listen(came)
    failing = Failing(listening._socket, OSError(errno.EMFILE, "Too many open files"), times=3)
    listening._socket = failing  # type: ignore[assignment]
    resume = listening._accept_again

    def again() -> None:
        pauses.append(failing.asked)
        resume()

    monkeypatch.setattr(listening, "_accept_again", again)
    monkeypatch.setattr(proxy.binds.tcp, "_ACCEPT_PAUSE_S", 0.01)
    with socket.create_connection(listening.address):
        taken = await came.get()
        # After each failure it was asked once more only when the pause was over.
        assert pauses == [1, 2, 3]
        assert len(faults) == 3
        await ended(taken)
    with socket.create_connection(listening.address):
        await ended(await came.get())
    listening.close()


async def test_closing_while_it_pauses_takes_nobody_any_more() -> None:
    loop, faulted = asyncio.get_running_loop(), asyncio.Event()
    loop.set_exception_handler(lambda _, __: faulted.set())
    came: asyncio.Queue[Taken] = asyncio.Queue()
    listening = listen(came)
    listening._socket = Failing(listening._socket, OSError(errno.ENFILE, "full"), times=1)  # type: ignore[assignment]
    with socket.create_connection(listening.address):
        await faulted.wait()
        listening.close()
        listening.close()
        assert listening._pause is not None
        assert listening._pause.cancelled()
    assert came.empty()


async def test_a_peer_that_gave_up_waiting_is_no_reason_to_pause() -> None:
    loop, faults = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: faults.append(context))
    came: asyncio.Queue[Taken] = asyncio.Queue()
    listening = listen(came)
    gone = ConnectionAbortedError(errno.ECONNABORTED, "aborted")
    listening._socket = Failing(listening._socket, gone, times=2)  # type: ignore[assignment]
    with socket.create_connection(listening.address):
        await ended(await came.get())
    assert faults == []
    listening.close()


async def test_closed_it_takes_no_more_and_keeps_those_that_stand() -> None:
    came: asyncio.Queue[Taken] = asyncio.Queue()
    listening = listen(came)
    loop = asyncio.get_running_loop()
    with socket.create_connection(listening.address) as peer:
        taken = await came.get()
        listening.close()
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(listening.address)
        assert taken.transport is not None
        taken.transport.write(b"still here")  # type: ignore[attr-defined]
        peer.setblocking(False)
        assert await loop.sock_recv(peer, 100) == b"still here"
        await ended(taken)


async def test_an_address_in_use_is_an_error_at_once() -> None:
    came: asyncio.Queue[Taken] = asyncio.Queue()
    listening = listen(came)
    with pytest.raises(OSError, match=r"in use|EADDRINUSE"):
        Listening(asyncio.get_running_loop(), *listening.address, lambda: Taken(came))
    listening.close()


async def test_connecting_hands_over_a_connection_that_works() -> None:
    came: asyncio.Queue[Taken] = asyncio.Queue()
    listening = listen(came)
    mine: asyncio.Queue[Taken] = asyncio.Queue()
    await connect(*listening.address, Taken(mine))
    for each in (await came.get(), await mine.get()):
        await ended(each)
    listening.close()


async def test_a_port_where_nobody_listens_is_an_error_and_the_protocol_hears_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as vacant:
        port = vacant.getsockname()[1]
    mine: asyncio.Queue[Taken] = asyncio.Queue()
    with pytest.raises(OSError):
        await connect("127.0.0.1", port, Taken(mine))
    assert mine.empty()


async def test_a_connection_that_was_reset_before_its_use_is_closed_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[socket.socket] = []

    def broken(_loop: object, connected: socket.socket, _protocol: object) -> None:
        made.append(connected)
        raise OSError(errno.ENOTCONN, "not connected")

    came: asyncio.Queue[Taken] = asyncio.Queue()
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(proxy.binds.tcp, "SocketTransport", broken)
        with pytest.raises(OSError, match="not connected"):
            await connect(*server.getsockname(), Taken(came))
    assert [one.fileno() for one in made] == [-1]
