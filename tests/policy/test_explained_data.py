"""What an explanation tells besides the answer: the data each rule saw, the sentences, what cannot be asked anew."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pytest

from proxy.core.call_codes import load_call_codes
from proxy.core.citations import ROWS
from proxy.core.codes import load_codes
from proxy.core.ground import OUTCOME_PASS, OUTCOME_REFUSE, OUTCOME_SHADOW
from proxy.core.notices import demand
from proxy.core.pack import Citation, RuleSetting
from proxy.core.preferences import preference
from proxy.core.purposes import MARKETING_SMS
from proxy.core.records import Period, Segment
from proxy.core.senders import on_record
from proxy.explain import FACTS, explain
from proxy.explaining.compared import ASKED_ANEW, Compared, Then, compared, request_of, rules_anew
from proxy.explaining.shape import Campaign, Explanation, Fact, Row
from proxy.rules.table import RULE_IDS, RULES
from tests.rules.cases import CASES
from tests.rules.scene import BASE, BOTH, NOON, PERSON, PERSON_KEY, ROW, Scene, at, build
from tests.rules.texts import GOOD, READ
from tests.tools.naming import case_of

pytestmark = pytest.mark.unit

CONFIG = Path(__file__).resolve().parents[2] / "config"
CODES = load_codes(tomllib.loads((CONFIG / "codes.toml").read_text(encoding="utf-8")))
CALL_CODES = load_call_codes(tomllib.loads((CONFIG / "call_codes.toml").read_text(encoding="utf-8")))
COLLECTION = BASE.but("row.purposes", frozenset(("collection",)))


def told(scene: Scene, **more: tuple[Fact, ...]) -> dict[str, Row]:
    request, snapshot, now = build(scene)
    codes = CALL_CODES if request.channel == "voice" else CODES
    ledger = {rule.replace("_", ".", 1): facts for rule, facts in more.items()}
    return {row.rule: row for row in explain(request, snapshot, now, codes, ledger=ledger).rows}


def saw(scene: Scene, rule: str) -> dict[str, str]:
    return {fact.name: fact.value for fact in told(scene)[rule].saw}


def test_every_rule_tells_what_it_saw() -> None:
    assert set(FACTS) >= set(RULE_IDS)


def test_findings_are_told_as_spans() -> None:
    (span,) = told(READ.but("request.readings", (GOOD.replace("1001", "7007"),)))["content.contact"].spans
    assert (span.kind, span.text) == ("other", "400-000-7007")
    assert told(READ)["content.contact"].spans == ()
    shown = saw(READ, "content.contact")
    assert (shown["text.telephone"], shown["record.telephone"]) == ("400-000-1001", "4000001001")
    assert saw(READ, "content.refusal")["text.category"].startswith("marketing")


def test_whatever_was_asked_is_told_and_nobody_is_named() -> None:
    for case in CASES:
        for row in told(case.scene).values():
            with case_of(case.name, row.rule):
                assert (row.outcome == "n/a") == bool(row.unasked)
                if row.outcome != "n/a" and row.rule in FACTS and row.rule != "frequency.cap":
                    assert row.saw
                assert row.basis
                assert row.demands
                assert not any("138001380" in fact.value for fact in row.saw)


@pytest.mark.parametrize(
    ("scene", "rule", "name", "said"),
    [
        (BASE, "number.expired", "number.row", "2025-01-01 to 2025-12-31 (holds)"),
        (BASE.but("row.period", Period(0, 1)), "number.expired", "number.row", "(over)"),
        (BASE.but("row.disposed", True), "number.disposed", "number.disposed", "10690001"),
        (
            BASE.but("account.operator", "yuanlu").but("entrustment.document_hash", "ab12"),
            "entrustment.missing", "entrustment", "document ab12",
        ),
        (BASE, "licence.scope", "licence", "collection, marketing on sms, voice, central"),
        (BASE, "consent.missing", "consents.open", "marketing/sms"),
        (BASE.but("refused", MARKETING_SMS), "suppression.active", "refusals.close", "marketing/sms"),
        (BASE.but("prefers", preference(0, 480, 600)), "preference.declined", "preference.of_institution", "08:00"),
        (BASE.but("listed", MARKETING_SMS), "preference.donotcall", "donotcall.closes", "list 2: marketing/sms"),
        (BASE, "hours.closed", "local_time", "2025-03-05 12:00 Asia/Shanghai"),
        (BASE, "hours.closed", "hours", "cn-test@3: 08:00–22:00; open yes; enforce"),
        (BASE.but("now", at("2025-03-05 23:00:00")), "hours.closed", "hours", "open no"),
        (
            BASE.but("contacts", (("marketing", "sms", NOON - 60), ("marketing", "voice", NOON - 30))),
            "frequency.cap", "contacts", "cn-test@3: 2 of 4 in 168 h",
        ),
        (BASE, "purpose.mismatch", "purpose.binds", "marketing"),
        (
            BASE.but("segments", (Segment("f", "1069", "1069", BOTH, frozenset(("service",)), Period(0, 1 << 40)),)),
            "segment.misuse", "segment", "f 1069–1069: service",
        ),
        (BASE, "template.unreviewed", "", ""),
    ],
)  # fmt: skip
def test_the_data(scene: Scene, rule: str, name: str, said: str) -> None:
    found = saw(scene, rule)
    assert said in found.get(name, ""), found


def test_why_a_rule_was_not_asked() -> None:
    rows = told(BASE)
    assert {rule: rows[rule].unasked for rule in ("library.stale", "caller.identity", "debtor.unknown")} == {
        "library.stale": "off",
        "caller.identity": "channel",
        "debtor.unknown": "off",
    }
    rows = told(BASE.but("row.purposes", frozenset(("service",))))
    assert (rows["consent.missing"].unasked, rows["hours.closed"].unasked) == ("facts", "")


def test_the_basis_is_the_packs_else_a_product_default() -> None:
    rows = told(BASE.but("pack.citations", (Citation("hours.0", "hours.closed", "8-22", "J7: a sentence", "原文"),)))
    assert [(one.pack, one.basis, one.official) for one in rows["hours.closed"].basis] == [
        ("cn-test@3", "J7: a sentence", "原文")
    ]
    assert [one.basis for one in rows["fraud.hold"].basis] == ["product default"]


def test_what_the_ledgers_say_stands_with_the_rule() -> None:
    noted = Fact("consent", "given 2025-01-01, basis request")
    assert told(BASE, consent_missing=(noted,))["consent.missing"].saw[-1] == noted


def test_each_cited_row_has_its_sentence() -> None:
    for row in {row for rule in RULES for row in rule.cites}:
        one = demand(row)
        assert all((one.en, one.notice_zh, one.says_zh != row)), row
    assert set(ROWS) >= {row for rule in RULES for row in rule.cites}
    assert demand("X1").en == ""


def test_the_shape_is_stable() -> None:
    """Fields are only ever added."""
    fields = {kind: set(kind.__struct_fields__) for kind in (Explanation, Row, Compared)}
    assert fields[Explanation] >= {
        "effect",
        "rule",
        "detail",
        "status",
        "purpose",
        "principal",
        "pack",
        "pack_version",
        "packs",
        "revision",
        "next_en",
        "next_zh",
        "rows",
        "saw",
    }
    assert fields[Row] >= {
        "rule",
        "outcome",
        "detail",
        "mode",
        "kind",
        "floor",
        "cites",
        "text_en",
        "text_zh",
        "unasked",
        "saw",
        "demands",
        "basis",
        "spans",
    }
    assert fields[Compared] >= {"rule", "recorded", "today", "verdict", "why"}


def test_campaigns_are_tied_by_purpose_channel_and_period() -> None:
    held, over = Period(0, 1 << 40), Period(0, int(NOON))
    marketing, sms = frozenset(("marketing",)), frozenset(("sms",))
    offered = (
        Campaign("spring", "春（虚构）", "周明（虚构）", marketing, BOTH, held, "reviewed"),
        Campaign("over", "", "", marketing, BOTH, over, "reviewed"),
        Campaign("calls", "", "", marketing, frozenset(("voice",)), held, "draft"),
        Campaign("debts", "", "", frozenset(("collection",)), sms, held, "draft"),
    )
    request, snapshot, now = build(BASE)
    found = [fact.value for fact in explain(request, snapshot, now, CODES, campaigns=offered).saw
             if fact.name in ("campaign", "account.responsible")]  # fmt: skip
    assert found == [
        "周明（虚构）",
        "spring 春（虚构）: responsible 周明（虚构）, reviewed, the beginning to forever (holds)",
    ]


def then(outcomes: dict[str, int] | None = None, sender: str = "10690001", **more: object) -> Then:
    octets = bytes((outcomes or {}).get(rule, OUTCOME_PASS) for rule in RULE_IDS)
    made = Then(1, "sms", sender, "marketing", 0, NOON, RULE_IDS, octets)
    return msgspec.structs.replace(made, **more)


def anew(one: Then, scene: Scene = BASE) -> dict[str, Compared]:
    _, snapshot, _ = build(scene)
    request = request_of(one, scene.account, snapshot, PERSON)
    return {row.rule: row for row in compared(one, explain(request, snapshot, one.at, CODES, rules_anew(one)))}


def test_a_record_is_compared_rule_by_rule() -> None:
    rows = anew(then({"number.expired": OUTCOME_REFUSE}))
    assert (rows["number.expired"].verdict, rows["number.expired"].today) == ("differs", "pass")
    assert rows["number.disposed"].verdict == "same"
    assert {rule for rule, row in rows.items() if row.why == "text"} == set(RULE_IDS) - ASKED_ANEW - {
        "account.oneway", "throughput.account",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("record", "rule", "why"),
    [
        (then(knows_person=False), "suppression.active", "person"),
        (then(contacts_since=NOON + 1), "frequency.cap", "contacts"),
        (then({"purpose.mismatch": OUTCOME_REFUSE}), "purpose.mismatch", "declared"),
        (then(), "account.oneway", "moment"),
    ],
)
def test_what_cannot_be_asked_anew_is_called_so(record: Then, rule: str, why: str) -> None:
    row = anew(record)[rule]
    assert (row.verdict, row.why, row.today) == ("recorded_only", why, "")


def test_nothing_is_asked_of_an_account_that_is_gone() -> None:
    assert {row.why for row in compared(then(), None)} == {"account"}


def test_a_bypass_of_then_is_not_held_against_today() -> None:
    one = then({"suppression.active": OUTCOME_SHADOW, "number.expired": OUTCOME_SHADOW}, mode="bypass")
    rows = anew(one, BASE.but("row.period", Period(0, 1)))
    assert (rows["number.expired"].verdict, rows["number.expired"].why) == ("differs", "bypass")


def test_a_rule_of_another_version_is_told_as_recorded() -> None:
    one = then(rules=("gone.rule", *RULE_IDS[1:]))
    rows = anew(one)
    assert (rows["gone.rule"].verdict, rows["gone.rule"].why) == ("recorded_only", "unknown")
    assert rows[RULE_IDS[0]].verdict == "today_only"


def test_a_hidden_sender_is_found_in_the_library_by_its_hash() -> None:
    mobile = "8613900139000"
    hidden = on_record(mobile, (), PERSON_KEY)
    assert "#" in hidden
    scene = BASE.but("row.address", mobile)
    assert anew(then(sender=hidden), scene)["number.unregistered"].today == "pass"
    assert anew(then(sender=hidden))["number.unregistered"].today == "refuse"
    port = on_record("10690001" + PERSON[2:], (ROW,), PERSON_KEY)
    assert "#" in port
    assert anew(then(sender=port))["number.unregistered"].today == "pass"


def test_a_mode_in_shadow_is_told_with_the_data() -> None:
    scene = BASE.but("row.period", Period(0, 1)).but("pack.rules", {"number.expired": RuleSetting(mode="shadow")})
    row = told(scene)["number.expired"]
    assert (row.outcome, row.detail, bool(row.saw)) == ("shadow", "over", True)
