"""Not at night, and not too often (J7 C1 C4): hours and caps of the packs that bind, in the person's own time."""

from typing import Final

from proxy.core.lane import Lane, SetBy
from proxy.core.persons import index_key
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot
from proxy.rules.rule import LaneFacts, LaneRule, RequestRule


class NotCountingError(Exception):
    """Contacts cannot be counted, or not kept over a restart: nobody can say how many there were."""


def _closed(facts: LaneFacts) -> str | None:
    return None if facts.closed_by is None else "hour"


def _closed_by(_request: Request, lane: Lane, _person: int, _snapshot: Snapshot) -> SetBy | None:
    return lane.closed_by


def _is_capped(facts: LaneFacts) -> bool:
    return bool(facts.caps)


def _also(request: Request, lane: Lane, snapshot: Snapshot) -> int:
    """The person under the other key, while two live: what was counted before they were moved."""
    key = snapshot.person_key
    if not key.is_rotating or request.recipient is None:
        return 0
    return index_key(key.other(request.recipient), lane.salt)


def _often(request: Request, lane: Lane, person: int, snapshot: Snapshot) -> str | None:
    if request.counted:
        return None
    contacts = snapshot.contacts
    if contacts.failing or contacts.is_full:
        raise NotCountingError
    now, also = request.received_at, _also(request, lane, snapshot)
    for cap in lane.caps:
        if contacts.reached(cap, person, now, also):
            return "window"
    return None


def _often_by(request: Request, lane: Lane, person: int, snapshot: Snapshot) -> SetBy | None:
    also = _also(request, lane, snapshot)
    for cap in lane.caps:
        if snapshot.contacts.reached(cap, person, request.received_at, also):
            return SetBy(cap.pack, cap.version, cap.shadow)
    return None


HOURS: Final[LaneRule] = LaneRule("hours.closed", ("J7", "C4"), _closed, set_by=_closed_by)
FREQUENCY: Final[RequestRule] = RequestRule("frequency.cap", ("J7", "C1", "C4"), _often, _is_capped, set_by=_often_by)
