"""Accounts of a pool: several of one institution on one number, one that goes, what comes back for each, in figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tools.wire import BIND_TX, DELIVER_SM, SUBMIT_SM, message_body
from tests.wire.house import make_template, reply, text
from tests.wire.people import PERSONS, account, registry
from tests.wire.pool_house import CARRIER_ID, PoolHouse, receipt, standing, told

pytestmark = pytest.mark.wire

DRAINED, UNREADABLE = 0x64, 0x0437


def pooled(name: str, **fields: Any) -> dict[str, Any]:
    return account(name, "jianglan", "marketing", route="pool", **fields)


@pytest.fixture(scope="session")
def pool_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = registry(accounts=[pooled("pool-a"), pooled("pool-b"), pooled("pool-partner", operator="yuanlu")])
    return make_template(tmp_path_factory.mktemp("accounts") / "template", rows)


async def counts(pool: PoolHouse) -> dict[str, dict[str, int]]:
    code, out, _ = await pool.command("counts", "--json")
    assert code == 0, out
    found: dict[str, dict[str, int]] = {}
    for row in json.loads(out)["rows"]:
        sums = found.setdefault(row["account"], dict.fromkeys(("submitted", "accepted", "replies", "receipts"), 0))
        for name in sums:
            sums[name] += row[name]
    return found


async def test_a_reply_goes_to_whoever_sent_last_and_all_of_it_is_counted(pool: PoolHouse) -> None:
    session = await pool.open_two()
    a, b = await pool.bind("pool-a"), await pool.bind("pool-b", BIND_TX)
    for esme, person in ((a, PERSONS[10]), (b, PERSONS[10]), (b, PERSONS[11]), (a, PERSONS[11])):
        assert (await esme.request(SUBMIT_SM, text("10690001", person))).status == 0
    for place, said in ((10, "to-b"), (11, "to-a"), (12, "to-first")):
        assert await told(session, reply(said, person=PERSONS[place])) == 0
    for number in (1, 2):
        assert await told(session, receipt(CARRIER_ID.format(number), "10690001", PERSONS[10])) == 0
    for said in (b"to-a", b"to-first"):
        assert said in (await a.expect(DELIVER_SM)).body
    await a.expect(DELIVER_SM)
    late = await pool.bind("pool-b")
    assert b"to-b" in (await late.expect(DELIVER_SM)).body
    await late.expect(DELIVER_SM)
    await pool.end()
    figures = await counts(pool)
    assert figures["pool-a"] == {"submitted": 2, "accepted": 2, "replies": 2, "receipts": 1}
    assert figures["pool-b"] == {"submitted": 2, "accepted": 2, "replies": 1, "receipts": 1}


async def test_an_account_that_goes_elsewhere_is_unbound_and_its_deliveries_wait(pool: PoolHouse) -> None:
    session = await pool.open_two()
    esme = await pool.bind("pool-b", auto=(0x15, 0x06))
    assert (await esme.request(SUBMIT_SM, text("10690001", PERSONS[10]))).status == 0
    assert await told(session, reply("kept", person=PERSONS[10])) == 0
    await esme.expect(DELIVER_SM)
    file = pool.folder / "moved.json"
    file.write_text(json.dumps({"accounts": [pooled("pool-b") | {"route": "default"}]}, ensure_ascii=False))
    code, _, err = await pool.command("registry", "import", file)
    assert code == 0, err
    await pool.event("account.removed", account="pool-b")
    await esme.wait_closed()
    # What it did not answer stands on disk, and so does what comes for its messages; it is there when it comes back.
    assert await told(session, receipt(CARRIER_ID.format(1), "10690001", PERSONS[10])) == 0
    file.write_text(json.dumps({"accounts": [pooled("pool-b")]}, ensure_ascii=False))
    assert (await pool.command("registry", "import", file))[0] == 0
    back = await pool.bind("pool-b")
    assert b"kept" in (await back.expect(DELIVER_SM)).body
    assert b"DELIVRD" in (await back.expect(DELIVER_SM)).body
    await pool.end()


async def test_a_message_is_read_as_each_route_would_read_it(pool: PoolHouse) -> None:
    """One carrier takes data_coding 3 for GB18030: octets that are text to one only are refused for all."""
    await pool.open(two={"alphabets": {"3": ["gb18030"]}})
    esme = await pool.bind("pool-a")

    def body(octets: bytes) -> bytes:
        return message_body("10690001", PERSONS[10], octets, data_coding=3)

    assert (await esme.request(SUBMIT_SM, body(b"JL Bank, reply TD"))).status == 0
    # Latin-1 for the one; for the other the last octet begins a character that never ends.
    assert (await esme.request(SUBMIT_SM, body(b"JL Bank, caf\xe9"))).status == UNREADABLE
    await pool.end()


async def test_a_refusal_of_nobody_to_nobody_stays_with_the_carrier(pool: PoolHouse) -> None:
    session = await pool.open_two()
    formless = message_body("carrier", "10699999", b"TD", source_ton=5, source_npi=0, dest_ton=0)
    assert await told(session, formless) == DRAINED
    assert await told(session, formless.replace(b"TD", b"ok")) == 0
    assert await pool.counted("reply.unattributed", 2)
    assert standing(pool.other)
    await pool.end()
