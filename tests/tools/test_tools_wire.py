"""The test tools themselves: framing, the scripted ends, the tap and the harm they do."""

from __future__ import annotations

import asyncio

import pytest

from tests.tools.chaos import Chaos
from tests.tools.raw_esme import RawEsme
from tests.tools.raw_smsc import RawSession, RawSmsc
from tests.tools.recorder import Recorder
from tests.tools.wire import (
    BIND_TRX,
    DELIVER_SM,
    RESP,
    SUBMIT_SM,
    Frame,
    Splitter,
    bind_body,
    message_body,
    pdu,
    read_message,
    tlv,
)

pytestmark = pytest.mark.wire

TEXT = "【江澜银行】您好，回T退订"
SUBMIT = message_body("10690001", "8613800000001", TEXT.encode("utf-16-be"), data_coding=8, tlvs=tlv(0x1400, b"v\0nd"))


def test_splitter_gives_the_same_frames_for_any_fragmentation() -> None:
    stream = pdu(SUBMIT_SM, SUBMIT, sequence=7) + pdu(0x15, sequence=8)
    for size in (1, 3, 15, 16, 17, len(stream)):
        splitter = Splitter()
        frames = [f for i in range(0, len(stream), size) for f in splitter.feed(stream[i : i + size])]
        assert b"".join(f.raw for f in frames) == stream
        assert [f.sequence for f in frames] == [7, 8]


def test_a_message_is_read_field_by_field() -> None:
    message = read_message(Frame(pdu(SUBMIT_SM, SUBMIT)))
    assert (message.source, message.destination, message.text) == ("10690001", "8613800000001", TEXT)
    assert message.tlvs == ((0x1400, b"v\0nd"),)


async def test_scripted_ends_through_tap_and_one_octet_segments() -> None:
    async with RawSmsc() as smsc, Recorder(smsc.port) as tap, Chaos(tap.port) as chaos:
        chaos.up.fragment(1)
        chaos.down.fragment(1)
        async with await RawEsme.connect(chaos.port) as esme:
            assert (await esme.bind("acct", "secret")).status == 0
            answer = await esme.request(SUBMIT_SM, SUBMIT)
            session = await smsc.bound("acct")
            sequence = await session.deliver(message_body("8613800000001", "10690001", b"TD"))
            assert (await session.answered(sequence)).status == 0
            assert read_message(await esme.expect(DELIVER_SM)).short_message == b"TD"
            (frame,) = tap.sent(SUBMIT_SM)
            assert frame.raw == pdu(SUBMIT_SM, SUBMIT, sequence=answer.sequence)
            assert smsc.of(SUBMIT_SM) == [frame]
            assert tap.returned(SUBMIT_SM | RESP) == [answer]


async def test_answers_may_be_held_and_given_out_of_order() -> None:
    held: list[tuple[Frame, RawSession]] = []

    def hold(frame: Frame, session: RawSession) -> bytes | None:
        if frame.command != SUBMIT_SM:
            return None
        held.append((frame, session))
        return b""

    async with RawSmsc(answer=hold) as smsc, await RawEsme.connect(smsc.port) as esme:
        await esme.bind("acct", "secret")
        first = await esme.submit(SUBMIT_SM, SUBMIT)
        second = await esme.submit(SUBMIT_SM, SUBMIT)
        await smsc.wait_for(SUBMIT_SM, 2)
        for frame, session in reversed(held):
            await session.send(smsc.ordinary(frame))
        await esme.expect(SUBMIT_SM | RESP, match=lambda f: f.sequence == first)
        assert [f.sequence for f in esme.received if f.command == SUBMIT_SM | RESP] == [second, first]


async def test_a_refused_bind_and_a_dropped_connection_are_seen() -> None:
    async with RawSmsc(bind_status=0x0D) as smsc, await RawEsme.connect(smsc.port) as esme:
        refused = await esme.bind("acct", "wrong")
        assert (refused.status, refused.body) == (0x0D, b"")
        (await smsc.bound()).drop()
        await esme.wait_closed()
        assert esme.reset


@pytest.mark.parametrize("how", ["reset", "close", "half_close"])
async def test_a_cut_inside_the_second_pdu_lets_exactly_so_much_pass(how: str) -> None:
    async with RawSmsc() as smsc, Recorder(smsc.port) as tap, Chaos(tap.port) as chaos:
        chaos.up.cut_after_pdus(1, how, extra_octets=20)  # type: ignore[arg-type]
        async with await RawEsme.connect(chaos.port) as esme:
            bind = pdu(BIND_TRX, bind_body("acct", "secret"), sequence=1)
            submit = pdu(SUBMIT_SM, SUBMIT, sequence=2)
            await esme.send(bind)
            await esme.expect(BIND_TRX | RESP)
            await esme.send(submit)
            await asyncio.wait_for(chaos.harmed.wait(), 60)
            await smsc.wait(lambda: smsc.sessions[0].closed.is_set())
            # WHY two: a reset may take with it what had not left yet.
            allowed = (bind + submit[:20], bind) if how == "reset" else (bind + submit[:20],)
            assert bytes(tap.tapes[0].up_octets) in allowed
            assert smsc.of(SUBMIT_SM) == []


async def test_a_stall_holds_octets_back_until_it_is_lifted() -> None:
    async with RawSmsc() as smsc, Chaos(smsc.port) as chaos, await RawEsme.connect(chaos.port) as esme:
        await esme.bind("acct", "secret")
        chaos.down.stall()
        sequence = await esme.submit(SUBMIT_SM, SUBMIT)
        await smsc.wait_for(SUBMIT_SM)
        assert [f.sequence for f in esme.received] == [1]
        chaos.down.resume()
        assert (await esme.expect(SUBMIT_SM | RESP)).sequence == sequence
