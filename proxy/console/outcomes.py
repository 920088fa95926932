"""One decision opened into its rules: what each rule said, in words, with the rows that it cites.

Owns how outcome octets are read for people. Pure.
"""

from typing import Final

from msgspec import Struct

from proxy.core.catalogue import CATALOGUE
from proxy.core.citations import ROWS, Row
from proxy.core.ground import OUTCOME_NAMES
from proxy.core.notices import Demand, demand
from proxy.rules.rule import LaneRule
from proxy.rules.table import RULES

_RULES_BY_ID: Final = {rule.id: rule for rule in RULES}


class RuleText(Struct, frozen=True):
    """A rule of the catalogue as people read it.

    `stage` is `lane` (judged once per sender, purpose and day), `request` (judged per message), or empty where no rule
    of this version has that id: then it comes from outside the table (`internal.*`) or from a later step.
    """

    id: str
    kind: str
    floor: bool
    stage: str
    cites: tuple[str, ...]
    text: dict[str, str]
    next: dict[str, str]


class RuleOutcome(Struct, frozen=True):
    """What one rule said about one decision. `outcome` is one of the decision's names; `demands` are the rows it cites
    with the sentence of the notice.
    """

    rule: str
    outcome: str
    decided: bool
    kind: str
    floor: bool
    stage: str
    text: dict[str, str]
    next: dict[str, str]
    cites: tuple[Row, ...]
    demands: tuple[Demand, ...] = ()


def rule_texts() -> tuple[RuleText, ...]:
    """Every rule of the catalogue: those of the table in its order, then the others in the catalogue's."""
    return tuple(rule_text(rule) for rule in dict.fromkeys((*_RULES_BY_ID, *CATALOGUE)))


def rule_text(rule_id: str) -> RuleText:
    """One rule; an id that this version does not know gets itself as its text."""
    entry, rule = CATALOGUE.get(rule_id), _RULES_BY_ID.get(rule_id)
    stage = "" if rule is None else "lane" if isinstance(rule, LaneRule) else "request"
    cites = () if rule is None else rule.cites
    if entry is None:
        return RuleText(rule_id, "", False, stage, cites, {"en": rule_id, "zh": rule_id}, {"en": "", "zh": ""})
    return RuleText(
        rule_id,
        entry.kind,
        entry.floor,
        stage,
        cites,
        {"en": entry.text_en, "zh": entry.text_zh},
        {"en": entry.next_en, "zh": entry.next_zh},
    )


def rule_outcomes(rules: tuple[str, ...], outcomes: bytes, decided_by: str) -> tuple[RuleOutcome, ...]:
    """What every rule said. `rules` are the ids that `outcomes` are read by; an octet without a rule is passed over,
    and so is a rule without an octet. A refusal from outside the table (`internal.*`) stands first, as `refuse`.
    """
    found = [_outcome(rule, _name(octet), decided_by) for rule, octet in zip(rules, outcomes, strict=False)]
    if decided_by and not any(row.decided for row in found):
        found.insert(0, _outcome(decided_by, "refuse", decided_by))
    return tuple(found)


def _name(octet: int) -> str:
    return OUTCOME_NAMES[octet] if octet < len(OUTCOME_NAMES) else str(octet)


def _outcome(rule_id: str, outcome: str, decided_by: str) -> RuleOutcome:
    text = rule_text(rule_id)
    return RuleOutcome(
        rule_id,
        outcome,
        rule_id == decided_by,
        text.kind,
        text.floor,
        text.stage,
        text.text,
        text.next,
        tuple(ROWS.get(row, Row(row, row, row)) for row in text.cites),
        tuple(demand(row) for row in text.cites),
    )
