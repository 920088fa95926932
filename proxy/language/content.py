"""Reads what a sender wrote: category by content, signature, marks, disclosure, threats, each with its place.

Owns the reading of one message. Never reads the registry, a file or a clock, never raises on any `str`. The time is
linear.

How it works: the views of the text (`views`) and the phrases in them (`lexicon`) are found once; marks, refusal line
and disclosure look at them; rules of the table weigh the concepts for each category, and the heaviest decides.
"""

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from proxy.core.content import CATEGORIES, Category, Content, Evidence
from proxy.language import marks
from proxy.language.disclosure import disclosure
from proxy.language.lexicon import Found as Hit
from proxy.language.lexicon import Lexicon, find
from proxy.language.ngrams import features, likelihoods
from proxy.language.refusal_line import RefusalLine, refusal_line
from proxy.language.refusal_terms import limits, meanings
from proxy.language.views import View, view

#: Characters of a message that are read: more than any set of parts holds.
READ_LIMIT: Final = 4096
#: How far ahead a category must be for the rules to decide alone.
_SURE: Final = 6.0
#: What a point of the rules weighs beside the classifier.
_RULES: Final = 0.15
_QUOTES: Final = ("“", '"', "「", "《", "『")
Span = tuple[int, int]
_CODE: Final = re.compile(r"(?<![\d./@])(?<!\d-)\d{4,8}(?![\d%/@元万股]|[.-]\d|,\d{3})")
_AMOUNT: Final = re.compile(r"\d(?:\.\d\d)?元|\d万|[$¥]\d|rs \d")


class _Found(msgspec.Struct, frozen=True, gc=False):
    """What was found in a text before its category is decided. Spans are of the text, but where the name says else."""

    seen: View
    hits: list[Hit]
    concepts: set[str]
    signature: str | None
    signed: Span | None
    phones: list[Span]
    """Of the marked view."""
    links: list[Span]
    """Of the marked view."""
    product: Span | None
    identity: Span | None
    line: RefusalLine | None


def _look(text: str, lexicon: Lexicon) -> _Found:
    seen = view(text, lexicon.parts)
    hits = find(seen.bare, lexicon)
    signature, signed = marks.first_signature(text)
    phones, links = marks.phones(seen), marks.links(seen)
    product = marks.product(seen, hits, signed, lexicon)
    identity = marks.identity(seen, signed, lexicon)
    line = refusal_line(seen, links, phones)
    if product is not None and text[product[0] - 1 : product[0]] in _QUOTES:
        # WHY: "稳健长青" names a product; the praise in its name sells nothing.
        hits = [hit for hit in hits if not product[0] <= seen.bare_at[hit.start] < product[1]]
    concepts = {concept for hit in hits for concept in hit.concepts} | _forms(seen, phones, links)
    for name, mark in (("@product", product), ("@refusal", line), ("@identity", identity)):
        if mark is not None:
            concepts.add(name)
    return _Found(seen, hits, concepts, signature, signed, phones, links, product, identity, line)


def features_of(text: str, lexicon: Lexicon) -> set[str]:
    """What the classifier sees of a text, and so what it is trained on."""
    found = _look(text, lexicon)
    return features(_without(found.seen, found.signed), found.concepts)


def read_content(text: str, lexicon: Lexicon) -> Content:
    """Reads a message. Labels are those of the manual's page on content; the time is linear."""
    if len(text) > READ_LIMIT:
        text = text[:READ_LIMIT]
    look = _look(text, lexicon)
    seen, signed, identity, product, line = look.seen, look.signed, look.identity, look.product, look.line
    category, confidence, reasons = _category(look, lexicon)
    told = disclosure(seen, look.hits, category == "collection")
    evidence: dict[str, list[Evidence]] = {}

    def note(name: str, span: tuple[int, int], why: str) -> None:
        start, end = span
        evidence.setdefault(name, []).append(Evidence(start, end, _shown(text[start:end]), why))

    for hit in look.hits:
        for concept in hit.concepts:
            if concept in reasons:
                note("category", seen.of_bare(hit.start, hit.end), concept)
                break
        if category == "collection":
            for concept in ("threat", "insult"):
                if concept in hit.concepts:
                    note(concept, seen.of_bare(hit.start, hit.end), concept)
    if signed is not None:
        note("signature", signed, _place(seen.text, signed))
        for other in marks.second_signatures(text):
            note("other_signature", other, "second signature")
    if identity is not None:
        note("has_identity", identity, "signature" if identity == signed else "body")
    for span in look.phones:
        note("has_contact", seen.of_marked(*span), "telephone")
    for span in look.links:
        note("link", seen.of_marked(*span), "link")
    if product is not None:
        note("has_product", product, "product")
    if line is not None:
        note("has_refusal", (line.start, line.end), "keyword" if line.keyword else "link or telephone")
        for span in limits(seen, line):
            note("refusal_limited", span, "limited in time")
        for span in meanings(seen):
            note("reply_means", span, "another meaning")
    if told is not None:
        note("discloses_debtor", told, "another person's debt")
    return Content(
        category,
        None if look.signature is None else _shown(look.signature),
        identity is not None,
        bool(look.phones),
        product is not None,
        line is not None,
        told is not None,
        "threat" in evidence,
        "insult" in evidence,
        None if line is None else line.keyword,
        confidence,
        evidence,
    )


def _forms(seen: View, phones: Sequence[Span], links: Sequence[Span]) -> set[str]:
    bare = seen.bare
    present = {
        "@phone": bool(phones),
        "@url": bool(links),
        "@percent": "%" in bare,
        "@amount": _AMOUNT.search(bare) is not None,
        "@code": _has_code(seen.marked, sorted((*phones, *links))),
        "@han": not bare.isascii(),
    }
    return {name for name, there in present.items() if there}


def _has_code(marked: str, others: Sequence[Span]) -> bool:
    """Whether figures stand alone that are part of none of the others, which are in order."""
    at = 0
    for code in _CODE.finditer(marked):
        while at < len(others) and others[at][1] <= code.start():
            at += 1
        if at == len(others) or code.end() <= others[at][0]:
            return True
    return False


def _category(look: _Found, lexicon: Lexicon) -> tuple[Category, float, set[str]]:
    concepts = look.concepts
    sums: dict[Category, float] = dict.fromkeys(CATEGORIES, 0.0)
    sums["service"] = 1.0
    reasons: dict[Category, set[str]] = {category: set() for category in CATEGORIES}
    for rule in lexicon.rules:
        if rule.all <= concepts and not (rule.none & concepts) and (not rule.any or rule.any & concepts):
            sums[rule.category] += rule.weight
            reasons[rule.category] |= rule.all | (rule.any & concepts)
    best, ahead = _first(sums)
    if ahead < _SURE and lexicon.model.weights:
        learnt = likelihoods(features(_without(look.seen, look.signed), concepts), lexicon.model)
        best, ahead = _first({name: learnt.get(name, 0.0) + _RULES * sums[name] for name in CATEGORIES})
    return best, round(min(1.0, 0.5 + ahead / 6), 2), reasons[best]


def _first(sums: Mapping[Category, float]) -> tuple[Category, float]:
    ranked = sorted(CATEGORIES, key=lambda category: -sums[category])
    return ranked[0], sums[ranked[0]] - sums[ranked[1]]


def _without(seen: View, signed: Span | None) -> str:
    """The bare text without its signature, which says who writes, not what."""
    if signed is None:
        return seen.bare
    at = seen.bare_at
    start, end = bisect_left(at, signed[0]), bisect_left(at, signed[1])
    return seen.bare[:start] + seen.bare[end:]


def _place(text: str, signed: tuple[int, int]) -> str:
    before, after = text[: signed[0]].strip(), text[signed[1] :].strip()
    return "in front" if not before else "at the end" if not after else "within"


def _shown(piece: str) -> str:
    """WHY: evidence is written out as UTF-8, which has no half surrogate pairs."""
    try:
        piece.encode()
    except UnicodeEncodeError:
        return piece.encode("utf-8", "replace").decode()
    return piece


__all__ = ["READ_LIMIT", "Content", "Evidence", "features_of", "read_content"]
