"""Octets that are wrong, from either side: a defined answer, a line in the log, a count, and nobody else disturbed."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.tools.raw_smsc import RawSession
from tests.tools.wire import (
    BIND_RX,
    BIND_TRX,
    BIND_TX,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    GENERIC_NACK,
    RESP,
    SUBMIT_SM,
    UNBIND,
    Frame,
    bind_body,
    cstring,
    pdu,
)
from tests.wire.bystander import Bystander
from tests.wire.house import House, reply, text
from tests.wire.people import PASSWORD, PERSONS

pytestmark = [pytest.mark.wire, pytest.mark.asyncio(loop_scope="module")]

OUTBIND, ALERT = 0x0B, 0x102


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with House(template, tmp_path_factory.mktemp("octets")) as house:
        await house.start(smpp={"session_init_timer_s": 0.6, "pdu_timer_s": 0.6, "response_timer_s": 30.0})
        yield house
        await house.end()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bystander(shared: House) -> AsyncIterator[Bystander]:
    async with Bystander(shared) as one:
        yield one


def lines(house: House, event: str) -> int:
    return len(house.logged(event)) + sum(int(line.get("withheld", 0)) for line in house.logged(event))


def headed(length: int, command: int = SUBMIT_SM, rest: bytes = b"") -> bytes:
    return struct.pack(">IIII", length, command, 0, 1) + rest


# ---- octets that are no PDU ----------------

NO_PDU = {
    "length 0": headed(0),
    "length 8": headed(8),
    "length 15": headed(15),
    "length 8, and no more octets than that": headed(8)[:8],
    "huge": headed(0x7FFFFFFF),
    "longest of all": b"\xff" * 16,
    "one beyond the limit": headed(70_001),
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "TLS": b"\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03" + bytes(240),
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
}


@pytest.mark.parametrize("bound", [False, True], ids=["unbound", "bound"])
@pytest.mark.parametrize("octets", NO_PDU.values(), ids=NO_PDU)
async def test_a_length_that_cannot_be_is_nacked_and_the_connection_closed(
    octets: bytes, bound: bool, shared: House, bystander: Bystander
) -> None:
    before = lines(shared, "pdu.oversized")
    esme = await (shared.bind("jl") if bound else shared.connect())
    await esme.send(octets)
    answer = await esme.expect(GENERIC_NACK)
    assert (answer.status, answer.sequence, len(answer.raw)) == (0x02, 0, 16)
    await esme.wait_closed()
    await shared.until(lambda: lines(shared, "pdu.oversized") == before + 1)
    await bystander.goes_on()


# ---- PDUs that are not in order ----------------

GOOD = text()
_AFTER_SOURCE = GOOD.index(b"10690001\0") + 9
_MESSAGE_LENGTH = len(GOOD) - len("【江澜银行】春季理财活动开始，详询柜台，拒收请回复TD".encode("utf-16-be")) - 1


def with_message_length(length: int) -> bytes:
    return GOOD[:_MESSAGE_LENGTH] + bytes([length]) + GOOD[_MESSAGE_LENGTH + 1 :]


@dataclass(frozen=True)
class Wrong:
    """A PDU on a bound transceiver, and the status of its answer."""

    name: str
    body: bytes
    status: int
    command: int = SUBMIT_SM


FIELDS = [
    Wrong("no body", b"", 0x02),
    Wrong("one octet", b"\0", 0x02),
    Wrong("cut within source_addr", GOOD[:6], 0x02),
    Wrong("cut behind source_addr", GOOD[:_AFTER_SOURCE], 0x02),
    Wrong("cut before sm_length", GOOD[:_MESSAGE_LENGTH], 0x02),
    Wrong("no NUL at all", b"\x41" * 400, 0x15),
    Wrong("overlong service_type", text(service_type="SEVENTH"), 0x15),
    Wrong("overlong source_addr", text("1" * 21), 0x0A),
    Wrong("overlong destination_addr", text(to="1" * 21), 0x0B),
    Wrong("overlong schedule_delivery_time", text(schedule="0" * 17), 0x61),
    Wrong("overlong validity_period", text(validity="0" * 17), 0x62),
    Wrong("sm_length beyond the PDU", with_message_length(250), 0x01),
    Wrong("sm_length 255", with_message_length(255), 0x01),
    Wrong("TLV cut in its head", GOOD + b"\x15\x00\x00", 0xC0),
    Wrong("TLV beyond the PDU", GOOD + struct.pack(">HH", 0x1500, 9) + b"abc", 0xC0),
    Wrong("TLV with the longest length", GOOD + struct.pack(">HH", 0x1500, 0xFFFF), 0xC0),
    Wrong("octets behind sm_length that are no TLV", with_message_length(2), 0xC0),
    Wrong("query_sm without NUL", b"x" * 100, 0x0C, 0x3),
    Wrong("cancel_sm, cut", b"\0\0\0", 0x02, 0x8),
    Wrong("submit_multi that names more than it holds", b"\0\0\0\0\xff", 0x33, 0x21),
    Wrong("data_sm without body", b"", 0x02, DATA_SM),
]


@pytest.mark.parametrize("wrong", FIELDS, ids=lambda one: one.name)
async def test_a_broken_field_is_answered_with_its_status_and_the_session_goes_on(
    wrong: Wrong, shared: House, bystander: Bystander
) -> None:
    before = lines(shared, "pdu.malformed")
    seen = len(shared.smsc.of(wrong.command))
    esme = await shared.bind("jl")
    answer = await esme.request(wrong.command, wrong.body)
    assert (hex(answer.command), hex(answer.status)) == (hex(wrong.command | RESP), hex(wrong.status))
    assert len(answer.raw) == 16
    assert (await esme.request(SUBMIT_SM, GOOD)).status == 0
    assert [one for one in shared.smsc.of(wrong.command)[seen:] if one.body == wrong.body] == []
    await shared.until(lambda: lines(shared, "pdu.malformed") == before + 1)
    await bystander.goes_on()
    await esme.close()


BINDS = {
    "no body": (b"", 0x02),
    "cut": (cstring("jl") + cstring(PASSWORD), 0x02),
    "no NUL": (b"j" * 60, 0x0F),
    "overlong system_id": (bind_body("j" * 16, PASSWORD), 0x0F),
    "overlong password": (bind_body("jl", "p" * 9), 0x0E),
    "overlong system_type": (bind_body("jl", PASSWORD, system_type="t" * 13), 0x53),
    "broken TLV": (bind_body("jl", PASSWORD) + b"\x02\x10\x00", 0xC0),
}


@pytest.mark.parametrize(("body", "status"), BINDS.values(), ids=BINDS)
async def test_a_broken_bind_is_answered_and_closed(
    body: bytes, status: int, shared: House, bystander: Bystander
) -> None:
    before = lines(shared, "bind.refused")
    esme = await shared.connect()
    answer = await esme.request(BIND_TRX, body)
    assert (answer.command, hex(answer.status), len(answer.raw)) == (BIND_TRX | RESP, hex(status), 16)
    await esme.wait_closed()
    await shared.until(lambda: lines(shared, "bind.refused") == before + 1)
    await bystander.goes_on()


# ---- PDUs in the wrong state ----------------

UNKNOWN = (0x0000000A, 0x00000104, 0x00010000, 0x7FFFFFFF)


@pytest.mark.parametrize("bound", [None, BIND_RX, BIND_TX, BIND_TRX], ids=["unbound", "rx", "tx", "trx"])
@pytest.mark.parametrize("command", UNKNOWN, ids=hex)
async def test_an_unknown_command_is_nacked_with_its_sequence(
    command: int, bound: int | None, shared: House, bystander: Bystander
) -> None:
    before = lines(shared, "pdu.unknown")
    esme = await (shared.connect() if bound is None else shared.bind("jl", bound))
    await esme.send(pdu(command, b"whatever", sequence=77))
    answer = await esme.expect(GENERIC_NACK)
    assert (answer.status, answer.sequence) == (0x03, 77)
    assert (await esme.request(ENQUIRE_LINK)).status == 0
    await shared.until(lambda: lines(shared, "pdu.unknown") == before + 1)
    await bystander.goes_on()
    await esme.close()


@pytest.mark.parametrize("command", [SUBMIT_SM, DATA_SM, 0x3, 0x7, 0x8, 0x21], ids=hex)
async def test_a_request_before_bind_or_on_a_receiver_bind_is_told_so(
    command: int, shared: House, bystander: Bystander
) -> None:
    before = lines(shared, "pdu.unexpected")
    sent = len(shared.smsc.of(command))
    for esme in (await shared.connect(), await shared.bind("yx", BIND_RX)):
        answer = await esme.request(command, GOOD)
        assert (answer.command, answer.status) == (command | RESP, 0x04)
        assert (await esme.request(ENQUIRE_LINK)).status == 0
        await esme.close()
    assert len([one for one in shared.smsc.of(command)[sent:] if one.body == GOOD]) == 0
    await shared.until(lambda: lines(shared, "pdu.unexpected") == before + 2)
    await bystander.goes_on()


async def test_a_message_before_bind_does_not_hinder_the_bind(shared: House, bystander: Bystander) -> None:
    esme = await shared.connect()
    assert (await esme.request(SUBMIT_SM, GOOD)).status == 0x04
    assert (await esme.bind("jl", PASSWORD)).status == 0
    assert (await esme.request(SUBMIT_SM, GOOD)).status == 0
    await bystander.goes_on()


@pytest.mark.parametrize("second", [BIND_RX, BIND_TX, BIND_TRX], ids=["rx", "tx", "trx"])
async def test_a_second_bind_is_refused_and_the_first_stays(second: int, shared: House, bystander: Bystander) -> None:
    before, dialled = lines(shared, "bind.repeated"), len(shared.smsc.sessions)
    esme = await shared.bind("jl")
    answer = await esme.request(second, bind_body("xq", PASSWORD))
    assert (answer.command, answer.status) == (second | RESP, 0x05)
    assert (await esme.request(SUBMIT_SM, GOOD)).status == 0
    assert len(shared.smsc.sessions) == dialled + 1
    await shared.until(lambda: lines(shared, "bind.repeated") == before + 1)
    await bystander.goes_on()


async def test_a_second_bind_behind_the_first_is_refused_too(shared: House) -> None:
    esme = await shared.connect()
    await esme.send(pdu(BIND_TRX, bind_body("jl", PASSWORD), sequence=1) * 2)
    assert [(await esme.expect(BIND_TRX | RESP)).status for _ in range(2)] == [0, 0x05]
    assert (await esme.request(SUBMIT_SM, GOOD)).status == 0


@pytest.mark.parametrize("sequence", [0, 0x80000000, 0xFFFFFFFF], ids=hex)
async def test_any_sequence_number_comes_back_as_it_was(sequence: int, shared: House, bystander: Bystander) -> None:
    esme = await shared.connect()
    await esme.send(pdu(BIND_TRX, bind_body("jl", PASSWORD), sequence=sequence))
    assert (await esme.expect(BIND_TRX | RESP)).sequence == sequence
    # Permitted, refused and broken alike.
    for body, status in ((GOOD, 0), (text("10690999"), 0x0418), (GOOD[:6], 0x02)):
        await esme.send(pdu(SUBMIT_SM, body, sequence=sequence))
        answer = await esme.expect(SUBMIT_SM | RESP)
        assert (answer.sequence, answer.status) == (sequence, status)
    # And the carrier never sees anything but what v3.4 allows.
    assert all(1 <= one.sequence <= 0x7FFFFFFF for one in shared.smsc.of(SUBMIT_SM))
    await bystander.goes_on()


async def test_one_sequence_number_for_all_gets_an_answer_each(shared: House) -> None:
    esme = await shared.bind("jl")
    await esme.send(pdu(SUBMIT_SM, GOOD, sequence=5) * 20)
    answers = [await esme.expect(SUBMIT_SM | RESP) for _ in range(20)]
    assert {(one.sequence, one.status) for one in answers} == {(5, 0)}
    assert len({one.body for one in answers}) == 20


RESPONSES = {
    "submit_sm_resp": pdu(SUBMIT_SM | RESP, cstring("1"), sequence=4711),
    "deliver_sm_resp": pdu(DELIVER_SM | RESP, b"\0", sequence=4711),
    "data_sm_resp": pdu(DATA_SM | RESP, b"\0", sequence=4711),
    "generic_nack": pdu(GENERIC_NACK, status=3, sequence=4711),
    "of an unknown command": pdu(0x80000099, b"x", sequence=0xFFFFFFFF),
    "bind_transceiver_resp": pdu(BIND_TRX | RESP, cstring("x"), sequence=4711),
}


@pytest.mark.parametrize("octets", RESPONSES.values(), ids=RESPONSES)
async def test_a_response_to_nothing_is_noted_and_dropped_on_either_side(
    octets: bytes, shared: House, bystander: Bystander
) -> None:
    before = lines(shared, "response.unsolicited")
    esme = await shared.bind("jl-two")
    carrier = await shared.session("jl-two")
    await esme.send(octets)
    await carrier.send(octets)
    await shared.until(lambda: lines(shared, "response.unsolicited") == before + 2)
    assert (await esme.request(SUBMIT_SM, GOOD)).status == 0
    assert (await shared.hear("jl-two", reply("hello"))).status == 0
    assert [one.command for one in esme.received if one.sequence == 4711] == []
    await bystander.goes_on()
    await esme.close()


@pytest.mark.parametrize("octets", RESPONSES.values(), ids=RESPONSES)
async def test_a_response_on_a_connection_that_has_not_bound_opens_nothing(
    octets: bytes, shared: House, bystander: Bystander
) -> None:
    esme = await shared.connect()
    await esme.send(octets)
    await esme.wait_closed()  # by the timer for connections that do not bind
    assert esme.received == []
    await bystander.goes_on()


async def test_a_second_answer_of_the_carrier_reaches_nobody(shared: House, bystander: Bystander) -> None:
    before = lines(shared, "response.unsolicited")

    def twice(frame: Frame, _session: RawSession) -> bytes | None:
        return pdu(SUBMIT_SM | RESP, cstring("id"), sequence=frame.sequence) * 2 if frame.body == body else None

    body = text("106900017")
    shared.smsc.answer = twice
    esme = await shared.bind("jl")
    assert (await esme.request(SUBMIT_SM, body)).status == 0
    shared.smsc.answer = None
    assert (await esme.request(ENQUIRE_LINK)).status == 0
    assert len([one for one in esme.received if one.command == SUBMIT_SM | RESP]) == 1
    await shared.until(lambda: lines(shared, "response.unsolicited") == before + 1)
    await bystander.goes_on()


async def test_a_second_answer_of_the_esme_reaches_no_carrier(shared: House, bystander: Bystander) -> None:
    before = lines(shared, "response.unsolicited")
    esme = await shared.bind("jl-near", auto=())
    session = await shared.session("jl-near")
    sequence = await session.deliver(reply("hello"))
    asked = await esme.expect(DELIVER_SM)
    await esme.send(pdu(DELIVER_SM | RESP, b"\0", sequence=asked.sequence) * 2)
    await session.answered(sequence)
    await shared.until(lambda: lines(shared, "response.unsolicited") == before + 1)
    assert len([one for one in session.received if one.command == DELIVER_SM | RESP]) == 1
    await bystander.goes_on()


# ---- time ----------------


@pytest.mark.parametrize("octets", [b"", pdu(ENQUIRE_LINK)], ids=["silent", "asking whether we live"])
async def test_a_connection_that_never_binds_is_closed(octets: bytes, shared: House, bystander: Bystander) -> None:
    before = lines(shared, "connection.unbound")
    esme = await shared.connect()
    await esme.send(octets * 3)
    await esme.wait_closed()
    await shared.until(lambda: lines(shared, "connection.unbound") > before)
    await bystander.goes_on()


@pytest.mark.parametrize("bound", [False, True], ids=["unbound", "bound"])
async def test_a_pdu_that_trickles_is_cut_off(bound: bool, shared: House, bystander: Bystander) -> None:
    names = ("connection.stalled",) if bound else ("connection.stalled", "connection.unbound")
    before = sum(lines(shared, name) for name in names)
    esme = await (shared.bind("jl") if bound else shared.connect())
    octets = pdu(SUBMIT_SM, GOOD)
    sent = 0
    while not esme.closed.is_set() and sent < len(octets) - 1:
        await esme.send(octets[sent : sent + 1])
        sent += 1
        await asyncio.sleep(0.05)
    await esme.wait_closed()
    assert sent < len(octets) - 1
    await shared.until(lambda: sum(lines(shared, name) for name in names) > before)
    await bystander.goes_on()


async def test_a_slow_sender_whose_pdus_come_to_an_end_is_left_alone(shared: House) -> None:
    """Each chunk ends within a PDU, for longer than the time that one PDU may take."""
    esme = await shared.bind("jl")
    stream = b"".join(pdu(ENQUIRE_LINK, sequence=1000 + number) for number in range(120))
    await esme.send(stream[:5])
    for at in range(5, len(stream), 16):
        await esme.send(stream[at : at + 16])
        await asyncio.sleep(0.008)
    assert (await esme.expect(ENQUIRE_LINK | RESP, match=lambda one: one.sequence == 1119)).status == 0
    assert not esme.closed.is_set()


# ---- how octets are cut ----------------


async def test_a_bind_and_its_first_messages_in_one_segment(shared: House) -> None:
    esme = await shared.connect()
    messages = [pdu(SUBMIT_SM, text("10690001" if even else "10690999"), sequence=2 + even) for even in (0, 1)]
    await esme.send(pdu(BIND_TRX, bind_body("jl", PASSWORD), sequence=1) + b"".join(messages) + pdu(UNBIND, sequence=9))
    await esme.wait_closed()
    answers = [(one.sequence, one.command, one.status) for one in esme.received]
    # WHY not in order: a refusal waits for the disk, a permit for the carrier.
    assert (answers[0], answers[-1]) == ((1, BIND_TRX | RESP, 0), (9, UNBIND | RESP, 0))
    assert sorted(answers[1:-1]) == [(2, SUBMIT_SM | RESP, 0x0418), (3, SUBMIT_SM | RESP, 0)]


async def test_nothing_behind_a_bind_that_is_refused_reaches_the_carrier(shared: House, bystander: Bystander) -> None:
    esme = await shared.connect()
    body = text("106900018")
    await esme.send(pdu(BIND_TRX, bind_body("jl", "wrong"), sequence=1) + pdu(SUBMIT_SM, body, sequence=2) * 50)
    await esme.wait_closed()
    assert [(one.command, one.status) for one in esme.received] == [(BIND_TRX | RESP, 0x0D)]
    assert [one for one in shared.smsc.of(SUBMIT_SM) if one.body == body] == []
    await bystander.goes_on()


@pytest.mark.parametrize("octets", [1, 7, 15, 17], ids=str)
async def test_any_cut_of_the_stream_gives_the_same_answers(octets: int, shared: House) -> None:
    esme = await shared.connect()
    stream = pdu(BIND_TRX, bind_body("jl", PASSWORD), sequence=1)
    stream += pdu(SUBMIT_SM, GOOD, sequence=2) + pdu(SUBMIT_SM, text("10690999"), sequence=3) + pdu(UNBIND, sequence=4)
    for at in range(0, len(stream), octets):
        await esme.send(stream[at : at + octets])
    await esme.wait_closed()
    assert sorted((one.sequence, one.status) for one in esme.received) == [(1, 0), (2, 0), (3, 0x0418), (4, 0)]


async def test_half_a_message_and_the_end_costs_nobody_anything(shared: House, bystander: Bystander) -> None:
    for cut in (3, 15, 16, 40):
        esme = await shared.bind("jl")
        await esme.send(pdu(SUBMIT_SM, GOOD)[:cut])
        esme.abort()
        await bystander.goes_on()


# ---- the carrier's octets ----------------


@pytest.mark.parametrize(
    "octets", [headed(0), headed(15), headed(0x7FFFFFFF), NO_PDU["HTTP"]], ids=["0", "15", "huge", "HTTP"]
)
async def test_a_carrier_that_loses_its_framing_is_left(octets: bytes, shared: House, bystander: Bystander) -> None:
    before = lines(shared, "carrier.lost")
    esme = await shared.bind("jl-near")
    await (await shared.session("jl-near")).send(octets)
    await esme.wait_closed()
    await shared.until(lambda: lines(shared, "carrier.lost") == before + 1)
    await bystander.goes_on()


DELIVERIES = {
    "no body": (DELIVER_SM, b"", 0x02),
    "cut": (DELIVER_SM, reply("TD")[:20], 0x02),
    "sm_length beyond": (DELIVER_SM, reply("TD")[:-1], 0x01),
    "broken TLV": (DELIVER_SM, reply("TD") + b"\x04", 0xC0),
    "data_sm, no body": (DATA_SM, b"", 0x02),
}


@pytest.mark.parametrize(("command", "body", "status"), DELIVERIES.values(), ids=DELIVERIES)
async def test_a_broken_delivery_is_answered_and_reaches_no_esme(
    command: int, body: bytes, status: int, shared: House, bystander: Bystander
) -> None:
    before = lines(shared, "pdu.malformed")
    esme = await shared.bind("jl-near")
    answer = await shared.hear("jl-near", body, command)
    assert (hex(answer.command), hex(answer.status)) == (hex(command | RESP), hex(status))
    assert (await esme.request(SUBMIT_SM, GOOD)).status == 0
    assert [one for one in esme.received if one.command in (DELIVER_SM, DATA_SM)] == []
    await shared.until(lambda: lines(shared, "pdu.malformed") == before + 1)
    await bystander.goes_on()
    await esme.close()


async def test_requests_that_no_carrier_sends_are_answered_and_pass_to_nobody(shared: House) -> None:
    esme = await shared.bind("xq")
    session = await shared.session("xq")
    for command, answered_by, status in (
        (SUBMIT_SM, SUBMIT_SM | RESP, 0x04),
        (BIND_TRX, BIND_TRX | RESP, 0x05),
        (0x0000000A, GENERIC_NACK, 0x03),
        (0x00010200, GENERIC_NACK, 0x03),
        (ENQUIRE_LINK, ENQUIRE_LINK | RESP, 0),
    ):
        await session.send(pdu(command, GOOD, sequence=0xFFFFFFFE))

        def found(command: int = answered_by) -> Frame | None:
            return next(
                (one for one in session.received if one.command == command and one.sequence == 0xFFFFFFFE), None
            )

        assert (await shared.smsc.wait(found)).status == status
        session.received.clear()
    await session.send(pdu(OUTBIND, cstring("x") + cstring("y")) + pdu(ALERT, bytes(3) * 2 + b"\0\0"))
    assert (await esme.request(SUBMIT_SM, GOOD)).status == 0x0414
    assert {one.command for one in esme.received if not one.command & RESP} <= {ALERT}


@pytest.mark.parametrize("sequence", [0, 0xFFFFFFFF], ids=hex)
async def test_any_sequence_number_of_the_carrier_comes_back(sequence: int, shared: House) -> None:
    esme = await shared.bind("jl-near")
    session = await shared.session("jl-near")
    await session.send(pdu(DELIVER_SM, reply("hello"), sequence=sequence))
    assert (await session.answered(sequence)).status == 0
    assert 1 <= (await esme.expect(DELIVER_SM)).sequence <= 0x7FFFFFFF
    await esme.close()


async def test_every_line_was_counted_and_the_reverse(shared: House, bystander: Bystander) -> None:
    await bystander.goes_on()
    counters = await shared.counters()
    for event in (
        "pdu.oversized",
        "pdu.malformed",
        "pdu.unknown",
        "pdu.unexpected",
        "bind.refused",
        "bind.repeated",
        "response.unsolicited",
        "connection.unbound",
        "connection.stalled",
        "carrier.lost",
    ):
        assert lines(shared, event) == counters[event] > 0, event
    assert all(PERSONS[0][2:] not in str(line) for line in shared.lines)
