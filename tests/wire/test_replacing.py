"""replace_sm on the socket, in mirror mode and in a pool: refused, or judged as the message that it makes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tools.raw_smsc import RawSession
from tests.tools.wire import QUERY_SM, REPLACE_SM, RESP, SUBMIT_SM, Frame, cstring, pdu, tlv
from tests.wire.house import make_template, reply, text
from tests.wire.people import PERSONS, account, registry
from tests.wire.pool_house import CARRIER_ID, REFUSED, Held, PoolHouse, id_of, told
from tests.wire.test_pool import three_parts

pytestmark = pytest.mark.wire

NOT_REPLACED, UNREADABLE, NO_SUCH, AMBIGUOUS, UNSUPPORTED = 0x13, 0x0437, 0x13, 0x0402, 0x45
NEW = "【江澜银行】夏季理财活动开始，详询柜台，拒收请回复TD".encode("utf-16-be")


@pytest.fixture(scope="session")
def pool_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    accounts = [
        account("pool-jl", "jianglan", "marketing", route="pool"),
        account("pool-re", "jianglan", "marketing", route="pool", replace_sm=True),
        account("re", "jianglan", "marketing", replace_sm=True),
    ]
    return make_template(tmp_path_factory.mktemp("replacing") / "template", registry(accounts=accounts))


def replace(message_id: str, said: bytes = NEW, source: str = "10690001") -> bytes:
    head = cstring(message_id) + bytes([0, 0]) + cstring(source) + cstring("") + cstring("")
    return head + bytes([1, 0, len(said)]) + said


def replacing(frame: Frame, session: RawSession) -> bytes | None:
    """A carrier that replaces what it is asked to, but for what it calls `gone`."""
    status = NOT_REPLACED if b"gone" in frame.body else 0
    return pdu(REPLACE_SM | RESP, status=status, sequence=frame.sequence) if frame.command == REPLACE_SM else None


async def test_what_may_be_replaced_is_judged_anew_and_nothing_else_reaches_a_carrier(pool: PoolHouse) -> None:
    pool.answer_all(replacing)
    await pool.open_two()
    for name, smsc, plain in (("re", pool.smsc, "jl"), ("pool-re", pool.other, "pool-jl")):
        esme, without = await pool.bind(name), await pool.bind(plain)
        sent = id_of(await esme.request(SUBMIT_SM, text("10690001", PERSONS[10])))
        carriers_id = CARRIER_ID.format(1)
        assert (sent == carriers_id) == (name == "re")
        answer = await esme.request(REPLACE_SM, replace(sent))
        assert (answer.command, answer.status, answer.body) == (REPLACE_SM | RESP, 0, b"")
        assert smsc.of(REPLACE_SM)[-1].body == replace(carriers_id)
        # In the message's own coding this is no text; another's id, a number that is not its source, a closed account.
        assert (await esme.request(REPLACE_SM, replace(sent, b"odd"))).status == UNREADABLE
        assert (await esme.request(REPLACE_SM, replace(sent, source="10690002"))).status == NO_SUCH
        assert (await esme.request(REPLACE_SM, replace("0" * 16))).status == NO_SUCH
        assert (await without.request(REPLACE_SM, replace(sent))).status == NOT_REPLACED
        other = id_of(await without.request(SUBMIT_SM, text("10690001", PERSONS[11])))
        assert (await esme.request(REPLACE_SM, replace(other))).status == NO_SUCH
        assert len(smsc.of(REPLACE_SM)) == 1
    session = await pool.other.bound("gate")
    assert await told(session, reply("TD", person=PERSONS[10])) == 0
    assert (await esme.request(REPLACE_SM, replace(sent))).status == REFUSED
    await pool.end()
    code, out, _ = await pool.command("counts", "--json")
    assert code == 0, out
    rows = {row["account"]: row for row in json.loads(out)["rows"]}
    assert [(rows[one]["permitted"], rows[one]["accepted"]) for one in ("re", "pool-re")] == [(2, 2), (2, 2)]


async def test_a_replacement_that_waits_is_not_sent_after_a_refusal(pool: PoolHouse) -> None:
    held = Held(SUBMIT_SM)
    await pool.open_two(window=1)
    esme = await pool.bind("pool-re")
    sent = id_of(await esme.request(SUBMIT_SM, text("10690001", PERSONS[10])))
    pool.other.answer = held
    await esme.submit(SUBMIT_SM, text("10690001", PERSONS[11]))
    await pool.other.wait(lambda: held.frames)
    sequence = await esme.submit(REPLACE_SM, replace(sent))
    assert await told(await pool.other.bound("gate"), reply("TD", person=PERSONS[10])) == 0
    assert (await esme.expect(match=lambda one: one.sequence == sequence)).status == REFUSED
    await held.answer(0, cstring("1"))
    assert (await esme.expect(SUBMIT_SM | RESP)).status == 0
    assert pool.other.of(REPLACE_SM) == []
    await pool.end()


async def test_a_text_behind_the_mandatory_fields_is_judged_too(pool: PoolHouse) -> None:
    pool.answer_all(replacing)
    await pool.open_two()
    for name, smsc in (("re", pool.smsc), ("pool-re", pool.other)):
        esme = await pool.bind(name)
        sent = id_of(await esme.request(SUBMIT_SM, text("10690001", PERSONS[10])))
        # A second text is one too many, an odd one is unreadable, and what is closed to a message is closed here.
        for said, tlvs, status in (
            (NEW, tlv(0x0424, NEW), AMBIGUOUS),
            (b"", tlv(0x0424, b"odd"), UNREADABLE),
            (NEW, tlv(0x1383, b"\1"), UNSUPPORTED),
        ):
            answer = await esme.request(REPLACE_SM, replace(sent, said) + tlvs)
            assert answer.status == status, hex(answer.status)
        assert smsc.of(REPLACE_SM) == []
        assert (await esme.request(REPLACE_SM, replace(sent, b"") + tlv(0x0424, NEW))).status == 0
        assert len(smsc.of(REPLACE_SM)) == 1
    await pool.end()


async def test_a_replacement_right_behind_a_query_about_a_stalled_message_is_answered_as_one(pool: PoolHouse) -> None:
    pool.answer_all(replacing)
    await pool.open_two()
    esme = await pool.bind("pool-re")
    sent = id_of(await esme.request(SUBMIT_SM, text("10690001", PERSONS[10])))
    kept = id_of(await esme.request(SUBMIT_SM, three_parts(PERSONS[11])[0]))
    asked = await esme.request(QUERY_SM, cstring(kept) + bytes([0, 0]) + cstring("10690001"))
    assert (asked.status, asked.body) == (0, cstring(kept) + b"\0\1\0")
    answer = await esme.request(REPLACE_SM, replace(sent))
    assert (answer.command, answer.status) == (REPLACE_SM | RESP, 0)
    assert len(pool.other.of(REPLACE_SM)) == 1
    await pool.end()
