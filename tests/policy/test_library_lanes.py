"""A lane ends where a segment begins or an attestation grows too old: the memo answers as a fresh judgement does."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from proxy.core.decision import Permit
from proxy.core.records import Period, Segment
from proxy.policy import evaluate
from tests.rules.scene import BASE, BOTH, DAY_S, NOON, Scene, build

pytestmark = pytest.mark.unit

SOON = 10
SEGMENT = Segment("finance", "10690", "10690", BOTH, frozenset(("service",)), Period(int(NOON) + SOON))


@pytest.mark.parametrize(
    ("scene", "rule"),
    [
        (BASE.but("pack.library_attest_days", 30).but("attested", int(NOON) - 30 * DAY_S + SOON), "library.stale"),
        (BASE.but("segments", (SEGMENT,)), "segment.misuse"),
    ],
)
def test_what_comes_within_a_lane_ends_it(scene: Scene, rule: str) -> None:
    request, snapshot, now = build(scene)
    assert isinstance(evaluate(request, snapshot, now), Permit)
    assert isinstance(evaluate(request, snapshot, now + SOON - 1), Permit)
    assert evaluate(request, snapshot, now + SOON).decision.rule == rule


def test_a_segment_that_ends_opens_its_numbers() -> None:
    over = replace(SEGMENT, period=Period(0, int(NOON) + SOON))
    request, snapshot, now = build(BASE.but("segments", (over,)))
    assert evaluate(request, snapshot, now).decision.rule == "segment.misuse"
    assert isinstance(evaluate(request, snapshot, now + SOON), Permit)
