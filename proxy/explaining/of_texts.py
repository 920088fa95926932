"""What the rules of texts saw: how the text reads, what is on record of the sender. Pure; spans, never a whole text."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from proxy.core.content import Against, Content
from proxy.core.own_marks import OnRecord
from proxy.explaining.seen import Seen, listing
from proxy.explaining.shape import Fact, Span
from proxy.rules.content import CONTENT_RULES
from proxy.rules.sender_record import asked_of


def spans(findings: tuple[Against, ...], readings: tuple[str, ...]) -> dict[str, tuple[Span, ...]]:
    """Rule → where it found what it found; a finding of something missing has no place."""
    found: dict[str, list[Span]] = {}
    text = readings[0] if readings else ""
    for one in findings:
        if one.end:
            found.setdefault(one.rule, []).append(Span(one.start, one.end, one.detail, text[one.start : one.end]))
    return {rule: tuple(these) for rule, these in found.items()}


def _read(seen: Seen) -> Iterator[Content]:
    if seen.snapshot.reader is not None:
        yield from map(seen.snapshot.reader.read, seen.request.readings)


def _category(seen: Seen) -> Iterator[Fact]:
    for content in _read(seen):
        yield Fact("text.category", f"{content.category} ({content.confidence:.2f})")


def _marks(mark: str, kind: str, seen: Seen) -> Iterator[Fact]:
    yield from _category(seen)
    for content in _read(seen):
        yield Fact(f"text.{kind}", listing(one.text for one in content.evidence.get(mark, ())))
    asked = asked_of(seen.facts, CONTENT_RULES)
    if asked is not None:
        yield Fact(f"record.{kind}", listing(_ON_RECORD[kind](asked.record)))


def _refusal(seen: Seen) -> Iterator[Fact]:
    yield from _marks("has_refusal", "refusal", seen)
    pack = seen.facts.pack
    yield Fact("refusal.in", listing(pack.refusal_in_texts))
    yield Fact("refusal.by_link", "yes" if pack.refusal_by_link else "no")


_ON_RECORD: Final[dict[str, Callable[[OnRecord], list[str]]]] = {
    "signature": lambda record: sorted(record.names | record.partners),
    "telephone": lambda record: sorted(record.phones),
    "product": lambda record: sorted(record.products),
    "link": lambda record: sorted(record.domains),
    "refusal": lambda record: list(record.keywords),
}

FACTS: Final[dict[str, Callable[[Seen], Iterator[Fact]]]] = {
    "content.fraud": _category,
    "content.spoof": partial(_marks, "signature", "signature"),
    "content.identity": partial(_marks, "has_identity", "signature"),
    "content.contact": partial(_marks, "has_contact", "telephone"),
    "content.product": partial(_marks, "has_product", "product"),
    "content.link": partial(_marks, "link", "link"),
    "content.refusal": _refusal,
    "content.disclosure": _category,
    "content.threat": _category,
}
