"""Hours and caps of several packs, asked of the policy with a warm memo, against a list of everything that happened.

The clock runs over midnight and over changes of daylight saving time, steps back, and the process restarts from what it
put on record. The oracle keeps each contact and goes through all of them at each question; hours it reads off the wall.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from proxy.core.bound import Shelf
from proxy.core.contacts import Contacts
from proxy.core.decision import Permit
from proxy.core.pack import Cap, Hours, Pack
from proxy.core.purposes import PURPOSE_BITS, Channel
from proxy.core.snapshot import Snapshot
from proxy.judging.contact_book import ContactBook
from proxy.policy import evaluate
from proxy.store.contact_log import ContactLog
from tests.rules.cases import COLLECTION
from tests.rules.scene import BOTH, DAY_S, PERSON_KEY, build
from tests.tools.example_budget import examples
from tests.tools.slotted import changed

pytestmark = pytest.mark.unit

HOUR_S = 3600
STEPS = 250
#: Whose wall is looked at: China, and New York, where clocks go forward on 2025-03-09 and back on 2025-11-02.
PEOPLE = {"8613800138000": "Asia/Shanghai", "12125550123": "America/New_York"}
BEGINS = {
    "midnight": datetime(2025, 6, 1, 15, 30, tzinfo=UTC).timestamp(),
    "forward": datetime(2025, 3, 9, 6, 0, tzinfo=UTC).timestamp(),
    "back": datetime(2025, 11, 2, 4, 30, tzinfo=UTC).timestamp(),
}


class Rule(Struct, frozen=True):
    """One pack as the oracle reads it: open from minute to minute, and caps of (most, seconds, channels)."""

    opens: int
    closes: int
    caps: tuple[tuple[int, int, frozenset[Channel]], ...]


RULES = {
    "base": Rule(8 * 60, 22 * 60, ((3, DAY_S, BOTH),)),
    "other": Rule(0, 23 * 60 + 30, ((2, 30 * HOUR_S, frozenset(("sms",))), (4, 2 * DAY_S, BOTH))),
}


def pack_of(name: str, rule: Rule) -> Pack:
    hours = {("collection", channel): Hours(rule.opens, rule.closes) for channel in BOTH}
    caps = tuple(Cap("collection", channels, most, window_s) for most, window_s, channels in rule.caps)
    return Pack(name, 1, region="CN", hours=hours, caps=caps)  # type: ignore[arg-type]


LONGEST_S = max(window_s for rule in RULES.values() for _, window_s, _ in rule.caps)
BASE, OTHER = (pack_of(name, rule) for name, rule in RULES.items())


def steps_of(chance: Random) -> Iterator[tuple[object, ...]]:
    """What happens next: mostly questions, and where hours and windows end more often than elsewhere."""
    for _ in range(STEPS):
        person = chance.choice(sorted(PEOPLE))
        offset = chance.choice((-30.0, -0.5, 0.0, 0.5, 30.0))
        match chance.randrange(16):
            case 0:
                yield "wall", person, chance.choice((0, 60, 8 * 60, 22 * 60)), offset
            case 1:
                yield "window", chance.choice((DAY_S, 30 * HOUR_S, 2 * DAY_S)), offset
            case 2:
                yield "clock", chance.choice((0.4, 59.0, 900.0, HOUR_S * 1.0, HOUR_S * 5.0))
            case 3:
                yield "clock", chance.choice((-0.6, -2.0, -60.0, -1800.0))
            case 4:
                yield ("refused by the carrier",)
            case 5 if chance.random() < 0.5:
                yield ("restart",)
            case _:
                yield "ask", person, chance.choice(sorted(BOTH))


def next_wall(now: float, zone: str, minute: int) -> float:
    """The next moment at which a clock on this wall shows a minute of the day."""
    at = now - now % 60 + 60
    while True:
        local = datetime.fromtimestamp(at, ZoneInfo(zone))
        if local.hour * 60 + local.minute == minute:
            return at
        at += 60


class Oracle:
    """Everything that happened, and the walls of both places.

    What was out of every window when something was counted, or at a restart, may be forgotten: only for a clock that
    steps back behind it afterwards does that make a difference (docs/adr/0027), and then both answers are right.
    """

    def __init__(self) -> None:
        self.contacts: list[tuple[str, Channel, float]] = []
        self._forgotten = 0.0

    def forget(self, now: float) -> None:
        self._forgotten = max(self._forgotten, now - LONGEST_S)

    def answers(self, person: str, channel: Channel, now: float) -> set[str]:
        kept = [one for one in self.contacts if ceil(one[2]) > self._forgotten]
        return {self._answer(self.contacts, person, channel, now), self._answer(kept, person, channel, now)}

    def _answer(self, contacts: list[tuple[str, Channel, float]], person: str, channel: Channel, now: float) -> str:
        local = datetime.fromtimestamp(now, ZoneInfo(PEOPLE[person]))
        minute = local.hour * 60 + local.minute
        if not all(rule.opens <= minute < rule.closes for rule in RULES.values()):
            return "hours.closed"
        for most, window_s, channels in self._caps(channel):
            # A contact leaves its window to the second, never early; one that lies ahead of the clock counts.
            found = [at for who, by, at in contacts if who == person and by in channels and ceil(at) + window_s > now]
            if len(found) >= most:
                return "frequency.cap"
        return ""

    def _caps(self, channel: Channel) -> Iterator[tuple[int, int, frozenset[Channel]]]:
        return (cap for rule in RULES.values() for cap in rule.caps if channel in cap[2])


class House:
    """The policy with its contacts on record, as a process has them."""

    def __init__(self, folder: Path, now: float) -> None:
        self._folder = folder
        self._latest: tuple[int, tuple[str, Channel, float]] | None = None
        self.asked = 0
        self.start(now)

    def start(self, now: float) -> None:
        contacts = Contacts((*BASE.caps, *OTHER.caps))
        self._log = ContactLog.open(self._folder, 1, contacts, now, octets=256)
        self.book = ContactBook(contacts, PERSON_KEY, self._log.append)
        self.request, snapshot, _ = build(COLLECTION.but("pack", BASE).but("shelf", Shelf((OTHER,))))
        self.snapshot: Snapshot = replace(snapshot, contacts=contacts)

    def restart(self, now: float) -> None:
        self._log.close()
        self.start(now)

    def answer(self, person: str, channel: Channel, now: float) -> tuple[str, int]:
        self.asked += 1
        request = changed(
            self.request, id=self.asked, recipient=person, channel=channel, received_at=now, has_receiver=True
        )
        verdict = evaluate(request, self.snapshot, now)
        decision = verdict.decision
        if isinstance(verdict, Permit):
            bit = PURPOSE_BITS["collection", channel]
            assert self.book.bit_of(decision.ground) == bit
            self.book.permitted(bit, decision, now)
        return decision.rule, self.asked

    def close(self) -> None:
        self._log.close()


@settings(max_examples=examples(0.5), deadline=None)
@given(st.sampled_from(sorted(BEGINS)), st.integers(0, 1 << 32))
def test_the_policy_says_what_a_list_of_everything_says(begin: str, seed: int) -> None:
    now, oracle = BEGINS[begin], Oracle()
    permitted: dict[int, tuple[str, Channel, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder), now)
        for step in steps_of(Random(seed)):
            match step:
                case ("clock", float() as by):
                    now += by
                case ("wall", str() as person, int() as minute, float() as by):
                    now = next_wall(now, PEOPLE[person], minute) + by
                case ("window", int() as window_s, float() as by) if oracle.contacts:
                    ends = [at + window_s + by for *_, at in oracle.contacts]
                    now = min([end for end in ends if end > now], default=now)
                case ("ask", str() as person, ("sms" | "voice") as channel):
                    wanted = oracle.answers(person, channel, now)
                    said, number = house.answer(person, channel, now)
                    assert said in wanted, (begin, step, datetime.fromtimestamp(now, UTC))
                    if not said:
                        permitted[number] = (person, channel, now)
                        oracle.contacts.append((person, channel, now))
                        oracle.forget(now)
                case ("refused by the carrier",) if permitted:
                    number, contact = permitted.popitem()
                    house.book.taken_back(number)
                    oracle.contacts.remove(contact)
                case ("restart",):
                    house.restart(now)
                    permitted = {}
                    oracle.forget(now)
        house.close()
