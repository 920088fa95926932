"""Real stacks through tdgate: texts, receipts, replies and vendor TLVs pass octet for octet in both directions."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.interop import scenarios, senders
from tests.interop.books import settle
from tests.interop.peers.kannel import KannelEsme
from tests.interop.peers.node import NodeEsme, NodeSmsc
from tests.interop.peers.python_esmes import AiosmpplibEsme, SmpplibEsme
from tests.interop.tdgate_house import House
from tests.tools.recorder import Recorder
from tests.tools.wire import (
    DELIVER_SM,
    GENERIC_NACK,
    RESP,
    SUBMIT_SM,
    message_body,
    pdu,
    read_message,
    receipt_text,
    tlv,
)

pytestmark = pytest.mark.interop

LibraryEsme = NodeEsme | SmpplibEsme | AiosmpplibEsme


async def test_a_library_does_its_day_through_tdgate(
    library_esme: type[LibraryEsme],
    house: House,
    front_tap: Recorder,
    carrier_tap: Recorder,
    node_smsc: NodeSmsc,
    tmp_path: Path,
) -> None:
    """Text, receipt, carrier's refusal, reply: each scenario that the stack does straight, it does through tdgate."""
    async with library_esme(senders.target(front_tap.port), tmp_path) as esme:
        assert esme.bind_status == 0
        await scenarios.submits_chinese(esme, node_smsc, carrier_tap)
        await scenarios.gets_its_receipt(esme, node_smsc, carrier_tap)
        await scenarios.hears_a_refusal(esme, node_smsc, carrier_tap, status=0x45)
        await scenarios.hears_a_refusal(esme, node_smsc, carrier_tap, status=0x14)
        if not isinstance(esme, SmpplibEsme):
            await scenarios.sends_a_vendor_tlv(esme, node_smsc, carrier_tap)
        await scenarios.gets_a_reply(esme, node_smsc, carrier_tap, text="您好，请问是哪家")
        await scenarios.gets_a_reply(esme, node_smsc, carrier_tap)
    books = settle(front_tap, carrier_tap)
    assert not books.refused
    assert len(books.permitted) == (6 if library_esme is SmpplibEsme else 7)
    assert all(one.answer is not None for one in books.delivered)
    await house.drain()
    assert house.by_rule() == {("allow", ""): len(books.permitted)}


@pytest.mark.parametrize("esme_class", [NodeEsme, SmpplibEsme], ids=lambda c: c.__name__)
async def test_gb18030_passes_both_ways(
    esme_class: type[NodeEsme | SmpplibEsme],
    house: House,
    front_tap: Recorder,
    carrier_tap: Recorder,
    node_smsc: NodeSmsc,
    tmp_path: Path,
) -> None:
    """data_coding 15 with GB18030 octets, a rare character (four octets) among them, and a reply in it."""
    text = "【江澜银行】“安居贷”㐀年化3.5%起，400-000-1001，回T退订"
    person = senders.CONSENTED[0]
    async with esme_class(senders.target(front_tap.port), tmp_path) as esme:
        answer = await esme.submit(
            source=senders.PORT, destination=person, message=text.encode("gb18030"), data_coding=15
        )
        assert answer.status == 0
        message = read_message((await carrier_tap.wait(sent=SUBMIT_SM))[0])
        assert (message.data_coding, message.short_message.decode("gb18030")) == (15, text)
        session = await node_smsc.bound()
        said = await node_smsc.deliver(
            session, source=person, destination=senders.PORT, message="退订".encode("gb18030"), data_coding=15
        )
        assert said.status == 0
        again = await esme.submit(
            source=senders.PORT, destination=person, message=text.encode("gb18030"), data_coding=15
        )
        assert again.status == 0x0429
    books = settle(front_tap, carrier_tap)
    assert (len(books.permitted), len(books.refused), len(books.delivered)) == (1, 1, 1)


async def test_a_reply_that_an_esme_nacks_is_nacked_to_the_carrier_and_still_binds(
    house: House, front_tap: Recorder, carrier_tap: Recorder, node_smsc: NodeSmsc, tmp_path: Path
) -> None:
    """aiosmpplib does not take data_coding 15; its generic_nack goes back, and the TD in it holds nevertheless."""
    person = senders.CONSENTED[0]
    async with AiosmpplibEsme(senders.target(front_tap.port, "acct-std"), tmp_path) as esme:
        session = await node_smsc.bound()
        said = await node_smsc.deliver(
            session, source=person, destination=senders.PORT, message="退订".encode("gb18030"), data_coding=15
        )
        assert (said.command, said.status) == (RESP, 0)
        refused = await esme.submit(source=senders.PORT, destination=person, text=scenarios.MARKETING)
        assert refused.status == 0x0B
    settle(front_tap, carrier_tap)


@pytest.mark.parametrize("ids", ["text", "tlv"])
async def test_a_receipt_before_the_response_waits_for_it(
    ids: str,
    library_esme: type[LibraryEsme],
    house: House,
    front_tap: Recorder,
    carrier_tap: Recorder,
    node_smsc: NodeSmsc,
    tmp_path: Path,
) -> None:
    """A receipt that names its message in the text, or by receipted_message_id alone, never overtakes the response."""
    person = senders.CONSENTED[0]
    await node_smsc.behave(submit="hold", receipt="none")
    async with library_esme(senders.target(front_tap.port), tmp_path) as esme:
        asking = asyncio.create_task(
            esme.submit(source=senders.PORT, destination=person, text=scenarios.MARKETING, registered=1)
        )
        await node_smsc.received(SUBMIT_SM)
        session = await node_smsc.bound()
        message_id = "n00000001"
        message, tlvs = receipt_text(message_id), b""
        if ids == "tlv":
            message = b""
            tlvs = tlv(0x001E, message_id.encode() + b"\0") + tlv(0x0427, b"\x02")
        body = message_body(person, senders.PORT, message, esm_class=4, tlvs=tlvs)
        await node_smsc.send_raw(session, pdu(DELIVER_SM, body, sequence=77))
        await carrier_tap.wait(returned=DELIVER_SM)
        # An enquire_link behind it is answered: tdgate has read the receipt by then.
        await node_smsc.command("request", session=session, command="enquire_link", fields={})
        assert not front_tap.returned(DELIVER_SM)
        await node_smsc.release()
        answer = await asking
        assert answer.body == message_id.encode() + b"\0"
        (receipt,) = await front_tap.wait(returned=DELIVER_SM)
        assert receipt.body == body
        order = [f.command for f in front_tap.tapes[-1].down if f.command in (SUBMIT_SM | RESP, DELIVER_SM)]
        assert order == [SUBMIT_SM | RESP, DELIVER_SM]
        # aiosmpplib takes no receipt without a text; its generic_nack is carried back as it is.
        nacked = ids == "tlv" and library_esme is AiosmpplibEsme
        await carrier_tap.wait(sent=GENERIC_NACK if nacked else DELIVER_SM | RESP)
    settle(front_tap, carrier_tap)


async def test_kannel_does_its_day_through_tdgate(
    house: House, front_tap: Recorder, carrier_tap: Recorder, node_smsc: NodeSmsc, tmp_path: Path
) -> None:
    async with KannelEsme(senders.target(front_tap.port), tmp_path) as kannel:
        await scenarios.kannel_does_all(kannel, node_smsc, carrier_tap)
        await kannel.submit(
            source=senders.PORT, destination="+" + scenarios.PERSON, text=scenarios.MARKETING, registered=1, tag="late"
        )
        (posted,) = await kannel.sink.wait("/dlr", match=lambda p: p.query["tag"] == "late")
        assert (posted.query["type"], posted.query["reply"]) == (
            "16",
            "NACK/0x00000429/Vendor-specific error, please refer to your SMPP provider",
        )
        await kannel.shut_down()
    books = settle(front_tap, carrier_tap)
    assert (len(books.permitted), len(books.refused)) == (1, 1)


async def test_kannel_hears_the_carriers_refusal_through_tdgate(
    house: House, front_tap: Recorder, carrier_tap: Recorder, node_smsc: NodeSmsc, tmp_path: Path
) -> None:
    async with KannelEsme(senders.target(front_tap.port), tmp_path) as kannel:
        await scenarios.kannel_hears_a_refusal(kannel, node_smsc, carrier_tap)
    settle(front_tap, carrier_tap)


async def test_signs_that_ascii_and_gsm_have_in_different_places_pass_from_every_stack(
    house: House, front_tap: Recorder, carrier_tap: Recorder, tmp_path: Path
) -> None:
    """All write GSM 03.38; node-smpp declares it as data_coding 1. None of it is undecodable, none is changed."""
    text = "Jianglan Bank: $5 bonus, mail a_b@jl.example, TD to refuse"
    gsm = text.translate({ord("$"): 2, ord("_"): 0x11, ord("@"): 0}).encode("latin-1")
    codings = {}
    for esme_class in (NodeEsme, SmpplibEsme, AiosmpplibEsme):
        async with esme_class(senders.target(front_tap.port), tmp_path) as esme:
            answer = await esme.submit(source=senders.PORT, destination=senders.CONSENTED[0], text=text)
            assert answer.status == 0
        codings[esme_class.__name__] = read_message(carrier_tap.sent(SUBMIT_SM)[-1]).data_coding
    async with KannelEsme(senders.target(front_tap.port), tmp_path) as kannel:
        await kannel.submit(source=senders.PORT, destination="+" + senders.CONSENTED[0], text=text)
        last = (await carrier_tap.wait(sent=SUBMIT_SM, count=4))[-1]
        await front_tap.wait(returned=SUBMIT_SM | RESP, count=4)
        codings["Kannel"] = read_message(last).data_coding
    assert [read_message(frame).short_message for frame in carrier_tap.sent(SUBMIT_SM)] == [gsm] * 4
    assert codings == {"NodeEsme": 1, "SmpplibEsme": 0, "AiosmpplibEsme": 0, "Kannel": 0}
    settle(front_tap, carrier_tap)
