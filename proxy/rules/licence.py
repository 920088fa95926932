"""Inside the licensed business scope (Z2 Z3 J3): marketing and collection only for what the licence names."""

from typing import Final

from proxy.core.records import LENDING_KINDS
from proxy.rules.rule import LaneFacts, LaneRule


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


SCOPE: Final = LaneRule("licence.scope", ("Z2", "Z3", "J3"), _scope, _regulated)
EXPIRED: Final = LaneRule("licence.expired", ("Z2", "J3"), _expired, _regulated)
