"""Pool mode on the socket: two carriers that give the same ids, shared by ESMEs that come and go."""

from __future__ import annotations

import json

import pytest

from tests.tools.raw_smsc import RawSession
from tests.tools.wire import (
    BIND_RX,
    BIND_TRX,
    BIND_TX,
    DELIVER_SM,
    GENERIC_NACK,
    RESP,
    SUBMIT_SM,
    Frame,
    cstring,
    message_body,
    pdu,
    tlv,
)
from tests.wire.house import reply, text
from tests.wire.people import IMPORTED, PERSONS
from tests.wire.pool_house import (
    CARRIER_ID,
    REFUSED,
    THROTTLED,
    UNKNOWN_OUTCOME,
    PoolHouse,
    id_of,
    receipt,
    standing,
)

pytestmark = pytest.mark.wire

pytestmark = pytest.mark.wire


async def test_two_carriers_with_the_same_ids_never_cross(pool: PoolHouse) -> None:
    await pool.open()
    jl, yx = await pool.bind("pool-jl"), await pool.bind("pool-yx")
    sent: dict[str, tuple[str, str, str]] = {}
    for place, person in enumerate(PERSONS[10:26]):
        esme, number, who = ((jl, "10690001", "jl"), (yx, "10690101", "yx"))[place % 2]
        answer = await esme.request(SUBMIT_SM, text(number, person))
        assert answer.status == 0
        sent[id_of(answer)] = who, number, person
    assert len(sent) == 16
    # Both routes were used, and both carriers gave the same ids.
    assert 0 < len(pool.smsc.of(SUBMIT_SM)) < 16
    for smsc in (pool.smsc, pool.other):
        for count, frame in enumerate(smsc.of(SUBMIT_SM), start=1):
            person = frame.body[frame.body.index(b"861380013") :][:13].decode()
            number = "10690001" if b"10690001" in frame.body else "10690101"
            carrier_id = CARRIER_ID.format(count)
            session = standing(smsc)[0]
            told = await session.answered(
                await session.deliver(receipt(carrier_id, number, person, tlvs=tlv(0x1E, cstring(carrier_id))))
            )
            assert told.status == 0
            esme = jl if number == "10690001" else yx
            got = await esme.expect(DELIVER_SM)
            ours = [one for one, (_, at, to) in sent.items() if (at, to) == (number, person)]
            assert len(ours) == 1
            assert f"id:{ours[0]} ".encode() in got.body
            assert tlv(0x1E, cstring(ours[0])) in got.body
            assert carrier_id.encode() not in got.body
    assert len(jl.received) + len(yx.received) == 2 + 16 + 16
    await pool.end()


async def test_a_refusal_closes_and_its_reply_waits_for_an_absent_esme(pool: PoolHouse) -> None:
    await pool.open()
    esme = await pool.bind("pool-jl", BIND_TX)
    assert (await esme.request(SUBMIT_SM, text("10690001", PERSONS[1]))).status == 0
    session = standing(pool.other)[0]
    assert (await session.answered(await session.deliver(reply("TD", person=PERSONS[1])))).status == 0
    assert (await esme.request(SUBMIT_SM, text("10690001", PERSONS[1]))).status == REFUSED
    assert (await esme.request(SUBMIT_SM, text("10690001", PERSONS[2]))).status == 0
    receiver = await pool.bind("pool-jl", BIND_RX)
    got = await receiver.expect(DELIVER_SM)
    assert b"TD" in got.body
    await pool.end()


async def test_what_was_acknowledged_survives_a_kill(pool: PoolHouse) -> None:
    await pool.open()
    esme = await pool.bind("pool-jl", BIND_TX)
    ids = [id_of(await esme.request(SUBMIT_SM, text("10690001", PERSONS[place]))) for place in range(8, 14)]
    await pool.kill()
    await pool.start()
    await pool.smsc.wait(lambda: len(standing(pool.smsc)) >= 2)
    await pool.other.wait(lambda: len(standing(pool.other)) >= 2)
    place = {"one": 0, "two": 0}
    kept = 0
    for name, smsc in (("one", pool.smsc), ("two", pool.other)):
        for frame in smsc.of(SUBMIT_SM):
            place[name] += 1
            person = frame.body[frame.body.index(b"861380013") :][:13].decode()
            session = standing(smsc)[0]
            body = receipt(CARRIER_ID.format(place[name]), "10690001", person)
            assert (await session.answered(await session.deliver(body))).status == 0
            kept += 1
    assert kept == 6
    await pool.kill()
    await pool.start()
    receiver = await pool.bind("pool-jl", BIND_RX)
    named = {(await receiver.expect(DELIVER_SM)).body for _ in range(6)}
    assert {one for one in ids if any(f"id:{one} ".encode() in body for body in named)} == set(ids)
    await pool.end()


async def test_a_route_that_dies_leaves_the_other(pool: PoolHouse) -> None:
    held: list[tuple[Frame, RawSession]] = []

    def silent(frame: Frame, session: RawSession) -> bytes | None:
        if frame.command != SUBMIT_SM:
            return None
        held.append((frame, session))
        return b""

    pool.smsc.answer = silent
    await pool.open()
    esme = await pool.bind("pool-jl")
    for person in PERSONS[10:20]:
        await esme.submit(SUBMIT_SM, text("10690001", person))
    await pool.carried(lambda: len(held) >= 1 and len(pool.other.of(SUBMIT_SM)) + len(held) == 10)
    await pool.smsc.close()
    answers = [await esme.expect(SUBMIT_SM | RESP) for _ in range(10)]
    assert sorted({one.status for one in answers}) == [0, UNKNOWN_OUTCOME]
    assert sum(one.status == UNKNOWN_OUTCOME for one in answers) == len(held)
    for person in PERSONS[20:26]:
        assert (await esme.request(SUBMIT_SM, text("10690001", person))).status == 0
    await pool.end()


async def test_a_carrier_that_asks_for_less_slows_its_own_route(pool: PoolHouse) -> None:
    def throttled(frame: Frame, session: RawSession) -> bytes | None:
        return pdu(SUBMIT_SM | RESP, status=THROTTLED, sequence=frame.sequence) if frame.command == SUBMIT_SM else None

    pool.smsc.answer = throttled
    await pool.open()
    esme = await pool.bind("pool-jl")
    statuses = [(await esme.request(SUBMIT_SM, text("10690001", person))).status for person in PERSONS[8:28]]
    assert THROTTLED in statuses
    assert statuses.count(0) > statuses.count(THROTTLED)
    await pool.event("route.slowed")
    await pool.end()


async def test_a_receipt_before_its_answer_waits_for_it(pool: PoolHouse) -> None:
    def early(frame: Frame, session: RawSession) -> list[bytes] | None:
        if frame.command != SUBMIT_SM:
            return None
        person = frame.body[frame.body.index(b"861380013") :][:13].decode()
        session.sequence += 1
        return [
            pdu(DELIVER_SM, receipt("feed01", "10690001", person), sequence=session.sequence),
            pdu(SUBMIT_SM | RESP, cstring("feed01"), sequence=frame.sequence),
        ]

    pool.smsc.answer = pool.other.answer = early
    await pool.open()
    esme = await pool.bind("pool-jl")
    answer = await esme.request(SUBMIT_SM, text("10690001", PERSONS[9]))
    got = await esme.expect(DELIVER_SM)
    assert f"id:{id_of(answer)} ".encode() in got.body
    await pool.end()


async def test_an_esme_that_goes_gets_the_unanswered_again(pool: PoolHouse) -> None:
    await pool.open()
    first = await pool.bind("pool-jl", BIND_RX, auto=())
    session = standing(pool.smsc)[0]
    for said in ("one", "two", "three"):
        assert (await session.answered(await session.deliver(reply(said, person=PERSONS[3])))).status == 0
    for _ in range(3):
        await first.expect(DELIVER_SM)
    first.abort()
    second = await pool.bind("pool-jl", BIND_TRX)
    said = [(await second.expect(DELIVER_SM)).body[-5:] for _ in range(3)]

    assert [one[-3:] for one in said] == [b"one", b"two", b"ree"]
    await pool.end()


async def test_a_generic_nack_of_an_esme_is_a_delivery_that_it_rejects(pool: PoolHouse) -> None:
    """One stack answers what it does not take with a generic_nack of status 0: that is told, and not sent again."""
    await pool.open()
    esme = await pool.bind("pool-jl", BIND_RX, auto=())
    session = standing(pool.smsc)[0]
    assert (await session.answered(await session.deliver(reply("one", person=PERSONS[3])))).status == 0
    got = await esme.expect(DELIVER_SM)
    await esme.send(pdu(GENERIC_NACK, sequence=got.sequence))
    assert await pool.counted("delivery.rejected") == 1
    assert (await session.answered(await session.deliver(reply("two", person=PERSONS[3])))).status == 0
    got = await esme.expect(DELIVER_SM)
    assert b"two" in got.body
    await esme.send(pdu(DELIVER_SM | RESP, b"\0", sequence=got.sequence))
    await esme.close()
    await pool.end()


# ---- long messages ----


def three_parts(person: str, ref: int = 5) -> list[bytes]:
    """The bodies of a message in three parts."""
    octets = ("【江澜银行】" + "春季理财活动开始，详询柜台。" * 12 + "回TD退订").encode("utf-16-be")
    size = -(-len(octets) // 6) * 2
    pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
    return [
        message_body("10690001", person, bytes([5, 0, 3, ref, 3, number]) + piece, data_coding=8, esm_class=0x40)
        for number, piece in enumerate(pieces, 1)
    ]


async def test_parts_go_one_way_and_each_has_an_id_of_its_own(pool: PoolHouse) -> None:
    await pool.open(smpp={"parts_quiet_ms": 15_000})
    esme = await pool.bind("pool-jl")
    for person in PERSONS[10:14]:
        bodies = three_parts(person)
        for body in bodies:
            await esme.submit(SUBMIT_SM, body)
        answers = [await esme.expect(SUBMIT_SM | RESP) for _ in bodies]
        assert [one.status for one in answers] == [0, 0, 0]
        assert len({id_of(one) for one in answers}) == 3
        carried = [[one.body for one in smsc.of(SUBMIT_SM) if one.body in bodies] for smsc in (pool.smsc, pool.other)]
        assert sorted(map(len, carried)) == [0, 3]
    await pool.end()


async def test_parts_for_somebody_who_refused_are_refused_together(pool: PoolHouse) -> None:
    await pool.open(smpp={"parts_quiet_ms": 15_000})
    esme = await pool.bind("pool-jl")
    for body in three_parts(IMPORTED):
        await esme.submit(SUBMIT_SM, body)
    assert [(await esme.expect(SUBMIT_SM | RESP)).status for _ in range(3)] == [REFUSED] * 3
    assert pool.smsc.of(SUBMIT_SM) == pool.other.of(SUBMIT_SM) == []
    await pool.end()


async def test_a_td_in_two_parts_is_heard_and_both_parts_are_delivered(pool: PoolHouse) -> None:
    await pool.open()
    esme = await pool.bind("pool-jl")
    session = standing(pool.smsc)[0]
    halves = [
        message_body(
            PERSONS[4], "10690001", bytes([5, 0, 3, 7, 2, number]) + said, esm_class=0x40, source_ton=1, source_npi=1
        )
        for number, said in ((1, b"T"), (2, b"D"))
    ]
    sequences = [await session.deliver(one) for one in halves]
    assert [(await session.answered(one)).status for one in sequences] == [0, 0]
    assert [(await esme.expect(DELIVER_SM)).body for _ in halves] == halves
    assert (await esme.request(SUBMIT_SM, text("10690001", PERSONS[4]))).status == REFUSED
    await pool.end()


async def test_a_route_that_drains_leaves_its_work_to_the_others(pool: PoolHouse) -> None:
    await pool.open()
    esme = await pool.bind("pool-jl")
    code, out, _ = await pool.command("route", "drain", "one", "--json")
    assert code == 0
    assert '"draining":true' in out.replace(" ", "")
    for person in PERSONS[8:14]:
        assert (await esme.request(SUBMIT_SM, text("10690001", person))).status == 0
    assert pool.smsc.of(SUBMIT_SM) == []
    assert (await pool.command("route", "resume", "one"))[0] == 0
    for person in PERSONS[14:20]:
        assert (await esme.request(SUBMIT_SM, text("10690001", person))).status == 0
    assert pool.smsc.of(SUBMIT_SM) != []
    await pool.end()


async def test_what_was_sent_and_how_it_ended_adds_up(pool: PoolHouse) -> None:
    def rejecting(frame: Frame, session: RawSession) -> bytes | None:
        return pdu(SUBMIT_SM | RESP, status=0x45, sequence=frame.sequence) if frame.command == SUBMIT_SM else None

    pool.smsc.answer = rejecting
    await pool.open(smpp={"parts_quiet_ms": 15_000})
    esme = await pool.bind("pool-jl")
    statuses = [(await esme.request(SUBMIT_SM, text("10690001", person))).status for person in PERSONS[8:18]]
    statuses.append((await esme.request(SUBMIT_SM, text("10690001", IMPORTED))).status)
    for body in three_parts(PERSONS[20]):
        await esme.submit(SUBMIT_SM, body)
    parts = [(await esme.expect(SUBMIT_SM | RESP)).status for _ in range(3)]
    await pool.end()
    code, out, _ = await pool.command("counts", "--json")
    assert code == 0, out
    row = next(one for one in json.loads(out)["rows"] if one["account"] == "pool-jl")
    whole = 0 if set(parts) == {0} else 0x45
    everything = [*statuses, whole]
    assert (row["submitted"], row["refused"]) == (12, 1)
    assert (row["accepted"], row["rejected"]) == (everything.count(0), everything.count(0x45))
