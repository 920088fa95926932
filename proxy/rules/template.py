"""Reviewed texts (Z5): where a pack asks for it, only a text that somebody reviewed for this purpose goes out.

Owns the comparison, which is of the whole text: as it is, or by a wording with variables. What a sender says about its
text counts for nothing: no account and no TLV can name a template.

How it works: a text that is not on record as it stands is held against the wordings of its institution. A variable may
hold so many characters of its kind (`proxy/core/wording.py`), and nothing that a reader of texts finds: a telephone, a
link, a signature, a way to refuse, a phrase. Whoever reviewed the wording did not see what is in it.
"""

from typing import Final

from proxy.core.lane import Lane
from proxy.core.records import Template
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot
from proxy.core.wording import Span
from proxy.rules.content import owner_of
from proxy.rules.rule import LaneFacts, RequestRule


def _is_reviewable(facts: LaneFacts) -> bool:
    return facts.purpose in ("marketing", "collection", "legal")


def _unreviewed(request: Request, lane: Lane, _person: int, snapshot: Snapshot) -> str | None:
    if request.by_id:
        return None
    known = False
    for reading in request.readings:
        text = reading.strip()
        for template in snapshot.templates.get((lane.principal, text), ()):
            known = True
            if _serves(template, lane):
                return None
        for template in _worded(text, lane, snapshot):
            known = True
            if _serves(template, lane):
                return None
    return "review" if known else "unknown"


def _serves(template: Template, lane: Lane) -> bool:
    return template.reviewed and lane.purpose in template.purposes


def _worded(text: str, lane: Lane, snapshot: Snapshot) -> list[Template]:
    """The templates with variables that a text is of."""
    wordings, reader = snapshot.wordings.get(lane.principal), snapshot.reader
    if not wordings or reader is None:
        return []
    recalled = reader.recall(owner_of(lane), text)
    if recalled is not None and recalled.worded is not None and recalled.worded[0] is wordings:
        template: Template = recalled.worded[1]
        if _serves(template, lane):
            return [template]
    found = []
    for wording, template in wordings:
        spans = wording.match(text)
        if spans is None or not reader.is_quiet(text, spans):
            continue
        found.append(template)
        # WHY: texts that are read alike may differ in figures that the wording has as they stand.
        if recalled is not None and all(_within(free, spans) for free in recalled.free):
            recalled.worded = (wordings, template)
    return found


def _within(place: Span, spans: list[Span]) -> bool:
    return any(start <= place[0] and place[1] <= end for start, end in spans)


UNREVIEWED: Final[RequestRule] = RequestRule(
    "template.unreviewed", ("Z5",), _unreviewed, _is_reviewable, channels=("sms",)
)
