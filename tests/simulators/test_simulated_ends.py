"""ESME, SMSC and handset against each other over real sockets on loopback; every wait is for an event."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from proxy.smpp import consts
from simulators.esme import BindRefused, Esme
from simulators.faults import Faults
from simulators.handset import Handset, Rule
from simulators.receipts import standing_clock
from simulators.smsc import Smsc
from simulators.smsc_settings import MessageIds, Receipts, SmscSettings

pytestmark = pytest.mark.wire

OFFER = "【江澜银行】“安居贷”年化3.5%起，最高40万元，咨询400-000-1001，回T退订"
PERSON, NUMBER = "13800138000", "10690001"


@contextlib.asynccontextmanager
async def both(smsc: Smsc, **options: object) -> AsyncIterator[Esme]:
    """A started SMSC and a bound ESME."""
    port = await smsc.start()
    esme = Esme("127.0.0.1", port, "acct1", "secret", **options)  # type: ignore[arg-type]
    try:
        await esme.bind()
        yield esme
    finally:
        await esme.stop()
        await smsc.stop()


def faulty(**faults: object) -> Smsc:
    return Smsc(SmscSettings(faults=Faults(**faults), receipts=Receipts(share=0.0)))  # type: ignore[arg-type]


async def test_a_message_arrives_octet_for_octet_with_its_vendor_tlvs() -> None:
    smsc = Smsc()
    async with both(smsc) as esme:
        result = await esme.submit(NUMBER, PERSON, OFFER, tlvs=((0x1401, b"\x01\x02"), (0x1401, b""), (0x2FFF, b"x")))
        [arrived] = await smsc.submitted()
    assert (result.status, result.status_name, result.message_id) == (0, "ESME_ROK", "00000001")
    assert (arrived.source, arrived.destination, arrived.text) == (NUMBER, PERSON, OFFER)
    assert arrived.tlvs == ((0x1401, b"\x01\x02"), (0x1401, b""), (0x2FFF, b"x"))
    assert (arrived.system_id, arrived.session, arrived.data_coding) == ("acct1", 1, 8)


@pytest.mark.parametrize(
    ("encoding", "data_coding", "text"),
    [
        ("gsm", 0, "[TD] €5"),
        ("ascii", 1, "TD"),
        ("latin1", 3, "Réponse"),
        ("utf8", 4, "退订"),
        ("ucs2", 8, "退订"),
        ("gb18030", 15, "退订"),
    ],
)
async def test_every_encoding_is_read_as_it_was_written(encoding: str, data_coding: int, text: str) -> None:
    smsc = Smsc()
    async with both(smsc) as esme:
        await esme.submit(NUMBER, PERSON, text, encoding=encoding)
        assert await smsc.inject(PERSON, NUMBER, text, encoding=encoding) == 0
        assert await smsc.inject(PERSON, NUMBER, text, encoding=encoding, command="data_sm") == 0
        deliveries = await esme.replied(2)
    assert [(each.text, each.data_coding) for each in smsc.arrived] == [(text, data_coding)]
    assert [(each.text, each.message.data_coding) for each in deliveries] == [(text, data_coding)] * 2
    assert [each.command for each in deliveries] == [consts.DELIVER_SM, consts.DATA_SM]


@pytest.mark.parametrize("long", ["parts", "parts16", "sar"])
@pytest.mark.parametrize("text", [OFFER * 5, "offer " * 60, "😀银" * 80])
async def test_a_long_text_goes_in_parts_and_is_whole_again_at_the_handset(long: str, text: str) -> None:
    handset = Handset([Rule(reply="TD", containing=text)])
    async with both(handset.smsc) as esme:
        result = await esme.submit(NUMBER, PERSON, text, long=long)
        assert await handset.acknowledged() == [0]
    assert len(result.parts) == len(handset.smsc.arrived) > 1
    assert "".join(each.text for each in handset.smsc.arrived) == text
    assert {len(each.message.short_message) <= 160 for each in handset.smsc.arrived} == {True}


async def test_message_payload_carries_a_long_text_whole() -> None:
    smsc = Smsc()
    async with both(smsc) as esme:
        result = await esme.submit(NUMBER, PERSON, OFFER * 9, long="payload")
    assert result.parts == ()
    assert [each.text for each in smsc.arrived] == [OFFER * 9]


async def test_a_receipt_names_the_message_by_text_and_tlv_at_the_time_that_was_set() -> None:
    clock = standing_clock(datetime(2026, 1, 5, 22, 30, tzinfo=UTC))
    smsc = Smsc(SmscSettings(receipts=Receipts(states={"UNDELIV": 1.0})), clock=clock)
    async with both(smsc) as esme:
        result = await esme.submit(NUMBER, PERSON, "hello", registered_delivery=1)
        await esme.submit(NUMBER, PERSON, "no receipt asked")
        [receipt] = await esme.receipted()
        assert (receipt.receipt.message_id, receipt.receipt.state) == (result.message_id, "UNDELIV")
        assert (receipt.source, receipt.destination) == (PERSON, NUMBER)
        assert "submit date:2601052230" in receipt.text
        await smsc.deliveries_answered()
    assert smsc.counts.receipts == 1


async def test_a_receipt_for_failures_only_does_not_come_after_a_delivery() -> None:
    smsc = Smsc()
    async with both(smsc) as esme:
        await esme.submit(NUMBER, PERSON, "hello", registered_delivery=2)
        await esme.submit(NUMBER, PERSON, "hello", registered_delivery=1)
        await esme.receipted()
    assert smsc.counts.receipts == 1


async def test_a_receipt_may_overtake_the_response() -> None:
    smsc = Smsc(SmscSettings(receipts=Receipts(timing="before"), faults=Faults(slow_ms=1)))
    async with both(smsc) as esme:
        pending = asyncio.create_task(esme.submit(NUMBER, PERSON, "hello", registered_delivery=1))
        await esme.receipted()
        assert not pending.done()
        assert (await pending).status == 0


async def test_ids_can_be_decimal_and_receipts_name_them_in_the_other_radix() -> None:
    ids = MessageIds(format="decimal", width=0, first=4095)
    smsc = Smsc(SmscSettings(ids=ids, receipts=Receipts(id_format="HEX", tlvs=False)))
    async with both(smsc) as esme:
        assert (await esme.submit(NUMBER, PERSON, "hello", registered_delivery=1)).message_id == "4095"
        assert [each.receipt.message_id for each in await esme.receipted()] == ["FFF"]


async def test_only_listed_accounts_bind_and_a_refusal_names_its_status() -> None:
    smsc = Smsc(SmscSettings(accounts={"acct1": "secret"}))
    async with both(smsc):
        for name, password in (("acct1", "wrong"), ("acct2", "secret")):
            with pytest.raises(BindRefused) as refused:
                await Esme("127.0.0.1", smsc.port, name, password).bind()
            assert refused.value.status == consts.ESME_RBINDFAIL
    assert (smsc.counts.binds, smsc.counts.refused_binds) == (1, 2)


async def test_a_receiver_gets_what_a_transmitter_of_the_same_account_caused() -> None:
    smsc = Smsc()
    async with both(smsc, bind="tx") as sender:
        await sender.submit(NUMBER, PERSON, "hello", registered_delivery=1)
        async with Esme("127.0.0.1", smsc.port, "acct1", "secret", bind="rx") as receiver:
            assert [each.receipt.state for each in await receiver.receipted()] == ["DELIVRD"]
            assert (await receiver.submit(NUMBER, PERSON, "hello")).status == consts.ESME_RINVBNDSTS
        assert sender.received == []


async def test_replies_are_an_iterator_that_ends_with_the_connection() -> None:
    smsc = Smsc()
    async with both(smsc) as esme:
        await smsc.inject(PERSON, NUMBER, "TD")
        await smsc.inject(PERSON, NUMBER, "START")
        smsc.disconnect()
        async with asyncio.timeout(60):
            assert [reply.text async for reply in esme.replies] == ["TD", "START"]
            assert [receipt async for receipt in esme.receipts] == []


async def test_a_reply_waits_for_a_bind_and_is_sent_again_where_its_answer_was_lost() -> None:
    smsc = Smsc()
    await smsc.start()
    injected = asyncio.create_task(smsc.inject(PERSON, NUMBER, "TD"))
    deaf = Esme("127.0.0.1", smsc.port, "acct1", "secret", delivery_status=None)
    await deaf.bind()
    await deaf.replied()
    await deaf.stop(reset=True)
    async with Esme("127.0.0.1", smsc.port, "acct1", "secret") as esme:
        assert await injected == 0
        assert [each.text for each in await esme.replied()] == ["TD"]
    await smsc.stop()


async def test_the_status_an_esme_answers_reaches_whoever_injected() -> None:
    smsc = Smsc()
    async with both(smsc, delivery_status=consts.ESME_RMSGQFUL):
        assert await smsc.inject(PERSON, NUMBER, "TD") == consts.ESME_RMSGQFUL
    assert smsc.counts.delivery_answers == {consts.ESME_RMSGQFUL: 1}


async def test_other_commands_get_their_own_answers() -> None:
    smsc = Smsc()
    async with both(smsc) as esme:
        queried = await esme.request(consts.QUERY_SM, b"7\0\0\0\0")
        assert (queried.status, queried.values["message_id"], queried.values["message_state"]) == (0, b"7", 2)
        assert (await esme.request(0x00010203, b"")).command_id == consts.GENERIC_NACK
        second = await esme.request(consts.BIND_TRANSCEIVER, b"acct1\0secret\0\0\x34\0\0\0")
        assert second.status == consts.ESME_RALYBND
        assert (await esme.request(consts.ENQUIRE_LINK, b"")).status == 0
        assert (await esme.request(consts.SUBMIT_SM, b"\0\0")).status == consts.ESME_RINVCMDLEN
    assert smsc.counts.malformed == 1


# Faults


async def test_nack_share_of_all() -> None:
    async with both(faulty(nack_share=1.0, nack_status=0x58)) as esme:
        assert (await esme.submit(NUMBER, PERSON, "hello")).status == consts.ESME_RTHROTTLED


async def test_generic_nack() -> None:
    async with both(faulty(generic_nack_share=1.0, nack_status=0x14)) as esme:
        result = await esme.submit(NUMBER, PERSON, "hello")
    assert (result.status, result.nacked) == (consts.ESME_RMSGQFUL, True)


async def test_a_wrong_sequence_number_answers_nothing() -> None:
    async with both(faulty(wrong_sequence_share=1.0), limit_s=0.2) as esme:
        with pytest.raises(TimeoutError):
            await esme.submit(NUMBER, PERSON, "hello")


async def test_a_mute_smsc_answers_no_enquire_link_either() -> None:
    smsc = faulty(mute_after=1)
    async with both(smsc, limit_s=0.2) as esme:
        assert (await esme.submit(NUMBER, PERSON, "one")).status == 0
        with pytest.raises(TimeoutError):
            await esme.submit(NUMBER, PERSON, "two")
        with pytest.raises(TimeoutError):
            await esme.request(consts.ENQUIRE_LINK, b"")
    assert smsc.counts.submits == 2


@pytest.mark.parametrize("by", ["close", "reset"])
async def test_disconnect_after_n(by: str) -> None:
    smsc = faulty(disconnect_after=2, disconnect_by=by)
    async with both(smsc) as esme:
        assert (await esme.submit(NUMBER, PERSON, "one")).status == 0
        with pytest.raises(ConnectionError):
            await esme.submit(NUMBER, PERSON, "two")
        assert esme.closed
    assert smsc.counts.submits == 2


@pytest.mark.parametrize("then", ["silence", "close"])
async def test_half_a_pdu(then: str) -> None:
    async with both(faulty(half_pdu_after=0, half_pdu_then=then), limit_s=0.2) as esme:
        with pytest.raises(TimeoutError if then == "silence" else ConnectionError):
            await esme.submit(NUMBER, PERSON, "one")


async def test_binds_are_refused_so_often_and_then_no_more() -> None:
    smsc = faulty(refuse_binds=2, bind_status=consts.ESME_RSYSERR)
    await smsc.start()
    statuses = []
    for _ in range(3):
        esme = Esme("127.0.0.1", smsc.port, "acct1", "secret")
        try:
            await esme.bind()
            statuses.append(0)
        except BindRefused as refused:
            statuses.append(refused.status)
        await esme.stop()
    await smsc.stop()
    assert statuses == [consts.ESME_RSYSERR, consts.ESME_RSYSERR, 0]


async def test_a_bind_may_never_be_answered() -> None:
    smsc = faulty(ignore_binds=True)
    await smsc.start()
    esme = Esme("127.0.0.1", smsc.port, "acct1", "secret", limit_s=0.2)
    with pytest.raises(TimeoutError):
        await esme.bind()
    await esme.stop()
    await smsc.stop()


async def test_faults_change_while_a_bind_stands() -> None:
    smsc = Smsc(record=False)
    async with both(smsc) as esme:
        assert (await esme.submit(NUMBER, PERSON, "hello")).status == 0
        smsc.change_faults(Faults(nack_share=1.0))
        assert (await esme.submit(NUMBER, PERSON, "hello")).status == consts.ESME_RTHROTTLED


async def test_octets_that_are_no_pdu_get_a_nack_and_the_end() -> None:
    smsc = Smsc()
    await smsc.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", smsc.port)
    writer.write(b"\0\0\0\x0f" + bytes(12))
    async with asyncio.timeout(60):
        answer = await reader.read()
    writer.close()
    await smsc.stop()
    assert answer == bytes.fromhex("00000010 80000000 00000002 00000000")


async def test_every_fragmentation_of_a_stream_gives_the_same() -> None:
    smsc = Smsc()
    await smsc.start()
    octets = bytes.fromhex("00000019 00000009 00000000 00000001") + b"a\0b\0\0\x34\0\0\0"
    octets += bytes.fromhex("00000010 00000015 00000000 00000002")
    reader, writer = await asyncio.open_connection("127.0.0.1", smsc.port)
    for octet in octets:
        writer.write(bytes((octet,)))
        await writer.drain()
    async with asyncio.timeout(60):
        bound = await reader.readexactly(16)
        await reader.readexactly(int.from_bytes(bound[:4], "big") - 16)
        alive = await reader.readexactly(16)
    writer.close()
    await smsc.stop()
    assert (bound[4:16].hex(), alive.hex()) == ("800000090000000000000001", "00000010800000150000000000000002")


# The handset


async def test_a_person_refuses_once_and_what_comes_then_is_counted() -> None:
    handset = Handset([Rule(reply="TD", to="1380013*", containing="安居贷", spares=("验证码",))])
    async with both(handset.smsc) as esme:
        await esme.submit(NUMBER, PERSON, OFFER)
        assert [each.text for each in await esme.replied()] == ["TD"]
        assert await handset.acknowledged() == [0]
        assert handset.after_refusal == []
        await esme.submit(NUMBER, PERSON, "【江澜银行】验证码 123456")
        await esme.submit(NUMBER, "13800138001", "【江澜银行】另一个人")
        await esme.submit("10690002", PERSON, "【云岫消费金融】另一个号码")
        assert handset.after_refusal == []
        await esme.submit(NUMBER, PERSON, OFFER)
    assert [each.text for each in handset.after_refusal] == [OFFER]
    assert handset.replies == 1


async def test_a_refusal_counts_from_its_acknowledgement_only() -> None:
    handset = Handset([Rule(reply="TD")])
    async with both(handset.smsc, delivery_status=consts.ESME_RMSGQFUL) as esme:
        await esme.submit(NUMBER, PERSON, OFFER)
        assert await handset.acknowledged() == [consts.ESME_RMSGQFUL]
        await esme.submit(NUMBER, PERSON, OFFER)
    assert handset.after_refusal == []


async def test_a_refusal_may_close_other_numbers_until_a_release() -> None:
    rules = [
        Rule(reply="TD", containing="安居贷", closes=("1069*",)),
        Rule(reply="START", containing="验证码", effect="release"),
    ]
    handset = Handset(rules)
    async with both(handset.smsc) as esme:
        await esme.submit(NUMBER, PERSON, OFFER)
        await handset.acknowledged()
        await esme.submit("10690002", PERSON, "x")
        assert len(handset.after_refusal) == 1
        await esme.submit(NUMBER, PERSON, "验证码 1")
        assert len(handset.after_refusal) == 2
        await handset.acknowledged(2)
        await esme.submit(NUMBER, PERSON, OFFER)
    assert len(handset.after_refusal) == 2
