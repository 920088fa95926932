"""Pool mode under carriers that say nonsense and refusals that come another way: nothing lost, nothing let through."""

from __future__ import annotations

import json

import pytest

from tests.tools.raw_smsc import RawSession
from tests.tools.wire import BIND_TX, DELIVER_SM, RESP, SUBMIT_SM, Frame, cstring, pdu
from tests.wire.house import reply, text
from tests.wire.people import PERSONS
from tests.wire.pool_house import REFUSED, PoolHouse, id_of, receipt, standing

pytestmark = pytest.mark.wire


@pytest.mark.parametrize("body", [cstring("f" * 200), b"", b"\0"], ids=["overlong", "no body", "empty"])
async def test_an_unusable_id_costs_the_receipt_and_not_the_answer(pool: PoolHouse, body: bytes) -> None:
    def odd(frame: Frame, session: RawSession) -> bytes | None:
        return pdu(SUBMIT_SM | RESP, body, sequence=frame.sequence) if frame.command == SUBMIT_SM else None

    pool.smsc.answer = pool.other.answer = odd
    await pool.open()
    esme = await pool.bind("pool-jl")
    for person in PERSONS[10:13]:
        answer = await esme.request(SUBMIT_SM, text("10690001", person))
        assert answer.status == 0
        assert int(id_of(answer), 16)
    assert not pool.logged("carrier.lost")
    await pool.end()
    assert not pool.outcomes()


async def test_a_receipt_is_not_taken_for_another_institutions_message(pool: PoolHouse) -> None:
    """The id in it, read in the other radix, is that of an older message of somebody else's."""
    held: list[tuple[Frame, RawSession]] = []

    def numbered(frame: Frame, session: RawSession) -> bytes | None:
        if frame.command != SUBMIT_SM:
            return None
        if b"10690101" in frame.body:
            return pdu(SUBMIT_SM | RESP, cstring("4096"), sequence=frame.sequence)
        held.append((frame, session))
        return b""

    pool.other.answer = numbered
    await pool.open_two()
    jl, yx = await pool.bind("pool-jl"), await pool.bind("pool-yx")
    assert (await yx.request(SUBMIT_SM, text("10690101", PERSONS[10]))).status == 0
    await jl.submit(SUBMIT_SM, text("10690001", PERSONS[20]))
    await pool.other.wait(lambda: held)
    frame, session = held[0]
    number = await session.deliver(receipt("1000", "10690001", PERSONS[20]))
    await session.send(pdu(SUBMIT_SM | RESP, cstring("1000"), sequence=frame.sequence))
    assert (await session.answered(number)).status == 0
    got = await jl.expect(DELIVER_SM)
    assert f"id:{id_of(await jl.expect(SUBMIT_SM | RESP))} ".encode() in got.body
    assert not [one for one in yx.received if one.command == DELIVER_SM]
    await pool.end()


async def test_an_early_receipt_may_come_on_another_bind_of_the_route(pool: PoolHouse) -> None:
    held: list[tuple[Frame, RawSession]] = []

    def silent(frame: Frame, session: RawSession) -> bytes | None:
        if frame.command != SUBMIT_SM:
            return None
        held.append((frame, session))
        return b""

    pool.smsc.answer = pool.other.answer = silent
    await pool.open()
    esme = await pool.bind("pool-jl")
    await esme.submit(SUBMIT_SM, text("10690001", PERSONS[9]))
    for _ in range(200):
        if held:
            break
        await esme.request(0x15)
    frame, session = held[0]
    smsc = pool.smsc if session in pool.smsc.sessions else pool.other
    another = next(one for one in standing(smsc) if one is not session)
    number = await another.deliver(receipt("feed01", "10690001", PERSONS[9]))
    await pool.counted("receipt.waited")
    await session.send(pdu(SUBMIT_SM | RESP, cstring("feed01"), sequence=frame.sequence))
    assert (await another.answered(number)).status == 0
    got = await esme.expect(DELIVER_SM)
    assert f"id:{id_of(await esme.expect(SUBMIT_SM | RESP))} ".encode() in got.body
    await pool.end()


async def test_what_waits_is_not_sent_after_a_refusal_that_came_another_way(pool: PoolHouse) -> None:
    """A refusal by the control socket, or on a bind of mirror mode, binds what waits in a pool, too."""
    held: list[tuple[Frame, RawSession]] = []

    def silent(frame: Frame, session: RawSession) -> bytes | None:
        if frame.command != SUBMIT_SM:
            return None
        held.append((frame, session))
        return b""

    pool.other.answer = silent
    mirror = pool.smsc
    await pool.open_two(window=1)
    esme, plain = await pool.bind("pool-jl"), await pool.bind("jl")
    await esme.submit(SUBMIT_SM, text("10690001", PERSONS[10]))
    await pool.other.wait(lambda: held)
    await esme.submit(SUBMIT_SM, text("10690001", PERSONS[11]))
    await esme.request(0x15)
    told = await (await mirror.bound("jl")).deliver(reply("TD", person=PERSONS[11]))
    await plain.expect(DELIVER_SM)
    assert (await (await mirror.bound("jl")).answered(told)).status == 0
    frame, session = held[0]
    await session.send(pdu(SUBMIT_SM | RESP, cstring("1"), sequence=frame.sequence))
    statuses = [(await esme.expect(SUBMIT_SM | RESP)).status for _ in range(2)]
    assert statuses == [0, REFUSED]
    assert len(held) == 1
    await pool.end()
    # One request, one decision, one end.
    assert [(one.result, one.status) for one in pool.outcomes()] == [("rejected", REFUSED)]
    _, out, _ = await pool.command("counts", "--json")
    row = next(one for one in json.loads(out)["rows"] if one["account"] == "pool-jl")
    assert [row[name] for name in ("submitted", "permitted", "refused", "accepted", "rejected")] == [2, 2, 0, 1, 1]


async def test_a_wish_that_comes_again_does_not_undo_a_later_refusal(pool: PoolHouse) -> None:
    await pool.open()
    esme = await pool.bind("pool-jl", BIND_TX)
    person = PERSONS[12]
    session = standing(pool.smsc)[0]
    assert (await session.answered(await session.deliver(reply("TD", person=person)))).status == 0
    # The wish is read, and the carrier is gone before it has the answer.
    await session.deliver(reply("START", person=person))
    session.drop()
    await pool.event("release.recorded")
    other = standing(pool.other)[0]
    assert (await other.answered(await other.deliver(reply("TD", person=person)))).status == 0
    # So it sends the wish once more.
    assert (await other.answered(await other.deliver(reply("START", person=person)))).status == 0
    assert (await esme.request(SUBMIT_SM, text("10690001", person))).status == REFUSED
    await pool.end()
