"""The bypass: two people, a limited time, on disk before it is open, and gone by itself."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from proxy.core.snapshot import Snapshot
from proxy.evidence.log import EvidenceLog
from proxy.evidence.records import Bypass
from proxy.judging.bypass import ASK_LIVES_S, BypassDesk, folded
from proxy.judging.bypass_verbs import bypass_verb
from proxy.judging.in_force import InForce
from proxy.registry.ports import VerbError
from tests.judging.evidence_double import LogDouble
from tests.rules.scene import BASE, build

pytestmark = pytest.mark.unit

FIRST, SECOND = "周明（虚构）", "李岚（虚构）"


class Prompt(LogDouble):
    """A log whose disk answers at once, with `error`."""

    error: OSError | None = None

    def append_octets_durable(self, octets: bytes, then: Any, patience_ms: int = 0) -> bool:
        taken = super().append_octets_durable(octets, then, patience_ms)
        self.written(self.error)
        return taken


class Desk:
    def __init__(self) -> None:
        self.log = Prompt()
        self.now = 1_000_000.0
        self.events: list[str] = []
        self.in_force = InForce(build(BASE)[1], cast(Any, None), cast(Any, None), self.now)
        self.desk = BypassDesk(
            self.in_force,
            cast(EvidenceLog, self.log),
            lambda: self.now,
            lambda event, **_: self.events.append(event),
            120,
        )

    @property
    def open(self) -> dict[str, float]:
        return self.in_force.snapshot.bypasses

    @property
    def steps(self) -> list[tuple[str, str]]:
        return [(one.step, one.actor) for one in self.log.records if isinstance(one, Bypass)]

    async def opened(self, account: str = "", minutes: int = 10) -> str:
        one = await self.desk.ask(FIRST, "号码库误报，核心通知受阻", minutes, account)
        await self.desk.approve(one.id, SECOND)
        return one.id


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_two_people_open_it_and_every_step_is_on_record(desk: Desk) -> None:
    one = await desk.desk.ask(FIRST, "号码库误报", 10, "")
    assert desk.open == {}
    opened = await desk.desk.approve(one.id, SECOND)
    assert desk.open == {"": desk.now + 600} == {"": opened.until}
    await desk.desk.end(one.id, FIRST)
    assert desk.open == {}
    assert desk.steps == [("asked", FIRST), ("opened", SECOND), ("ended", FIRST)]
    assert desk.events == ["bypass.asked", "bypass.opened", "bypass.ended"]


@pytest.mark.parametrize(
    ("first", "second"),
    [("Zhou Ming", "zhou  ming"), ("周明", "周 明"), ("Zhou", "Ｚｈｏｕ"), ("Zhou", "Z\u200bhou"), ("ZHOU", " zhou ")],
)
async def test_one_person_is_one_however_the_name_is_written(first: str, second: str, desk: Desk) -> None:
    one = await desk.desk.ask(first, "reason", 10, "")
    with pytest.raises(VerbError, match="two different people"):
        await desk.desk.approve(one.id, second)
    assert desk.open == {}
    assert desk.steps == [("asked", first)]
    assert folded(first) == folded(second)


async def test_what_cannot_be_recorded_is_not_opened(desk: Desk) -> None:
    one = await desk.desk.ask(FIRST, "reason", 10, "")
    desk.log.error = OSError(28, "No space left on device")
    with pytest.raises(VerbError, match="evidence"):
        await desk.desk.approve(one.id, SECOND)
    desk.log.error, desk.log.full = None, True
    with pytest.raises(VerbError, match="evidence"):
        await desk.desk.approve(one.id, SECOND)
    assert desk.open == {}
    desk.log.full = False
    await desk.desk.approve(one.id, SECOND)
    assert desk.open


async def test_it_cannot_be_opened_twice_nor_ended_while_it_opens(desk: Desk) -> None:
    bypass = await desk.opened()
    with pytest.raises(VerbError, match="open already"):
        await desk.desk.approve(bypass, "王宁（虚构）")
    slow = LogDouble()
    desk.desk._evidence = cast(EvidenceLog, slow)
    asking = asyncio.ensure_future(desk.desk.ask(FIRST, "reason", 10, "jianglan-own"))
    await asyncio.sleep(0)
    slow.written()
    one = await asking
    approving = asyncio.ensure_future(desk.desk.approve(one.id, SECOND))
    await asyncio.sleep(0)
    ending = asyncio.ensure_future(desk.desk.end(one.id, FIRST))
    await asyncio.sleep(0)
    slow.written()
    await ending
    with pytest.raises(VerbError, match="ended meanwhile"):
        await approving
    assert set(desk.open) == {""}


@pytest.mark.parametrize(
    ("by", "reason", "minutes", "account"),
    [
        ("", "reason", 10, ""),
        (" \u200b", "reason", 10, ""),
        (FIRST, " ", 10, ""),
        (FIRST, "x" * 401, 10, ""),
        (FIRST, "reason", 0, ""),
        (FIRST, "reason", 121, ""),
        (FIRST, "reason", 10, "nobody"),
    ],
)
async def test_what_is_no_request_for_one(by: str, reason: str, minutes: int, account: str, desk: Desk) -> None:
    with pytest.raises(VerbError) as raised:
        await desk.desk.ask(by, reason, minutes, account)
    assert raised.value.usage
    assert desk.log.kept == []


async def test_a_number_in_a_reason_is_masked(desk: Desk) -> None:
    one = await desk.desk.ask(FIRST, "13800138000 complained", 10, "")
    assert "13800138000" not in one.reason
    assert all(b"13800138000" not in octets for octets in desk.log.kept)


async def test_an_ask_that_nobody_approves_is_void(desk: Desk) -> None:
    one = await desk.desk.ask(FIRST, "reason", 10, "")
    desk.now += ASK_LIVES_S + 1
    assert desk.desk.standing() == []
    with pytest.raises(VerbError, match="no bypass"):
        await desk.desk.approve(one.id, SECOND)


async def test_the_timer_ends_it_though_the_clock_was_set_back(desk: Desk) -> None:
    bypass = await desk.opened()
    timer = desk.desk._timers[bypass]
    desk.now -= 7200
    assert timer.when() - asyncio.get_running_loop().time() <= 600
    timer._run()
    assert desk.open == {}
    assert desk.steps[-1] == ("expired", "")


async def test_a_clock_that_was_set_forward_ends_it(desk: Desk) -> None:
    await desk.opened()
    desk.now += 601
    assert desk.desk.standing() == []
    assert desk.open == {}
    assert desk.steps[-1] == ("expired", "")


async def test_a_new_revision_keeps_what_is_open_and_drops_what_is_not(desk: Desk) -> None:
    bypass = await desk.opened("jianglan-own")
    fresh: Snapshot = build(BASE)[1]
    assert desk.desk.dress(fresh).bypasses == {"jianglan-own": desk.now + 600}
    await desk.desk.end(bypass, SECOND)
    assert desk.desk.dress(fresh).bypasses == {}


async def test_the_longer_of_two_counts_and_an_end_ends_one(desk: Desk) -> None:
    short, long = await desk.opened(minutes=5), await desk.opened(minutes=20)
    assert desk.open == {"": desk.now + 1200}
    await desk.desk.end(long, FIRST)
    assert desk.open == {"": desk.now + 300}
    await desk.desk.end(short, FIRST)
    assert desk.open == {}


async def test_an_orderly_end_ends_all(desk: Desk) -> None:
    await desk.opened()
    await desk.desk.ask(FIRST, "reason", 5, "")
    desk.desk.close()
    assert desk.open == {}
    assert desk.desk.standing() == []
    assert [step for step, _ in desk.steps] == ["asked", "opened", "asked", "stopped"]


async def test_verbs_take_what_they_declare_and_nothing_else(desk: Desk) -> None:
    answer = await bypass_verb(desk.desk, "bypass.ask", {"by": FIRST, "reason": "r", "minutes": 5})
    (asked,) = answer["bypasses"]
    assert (asked["state"], asked["until_us"]) == ("asked", 0)
    assert await bypass_verb(desk.desk, "bypass.list", {}) == answer
    for wrong in ({}, {"id": asked["id"], "by": SECOND, "more": 1}, {"id": 5, "by": SECOND}):
        with pytest.raises(VerbError) as raised:
            await bypass_verb(desk.desk, "bypass.approve", wrong)
        assert raised.value.usage
    answer = await bypass_verb(desk.desk, "bypass.approve", {"id": asked["id"], "by": SECOND})
    assert answer["bypasses"][0]["state"] == "open"
