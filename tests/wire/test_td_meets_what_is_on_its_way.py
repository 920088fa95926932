"""A TD that comes while a message to that person is on its way: what waits is not sent, what is open is taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.wire import CANCEL_SM, RESP, SUBMIT_SM, cstring
from tests.wire.house import make_template, reply, text
from tests.wire.people import PERSONS, account, registry
from tests.wire.pool_house import REFUSED, Held, PoolHouse, told
from tests.wire.test_pool import three_parts

pytestmark = pytest.mark.wire


@pytest.fixture(scope="session")
def pool_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = registry(accounts=[account("pool-jl", "jianglan", "marketing", route="pool")])
    return make_template(tmp_path_factory.mktemp("on-its-way") / "template", rows)


async def test_what_a_carrier_takes_after_the_td_is_taken_back(pool: PoolHouse) -> None:
    await pool.open_two()
    for name, smsc in (("jl", pool.smsc), ("pool-jl", pool.other)):
        held = Held(SUBMIT_SM)
        smsc.answer = held
        person = PERSONS[10] if name == "jl" else PERSONS[11]
        esme = await pool.bind(name)
        session = await smsc.bound(name if name == "jl" else "gate")
        await esme.submit(SUBMIT_SM, text("10690001", person))
        await esme.submit(SUBMIT_SM, text("10690001", PERSONS[12]))
        await smsc.wait(lambda held=held: len(held.frames) == 2)
        assert await told(session, reply("TD", person=person)) == 0
        for place, carriers_id in enumerate(("m-1", "m-2")):
            await held.answer(place, cstring(carriers_id))
            assert (await esme.expect(SUBMIT_SM | RESP)).status == 0
        (cancel,) = await smsc.wait_for(CANCEL_SM, 1)
        assert cstring("m-1") in cancel.body
        assert cstring(person) in cancel.body
        # One that the person agreed to since is none of these.
        assert await told(session, reply("START", person=person)) == 0
        await esme.submit(SUBMIT_SM, text("10690001", person))
        await smsc.wait(lambda held=held: len(held.frames) == 3)
        await held.answer(2, cstring("m-3"))
        assert (await esme.expect(SUBMIT_SM | RESP)).status == 0
        assert await told(session, reply("hello", person=PERSONS[20])) == 0
        assert len(smsc.of(CANCEL_SM)) == 1
    await pool.end()


async def test_parts_that_wait_for_room_are_not_sent_after_a_td(pool: PoolHouse) -> None:
    held = Held(SUBMIT_SM)
    pool.smsc.answer = held
    await pool.start(smpp={"parts_quiet_ms": 15_000}, route={"window": 1})
    esme = await pool.bind("jl")
    bodies = three_parts(PERSONS[10])
    sequences = [await esme.submit(SUBMIT_SM, body) for body in bodies]
    await pool.smsc.wait(lambda: held.frames)
    assert await told(await pool.smsc.bound("jl"), reply("TD", person=PERSONS[10])) == 0
    await held.answer(0, cstring("m-1"))
    answers = [await esme.expect(match=lambda one, at=at: one.sequence == at) for at in sequences]
    assert [one.status for one in answers] == [0, REFUSED, REFUSED]
    assert [frame.body for frame, _ in held.frames if frame.command == SUBMIT_SM] == bodies[:1]
    await pool.end()
