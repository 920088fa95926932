"""500 ESMEs bind again at once and stall nobody: another bind's traffic is answered all the while.

Nothing is timed. Each dear check of a password is held until the test lets it go on; while one is held and so many of
the 500 wait, the bystander has to be answered. A check made on the loop would hold the bystander too, for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import argon2
import pytest

from tests.interop import invented, senders
from tests.interop.held_argon2 import HeldArgon2
from tests.tools.raw_esme import RawEsme
from tests.tools.raw_smsc import RawSession
from tests.tools.wire import BIND_TRX, RESP, SUBMIT_SM, Frame, bind_body
from tests.wire.house import House, make_template, text

pytestmark = pytest.mark.wire

COUNT = 500
STEP = 50
CROWD = tuple(f"crowd{place:03}" for place in range(COUNT))
PASSWORD = "secret"
LIMIT_S = 120.0


@pytest.fixture(scope="session")
def crowded_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with 500 accounts and a bystander. Their hash is cheaper than the product's own, to save minutes."""
    registry = senders.registry()
    costly = argon2.PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(PASSWORD)
    registry["accounts"] += [
        invented.account(name, "jianglan", ["marketing"], password_hash=costly) for name in (*CROWD, "bystander")
    ]
    return make_template(tmp_path_factory.mktemp("crowd") / "template", registry)


class Crowd:
    """500 connections that bind at once. `bound` grows with each answer of status 0."""

    def __init__(self) -> None:
        self.esmes: list[RawEsme] = []
        self.bound = 0
        self.statuses: list[int] = []
        self._answered = asyncio.Condition()

    async def come(self, port: int) -> None:
        """Connects all, then sends all binds, then waits for all answers."""
        self.bound, self.statuses = 0, []
        self.esmes = await asyncio.gather(*(RawEsme.connect(port) for _ in CROWD))
        await asyncio.gather(*(self._bind(esme, name) for esme, name in zip(self.esmes, CROWD, strict=True)))

    async def _bind(self, esme: RawEsme, name: str) -> None:
        answer: Frame = await esme.request(BIND_TRX, bind_body(name, PASSWORD), limit_s=LIMIT_S)
        self.statuses.append(answer.status)
        self.bound += answer.status == 0
        async with self._answered:
            self._answered.notify_all()

    async def until_answered(self, count: int) -> None:
        """Returns when so many binds have got their answer."""
        async with self._answered:
            await self._answered.wait_for(lambda: len(self.statuses) >= count)

    async def send_one_each(self) -> list[int]:
        """Each sends one message; the statuses."""
        answers = await asyncio.gather(
            *(esme.request(SUBMIT_SM, text(to=senders.CONSENTED[0]), limit_s=LIMIT_S) for esme in self.esmes)
        )
        return [answer.status for answer in answers]

    def vanish(self) -> None:
        """All connections break at once."""
        for esme in self.esmes:
            esme.abort()


async def _come_step_by_step(crowd: Crowd, port: int, bystander: RawEsme, checks: HeldArgon2) -> None:
    """Has the crowd come, lets fifty checks go on at a time, and has the bystander served while the next is held."""
    coming = asyncio.create_task(crowd.come(port))
    before = checks.begun
    for let in range(0, COUNT, STEP):
        await checks.until_begun(before + let + 1)
        await crowd.until_answered(let)
        for _ in range(3):
            await _is_served(bystander)
        assert crowd.bound == len(crowd.statuses) == let
        checks.let(STEP)
    await coming


async def _is_served(bystander: RawEsme) -> None:
    """One message that is permitted and one that is refused, each with its answer."""
    permitted = await bystander.request(SUBMIT_SM, text(to=senders.CONSENTED[0]), limit_s=LIMIT_S)
    refused = await bystander.request(SUBMIT_SM, text(to=senders.UNCONSENTED), limit_s=LIMIT_S)
    assert (permitted.command, permitted.status) == (SUBMIT_SM | RESP, 0)
    assert (refused.command, refused.status) == (SUBMIT_SM | RESP, 0x0428)


class LateBinds:
    """Has the house's carrier keep its answers to binds until `release`."""

    def __init__(self, house: House) -> None:
        self.held: list[tuple[Frame, RawSession]] = []
        self._smsc = house.smsc
        house.smsc.answer = self._answer

    def _answer(self, frame: Frame, session: RawSession) -> bytes | None:
        if frame.command != BIND_TRX:
            return None
        self.held.append((frame, session))
        return b""

    async def release(self) -> None:
        """Answers all, at once."""
        self._smsc.answer = None
        for frame, session in self.held:
            await session.send(self._smsc.ordinary(frame))


@pytest.fixture
def checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HeldArgon2]:
    with contextlib.closing(HeldArgon2(tmp_path, monkeypatch)) as held:
        yield held


async def test_500_binds_at_once_stall_nobody(crowded_state: Path, tmp_path: Path, checks: HeldArgon2) -> None:
    """First to a process that has just started and knows no password, then after all 500 were cut off at once."""
    crowd = Crowd()
    async with House(crowded_state, tmp_path) as house:
        await house.start(smpp={"session_init_timer_s": LIMIT_S}, route={"connect_timeout_s": LIMIT_S})
        bystander = await house.connect()
        checks.let(1)
        assert (await bystander.bind("bystander", PASSWORD)).status == 0

        await _come_step_by_step(crowd, house.port, bystander, checks)
        assert crowd.statuses == [0] * COUNT
        assert checks.begun == COUNT + 1
        assert checks.at_once == 1
        assert await crowd.send_one_each() == [0] * COUNT

        crowd.vanish()
        late = LateBinds(house)
        coming = asyncio.create_task(crowd.come(house.port))
        await house.smsc.wait(lambda: len(late.held) == COUNT, LIMIT_S)
        # All 500 wait for a carrier that is late; the bystander does not wait for them.
        for _ in range(50):
            await _is_served(bystander)
        assert crowd.statuses == []
        await late.release()
        await coming
        await _is_served(bystander)
        assert crowd.statuses == [0] * COUNT
        # The passwords were right a moment ago: none is checked the dear way again.
        assert checks.begun == COUNT + 1
        assert await crowd.send_one_each() == [0] * COUNT
        await house.status(lambda status: sum(row["state"] == "bound" for row in status["binds"]) >= COUNT)
        for esme in crowd.esmes:
            await esme.close()
        await house.end()
