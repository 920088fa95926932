"""A bypass weakens what is not of the floor, for its accounts and its time, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from proxy.core.catalogue import CATALOGUE
from proxy.core.decision import Permit, Refusal
from proxy.core.ground import OUTCOME_ERROR, OUTCOME_REFUSE, OUTCOME_SHADOW
from proxy.core.snapshot import ALL_ACCOUNTS
from proxy.policy import evaluate
from proxy.rules.table import RULE_IDS
from tests.policy.test_policy_properties import scenes
from tests.rules.cases import CASES
from tests.rules.scene import BASE, NOON, Scene, at, build

pytestmark = pytest.mark.unit

NIGHT = at("2025-03-05 23:30:00")
CLOSED = BASE.but("now", NIGHT)


def under(scene: Scene, bypasses: dict[str, float], now: float | None = None) -> Permit | Refusal:
    request, snapshot, at_now = build(scene)
    return evaluate(request, replace(snapshot, bypasses=bypasses), at_now if now is None else now)


@given(scenes())
def test_no_rule_of_the_floor_is_weakened_and_no_other_refuses(scene: Scene) -> None:
    before = under(scene, {}).decision
    after = under(scene, {ALL_ACCOUNTS: scene.now + 1}).decision
    assert (before.ground.mode, after.ground.mode) == ("enforce", "bypass")
    for rule, was, now_is in zip(RULE_IDS, before.outcomes, after.outcomes, strict=True):
        if CATALOGUE[rule].floor:
            assert now_is == was, rule
        elif was == OUTCOME_REFUSE:
            assert now_is == OUTCOME_SHADOW, rule
        else:
            assert now_is == was, rule
    floor = [
        rule
        for rule, was in zip(RULE_IDS, before.outcomes, strict=True)
        if was in (OUTCOME_REFUSE, OUTCOME_ERROR) and CATALOGUE[rule].floor
    ]
    assert (after.effect == "allow") is not bool(floor)
    assert after.effect == "allow" or after.rule in (*floor, "internal.rule")


@pytest.mark.parametrize(
    "case", [one for one in CASES if one.expected[1] and CATALOGUE[one.expected[1]].floor], ids=lambda one: one.name
)
def test_what_the_floor_refuses_it_refuses_in_a_bypass(case: object) -> None:
    scene, expected = case.scene, case.expected  # type: ignore[attr-defined]
    decision = under(scene, {ALL_ACCOUNTS: scene.now + 60, scene.account.id: scene.now + 60}).decision
    assert (decision.effect, decision.rule, decision.detail) == expected


def test_it_is_for_its_account_only() -> None:
    assert isinstance(under(CLOSED, {CLOSED.account.id: NIGHT + 60}), Permit)
    assert isinstance(under(CLOSED, {"another": NIGHT + 60}), Refusal)
    assert isinstance(under(CLOSED, {"another": NIGHT + 60, ALL_ACCOUNTS: NIGHT + 1}), Permit)


@given(st.floats(0.001, 7200), st.lists(st.floats(-10, 7300), max_size=8))
def test_it_ends_at_its_moment_whatever_was_asked_before(seconds: float, moments: list[float]) -> None:
    """One memo of lanes over all moments: no lane carries the bypass beyond its end."""
    request, snapshot, _ = build(BASE)
    until = NIGHT + seconds
    opened = replace(snapshot, bypasses={ALL_ACCOUNTS: until})
    for moment in (*moments, seconds - 0.001, seconds, seconds + 0.001):
        now = NIGHT + moment
        permitted = isinstance(evaluate(request, opened, now), Permit)
        assert permitted is (now < until)


def test_by_day_nothing_is_different_but_the_mark() -> None:
    decision = under(BASE, {ALL_ACCOUNTS: NOON + 1}).decision
    assert (decision.effect, decision.rule, decision.ground.mode) == ("allow", "", "bypass")
    assert OUTCOME_SHADOW not in decision.outcomes
