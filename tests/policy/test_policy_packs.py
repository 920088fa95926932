"""Several packs bind together: the strictest of each rule, each with a mode of its own, and the decision says whose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from proxy.core.bound import Shelf, bound
from proxy.core.decision import Permit, Refusal
from proxy.core.ground import OUTCOME_PASS, OUTCOME_SHADOW
from proxy.core.pack import Cap, Hours, Pack, RuleSetting
from proxy.core.purposes import CHANNELS
from proxy.explain import explain
from proxy.policy import evaluate
from proxy.rules.binding import strictest_for
from proxy.rules.table import RULE_IDS
from tests.policy.test_explain import CODES
from tests.rules.cases import CASES, COLLECTION
from tests.rules.scene import BOTH, DAY_S, NOON, PACK, Scene, answer, at, build, decided, outcome
from tests.tools.slotted import changed

pytestmark = pytest.mark.unit

DAYTIME = {
    (purpose, channel): Hours(9 * 60, 18 * 60) for purpose in ("marketing", "collection") for channel in CHANNELS
}
NINGXIA = Pack(
    "cn-ningxia",
    2,
    region="CN-NX",
    hours=DAYTIME,  # type: ignore[arg-type]
    caps=(Cap("collection", BOTH, 1, DAY_S),),
    validity_cap_s=3600,
    collection_refusal_closes_channel=True,
    collection_roles=frozenset(("debtor", "guarantor")),
)
EVENING = COLLECTION.but("now", at("2025-03-05 19:00:00")).but("institution.region", "CN-NX")
HOURS, FREQUENCY = RULE_IDS.index("hours.closed"), RULE_IDS.index("frequency.cap")


def beside(scene: Scene, *packs: Pack) -> Scene:
    return scene.but("shelf", Shelf(packs))


def test_a_refusal_names_the_pack_whose_value_it_rests_on() -> None:
    decision = decided(beside(EVENING, NINGXIA))
    assert (decision.rule, decision.pack, decision.pack_version) == ("hours.closed", "cn-ningxia", 2)
    assert decision.ground.packs == "cn-ningxia@2"
    # At night both close it: the base comes first.
    night = decided(beside(EVENING, NINGXIA).but("now", at("2025-03-05 23:00:00")))
    assert (night.rule, night.pack) == ("hours.closed", "cn-test")
    other = decided(beside(EVENING, NINGXIA).but("row", None))
    assert (other.rule, other.pack) == ("number.unregistered", "cn-test")


def test_a_permit_names_all_that_bound() -> None:
    decision = decided(beside(EVENING.but("now", NOON), NINGXIA))
    assert (decision.effect, decision.pack, decision.ground.packs) == ("allow", "cn-test", "cn-ningxia@2")
    assert decided(EVENING).ground.packs == ""


def test_a_cap_names_its_pack() -> None:
    scene = EVENING.but("now", NOON).but("contacts", (("collection", "sms", NOON - 60),))
    decision = decided(beside(scene, NINGXIA))
    assert (decision.rule, decision.pack) == ("frequency.cap", "cn-ningxia")
    assert outcome(scene) == ("allow", "", "")


@pytest.mark.parametrize("how", ["pack", "share", "rule"])
def test_a_pack_in_shadow_records_beside_those_that_are_enforced(how: str) -> None:
    tried = {
        "pack": replace(NINGXIA, shadow=True),
        "share": replace(NINGXIA, share=0.0),
        "rule": replace(NINGXIA, rules={rule: RuleSetting("shadow") for rule in ("hours.closed", "frequency.cap")}),
    }[how]
    scene = beside(EVENING.but("contacts", (("collection", "sms", EVENING.now - 60),)), tried)
    decision = decided(scene)
    assert decision.effect == "allow"
    assert decision.outcomes[HOURS] == decision.outcomes[FREQUENCY] == OUTCOME_SHADOW
    # What the base closes is closed.
    assert decided(scene.but("now", at("2025-03-05 23:00:00"))).rule == "hours.closed"


def test_a_pack_whose_rule_is_off_says_nothing_of_it() -> None:
    off = replace(NINGXIA, rules={"hours.closed": RuleSetting("off")})
    decision = decided(beside(EVENING, off))
    assert (decision.effect, decision.outcomes[HOURS]) == ("allow", OUTCOME_PASS)


def test_a_mode_is_the_strictest_that_any_pack_sets() -> None:
    base = COLLECTION.but("row.period", replace(COLLECTION.row.period, until=1)).but("institution.region", "CN-NX")  # type: ignore[union-attr]
    lax = base.but("pack.rules", {"number.expired": RuleSetting("shadow")})
    assert decided(lax).effect == "allow"
    # A pack that does not speak of the rule changes nothing; one that enforces it does.
    assert decided(beside(lax, NINGXIA)).effect == "allow"
    strict = replace(NINGXIA, rules={"number.expired": RuleSetting("enforce")})
    assert decided(beside(lax, strict)).rule == "number.expired"


def test_a_pack_asks_for_a_rule_by_its_values_where_the_base_does_not() -> None:
    both = bound(PACK, Shelf((NINGXIA,)), "a", ("CN-NX",), NOON)
    assert both.mode("debtor.unknown", "a") == "enforce"
    alone = bound(PACK, Shelf((NINGXIA,)), "a", ("CN-JS",), NOON)
    assert alone.mode("debtor.unknown", "a") == "off"


def test_a_share_of_a_pack_only_grows_and_is_its_own() -> None:
    accounts = [f"account-{number}" for number in range(2000)]
    few, more = replace(NINGXIA, share=0.2), replace(NINGXIA, share=0.5)
    chosen = {one for one in accounts if few.mode_for("hours.closed", one) == "enforce"}
    assert 300 < len(chosen) < 500
    assert chosen <= {one for one in accounts if more.mode_for("frequency.cap", one) == "enforce"}


def test_single_values_are_the_tightest_of_all() -> None:
    snapshot = build(beside(EVENING, NINGXIA))[1]
    found = strictest_for(snapshot, "jianglan", "8613800138000", NOON)
    assert (found.id, found.validity_cap_s) == ("cn-test", 3600)
    assert found.collection_roles == {"debtor", "guarantor"}
    scene = beside(EVENING.but("now", NOON), NINGXIA)
    assert outcome(scene.but("request.validity_s", 3601))[1:] == ("pdu.unsupported", "validity")
    assert outcome(scene.but("request.validity_s", 3600))[0] == "allow"
    # The floor cannot run in shadow, so neither can a value of it.
    assert (
        outcome(beside(EVENING.but("now", NOON), replace(NINGXIA, shadow=True)).but("request.validity_s", 3601))[0]
        == "allow"
    )


def test_roles_of_several_packs_are_those_that_all_allow() -> None:
    other = replace(NINGXIA, id="other", collection_roles=frozenset(("debtor", "contact")))
    found = bound(PACK, Shelf((NINGXIA, other)), "a", ("CN-NX",), NOON).strictest
    assert found.collection_roles == {"debtor"}


@pytest.mark.parametrize(
    ("when", "names"),
    [
        ("2025-03-31 23:59:59", "cn-test@3"),
        ("2025-04-01 00:00:00", "cn-test@4 cn-ningxia@2"),
        ("2025-06-01 00:00:00", "cn-test@4 cn-ningxia@3"),
    ],
)
def test_versions_are_in_force_from_their_dates(when: str, names: str) -> None:
    april, june = int(at("2025-04-01 00:00:00")), int(at("2025-06-01 00:00:00"))
    shelf = Shelf(
        (replace(PACK, version=4, since=april), replace(NINGXIA, since=april), replace(NINGXIA, version=3, since=june))
    )
    found = bound(PACK, shelf, "a", ("CN-NX",), at(when))
    assert " ".join(pack.name for pack in found.packs) == names


def test_a_pack_of_another_province_does_not_bind() -> None:
    assert bound(PACK, Shelf((NINGXIA,)), "a", ("CN-ZJ", ""), NOON).packs == (PACK,)
    assert bound(PACK, Shelf((replace(NINGXIA, region="CN"),)), "a", ("",), NOON).others == "cn-ningxia@2"


def test_of_the_base_some_version_is_always_in_force() -> None:
    late = replace(PACK, since=int(NOON) + 10)
    assert bound(late, Shelf(), "a", (), NOON).packs == (late,)


def test_while_contacts_cannot_be_counted_nobody_is_contacted() -> None:
    request, snapshot, now = build(COLLECTION)
    snapshot.contacts.failing = True
    decision = evaluate(request, snapshot, now).decision
    assert (decision.effect, decision.rule, decision.detail) == ("defer", "internal.rule", "frequency.cap")
    snapshot.contacts.failing = False
    assert isinstance(evaluate(request, snapshot, now), Permit)
    full = build(COLLECTION.but("contacts", (("collection", "sms", NOON),)))[1]
    full.contacts._persons_most = 1
    assert evaluate(request, full, now).decision.rule == "internal.rule"


def test_what_counts_already_is_not_refused_by_its_own_contact() -> None:
    scene = COLLECTION.but("contacts", tuple(("collection", "sms", NOON - one) for one in range(3)))
    request, snapshot, now = build(scene)
    assert isinstance(evaluate(request, snapshot, now), Refusal)
    assert isinstance(evaluate(changed(request, counted=True), snapshot, now), Permit)


@given(st.sampled_from(CASES), st.sampled_from(("CN", "CN-NX")), st.floats(0, DAY_S))
def test_one_more_pack_never_permits(case: object, region: str, later: float) -> None:
    scene: Scene = case.scene.but("now", case.scene.now + later)  # type: ignore[attr-defined]
    packs = (*scene.shelf.packs, replace(NINGXIA, id="more", region=region))
    before, after = answer(scene), answer(scene.but("shelf", replace(scene.shelf, packs=packs)))
    assert not (isinstance(before, Refusal) and isinstance(after, Permit))


def test_explain_shows_the_packs_and_the_modes_of_all() -> None:
    request, snapshot, now = build(beside(EVENING, replace(NINGXIA, shadow=True)))
    found = explain(request, snapshot, now, CODES)
    assert found.packs == "cn-test@3 cn-ningxia@2"
    (row,) = [row for row in found.rows if row.rule == "hours.closed"]
    assert (row.outcome, row.detail, row.mode) == ("shadow", "hour", "enforce")
