"""A number that an institution of a pool shares with one whose account is elsewhere: nobody reads the other one's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.wire import DELIVER_SM, SUBMIT_SM
from tests.wire.house import make_template, reply, text
from tests.wire.people import PERSONS, account, registry
from tests.wire.pool_house import PoolHouse, standing

pytestmark = pytest.mark.wire


@pytest.fixture(scope="session")
def pool_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = registry(accounts=[account("pool-jl", "jianglan", "marketing", route="pool")])
    return make_template(tmp_path_factory.mktemp("shared") / "template", rows)


async def test_a_reply_to_somebody_else_is_not_delivered_in_the_pool(pool: PoolHouse) -> None:
    await pool.open()
    esme, elsewhere = await pool.bind("pool-jl"), await pool.bind("yx")
    session = standing(pool.other)[0]
    # Nothing is known of the first; the second got the other institution's message; the third one of ours.
    assert (await elsewhere.request(SUBMIT_SM, text("10690777", PERSONS[11]))).status == 0
    assert (await esme.request(SUBMIT_SM, text("10690777", PERSONS[12]))).status == 0
    for place in (10, 11, 12):
        said = reply(f"said-{place}", number="10690777", person=PERSONS[place])
        assert (await session.answered(await session.deliver(said))).status == 0
    assert b"said-12" in (await esme.expect(DELIVER_SM)).body
    await pool.counted("reply.unattributed", 2)
    await pool.end()
