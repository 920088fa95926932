"""Enforce, shadow and off; the floor; rules that raise; several refusals at once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from proxy.core.catalogue import CATALOGUE
from proxy.core.decision import Permit, PermitSpentError, Refusal
from proxy.core.finding import Finding
from proxy.core.ground import OUTCOME_ERROR, OUTCOME_NA, OUTCOME_PASS, OUTCOME_REFUSE, OUTCOME_SHADOW
from proxy.core.pack import RuleSetting
from proxy.core.records import Period
from proxy.policy import evaluate, unanswerable
from proxy.rules.rule import LaneRule, Rule
from proxy.rules.table import RULE_IDS, RULES
from tests.rules.case import Case
from tests.rules.cases import CASES
from tests.rules.scene import BASE, Scene, answer, build, decided, outcome
from tests.tools.naming import case_of
from tests.tools.slotted import held

pytestmark = pytest.mark.unit

FLOOR = [case for case in CASES if case.expected[1] and CATALOGUE[case.expected[1]].floor]
NOT_FLOOR = [case for case in CASES if case.expected[1] and not CATALOGUE[case.expected[1]].floor]


def place(rule: str) -> int:
    return RULE_IDS.index(rule)


def shadowed(scene: Scene, how: str, rule: str) -> Scene:
    """The scene with a rule in shadow: by the pack as a whole, by its own setting, or by a share of nobody."""
    setting = RuleSetting(share=0.0) if how == "share" else RuleSetting(mode="off" if how == "off" else "shadow")
    fields: dict[str, Any] = {"shadow": True} if how == "pack" else {"rules": {rule: setting}}
    # All packs that may bind: each has hours and caps of its own, and a mode for them.
    packs = tuple(replace(pack, **fields) for pack in scene.shelf.packs)
    return scene.but("pack", replace(scene.pack, **fields)).but("shelf", replace(scene.shelf, packs=packs))


@pytest.mark.parametrize("how", ["pack", "rule", "share", "off"])
def test_the_floor_is_never_in_shadow(how: str) -> None:
    for case in FLOOR:
        with case_of(case.name):
            assert outcome(shadowed(case.scene, how, case.expected[1])) == case.expected


@pytest.mark.parametrize("how", ["pack", "rule", "share"])
def test_a_rule_in_shadow_records_and_does_not_name_the_refusal(how: str) -> None:
    for case in NOT_FLOOR:
        with case_of(case.name):
            check_in_shadow(case, how)


def check_in_shadow(case: Case, how: str) -> None:
    rule = case.expected[1]
    decision = decided(shadowed(case.scene, how, rule))
    if how == "pack" and rule in case.scene.pack.rules:
        # What a pack says of one rule goes before what it says of all.
        assert decision.rule == rule
        return
    assert decision.rule != rule
    assert decision.outcomes[place(rule)] == OUTCOME_SHADOW
    alone = sum(octet == OUTCOME_REFUSE for octet in decided(case.scene).outcomes) == 1
    assert decision.effect == "allow" or not alone


def test_a_rule_that_is_off_is_not_asked() -> None:
    for case in NOT_FLOOR:
        with case_of(case.name):
            decision = decided(shadowed(case.scene, "off", case.expected[1]))
            assert decision.rule != case.expected[1]
            assert decision.outcomes[place(case.expected[1])] == OUTCOME_NA


@given(st.text(max_size=12), st.floats(0, 1), st.floats(0, 1))
def test_a_share_only_grows(account: str, one: float, two: float) -> None:
    less, more = sorted((one, two))
    if RuleSetting(share=less).mode_for("hours.closed", account) == "enforce":
        assert RuleSetting(share=more).mode_for("hours.closed", account) == "enforce"


def test_a_share_is_about_its_part_of_the_accounts() -> None:
    setting = RuleSetting(share=0.25)
    enforced = sum(setting.mode_for("hours.closed", f"account-{one}") == "enforce" for one in range(4000))
    assert 800 < enforced < 1200
    assert all(RuleSetting(share=1.0).mode_for("x", f"account-{one}") == "enforce" for one in range(100))


def test_shares_of_two_rules_are_drawn_apart() -> None:
    drawn = {
        rule: [RuleSetting(share=0.5).mode_for(rule, f"account-{one}") for one in range(64)]
        for rule in ("hours.closed", "consent.missing")
    }
    assert drawn["hours.closed"] != drawn["consent.missing"]


def raising(rule: str) -> tuple[Rule, ...]:
    def judge(*_: object) -> str | None:
        raise ZeroDivisionError("a defect")

    def mutant(each: Rule) -> Rule:
        # WHY: a rule that promises to pass every ordinary request, or whatever its gate passes, is not asked about it.
        return (
            replace(each, judge=judge)
            if isinstance(each, LaneRule)
            else replace(each, judge=judge, passes_ordinary=False, gate=None)
        )

    return tuple(mutant(each) if each.id == rule else each for each in RULES)


def asked_of(rule: str) -> Scene:
    """A permitted scene that the rule is asked about."""
    return next(case.base for case in CASES if case.expected[1] == rule)


@pytest.mark.parametrize("rule", RULE_IDS)
def test_a_rule_that_raises_defers(rule: str) -> None:
    scene = asked_of(rule)
    decision = decided(scene, raising(rule))
    assert (decision.effect, decision.rule) == ("defer", "internal.rule")
    assert decision.outcomes[place(rule)] == OUTCOME_ERROR
    assert isinstance(answer(scene, raising(rule)), Refusal)


@pytest.mark.parametrize("rule", [rule for rule in RULE_IDS if not CATALOGUE[rule].floor])
def test_a_rule_that_raises_in_shadow_does_not_refuse(rule: str) -> None:
    decision = decided(shadowed(asked_of(rule), "rule", rule), raising(rule))
    assert (decision.effect, decision.outcomes[place(rule)]) == ("allow", OUTCOME_ERROR)


@pytest.mark.parametrize("rule", [rule for rule in RULE_IDS if CATALOGUE[rule].floor])
def test_a_rule_of_the_floor_that_raises_defers_even_in_shadow(rule: str) -> None:
    assert decided(asked_of(rule).but("pack.shadow", True), raising(rule)).rule == "internal.rule"


def test_an_exemption_that_raises_defers() -> None:
    def applies(_: object) -> bool:
        raise KeyError("a defect")

    table = tuple(replace(rule, applies=applies) if rule.id == "consent.missing" else rule for rule in RULES)
    assert decided(BASE, table).rule == "internal.rule"


def test_a_rule_that_raises_is_remembered_with_its_lane() -> None:
    """The second message of a lane meets the same answer as the first."""
    request, snapshot, now = build(BASE)
    table = raising("licence.scope")
    found = [evaluate(request, snapshot, now, table).decision for _ in range(2)]
    assert held(found[0]) == held(found[1])
    assert found[0].rule == "internal.rule"


def test_a_final_refusal_goes_before_a_rule_that_raises() -> None:
    """A sender that is told to retry would be refused for good then."""
    assert outcome(BASE.but("refused", 0xFF), raising("licence.scope"))[:2] == ("deny", "suppression.active")


def test_an_unknown_finding_defers() -> None:
    """A reader of the wire that names a rule which takes no findings must not pass for that."""
    decision = decided(BASE.but("request.findings", (Finding("content.fraud", "link"),)))
    assert (decision.effect, decision.rule) == ("defer", "internal.rule")


def test_all_outcomes_are_recorded_and_the_first_of_the_table_is_named() -> None:
    scene = (
        BASE.but("row.period", Period(0, 1))
        .but("licence", None)
        .but("refused", 0xFF)
        .but("consent", 0)
        .but("request.over_rate", True)
    )
    decision = decided(scene)
    assert (decision.effect, decision.rule, decision.detail) == ("deny", "number.expired", "over")
    refused = {rule for rule, octet in zip(RULE_IDS, decision.outcomes, strict=True) if octet == OUTCOME_REFUSE}
    assert refused == {
        "number.expired",
        "licence.scope",
        "suppression.active",
        "consent.missing",
        "throughput.account",
    }


def test_request_rules_and_lane_rules_are_ordered_together() -> None:
    """A request rule that stands earlier in the table goes before a lane rule."""
    scene = BASE.but("row.disposed", True).but("request.recipient", None)
    assert outcome(scene)[1] == "address.invalid"
    assert outcome(scene.but("request.recipient", BASE.request.recipient).but("refused", 0xFF))[1] == "number.disposed"


def test_a_final_refusal_goes_before_a_temporary_one_wherever_it_stands() -> None:
    first = tuple(sorted(RULES, key=lambda rule: rule.id != "throughput.account"))
    scene = BASE.but("refused", 0xFF).but("request.over_rate", True)
    assert outcome(scene, first)[:2] == ("deny", "suppression.active")


def test_shadow_hits_do_not_change_which_refusal_is_named() -> None:
    scene = BASE.but("row.period", Period(0, 1)).but("refused", 0xFF)
    decision = decided(scene.but("pack.rules", {"number.expired": RuleSetting(mode="shadow")}))
    assert decision.rule == "suppression.active"
    assert decision.outcomes[place("number.expired")] == OUTCOME_SHADOW


def test_an_allow_passes_every_rule_that_applies() -> None:
    decision = decided(BASE)
    assert set(decision.outcomes) <= {OUTCOME_NA, OUTCOME_PASS}
    assert decision.outcomes.count(OUTCOME_PASS) > len(RULES) // 2
    assert len(decision.outcomes) == len(RULES)


def test_a_permit_holds_the_octets_once() -> None:
    permit = answer(BASE)
    assert isinstance(permit, Permit)
    assert permit.spend() == BASE.request.octets
    with pytest.raises(PermitSpentError):
        permit.spend()


@pytest.mark.parametrize("rule", ["internal.snapshot", "internal.outbox", "internal.upstream", "outcome.unknown"])
def test_a_refusal_for_a_reason_outside_the_rules(rule: str) -> None:
    request, snapshot, _ = build(BASE)
    decision = unanswerable(request, snapshot, rule).decision
    assert (decision.rule, decision.outcomes) == (rule, b"")
    assert decision.effect == ("defer" if rule.startswith("internal.") else "deny")


def test_a_refusal_outside_the_catalogue_is_a_defect() -> None:
    request, snapshot, _ = build(BASE)
    with pytest.raises(KeyError):
        unanswerable(request, snapshot, "internal.nonsense")


def test_decisions_name_pack_revision_and_principal() -> None:
    decision = decided(BASE)
    assert (decision.pack, decision.pack_version, decision.revision) == ("cn-test", 3, 7)
    assert (decision.principal, decision.purpose) == ("jianglan", "marketing")
    assert len(decision.person) == 16
    assert b"138" not in decision.person
