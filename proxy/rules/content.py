"""What a text says against its sender: the rules `content.*`, and the part of `purpose.mismatch` that texts decide.

Owns which finding refuses under which rule, and what of a lane a text is held against. Never reads a text twice for
one request: the findings of all these rules are made at once and kept with the request.
"""

from typing import Final

from proxy.core.content import Against
from proxy.core.debtors import numbers_of, role_in
from proxy.core.lane import Lane
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot
from proxy.rules.held_against import held_against, reads_as, told_debt
from proxy.rules.rule import LaneFacts, RequestRule

#: Who is told of a debt without being liable for it, and who is liable beside the debtor.
_CONTACTS: Final = numbers_of(frozenset(("contact",)))
_GUARANTORS: Final = numbers_of(frozenset(("guarantor",)))
#: Rules that texts decide.
CONTENT_RULES: Final = frozenset(
    (
        "content.fraud",
        "content.spoof",
        "content.identity",
        "content.contact",
        "content.product",
        "content.refusal",
        "content.link",
        "content.disclosure",
        "content.threat",
        "purpose.mismatch",
    )
)


def findings(request: Request, lane: Lane, snapshot: Snapshot) -> tuple[Against, ...]:
    """All that a request's text says against it under the rules of its lane, whoever is told; made once."""
    kept = request.against
    if kept is not None and kept[0] is lane:
        return kept[1]
    asked = lane.asked
    found: tuple[Against, ...] = ()
    if asked is not None and snapshot.reader is not None:
        found = held_against(request.readings, asked, snapshot, snapshot.reader)
    request.against = (lane, found)
    return found


def any_finding(request: Request, lane: Lane, person: int, snapshot: Snapshot) -> str | None:
    """Whether any rule that reads texts may have something against a request: one question instead of ten."""
    if findings(request, lane, snapshot):
        return "text"
    return None if _told_to_a_contact(request, lane, person, snapshot) is None else "contact"


def spans_of(
    request: Request, lane: Lane, person: int, snapshot: Snapshot, rules: frozenset[str]
) -> tuple[Against, ...]:
    """The findings by which these rules refused or would have: codes and places, never a text."""
    if rules.isdisjoint(CONTENT_RULES) or lane.asked is None:
        return ()
    told = _told_to_a_contact(request, lane, person, snapshot)
    every = findings(request, lane, snapshot)
    return tuple([one for one in (every if told is None else (*every, told)) if one.rule in rules])


def _told_to_a_contact(request: Request, lane: Lane, person: int, snapshot: Snapshot) -> Against | None:
    """A debt that is told to somebody who is on record as a contact: whatever the words, it is another's (J7 J13)."""
    asked, reader = lane.asked, snapshot.reader
    if not person or asked is None or reader is None or "content.disclosure" not in asked.rules:
        return None
    if role_in(snapshot.debtors.get(person)) not in _CONTACTS:
        return None
    for text in request.readings:
        content = reader.read(text)
        if reads_as(text, content) == "collection":
            debt = told_debt(content)
            if debt is not None:
                return Against("content.disclosure", "contact", debt.start, debt.end)
    return None


def _disclosed(request: Request, lane: Lane, person: int, snapshot: Snapshot) -> str | None:
    found = _first("content.disclosure", request, lane, snapshot)
    if found is not None and role_in(snapshot.debtors.get(person)) in _GUARANTORS:
        # WHY: a guarantor is liable, and has to be told whose debt it is.
        return None
    if found is None and _told_to_a_contact(request, lane, person, snapshot) is not None:
        return "contact"
    return found


def _first(rule: str, request: Request, lane: Lane, snapshot: Snapshot) -> str | None:
    """The detail of the first finding under a rule."""
    for against in findings(request, lane, snapshot):
        if against.rule == rule:
            return against.detail
    return None


def reads_otherwise(request: Request, lane: Lane, _person: int, snapshot: Snapshot) -> str | None:
    """The text is of another purpose than the number was promised for."""
    return _first("purpose.mismatch", request, lane, snapshot)


def _rule(rule: str, cites: tuple[str, ...]) -> RequestRule:
    def judge(request: Request, lane: Lane, _person: int, snapshot: Snapshot) -> str | None:
        return _first(rule, request, lane, snapshot)

    return RequestRule(rule, cites, judge, is_read, channels=("sms",), gate=any_finding)


def is_read(facts: LaneFacts) -> bool:
    """Whether texts are read at all: the composition root always has a reader."""
    return facts.channel == "sms" and facts.snapshot.reader is not None


FRAUD: Final = _rule("content.fraud", ("Z23",))
SPOOF: Final = _rule("content.spoof", ("Z13", "Z17"))
IDENTITY: Final = _rule("content.identity", ("Z17", "J11"))
CONTACT: Final = _rule("content.contact", ("Z17", "J11"))
PRODUCT: Final = _rule("content.product", ("Z17",))
REFUSAL: Final = _rule("content.refusal", ("Z18", "J12"))
LINK: Final = _rule("content.link", ("Z17", "Z23"))
THREAT: Final = _rule("content.threat", ("J7", "C1"))
DISCLOSURE: Final = RequestRule(
    "content.disclosure", ("J7", "J13", "C1"), _disclosed, is_read, channels=("sms",), gate=any_finding
)
