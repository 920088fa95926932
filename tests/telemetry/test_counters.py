"""Counters take names of the catalogue only, and start at zero."""

import pytest

from proxy.telemetry.counters import Counters
from proxy.telemetry.events import EVENTS, PDU_MALFORMED

pytestmark = pytest.mark.unit


def test_every_event_counts_from_zero() -> None:
    assert Counters().counted() == {event.name: 0 for event in EVENTS}


def test_a_name_outside_the_catalogue_cannot_be_counted() -> None:
    counters = Counters()
    with pytest.raises(KeyError):
        counters.counts["pdu.mallformed"] += 1
    counters.counts[PDU_MALFORMED.name] += 1
    assert counters.counted()[PDU_MALFORMED.name] == 1


def test_what_was_counted_is_a_copy() -> None:
    counters = Counters()
    before = counters.counted()
    counters.counts[PDU_MALFORMED.name] += 1
    assert before[PDU_MALFORMED.name] == 0


def test_decisions_are_counted_by_channel_effect_and_rule() -> None:
    counters = Counters()
    for rule in ("suppression.active", "suppression.active", "consent.missing"):
        counters.decisions[("sms", "deny", rule)] += 1
    counters.decisions[("sms", "allow", "")] += 1
    assert counters.decided() == (
        ("sms", "allow", "", 1),
        ("sms", "deny", "consent.missing", 1),
        ("sms", "deny", "suppression.active", 2),
    )


def test_a_rule_outside_the_catalogue_is_not_told() -> None:
    counters = Counters()
    counters.decisions[("sms", "deny", "made.up")] += 1
    with pytest.raises(KeyError):
        counters.decided()
