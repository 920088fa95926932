"""A connection to a media relay: what it tells is heard, what is silent or wrong is told as lost and asked anew."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from proxy.sip_settings import SipDigits
from proxy.trunks.digit_line import DigitLine
from tests.trunks.test_digit_notices import PONG, WRITTEN

pytestmark = pytest.mark.wire
#: Against waiting for ever; nothing is judged by it.
LIMIT_S = 60.0


class Relay:
    """A relay that a test speaks for. `told` are the events of the line, `keys` what it heard."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self.keys: asyncio.Queue[str] = asyncio.Queue()
        self.lines: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    async def __aenter__(self) -> Relay:
        self.server = await asyncio.start_server(lambda *both: self.lines.put_nowait(both), "127.0.0.1", 0)
        settings = SipDigits(transport="tcp", port=self.server.sockets[0].getsockname()[1])
        self.line = DigitLine(
            settings,
            lambda reports: [self.keys.put_nowait(one.key) for one in reports] and None,
            lambda event, **fields: self.told.put_nowait((event, fields)),
            ping_s=0.05,
        )
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.line.close()
        self.server.close()

    async def event(self) -> str:
        return (await asyncio.wait_for(self.told.get(), LIMIT_S))[0]

    async def taken(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        assert await self.event() == "digits.connected"
        return await asyncio.wait_for(self.lines.get(), LIMIT_S)


async def pinged(reader: asyncio.StreamReader) -> bytes:
    return await asyncio.wait_for(reader.readexactly(24), LIMIT_S)


async def test_keys_are_heard_and_a_relay_that_answers_stays() -> None:
    async with Relay() as relay:
        reader, writer = await relay.taken()
        for _ in range(3):
            assert await pinged(reader) == b"tdgate d7:command4:pinge"
            writer.write(PONG)
        writer.write(WRITTEN)
        assert await asyncio.wait_for(relay.keys.get(), LIMIT_S) == "9"
        assert relay.told.empty()
        writer.close()


@pytest.mark.parametrize("how", ["silent", "wrong", "closed"])
async def test_a_relay_that_is_not_there_is_told_and_asked_anew(how: str) -> None:
    async with Relay() as relay:
        reader, writer = await relay.taken()
        if how == "silent":
            await pinged(reader)
        elif how == "wrong":
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        else:
            writer.close()
        assert await relay.event() == "digits.lost"
        _, again = await relay.taken()
        again.write(WRITTEN)
        assert await asyncio.wait_for(relay.keys.get(), LIMIT_S) == "9"
        writer.close()
        again.close()
