"""Storms: a small one in every run of the tests, a long one where soaks are asked for (README.md says how)."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.checker import Verdict
from tests.chaos.run import of_size, storm

pytestmark = pytest.mark.wire

SMALL, LONG = 3000, 100_000


def seed() -> int:
    """CHAOS_SEED repeats a storm; else each run is another one."""
    return int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))


async def blow(messages: int, folder: Path, record: Callable[[str, object], None]) -> Verdict:
    chosen = seed()
    print(f"seed {chosen}: CHAOS_SEED={chosen} or python -m tests.chaos --messages {messages} --seed {chosen}")
    verdict = await storm(of_size(messages, chosen), folder, print)
    for name, figure in verdict.figures.items():
        record(name, figure)
    assert verdict.broken == [], f"seed {chosen}"
    return verdict


async def test_a_storm_breaks_nothing(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    verdict = await blow(SMALL, tmp_path, record_property)
    # It was a storm, and something got through it.
    assert verdict.figures["at_carriers"] > SMALL / 2
    assert verdict.figures["kills"] >= 3
    assert verdict.figures["harms"] > 10
    assert verdict.figures["tds_acknowledged"] > 20
    assert verdict.figures["deliveries_acknowledged"] > SMALL / 2


@pytest.mark.soak
async def test_nor_does_a_long_one(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    verdict = await blow(LONG, tmp_path, record_property)
    assert verdict.figures["at_carriers"] > LONG
    assert verdict.figures["kills"] >= 10
    assert verdict.figures["harms"] > 200
