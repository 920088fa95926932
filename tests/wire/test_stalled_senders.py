"""Senders that wait for each answer, on the socket: their parts are answered from disk, and forwarded once, whole."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools.raw_esme import RawEsme
from tests.tools.raw_smsc import RawSession
from tests.tools.wire import (
    BIND_RX,
    BIND_TX,
    CANCEL_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    QUERY_SM,
    RESP,
    SUBMIT_SM,
    UNBIND,
    Frame,
    cstring,
    message_body,
    pdu,
    receipt_text,
    tlv,
)
from tests.wire.house import House, make_template, reply, text
from tests.wire.people import IMPORTED, PERSONS, account, registry
from tests.wire.pool_house import PoolHouse, id_of, standing, told
from tests.wire.test_long_messages import part, parts, pieces, sent, statuses

pytestmark = pytest.mark.wire

REFUSED, AMBIGUOUS, THROTTLED, FULL, FOR_GOOD, CANNOT = 0x0429, 0x0402, 0x58, 0x14, 0x45, 0x11
#: Where the window does not tell that the sender waits, its silence does: soon. Retries are soon, too.
SOON = {"parts_quiet_ms": 150, "stalled": {"retry_first_s": 0.1, "retry_most_s": 0.2}}
STALLING = registry(
    accounts=[
        account("jl-one", "jianglan", "marketing", window=1),
        account("pool-one", "jianglan", "marketing", window=1, route="pool"),
    ]
)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("stalling") / "template", STALLING)


@pytest.fixture(scope="session")
def pool_template(template: Path) -> Path:
    return template


def asking(*bodies: bytes, receipt: int = 1) -> list[bytes]:
    """The same parts with registered_delivery: the sixth octet after the addresses, two empty times before it."""
    return [
        re.sub(rb"(8613800138\d{3}\0.\0\0\0\0)\0", lambda m: m[1] + bytes((receipt,)), body, count=1, flags=re.S)
        for body in bodies
    ]


async def one_by_one(esme: RawEsme, *bodies: bytes) -> list[str]:
    """Sends each when the one before has its answer; the ids that were given."""
    found = [await esme.request(SUBMIT_SM, body) for body in bodies]
    assert statuses(found) == [0] * len(bodies), statuses(found)
    return [id_of(each) for each in found]


async def receipts(esme: RawEsme, count: int) -> dict[str, str]:
    """What the next receipts say, by id."""
    found = {}
    for _ in range(count):
        got = await esme.expect(DELIVER_SM)
        said = re.search(rb"id:(\S+) .*stat:(\w+) ", got.body, re.S)
        assert said is not None, got.body
        assert tlv(0x1E, said[1] + b"\0") in got.body
        found[said[1].decode()] = said[2].decode()
    return found


def answering(*said: int) -> Callable[[Frame, RawSession], bytes | None]:
    """An SMSC that answers its first submits so, and any later one gladly; -1 is no answer at all."""
    left = list(said)

    def answer(frame: Frame, session: RawSession) -> bytes | None:
        if frame.command != SUBMIT_SM or not left:
            return None
        status = left.pop(0)
        if not status:
            return None
        return b"" if status < 0 else pdu(SUBMIT_SM | RESP, status=status, sequence=frame.sequence)

    return answer


def receipt(message_id: str, person: str = PERSONS[0]) -> bytes:
    said = receipt_text(message_id, "DELIVRD")
    body = message_body(person, "10690001", said, esm_class=4, source_ton=1, source_npi=1, dest_ton=0)
    return body + tlv(0x1E, cstring(message_id))


def about(command: int, message_id: str, source: str = "10690001") -> bytes:
    """The body of a query_sm or cancel_sm."""
    address = bytes((0, 0)) + cstring(source)
    return cstring(message_id) + address if command == QUERY_SM else b"\0" + cstring(message_id) + address + b"\0\0\0"


async def test_a_window_of_one(house: House) -> None:
    # So long a silence that only the window can tell.
    await house.start(smpp={"parts_quiet_ms": 15_000})
    esme = await house.bind("jl-one")
    ids = await one_by_one(esme, *parts())
    assert len(set(ids)) == 3
    assert [frame.body for frame in await house.smsc.wait_for(SUBMIT_SM, 3)] == parts()
    # What the carrier says of its own ids comes under ours; and only that.
    for number, ours in enumerate(ids, 1):
        assert (await house.hear("jl-one", receipt(f"{number:08x}"))).status == 0
        got = await esme.expect(DELIVER_SM)
        assert f"id:{ours} ".encode() in got.body
        assert tlv(0x1E, cstring(ours)) in got.body
        assert f"{number:08x}".encode() not in got.body.replace(ours.encode(), b"")
    # Its next message is one of its own, under the same reference.
    assert len({*ids, *await one_by_one(esme, *parts(to=PERSONS[1]))}) == 6
    await house.smsc.wait_for(SUBMIT_SM, 6)
    assert (await esme.request(SUBMIT_SM, text())).status == 0
    await house.end()
    assert [each.rule for each in house.decisions()] == ["", "", ""]


async def test_a_receipt_on_another_bind_waits_until_its_message_has_an_id(house: House) -> None:
    """The carrier speaks of a part on the account's other bind before it answers for it: it is asked to come again."""
    held: list[tuple[Frame, RawSession]] = []

    def hold(frame: Frame, session: RawSession) -> bytes | None:
        if frame.command != SUBMIT_SM:
            return None
        held.append((frame, session))
        return b""

    house.smsc.answer = hold
    await house.start(smpp={"parts_quiet_ms": 15_000})
    esme = await house.bind("jl-one")
    two = await house.bind("jl-one")
    ids = await one_by_one(esme, *parts())
    await house.smsc.wait(lambda: len(held) == 3)
    sender = held[0][1]
    other = next(session for session in standing(house.smsc) if session is not sender)
    early = await other.deliver(receipt("feed01"))
    assert (await other.answered(early)).status == 0x64
    for number, (frame, session) in enumerate(held, 1):
        await session.send(pdu(SUBMIT_SM | RESP, cstring(f"feed0{number}"), sequence=frame.sequence))
    # The enquire_link behind them is answered: they have been read.
    await sender.send(pdu(ENQUIRE_LINK, sequence=900))
    await house.smsc.wait(lambda: any(frame.command == ENQUIRE_LINK | RESP for frame in sender.received))
    again = await other.deliver(receipt("feed01"))
    assert (await other.answered(again)).status == 0
    (got,) = [frame for one in (esme, two) for frame in one.received if frame.command == DELIVER_SM]
    assert f"id:{ids[0]} ".encode() in got.body
    # One about somebody to whom nothing is under way passes as it came.
    # So does one whose id a part had before, and never under the id of that part.
    for carriers_id in ("feed77", "feed02"):
        stranger = receipt(carriers_id, PERSONS[5])
        assert (await other.answered(await other.deliver(stranger))).status == 0
        heard = [frame.body for one in (esme, two) for frame in one.received if frame.command == DELIVER_SM]
        assert heard.count(stranger) == 1
    await house.end()


async def test_a_sender_that_is_silent(house: House) -> None:
    await house.start(smpp=SOON)
    esme = await house.bind("jl")
    first, second, third = parts()
    held = await sent(esme, third, first)
    for sequence in held:
        assert (await esme.expect(SUBMIT_SM | RESP, match=lambda each, at=sequence: each.sequence == at)).status == 0
    assert house.smsc.of(SUBMIT_SM) == []
    await one_by_one(esme, second)
    assert [frame.body for frame in await house.smsc.wait_for(SUBMIT_SM, 3)] == parts()
    await house.end()
    assert house.logged("parts.stalled")


async def test_a_sender_that_leaves_with_its_last_answer(house: House) -> None:
    await house.start(smpp=SOON)
    for ref in (1, 2, 3):
        esme = await house.bind("jl-one")
        await one_by_one(esme, *parts(ref=ref))
        if ref == 3:
            # Gone without a word, its replies would have nowhere to go: it waits for the account.
            await esme.close()
            await house.bind("jl-one")
        else:
            assert (await esme.request(UNBIND)).status == 0
        assert [frame.body for frame in await house.smsc.wait_for(SUBMIT_SM, 3 * ref)][-3:] == parts(ref=ref)
    await house.end()


async def test_a_kill_between_parts_and_another_behind_the_last(house: House) -> None:
    await house.start(smpp=SOON)
    esme = await house.bind("jl-one")
    first, second, third = parts()
    ids = await one_by_one(esme, first, second)
    await house.kill()
    await house.start()
    esme = await house.bind("jl-one")
    # What was answered is there: the same again has the same answer, and what was missing makes it whole.
    assert await one_by_one(esme, second, first) == [ids[1], ids[0]]
    assert house.smsc.of(SUBMIT_SM) == []
    ids += await one_by_one(esme, third)
    assert [frame.body for frame in await house.smsc.wait_for(SUBMIT_SM, 3)] == parts()
    await esme.request(SUBMIT_SM, text(to=PERSONS[2]))
    await house.kill()
    await house.start()
    esme = await house.bind("jl-one")
    assert (await house.hear("jl-one", receipt("00000002"))).status == 0
    assert f"id:{ids[1]} ".encode() in (await esme.expect(DELIVER_SM)).body
    assert (await esme.request(SUBMIT_SM, text(to=PERSONS[3]))).status == 0
    assert len(house.smsc.of(SUBMIT_SM)) == 5
    await house.end()


async def test_what_may_have_gone_out_is_told_and_not_repeated(house: House) -> None:
    house.smsc.answer = answering(0, -1)
    await house.start(smpp=SOON)
    esme = await house.bind("jl-one")
    ids = await one_by_one(esme, *asking(*parts()))
    await house.smsc.wait_for(SUBMIT_SM, 3)
    # What the carrier said before this was read.
    assert (await house.hear("jl-one", reply("hi"))).status == 0
    await house.kill()
    await house.start()
    esme = await house.bind("jl-one")
    assert await receipts(esme, 1) == {ids[1]: "UNKNOWN"}
    assert len(house.smsc.of(SUBMIT_SM)) == 3
    await house.end()


async def test_a_refusal_between_the_answer_and_the_forwarding(house: House) -> None:
    house.smsc.answer = answering(THROTTLED, THROTTLED, THROTTLED)
    await house.start(smpp=SOON | {"stalled": {"retry_first_s": 1.5}})
    esme = await house.bind("jl-one")
    ids = await one_by_one(esme, *asking(*parts()))
    await house.smsc.wait_for(SUBMIT_SM, 3)
    assert (await house.hear("jl-one", reply("TD"))).status == 0
    await esme.expect(DELIVER_SM)
    assert await receipts(esme, 3) == dict.fromkeys(ids, "REJECTD")
    assert len(house.smsc.of(SUBMIT_SM)) == 3
    await house.end()
    assert [each.rule for each in house.decisions()] == ["", "suppression.active"]


async def test_a_refused_one_is_told_where_that_was_asked_for(house: House) -> None:
    await house.start(smpp=SOON)
    esme = await house.bind("jl-one")
    first, second, third = parts(to=IMPORTED)
    ids = await one_by_one(esme, *asking(first, receipt=2), *asking(second, receipt=0), *asking(third))
    assert await receipts(esme, 2) == {ids[0]: "REJECTD", ids[2]: "REJECTD"}
    assert house.smsc.of(SUBMIT_SM) == []
    state = (await esme.request(QUERY_SM, about(QUERY_SM, ids[1]))).body
    assert state == cstring(ids[1]) + b"\0" + bytes((8, 0))
    await house.end()
    assert house.refused_by() == ["suppression.active"]


@pytest.mark.parametrize("status", [THROTTLED, FULL])
async def test_what_the_carrier_refuses_for_a_while_is_tried_again(house: House, status: int) -> None:
    # The first try: one taken, two put off; the second try: one of these put off once more.
    house.smsc.answer = answering(0, status, status, 0, status)
    await house.start(smpp=SOON)
    esme = await house.bind("jl-one")
    await one_by_one(esme, *parts())
    first, second, third = parts()
    frames = await house.smsc.wait_for(SUBMIT_SM, 6)
    assert [frame.body for frame in frames] == [first, second, third, second, third, third]
    assert (await esme.request(SUBMIT_SM, text())).status == 0
    await house.end()
    assert [each.result for each in house.outcomes()] == ["rejected", "rejected"]
    # Each try is a decision, and all of it adds up.
    code, out, _ = await house.command("counts", "--json")
    (row,) = json.loads(out)["rows"]
    assert code == 0
    assert [row[key] for key in ("submitted", "permitted", "accepted", "rejected", "unknown")] == [4, 4, 2, 2, 0]


async def test_what_the_carrier_refuses_for_good_is_undelivered(house: House) -> None:
    house.smsc.answer = answering(0, FOR_GOOD, THROTTLED)
    await house.start(smpp=SOON)
    esme = await house.bind("jl-one")
    ids = await one_by_one(esme, *asking(*parts()))
    assert await receipts(esme, 2) == {ids[1]: "UNDELIV", ids[2]: "UNDELIV"}
    assert len(house.smsc.of(SUBMIT_SM)) == 3
    await house.end()


async def test_an_incomplete_one_ends_at_its_deadline(house: House) -> None:
    await house.start(smpp=SOON | {"stalled": {"deadline_s": 0.5}})
    esme = await house.bind("jl-one")
    ids = await one_by_one(esme, *asking(*parts())[:2])
    assert await receipts(esme, 2) == dict.fromkeys(ids, "REJECTD")
    assert house.smsc.of(SUBMIT_SM) == []
    await house.end()
    assert house.refused_by() == ["message.partial"]


async def test_a_conflict_refuses_what_was_answered(house: House) -> None:
    await house.start(smpp=SOON)
    esme = await house.bind("jl-one")
    ids = await one_by_one(esme, *asking(*parts())[:2])
    other = part(pieces()[1], 1, 3)
    assert (await esme.request(SUBMIT_SM, other)).status == AMBIGUOUS
    assert await receipts(esme, 2) == dict.fromkeys(ids, "REJECTD")
    assert house.smsc.of(SUBMIT_SM) == []
    await house.end()
    assert house.refused_by() == ["pdu.ambiguous"]


async def test_requests_by_id_before_and_after(house: House) -> None:
    await house.start(smpp=SOON)
    esme = await house.bind("jl-one")
    first, second, third = parts()
    ids = await one_by_one(esme, first, second)
    asked = about(QUERY_SM, ids[0])
    assert (await esme.request(QUERY_SM, asked)).body == cstring(ids[0]) + b"\0" + bytes((1, 0))
    # Nobody else's, and from no other number.
    stranger = await house.bind("yx")
    assert (await stranger.request(QUERY_SM, about(QUERY_SM, ids[0], "10690101"))).status
    assert (await esme.request(QUERY_SM, about(QUERY_SM, ids[0], "10690101"))).status
    ids += await one_by_one(esme, third)
    await house.smsc.wait_for(SUBMIT_SM, 3)

    def knows(frame: Frame, session: RawSession) -> bytes | None:
        if frame.command == QUERY_SM:
            return pdu(QUERY_SM | RESP, cstring(id_of(frame)) + b"\0" + bytes((2, 0)), sequence=frame.sequence)
        return pdu(CANCEL_SM | RESP, sequence=frame.sequence) if frame.command == CANCEL_SM else None

    house.smsc.answer = knows
    await house.session("jl-one")
    assert (await esme.request(SUBMIT_SM, text(to=PERSONS[4]))).status == 0
    assert (await esme.request(QUERY_SM, asked)).body == cstring(ids[0]) + b"\0" + bytes((2, 0))
    assert house.smsc.of(QUERY_SM)[0].body == about(QUERY_SM, "00000001")
    assert (await esme.request(CANCEL_SM, about(CANCEL_SM, ids[2]))).status == 0
    assert house.smsc.of(CANCEL_SM)[0].body == about(CANCEL_SM, "00000003")
    assert len(house.smsc.of(QUERY_SM, CANCEL_SM)) == 2
    await house.end()


async def test_a_cancel_takes_back_what_was_not_sent(house: House) -> None:
    await house.start(smpp=SOON)
    esme = await house.bind("jl-one")
    ids = await one_by_one(esme, *asking(*parts())[:2])
    assert (await esme.request(CANCEL_SM, about(CANCEL_SM, ids[1]))).status == 0
    assert await receipts(esme, 2) == dict.fromkeys(ids, "DELETED")
    assert (await esme.request(QUERY_SM, about(QUERY_SM, ids[0]))).body[-2] == 4
    assert house.smsc.of(SUBMIT_SM, CANCEL_SM, QUERY_SM) == []
    await house.end()
    assert house.refused_by() == ["message.partial"]


async def test_an_absent_sender_is_told_when_it_comes(house: House) -> None:
    await house.start(smpp=SOON | {"stalled": {"deadline_s": 0.5}})
    esme = await house.bind("jl-one", BIND_TX)
    ids = await one_by_one(esme, *asking(*parts())[:2])
    await esme.close()
    await house.event("stalled.receipt", 2)
    await house.kill()
    await house.start()
    assert await receipts(await house.bind("jl-one", BIND_RX), 2) == dict.fromkeys(ids, "REJECTD")
    await house.end()


async def test_no_room_is_told_as_such(house: House) -> None:
    await house.start(smpp=SOON | {"stalled": {"parts_most": 2}})
    esme = await house.bind("jl-one")
    first, second, third = parts()
    await one_by_one(esme, first, second)
    assert (await esme.request(SUBMIT_SM, third)).status == THROTTLED
    assert house.smsc.of(SUBMIT_SM) == []
    await house.end()
    assert house.logged("stalled.full")


async def test_nothing_of_it_is_readable_on_disk(house: House) -> None:
    await house.start(smpp=SOON)
    esme = await house.bind("jl-one")
    await one_by_one(esme, *parts()[:2])
    octets = b"".join(file.read_bytes() for file in (house.state / "spool").iterdir())
    assert octets
    for secret in (pieces()[0], PERSONS[0].encode(), b"10690001"):
        assert secret not in octets
    await house.end()


async def test_a_pool(pool: PoolHouse) -> None:
    await pool.open(smpp=SOON)
    esme = await pool.bind("pool-one")
    first, second, third = asking(*parts())
    ids = await one_by_one(esme, first, second)
    assert (await esme.request(QUERY_SM, about(QUERY_SM, ids[0]))).body == cstring(ids[0]) + b"\0" + bytes((1, 0))
    await pool.kill()
    await pool.open(smpp=SOON)
    esme = await pool.bind("pool-one")
    assert await one_by_one(esme, second) == [ids[1]]
    ids += await one_by_one(esme, third)
    smsc = await pool.carried(lambda: next((each for each in pool.carriers if len(each.of(SUBMIT_SM)) == 3), None))
    # Several binds have no order; each part's receipt is its own all the same.
    bodies = [frame.body for frame in smsc.of(SUBMIT_SM)]
    assert sorted(bodies) == sorted([first, second, third])
    for part_body, ours in zip([first, second, third], ids, strict=True):
        number = bodies.index(part_body) + 1
        assert await told(standing(smsc)[0], receipt(smsc.id_format.format(number))) == 0
        assert (await receipts(esme, 1)) == {ours: "DELIVRD"}
    await pool.end()


async def test_a_pool_tells_of_what_it_could_not_bring(pool: PoolHouse) -> None:
    pool.answer_all(answering(THROTTLED, FOR_GOOD, FOR_GOOD))
    await pool.open(smpp=SOON)
    esme = await pool.bind("pool-one", BIND_TX)
    ids = await one_by_one(esme, *asking(*parts()))
    await pool.event("stalled.receipt", 3)
    receiver = await pool.bind("pool-one", BIND_RX)
    assert await receipts(receiver, 3) == dict.fromkeys(ids, "UNDELIV")
    refused = await one_by_one(esme, *asking(*parts(to=IMPORTED, ref=4)))
    assert await receipts(receiver, 3) == dict.fromkeys(refused, "REJECTD")
    await pool.end()
