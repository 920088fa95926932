"""Whoever follows a list ends when told to, whatever a broker does: the connection is never waited for."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from proxy.bus.mqtt import first_of, follow_list
from proxy.list_settings import ListBroker
from proxy.lists.document import ListDocument
from proxy.lists.following import Following
from proxy.sharing.follower import Follower

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
