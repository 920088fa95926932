"""Deadlines: each comes at its moment, not before, and once."""

from __future__ import annotations

import pytest

from proxy.sip.timers import Timers

pytestmark = pytest.mark.unit


class Owner:
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, float]] = []

    def expired(self, name: str, now: float) -> None:
        self.told.append((name, now))


def test_a_deadline_comes_at_its_moment_and_once() -> None:
    timers, owner = Timers(), Owner()
    timers.start(owner, "B", 32.0, 100.0)
    timers.start(owner, "A", 0.5, 100.0)
    timers.expire(100.25)
    assert owner.told == []
    timers.expire(100.5)
    assert owner.told == [("A", 100.5)]
    timers.expire(132.0)
    timers.expire(133.0)
    assert owner.told == [("A", 100.5), ("B", 132.0)]


def test_a_wake_may_come_a_little_behind_the_first_deadline_and_finds_the_next_ones_due_too() -> None:
    timers, owner = Timers(), Owner()
    assert timers.next_wake() is None
    timers.start(owner, "I", 5.0, 100.0)
    timers.start(owner, "J", 5.0, 100.05)
    assert timers.next_wake() == 105.078125
    timers.start(owner, "C", 181.0, 100.1)
    timers.start(owner, "ended", 0.1, 100.1).end()
    assert timers.next_wake() == 105.078125
    timers.expire(105.078125)
    assert [name for name, _ in owner.told] == ["I", "J"]
    assert timers.next_wake() == pytest.approx(281.35)
    timers.start(owner, "A", 0.5, 110.0)
    assert timers.soonest == 110.5
    assert timers.next_wake() == 110.5078125


def test_a_wake_that_an_owner_spoilt_comes_at_once() -> None:
    class Failing(Owner):
        def expired(self, name: str, now: float) -> None:
            raise ValueError(name)

    timers, owner = Timers(), Owner()
    timers.start(Failing(), "first", 1.0, 100.0)
    timers.start(owner, "second", 1.0, 100.0)
    with pytest.raises(ValueError):
        timers.expire(101.0)
    assert timers.next_wake() == 101.0
