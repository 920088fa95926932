"""`tdgate trace message`: by the decision's id, the ESME's and the carrier's, its receipt included, in both modes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.commands.trace_message import numbers_of
from tests.tools.wire import DELIVER_SM, SUBMIT_SM
from tests.wire.house import House, text
from tests.wire.people import PERSONS
from tests.wire.pool_house import CARRIER_ID, PoolHouse, id_of, receipt, standing, told

pytestmark = pytest.mark.wire


async def traced(house: House, message_id: str) -> list[dict[str, Any]]:
    code, out, err = await house.command("trace", "message", message_id, "--json")
    assert (code, err) == (0, ""), (out, err)
    found: list[dict[str, Any]] = json.loads(out)["messages"]
    return found


@pytest.mark.parametrize(
    ("written", "numbers"),
    [
        ("0x100000001", [0x100000001]),
        ("0X100000001", [0x100000001]),
        ("4294967297", [0x100000001]),
        ("00000001000000aB", [0x1000000AB]),
        # Decimal, and as an ESME of a pool writes it: it may be either.
        ("0000000100000001", [100000001, 0x100000001]),
        ("c0000001", []),
        ("0xzz", []),
        ("0", []),
        ("9" * 40, []),
    ],
)
def test_what_a_text_may_be_as_a_decision(written: str, numbers: list[int]) -> None:
    assert numbers_of(written) == numbers


async def test_a_message_is_found_by_each_of_its_ids_with_its_receipt(pool: PoolHouse) -> None:
    session = await pool.open_two()
    esme, plain = await pool.bind("pool-jl"), await pool.bind("jl")
    ours = id_of(await esme.request(SUBMIT_SM, text("10690001", PERSONS[10])))
    theirs = id_of(await plain.request(SUBMIT_SM, text("10690001", PERSONS[11])))
    # Both carriers gave the same id: all that it may mean is shown.
    assert theirs == CARRIER_ID.format(1)
    await pool.record(lambda one: getattr(one, "effect", None) == 0, 2)
    seen = {one["mode"]: one for one in await traced(pool, theirs)}
    assert {mode: (one["account"], one["state"]) for mode, one in seen.items()} == {
        "pool": ("pool-jl", ""),
        "mirror": ("jl", ""),
    }
    assert await told(session, receipt(CARRIER_ID.format(1), "10690001", PERSONS[10], "UNDELIV")) == 0
    await esme.expect(DELIVER_SM)
    assert (await pool.hear("jl", receipt(theirs, "10690001", PERSONS[11]))).status == 0
    (one,) = await traced(pool, ours)
    told_of = (one["esme_id"], one["carrier_id"], one["route"], one["state"])
    assert told_of == (ours, CARRIER_ID.format(1), "two", "undeliverable")
    assert one["decision"]["record"]["account"] == "pool-jl"
    assert one["ended_at_us"] >= one["accepted_at_us"] > 0
    seen = {one["mode"]: one for one in await traced(pool, theirs)}
    assert (seen["mirror"]["state"], seen["mirror"]["decision"]["record"]["account"]) == ("delivered", "jl")
    assert standing(pool.other)
    await pool.end()
    # Without a running process the trail and the evidence still know; what only memory held is gone.
    assert [one["mode"] for one in await traced(pool, theirs.upper())] == ["pool"]
    code, out, _ = await pool.command("trace", "message", ours)
    assert (code, "undeliverable" in out, "运营商编号" in out) == (0, True, True)
    code, _, err = await pool.command("trace", "message", "no-such-id")
    assert (code, "nothing is known" in err) == (1, True)
