"""Every PDU on the socket: submit_multi for each of its persons, data_sm as a text, alerts to receivers, outbind."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.tools.raw_esme import RawEsme
from tests.tools.wire import (
    BIND_RX,
    BIND_TRX,
    BIND_TX,
    CANCEL_SM,
    DATA_SM,
    DELIVER_SM,
    RESP,
    SUBMIT_MULTI,
    SUBMIT_SM,
    Frame,
    cstring,
    data_sm_body,
    pdu,
    receipt_text,
    tlv,
)
from tests.wire.house import House, reply, text
from tests.wire.multi import EVERYBODY, multi, sme, unsuccess
from tests.wire.people import IMPORTED, NOBODY, PASSWORD, PERSONS, TEXT

pytestmark = [pytest.mark.wire, pytest.mark.asyncio(loop_scope="module")]

UCS2 = TEXT.encode("utf-16-be")
REFUSED, NEVER, CLOSED_HOURS, THROTTLED, LIST = 0x0429, 0x0428, 0x0440, 0x58, 0x44
ALERT, OUTBIND = 0x102, 0x0B


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with House(template, tmp_path_factory.mktemp("every-pdu")) as house:
        await house.start()
        yield house
        await house.end()


# ---- submit_multi ---------------------------------------------------------------------------------------------------


async def test_a_refused_person_inside_a_submit_multi_is_left_out_and_told_of(shared: House) -> None:
    esme = await shared.bind("jl")
    before = len(shared.smsc.of(SUBMIT_MULTI))
    decided = len(shared.decisions())
    more = tlv(0x1500, b"\0\xff")
    listed = (sme(PERSONS[0]), sme(IMPORTED), EVERYBODY, sme(PERSONS[1]), sme(NOBODY), sme("12"))
    answer = await esme.request(SUBMIT_MULTI, multi(*listed, tlvs=more))
    assert (answer.command, answer.status) == (SUBMIT_MULTI | RESP, 0)
    assert unsuccess(answer) == [(IMPORTED, REFUSED), ("everybody", LIST), (NOBODY, NEVER), ("12", 0x0B)]
    # The evidence of the refused is on disk before the answer; that of the permitted comes with the next batch.
    refused = [one.rule for one in shared.decisions()[decided:] if one.rule]
    assert refused == ["suppression.active", "pdu.unsupported", "consent.missing", "address.invalid"]
    (frame,) = shared.smsc.of(SUBMIT_MULTI)[before:]
    assert frame.body == multi(sme(PERSONS[0]), sme(PERSONS[1]), tlvs=more)
    await shared.record(lambda one: getattr(one, "rule", None) == "", 2)


async def test_all_permitted_pass_byte_for_byte_and_so_does_the_carriers_answer(shared: House) -> None:
    esme = await shared.bind("jl-two")
    said = cstring("m-1") + b"\1\1\1" + cstring(PERSONS[2]) + struct.pack(">I", 0x14) + tlv(0x1500, b"y")
    shared.smsc.answer = lambda frame, _: (
        pdu(SUBMIT_MULTI | RESP, said, sequence=frame.sequence) if frame.command == SUBMIT_MULTI else None
    )
    body = multi(sme(PERSONS[2]), sme("00" + PERSONS[3]), sme(PERSONS[2]), tlvs=tlv(0x3FFF, b""))
    answer = await esme.request(SUBMIT_MULTI, body)
    assert (answer.status, answer.body) == (0, said)
    assert shared.smsc.of(SUBMIT_MULTI)[-1].body == body
    # Now with one refused: the carrier's own entry and its TLVs stay.
    answer = await esme.request(SUBMIT_MULTI, multi(sme(IMPORTED), sme(PERSONS[2]), sme(PERSONS[3])))
    shared.smsc.answer = None
    assert answer.body.endswith(tlv(0x1500, b"y"))
    assert unsuccess(answer) == [(PERSONS[2], 0x14), (IMPORTED, REFUSED)]
    await shared.record(lambda one: getattr(one, "result", "") == "rejected", 2)


async def test_a_carrier_that_takes_nobody_is_the_answer(shared: House) -> None:
    esme = await shared.bind("jl-two")
    shared.smsc.answer = lambda frame, _: (
        pdu(SUBMIT_MULTI | RESP, status=0x58, sequence=frame.sequence) if frame.command == SUBMIT_MULTI else None
    )
    answer = await esme.request(SUBMIT_MULTI, multi(sme(IMPORTED), sme(PERSONS[2])))
    shared.smsc.answer = None
    assert (answer.status, answer.body) == (THROTTLED, b"")


async def test_as_many_as_there_may_be(shared: House) -> None:
    esme = await shared.bind("jl")
    persons = [IMPORTED, *[PERSONS[0]] * 126, NOBODY, *[PERSONS[1]] * 126]
    answer = await esme.request(SUBMIT_MULTI, multi(*map(sme, persons)))
    assert unsuccess(answer) == [(IMPORTED, REFUSED), (NOBODY, NEVER)]
    assert shared.smsc.of(SUBMIT_MULTI)[-1].body == multi(*[sme(PERSONS[0])] * 126, *[sme(PERSONS[1])] * 126)


async def test_each_destination_takes_a_token_of_the_rate(shared: House) -> None:
    esme = await shared.bind("jl-rate")
    answer = await esme.request(SUBMIT_MULTI, multi(*[sme(one) for one in PERSONS[10:20]]))
    assert [status for _, status in unsuccess(answer)] == [THROTTLED] * 5
    assert [who for who, _ in unsuccess(answer)] == list(PERSONS[15:20])


async def test_a_td_binds_inside_the_next_submit_multi(shared: House) -> None:
    esme = await shared.bind("jl")
    person = PERSONS[20]
    assert unsuccess(await esme.request(SUBMIT_MULTI, multi(sme(person), sme(PERSONS[21])))) == []
    assert (await shared.hear("jl", reply("TD", person=person))).status == 0
    answer = await esme.request(SUBMIT_MULTI, multi(sme(person), sme(PERSONS[21])))
    assert unsuccess(answer) == [(person, REFUSED)]
    answer = await esme.request(SUBMIT_MULTI, multi(sme(person)))
    assert (answer.status, answer.body) == (REFUSED, b"")


async def test_an_id_of_a_submit_multi_is_ones_own(shared: House) -> None:
    esme, other = await shared.bind("jl"), await shared.bind("xq")
    message_id = (await esme.request(SUBMIT_MULTI, multi(sme(PERSONS[0])))).body.partition(b"\0")[0]
    body = message_id + b"\0" + bytes([0, 0])
    assert (await other.request(0x3, body + cstring("10690202"))).status == 0x67
    # Passed: the raw SMSC does not know the command.
    assert (await esme.request(0x3, body + cstring("10690001"))).status == 3


# ---- data_sm --------------------------------------------------------------------------------------------------------


async def test_marketing_in_a_data_sm_or_a_submit_multi_at_night_is_refused(shared: House) -> None:
    esme = await shared.bind("zh")
    before = len(shared.smsc.of(DATA_SM, SUBMIT_MULTI))
    assert (
        await esme.request(DATA_SM, data_sm_body("10690301", PERSONS[0], UCS2, data_coding=8))
    ).status == CLOSED_HOURS
    assert (await esme.request(SUBMIT_MULTI, multi(sme(PERSONS[0]), source="10690301"))).status == CLOSED_HOURS
    assert len(shared.smsc.of(DATA_SM, SUBMIT_MULTI)) == before


async def test_data_sm_goes_out_and_its_receipt_and_the_reply_come_back(shared: House) -> None:
    esme = await shared.bind("jl-near")
    answer = await esme.request(DATA_SM, data_sm_body("10690001", PERSONS[4], UCS2, data_coding=8, registered=1))
    assert (answer.command, answer.status) == (DATA_SM | RESP, 0)
    message_id = answer.body.rstrip(b"\0").decode()
    receipt = data_sm_body(PERSONS[4], "10690001", receipt_text(message_id), esm_class=4, tlvs=tlv(0x0427, b"\2"))
    assert (await shared.hear("jl-near", receipt, DATA_SM)).status == 0
    assert (await esme.expect(DATA_SM)).body == receipt
    td = data_sm_body(PERSONS[4], "10690001", b"TD")
    assert (await shared.hear("jl-near", td, DATA_SM)).status == 0
    assert (await esme.expect(DATA_SM)).body == td
    answer = await esme.request(DATA_SM, data_sm_body("10690001", PERSONS[4], UCS2, data_coding=8))
    assert (answer.status, answer.body) == (REFUSED, b"")


async def test_a_data_sm_of_a_receiver_goes_nowhere(shared: House) -> None:
    rx = await shared.bind("jl", BIND_RX)
    before = len(shared.smsc.of(DATA_SM))
    answer = await rx.request(DATA_SM, data_sm_body("10690001", PERSONS[0], UCS2, data_coding=8))
    assert (answer.command, answer.status) == (DATA_SM | RESP, 0x04)
    assert len(shared.smsc.of(DATA_SM)) == before


# ---- alert_notification ---------------------------------------------------------------------------------------------


async def test_an_alert_passes_to_receivers_only_byte_for_byte(shared: House) -> None:
    alert = bytes([1, 1]) + cstring(PERSONS[5]) + bytes([0, 1]) + cstring("10690001") + tlv(0x0422, b"\0")
    for command in (BIND_RX, BIND_TRX):
        esme = await shared.bind("jl-two", command)
        session = await shared.session("jl-two")
        await session.send(pdu(ALERT, alert, sequence=99))
        assert (await esme.expect(ALERT)).body == alert
        await esme.close()
    unexpected = len(shared.logged("pdu.unexpected"))
    tx = await shared.bind("jl-two", BIND_TX)
    session = await shared.session("jl-two")
    await session.send(pdu(ALERT, alert, sequence=99) + pdu(DELIVER_SM, reply("hello"), sequence=100))
    assert (await session.answered(100)).status == 0x04
    await shared.event("pdu.unexpected", unexpected + 2)
    assert [one for one in tx.received if one.command == ALERT] == []


async def test_an_alert_of_an_esme_goes_nowhere(shared: House) -> None:
    esme = await shared.bind("jl-two")
    await esme.send(pdu(ALERT, bytes([1, 1]) + cstring(PERSONS[5]) + bytes([0, 1]) + cstring("10690001"), sequence=9))
    assert (await esme.request(SUBMIT_SM, text())).status == 0
    assert shared.smsc.of(ALERT) == []


# ---- what a TD calls back -------------------------------------------------------------------------------------------


async def test_a_td_cancels_what_is_pending_for_that_person_and_the_esme_sees_nothing(shared: House) -> None:
    def willing(frame: Frame, _: object) -> bytes | None:
        return pdu(CANCEL_SM | RESP, sequence=frame.sequence) if frame.command == CANCEL_SM else None

    jl, two, partner = await shared.bind("jl"), await shared.bind("jl-two"), await shared.bind("yl")
    other, service = await shared.bind("yx"), await shared.bind("jl-svc")
    person, stranger = PERSONS[22], PERSONS[23]
    shared.smsc.answer = willing
    before = len(shared.smsc.of(CANCEL_SM))

    async def sends(esme: RawEsme, number: str, to: str = person, command: int = SUBMIT_SM) -> bytes:
        body = text(number, to, registered=1)
        if command == DATA_SM:
            body = data_sm_body(number, to, UCS2, data_coding=8, registered=1)
        elif command == SUBMIT_MULTI:
            body = multi(sme(to), sme(stranger), source=number)
        answer = await esme.request(command, body)
        assert answer.status == 0
        return answer.body.partition(b"\0")[0]

    ended, on_the_way = await sends(jl, "10690001"), await sends(jl, "106900015")
    for message_id, state in ((ended, "DELIVRD"), (on_the_way, "ENROUTE")):
        receipt = reply(receipt_text(message_id.decode(), state).decode(), person=person, esm_class=4)
        assert (await shared.hear("jl", receipt)).status == 0
    wanted = {
        cancelled(on_the_way, "106900015", person),
        cancelled(await sends(two, "10690001"), "10690001", person),
        cancelled(await sends(two, "10690001", command=DATA_SM), "10690001", person),
        cancelled(await sends(two, "10690001", command=SUBMIT_MULTI), "10690001", person),
        cancelled(await sends(partner, "10690011"), "10690011", person),
    }
    await sends(other, "10690101")
    await sends(service, "10690002")
    await sends(two, "10690001", stranger)
    for esme in (jl, two, partner):
        esme.received.clear()
    assert (await shared.hear("jl", reply("TD", person=person))).status == 0
    frames = (await shared.smsc.wait_for(CANCEL_SM, before + len(wanted)))[before:]
    assert {frame.body for frame in frames} == wanted
    assert len(frames) == len(wanted)
    # Each on a bind of the account that sent it, under a sequence_number of that bind.
    of_partner = [one for session in shared.smsc.sessions if session.system_id == "yl" for one in session.received]
    assert [one.body for one in of_partner if one.command == CANCEL_SM] == [
        body for body in wanted if b"10690011" in body
    ]
    done = await shared.record(lambda one: getattr(one, "result", "") == "cancelled", len(wanted))
    assert len({one.id for one in done}) == len(wanted)
    assert await shared.counted("withdrawal.done", len(wanted)) == len(wanted)
    assert await shared.counted("withdrawal.sent", before + len(wanted)) == before + len(wanted)
    # The same refusal again calls back nothing that was called back already.
    assert (await shared.hear("jl", reply("TD", person=person))).status == 0
    assert (await jl.request(SUBMIT_SM, text(to=stranger))).status == 0
    assert len(shared.smsc.of(CANCEL_SM)) == before + len(wanted)
    # No ESME saw an answer to a cancel_sm; the receipt of a cancelled message is delivered as always.
    gone = reply(receipt_text(on_the_way.decode(), "DELETED").decode(), person=person, esm_class=4)
    assert (await shared.hear("jl", gone)).status == 0
    assert (await jl.expect(DELIVER_SM)).body
    assert [one for esme in (jl, two, partner) for one in esme.received if one.command == CANCEL_SM | RESP] == []
    shared.smsc.answer = None


async def test_a_carrier_that_cannot_cancel_harms_nobody(shared: House) -> None:
    """The raw SMSC answers cancel_sm with generic_nack 0x03."""
    esme = await shared.bind("jl-two")
    person = PERSONS[24]
    before = [one for one in shared.outcomes() if one.result == "kept"]
    assert (await esme.request(SUBMIT_SM, text(to=person))).status == 0
    assert (await shared.hear("jl-two", reply("TD", person=person))).status == 0
    kept = await shared.record(lambda one: getattr(one, "result", "") == "kept", len(before) + 1)
    assert {one.status for one in kept} == {3}
    assert (await esme.request(SUBMIT_SM, text())).status == 0
    assert [one for one in esme.received if one.command in (CANCEL_SM | RESP, 0x80000000)] == []


def cancelled(message_id: bytes, number: str, person: str) -> bytes:
    return b"\0" + message_id + b"\0" + bytes([0, 0]) + cstring(number) + bytes([1, 1]) + cstring(person)


# ---- outbind --------------------------------------------------------------------------------------------------------


async def test_an_outbind_of_the_carrier_is_ignored_and_counted(shared: House) -> None:
    noted = len(shared.logged("outbind.received"))
    esme = await shared.bind("jl-near")
    await (await shared.session("jl-near")).send(pdu(OUTBIND, cstring("SMSC") + cstring("secret")))
    await shared.event("outbind.received", noted + 1)
    assert (await esme.request(SUBMIT_SM, text())).status == 0
    assert [one for one in esme.received if one.command == OUTBIND] == []
    await esme.send(pdu(OUTBIND, cstring("ESME") + cstring("secret")))
    assert (await esme.request(SUBMIT_SM, text())).status == 0
    assert shared.smsc.of(OUTBIND) == []


async def test_an_smsc_that_connects_with_an_outbind_is_left(shared: House) -> None:
    smsc = await shared.connect()
    await smsc.send(pdu(OUTBIND, cstring("SMSC") + cstring("secret")))
    await smsc.wait_closed()
    assert smsc.received == []


@pytest.mark.asyncio(loop_scope="function")
async def test_a_route_may_end_the_bind_at_an_outbind(template: Path, tmp_path: Path) -> None:
    async with House(template, tmp_path / "house") as house:
        await house.start(route={"outbind": "close"})
        esme = await house.bind("jl")
        await (await house.session("jl")).send(pdu(OUTBIND, cstring("SMSC") + cstring("secret")))
        await esme.wait_closed()
        await house.event("outbind.received")
        await house.end()


# ---- SMPP v5 --------------------------------------------------------------------------------------------------------


async def test_a_v5_bind_gets_the_carriers_version_and_our_reasons(shared: House) -> None:
    said = cstring("CARRIER") + tlv(0x0210, b"\x50")
    shared.smsc.answer = lambda frame, _: (
        pdu(BIND_TRX | RESP, said, sequence=frame.sequence) if frame.command == BIND_TRX else None
    )
    esme = await shared.connect()
    answer = await esme.bind("jl-win", PASSWORD, version=0x50)
    shared.smsc.answer = lambda frame, _: b"" if frame.command == SUBMIT_SM else None
    assert (answer.status, answer.body) == (0, said)
    reason = tlv(0x001D, b"suppression.active\0")
    assert (await esme.request(SUBMIT_SM, text(to=IMPORTED))).body == b"\0" + reason
    assert (await esme.request(DATA_SM, data_sm_body("10690001", IMPORTED, UCS2, data_coding=8))).body == b"\0" + reason
    assert (await esme.request(SUBMIT_MULTI, multi(sme(IMPORTED)))).body == b"\0\0" + reason
    # Four wait for the carrier: the window of this account is taken.
    for _ in range(4):
        await esme.submit(SUBMIT_SM, text())
    answer = await esme.request(SUBMIT_SM, text())
    shared.smsc.answer = None
    assert answer.status == THROTTLED
    assert answer.body == b"\0" + tlv(0x001D, b"throughput.account\0") + tlv(0x0428, b"\x64")
