"""A "TD" on the socket: on disk before it is answered, binding at once, by whom and for whom it was meant."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable

import pytest

from tests.tools.wire import (
    BIND_RX,
    BIND_TX,
    DATA_SM,
    DELIVER_SM,
    RESP,
    SUBMIT_SM,
    cstring,
    data_sm_body,
    message_body,
    pdu,
    read_message,
    receipt_text,
    tlv,
)
from tests.wire.house import House, reply, text
from tests.wire.people import IMPORTED, PERSONS

pytestmark = pytest.mark.wire

REFUSED, NOT_NOW = 0x0429, 0x64
PAYLOAD = 0x0424


def mo(octets: bytes, person: str, data_coding: int = 0, *, tlvs: bytes = b"") -> bytes:
    return message_body(person, "10690001", octets, data_coding=data_coding, dest_ton=0, source_npi=1, tlvs=tlvs)


WRITINGS: dict[str, tuple[int, Callable[[str], bytes]]] = {
    "GSM 03.38": (DELIVER_SM, lambda who: mo(b"TD", who)),
    "ASCII": (DELIVER_SM, lambda who: mo(b"td", who, 1)),
    "Latin-1": (DELIVER_SM, lambda who: mo(b" T.D ", who, 3)),
    "UCS-2": (DELIVER_SM, lambda who: mo("退订".encode("utf-16-be"), who, 8)),
    "UCS-2, full width, zero width": (DELIVER_SM, lambda who: mo("Ｔ\u200bＤ！".encode("utf-16-be"), who, 8)),
    "UTF-16 with its mark": (DELIVER_SM, lambda who: mo("\ufeffTD".encode("utf-16-be"), who, 8)),
    "GB18030": (DELIVER_SM, lambda who: mo("退订".encode("gb18030"), who, 15)),
    "message_payload": (DELIVER_SM, lambda who: mo(b"", who, tlvs=tlv(PAYLOAD, b"TD"))),
    "data_sm": (DATA_SM, lambda who: data_sm_body(who, "10690001", b"TD")),
    "data_sm, UCS-2": (DATA_SM, lambda who: data_sm_body(who, "10690001", "退订".encode("utf-16-be"), data_coding=8)),
    "with 0086": (DELIVER_SM, lambda who: mo(b"TD", "00" + who)),
    "without country code": (DELIVER_SM, lambda who: mo(b"TD", who[2:])),
}


async def test_every_writing_binds_on_the_next_pdu_of_every_bind_of_the_institution(house: House) -> None:
    await house.start()
    await house.bind("jl")
    binds = [await house.bind(name) for name in ("jl", "jl-two", "yl")]
    other = await house.bind("yx")
    service = await house.bind("jl-svc")
    numbers = ("10690001", "10690001", "10690011")
    for person, (command, body) in zip(PERSONS[8:], WRITINGS.values(), strict=False):
        for esme, number in zip(binds, numbers, strict=True):
            assert (await esme.request(SUBMIT_SM, text(number, person))).status == 0
        answer = await house.hear("jl", body(person), command)
        assert (answer.command, answer.status) == (command | RESP, 0)
        for esme, number in zip(binds, numbers, strict=True):
            assert (await esme.request(SUBMIT_SM, text(number, person))).status == REFUSED
        # Another institution's marketing and this one's service go on.
        assert (await other.request(SUBMIT_SM, text("10690101", person))).status == 0
        assert (await service.request(SUBMIT_SM, text("10690002", person))).status == 0
    assert len(house.suppressions()) == len(WRITINGS)
    assert {one.institutions for one in house.suppressions()} == {("jianglan",)}
    await house.end()


async def test_the_reply_reaches_the_esme_octet_for_octet_after_it_is_on_disk(house: House) -> None:
    await house.start()
    esme = await house.bind("jl", auto=())
    body = mo(b"TD", PERSONS[1], tlvs=tlv(0x1500, b"\0\xff"))
    session = await house.session("jl")
    sequence = await session.deliver(body)
    seen = await esme.expect(DELIVER_SM)
    assert seen.body == body
    # The ESME has not answered, so the carrier has no answer; but the refusal is on disk already.
    assert len(house.suppressions()) == 1
    assert not [one for one in session.received if one.command == DELIVER_SM | RESP]
    await esme.send(pdu(DELIVER_SM | RESP, b"\0", status=0x65, sequence=seen.sequence))
    assert (await session.answered(sequence)).status == 0x65
    assert (await esme.request(SUBMIT_SM, text(to=PERSONS[1]))).status == REFUSED
    await house.end()


async def test_a_receipt_that_quotes_a_refusal_refuses_nothing(house: House) -> None:
    await house.start()
    esme = await house.bind("jl")
    quotations = (b"TD", receipt_text("1") + b"TD", b"TD " + receipt_text("1"), b"id:1 stat:DELIVRD text:TD")
    for esm_class in (0x04, 0x20, 0x84):
        for quoted in quotations:
            receipt = reply("", esm_class=esm_class)[:-1] + bytes([len(quoted)]) + quoted
            assert (await house.hear("jl", receipt)).status == 0
    assert len([one for one in esme.received if one.command == DELIVER_SM]) == 3 * len(quotations)
    assert (await esme.request(SUBMIT_SM, text())).status == 0
    await house.end()
    assert house.suppressions() == []


async def test_what_refuses_nothing_passes_and_closes_nothing(house: House) -> None:
    await house.start()
    esme = await house.bind("jl")
    for said in ("how do I refuse", "thanks", "TDK speakers", "do not TD"):
        assert (await house.hear("jl", reply(said))).status == 0
        assert read_message(await esme.expect(DELIVER_SM)).short_message == said.encode()
        assert (await esme.request(SUBMIT_SM, text())).status == 0
    await house.end()
    assert house.suppressions() == []


async def test_start_lifts_what_that_person_closed_and_nothing_that_was_imported(house: House) -> None:
    await house.start()
    esme = await house.bind("jl")
    person, other = PERSONS[2], PERSONS[3]
    for one in (person, other):
        await house.hear("jl", reply("TD", person=one))
        assert (await esme.request(SUBMIT_SM, text(to=one))).status == REFUSED
    assert (await house.hear("jl", reply("START", person=person))).status == 0
    assert (await esme.request(SUBMIT_SM, text(to=person))).status == 0
    assert (await esme.request(SUBMIT_SM, text(to=other))).status == REFUSED
    # Imported: what they say now lifts nothing, and a TD of theirs on top of it may be lifted without opening more.
    assert (await house.hear("jl", reply("START", person=IMPORTED))).status == 0
    assert (await esme.request(SUBMIT_SM, text(to=IMPORTED))).status == REFUSED
    for said in ("TD", "START"):
        await house.hear("jl", reply(said, person=IMPORTED))
        assert (await esme.request(SUBMIT_SM, text(to=IMPORTED))).status == REFUSED
    # And it stands after a restart as it stood before.
    await house.end()
    assert (len(house.suppressions()), len(house.releases())) == (3, 2)
    await house.start()
    esme = await house.bind("jl")
    statuses = [(await esme.request(SUBMIT_SM, text(to=one))).status for one in (person, other, IMPORTED)]
    assert statuses == [0, REFUSED, REFUSED]
    await house.end()


async def test_a_number_of_two_institutions_closes_for_whose_message_it_answers(house: House) -> None:
    await house.start()
    jl, yx = await house.bind("jl"), await house.bind("yx")
    certain, unknown = PERSONS[4], PERSONS[5]
    assert (await jl.request(SUBMIT_SM, text("10690777", certain))).status == 0
    for person in (certain, unknown):
        assert (await house.hear("yx", reply("TD", "10690777", person))).status == 0
    assert (await jl.request(SUBMIT_SM, text(to=certain))).status == REFUSED
    assert (await yx.request(SUBMIT_SM, text("10690101", certain))).status == 0
    # Nobody knows whose message that person means: every institution that uses the number.
    assert (await jl.request(SUBMIT_SM, text(to=unknown))).status == REFUSED
    assert (await yx.request(SUBMIT_SM, text("10690101", unknown))).status == REFUSED
    await house.end()


async def test_a_refusal_of_collection_closes_marketing_and_collection(house: House) -> None:
    await house.start()
    marketing, collection, service = await house.bind("jl"), await house.bind("jl-col"), await house.bind("jl-svc")
    assert (await collection.request(SUBMIT_SM, text("10690003"))).status == 0
    assert (await house.hear("jl-col", reply("TD", "10690003"))).status == 0
    assert (await collection.request(SUBMIT_SM, text("10690003"))).status == REFUSED
    assert (await marketing.request(SUBMIT_SM, text())).status == REFUSED
    assert (await service.request(SUBMIT_SM, text("10690002"))).status == 0
    await house.end()


async def test_it_binds_the_message_right_behind_it(house: House) -> None:
    """The TD and the next submit race; whatever was read after the TD is refused, though the disk is still busy."""
    await house.start()
    tx, rx = await house.bind("jl", BIND_TX), await house.bind("jl", BIND_RX, auto=())
    session = next(one for one in house.smsc.sessions if one.bind_command == BIND_RX)
    for number in range(20):
        person = PERSONS[number] if PERSONS[number] != IMPORTED else PERSONS[29]
        await session.deliver(reply("TD", person=person))
        # The receiver sees it after the commit, so from here on it must bind the other connection.
        seen = await rx.expect(DELIVER_SM)
        await rx.send(pdu(DELIVER_SM | RESP, b"\0", sequence=seen.sequence))
        assert (await tx.request(SUBMIT_SM, text(to=person))).status == REFUSED
    await house.end()


async def test_it_is_confirmed_once_and_the_receipt_of_that_is_swallowed(house: House) -> None:
    await house.start(confirmation={"enabled": True, "text": "已退订"})
    esme = await house.bind("jl")
    session = await house.session("jl")
    for _ in range(2):
        assert (await house.hear("jl", reply("TD"))).status == 0
    (sent,) = await house.smsc.wait_for(SUBMIT_SM)
    message = read_message(sent)
    assert (message.source, message.destination, message.text) == ("10690001", PERSONS[0], "已退订")
    confirmed = house.smsc.id_format.format(1)
    for receipt in (
        reply(receipt_text(confirmed).decode(), esm_class=4),
        reply("", esm_class=4, tlvs=tlv(0x001E, cstring(confirmed))),
    ):
        assert (await session.answered(await session.deliver(receipt))).status == 0
    # Its answer and its receipt are nothing the ESME asked for; another's receipt is.
    assert (await house.hear("jl", reply(receipt_text("77").decode(), esm_class=4))).status == 0
    assert [read_message(one).esm_class for one in esme.received if one.command == DELIVER_SM] == [0, 0, 4]
    assert [one for one in esme.received if one.command == SUBMIT_SM | RESP] == []
    # A short code, START, and a question are not answered.
    for body in (reply("TD", person="10086"), reply("START"), reply("thanks")):
        await house.hear("jl", body)
    # A change of state again: confirmed again.
    await house.hear("jl", reply("TD"))
    await house.smsc.wait_for(SUBMIT_SM, 2)
    await house.end()
    assert len(house.smsc.of(SUBMIT_SM)) == 2


async def test_without_configuration_nothing_is_confirmed(house: House) -> None:
    await house.start()
    await house.bind("jl")
    await house.hear("jl", reply("TD"))
    await house.end()
    assert house.smsc.of(SUBMIT_SM) == []


async def test_on_disk_before_it_is_answered(house: House) -> None:
    """Killed right after the answer: after the restart it is still refused, and the log is still sound."""
    await house.start()
    esme = await house.bind("jl")
    assert (await esme.request(SUBMIT_SM, text())).status == 0
    assert (await house.hear("jl", reply("TD"))).status == 0
    await house.kill()
    house.check_evidence()
    await house.start()
    esme = await house.bind("jl")
    assert (await esme.request(SUBMIT_SM, text())).status == REFUSED
    assert len(house.suppressions()) == 1
    await house.end()


async def test_a_full_disk_defers_the_carrier_and_binds_in_memory_all_the_same(house: House) -> None:
    """No write beyond a size succeeds any more, as on a full disk: the carrier is told to send it again."""
    # A limit above every file of the start, which the journal of the database reaches after some refusals.
    await house.start(file_octets_most=1_500_000)
    esme = await house.bind("jl")
    deferred = ""
    for round_ in range(400):
        person = f"86139{round_:08d}"
        answer = await house.hear("jl", reply("TD", person=person))
        if answer.status:
            assert answer.status == NOT_NOW
            deferred = person
            break
        assert (await esme.request(SUBMIT_SM, text(to=person))).status == REFUSED
    assert deferred
    # The ESME was not told of a refusal that is nowhere; it binds all the same.
    assert (await esme.request(SUBMIT_SM, text(to=deferred))).status in (REFUSED, 0x14)
    await house.event("refusal.failed")
    await house.counted("refusal.failed")
    await house.kill()
    house.check_evidence()


async def test_a_store_that_does_not_commit_defers_the_carrier_until_it_does(house: House) -> None:
    await house.start()
    esme = await house.bind("jl")
    with contextlib.closing(sqlite3.connect(house.state / "registry.db", isolation_level=None)) as locking:
        locking.execute("BEGIN IMMEDIATE")
        session = await house.session("jl")
        sequence = await session.deliver(reply("TD"))
        # In memory it binds before the disk has said anything, and the carrier waits.
        assert (await esme.request(SUBMIT_SM, text())).status == REFUSED
        assert [one for one in session.received if one.command == DELIVER_SM | RESP] == []
        assert (await session.answered(sequence, limit_s=60)).status == NOT_NOW
        locking.execute("ROLLBACK")
    assert [one for one in esme.received if one.command == DELIVER_SM] == []
    assert (await esme.request(SUBMIT_SM, text())).status == REFUSED
    assert house.suppressions() == []
    await house.event("refusal.failed", reason="store")
    # The carrier sends it again, as it was told.
    assert (await house.hear("jl", reply("TD"))).status == 0
    assert len(house.suppressions()) == 1
    await house.kill()
    await house.start()
    assert (await (await house.bind("jl")).request(SUBMIT_SM, text())).status == REFUSED
    await house.end()
