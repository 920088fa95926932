"""The life of a bind through tdgate, stack by stack: link checks, unbind, a lost carrier, drain and restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.interop import scenarios, senders
from tests.interop.books import settle
from tests.interop.peers.kannel import KannelEsme
from tests.interop.peers.node import NodeEsme, NodeSmsc
from tests.interop.peers.python_esmes import AiosmpplibEsme, SmpplibEsme
from tests.interop.tdgate_house import House
from tests.tools.recorder import Recorder
from tests.tools.wire import BIND_TRX, ENQUIRE_LINK, RESP, SUBMIT_SM, UNBIND

pytestmark = pytest.mark.interop

LibraryEsme = NodeEsme | SmpplibEsme | AiosmpplibEsme


async def _sends(esme: LibraryEsme, person: str = senders.CONSENTED[0]) -> None:
    answer = await esme.submit(source=senders.PORT, destination=person, text=scenarios.MARKETING)
    assert answer.status == 0


@pytest.fixture
async def watchful(sender_state: Path, carrier_tap: Recorder, tmp_path: Path) -> AsyncIterator[House]:
    """tdgate that checks a link as soon as it is silent for a moment."""
    async with House(sender_state, tmp_path, carrier_port=carrier_tap.port) as house:
        yield await house.open(smpp={"enquire_link_timer_s": 0.3})


async def test_links_are_checked_on_each_side_by_itself(
    library_esme: type[LibraryEsme], watchful: House, carrier_tap: Recorder, tmp_path: Path
) -> None:
    """tdgate asks both ends and is answered by both; an enquire_link of the ESME stays on its side."""
    async with Recorder(watchful.port) as front:
        async with library_esme(senders.target(front.port), tmp_path) as esme:
            await front.wait(sent=ENQUIRE_LINK | RESP, count=2)
            await carrier_tap.wait(returned=ENQUIRE_LINK | RESP, count=2)
            if isinstance(esme, NodeEsme):
                assert (await esme.request("enquire_link")).status == 0
            elif isinstance(esme, SmpplibEsme):
                await esme.command("enquire")
                await front.wait(returned=ENQUIRE_LINK | RESP)
            await _sends(esme)
        asked = {frame.sequence for frame in front.returned(ENQUIRE_LINK)}
        assert asked >= {frame.sequence for frame in front.sent(ENQUIRE_LINK | RESP)}
    assert not watchful.told("connection.silent")


async def test_an_unbind_of_the_esme_reaches_the_carrier_as_an_unbind(
    library_esme: type[LibraryEsme], house: House, front_tap: Recorder, carrier_tap: Recorder, tmp_path: Path
) -> None:
    async with library_esme(senders.target(front_tap.port), tmp_path) as esme:
        await _sends(esme)
        if isinstance(esme, NodeEsme):
            assert (await esme.request("unbind")).status == 0
        elif isinstance(esme, SmpplibEsme):
            await esme.command("unbind")
        else:
            await esme.unbind()
        await front_tap.wait(returned=UNBIND | RESP)
        await carrier_tap.wait(returned=UNBIND | RESP)
    assert len(carrier_tap.sent(UNBIND)) == 1
    await house.status(lambda status: not status["binds"])


async def test_an_esme_that_just_goes_is_unbound_at_the_carrier(
    house: House, front_tap: Recorder, carrier_tap: Recorder, tmp_path: Path
) -> None:
    async with NodeEsme(senders.target(front_tap.port), tmp_path) as esme:
        await _sends(esme)
        await esme.command("destroy")
        await carrier_tap.wait(returned=UNBIND | RESP)
    assert not front_tap.sent(UNBIND)


async def test_what_a_library_sees_of_a_drain(
    library_esme: type[LibraryEsme],
    house: House,
    front_tap: Recorder,
    carrier_tap: Recorder,
    node_smsc: NodeSmsc,
    tmp_path: Path,
) -> None:
    """An open message gets its answer, then both sides are unbound, and tdgate ends with 0, answered or not."""
    await node_smsc.behave(submit="hold")
    async with library_esme(senders.target(front_tap.port), tmp_path) as esme:
        asking = asyncio.create_task(_sends(esme))
        await node_smsc.received(SUBMIT_SM)
        draining = asyncio.create_task(house.drain())
        await house.event("process.draining")
        assert not asking.done()
        await node_smsc.release()
        await asking
        await draining
        if isinstance(esme, AiosmpplibEsme):
            # smpplib never answers an unbind; node-smpp leaves that to its application, and this one does not.
            await front_tap.wait(sent=UNBIND | RESP)
        assert len(front_tap.returned(UNBIND)) == len(carrier_tap.sent(UNBIND)) == 1
    settle(front_tap, carrier_tap)


async def test_kannel_and_aiosmpplib_are_back_after_a_restart(
    house: House, front_tap: Recorder, carrier_tap: Recorder, tmp_path: Path
) -> None:
    """Both bind again by themselves, and what Kannel queued in between goes out then, once."""
    person = senders.CONSENTED[0]
    aio = AiosmpplibEsme(senders.target(front_tap.port, "acct-std"), tmp_path)
    async with KannelEsme(senders.target(front_tap.port), tmp_path) as kannel, aio:
        await kannel.submit(source=senders.PORT, destination=person, text=scenarios.MARKETING)
        await carrier_tap.wait(returned=SUBMIT_SM | RESP)
        await house.drain()
        await front_tap.wait(sent=UNBIND | RESP, count=2)
        await kannel.submit(source=senders.PORT, destination=senders.CONSENTED[1], text=scenarios.MARKETING)
        await house.open()
        await carrier_tap.wait(sent=SUBMIT_SM, count=2, limit_s=60)
        await carrier_tap.wait(returned=SUBMIT_SM | RESP, count=2)
        await carrier_tap.wait(returned=BIND_TRX | RESP, count=4, limit_s=60)
        await aio.wait(lambda e: e["event"] == "pdu" and int(e["raw"][8:16], 16) == BIND_TRX | RESP, count=2)
        await _sends(aio, senders.CONSENTED[2])
    settle(front_tap, carrier_tap)
    assert len(carrier_tap.sent(SUBMIT_SM)) == 3


async def test_a_lost_carrier_ends_the_esmes_bind_and_kannel_returns_with_it(
    house: House, front_tap: Recorder, carrier_tap: Recorder, node_smsc: NodeSmsc, tmp_path: Path
) -> None:
    """on_loss = "close": the ESME's connection ends with the carrier's, and both come back together."""
    async with KannelEsme(senders.target(front_tap.port), tmp_path) as kannel:
        await node_smsc.disconnect(reset=True)
        await house.event("carrier.lost")
        await carrier_tap.wait(returned=BIND_TRX | RESP, count=2, limit_s=60)
        await kannel.bound()
        await kannel.submit(source=senders.PORT, destination=senders.CONSENTED[0], text=scenarios.MARKETING)
        await carrier_tap.wait(returned=SUBMIT_SM | RESP)
    assert len(front_tap.sent(BIND_TRX)) == len(carrier_tap.sent(BIND_TRX)) == 2
    settle(front_tap, carrier_tap)


async def test_a_held_bind_answers_kannel_for_the_moment_until_the_carrier_is_back(
    sender_state: Path, carrier_tap: Recorder, node_smsc: NodeSmsc, tmp_path: Path
) -> None:
    """on_loss = "hold": temporary answers meanwhile, which Kannel retries; in the end the message is there, once."""
    async with House(sender_state, tmp_path, carrier_port=carrier_tap.port) as house:
        await house.open(route={"on_loss": "hold"})
        async with (
            Recorder(house.port) as front,
            KannelEsme(senders.target(front.port), tmp_path, retries=20) as kannel,
        ):
            await node_smsc.behave(bind_status=0x0D)
            await node_smsc.disconnect(reset=True)
            await house.event("carrier.lost")
            await kannel.submit(source=senders.PORT, destination=senders.CONSENTED[0], text=scenarios.MARKETING)
            (first, *_) = await front.wait(returned=SUBMIT_SM | RESP)
            assert first.status == 0x14
            await node_smsc.behave(bind_status=0)
            await carrier_tap.wait(returned=SUBMIT_SM | RESP, limit_s=60)
            await front.wait(returned=SUBMIT_SM | RESP, count=2)
            assert len(front.sent(BIND_TRX)) == 1
        books = settle(front, carrier_tap)
        assert len(books.permitted) == 1
        assert {one.answer.status for one in books.refused if one.answer} == {0x14}
