"""The metrics: every rule from the first scrape on, nothing that looks alive when the wire is not, all documented."""

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from proxy.core.catalogue import CATALOGUE
from proxy.core.purposes import CHANNELS
from proxy.telemetry.events import EVENTS
from proxy.telemetry.status import FRESH_S, SipRow
from tests.console.conftest import Scene

pytestmark = pytest.mark.unit

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "manual" / "metrics.md"


def samples(scene: Scene) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = scene.ask("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def decisions(scene: Scene) -> dict[tuple[str, str, str], float]:
    return {
        (dict(labels)["channel"], dict(labels)["effect"], dict(labels)["rule"]): value
        for (name, labels), value in samples(scene).items()
        if name == "tdgate_decisions_total"
    }


def test_every_rule_has_a_count_from_the_first_scrape_on(scene: Scene) -> None:
    scene.shows(decisions=())
    found = decisions(scene)
    assert {rule for _, _, rule in found} == {"", *CATALOGUE}
    assert set(found.values()) == {0.0}
    for channel, effect, rule in found:
        assert channel in CHANNELS
        expected = "allow" if not rule else "deny" if CATALOGUE[rule].kind == "final" else "defer"
        assert effect == expected


def test_counts_are_those_of_the_status(scene: Scene) -> None:
    scene.shows(decisions=(("sms", "deny", "suppression.active", 7), ("voice", "allow", "", 3)))
    found = decisions(scene)
    assert found["sms", "deny", "suppression.active"] == 7
    assert found["voice", "allow", ""] == 3
    assert found["sms", "allow", ""] == 0


def test_what_the_calls_hold_is_told(scene: Scene) -> None:
    scene.shows(sip=SipRow(calls=5, attempts=4, places=3, dialogs=8, transactions=12, timers=20, connections=2))
    held = {
        dict(labels)["kind"]: value for (name, labels), value in samples(scene).items() if name == "tdgate_sip_held"
    }
    wanted = {"calls": 5, "attempts": 4, "places": 3, "dialogs": 8, "transactions": 12, "timers": 20, "connections": 2}
    assert held == wanted


def test_trunks_and_gateways_are_told(scene: Scene) -> None:
    scene.shows()
    found = samples(scene)
    of_account = (("account", "jianglan-call"),)
    assert (found["tdgate_trunk_calls", of_account], found["tdgate_trunk_calls_most", of_account]) == (7, 61)
    ends = {
        dict(labels)["result"]: value
        for (name, labels), value in found.items()
        if name == "tdgate_call_ends_total" and dict(labels)["account"] == "jianglan-call"
    }
    assert ends == {"answered": 1177, "declined": 143, "failed": 41, "cancelled": 44, "back": 12}
    down = (("gateway", "tls:198.51.100.2:5061"), ("group", "default"))
    assert (found["tdgate_gateway_up", down], found["tdgate_gateway_asked_total", down]) == (0, 471)


def test_binds_routes_evidence_and_events_are_told(scene: Scene) -> None:
    made = scene.shows()
    found = samples(scene)
    tx = (("account", "yunxiu-collect"), ("kind", "tx"), ("state", "bound"))
    assert found["tdgate_binds", tx] == 1
    assert found["tdgate_in_flight", (("account", "yunxiu-collect"), ("side", "esme"))] == 8
    assert found["tdgate_route_connected", (("route", "default"),)] == 4
    assert found["tdgate_evidence_leaves", ()] == made.evidence.size
    assert found["tdgate_refusals_total", ()] == made.counters["refusal.recorded"] == 6
    told = {dict(labels)["event"] for name, labels in found if name == "tdgate_events_total"}
    assert told == {event.name for event in EVENTS}


def test_doubtful_replies_are_a_gauge(scene: Scene) -> None:
    scene.shows(doubts=7)
    assert samples(scene)["tdgate_doubts", ()] == 7


def test_an_old_status_gives_no_counts(scene: Scene) -> None:
    scene.shows()
    assert samples(scene)["tdgate_status_fresh", ()] == 1
    scene.now += FRESH_S + 1
    assert samples(scene) == {
        ("tdgate_status_fresh", ()): 0,
        ("tdgate_ready", ()): 0,
        ("tdgate_status_age_seconds", ()): FRESH_S + 1,
    }
    scene.file.remove()
    assert samples(scene) == {("tdgate_status_fresh", ()): 0, ("tdgate_ready", ()): 0}


def test_every_metric_is_in_the_manual_and_the_manual_has_no_other(scene: Scene) -> None:
    scene.shows()
    told = {name for name, _ in samples(scene)}
    documented = set(re.findall(r"^\| `(tdgate_\w+)", MANUAL.read_text(), re.MULTILINE))
    assert documented == told
