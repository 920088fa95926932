"""A side that dies or is late: every request is answered once, unknown outcomes are on record, receipts find home."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from tests.tools.chaos import Chaos
from tests.tools.raw_esme import RawEsme
from tests.tools.raw_smsc import RawSession
from tests.tools.wire import (
    BIND_TRX,
    DELIVER_SM,
    ENQUIRE_LINK,
    RESP,
    SUBMIT_SM,
    UNBIND,
    Frame,
    cstring,
    pdu,
    read_message,
    receipt_text,
)
from tests.wire.bystander import Bystander
from tests.wire.house import House, reply, text
from tests.wire.people import PASSWORD, PERSONS

pytestmark = pytest.mark.wire

UNKNOWN_OUTCOME, LATER, NOT_NOW, REFUSED = 0x0460, 0x14, 0x64, 0x0429
WINDOW = 25


class Holding:
    """A carrier that takes messages and does not answer them."""

    def __init__(self, house: House) -> None:
        self.held: list[Frame] = []
        self._house = house
        house.smsc.answer = self

    def __call__(self, frame: Frame, _session: RawSession) -> bytes | None:
        if frame.command != SUBMIT_SM:
            return None
        self.held.append(frame)
        return b""

    async def full(self, count: int) -> None:
        await self._house.smsc.wait(lambda: len(self.held) >= count)


async def fill(esmes: list[RawEsme], count: int = WINDOW) -> None:
    for esme in esmes:
        for number in range(count):
            await esme.submit(SUBMIT_SM, text(to=PERSONS[number % 5]))


def answers(esme: RawEsme) -> Counter[tuple[int, int]]:
    """How many answers each sequence got, by status."""
    return Counter((one.sequence, one.status) for one in esme.received if one.command == SUBMIT_SM | RESP)


@pytest.mark.parametrize("how", ["reset", "close"])
@pytest.mark.parametrize("on_loss", ["close", "hold"])
async def test_the_smsc_is_killed_with_full_windows(on_loss: str, how: str, house: House) -> None:
    carrier = Holding(house)
    await house.start(route={"on_loss": on_loss})
    esmes = [await house.bind(name) for name in ("jl", "jl", "jl-std")]
    sessions = list(house.smsc.sessions)
    await fill(esmes)
    await carrier.full(3 * WINDOW)
    # A few were answered before it died, the rest nobody knows.
    for session in sessions:
        first = next(one for one in session.received if one.command == SUBMIT_SM)
        await session.send(pdu(SUBMIT_SM | RESP, cstring("known"), sequence=first.sequence))
    for esme in esmes:
        assert (await esme.expect(SUBMIT_SM | RESP)).status == 0
    await house.smsc.close(reset=how == "reset")
    for esme, status in zip(esmes, (UNKNOWN_OUTCOME, UNKNOWN_OUTCOME, 0x45), strict=True):
        for _ in range(WINDOW - 1):
            assert (await esme.expect(SUBMIT_SM | RESP)).status == status
        assert set(answers(esme).values()) == {1}
        assert sum(answers(esme).values()) == WINDOW
    await house.event("carrier.lost", 3)
    if on_loss == "close":
        for esme in esmes:
            await esme.wait_closed()
    else:
        for esme in esmes:
            assert (await esme.request(SUBMIT_SM, text())).status == LATER
    # It comes back; what it delivered in the meantime is told at last.
    house.smsc.answer = None
    await house.smsc.listen()
    if on_loss == "close":
        esmes = [await house.bind(name) for name in ("jl", "jl", "jl-std")]
    else:
        await house.status(
            lambda one: len(one["binds"]) == 3 and all(bind["state"] == "bound" for bind in one["binds"]), fresh=True
        )
    assert (await house.hear("jl", reply(receipt_text("late-1").decode(), esm_class=4))).status == 0
    assert (await house.hear("jl-std", reply(receipt_text("late-2").decode(), esm_class=4))).status == 0
    assert b"late-2" in read_message(await esmes[2].expect(DELIVER_SM)).short_message
    for esme in esmes:
        assert (await esme.request(SUBMIT_SM, text())).status == 0
    await house.end()
    unknown = [one for one in house.outcomes() if one.result == "unknown"]
    assert len(unknown) == len({one.id for one in unknown}) == 3 * (WINDOW - 1)
    assert {one.id for one in unknown} < {one.id for one in house.decisions() if not one.rule}


async def test_a_held_bind_is_brought_back_with_growing_pauses(house: House) -> None:
    await house.start(route={"on_loss": "hold", "backoff_first_s": 0.05, "backoff_most_s": 0.1})
    esme = await house.bind("jl")
    await house.smsc.close()
    # Nobody listens: it tries again and again, and answers the ESME meanwhile, link requests too.
    await house.event("carrier.unreachable", 3)
    assert (await esme.request(SUBMIT_SM, text())).status == LATER
    assert (await esme.request(ENQUIRE_LINK)).status == 0
    # It listens and refuses: that is no reason to give up either.
    house.smsc.bind_status = 0x0D
    await house.smsc.listen()
    await house.event("carrier.refused", 2)
    assert (await esme.request(SUBMIT_SM, text())).status == LATER
    house.smsc.bind_status = 0
    await house.event("carrier.connected", 2)
    await house.status(lambda one: one["binds"] and one["binds"][0]["state"] == "bound", fresh=True)
    assert (await esme.request(SUBMIT_SM, text())).status == 0
    # The same bind PDU as the ESME's own.
    binds = house.smsc.of(BIND_TRX)
    assert len({one.body for one in binds}) == 1
    await house.end()
    assert house.refused_by() == ["internal.upstream"] * 2


async def test_a_held_bind_whose_esme_goes_is_not_brought_back(house: House) -> None:
    await house.start(route={"on_loss": "hold"})
    esme = await house.bind("jl")
    await house.smsc.close()
    await house.event("carrier.unreachable")
    assert (await esme.request(UNBIND)).status == 0
    await house.status(lambda one: one["binds"] == [], fresh=True)
    await house.smsc.listen()
    assert [one for one in house.smsc.sessions if not one.closed.is_set()] == []
    await house.end()


async def test_esmes_killed_with_full_windows_crash_nothing(house: House) -> None:
    carrier = Holding(house)
    await house.start()
    async with Bystander(house, "yx", "10690101") as bystander:
        house.smsc.answer = lambda one, of: None if of.system_id == "yx" else carrier(one, of)
        esmes = [await house.bind("jl", auto=()) for _ in range(3)]
        sessions = [one for one in house.smsc.sessions if one.system_id == "jl"]
        await fill(esmes)
        await carrier.full(3 * WINDOW)
        # And in the other direction: replies and receipts that these ESMEs never answer.
        delivered = []
        for session in sessions:
            for number in range(WINDOW):
                body = (
                    reply("hello")
                    if number % 2
                    else reply(receipt_text(f"r{number}").decode(), person="8613900000000", esm_class=4)
                )
                delivered.append((session, await session.deliver(body)))
        for esme in esmes:
            for _ in range(WINDOW):
                await esme.expect(DELIVER_SM)
            esme.abort()
        # The carrier shall deliver these again.
        for session, sequence in delivered:
            assert (await session.answered(sequence)).status == NOT_NOW
        await bystander.goes_on()
        # A reply to a dead ESME: the refusal binds, and the carrier keeps the reply.
        sequence = await sessions[0].deliver(reply("TD", person=PERSONS[6]))
        assert (await sessions[0].answered(sequence)).status == NOT_NOW
        # Late answers of the carrier close the books, then tdgate unbinds.
        for session in sessions:
            for frame in [one for one in session.received if one.command == SUBMIT_SM]:
                status = 0 if frame.sequence % 2 else 0x4C1
                await session.send(pdu(SUBMIT_SM | RESP, cstring("m"), status=status, sequence=frame.sequence))
        await house.smsc.wait(lambda: all(one.closed.is_set() for one in sessions))
        # The next bind gets what was kept.
        again = await house.bind("jl")
        assert (await house.hear("jl", reply(receipt_text("m").decode(), esm_class=4))).status == 0
        assert b"id:m" in read_message(await again.expect(DELIVER_SM)).short_message
        assert (await again.request(SUBMIT_SM, text(to=PERSONS[6]))).status == REFUSED
        await bystander.goes_on()
    await house.end()
    rejected = [one for one in house.outcomes() if one.result == "rejected"]
    assert len(rejected) == 3 * (WINDOW // 2)
    assert {one.status for one in rejected} == {0x4C1}
    assert [one.result for one in house.outcomes() if one.result != "rejected"] == []


async def test_both_sides_die_at_once(house: House) -> None:
    carrier = Holding(house)
    await house.start()
    esmes = [await house.bind("jl") for _ in range(3)]
    await fill(esmes)
    await carrier.full(3 * WINDOW)
    for esme in esmes:
        esme.abort()
    await house.smsc.close()
    await house.status(lambda one: one["binds"] == [], fresh=True)
    house.smsc.answer = None
    await house.smsc.listen()
    assert (await (await house.bind("jl")).request(SUBMIT_SM, text())).status == 0
    await house.end()
    assert Counter(one.result for one in house.outcomes()) == {"unknown": 3 * WINDOW}


async def test_a_late_carrier_is_told_apart_from_a_silent_one(house: House) -> None:
    carrier = Holding(house)
    await house.start(smpp={"response_timer_s": 1.0})
    esme = await house.bind("jl")
    session = await house.session("jl")
    await fill([esme], 6)
    await carrier.full(6)
    for _ in range(6):
        assert (await esme.expect(SUBMIT_SM | RESP)).status == UNKNOWN_OUTCOME
    assert len(await house.event("response.timeout", 6)) == 6
    # Late: recorded, and nothing is answered twice. A second one to the same is a duplicate.
    for frame in carrier.held[:4]:
        await session.send(pdu(SUBMIT_SM | RESP, cstring(f"late{frame.sequence}"), sequence=frame.sequence) * 2)
    await house.event("response.unsolicited", 4)
    await house.event("response.late", 4)
    assert (await house.hear("jl", reply(receipt_text("late1").decode(), esm_class=4))).status == 0
    assert b"late1" in read_message(await esme.expect(DELIVER_SM)).short_message
    assert not esme.closed.is_set()
    house.smsc.answer = None
    assert (await esme.request(SUBMIT_SM, text())).status == 0
    assert set(answers(esme).values()) == {1}
    await house.end()
    results = Counter(one.result for one in house.outcomes())
    assert results == {"unknown": 6, "late": 4}


async def test_a_late_esme_gives_its_delivery_back_to_the_carrier(house: House) -> None:
    await house.start(smpp={"response_timer_s": 1.0})
    esme = await house.bind("jl", auto=())
    session = await house.session("jl")
    sequence = await session.deliver(reply("hello"))
    seen = await esme.expect(DELIVER_SM)
    assert (await session.answered(sequence)).status == NOT_NOW
    await esme.send(pdu(DELIVER_SM | RESP, b"\0", sequence=seen.sequence))
    await house.event("response.unsolicited")
    assert len([one for one in session.received if one.command == DELIVER_SM | RESP]) == 1
    assert (await esme.request(SUBMIT_SM, text())).status == 0
    await house.end()


async def test_a_td_whose_carrier_dies_before_the_answer_binds_and_stays(house: House) -> None:
    await house.start()
    esme = await house.bind("jl", auto=())
    session = await house.session("jl")
    await session.deliver(reply("TD"))
    await esme.expect(DELIVER_SM)
    session.drop()
    await esme.wait_closed()
    # The carrier sends it again on its next bind.
    esme = await house.bind("jl")
    assert (await house.hear("jl", reply("TD"))).status == 0
    assert (await esme.request(SUBMIT_SM, text())).status == REFUSED
    await house.end()
    assert len(house.suppressions()) == 2


async def test_a_td_under_way_is_answered_before_its_bind_is_unbound(house: House) -> None:
    """The ESME goes while its persons' TDs are being written: the carrier has an answer to each before the unbind."""
    await house.start()
    for turn in range(8):
        esme = await house.bind("jl")
        session = await house.session("jl")
        sequences = [await session.deliver(reply("TD", person=f"86139{turn:04d}{one:04d}")) for one in range(6)]
        # The answer says that the TDs before it were read.
        await session.send(pdu(ENQUIRE_LINK, sequence=9000))
        await house.smsc.wait(lambda session=session: any(f.command == ENQUIRE_LINK | RESP for f in session.received))
        esme.abort()
        await house.smsc.wait(session.closed.is_set)
        heard = [frame.sequence for frame in session.received if frame.command == DELIVER_SM | RESP]
        assert sorted(heard) == sequences
        assert session.received[-1].command == UNBIND
    await house.end()


@pytest.mark.parametrize("octets", [1, 19], ids=str)
async def test_a_carrier_that_sends_in_pieces_is_read_all_the_same(octets: int, house: House) -> None:
    async with Chaos(house.smsc.port) as chaos:
        chaos.up.fragment(octets)
        chaos.down.fragment(octets)
        await house.start(route={"port": chaos.port})
        esme = await house.bind("jl")
        for _ in range(5):
            assert (await esme.request(SUBMIT_SM, text())).status == 0
        assert (await house.hear("jl", reply("TD"))).status == 0
        assert (await esme.request(SUBMIT_SM, text())).status == REFUSED
        await house.end()


async def test_a_carrier_cut_off_within_an_answer_leaves_no_request_without_one(house: House) -> None:
    async with Chaos(house.smsc.port) as chaos:
        chaos.down.cut_after_pdus(6, extra_octets=9)  # the bind's answer, five more, and the beginning of the next
        await house.start(route={"port": chaos.port})
        esme = await house.bind("jl")
        await fill([esme], 12)
        await esme.wait_closed()
        counted = Counter(status for (_, status), count in answers(esme).items() for _ in range(count))
        assert counted == {0: 5, UNKNOWN_OUTCOME: 7}
        await house.end()


async def test_an_esme_that_does_not_read_holds_up_nobody(house: House) -> None:
    """It fills the buffers of its own connection; reading of its carrier stops, and others go on."""
    await house.start(route={"window": 50})
    async with Bystander(house) as bystander:
        deaf = await house.bind("jl", auto=())
        session = await house.session("jl")
        deaf.pause_reading()
        body = reply("x" * 150)
        sent = 0
        with_limit = asyncio.create_task(_deliver_for_ever(session, body))
        await bystander.goes_on(200)
        sent = session.sequence
        assert sent > 50
        with_limit.cancel()
        # No more than its window is open towards it; the rest waits at the carrier.
        deaf.resume_reading()
        for _ in range(50):
            await deaf.expect(DELIVER_SM)
        assert len([one for one in deaf.received if one.command == DELIVER_SM]) == 50
        await bystander.goes_on()
    await house.end()


async def test_an_esme_that_is_not_read_for_its_carriers_sake_is_not_cut_for_it(house: House) -> None:
    """Half of its fourth PDU was read, the other half waits in tdgate's own socket, longer than the timer for PDUs."""
    await house.start(smpp={"pdu_timer_s": 0.4, "enquire_link_timer_s": 0.4}, route={"window": 2})
    holding = Holding(house)
    esme, stalled = await house.bind("jl"), await house.bind("jl-two")
    fourth = pdu(SUBMIT_SM, text(), sequence=104)
    await esme.send(b"".join(pdu(SUBMIT_SM, text(), sequence=each) for each in (101, 102, 103)) + fourth[:40])
    await holding.full(2)
    await esme.send(fourth[40:])
    # This one began its PDU later, and is cut: so the other's time is over as well.
    await stalled.send(fourth[:40])
    await stalled.wait_closed()
    house.smsc.answer = None
    session = await house.session("jl")
    for frame in holding.held[:2]:
        await session.send(house.smsc.ordinary(frame))
    assert [(await esme.expect(SUBMIT_SM | RESP)).sequence for _ in range(4)] == [101, 102, 103, 104]
    await house.end()
    assert len(house.logged("connection.stalled")) == 1


async def _deliver_for_ever(session: RawSession, body: bytes) -> None:
    while True:
        await session.deliver(body)
        await asyncio.sleep(0)


async def test_many_binds_at_once_stall_nobody(house: House) -> None:
    await house.start(smpp={"session_init_timer_s": 30.0})
    names = [f"{name}" for name in ("jl", "jl-two", "yx", "xq") for _ in range(45)]
    async with Bystander(house) as bystander:
        first = [await house.bind(name) for name in ("jl", "jl-two", "yx", "xq")]
        esmes = [await house.connect() for _ in names]
        answered = asyncio.gather(
            *(esme.bind(name, PASSWORD) for esme, name in zip(esmes, names, strict=True)), return_exceptions=False
        )
        await bystander.goes_on(5)
        assert Counter(one.status for one in await answered) == {0: len(names)}
        for esme in first:
            assert (await esme.request(ENQUIRE_LINK)).status == 0
    await house.end()
