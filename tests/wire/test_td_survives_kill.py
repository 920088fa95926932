"""tdgate is killed with -9 in the middle of a stream of TDs, again and again: no acknowledged TD is ever lost.

Several houses are killed side by side, since the start of a process is what takes the time. In each round the carrier
keeps a window of TDs open, each from another person; at a random acknowledgement the process is killed. After the next
start everybody who was acknowledged is refused on the wire, and in the end each stands in the evidence, which is sound.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from proxy.evidence.records import Gap
from proxy.registry.keys import load_person_key
from tests.tools.raw_smsc import RawSession
from tests.tools.wire import DELIVER_SM, RESP, SUBMIT_SM, Frame, pdu
from tests.wire.house import House, reply, text

pytestmark = [pytest.mark.wire, pytest.mark.long]

LANES = 4
WINDOW = 12
MOST_ACKNOWLEDGED = 60
LONGEST_PAUSE_S = 0.006
REFUSED = 0x0429


@dataclass
class Tally:
    """What came of it, over all lanes."""

    kills: int = 0
    open_at_kill: int = 0
    acknowledged: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


class Stream:
    """A carrier that keeps `WINDOW` TDs open on one bind; `acknowledged` are the persons whose TD was answered."""

    def __init__(self, session: RawSession, persons: Iterator[str]) -> None:
        self.acknowledged: list[str] = []
        self._session, self._persons = session, persons
        self._open: dict[int, str] = {}
        self._read = 0
        self._sequences = itertools.count(1000)

    async def fill(self) -> None:
        while len(self._open) < WINDOW:
            sequence, person = next(self._sequences), next(self._persons)
            self._open[sequence] = person
            await self._session.send(pdu(DELIVER_SM, reply("TD", person=person), sequence=sequence))

    @property
    def open(self) -> int:
        return len(self._open)

    def take(self) -> bool:
        """Takes the answers that came; whether there were any."""
        new: list[Frame] = self._session.received[self._read :]
        self._read += len(new)
        for frame in new:
            if frame.command == DELIVER_SM | RESP and (person := self._open.pop(frame.sequence, "")):
                assert frame.status == 0, frame
                self.acknowledged.append(person)
        return bool(new)


async def acknowledged_until_killed(
    house: House, persons: Iterator[str], kill_after: int, pause_s: float, tally: Tally
) -> list[str]:
    """One round on a running process; who was acknowledged."""
    await house.bind("jl")
    session = await house.session("jl")
    stream = Stream(session, persons)
    await stream.fill()
    while len(stream.acknowledged) < kill_after:
        await house.smsc.wait(stream.take)
        await stream.fill()
    # WHY a pause: so that the kill meets every step between a TD that is read and one that is answered.
    await asyncio.sleep(pause_s)
    await house.kill()
    # What had left the process before it died counts: the carrier has it.
    await house.smsc.wait(session.closed.is_set)
    stream.take()
    tally.kills += 1
    tally.open_at_kill += stream.open
    return stream.acknowledged


async def not_refused(house: House, persons: list[str]) -> list[str]:
    """Whom the process would still let a message go to."""
    esme = await house.bind("jl-two")
    asked = {await esme.submit(SUBMIT_SM, text(to=person)): person for person in persons}
    passed = []
    for _ in persons:
        answer = await esme.expect(SUBMIT_SM | RESP)
        person = asked.pop(answer.sequence)
        if answer.status != REFUSED:
            passed.append(person)
    await esme.close()
    return passed


async def one_lane(lane: int, kills: int, template: Path, folder: Path, tally: Tally) -> None:
    moments = random.Random(lane)
    persons = (f"861{30 + lane}{number:08d}" for number in itertools.count())
    everybody: list[str] = []
    async with House(template, folder) as house:
        house.configure(evidence={"segment_octets": 200_000})
        before: list[str] = []
        for _ in range(kills):
            await house.start()
            tally.lost += await not_refused(house, before)
            kill_after, pause_s = moments.randint(1, MOST_ACKNOWLEDGED), moments.uniform(0, LONGEST_PAUSE_S)
            before = await acknowledged_until_killed(house, persons, kill_after, pause_s, tally)
            everybody += before
        house.check_evidence()
        await house.start()
        for at in range(0, len(everybody), 400):
            tally.lost += await not_refused(house, everybody[at : at + 400])
        await house.end()
        key = load_person_key(house.state / "keys/person.key").person_key
        recorded = {one.person for one in house.suppressions()}
        tally.lost += [person for person in everybody if key.digest(person) not in recorded]
        assert len([one for one in house.records() if isinstance(one, Gap) and one.reason == "unclean"]) == kills
        tally.acknowledged += everybody


async def kill_often(kills: int, template: Path, folder: Path) -> Tally:
    tally = Tally()
    async with asyncio.TaskGroup() as lanes:
        for lane in range(LANES):
            lanes.create_task(one_lane(lane, kills // LANES, template, folder / f"lane{lane}", tally))
    return tally


async def test_no_acknowledged_td_is_lost_in_a_hundred_kills(
    template: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    tally = await kill_often(100, template, tmp_path)
    record_property("kills", tally.kills)
    record_property("acknowledged", len(tally.acknowledged))
    record_property("open_at_kill", tally.open_at_kill)
    assert tally.lost == []
    assert tally.kills == 100
    assert len(tally.acknowledged) == len(set(tally.acknowledged)) > 1500
    # Kills in the middle of a stream, not after its end.
    assert tally.open_at_kill > 300


@pytest.mark.soak
async def test_nor_in_a_thousand(template: Path, tmp_path: Path) -> None:
    tally = await kill_often(1000, template, tmp_path)
    assert tally.lost == []
    assert tally.kills == 1000
    assert len(tally.acknowledged) > 15_000
