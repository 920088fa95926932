"""What a text says against its sender: the rules `content.*`, and the part of `purpose.mismatch` that texts decide.

Owns which finding refuses under which rule, and what of a lane a text is held against. Never reads a text twice for
one request: the findings of all these rules are made at once and kept with the request.
"""

from typing import Final

from proxy.core.content import Against, Reader, Recalled
from proxy.core.debtors import numbers_of, role_in
from proxy.core.lane import Lane
from proxy.core.own_marks import Asked
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
    asked, reader = lane.asked, snapshot.reader
    found: tuple[Against, ...] = ()
    if asked is not None and reader is not None:
        recalled = None
        if len(request.readings) == 1:
            recalled = reader.recall(owner_of(lane), request.readings[0])
        if recalled is None:
            found = held_against(request.readings, asked, snapshot, reader)
        else:
            found = _recalled(recalled, request.readings[0], asked, snapshot, reader)
            recalled.judged(found, request.account.id, hash(request.recipient), request.received_at)
    request.against = (lane, found)
    return found


def owner_of(lane: Lane) -> tuple[str, str]:
    """Whose templates a lane's messages are of: the principal's, on the registered number."""
    return lane.principal, "" if lane.number is None else lane.number.address


def template_of(request: Request, lane: Lane, snapshot: Snapshot) -> str:
    """The id of the template that a text is of; empty where it can be read in several ways."""
    if snapshot.reader is None or len(request.readings) != 1:
        return ""
    return snapshot.reader.template_of(owner_of(lane), request.readings[0])


def _recalled(recalled: Recalled, text: str, asked: Asked, snapshot: Snapshot, reader: Reader) -> tuple[Against, ...]:
    """The findings of a text of a known template: those of the last one, if all that they rest on is the same.

    INVARIANT: what is asked is one object for all lanes that ask the same (`Snapshot.asked`), and a new revision has
    others.
    """
    memo: tuple[Asked, Snapshot, tuple[Against, ...]] | None = recalled.found
    if memo is not None and memo[0] is asked:
        before = memo[1]
        if before.own_marks is snapshot.own_marks and before.numbers is snapshot.numbers:
            return memo[2]
    found = held_against((text,), asked, snapshot, reader)
    if reader.names_alike(recalled, text, asked.record.names):
        recalled.found = (asked, snapshot, found)
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


FRAUD: Final[RequestRule] = _rule("content.fraud", ("Z23",))
SPOOF: Final[RequestRule] = _rule("content.spoof", ("Z13", "Z17"))
IDENTITY: Final[RequestRule] = _rule("content.identity", ("Z17", "J11"))
CONTACT: Final[RequestRule] = _rule("content.contact", ("Z17", "J11"))
PRODUCT: Final[RequestRule] = _rule("content.product", ("Z17",))
REFUSAL: Final[RequestRule] = _rule("content.refusal", ("Z18", "J12"))
LINK: Final[RequestRule] = _rule("content.link", ("Z17", "Z23"))
THREAT: Final[RequestRule] = _rule("content.threat", ("J7", "C1"))
DISCLOSURE: Final[RequestRule] = RequestRule(
    "content.disclosure", ("J7", "J13", "C1"), _disclosed, is_read, channels=("sms",), gate=any_finding
)
