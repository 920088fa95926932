"""The journal: a stamped form is the whole record octet for octet; ids, counts, a full log."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import proxy.judging.journal
from proxy.core.content import Against
from proxy.core.decision import Decision
from proxy.core.ground import Ground
from proxy.core.request import Request
from proxy.evidence import records
from proxy.judging.journal import Form, Heard
from proxy.rules.table import RULE_IDS
from tests.judging.evidence_double import LogDouble, journal_over
from tests.rules.scene import ACCOUNT, NOON, PERSON, PERSON_KEY

pytestmark = pytest.mark.unit

PERSON_DIGEST = PERSON_KEY.digest(PERSON)
# What a form looks for in its own octets, and what surrounds it.
_AS_TEXT = ("person to stamp", "\u00c1person to stamp", "Ïﾏ\x01\0\0\0\0", "\x00" * 18, "\x01\0\0\0\0" * 4)
_texts = st.one_of(st.text(max_size=300), st.sampled_from(_AS_TEXT))
_octets = st.one_of(
    st.binary(max_size=300),
    st.sampled_from((b"\xc1person to stamp", b"\xcf\0\0\0\1\0\0\0\0\xcf\0\0\0\1\0\0\0\0", b"")),
)
_wide = st.one_of(
    st.integers(0, (1 << 64) - 1), st.sampled_from((0, 127, 128, (1 << 32) - 1, 1 << 32, (1 << 63), (1 << 64) - 1))
)
_grounds = st.builds(
    Ground,
    channel=st.sampled_from(("sms", "voice")),
    account=_texts,
    sender=_texts,
    effect=st.sampled_from(("allow", "deny", "defer")),
    rule=_texts,
    detail=_texts,
    principal=_texts,
    purpose=st.sampled_from(("marketing", "collection", "legal", "service", "verification")),
    pack=_texts,
    pack_version=st.integers(0, 1 << 40),
    revision=_wide,
    outcomes=_octets,
    asks=st.integers(0, 2),
    mode=st.sampled_from(("enforce", "bypass")),
)
GROUND = Ground(
    "sms", "jianglan-own", "10690001", "allow", "", "", "jianglan", "marketing", "cn-test", 3, 7, bytes(len(RULE_IDS))
)


def request(request_id: int = 1) -> Request:
    return Request(request_id, "sms", ACCOUNT, "10690001", PERSON, ("text",), b"octets", NOON)


_findings = st.lists(st.builds(Against, _texts, _texts, _wide, _wide), max_size=3).map(tuple)


@given(_grounds, _wide, _wide, _wide, st.one_of(st.binary(max_size=40), st.binary(min_size=16, max_size=16)), _findings)
@example(GROUND, 1, 1 << 32, 1 << 32, b"\xc1person to stamp", ())
@example(GROUND, 1, (1 << 32) - 1, 1 << 50, b"p" * 16, ())
@example(GROUND, 1, 1 << 32, 1 << 32, b"p" * 16, (Against("content.spoof", "other", 0, 6),))
def test_a_stamped_form_is_the_whole_record(
    ground: Ground, key_id: int, decision_id: int, at_us: int, person: bytes, findings: tuple[Against, ...]
) -> None:
    whole = records.Decision(
        id=decision_id,
        at_us=at_us,
        channel=ground.channel,
        account=ground.account,
        sender=ground.sender,
        person=person,
        key_id=key_id,
        principal=ground.principal,
        purpose=ground.purpose,
        effect={"allow": 0, "deny": 1, "defer": 2}[ground.effect],
        rule=ground.rule,
        detail=ground.detail,
        mode=ground.mode,
        pack=ground.pack,
        pack_version=ground.pack_version,
        revision=ground.revision,
        outcomes=ground.outcomes,
        rules_hash=records.rules_hash(RULE_IDS),
        asks=ground.asks,
        findings=tuple(f"{one.rule}/{one.detail}@{one.start}-{one.end}" for one in findings),
    )
    form, decision = Form(ground, key_id), Decision(decision_id, person, ground, findings)
    assert form.stamp(decision, at_us) == records.encode(whole)
    # A form is used again and again.
    assert form.stamp(decision, at_us) == records.encode(whole)


def test_ids_never_repeat_within_a_run_nor_across_runs() -> None:
    seen = [journal.next_id() for journal in (journal_over(LogDouble(boot)) for boot in (1, 2, 3)) for _ in range(500)]
    assert len(set(seen)) == len(seen)
    assert min(seen) >= 1 << 32


def test_decisions_are_recorded_shown_and_counted_once() -> None:
    log = LogDouble()
    journal = journal_over(log, key_id=9)
    denied = msgspec.structs.replace(GROUND, effect="deny", rule="suppression.active", detail="refused")
    for number, ground in enumerate((GROUND, denied, GROUND), start=1):
        assert journal.decided(request(number), Decision(number, PERSON_DIGEST, ground))
    journal.settle()
    journal.settle()
    assert journal.counters.decided() == (("sms", "allow", "", 2), ("sms", "deny", "suppression.active", 1))
    shown = [(one.id, one.at_us, one.person, one.key_id) for one in log.records if isinstance(one, records.Decision)]
    assert shown == [(number, int(NOON * 1e6), PERSON_DIGEST, 9) for number in (1, 2, 3)]
    assert [decision.id for _, decision in journal.latest] == [1, 2, 3]


def test_a_flood_of_permits_hides_no_refusal_and_keeps_no_more_than_is_shown() -> None:
    journal = journal_over(LogDouble())
    denied = msgspec.structs.replace(GROUND, effect="deny", rule="suppression.active", detail="refused")
    for number in range(1, 1000):
        ground = denied if number % 100 == 0 else GROUND
        journal.decided(request(number), Decision(number, PERSON_DIGEST, ground))
    shown = [decision.id for _, decision in journal.latest]
    assert shown == [*range(10, 51), *range(100, 1000, 100)]
    journal.settle()
    journal.decided(request(1000), Decision(1000, PERSON_DIGEST, GROUND))
    assert [decision.id for _, decision in journal.latest] == [*shown[1:], 1000]


def test_a_durable_decision_tells_when_it_is_on_disk_and_not_before() -> None:
    log = LogDouble()
    journal = journal_over(log)
    told: list[BaseException | None] = []
    assert journal.decided_durably(request(), Decision(1, PERSON_DIGEST, GROUND), told.append)
    assert told == []
    log.written()
    assert told == [None]


def test_a_full_log_takes_nothing_and_nothing_is_counted() -> None:
    log = LogDouble()
    log.full = True
    journal = journal_over(log)
    journal.changed = False
    told: list[BaseException | None] = []
    decision = Decision(1, PERSON_DIGEST, GROUND)
    assert not journal.decided(request(), decision)
    assert not journal.decided_durably(request(), decision, told.append)
    journal.settle()
    assert journal.counters.decided() == ()
    assert not journal.latest
    assert not journal.changed
    assert not told
    journal.outcome(1, "unknown", 0, b"")
    journal.note("drain", "operator", "route")
    assert journal.counters.counts["evidence.full"] == 2


def test_forms_stay_bounded_and_lose_no_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy.judging.journal, "_FORMS_KEPT", 4)
    journal = journal_over(LogDouble())
    for number in range(1, 40):
        # Grounds that are equal, and yet each another one: as a deferral makes them.
        ground = msgspec.structs.replace(GROUND, effect="defer", rule="internal.upstream")
        journal.decided(request(number), Decision(number, PERSON_DIGEST, ground))
        assert len(journal._forms) <= 4
    journal.settle()
    assert journal.counters.decided() == (("sms", "defer", "internal.upstream", 39),)


def test_what_a_person_asked_is_shown_and_tells_when_it_is_on_disk() -> None:
    log = LogDouble()
    journal = journal_over(log)
    told: list[BaseException | None] = []
    record = records.Suppression(
        id=1, at_us=1, person=PERSON_DIGEST, key_id=1, institutions=("jianglan",), closes=3, channel="sms",
        source="reply", label="optout", decision=0, latency_us=5,
    )  # fmt: skip
    assert journal.refused(record, Heard(NOON, PERSON, ("jianglan",), "optout", "TD", 3, 5), told.append)
    error = OSError("no space")
    log.written(error)
    assert told == [error]
    assert log.records == [record]
    assert [heard.person for heard in journal.heard] == [PERSON]
