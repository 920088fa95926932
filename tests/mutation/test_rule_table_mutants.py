"""Disabling any one rule of the table makes a case of the corpus fail."""

from __future__ import annotations

import pytest

from proxy.rules.table import RULE_IDS
from tests.mutation.rule_table import Mutant, mutants, noticed_by

pytestmark = pytest.mark.unit

MUTANTS = mutants()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.rule}: {mutant.change}")
def test_a_disabled_rule_is_noticed(mutant: Mutant) -> None:
    assert any(noticed_by(mutant))


def test_every_rule_was_disabled() -> None:
    assert {mutant.rule for mutant in MUTANTS if mutant.change == "never refuses"} == set(RULE_IDS)
