"""On whose behalf: the number's principal and operator are the sender's, and a partner holds a written entrustment.

An entrustment that another partner passed on counts only with that partner's own, up to the institution (J9).
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from proxy.core.lane import Lane
from proxy.core.purposes import Channel, Purpose
from proxy.core.records import Entrustment, Period
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot
from proxy.rules.region import lies_outside
from proxy.rules.rule import LaneFacts, LaneRule

#: No chain of records is followed further; packs allow far less.
_LONGEST: Final = 8


class Chain(Struct, frozen=True):
    """The documents from the institution to a partner. `regions` are those of all of them; None: everywhere."""

    depth: int
    holds: bool
    regions: frozenset[str] | None


def chains(
    snapshot: Snapshot, principal: str, partner: str, purpose: Purpose, channel: Channel, now: float, depth: int = 1
) -> Iterator[Chain]:
    """Every chain by which a partner may act for this purpose on this channel, whether it holds now or not."""
    for given in snapshot.entrustments.get((principal, partner), ()):
        if purpose not in given.purposes or channel not in given.channels:
            continue
        regions, holds = given.regions or None, given.period.holds(now)
        if not given.parent:
            yield Chain(1, holds, regions)
        elif depth < _LONGEST:
            passing = snapshot.partners.get(given.parent)
            contracted = passing is not None and passing.contract.holds(now)
            for above in chains(snapshot, principal, given.parent, purpose, channel, now, depth + 1):
                yield Chain(above.depth + 1, holds and contracted and above.holds, _both(regions, above.regions))


def periods(snapshot: Snapshot, principal: str, partner: str) -> Iterator[Period]:
    """The periods that a partner's chains hang on."""
    seen, waiting = set[str](), [partner]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        contract = snapshot.partners.get(name)
        if contract is not None:
            yield contract.contract
        for given in snapshot.entrustments.get((principal, name), ()):
            yield given.period
            if given.parent:
                waiting.append(given.parent)


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _of(facts: LaneFacts) -> list[Chain]:
    account = facts.account
    return list(chains(facts.snapshot, account.principal, account.operator, facts.purpose, facts.channel, facts.now))


def _listed(facts: LaneFacts) -> bool:
    return bool(facts.listed)


def _partnered(facts: LaneFacts) -> bool:
    return bool(facts.listed) and facts.account.operator != facts.account.principal


def _missing(facts: LaneFacts) -> str | None:
    if facts.row is None:
        return "number"
    if facts.account.operator == facts.account.principal:
        return None
    if not any(_covers(given, facts) for given in facts.entrustments):
        return "document"
    return None if _of(facts) else "parent"


def _covers(given: Entrustment, facts: LaneFacts) -> bool:
    return facts.purpose in given.purposes and facts.channel in given.channels


def _expired(facts: LaneFacts) -> str | None:
    found = _of(facts)
    return None if not found or any(chain.holds for chain in found) else "period"


def _deep(facts: LaneFacts) -> str | None:
    depths = [chain.depth for chain in _of(facts) if chain.holds]
    return "level" if depths and min(depths) > facts.pack.entrustment_depth_most else None


def _is_regional(facts: LaneFacts) -> bool:
    return _partnered(facts) and all(chain.regions is not None for chain in _of(facts) if chain.holds)


def _elsewhere(request: Request, lane: Lane, _person: int, snapshot: Snapshot) -> str | None:
    account = lane.account
    found = chains(snapshot, account.principal, account.operator, lane.purpose, request.channel, lane.since)
    held = [chain.regions for chain in found if chain.holds and chain.regions is not None]
    if not held or any(lies_outside(regions, request, lane, snapshot) is None for regions in held):
        return None
    return "region"


MISSING: Final[LaneRule] = LaneRule(
    "entrustment.missing", ("Z11", "J4", "J9"), _missing, _listed, each=_elsewhere, each_applies=_is_regional
)
EXPIRED: Final[LaneRule] = LaneRule("entrustment.expired", ("J4",), _expired, _listed)
DEPTH: Final[LaneRule] = LaneRule("entrustment.depth", ("J9",), _deep, _partnered)
