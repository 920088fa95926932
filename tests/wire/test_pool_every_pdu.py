"""submit_multi and data_sm in a pool: persons of several carriers, one answer, receipts that find their ESME."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.raw_smsc import RawSession
from tests.tools.wire import (
    CANCEL_SM,
    DATA_SM,
    DELIVER_SM,
    QUERY_SM,
    RESP,
    SUBMIT_MULTI,
    SUBMIT_SM,
    Frame,
    cstring,
    data_sm_body,
    pdu,
    tlv,
)
from tests.wire.house import make_template, reply, text
from tests.wire.multi import EVERYBODY, multi, sme, unsuccess
from tests.wire.people import IMPORTED, PERSONS, TEXT, account, registry
from tests.wire.pool_house import REFUSED, UNKNOWN_OUTCOME, Held, PoolHouse, id_of, receipt, standing, told
from tests.wire.test_pool_by_id import cancel, knowing, query

pytestmark = pytest.mark.wire

LIST, UPSTREAM, QUERY_FAILED = 0x44, 0x14, 0x67
#: Subscribers of another carrier than PERSONS are.
UNICOM = ("8613000138001", "8613000138002")
ROUTES = {"one": {"carriers": ["mobile"]}, "two": {"carriers": ["unicom"]}}


@pytest.fixture(scope="session")
def pool_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    consents = [
        {"recipient": person, "institution": "jianglan", "channels": ["sms"], "given": "2026-03-01", "source": "虚构"}
        for person in UNICOM
    ]
    rows = registry(accounts=[account("pool-jl", "jianglan", "marketing", route="pool")], consents=consents)
    return make_template(tmp_path_factory.mktemp("pool-multi") / "template", rows)


async def test_persons_of_two_carriers_have_one_answer_and_their_receipts_one_id(pool: PoolHouse) -> None:
    def one_refused(frame: Frame, session: RawSession) -> bytes | None:
        if frame.command != SUBMIT_MULTI:
            return knowing(frame, session)
        body = cstring("m-7") + b"\1\1\1" + cstring(PERSONS[11]) + (0x0B).to_bytes(4)
        return pdu(SUBMIT_MULTI | RESP, body, sequence=frame.sequence)

    pool.smsc.answer, pool.other.answer = one_refused, knowing
    await pool.open(**ROUTES)
    esme = await pool.bind("pool-jl")
    listed = [sme(PERSONS[10]), sme(UNICOM[0]), sme(IMPORTED), EVERYBODY, sme(PERSONS[11]), sme(UNICOM[1])]
    answer = await esme.request(SUBMIT_MULTI, multi(*listed, tlvs=tlv(0x1500, b"y")))
    assert answer.status == 0
    assert unsuccess(answer) == [(PERSONS[11], 0x0B), (IMPORTED, REFUSED), ("everybody", LIST)]
    assert [one.body for one in pool.smsc.of(SUBMIT_MULTI)] == [
        multi(sme(PERSONS[10]), sme(PERSONS[11]), tlvs=tlv(0x1500, b"y"))
    ]
    assert [one.body for one in pool.other.of(SUBMIT_MULTI)] == [
        multi(sme(UNICOM[0]), sme(UNICOM[1]), tlvs=tlv(0x1500, b"y"))
    ]
    ours = id_of(answer)
    for smsc, carriers_id, person in ((pool.other, "c0000001", UNICOM[1]), (pool.smsc, "m-7", PERSONS[10])):
        assert await told(standing(smsc)[0], receipt(carriers_id, "10690001", person)) == 0
        assert f"id:{ours} ".encode() in (await esme.expect(DELIVER_SM)).body
    # Nobody could say what became of all of it; of one person they can.
    assert (await esme.request(QUERY_SM, query(ours))).status == QUERY_FAILED
    assert (await esme.request(CANCEL_SM, cancel(ours, UNICOM[0]))).status == 0
    assert pool.other.of(CANCEL_SM)[-1].body == cancel("c0000001", UNICOM[0])
    # A refusal takes back what is still pending for that person.
    assert await told(standing(pool.other)[0], reply("TD", person=UNICOM[0])) == 0
    await pool.other.wait_for(CANCEL_SM, 2)
    await pool.end()
    code, out, _ = await pool.command("counts", "--json")
    assert (code, '"accepted":3' in out, '"rejected":1' in out, '"refused":2' in out) == (0, True, True, True), out


async def test_who_has_no_way_now_and_who_refused_meanwhile_is_named_and_never_sent(pool: PoolHouse) -> None:
    held = Held(SUBMIT_SM)
    pool.smsc.answer = held
    await pool.open(one={"carriers": ["mobile"], "binds": 1, "window": 1}, two={"carriers": ["unicom"], "binds": 1})
    esme = await pool.bind("pool-jl")
    await esme.submit(SUBMIT_SM, text("10690001", PERSONS[12]))
    await pool.smsc.wait(lambda: held.frames)
    sequence = await esme.submit(SUBMIT_MULTI, multi(sme(PERSONS[10]), sme(PERSONS[11]), sme(UNICOM[0])))
    await pool.other.wait_for(SUBMIT_MULTI)
    assert await told(standing(pool.other)[0], reply("TD", person=PERSONS[11])) == 0
    answer = await esme.expect(match=lambda one: one.sequence == sequence)
    assert (answer.status, unsuccess(answer)) == (0, [(PERSONS[10], UPSTREAM), (PERSONS[11], REFUSED)])
    await held.answer(0, cstring("1"))
    assert (await esme.expect(SUBMIT_SM | RESP)).status == 0
    assert pool.smsc.of(SUBMIT_MULTI) == []
    await pool.end()


async def test_a_carrier_lost_with_part_of_a_submit_multi_leaves_that_part_unknown(pool: PoolHouse) -> None:
    held = Held(SUBMIT_MULTI)
    pool.smsc.answer = held
    await pool.open(**ROUTES)
    esme = await pool.bind("pool-jl")
    sequence = await esme.submit(SUBMIT_MULTI, multi(sme(PERSONS[10]), sme(UNICOM[0])))
    await pool.smsc.wait(lambda: held.frames)
    await pool.smsc.close()
    answer = await esme.expect(match=lambda one: one.sequence == sequence)
    assert (answer.status, unsuccess(answer)) == (0, [(PERSONS[10], UNKNOWN_OUTCOME)])
    answer = await esme.request(SUBMIT_MULTI, multi(sme(PERSONS[10]), sme(PERSONS[11])))
    assert (answer.status, answer.body) == (UPSTREAM, b"")
    await pool.end()
    assert sorted((one.result, one.status) for one in pool.outcomes()) == [
        ("rejected", UPSTREAM),
        ("rejected", UPSTREAM),
        ("unknown", 0),
    ]


async def test_data_sm_goes_both_ways(pool: PoolHouse) -> None:
    await pool.open(**ROUTES)
    esme = await pool.bind("pool-jl")
    body = data_sm_body("10690001", PERSONS[10], TEXT.encode("utf-16-be"), data_coding=8)
    answer = await esme.request(DATA_SM, body)
    assert (answer.command, answer.status) == (DATA_SM | RESP, 0)
    assert pool.smsc.of(DATA_SM)[-1].body == body
    session = standing(pool.smsc)[0]
    about = data_sm_body(PERSONS[10], "10690001", None, esm_class=4, tlvs=tlv(0x1E, cstring("c0000001")))
    sequence = await session.deliver(about, DATA_SM)
    assert (await session.answered(sequence, DATA_SM)).status == 0
    got = await esme.expect(DATA_SM)
    assert got.body == data_sm_body(PERSONS[10], "10690001", None, esm_class=4, tlvs=tlv(0x1E, cstring(id_of(answer))))
    refusing = data_sm_body(PERSONS[10], "10690001", b"TD")
    assert (await session.answered(await session.deliver(refusing, DATA_SM), DATA_SM)).status == 0
    assert (await esme.expect(DATA_SM)).body == refusing
    assert (await esme.request(DATA_SM, body)).status == REFUSED
    await pool.end()
