"""A peer that takes nothing any more: its ended connection is dropped, and costs nobody else anything."""

import pytest

from tests.tools.raw_esme import RawEsme
from tests.wire.house import House

pytestmark = pytest.mark.wire

_BEYOND_BUFFERS = 400_000


async def test_an_ended_connection_that_takes_no_answers_is_dropped(house: House) -> None:
    await house.start(smpp={"session_init_timer_s": 2})
    living = await house.bind("jl")
    stuck = await RawEsme.connect(house.port)
    stuck.pause_reading()
    # Each of these is answered; nobody reads the answers, and the last octets end the session.
    await stuck.send((b"\x00\x00\x00\x10\x00\x00\x00\x15\x00\x00\x00\x00\x00\x00\x00\x01") * _BEYOND_BUFFERS + b"\xff" * 16)
    await house.status(lambda one: one["counters"]["connection.closed"] >= 1 or one["counters"]["pdu.oversized"] >= 1)
    stuck.resume_reading()
    await stuck.wait_closed()
    assert await living.request(0x15)
    await living.close()
    await house.end()
