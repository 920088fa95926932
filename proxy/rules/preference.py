"""What a person prefers, and do-not-call lists: narrower than a refusal, and no consent opens it (J6 J14)."""

from typing import Final

from proxy.core.lane import Lane
from proxy.core.pack import CHINA_OFFSET_S
from proxy.core.persons import index_key
from proxy.core.preferences import declined_bits, window
from proxy.core.purposes import PURPOSE_BITS
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot
from proxy.rules.rule import LaneFacts, RequestRule

_DAY_S: Final = 86_400


def _can_be_declined(facts: LaneFacts) -> bool:
    return (facts.purpose, facts.channel) in PURPOSE_BITS


def _declined(request: Request, lane: Lane, person: int, snapshot: Snapshot) -> str | None:
    preferences = snapshot.preferences
    # WHY asked first: where nobody told a preference, nobody's has to be looked up.
    if not person or preferences.is_empty:
        return None
    # WHY two: what a person told one institution, and what holds for all of them (institution "", salt 0).
    for value in (preferences.get(person), preferences.get(person ^ lane.salt)):
        if not value:
            continue
        if declined_bits(value) & lane.bit:
            return "purpose"
        opens, closes = window(value)
        if closes and not opens <= (request.received_at + CHINA_OFFSET_S) % _DAY_S / 60 < closes:
            return "hour"
    return None


def _listed(request: Request, lane: Lane, person: int, snapshot: Snapshot) -> str | None:
    if not person or not snapshot.donotcall:
        return None
    key = snapshot.person_key
    # WHY: a list is of hashes, so it stays under the key that it was made with.
    also = index_key(key.other(request.recipient), 0) if key.is_rotating and request.recipient is not None else 0
    for listed in snapshot.donotcall:
        if (listed.get(person ^ lane.salt) | (listed.get(also) if also else 0)) & lane.bit:
            return "listed"
    return None


DECLINED: Final[RequestRule] = RequestRule("preference.declined", ("J6",), _declined, _can_be_declined)
DONOTCALL: Final[RequestRule] = RequestRule("preference.donotcall", ("J14",), _listed, _can_be_declined)
