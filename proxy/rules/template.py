"""Reviewed texts (Z5): where a pack asks for it, only a text that somebody reviewed for this purpose goes out.

Owns the comparison, which is of the whole text as it is; templates with variable parts come with the reading of
contents. What a sender says about its text counts for nothing: no account and no TLV can name a template.
"""

from typing import Final

from proxy.core.lane import Lane
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot
from proxy.rules.rule import LaneFacts, RequestRule


def _is_reviewable(facts: LaneFacts) -> bool:
    return facts.purpose in ("marketing", "collection", "legal")


def _unreviewed(request: Request, lane: Lane, _person: int, snapshot: Snapshot) -> str | None:
    if request.by_id:
        return None
    known = False
    for reading in request.readings:
        for template in snapshot.templates.get((lane.principal, reading.strip()), ()):
            known = True
            if template.reviewed and lane.purpose in template.purposes:
                return None
    return "review" if known else "unknown"


UNREVIEWED: Final = RequestRule("template.unreviewed", ("Z5",), _unreviewed, _is_reviewable, channels=("sms",))
