"""Refusals on the wire: the shipped table is the catalogue's, and a wrong table is refused with every error."""

from __future__ import annotations

import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from proxy.core.catalogue import CATALOGUE
from proxy.core.codes import BIND_RULES, CALLS_ONLY, CodeMaps, CodeTableError, load_codes
from tests.rules.cases import CASES
from tests.rules.scene import ACCOUNT

pytestmark = pytest.mark.unit

TABLE: dict[str, Any] = tomllib.loads(
    (Path(__file__).resolve().parents[2] / "config" / "codes.toml").read_text(encoding="utf-8")
)
STANDARD = replace(ACCOUNT, code_map="standard")

#: rule, detail → vendor at base 0x0400, standard
EXPECTED = {
    ("account.unreviewed", ""): (0x0400, 0x45),
    ("telecom.licence", ""): (0x0401, 0x45),
    ("pdu.ambiguous", ""): (0x0402, 0x45),
    ("account.oneway", ""): (0x0403, 0x45),
    ("licence.scope", ""): (0x0410, 0x45),
    ("licence.expired", ""): (0x0411, 0x45),
    ("licence.region", ""): (0x0412, 0x45),
    ("entrustment.missing", ""): (0x0414, 0x45),
    ("entrustment.expired", ""): (0x0415, 0x45),
    ("entrustment.depth", ""): (0x0416, 0x45),
    ("number.unregistered", ""): (0x0418, 0x0A),
    ("number.expired", ""): (0x0419, 0x0A),
    ("number.disposed", ""): (0x041A, 0x0A),
    ("segment.misuse", ""): (0x041B, 0x45),
    ("purpose.mismatch", ""): (0x041C, 0x45),
    ("library.stale", ""): (0x041D, 0x45),
    ("template.unreviewed", ""): (0x0420, 0x45),
    ("message.partial", ""): (0x0421, 0x45),
    ("consent.missing", ""): (0x0428, 0x0B),
    ("suppression.active", ""): (0x0429, 0x0B),
    ("preference.declined", ""): (0x042A, 0x0B),
    ("preference.donotcall", ""): (0x042B, 0x0B),
    ("debtor.unknown", ""): (0x042C, 0x0B),
    ("debtor.uninformed", ""): (0x042D, 0x0B),
    ("collection.objection", ""): (0x042E, 0x0B),
    ("content.identity", ""): (0x0430, 0x45),
    ("content.contact", ""): (0x0431, 0x45),
    ("content.product", ""): (0x0432, 0x45),
    ("content.refusal", ""): (0x0433, 0x45),
    ("content.spoof", ""): (0x0434, 0x45),
    ("content.disclosure", ""): (0x0435, 0x45),
    ("content.threat", ""): (0x0436, 0x45),
    ("content.undecodable", ""): (0x0437, 0x45),
    ("content.fraud", ""): (0x0438, 0x45),
    ("content.link", ""): (0x0439, 0x45),
    ("hours.closed", ""): (0x0440, 0x45),
    ("frequency.cap", ""): (0x0441, 0x45),
    ("fraud.hold", ""): (0x0450, 0x45),
    ("outcome.unknown", ""): (0x0460, 0x45),
    ("address.invalid", "source"): (0x0A, 0x0A),
    ("address.invalid", "destination"): (0x0B, 0x0B),
    ("pdu.unsupported", ""): (0x45, 0x45),
    ("pdu.unsupported", "command"): (0x03, 0x03),
    ("pdu.unsupported", "replace_sm"): (0x13, 0x13),
    ("pdu.unsupported", "distribution_list"): (0x44, 0x44),
    ("pdu.unsupported", "schedule"): (0x61, 0x61),
    ("pdu.unsupported", "validity"): (0x62, 0x62),
    ("pdu.unsupported", "submit_multi"): (0x45, 0x45),
    ("message.foreign", "query_sm"): (0x67, 0x67),
    ("message.foreign", "cancel_sm"): (0x11, 0x11),
    ("message.foreign", "replace_sm"): (0x13, 0x13),
    ("throughput.account", "rate"): (0x58, 0x58),
    **{(rule, ""): (0x14, 0x14) for rule in CATALOGUE if rule.startswith("internal.")},
}


@pytest.fixture(scope="module")
def codes() -> CodeMaps:
    return load_codes(TABLE)


@pytest.mark.parametrize(("rule", "detail"), EXPECTED)
def test_the_shipped_table_is_the_catalogues(codes: CodeMaps, rule: str, detail: str) -> None:
    vendor, standard = EXPECTED[rule, detail]
    assert codes.status(ACCOUNT, rule, detail) == vendor
    assert codes.status(STANDARD, rule, detail) == standard


def test_every_rule_of_the_catalogue_stands_in_this_test() -> None:
    assert {rule for rule, _ in EXPECTED} == set(CATALOGUE) - CALLS_ONLY


@pytest.mark.parametrize(("rule", "detail"), EXPECTED)
def test_the_vendor_base_is_the_accounts(codes: CodeMaps, rule: str, detail: str) -> None:
    vendor, _ = EXPECTED[rule, detail]
    moved = codes.status(replace(ACCOUNT, vendor_base=0x04C0), rule, detail)
    assert moved == (vendor + 0xC0 if vendor >= 0x0400 else vendor)


def test_vendor_codes_tell_rules_apart(codes: CodeMaps) -> None:
    vendor = [codes.status(ACCOUNT, rule) for rule in CATALOGUE if rule not in CALLS_ONLY]
    own = [status for status in vendor if status >= 0x0400]
    assert len(own) == len(set(own)) > 30


def test_temporary_refusals_are_codes_on_which_senders_retry(codes: CodeMaps) -> None:
    for rule, entry in CATALOGUE.items():
        if rule not in CALLS_ONLY:
            retried = {codes.status(account, rule) in (0x08, 0x14, 0x58, 0x64) for account in (ACCOUNT, STANDARD)}
            assert retried == {entry.kind == "temporary"}


def test_every_refusal_of_the_corpus_has_a_status(codes: CodeMaps) -> None:
    for case in CASES:
        if case.expected[1] and case.expected[1] not in CALLS_ONLY:
            assert codes.status(ACCOUNT, *case.expected[1:]) > 0


@pytest.mark.parametrize("rule", BIND_RULES)
def test_a_bind_is_answered_with_bind_failed(codes: CodeMaps, rule: str) -> None:
    assert codes.bind_status(rule) == 0x0D


def test_a_rule_that_smpp_does_not_have_is_a_defect(codes: CodeMaps) -> None:
    with pytest.raises(KeyError):
        codes.status(ACCOUNT, "caller.identity")
    with pytest.raises(KeyError):
        codes.bind_status("hours.closed")


def test_a_detail_cannot_be_called_default(codes: CodeMaps) -> None:
    assert codes.status(ACCOUNT, "address.invalid", "default") == codes.status(ACCOUNT, "address.invalid", "")


def test_a_wrong_table_is_refused_with_every_error() -> None:
    table = deepcopy(TABLE)
    del table["vendor"]["hours.closed"]
    table["vendor"]["hours.close"] = 0x45
    table["standard"]["fraud.*"] = 0
    table["standard"]["fraud.hold"] = "base+0x50"
    table["vendor"]["fraud.hold"] = 0
    table["vendor"]["frequency.cap"] = True
    table["vendor"]["template.unreviewed"] = "0x20"
    table["vendor"]["message.foreign"] = {"query_sm": 0x67}
    table["bind"]["account.unreviewed"] = {"default": 0x0D, "account": 0x0E}
    table["sip"] = {}
    with pytest.raises(CodeTableError) as raised:
        load_codes(table)
    named = [error.partition(": ")[0] for error in raised.value.errors]
    assert sorted(named) == sorted(
        [
            "sip",
            "vendor.hours.closed",
            "vendor.hours.close",
            "vendor.fraud.hold",
            "vendor.frequency.cap",
            "vendor.template.unreviewed",
            "vendor.message.foreign.default",
            "standard.fraud.*",
            "standard.fraud.hold",
            "bind.account.unreviewed",
        ]
    )


@pytest.mark.parametrize("name", ["bind", "vendor", "standard"])
@pytest.mark.parametrize("value", [None, 3, []])
def test_a_missing_map_is_named(name: str, value: object) -> None:
    with pytest.raises(CodeTableError, match=name):
        load_codes({**TABLE, name: value})
    with pytest.raises(CodeTableError, match=name):
        load_codes({key: each for key, each in TABLE.items() if key != name})


def test_a_named_rule_goes_before_its_family_in_any_order() -> None:
    table = deepcopy(TABLE)
    table["standard"] = {"internal.*": 0x14, "internal.gap": 0x08, **table["standard"]}
    assert load_codes(table).status(STANDARD, "internal.gap") == 0x08
    assert load_codes(table).status(STANDARD, "internal.rule") == 0x14
