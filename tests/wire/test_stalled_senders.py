"""Senders that wait for each answer, on the socket: their parts are answered from disk, and forwarded once, whole."""

from __future__ import annotations

import pytest

from tests.tools.raw_esme import RawEsme
from tests.tools.wire import SUBMIT_SM, Frame
from tests.wire.house import House
from tests.wire.test_long_messages import parts, statuses

pytestmark = pytest.mark.wire

REFUSED, AMBIGUOUS, PARTIAL = 0x0429, 0x0402, 0x0421
#: Where the window does not tell, the silence does: soon.
SOON = {"parts_quiet_ms": 200}


def id_of(frame: Frame) -> str:
    return frame.body.partition(b"\0")[0].decode()


async def one_by_one(esme: RawEsme, *bodies: bytes) -> list[Frame]:
    return [await esme.request(SUBMIT_SM, body) for body in bodies]


async def test_a_window_of_one(house: House) -> None:
    await house.start(smpp=SOON)
    esme = await house.bind("jl")
    found = await one_by_one(esme, *parts())
    assert statuses(found) == [0, 0, 0]
    assert len({id_of(one) for one in found}) == 3
    assert [one.body for one in await house.smsc.wait_for(SUBMIT_SM, 3)] == parts()
    await house.end()
