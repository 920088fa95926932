"""Disables each rule of the table, one at a time, and asks whether the corpus of cases notices.

Owns the mutants: a rule that never refuses, a rule without its exemptions, a table without the rule. `python -m
tests.mutation` prints what notices each; a mutant that nothing notices is a rule that nothing tests.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from proxy.rules.rule import LaneRule, Rule, always
from proxy.rules.table import RULES
from tests.rules.cases import CASES
from tests.rules.scene import decided


class Mutant(Struct, frozen=True):
    """`noticed_by` are the names of the cases whose outcome it changes."""

    rule: str
    change: str
    noticed_by: tuple[str, ...]


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
            # WHY: an exemption shows in the row of outcomes; what a rule refuses has to show in the answer itself.
            found.append(Mutant(rule.id, change, _noticed(place, mutant, whole=change == "no exemption")))
    return found


def _passes(*_: object) -> None:
    return None


def _noticed(place: int, mutant: Rule, *, whole: bool) -> tuple[str, ...]:
    table = (*RULES[:place], mutant, *RULES[place + 1 :])
    differing = []
    for case in CASES:
        found, expected = decided(case.scene, table), _REFERENCE[case.name]
        same = (found.effect, found.rule, found.detail) == (expected.effect, expected.rule, expected.detail)
        if not same or (whole and found.outcomes != expected.outcomes):
            differing.append(case.name)
    return tuple(differing)


_REFERENCE = {case.name: decided(case.scene) for case in CASES}
