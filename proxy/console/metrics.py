"""The metrics: what the status file says, in the exposition format, at the moment of the scrape.

Owns names, types and labels (`docs/manual/metrics.md` has the same list, held by a test). Nothing is counted here: a
collector reads the status each time. While there is no fresh status only the gauges about it are given, since an old
count that looks alive is worse than none.
"""

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from proxy.console.sight import Sight
from proxy.core.catalogue import CATALOGUE
from proxy.telemetry.events import EVENTS, REFUSAL_RECORDED, SUPPRESSION_RECORDED
from proxy.telemetry.status import CountRow, SipRow, Status

#: The channels for which this version judges, so for which zeros are given.
_CHANNELS: Final = ("sms", "voice")


class StatusCollector(Collector):
    """Makes metrics of what `look` sees."""

    def __init__(self, look: Callable[[], Sight]) -> None:
        self._look = look

    def collect(self) -> Iterator[Metric]:
        sight = self._look()
        fresh = not sight.trouble
        yield GaugeMetricFamily("tdgate_status_fresh", "1 while the wire process tells how it is", value=float(fresh))
        yield GaugeMetricFamily("tdgate_ready", "1 while the wire takes traffic", value=float(not sight.unready))
        if sight.status is None:
            return
        yield GaugeMetricFamily("tdgate_status_age_seconds", "Age of the status file", value=max(0.0, sight.age_s))
        if fresh:
            yield from _wire(sight.status)
            yield from _binds(sight.status)
            yield from _evidence(sight.status)
            yield from _calls(sight.status)
            yield _counts(sight.status)
            opened = sum(one.until_us > 0 for one in sight.status.bypasses)
            yield GaugeMetricFamily("tdgate_bypass_open", "Bypasses that are open", value=opened)


def _wire(status: Status) -> Iterator[Metric]:
    build = {"version": status.version, "pack": status.pack, "pack_version": str(status.pack_version)}
    yield InfoMetricFamily("tdgate_build", "Version of the product and of its rule pack", value=build)
    yield GaugeMetricFamily("tdgate_boot", "Number of this run of the wire process", value=status.boot)
    yield GaugeMetricFamily("tdgate_registry_revision", "Revision of the registry in force", value=status.revision)
    yield GaugeMetricFamily("tdgate_draining", "1 while no new work is taken", value=float(status.draining))
    pause = GaugeMetricFamily("tdgate_loop_pause_seconds", "Longest pause of the wire lately", labels=("of",))
    pause.add_metric(("all",), status.pause.ms / 1000)
    pause.add_metric(("process",), status.pause.process_ms / 1000)
    pause.add_metric(("loop",), status.pause.loop_ms / 1000)
    yield pause
    counts = {(channel, _effect(rule), rule): 0 for channel in _CHANNELS for rule in ("", *CATALOGUE)}
    counts |= {(channel, effect, rule): count for channel, effect, rule, count in status.decisions}
    decisions = CounterMetricFamily(
        "tdgate_decisions", "Decisions by channel, effect and rule", labels=("channel", "effect", "rule")
    )
    for key in sorted(counts):
        decisions.add_metric(key, counts[key])
    yield decisions
    events = CounterMetricFamily("tdgate_events", "Events of the catalogue", labels=("event",))
    for event in EVENTS:
        events.add_metric((event.name,), status.counters.get(event.name, 0))
    yield events
    yield GaugeMetricFamily("tdgate_doubts", "Doubtful replies that wait for a verdict", value=status.doubts)
    for name, says, event in (
        ("tdgate_refusals", "Refusals of persons (TD) that were recorded", REFUSAL_RECORDED),
        ("tdgate_suppressions", "Suppressions that were recorded", SUPPRESSION_RECORDED),
    ):
        yield CounterMetricFamily(name, says, value=status.counters.get(event.name, 0))


def _effect(rule: str) -> str:
    if not rule:
        return "allow"
    return "deny" if CATALOGUE[rule].kind == "final" else "defer"


def _binds(status: Status) -> Iterator[Metric]:
    binds = GaugeMetricFamily("tdgate_binds", "Binds of ESMEs", labels=("account", "kind", "state"))
    flight = GaugeMetricFamily("tdgate_in_flight", "Unanswered PDUs by side", labels=("account", "side"))
    standing: dict[tuple[str, str, str], int] = {}
    waiting: dict[tuple[str, str], int] = {}
    for row in status.binds:
        key = (row.account, row.kind, row.state)
        standing[key] = standing.get(key, 0) + 1
        for side, count in (("esme", row.esme_in_flight), ("carrier", row.carrier_in_flight)):
            waiting[row.account, side] = waiting.get((row.account, side), 0) + count
    for labels, count in sorted(standing.items()):
        binds.add_metric(labels, count)
    for sides, count in sorted(waiting.items()):
        flight.add_metric(sides, count)
    yield binds
    yield flight
    connected = GaugeMetricFamily("tdgate_route_connected", "Carrier binds that stand", labels=("route",))
    draining = GaugeMetricFamily("tdgate_route_draining", "1 while a route takes no new work", labels=("route",))
    for route in status.routes:
        connected.add_metric((route.name,), route.connected)
        draining.add_metric((route.name,), float(route.draining))
    yield connected
    yield draining


def _evidence(status: Status) -> Iterator[Metric]:
    evidence = status.evidence
    yield GaugeMetricFamily("tdgate_evidence_leaves", "Records in the evidence log", value=evidence.size)
    yield GaugeMetricFamily("tdgate_evidence_queued", "Records that wait for the disk", value=evidence.queued)
    yield GaugeMetricFamily("tdgate_evidence_failed", "1 while the log cannot be written", value=float(evidence.failed))


def _calls(status: Status) -> Iterator[Metric]:
    held = GaugeMetricFamily("tdgate_sip_held", "What the calls hold at this moment", labels=("kind",))
    for kind in SipRow.__struct_fields__:
        held.add_metric((kind,), getattr(status.sip, kind))
    yield held
    now = GaugeMetricFamily("tdgate_trunk_calls", "Permitted calls of a trunk's account now", labels=("account",))
    most = GaugeMetricFamily("tdgate_trunk_calls_most", "The most there were at once", labels=("account",))
    ends = CounterMetricFamily(
        "tdgate_call_ends", "Permitted calls that are over, by result", labels=("account", "result")
    )
    # WHY by account: two trunks of one account have one count.
    for account, row in {row.account: row for row in status.trunks}.items():
        now.add_metric((account,), row.now)
        most.add_metric((account,), row.most)
        for result in _ENDS:
            ends.add_metric((account, result), getattr(row, result))
    yield now
    yield most
    yield ends
    labels = ("group", "gateway")
    up = GaugeMetricFamily("tdgate_gateway_up", "1 while a gateway for calls lives", labels=labels)
    asked = CounterMetricFamily("tdgate_gateway_asked", "Calls that a gateway was chosen for", labels=labels)
    for group, gateway, lives, count in _gateways(status):
        up.add_metric((group, gateway), lives)
        asked.add_metric((group, gateway), count)
    yield up
    yield asked


_ENDS: Final = ("answered", "declined", "failed", "cancelled", "back")


def _gateways(status: Status) -> Iterator[tuple[str, str, float, int]]:
    for row in status.gateways:
        host = f"[{row.host}]" if ":" in row.host else row.host
        yield row.group, f"{row.transport}:{host}:{row.port}", float(row.up), row.asked


_COUNTED: Final = CountRow.__struct_fields__[2:]


def _counts(status: Status) -> Metric:
    counted = CounterMetricFamily(
        "tdgate_account_messages",
        "Messages by account, route and what became of them",
        labels=("account", "route", "kind"),
    )
    for row in status.counts:
        for kind in _COUNTED:
            counted.add_metric((row.account, row.route, kind), getattr(row, kind))
    return counted


def registry(look: Callable[[], Sight]) -> CollectorRegistry:
    """A registry of its own with the product's metrics and no others."""
    found = CollectorRegistry(auto_describe=False)
    found.register(StatusCollector(look))
    return found


def exposition(found: CollectorRegistry) -> bytes:
    """The text of a scrape (text format 0.0.4)."""
    return generate_latest(found)
