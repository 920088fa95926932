"""Whoever follows a list ends when told to, whatever a broker does: the connection is never waited for."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import threading
from pathlib import Path

import pytest

from proxy import cli
from proxy.bus.mqtt import follow_list
from proxy.commands import lists
from proxy.list_settings import ListBroker
from proxy.lists.document import ListDocument
from proxy.lists.following import Following
from proxy.sharing import fetching
from proxy.sharing.ending import first_of
from proxy.sharing.fetching import HttpSource, fetch
from proxy.sharing.follower import Follower
from tests.sharing.two_houses import INSTITUTIONS, take_in
from tests.wire.house import toml

#: Less than the minute after which the client gives up a broker by itself, and far more than an end takes.
_GUARD_S = 60.0


async def test_a_cancellation_that_is_lost_is_told_again() -> None:
    told: list[str] = []

    async def loses_one() -> None:
        # WHY so: what asyncio.wait_for of Python 3.11 does where its answer comes in the same turn of the loop.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        told.append("lost")
        await asyncio.Event().wait()

    async def ends() -> None:
        await asyncio.sleep(0)

    async with asyncio.timeout(_GUARD_S):
        await first_of(loses_one(), ends())
    assert told == ["lost"]


async def test_what_one_raises_comes_out_and_the_other_has_ended() -> None:
    ended: list[str] = []

    async def lasts() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("lasts")

    async def fails() -> None:
        await asyncio.sleep(0)
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await first_of(lasts(), fails())
    assert ended == ["lasts"]


async def test_a_broker_that_takes_the_connection_and_says_nothing_holds_no_end_back() -> None:
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        asked.set()
        await reader.read()
        writer.close()

    async def take_in(_: ListDocument) -> None:
        raise AssertionError("nothing came")

    said: list[str] = []

    def log(event: str, **_: object) -> None:
        said.append(event)

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    stopping = asyncio.Event()
    follower = Follower(Following("donggang", {}), take_in, log)
    broker = ListBroker(host="127.0.0.1", port=port)
    async with server, asyncio.timeout(_GUARD_S):
        following = asyncio.create_task(follow_list(follower, broker, "nangang", stopping, log))
        await asked.wait()
        stopping.set()
        await following
    assert said == []


async def nothing_comes(_: ListDocument) -> None:
    raise AssertionError("nothing came")


def follower_of_nothing() -> Follower:
    return Follower(Following("donggang", {}), nothing_comes, lambda event, **_: None)


def test_a_web_server_that_takes_the_connection_and_says_nothing_holds_no_end_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fetching, "_TIMEOUT_S", 600.0)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        async def given_up() -> None:
            source = HttpSource(f"http://127.0.0.1:{server.getsockname()[1]}", "")
            asking = asyncio.create_task(fetch(follower_of_nothing(), source))
            held.append((await asyncio.to_thread(server.accept))[0])
            asking.cancel()

        def process() -> None:
            asyncio.run(given_up())
            ended.set()

        held: list[socket.socket] = []
        thread = threading.Thread(target=process)
        thread.start()
        try:
            assert ended.wait(_GUARD_S)
        finally:
            for each in held:
                each.close()
            thread.join()


@pytest.mark.parametrize("said", [b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"])
async def test_a_web_server_that_speaks_no_http_is_one_that_cannot_be_reached(said: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, asyncio.timeout(_GUARD_S):
        source = HttpSource(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "")
        with pytest.raises(OSError, match="no answer in HTTP"):
            await fetch(follower_of_nothing(), source)


def test_a_publisher_whose_disk_is_full_ends_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def looking(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    config = tmp_path / "tdgate.toml"
    config.write_text('state = "state"\n' + toml({"lists": {"issuer": "donggang"}}), encoding="utf-8")
    asyncio.run(take_in(config, tmp_path, institutions=INSTITUTIONS))
    monkeypatch.setattr(lists, "_looking", looking)
    assert cli.main(["registry", "publish", "--serve", "--config", str(config)]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "tdgate: [Errno 28] No space left on device"
