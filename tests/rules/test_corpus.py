"""For every rule and every detail: a permitted request and a refused one that differ in one field."""

from __future__ import annotations

import pytest

from proxy.core.catalogue import CATALOGUE
from proxy.rules.rule import Rule
from proxy.rules.table import RULE_IDS, RULES
from proxy.rules.wire import CALL_FINDING_RULES, FINDING_RULES
from tests.rules.case import ALLOW
from tests.rules.cases import CASES
from tests.rules.details import details_of_rule
from tests.rules.scene import outcome
from tests.tools.naming import case_of

pytestmark = pytest.mark.unit


def test_one_field_decides() -> None:
    for case in CASES:
        with case_of(case.name):
            assert outcome(case.base) == ALLOW
            assert outcome(case.scene) == case.expected


def test_names_of_cases_are_unique() -> None:
    names = [case.name for case in CASES]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("rule", RULE_IDS)
def test_each_rule_refuses_somewhere(rule: str) -> None:
    assert any(case.expected[1] == rule for case in CASES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_each_detail_of_a_rule_is_met_somewhere(rule: Rule) -> None:
    met = {case.expected[2] for case in CASES if case.expected[1] == rule.id}
    assert set(details_of_rule(rule)) <= met


def test_details_are_read_from_the_source() -> None:
    """The check above would be empty if it found none."""
    found = {rule.id: set(details_of_rule(rule)) for rule in RULES}
    assert found["address.invalid"] == {"source", "destination"}
    assert found["number.expired"] == {"not_yet", "over"}
    assert all(details or rule in FINDING_RULES | CALL_FINDING_RULES for rule, details in found.items())


def test_the_table_is_of_the_catalogue() -> None:
    assert len(set(RULE_IDS)) == len(RULE_IDS)
    assert set(RULE_IDS) <= set(CATALOGUE)
    assert all(rule.cites for rule in RULES)
