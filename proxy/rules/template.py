"""Reviewed texts (Z5): a rejected one goes out nowhere; where a pack asks for it, only what was reviewed goes out.

Owns the comparison, which is of the whole text: as it is, or by a wording with variables. What a sender says about its
text counts for nothing: no account and no TLV can name a template.

How it works: a text that is not on record as it stands is held against the wordings of its institution. A variable may
hold so many characters of its kind (`proxy/core/wording.py`), and nothing that a reader of texts finds: a telephone, a
link, a signature, a way to refuse, a phrase. Whoever reviewed the wording did not see what is in it. A rejected wording
is known in any spelling and whatever figures it holds (`proxy/core/rejections.py`); a text that is of a reviewed
template of this purpose, too, is not rejected.
"""

from typing import Final

from proxy.core.content import Reader, Recalled
from proxy.core.lane import Lane, SetBy
from proxy.core.records import Template
from proxy.core.rejections import Rejections, skeleton_of
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot
from proxy.core.wording import Span
from proxy.rules.content import owner_of
from proxy.rules.rule import LaneFacts, RequestRule


def _is_reviewable(facts: LaneFacts) -> bool:
    return facts.reviewed_by is not None or facts.account.principal in facts.snapshot.rejections


def _unreviewed(request: Request, lane: Lane, _person: int, snapshot: Snapshot) -> str | None:
    if request.by_id:
        return None
    if _is_rejected(request, lane, snapshot):
        return "rejected"
    if lane.reviewed_by is None:
        return None
    known = False
    # WHY no others: what a wrong octet hides would be taken for the reviewed text that is left without it.
    for reading in request.readings[: request.exact]:
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


def _asked_by(request: Request, lane: Lane, _person: int, snapshot: Snapshot) -> SetBy | None:
    """No pack has to ask for it that a rejected text stays where it is."""
    return None if _is_rejected(request, lane, snapshot) else lane.reviewed_by


def _is_rejected(request: Request, lane: Lane, snapshot: Snapshot) -> bool:
    rejections, reader = snapshot.rejections.get(lane.principal), snapshot.reader
    if rejections is None or reader is None:
        return False
    single = len(request.readings) == 1
    for text in request.readings:
        recalled = reader.recall(owner_of(lane), text) if single else None
        if recalled is not None and recalled.rejected is not None and recalled.rejected[0] is rejections:
            found: bool = recalled.rejected[1]
        else:
            found = rejections.of(skeleton_of(reader.bare(text))) != ""
            if recalled is not None:
                named = _names(recalled, text)
                # WHY: of texts with other names another answer may hold, unless no name makes any of them rejected.
                if not named or (not found and len(named) == 1 and not _may_be_of(text, named[0], rejections, reader)):
                    recalled.rejected = (rejections, found)
        if found and not _is_reviewed(text.strip(), lane, snapshot):
            return True
    return False


def _names(recalled: Recalled, text: str) -> list[Span]:
    """Where a text differs from those that are read like it by more than figures, which are all alike in a skeleton."""
    return [span for span in recalled.free if not text[span[0] : span[1]].isdigit()]


def _may_be_of(text: str, name: Span, rejections: Rejections, reader: Reader) -> bool:
    head, tail = skeleton_of(reader.bare(text[: name[0]])), skeleton_of(reader.bare(text[name[1] :]))
    return rejections.may_be_of(head, tail)


def _is_reviewed(text: str, lane: Lane, snapshot: Snapshot) -> bool:
    """Whether a text is of a reviewed template that serves this purpose."""
    found = [*snapshot.templates.get((lane.principal, text), ()), *_worded(text, lane, snapshot)]
    return any(_serves(template, lane) for template in found)


def _serves(template: Template, lane: Lane) -> bool:
    return template.reviewed and lane.purpose in template.purposes


def _worded(text: str, lane: Lane, snapshot: Snapshot) -> list[Template]:
    """The templates with variables that a text is of."""
    wordings, reader = snapshot.wordings.get(lane.principal), snapshot.reader
    if not wordings or reader is None:
        return []
    recalled = reader.recall(owner_of(lane), text)
    if recalled is not None and recalled.worded is not None and recalled.worded[0] is wordings:
        _, known, template = recalled.worded
        # WHY matched again: texts that are read alike may differ in what a variable may hold ("0300" is no sum).
        if _serves(template, lane) and known.match(text) is not None:
            return [template]
    found: list[Template] = []
    for wording, template in wordings:
        spans = wording.match(text)
        if spans is None or not reader.is_quiet(text, spans):
            continue
        found.append(template)
        # WHY: texts that are read alike may differ in figures that the wording has as they stand.
        if recalled is not None and all(_within(free, spans) for free in recalled.free):
            recalled.worded = (wordings, wording, template)
    return found


def _within(place: Span, spans: list[Span]) -> bool:
    return any(start <= place[0] and place[1] <= end for start, end in spans)


UNREVIEWED: Final[RequestRule] = RequestRule(
    "template.unreviewed", ("Z5",), _unreviewed, _is_reviewable, channels=("sms",), set_by=_asked_by
)
