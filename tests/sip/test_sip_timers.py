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
