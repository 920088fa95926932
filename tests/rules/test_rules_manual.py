"""The manual's page of rules is complete: ids, details, codes and texts are those of the code."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from msgspec.structs import replace

from proxy.core.catalogue import CATALOGUE
from proxy.core.codes import CALLS_ONLY, load_codes
from proxy.rules.rule import Rule
from proxy.rules.table import RULES
from tests.rules.details import details_of_rule
from tests.rules.scene import ACCOUNT

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "manual" / "rules.md").read_text(encoding="utf-8")
RULES_PART, TEXTS_PART = PAGE.split("## Every refusal")


def rows(part: str) -> dict[str, list[str]]:
    lines = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("| `")]
    return {cells[0].strip(" `"): [cell.strip() for cell in cells] for cells in lines}


RULE_ROWS, TEXT_ROWS = rows(RULES_PART), rows(TEXTS_PART)
CODES = load_codes(tomllib.loads((ROOT / "config" / "codes.toml").read_text(encoding="utf-8")))


def test_rules_stand_in_their_order() -> None:
    assert list(RULE_ROWS) == [rule.id for rule in RULES]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_is_described(rule: Rule) -> None:
    _, details, vendor, standard, kind, floor, serves = RULE_ROWS[rule.id]
    entry = CATALOGUE[rule.id]
    assert (kind, floor) == (entry.kind, "yes" if entry.floor else "")
    assert serves.split() == list(rule.cites)
    assert all(f"`{detail}`" in details for detail in details_of_rule(rule))
    if rule.id in CALLS_ONLY:
        assert (vendor, standard) == ("–", "–")
    else:
        _is_right(rule.id, vendor, standard)


@pytest.mark.parametrize("rule", CATALOGUE)
def test_every_refusal_is_explained_in_both_languages(rule: str) -> None:
    entry, row = CATALOGUE[rule], TEXT_ROWS[rule]
    assert row[1:5] == [entry.text_en, entry.text_zh, entry.next_en, entry.next_zh]
    if rule in CALLS_ONLY:
        assert row[5:] == ["–", "–"]
    else:
        _is_right(rule, *row[5:])


def test_no_refusal_is_invented() -> None:
    assert set(TEXT_ROWS) == set(CATALOGUE)


def _is_right(rule: str, vendor: str, standard: str) -> None:
    """Each code of a cell, alone or after its detail, is that of the table."""
    for account, cell in ((ACCOUNT, vendor), (replace(ACCOUNT, code_map="standard"), standard)):
        for part in cell.split(", "):
            detail, _, code = part.rpartition(" ")
            assert CODES.status(account, rule, detail) == int(code, 16)
