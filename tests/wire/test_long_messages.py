"""Long messages on the socket: every part passes octet for octet, or none does, and each request has one answer."""

from __future__ import annotations

import pytest

from tests.tools.raw_esme import RawEsme
from tests.tools.wire import DELIVER_SM, RESP, SUBMIT_SM, Frame, message_body, tlv
from tests.wire.house import House, text
from tests.wire.people import IMPORTED, PERSONS

pytestmark = pytest.mark.wire

REFUSED, AMBIGUOUS, PARTIAL = 0x0429, 0x0402, 0x0421
LONG = "【江澜银行】尊敬的客户，“安居贷”年化利率3.5%起，额度最高一百万元，😀" * 3 + "回T退订"
#: No test of whole messages is to depend on how soon the next part comes.
PATIENT = {"parts_quiet_ms": 15_000}


def pieces(said: str = LONG, count: int = 3, codec: str = "utf-16-be") -> list[bytes]:
    """The octets in pieces; where they are cut is nobody's business, so characters and pairs are cut too."""
    octets = said.encode(codec)
    size = -(-len(octets) // count)
    return [octets[at : at + size] for at in range(0, len(octets), size)]


def part(
    octets: bytes,
    number: int,
    total: int,
    *,
    ref: int = 9,
    kind: str = "8",
    to: str = PERSONS[0],
    coding: int = 8,
    payload: bool = False,
) -> bytes:
    """The body of a submit_sm that is one part."""
    if kind == "sar":
        place = tlv(0x020C, ref.to_bytes(2, "big")) + tlv(0x020E, bytes([total])) + tlv(0x020F, bytes([number]))
        esm_class = 0
    else:
        header = bytes([5, 0, 3, ref]) if kind == "8" else bytes([6, 8, 4]) + ref.to_bytes(2, "big")
        octets, place, esm_class = header + bytes([total, number]) + octets, b"", 0x40
    if payload:
        octets, place = b"", place + tlv(0x0424, octets)
    return message_body("10690001", to, octets, data_coding=coding, esm_class=esm_class, tlvs=place)


def parts(**given: object) -> list[bytes]:
    return [part(octets, number, 3, **given) for number, octets in enumerate(pieces(), 1)]  # type: ignore[arg-type]


async def sent(esme: RawEsme, *bodies: bytes) -> list[int]:
    return [await esme.submit(SUBMIT_SM, body) for body in bodies]


async def answers(esme: RawEsme, sequences: list[int]) -> list[Frame]:
    """The answers to requests, in the order of the requests."""
    return [await esme.expect(SUBMIT_SM | RESP, match=lambda one, at=at: one.sequence == at) for at in sequences]


def statuses(frames: list[Frame]) -> list[int]:
    return [frame.status for frame in frames]


@pytest.mark.parametrize(
    ("kind", "coding", "codec", "payload"),
    [
        ("8", 8, "utf-16-be", False),
        ("16", 8, "utf-16-be", True),
        ("sar", 15, "gb18030", False),
        ("sar", 8, "utf-16-be", True),
    ],
)
async def test_three_parts_pass_octet_for_octet(
    house: House, kind: str, coding: int, codec: str, payload: bool
) -> None:
    await house.start(smpp=PATIENT)
    esme = await house.bind("jl")
    bodies = [
        part(octets, number, 3, kind=kind, coding=coding, payload=payload)
        for number, octets in enumerate(pieces(codec=codec), 1)
    ]
    assert statuses(await answers(esme, await sent(esme, *bodies))) == [0, 0, 0]
    assert [one.body for one in house.smsc.of(SUBMIT_SM)] == bodies
    await house.end()
    assert [one.rule for one in house.decisions()] == [""]


async def test_a_refused_persons_parts_are_refused_together(house: House) -> None:
    await house.start(smpp=PATIENT)
    esme = await house.bind("jl")
    assert statuses(await answers(esme, await sent(esme, *parts(to=IMPORTED)))) == [REFUSED] * 3
    assert house.smsc.of(SUBMIT_SM) == []
    await house.end()
    assert house.refused_by() == ["suppression.active"]


async def test_an_incomplete_set_is_never_forwarded(house: House) -> None:
    await house.start(smpp={"parts_deadline_s": 1.0, "parts_quiet_ms": 15_000})
    esme = await house.bind("jl")
    first, second, third = parts()
    assert statuses(await answers(esme, await sent(esme, first, third))) == [PARTIAL] * 2
    # What comes too late is answered the same; and what comes again begins anew.
    assert (await esme.request(SUBMIT_SM, second)).status == PARTIAL
    assert house.smsc.of(SUBMIT_SM) == []
    assert statuses(await answers(esme, await sent(esme, second, third, first))) == [0, 0, 0]
    assert [one.body for one in house.smsc.of(SUBMIT_SM)] == [first, second, third]
    await house.end()
    assert [one.rule for one in house.decisions()] == ["message.partial", ""]
    assert house.logged("parts.expired")


async def test_a_sender_that_waits_is_not_kept_waiting(house: House) -> None:
    await house.start(smpp={"parts_quiet_ms": 200, "stalled": {"enabled": False}})
    esme = await house.bind("jl")
    assert [(await esme.request(SUBMIT_SM, body)).status for body in parts()] == [PARTIAL] * 3
    assert (await esme.request(SUBMIT_SM, text())).status == 0
    assert len(house.smsc.of(SUBMIT_SM)) == 1
    await house.end()
    assert house.logged("parts.stalled")


async def test_parts_over_two_binds_are_one_message(house: House) -> None:
    await house.start(smpp=PATIENT)
    one, other = await house.bind("jl"), await house.bind("jl")
    first, second, third = parts()
    held = await sent(one, first)
    await house.counted("parts.held", 1)
    more = await sent(other, third, second)
    assert statuses(await answers(one, held)) == [0]
    assert statuses(await answers(other, more)) == [0, 0]
    assert sorted(each.body for each in house.smsc.of(SUBMIT_SM)) == sorted([first, second, third])
    await house.end()
    assert len(house.decisions()) == 1


async def test_conflicts_refuse_the_set_and_duplicates_do_not(house: House) -> None:
    await house.start(smpp=PATIENT)
    esme = await house.bind("jl")
    one, two, _ = pieces()
    # The same number with other octets, and whatever else cannot be one message, each under a reference of its own.
    odd = [
        part(two, 1, 3, ref=20),
        part(two, 2, 3, ref=21, kind="sar"),
        part(two, 2, 3, ref=22, kind="16"),
        part(two, 2, 4, ref=23),
        part(two, 2, 3, ref=24, coding=15),
    ]
    for ref, body in enumerate(odd, 20):
        assert statuses(await answers(esme, await sent(esme, part(one, 1, 3, ref=ref), body))) == [AMBIGUOUS] * 2
    assert house.smsc.of(SUBMIT_SM) == []
    # The same part twice is one part, and has one answer for both.
    first, second, third = parts()
    found = await answers(esme, await sent(esme, first, first, second, second, third))
    assert statuses(found) == [0] * 5
    assert found[0].body == found[1].body != found[2].body == found[3].body
    assert [one.body for one in house.smsc.of(SUBMIT_SM)] == [first, second, third]
    await house.end()
    assert house.refused_by() == ["pdu.ambiguous"] * len(odd)


def reply_part(octets: bytes, number: int, ref: int, person: str) -> bytes:
    header = bytes([5, 0, 3, ref, 2, number])
    return message_body(person, "10690001", header + octets, esm_class=0x40, source_ton=1, source_npi=1)


async def test_a_refusal_cut_into_two_parts_closes_the_door(house: House) -> None:
    await house.start(smpp=PATIENT | {"mo_parts_wait_ms": 15_000})
    esme = await house.bind("jl")
    session = await house.session("jl")
    assert (await esme.request(SUBMIT_SM, text(to=PERSONS[1]))).status == 0
    last = await session.deliver(reply_part(b"D", 2, 5, PERSONS[1]))
    first = await session.deliver(reply_part(b"T", 1, 5, PERSONS[1]))
    assert (await session.answered(first)).status == (await session.answered(last)).status == 0
    assert (await esme.request(SUBMIT_SM, text(to=PERSONS[1]))).status == REFUSED
    # Both parts came to the sender, in order.
    assert [one.body[-1:] for one in esme.received if one.command == DELIVER_SM] == [b"T", b"D"]
    await house.end()
    assert len(house.suppressions()) == 1


async def test_a_carrier_that_waits_for_each_answer_is_heard_too(house: House) -> None:
    await house.start(smpp={"mo_parts_wait_ms": 200})
    esme = await house.bind("jl")
    for number, octets in enumerate((b"T", b"D"), 1):
        assert (await house.hear("jl", reply_part(octets, number, 6, PERSONS[1]))).status == 0
    assert (await esme.request(SUBMIT_SM, text(to=PERSONS[1]))).status == REFUSED
    await house.end()
