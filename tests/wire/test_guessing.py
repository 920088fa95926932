"""Passwords: guessing gets slower, tells nothing, and costs nobody else anything."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.tools.cheap_hashes import with_cheap_hashes
from tests.tools.wire import BIND_TRX, RESP
from tests.wire.bystander import Bystander
from tests.wire.house import House, make_template
from tests.wire.people import PASSWORD

pytestmark = pytest.mark.wire

WRONG = "Gues5ed"
FAILED = 0x0D

#: In the product's interpreter: what it hashes itself, for accounts that do not exist, is hashed quickly as well.
CHEAP = """
import argon2
_made = argon2.PasswordHasher.__init__
argon2.PasswordHasher.__init__ = lambda self, **_: _made(self, time_cost=1, memory_cost=8, parallelism=1)
"""


@pytest.fixture
def quick_template(tmp_path: Path) -> Path:
    with with_cheap_hashes():
        return make_template(tmp_path / "quick")


@pytest.fixture
async def quick_house(quick_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A house whose checks of passwords take no time, so that the order of answers is that of their delays alone."""
    (tmp_path / "cheap").mkdir()
    (tmp_path / "cheap" / "sitecustomize.py").write_text(CHEAP)
    path = os.pathsep.join([str(tmp_path / "cheap"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    monkeypatch.setenv("PYTHONPATH", path)
    async with House(quick_template, tmp_path) as made:
        yield made


async def refused(house: House, account: str, password: str, order: list[str], name: str) -> None:
    """One guess; `name` is put in `order` when its answer has come."""
    esme = await house.connect()
    answer = await esme.bind(account, password)
    order.append(name)
    assert (answer.command, answer.status, len(answer.raw)) == (BIND_TRX | RESP, FAILED, 16)
    await esme.wait_closed()


async def guess(house: House, rounds: list[tuple[str, str, str]]) -> list[str]:
    """Guesses that are made at one moment; the order in which they were answered."""
    order: list[str] = []
    await asyncio.gather(*(refused(house, account, password, order, name) for name, account, password in rounds))
    return order


async def test_the_answer_comes_later_each_time_and_tells_no_account_from_none(quick_house: House) -> None:
    """Measured by order alone: of guesses made at one moment, those with fewer failures behind them come first."""
    house = quick_house
    await house.start(smpp={"password_delay_first_s": 0.8, "password_delay_most_s": 3.2, "session_init_timer_s": 60.0})
    async with Bystander(house) as bystander:
        known, unknown, elsewhere = ("jl", WRONG), ("no-such", PASSWORD), ("jl-far", PASSWORD)
        fresh = [("jl-two", WRONG), ("no-such-2", WRONG), ("jl-far", PASSWORD)]
        first = await guess(house, [("known", *known), ("unknown", *unknown)])
        assert sorted(first) == ["known", "unknown"]
        # The second failure of either comes behind the first of others, whoever exists of them.
        second = await guess(
            house,
            [("known", *known), ("unknown", *unknown), *((f"fresh {one[0]}", *one) for one in fresh)],
        )
        assert {one.partition(" ")[0] for one in second[:3]} == {"fresh"}
        assert sorted(second[3:]) == ["known", "unknown"]
        # The third behind the second, for both alike, and for an address that does not fit as well.
        third = await guess(
            house,
            [("known", *known), ("unknown", *unknown), ("elsewhere", *elsewhere), ("other", "jl-two", WRONG)],
        )
        assert sorted(third[:2]) == ["elsewhere", "other"]
        assert sorted(third[2:]) == ["known", "unknown"]
        # Meanwhile the right password is not kept waiting, from the same address too.
        waiting = asyncio.create_task(guess(house, [("known", *known)]))
        await house.event("bind.refused", 12 - 1, reason="credentials")
        right = await house.bind("jl")
        assert not waiting.done()
        await waiting
        await right.close()
        await bystander.goes_on()
    # Nothing tells them apart in the log either, and no guess stands there.
    lines = house.logged("bind.refused")
    assert {(line["reason"], line["status"]) for line in lines} == {("credentials", FAILED)}
    assert {frozenset(line) for line in lines} == {frozenset(lines[0])}
    assert house.smsc.of(BIND_TRX)  # the bystander's and the right one's …
    assert {one.system_id for one in house.smsc.sessions} == {"jl", "jl-svc"}  # … and no guess ever went there
    await house.end()
    assert WRONG.encode() not in (house.folder / "tdgate.log").read_bytes()


async def test_guesses_side_by_side_wait_for_each_other(house: House) -> None:
    await house.start(smpp={"password_delay_first_s": 0.3, "password_delay_most_s": 0.6, "session_init_timer_s": 20.0})
    order: list[str] = []
    many = [asyncio.create_task(refused(house, "jl", WRONG, order, "same")) for _ in range(4)]
    await house.event("bind.refused")
    # One of four was answered; somebody else's two failures, one after the other, come before the other three.
    for _ in range(2):
        await refused(house, "no-such", WRONG, order, "other")
    await asyncio.gather(*many)
    assert order.index("other", order.index("other") + 1) < len(order) - 1
    assert order[0] == "same"
    await house.end()


async def test_more_binds_than_can_be_checked_are_told_to_come_again(house: House) -> None:
    """A check takes far longer than all binds of one burst need to come."""
    await house.start(smpp={"binds_pending_most": 2, "password_delay_first_s": 0.5, "password_delay_most_s": 0.5})
    many = [await house.connect() for _ in range(20)]
    answers = await asyncio.gather(*(esme.bind(f"no-such-{number}", WRONG) for number, esme in enumerate(many)))
    counted = Counter(answer.status for answer in answers)
    assert set(counted) == {0x08, FAILED}
    assert counted[FAILED] >= 2
    await house.event("bind.refused", reason="busy")
    await house.bind("jl")
    await house.end()


async def test_guesses_that_wait_for_their_answer_lock_nobody_out(house: House) -> None:
    """As many as may be checked at once, and many more in line behind them."""
    late = {"password_delay_first_s": 60.0, "password_delay_most_s": 60.0, "session_init_timer_s": 120.0}
    await house.start(smpp={"binds_pending_most": 2, **late})
    many = [await house.connect() for _ in range(30)]
    async with asyncio.TaskGroup() as group:
        guessing = [group.create_task(esme.bind("jl", WRONG)) for esme in many]
        # Neither was right before in this process, so that both have to be checked.
        for name in ("jl-two", "yx"):
            await house.bind(name)
        assert not any(one.done() for one in guessing)
        for one in guessing:
            one.cancel()
    await house.end()


async def test_a_guesser_that_hangs_up_does_not_start_anew(house: House) -> None:
    """The failure counts though nobody waited for its answer."""
    await house.start(smpp={"password_delay_first_s": 0.2, "password_delay_most_s": 3.0, "session_init_timer_s": 20.0})
    for _ in range(3):
        order: list[str] = []
        await refused(house, "jl", WRONG, order, "first")
    esme = await house.connect()
    await esme.close()
    order = await guess(house, [("fourth", "jl", WRONG), ("first", "no-such", WRONG)])
    assert order == ["first", "fourth"]
    await house.end()
