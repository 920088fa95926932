"""Header rules that would break a dialog, an identity or a body are told, not carried out."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.header_faults import header_faults, purpose_key_of
from proxy.sip.carried import OWNED
from proxy.sip_settings import Sip, SipCarrier
from proxy.wire_faults import call_faults

pytestmark = pytest.mark.unit

KEYS = ("header_remove", "header_add")


def keys(sip: Sip) -> list[str]:
    return [line.partition(": ")[0] for line in header_faults(sip)]


def carrier(**rules: Any) -> Sip:
    return Sip(carriers={"default": SipCarrier(**rules)})


def test_what_is_shipped_and_what_is_usual_is_right() -> None:
    assert keys(Sip()) == []
    assert keys(carrier(header_remove=["X-Gone", "Reason"], header_add={"X-Trunk": "7", "User-Agent": "gw"})) == []


@pytest.mark.parametrize("name", sorted(OWNED))
def test_what_each_leg_has_of_its_own_is_nobody_s_to_write(name: str) -> None:
    assert keys(carrier(header_add={name.title(): "x"})) == ["sip.carriers.default.header_add"]
    assert keys(carrier(header_remove=[name.upper()])) == ["sip.carriers.default.header_remove"]
    assert keys(Sip(purpose_header=name)) == ["sip.purpose_header"]


@pytest.mark.parametrize("name", ["f", "I", "m", "v", "t", "k", "b"])
def test_compact_forms_are_the_same_fields(name: str) -> None:
    assert keys(carrier(header_add={name: "x"})) == ["sip.carriers.default.header_add"]


@pytest.mark.parametrize("name", ["Content-Type", "c", "content-disposition", "Content-Encoding", "e", "MIME-Version"])
def test_a_body_keeps_what_it_is_read_by(name: str) -> None:
    assert keys(Sip(header_hold=[name])) == ["sip.header_hold"]
    assert keys(carrier(header_remove=[name])) == ["sip.carriers.default.header_remove"]
    assert keys(carrier(header_add={name: "x"})) == ["sip.carriers.default.header_add"]


@pytest.mark.parametrize(
    "name", ["Organization", "Subject", "s", "Reply-To", "Alert-Info", "Call-Info", "P-Called-Party-ID"]
)
def test_nothing_is_shown_that_no_registry_has(name: str) -> None:
    assert keys(carrier(header_add={name: "x"})) == ["sip.carriers.default.header_add"]


@pytest.mark.parametrize("name", ["", "X Y", "X:", "X\r\nFrom", "头"])
def test_a_name_that_is_none_is_told_by_its_key(name: str) -> None:
    assert keys(Sip(header_hold=[name])) == ["sip.header_hold"]
    assert keys(carrier(header_remove=[name])) == ["sip.carriers.default.header_remove"]
    assert keys(carrier(header_add={name: "x"})) == ["sip.carriers.default.header_add"]


@pytest.mark.parametrize("value", ["", " ", "a\r\nFrom: <sip:110@x>", "a\x00", "a\x7f", "\t"])
def test_a_value_is_one_line(value: str) -> None:
    assert keys(carrier(header_add={"X-A": value})) == ["sip.carriers.default.header_add"]


def test_one_field_in_two_spellings_is_told() -> None:
    assert keys(carrier(header_add={"X-A": "1", "x-a": "2"})) == ["sip.carriers.default.header_add"]


def test_the_check_of_a_configuration_asks_for_them() -> None:
    assert [line.partition(": ")[0] for line in call_faults(Sip(header_hold=["Content-Type"]))] == ["sip.header_hold"]


def test_the_purpose_is_read_where_it_is_held_back() -> None:
    assert [purpose_key_of(Sip(purpose_header=name)) for name in ("X-Purpose", "s", "")] == ["x-purpose", "subject", ""]
