"""Disables each rule of the table, one at a time, and asks whether the corpus of cases notices.

Owns the mutants: a rule that never refuses, a rule without its exemptions, a table without the rule. `python -m
tests.mutation` prints what notices each; a mutant that nothing notices is a rule that nothing tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from msgspec import Struct
from msgspec.structs import replace

from proxy.core.decision import Decision
from proxy.rules.rule import LaneRule, Rule, always
from proxy.rules.table import RULES
from tests.rules.cases import CASES
from tests.rules.scene import decided


class Mutant(Struct, frozen=True):
    """One rule changed; `table` is the whole table with it. `is_exemption`: only its row of outcomes may show it."""

    rule: str
    change: str
    table: tuple[Rule, ...]
    is_exemption: bool


def mutants() -> list[Mutant]:
    """Every mutant of every rule."""
    found = []
    for place, rule in enumerate(RULES):
        changed: dict[str, Rule] = {"never refuses": replace(rule, judge=_passes)}
        if isinstance(rule, LaneRule) and rule.each is not None:
            changed["not of each"] = replace(rule, each=None)
        if rule.by_id:
            changed["not by id"] = replace(rule, by_id=False)
        if "voice" in rule.channels:
            changed["not on calls"] = replace(rule, channels=("sms",))
        if rule.applies is not always:
            changed["no exemption"] = replace(rule, applies=always)
        for change, mutant in changed.items():
            table = (*RULES[:place], mutant, *RULES[place + 1 :])
            found.append(Mutant(rule.id, change, table, change == "no exemption"))
    return found


def _passes(*_: object) -> None:
    return None


def noticed_by(mutant: Mutant) -> Iterator[str]:
    """The names of the cases whose outcome it changes, those that its rule decides first; asks as far as it is read."""
    expected = _expected()
    for case in sorted(CASES, key=lambda case: expected[case.name].rule != mutant.rule):
        found, before = decided(case.scene, mutant.table), expected[case.name]
        same = (found.effect, found.rule, found.detail) == (before.effect, before.rule, before.detail)
        # WHY: an exemption shows in the row of outcomes; what a rule refuses has to show in the answer itself.
        if not same or (mutant.is_exemption and found.outcomes != before.outcomes):
            yield case.name


@cache
def _expected() -> dict[str, Decision]:
    return {case.name: decided(case.scene) for case in CASES}
