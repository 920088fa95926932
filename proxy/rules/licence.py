"""Inside the licensed business scope (Z2 Z3 J3): only what the licence names, only where it holds."""

from typing import Final

from proxy.core.lane import Lane
from proxy.core.purposes import Channel, Purpose
from proxy.core.records import LENDING_KINDS, Licence
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot
from proxy.rules.region import lies_outside
from proxy.rules.rule import LaneFacts, LaneRule, RequestRule


def _regulated(facts: LaneFacts) -> bool:
    return facts.purpose in ("marketing", "collection")


def _scope(facts: LaneFacts) -> str | None:
    # An institution that the registry does not know is refused as `account.unreviewed`.
    if facts.purpose == "collection" and facts.institution and facts.institution.kind not in LENDING_KINDS:
        return "kind"
    named = any(facts.purpose in held.purposes and facts.channel in held.channels for held in facts.licences)
    return None if named else "purpose"


def _expired(facts: LaneFacts) -> str | None:
    named = [held for held in facts.licences if facts.purpose in held.purposes and facts.channel in held.channels]
    return None if not named or any(held.period.holds(facts.now) for held in named) else "period"


def _regions(licences: tuple[Licence, ...], purpose: Purpose, channel: Channel, now: float) -> frozenset[str]:
    """The provinces of the licences that hold now; a central one counts as the empty name."""
    return frozenset(
        held.region
        for held in licences
        if purpose in held.purposes and channel in held.channels and held.period.holds(now)
    )


def _only_local(facts: LaneFacts) -> bool:
    regions = _regions(facts.licences, facts.purpose, facts.channel, facts.now)
    return _regulated(facts) and bool(regions) and "" not in regions


def _elsewhere(request: Request, lane: Lane, _person: int, snapshot: Snapshot) -> str | None:
    licences = snapshot.licences.get(lane.principal, ())
    # WHY lane.since: a lane holds for as long as no period that it looked at begins or ends.
    regions = _regions(licences, lane.purpose, request.channel, lane.since)
    where = lies_outside(regions, request, lane, snapshot)
    if where == "telecom":
        return "telecom"
    return None if where is None else "recipient"


SCOPE: Final = LaneRule("licence.scope", ("Z2", "Z3", "J3"), _scope, _regulated)
EXPIRED: Final = LaneRule("licence.expired", ("Z2", "J3"), _expired, _regulated)
REGION: Final = RequestRule("licence.region", ("Z4",), _elsewhere, _only_local)
