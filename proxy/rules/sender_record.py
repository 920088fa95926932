"""What the texts of one lane are held against, gathered once for each lane.

Owns the choice of whose names count: those of the institution, and of the partner that sends for it or, where the
institution sends itself, of all that it entrusted with this purpose (Z17). Pure.
"""

from collections.abc import Iterable, Iterator

from proxy.core.own_marks import Asked, Mark, Marks, OnRecord, without_legal_form
from proxy.core.records import Period
from proxy.core.snapshot import Snapshot
from proxy.rules.content import CONTENT_RULES, is_read
from proxy.rules.rule import LaneFacts


def asked_of(facts: LaneFacts, rules: frozenset[str]) -> Asked | None:
    """What is asked of the texts of a lane in which these rules run; None where no text is read."""
    run = rules & CONTENT_RULES
    if not run or not is_read(facts):
        return None
    account, pack = facts.account, facts.pack
    promised = account.purposes & facts.row.purposes if facts.row is not None else frozenset((facts.purpose,))
    return Asked(
        rules=run,
        purpose=facts.purpose,
        promised=promised,
        principal=account.principal,
        operator=account.operator,
        record=_record(facts),
        refusal_in=pack.refusal_in_texts,
        by_link=pack.refusal_by_link,
        unrecorded=pack.unrecorded_passes,
    )


def periods(snapshot: Snapshot, principal: str, operator: str) -> Iterator[Period]:
    """The periods that the records of a sender's texts hang on."""
    marks = snapshot.own_marks
    for owner in {principal, operator, *marks.partners.get(principal, ())}:
        for kind in (marks.signatures, marks.phones, marks.products, marks.domains):
            yield from (row.period for row in kind.of(owner))


def _record(facts: LaneFacts) -> OnRecord:
    snapshot, account = facts.snapshot, facts.account
    principal, operator, marks, now = account.principal, account.operator, snapshot.own_marks, facts.now
    partners = (operator,) if operator != principal else tuple(_entrusted(facts))
    owners = (principal, *partners)
    institution = facts.institution
    named = () if institution is None else (institution.name, *institution.short_names)
    return OnRecord(
        names=_bare(snapshot, (*named, *_names(marks.signatures, (principal,), now))),
        partners=_bare(
            snapshot,
            (
                *(snapshot.partners[one].name for one in partners if one in snapshot.partners),
                *_names(marks.signatures, partners, now),
            ),
        ),
        phones=frozenset(_names(marks.phones, owners, now)),
        products=_bare(snapshot, _names(marks.products, (principal,), now)),
        domains=frozenset(_names(marks.domains, owners, now)),
        keywords=() if facts.row is None else facts.row.refusal_keywords,
    )


def _entrusted(facts: LaneFacts) -> Iterator[str]:
    """The partners that an institution entrusted with this purpose in texts, today."""
    snapshot, principal = facts.snapshot, facts.account.principal
    for partner in snapshot.own_marks.partners.get(principal, ()):
        given = snapshot.entrustments.get((principal, partner), ())
        if any(
            facts.purpose in one.purposes and "sms" in one.channels and one.period.holds(facts.now) for one in given
        ):
            yield partner


def _names(marks: Marks, owners: Iterable[str], now: float) -> Iterator[str]:
    rows: Iterator[Mark] = (row for owner in owners for row in marks.of(owner))
    return (name for row in rows if row.period.holds(now) for name in row.names)


def _bare(snapshot: Snapshot, names: Iterable[str]) -> frozenset[str]:
    """Names as they are compared, with and without what a signature may leave out."""
    reader = snapshot.reader
    if reader is None:
        return frozenset()
    forms = {reader.name(form) for name in names for form in (name, without_legal_form(name))}
    return frozenset(forms - {""})
