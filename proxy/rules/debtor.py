"""Collection reaches the right person, who knows of the partner, and whose objection was answered (J7 J10).

Where a pack asks for it. Whoever somebody is to a debt is a record with a date; what the sender says of it counts for
nothing.
"""

from typing import Final

from proxy.core.debtors import role_in, verified_day_in
from proxy.core.lane import Lane
from proxy.core.purposes import OBJECTION
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot, notice_of
from proxy.rules.rule import LaneFacts, RequestRule


def _collects(facts: LaneFacts) -> bool:
    return facts.purpose == "collection"


def _collects_for_another(facts: LaneFacts) -> bool:
    return facts.purpose == "collection" and facts.account.operator != facts.account.principal


def _unknown(_request: Request, lane: Lane, person: int, snapshot: Snapshot) -> str | None:
    if not lane.roles:
        return None
    value = snapshot.debtors.get(person) if person else 0
    if not role_in(value):
        return "none"
    if role_in(value) not in lane.roles:
        return "role"
    stale = lane.verified_days and lane.day - verified_day_in(value) > lane.verified_days
    return "stale" if stale else None


def _uninformed(_request: Request, lane: Lane, person: int, snapshot: Snapshot) -> str | None:
    # The index key of the person for anybody: without what ties it to the institution.
    key = person ^ lane.salt ^ snapshot.person_key.salt(notice_of(lane.principal, lane.account.operator))
    return None if person and snapshot.notices.get(key) else "notice"


def _objected(_request: Request, _lane: Lane, person: int, snapshot: Snapshot) -> str | None:
    return "open" if person and snapshot.suppressions.get(person) & OBJECTION else None


UNKNOWN: Final[RequestRule] = RequestRule("debtor.unknown", ("J7",), _unknown, _collects)
UNINFORMED: Final[RequestRule] = RequestRule("debtor.uninformed", ("J10",), _uninformed, _collects_for_another)
OBJECTED: Final[RequestRule] = RequestRule("collection.objection", ("J7", "Z16"), _objected, _collects)
