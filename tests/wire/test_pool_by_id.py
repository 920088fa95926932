"""What an ESME of a pool asks about a message it sent: its carrier is asked by the carrier's id, nobody else ever."""

from __future__ import annotations

import pytest

from tests.tools.raw_smsc import RawSession
from tests.tools.wire import CANCEL_SM, QUERY_SM, RESP, SUBMIT_SM, Frame, cstring, pdu
from tests.wire.house import reply, text
from tests.wire.people import PERSONS
from tests.wire.pool_house import CARRIER_ID, Held, PoolHouse, id_of, receipt, standing, told

pytestmark = pytest.mark.wire

FOREIGN_QUERY, FOREIGN_CANCEL, NOT_SENT, SUBMIT_FAILED, UPSTREAM = 0x67, 0x11, 0x45, 0x45, 0x14


def query(message_id: str, source: str = "10690001") -> bytes:
    return cstring(message_id) + bytes([0, 0]) + cstring(source)


def cancel(message_id: str, person: str, source: str = "10690001", service_type: str = "") -> bytes:
    return cstring(service_type) + cstring(message_id) + bytes([0, 0]) + cstring(source) + b"\1\1" + cstring(person)


def knowing(frame: Frame, session: RawSession) -> bytes | None:
    """A carrier that answers queries with the id it was asked about, and cancels everything."""
    if frame.command == QUERY_SM:
        asked = frame.body.partition(b"\0")[0]
        return pdu(QUERY_SM | RESP, cstring(asked) + cstring("2601010000+") + b"\2\0", sequence=frame.sequence)
    return pdu(CANCEL_SM | RESP, sequence=frame.sequence) if frame.command == CANCEL_SM else None


async def test_a_message_is_asked_about_and_cancelled_at_the_carrier_that_has_it(pool: PoolHouse) -> None:
    pool.answer_all(knowing)
    await pool.open()
    esme = await pool.bind("pool-jl")
    for person in PERSONS[10:16]:
        ours = id_of(await esme.request(SUBMIT_SM, text("10690001", person)))
        has_it = next(
            smsc for smsc in pool.carriers if any(person.encode() in one.body for one in smsc.of(SUBMIT_SM)[-1:])
        )
        carriers_id = f"c0{len(has_it.of(SUBMIT_SM)):06x}"
        answer = await esme.request(QUERY_SM, query(ours))
        assert (answer.status, answer.body) == (0, cstring(ours) + cstring("2601010000+") + b"\2\0")
        assert has_it.of(QUERY_SM)[-1].body == query(carriers_id)
        answer = await esme.request(CANCEL_SM, cancel(ours.upper(), person, service_type="CMT"))
        assert (answer.status, answer.body) == (0, b"")
        assert has_it.of(CANCEL_SM)[-1].body == cancel(carriers_id, person, service_type="CMT")
    assert [len(smsc.of(QUERY_SM)) for smsc in pool.carriers] == [len(one.of(SUBMIT_SM)) for one in pool.carriers]
    assert min(len(smsc.of(CANCEL_SM)) for smsc in pool.carriers) > 0
    await pool.end()


async def test_what_is_not_ones_own_is_foreign_and_no_carrier_hears_of_it(pool: PoolHouse) -> None:
    pool.answer_all(knowing)
    await pool.open()
    jl, yx = await pool.bind("pool-jl"), await pool.bind("pool-yx")
    ours = id_of(await jl.request(SUBMIT_SM, text("10690001", PERSONS[10])))
    for message_id, source in ((ours, "10690101"), ("c0000001", "10690101"), ("0" * 16, ""), ("", "10690101")):
        assert (await yx.request(QUERY_SM, query(message_id, source))).status == FOREIGN_QUERY
        assert (await yx.request(CANCEL_SM, cancel(message_id, PERSONS[10], source))).status == FOREIGN_CANCEL
    # Ours, but from a number of somebody else's.
    assert (await jl.request(CANCEL_SM, cancel(ours, PERSONS[10], "10690101"))).status == FOREIGN_CANCEL
    assert [smsc.of(QUERY_SM, CANCEL_SM) for smsc in pool.carriers] == [[], []]
    assert (await jl.request(QUERY_SM, query(ours, ""))).status == 0
    await pool.end()
    assert pool.refused_by() == ["message.foreign"] * 9


async def test_ids_are_known_after_a_kill_and_a_lost_route_says_so(pool: PoolHouse) -> None:
    pool.answer_all(knowing)
    session = await pool.open_two()
    ours = id_of(await (await pool.bind("pool-jl")).request(SUBMIT_SM, text("10690001", PERSONS[10])))
    await pool.kill()
    await pool.start()
    await pool.other.wait(lambda: [one for one in standing(pool.other) if one is not session])
    esme = await pool.bind("pool-jl")
    assert (await esme.request(QUERY_SM, query(ours))).status == 0
    await pool.other.close()
    await pool.event("carrier.lost")
    assert (await esme.request(QUERY_SM, query(ours))).status == UPSTREAM
    await pool.end()


async def test_what_waits_here_is_answered_for_here_and_a_cancelled_one_is_never_sent(pool: PoolHouse) -> None:
    held = Held(SUBMIT_SM)
    pool.other.answer = held
    await pool.open_two(window=1)
    esme = await pool.bind("pool-jl")
    first = await esme.submit(SUBMIT_SM, text("10690001", PERSONS[10]))
    await pool.other.wait(lambda: held.frames)
    second = await esme.submit(SUBMIT_SM, text("10690001", PERSONS[11]))
    third = await esme.submit(SUBMIT_SM, text("10690001", PERSONS[12]))
    await esme.request(0x15)
    decided = await pool.record(lambda one: getattr(one, "effect", None) is not None and one.asks == 0, 3)
    waiting = f"{decided[1].id:016x}"
    answer = await esme.request(QUERY_SM, query(waiting))
    assert (answer.status, answer.body) == (0, cstring(waiting) + b"\0\1\0")
    assert (await esme.request(CANCEL_SM, cancel(waiting, PERSONS[11]))).status == 0
    assert (await esme.expect(match=lambda one: one.sequence == second)).status == SUBMIT_FAILED
    assert (await esme.request(CANCEL_SM, cancel(waiting, PERSONS[11]))).status == FOREIGN_CANCEL
    await held.answer(0, cstring("1"))
    await pool.other.wait(lambda: len(held.frames) == 2)
    await held.answer(1, cstring("2"))
    for sequence in (first, third):
        assert (await esme.expect(match=lambda one, sequence=sequence: one.sequence == sequence)).status == 0
    assert [PERSONS[11].encode() in frame.body for frame, _ in held.frames] == [False, False]
    await pool.end()
    assert [(one.result, one.status) for one in pool.outcomes()] == [("rejected", SUBMIT_FAILED)]


# ---- what a refusal takes back ----


async def test_a_td_cancels_what_the_carriers_of_a_pool_still_hold_for_that_person(pool: PoolHouse) -> None:
    pool.answer_all(knowing)
    await pool.open()
    jl, yx = await pool.bind("pool-jl"), await pool.bind("pool-yx")
    person = PERSONS[10]
    for _ in range(4):
        assert (await jl.request(SUBMIT_SM, text("10690001", person))).status == 0
    assert (await jl.request(SUBMIT_SM, text("10690001", PERSONS[11]))).status == 0
    assert (await yx.request(SUBMIT_SM, text("10690101", person))).status == 0
    wanted: dict[int, list[bytes]] = {}
    ended = None
    for place, smsc in enumerate(pool.carriers):
        for number, frame in enumerate(smsc.of(SUBMIT_SM), 1):
            if b"10690001" in frame.body and person.encode() in frame.body:
                if ended is None:
                    ended = receipt(CARRIER_ID.format(number), "10690001", person)
                    assert await told(standing(smsc)[0], ended) == 0
                else:
                    wanted.setdefault(place, []).append(cancel(CARRIER_ID.format(number), person))
    assert await told(standing(pool.smsc)[0], reply("TD", person=person)) == 0
    await pool.carried(lambda: sum(len(smsc.of(CANCEL_SM)) for smsc in pool.carriers) == 3)
    assert {
        place: sorted(frame.body for frame in smsc.of(CANCEL_SM))
        for place, smsc in enumerate(pool.carriers)
        if smsc.of(CANCEL_SM)
    } == {place: sorted(bodies) for place, bodies in wanted.items()}
    assert await pool.counted("withdrawal.done", 3) == 3
    await pool.end()
    assert [one.result for one in pool.outcomes()] == ["cancelled"] * 3


async def test_a_td_heard_in_mirror_mode_takes_back_what_a_pool_sent(pool: PoolHouse) -> None:
    def failing(frame: Frame, session: RawSession) -> bytes | None:
        return pdu(CANCEL_SM | RESP, status=0x11, sequence=frame.sequence) if frame.command == CANCEL_SM else None

    pool.other.answer = failing
    await pool.open_two()
    esme, plain = await pool.bind("pool-jl"), await pool.bind("jl")
    assert (await esme.request(SUBMIT_SM, text("10690001", PERSONS[10]))).status == 0
    assert (await plain.request(SUBMIT_SM, text("10690001", PERSONS[10]))).status == 0
    assert (await pool.hear("jl", reply("TD", person=PERSONS[10]))).status == 0
    await pool.other.wait_for(CANCEL_SM)
    await pool.smsc.wait_for(CANCEL_SM)
    assert await pool.counted("withdrawal.failed", 1)
    await pool.end()
    assert "kept" in [one.result for one in pool.outcomes()]
