"""On whose behalf: the number's principal and operator are the sender's, and a partner holds a written entrustment."""

from collections.abc import Iterator
from typing import Final

from proxy.core.records import Entrustment
from proxy.rules.rule import LaneFacts, LaneRule


def _listed(facts: LaneFacts) -> bool:
    return bool(facts.listed)


def _missing(facts: LaneFacts) -> str | None:
    if facts.row is None:
        return "number"
    if facts.account.operator == facts.account.principal:
        return None
    return None if next(_covering(facts), None) else "document"


def _expired(facts: LaneFacts) -> str | None:
    covering = list(_covering(facts))
    if not covering or any(entrustment.period.holds(facts.now) for entrustment in covering):
        return None
    return "period"


def _covering(facts: LaneFacts) -> Iterator[Entrustment]:
    for entrustment in facts.entrustments:
        if facts.purpose in entrustment.purposes and facts.channel in entrustment.channels:
            yield entrustment


MISSING: Final = LaneRule("entrustment.missing", ("Z11", "J4", "J9"), _missing, _listed)
EXPIRED: Final = LaneRule("entrustment.expired", ("J4",), _expired, _listed)
