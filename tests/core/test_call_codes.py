"""Refused calls on the wire: the shipped table is the catalogue's, and a wrong table is refused with every error."""

from __future__ import annotations

import re
import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from proxy.core.call_codes import NEVER_AGAIN, NOT_ON_SIP, CallCodes, load_call_codes
from proxy.core.catalogue import CATALOGUE
from proxy.core.codes import CodeTableError
from tests.rules.scene import ACCOUNT

pytestmark = pytest.mark.unit

TABLE: dict[str, Any] = tomllib.loads(
    (Path(__file__).resolve().parents[2] / "config" / "call_codes.toml").read_text(encoding="utf-8")
)
LEGACY = replace(ACCOUNT, call_map="legacy")
CODES: CallCodes = load_call_codes(TABLE)

EXPECTED = {
    ("account.unreviewed", ""): 403,
    ("telecom.licence", ""): 403,
    ("licence.scope", ""): 403,
    ("licence.expired", ""): 403,
    ("licence.region", ""): 403,
    ("entrustment.missing", ""): 403,
    ("entrustment.expired", ""): 403,
    ("entrustment.depth", ""): 403,
    ("number.unregistered", ""): 403,
    ("number.expired", ""): 403,
    ("number.disposed", ""): 403,
    ("segment.misuse", ""): 403,
    ("purpose.mismatch", ""): 403,
    ("library.stale", ""): 403,
    ("template.unreviewed", ""): 403,
    ("consent.missing", ""): 603,
    ("suppression.active", "refused"): 607,
    ("preference.declined", ""): 603,
    ("preference.donotcall", ""): 603,
    ("debtor.unknown", ""): 603,
    ("debtor.uninformed", ""): 603,
    ("collection.objection", ""): 603,
    ("content.fraud", ""): 403,
    ("caller.identity", "privacy"): 403,
    ("address.invalid", "destination"): 484,
    ("pdu.unsupported", ""): 405,
    ("pdu.unsupported", "media"): 488,
    ("pdu.ambiguous", ""): 400,
    ("account.oneway", ""): 400,
    ("message.partial", ""): 400,
    ("hours.closed", "hour"): 603,
    ("frequency.cap", ""): 603,
    ("fraud.hold", ""): 403,
    ("throughput.account", "calls"): 503,
    ("internal.draining", ""): 503,
    ("internal.outbox", ""): 500,
    ("internal.rule", "x"): 500,
}


@pytest.mark.parametrize(("rule", "detail"), EXPECTED)
def test_statuses_are_the_catalogues(rule: str, detail: str) -> None:
    assert CODES.status(ACCOUNT, rule, detail) == EXPECTED[(rule, detail)]


@pytest.mark.parametrize("rule", [rule for rule in CATALOGUE if rule not in NOT_ON_SIP])
def test_every_refusal_has_an_answer_of_its_kind(rule: str) -> None:
    for account in (ACCOUNT, LEGACY):
        answer = CODES.answer(account, rule, "", 30)
        headers = dict(answer.headers)
        final = CATALOGUE[rule].kind == "final"
        assert headers["reason"] == b'Q.850;cause=%d;text="%s"' % (21 if final else 41, rule.encode())
        assert answer.status >= 600 if account is LEGACY and final else answer.status < 608
        assert answer.status != 503 or rule in ("throughput.account", "internal.draining")
        assert ("retry-after" in headers) is (answer.status not in NEVER_AGAIN)
        assert answer.phrase
        assert "warning" not in headers


def test_legacy_declines_whatever_is_final() -> None:
    for rule in CATALOGUE:
        if rule not in NOT_ON_SIP and CATALOGUE[rule].kind == "final":
            assert CODES.status(LEGACY, rule) == 603


def test_retry_after_is_the_tables_where_nobody_knows_better() -> None:
    assert dict(CODES.answer(ACCOUNT, "throughput.account", "rate").headers)["retry-after"] == b"1"
    assert dict(CODES.answer(ACCOUNT, "internal.rule").headers)["retry-after"] == b"5"
    assert "retry-after" not in dict(CODES.answer(ACCOUNT, "hours.closed", "hour").headers)


def test_an_answer_is_remembered_for_the_same_question_alone() -> None:
    asked = [(account, rule, detail, s) for account in (ACCOUNT, LEGACY, replace(ACCOUNT, status_text=True))
             for rule in ("hours.closed", "throughput.account") for detail in ("", "rate") for s in (0, 7)]  # fmt: skip
    given = [CODES.answer(*each) for each in asked]
    fresh = [load_call_codes(TABLE).answer(*each) for each in asked]
    assert [(one.status, one.headers, one.rule) for one in given] == [
        (one.status, one.headers, one.rule) for one in fresh
    ]
    assert all(CODES.answer(*each) is one for each, one in zip(asked, given, strict=True))


def test_a_warning_goes_to_those_who_ask_for_texts() -> None:
    answer = CODES.answer(replace(ACCOUNT, status_text=True), "hours.closed", "hour")
    text = CATALOGUE["hours.closed"].text_en.encode()
    assert dict(answer.headers)["warning"] == b'399 tdgate "%s"' % text


@pytest.mark.parametrize("rule", CATALOGUE)
def test_texts_need_no_quoting(rule: str) -> None:
    assert re.fullmatch(r"[ -~]+", CATALOGUE[rule].text_en)
    assert not set('"\\') & set(CATALOGUE[rule].text_en)


def test_what_ends_a_call_says_both_causes() -> None:
    assert CODES.ending(ACCOUNT, "fraud.hold") == [
        ("reason", b'Q.850;cause=21;text="fraud.hold"'),
        ("reason", b'SIP;cause=403;text="fraud.hold"'),
    ]


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        (("precise", "hours.closed"), None, "precise.hours.closed: missing"),
        (("precise", "hours.closed"), 999, "precise.hours.closed: 999 is no status"),
        (("precise", "hours.closed"), "603", "precise.hours.closed: must be whole numbers"),
        (("precise", "hours.closed"), True, "precise.hours.closed: must be whole numbers"),
        (("precise", "hours.closed"), {"hour": 603}, "precise.hours.closed.default: missing"),
        (("precise", "no.rule"), 603, "precise.no.rule: unknown rule"),
        (("precise", "message.foreign"), 603, "precise.message.foreign: unknown rule"),
        (("legacy",), None, "legacy: missing or not a table"),
        (("other",), {}, "other: unknown section; known are precise, legacy, retry_after_s"),
        (("retry_after_s", "throughput.account"), 2, "retry_after_s.throughput.account: must be 0 to 1"),
        (("retry_after_s", "internal.*"), -1, "retry_after_s.internal.rule: must be 0 to 86400"),
    ],
)
def test_a_wrong_table_is_refused(path: tuple[str, ...], value: object, error: str) -> None:
    table = deepcopy(TABLE)
    place = table
    for name in path[:-1]:
        place = place[name]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    with pytest.raises(CodeTableError) as raised:
        load_call_codes(table)
    assert error in raised.value.errors
