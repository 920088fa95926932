"""A long message of a pool whose parts come on two binds of its account, on the socket."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.wire import DELIVER_SM, RESP, SUBMIT_SM
from tests.wire.house import make_template, text
from tests.wire.people import PERSONS, account, registry
from tests.wire.pool_house import CARRIER_ID, PoolHouse, id_of, receipt, standing, told
from tests.wire.test_pool import three_parts
from tests.wire.test_pool_every_pdu import ROUTES, UNICOM

pytestmark = pytest.mark.wire


@pytest.fixture(scope="session")
def pool_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    consents = [
        {"recipient": person, "institution": "jianglan", "channels": ["sms"], "given": "2026-03-01", "source": "虚构"}
        for person in UNICOM
    ]
    rows = registry(accounts=[account("pool-jl", "jianglan", "marketing", route="pool")], consents=consents)
    return make_template(tmp_path_factory.mktemp("pool-binds") / "template", rows)


async def test_parts_over_two_binds_take_their_persons_route_and_have_ids_and_receipts_of_their_own(
    pool: PoolHouse,
) -> None:
    await pool.open(smpp={"parts_quiet_ms": 15_000}, one={"carriers": ["mobile"], "binds": 1}, two=ROUTES["two"])
    one, two = await pool.bind("pool-jl"), await pool.bind("pool-jl")
    # The first bind's latest message went to a subscriber of another carrier.
    assert (await one.request(SUBMIT_SM, text("10690001", UNICOM[0]))).status == 0
    bodies = three_parts(PERSONS[10])
    for esme, body in zip((one, one, two), bodies, strict=True):
        await esme.submit(SUBMIT_SM, body)
    answers = [await esme.expect(SUBMIT_SM | RESP) for esme in (one, one, two)]
    assert [each.status for each in answers] == [0, 0, 0]
    assert [each.body for each in pool.smsc.of(SUBMIT_SM)] == bodies
    ids = [id_of(each) for each in answers]
    assert len(set(ids)) == 3
    session = standing(pool.smsc)[0]
    await two.close()
    for place, ours in enumerate(ids, 1):
        assert await told(session, receipt(CARRIER_ID.format(place), "10690001", PERSONS[10])) == 0
        assert f"id:{ours} ".encode() in (await one.expect(DELIVER_SM)).body
    await pool.end()
