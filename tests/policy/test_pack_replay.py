"""Recorded decisions under other packs: what would change, by rule, account and institution, and nothing invented."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from proxy.core.bound import Shelf
from proxy.core.pack import Cap, Hours, Pack, RuleSetting
from proxy.core.snapshot import Snapshot
from proxy.evidence import records
from proxy.evidence.records import Call, Outcome
from proxy.pack_replay import Change, Replay
from proxy.policy import evaluate
from proxy.rules.table import RULE_IDS
from tests.rules.cases import CASES, COLLECTION
from tests.rules.scene import BASE, BOTH, DAY_S, NOON, PACK, Scene, at, build, decided
from tests.tools.naming import case_of

pytestmark = pytest.mark.unit

OPEN = replace(PACK, caps=())
CALL = Call(
    id=2, at_us=1, direction="out", account="a", person=b"", key_id=0, asked_us=1, rang_us=0, answered_us=0,
    result="failed", status=480, side="b", cause="", carrier="", attempts=1,
)  # fmt: skip


def recorded(scene: Scene, decision_id: int = 1, now: float | None = None, **fields: object) -> records.Decision:
    """The record that the evidence has of a scene's decision."""
    decision, ground = decided(scene), decided(scene).ground
    record = records.Decision(
        id=decision_id,
        at_us=int((scene.now if now is None else now) * 1e6),
        channel=ground.channel,
        account=ground.account,
        sender=ground.sender,
        person=decision.person,
        key_id=1,
        principal=ground.principal,
        purpose=ground.purpose,
        effect=("allow", "deny", "defer").index(ground.effect),
        rule=ground.rule,
        detail=ground.detail,
        mode=ground.mode,
        pack=ground.pack,
        pack_version=ground.pack_version,
        revision=7,
        outcomes=ground.outcomes,
        rules_hash=records.rules_hash(RULE_IDS),
        asks=ground.asks,
        packs=ground.packs,
    )
    return replace(record, **fields)


def replayed(pack: Pack, *decisions: records.Decision, shelf: Shelf | None = None, region: str = "") -> Replay:
    replay = Replay(pack, shelf or Shelf(), lambda _: region)
    for one in decisions:
        replay.decision(one, RULE_IDS)
    return replay


def test_under_the_same_packs_nothing_changes() -> None:
    """But for what a record does not show: contacts of before the log, and where the person was."""
    for case in CASES:
        with case_of(case.name):
            check_under_the_same_packs(case.scene)


def check_under_the_same_packs(scene: Scene) -> None:
    record = recorded(scene)
    if scene.contacts or (scene.request.recipient or "").startswith(("81", "44", "800", "8695")):
        return
    region = scene.institution.region if scene.institution else ""
    regions = region or (scene.telecom.region if scene.telecom and scene.account.telecoms else "")
    replay = replayed(scene.pack, record, shelf=scene.shelf, region=regions)
    assert replay.changes == {}


def test_other_hours_refuse_and_permit() -> None:
    evening = recorded(BASE.but("now", at("2025-03-05 21:00:00")))
    night = recorded(BASE.but("now", at("2025-03-05 23:00:00")))
    early = replace(PACK, hours={("marketing", "sms"): Hours(480, 1200)})
    assert replayed(early, evening, evening, night).changes == {
        Change("refused", "", "hours.closed", "jianglan-own", "jianglan"): 2
    }
    late = replace(PACK, hours={})
    assert replayed(late, evening, night).changes == {
        Change("permitted", "hours.closed", "", "jianglan-own", "jianglan"): 1
    }


def test_a_rule_that_is_no_longer_in_shadow_refuses() -> None:
    shadow = BASE.but("pack.rules", {"consent.missing": RuleSetting("shadow")}).but("consent", 0)
    record = recorded(shadow)
    assert record.effect == records.ALLOW
    assert list(replayed(PACK, record).changes) == [
        Change("refused", "", "consent.missing", "jianglan-own", "jianglan")
    ]
    off = replace(PACK, rules={"consent.missing": RuleSetting("off")})
    enforced = recorded(BASE.but("consent", 0))
    assert [one.change for one in replayed(off, enforced).changes] == ["permitted"]


def test_the_floor_goes_on_refusing_whatever_a_pack_says() -> None:
    assert replayed(replace(PACK, shadow=True), recorded(BASE.but("refused", 0xFF))).changes == {}


def test_caps_are_counted_under_the_new_packs() -> None:
    times = [NOON + hour * 600 for hour in range(5)]
    asked = [recorded(COLLECTION.but("pack", OPEN), place, now) for place, now in enumerate(times, 1)]
    found = replayed(replace(PACK, caps=(Cap("collection", BOTH, 3, DAY_S),)), *asked)
    assert found.changes == {Change("refused", "", "frequency.cap", "jianglan-own", "jianglan"): 2}
    found = replayed(replace(PACK, caps=(Cap("collection", BOTH, 3, 1000),)), *asked)
    assert found.changes == {}


def test_what_the_carrier_refused_and_calls_that_did_not_ring_are_no_contacts() -> None:
    replay = Replay(replace(PACK, caps=(Cap("collection", BOTH, 1, DAY_S),)), Shelf(), lambda _: "")
    first = recorded(COLLECTION.but("pack", OPEN))
    replay.decision(first, RULE_IDS)
    replay.outcome(Outcome(id=1, at_us=1, result="unknown", status=0))
    replay.outcome(Outcome(id=1, at_us=1, result="rejected", status=1))
    replay.decision(replace(first, id=2), RULE_IDS)
    replay.call(replace(CALL, rang_us=5, id=77))
    replay.call(CALL)
    replay.decision(replace(first, id=3), RULE_IDS)
    assert replay.changes == {}
    replay.decision(replace(first, id=4), RULE_IDS)
    assert [one.rule for one in replay.changes] == ["frequency.cap"]


@pytest.mark.parametrize("end", ["unknown", "rang"])
def test_what_may_have_reached_somebody_is_a_contact(end: str) -> None:
    replay = Replay(replace(PACK, caps=(Cap("collection", BOTH, 1, DAY_S),)), Shelf(), lambda _: "")
    first = recorded(COLLECTION.but("pack", OPEN))
    replay.decision(first, RULE_IDS)
    if end == "unknown":
        replay.outcome(Outcome(id=1, at_us=1, result="unknown", status=0))
    else:
        replay.call(replace(CALL, id=1, rang_us=5))
    replay.decision(replace(first, id=2), RULE_IDS)
    assert [one.rule for one in replay.changes] == ["frequency.cap"]


def test_a_pack_of_a_province_binds_its_institutions() -> None:
    evening = recorded(BASE.but("now", at("2025-03-05 21:00:00")))
    early = Pack("cn-test-nx", 1, region="CN-NX", hours={("marketing", "sms"): Hours(480, 1200)})
    assert replayed(PACK, evening, shelf=Shelf((early,)), region="CN-ZJ").changes == {}
    assert len(replayed(PACK, evening, shelf=Shelf((early,)), region="CN-NX").changes) == 1


def test_what_no_record_shows_is_left_out_and_counted() -> None:
    record = recorded(BASE)
    left = [
        replace(record, mode="bypass"),
        replace(record, rule="internal.outbox", effect=2),
        replace(record, outcomes=b""),
    ]
    replay = replayed(replace(PACK, hours={("marketing", "sms"): Hours(0, 0)}), *left, replace(record, asks=1))
    assert (replay.decisions, replay.left_out, replay.changes) == (3, 3, {})


MODES = st.builds(RuleSetting, st.sampled_from(("enforce", "shadow", "off")), st.sampled_from((0.0, 0.5, 1.0)))


@given(st.sampled_from(CASES), st.dictionaries(st.sampled_from(RULE_IDS), MODES, max_size=3))
def test_a_replay_says_what_the_policy_would(case: object, modes: dict[str, RuleSetting]) -> None:
    """For other modes: asked anew, the policy gives what the replay of the record foretold."""
    scene: Scene = case.scene.but("contacts", ()).but("shelf", Shelf())  # type: ignore[attr-defined]
    if (scene.request.recipient or "").startswith(("81", "44", "800")):
        return
    record = recorded(scene)
    # A rule that was not asked then left no trace of what it would have said.
    pack = replace(scene.pack, rules={**scene.pack.rules, **modes})
    request, snapshot, now = build(scene.but("pack", pack))
    asked: Snapshot = snapshot
    answer = evaluate(request, asked, now).decision
    if record.rule.startswith("internal.") or answer.rule.startswith("internal."):
        return
    if any(rule in modes and scene.pack.setting(rule).mode == "off" for rule in RULE_IDS):
        return
    changes = replayed(pack, record).changes
    expected = (answer.effect, answer.rule) != (("allow", "deny", "defer")[record.effect], record.rule)
    assert bool(changes) == expected
    if changes:
        assert next(iter(changes)).rule == answer.rule
