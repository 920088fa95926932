"""Counts for billing, on the real socket: what `tdgate counts` says is what both ends saw, kills included."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from proxy.evidence.counting import Count
from proxy.evidence.records import Decision, Outcome, Tally
from tests.tools.raw_esme import RawEsme
from tests.tools.raw_smsc import RawSession
from tests.tools.wire import DATA_SM, RESP, SUBMIT_MULTI, SUBMIT_SM, Frame, cstring, data_sm_body, message_body, pdu
from tests.wire.house import House, reply, text
from tests.wire.people import IMPORTED, PERSONS

pytestmark = pytest.mark.wire

QUERY_SM = 0x03
UNKNOWN_OUTCOME = 0x0460
LATER = 0x14
REJECTION = 0x4C1
SECOND = {"tally_s": 0.2}


class Carrier:
    """Answers as told by the last digit of the recipient: 1 is rejected, 2 is never answered, others are taken."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.seen: dict[str, int] = {"taken": 0, "rejected": 0, "held": 0}
        house.smsc.answer = self

    def __call__(self, frame: Frame, session: RawSession) -> bytes | None:
        if frame.command != SUBMIT_SM:
            return None
        if PERSONS[2].encode() + b"\0" in frame.body:
            self.seen["held"] += 1
            return b""
        if PERSONS[1].encode() + b"\0" in frame.body:
            self.seen["rejected"] += 1
            return pdu(SUBMIT_SM | RESP, status=REJECTION, sequence=frame.sequence)
        self.seen["taken"] += 1
        return None


async def counted(house: House, *more: str) -> tuple[int, list[dict[str, Any]]]:
    code, out, err = await house.command("counts", "--json", *more)
    assert err == ""
    found = json.loads(out)
    assert found["balanced"] is (code == 0)
    return code, found["rows"]


async def told(house: House, account: str, check: Any) -> None:
    """Waits until the tallies of an account add up as wanted."""

    def sums() -> dict[str, int]:
        mine = [one for one in house.records() if isinstance(one, Tally) and one.account == account]
        return {name: sum(getattr(one, name) for one in mine) for name in ("submitted", "accepted", "unknown")}

    async with asyncio.timeout(60):
        while True:
            if check(sums()):
                return
            # WHY a pause: a file that grows is no event one could wait for.
            await asyncio.sleep(0.02)


async def send(esme: RawEsme, taken: int, rejected: int, refused: int, held: int = 0) -> dict[int, int]:
    """Requests of each kind; the answers that came, by status."""
    for person, count in ((PERSONS[0], taken), (PERSONS[1], rejected), (IMPORTED, refused), (PERSONS[2], held)):
        for _ in range(count):
            await esme.submit(SUBMIT_SM, text(to=person))
    statuses: dict[int, int] = {}
    for _ in range(taken + rejected + refused):
        status = (await esme.expect(SUBMIT_SM | RESP)).status
        statuses[status] = statuses.get(status, 0) + 1
    return statuses


def row(rows: list[dict[str, Any]], account: str) -> dict[str, Any]:
    (found,) = [one for one in rows if one["account"] == account]
    return found


ZEROS = {name: 0 for name in Count.__struct_fields__ if name not in ("day", "account", "route")}


def is_row(found: dict[str, Any], **wanted: int) -> bool:
    figures = {name: found[name] for name in ZEROS}
    assert figures == ZEROS | wanted
    return True


async def test_every_request_is_counted_once_and_as_both_ends_saw_it(house: House) -> None:
    carrier = Carrier(house)
    await house.start(evidence=SECOND, route={"on_loss": "hold"}, routes={"second": {"port": house.smsc.port}})
    esme, other, slow = await house.bind("jl"), await house.bind("jl-b"), await house.bind("jl-rate")
    assert await send(esme, 5, 2, 3, held=4) == {0: 5, REJECTION: 2, 0x0429: 3}
    assert await send(other, 2, 0, 1) == {0: 2, 0x0429: 1}
    # Deferrals: more than its rate.
    for _ in range(8):
        await slow.submit(SUBMIT_SM, text())
    statuses = [(await slow.expect(SUBMIT_SM | RESP)).status for _ in range(8)]
    deferred = sum(status != 0 for status in statuses)
    assert deferred
    # What is no message is not counted: a query, and octets that cannot be read.
    await esme.request(QUERY_SM, cstring("nobody") + b"\1\1" + cstring("10690001"))
    await house.hear("jl", reply("hello"))
    # While the carrier is open, four wait; then it is gone, and nobody knows.
    await told(house, "jl", lambda sums: sums["submitted"] == 14)
    _, rows = await counted(house, "--account", "jl")
    assert row(rows, "jl")["open"] == 4
    await house.smsc.close()
    for _ in range(4):
        assert (await esme.expect(SUBMIT_SM | RESP)).status == UNKNOWN_OUTCOME
    assert (await esme.request(SUBMIT_SM, text())).status == LATER
    await house.end()
    code, rows = await counted(house)
    assert code == 0
    assert is_row(
        row(rows, "jl"), submitted=15, permitted=11, refused=3, deferred=1, accepted=5, rejected=2, unknown=4, replies=1
    )
    assert is_row(row(rows, "jl-b"), submitted=3, permitted=2, refused=1, accepted=2)
    assert is_row(row(rows, "jl-rate"), submitted=8, permitted=8 - deferred, deferred=deferred, accepted=8 - deferred)
    assert (row(rows, "jl")["route"], row(rows, "jl-b")["route"]) == ("default", "second")
    assert sum(one["permitted"] for one in rows) == sum(carrier.seen.values())
    assert sum(one["accepted"] for one in rows) == carrier.seen["taken"]
    assert sum(one["rejected"] for one in rows) == carrier.seen["rejected"]


async def test_after_a_kill_nothing_is_lost_and_what_nobody_knows_is_unknown(house: House) -> None:
    carrier = Carrier(house)
    await house.start(evidence=SECOND)
    esme = await house.bind("jl")
    await send(esme, 4, 1, 2, held=1)
    await told(house, "jl", lambda sums: sums["submitted"] == 8 and sums["accepted"] == 4)
    await house.kill()
    # Told before the kill: known for good, but for the one that was open.
    code, rows = await counted(house)
    assert (code, row(rows, "jl")["open"]) == (0, 1)
    # Another run that never comes to tell: its first Tally is all it has, and Decisions say the rest.
    await house.start(evidence={"tally_s": 3600.0})
    esme = await house.bind("jl")
    await send(esme, 3, 2, 1, held=2)
    await house.record(lambda one: isinstance(one, Decision) and one.account == "jl", 8 + 8)
    await house.record(lambda one: getattr(one, "result", "") == "rejected", 3)
    await house.kill()
    await house.start(evidence={"tally_s": 3600.0})
    esme = await house.bind("jl")
    await send(esme, 1, 0, 0)
    await house.end()
    code, rows = await counted(house)
    assert code == 0
    found = row(rows, "jl")
    assert carrier.seen == {"taken": 8, "rejected": 3, "held": 3}
    # Of the second run's three acceptances nothing was told: they are unknown with those that were never answered.
    assert is_row(found, submitted=17, permitted=14, refused=3, accepted=5, rejected=3, unknown=6, recovered=1 + 8)
    assert found["route"] == "default"
    _, only = await counted(house, "--day", found["day"], "--account", "jl")
    assert only == rows
    assert await counted(house, "--day", "2020-01-01") == (0, [])


OFFER = "【江澜银行】优惠，回T退订".encode("utf-16-be")


def part(number: int, ref: int, to: str) -> bytes:
    """One of two parts of a long message."""
    half = OFFER[:16] if number == 1 else OFFER[16:]
    return message_body("10690001", to, bytes([5, 0, 3, ref, 2, number]) + half, data_coding=8, esm_class=0x40)


def to_all(*persons: str) -> bytes:
    """A submit_multi."""
    listed = b"".join(b"\1\1\1" + cstring(one) for one in persons)
    head = cstring("") + bytes([0, 0]) + cstring("10690001") + bytes([len(persons)]) + listed
    return head + bytes(3) + cstring("") + cstring("") + bytes([1, 0, 8, 0, len(OFFER)]) + OFFER


async def test_parts_destinations_and_data_sm_are_counted_by_the_message(house: House) -> None:
    Carrier(house)
    await house.start(evidence=SECOND, smpp={"parts_quiet_ms": 15_000}, route={"on_loss": "hold"})
    esme, second = await house.bind("jl"), await house.bind("jl")
    # Long messages: taken over two binds, rejected in both parts, refused whole; one of which nobody knows.
    for ref, person in enumerate((PERSONS[0], PERSONS[1], IMPORTED, PERSONS[2])):
        for number, bind in ((1, esme), (2, second)):
            await bind.submit(SUBMIT_SM, part(number, ref, person))
    for bind in (esme, second):
        statuses = sorted([(await bind.expect(SUBMIT_SM | RESP)).status for _ in range(3)])
        assert statuses == [0, 0x0429, REJECTION]
    # One of each kind of destination, and a data_sm.
    assert (await esme.request(SUBMIT_MULTI, to_all(PERSONS[0], PERSONS[3], IMPORTED))).status == 0
    assert (await esme.request(DATA_SM, data_sm_body("10690001", PERSONS[0], OFFER, data_coding=8))).status == 0
    wanted = {"submitted": 8, "permitted": 6, "refused": 2}
    await told(house, "jl", lambda sums: sums["submitted"] == 8 and sums["accepted"] == 4)
    _, rows = await counted(house)
    assert is_row(row(rows, "jl"), **wanted, accepted=4, rejected=1, open=1)
    await house.smsc.close()
    for bind in (esme, second):
        assert (await bind.expect(SUBMIT_SM | RESP)).status == UNKNOWN_OUTCOME
    await house.end()
    code, rows = await counted(house)
    assert code == 0
    assert is_row(row(rows, "jl"), **wanted, accepted=4, rejected=1, unknown=1)
    # One end for each message that had another than the ordinary one.
    ends = [one.id for one in house.records() if isinstance(one, Outcome)]
    assert len(ends) == len(set(ends)) == 2


async def test_after_a_kill_a_long_message_is_still_one(house: House) -> None:
    Carrier(house)
    await house.start(evidence={"tally_s": 3600.0}, smpp={"parts_quiet_ms": 15_000})
    esme = await house.bind("jl")
    for ref, person in enumerate((PERSONS[0], PERSONS[1], IMPORTED)):
        for number in (1, 2):
            await esme.submit(SUBMIT_SM, part(number, ref, person))
        for _ in range(2):
            await esme.expect(SUBMIT_SM | RESP)
    await house.record(lambda one: isinstance(one, Decision) and one.account == "jl", 3)
    await house.record(lambda one: getattr(one, "result", "") == "rejected", 1)
    await house.kill()
    await house.start(evidence=SECOND)
    await house.end()
    code, rows = await counted(house)
    assert code == 0
    assert is_row(row(rows, "jl"), submitted=3, permitted=2, refused=1, rejected=1, unknown=1, recovered=3)
