"""The person's will: nothing after a refusal (Z16 Z19), no marketing without consent (Z15)."""

from typing import Final

from proxy.core.lane import Lane
from proxy.core.purposes import PURPOSE_BITS
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot
from proxy.rules.rule import LaneFacts, RequestRule

#: A consent's value is its bits, and above them the Asia/Shanghai day number from which it no longer holds.
CONSENT_DAY_SHIFT: Final = 8


def _can_be_closed(facts: LaneFacts) -> bool:
    return (facts.purpose, facts.channel) in PURPOSE_BITS


def _needs_consent(facts: LaneFacts) -> bool:
    return facts.purpose == "marketing"


def _suppressed(_request: Request, lane: Lane, person: int, snapshot: Snapshot) -> str | None:
    return "refused" if person and snapshot.suppressions.get(person) & lane.bit else None


def _unconsented(_request: Request, lane: Lane, person: int, snapshot: Snapshot) -> str | None:
    consent = snapshot.consents.get(person) if person else 0
    if not consent & lane.bit:
        return "none"
    return None if lane.day < consent >> CONSENT_DAY_SHIFT else "expired"


SUPPRESSED: Final[RequestRule] = RequestRule("suppression.active", ("Z16", "Z19", "J6"), _suppressed, _can_be_closed)
UNCONSENTED: Final[RequestRule] = RequestRule("consent.missing", ("Z15", "J6"), _unconsented, _needs_consent)
