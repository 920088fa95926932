"""Reads what a sender wrote: category by content, signature, marks, disclosure, threats, each with its place.

Owns the reading of one message. Never reads the registry, a file or a clock, never raises on any `str`. The time is
linear.

How it works: the views of the text (`views`) and the phrases in them (`lexicon`) are found once; marks, refusal line
and disclosure look at them. What warns or tells what is over (`scope`) is set aside; rules of the table weigh the
concepts of the rest for each category, and the heaviest decides.
"""

import math
import re
from bisect import bisect_left
from typing import Final

from proxy.core.content import CATEGORIES, Content, Evidence
from proxy.core.hosts import HostKind
from proxy.language import marks
from proxy.language.disclosure import disclosure
from proxy.language.lexicon import Found as Hit
from proxy.language.lexicon import Lexicon, find
from proxy.language.links import host_of
from proxy.language.ngrams import features, known_of, likelihoods
from proxy.language.refusal_line import RefusalLine, refusal_line
from proxy.language.refusal_terms import limits, meanings
from proxy.language.scope import notices, outside, reaches, text_outside
from proxy.language.views import View, view

#: Characters of a message that are read: more than any set of parts holds.
READ_LIMIT: Final = 4096
#: How far ahead a category must be for the rules to decide alone.
_SURE: Final = 6.0
_SERVICE: Final = CATEGORIES.index("service")
_FRAUD: Final = CATEGORIES.index("fraud")
_MARKETING: Final = CATEGORIES.index("marketing")
#: What asks nothing of the person.
_VERIFICATION: Final = CATEGORIES.index("verification")
_MILD: Final = (_SERVICE, _VERIFICATION)
_STERN: Final = (_MARKETING, CATEGORIES.index("collection"), _FRAUD)
#: Less far ahead, a category is not certain; a text is none of those that are further behind.
_TORN: Final = 0.6
_TORN_FRAUD: Final = 2.4
#: Fewer letters say nothing; of scripts that write words with letters, this many.
_LITTLE: Final = 4
_LITTLE_SPACED: Final = 10
#: So little behind a notice is marketing where something sells; so sure is that.
_DOUBT: Final = 1.5
_DOUBTFUL: Final = 0.6
#: What a point of the rules weighs beside the classifier.
_RULES: Final = 0.15
_LINK_KINDS: Final[dict[HostKind, str]] = {"name": "link", "address": "address", "short": "short link"}
_QUOTES: Final = '“"「《『'
#: Ends of names of products.
_KINDS: Final = "贷借花卡险宝"
Span = tuple[int, int]
_CODE: Final = re.compile(
    r"(?<![\d./@])(?<!\d-)(?:\d{4,8}(?![\d%/@元万股]|[.-]\d|,\d{3})|\d(?:[ \0|]\d){3,7}(?![ \0|]?[\d%/@元万股]))"
)
_AMOUNT: Final = re.compile(r"\d(?:\.\d\d)?元|\d万|[$¥]\d|rs \d")


class Look:
    """What was found in a text before its category is decided. Spans are of the text, but where the name says else."""

    __slots__ = (
        *("concepts", "hits", "identity", "line", "links", "phones", "product", "said", "seen", "signature", "signed"),
    )

    def __init__(
        self,
        seen: View,
        hits: list[Hit],
        concepts: int,
        signature: str | None,
        signed: Span | None,
        phones: list[Span],
        links: list[Span],
        product: Span | None,
        identity: Span | None,
        line: RefusalLine | None,
        said: "Said",
    ) -> None:
        self.seen: Final = seen
        self.hits: Final = hits
        #: The bits of all concepts.
        self.concepts: Final = concepts
        self.signature: Final = signature
        self.signed: Final = signed
        #: Of the marked view.
        self.phones: Final = phones
        #: Of the marked view.
        self.links: Final = links
        self.product: Final = product
        self.identity: Final = identity
        self.line: Final = line
        self.said: Final = said


class Said:
    """What a message says itself, when all that is set aside is left out: this has a category."""

    __slots__ = ("aside", "concepts", "hits")

    def __init__(self, aside: list[Span], concepts: int, hits: list[Hit]) -> None:
        #: Of the bare view, in order and apart.
        self.aside: Final = aside
        #: The bits of all its concepts.
        self.concepts: Final = concepts
        self.hits: Final = hits


class Verdict:
    """A category and what speaks for it."""

    __slots__ = ("behind", "by_rules", "category", "confidence", "other", "other_reasons", "reasons")

    def __init__(
        self,
        category: int,
        confidence: float,
        reasons: int,
        by_rules: bool,
        other: int = -1,
        other_reasons: int = 0,
        behind: float = math.inf,
    ) -> None:
        #: A place in `CATEGORIES`.
        self.category: Final = category
        self.confidence: Final = confidence
        #: The bits of the concepts that speak for it.
        self.reasons: Final = reasons
        #: Whether rules decided alone.
        self.by_rules: Final = by_rules
        #: The other category, -1 for none, where a text markets or collects and is something as stern besides.
        self.other: Final = other
        self.other_reasons: Final = other_reasons
        #: How far behind the category marketing is.
        self.behind: Final = behind


class Reading:
    """A message as it was read: what it says, what was found on the way, and whether the rules decided alone."""

    __slots__ = ("by_rules", "content", "look")

    def __init__(self, content: Content, look: Look, by_rules: bool) -> None:
        self.content: Final = content
        self.look: Final = look
        self.by_rules: Final = by_rules


def _look(text: str, lexicon: Lexicon) -> Look:
    seen = view(text, lexicon.parts)
    hits = find(seen.bare, lexicon)
    signature, signed = marks.first_signature(text)
    phones, links = marks.phones(seen), marks.links(seen)
    product: Span | None = marks.product(seen, hits, signed, lexicon)
    identity = marks.identity(seen, signed, lexicon)
    line = refusal_line(seen, links, phones)
    if product is not None and product[0] and text[product[0] - 1] in _QUOTES:
        # WHY: "稳健长青" names a product; the praise in its name sells nothing.
        first, last = product
        hits = [hit for hit in hits if not first <= seen.bare_at[hit.start] < last]
    bits = lexicon.bits
    concepts = _forms(seen, seen.bare, phones, links, bits)
    for hit in hits:
        concepts |= hit.mask
    if product is not None:
        concepts |= bits["@product"]
    if line is not None:
        concepts |= bits["@refusal"]
    if identity is not None:
        concepts |= bits["@identity"]
    whole = Said([], concepts, hits)
    look = Look(seen, hits, concepts, signature, signed, phones, links, product, identity, line, whole)
    if not concepts & lexicon.opening:
        return look
    offers = [seen.of_marked(start, end) for start, end in (*phones, *links)]
    if line is not None:
        offers.append((line.start, line.end))
    aside = reaches(seen, hits, offers, lexicon)
    if product is not None and _is_quoted_word(seen, product, aside):
        # WHY: what a warning quotes ("专家带您抓涨停") is no name, unless it is one by its end.
        product = None
        concepts &= ~bits["@product"]
        look = Look(seen, hits, concepts, signature, signed, phones, links, product, identity, line, whole)
    said = _without(look, aside, lexicon)
    return Look(seen, hits, concepts, signature, signed, phones, links, product, identity, line, said)


def _is_quoted_word(seen: View, product: Span, aside: list[Span]) -> bool:
    """Whether a product is one by its quotes alone, and stands in what is set aside."""
    first, last = product
    if not first or seen.text[first - 1] not in _QUOTES or seen.text[last - 1] in _KINDS:
        return False
    at = bisect_left(seen.bare_at, first)
    return any(start <= at < end for start, end in aside)


def _without(look: Look, aside: list[Span], lexicon: Lexicon) -> Said:
    """What is said when these spans of the bare view, in order and apart, are left out."""
    seen, bits = look.seen, lexicon.bits
    hits = outside(look.hits, aside)
    rest = text_outside(seen.bare, aside)
    concepts = _forms(seen, rest, look.phones, look.links, bits)
    concepts |= look.concepts & (bits["@refusal"] | bits["@identity"])
    for hit in hits:
        concepts |= hit.mask
    if look.product is not None:
        first, last = look.product
        at = seen.bare_at
        if seen.bare[bisect_left(at, first) : bisect_left(at, last)] in rest:
            concepts |= bits["@product"]
    return Said(aside, concepts, hits)


def _names(concepts: int, lexicon: Lexicon) -> list[str]:
    return [name for name, bit in lexicon.bits.items() if concepts & bit]


def features_of(text: str, lexicon: Lexicon) -> set[str]:
    """What the classifier sees of a text, and so what it is trained on."""
    look = _look(text, lexicon)
    return features(_text_of(look, look.said), _names(look.said.concepts, lexicon))


def read_content(text: str, lexicon: Lexicon) -> Content:
    """Reads a message. Labels are those of the manual's page on content; the time is linear."""
    return read_whole(text, lexicon).content


def read_whole(text: str, lexicon: Lexicon) -> Reading:
    """Reads a message, and keeps what was found on the way. The time is linear."""
    if len(text) > READ_LIMIT:
        text = text[:READ_LIMIT]
    look = _look(text, lexicon)
    seen, signed, identity, product, line = look.seen, look.signed, look.identity, look.product, look.line
    verdict, said = _verdict(look, lexicon)
    category, reasons, opening = CATEGORIES[verdict.category], verdict.reasons, lexicon.opening
    collecting = category == "collection"
    told = disclosure(seen, look.hits, look.concepts, collecting, lexicon)
    evidence: dict[str, list[Evidence]] = {}
    harm = lexicon.bits.get("threat", 0) | lexicon.bits.get("insult", 0) if collecting else 0
    if reasons & opening:
        for start, end in said.aside:
            _note(evidence, "category", text, seen.of_bare(start, end), "set aside")
    for hit in said.hits:
        if hit.mask & reasons:
            for concept in hit.concepts:
                if lexicon.bits[concept] & reasons:
                    _note(evidence, "category", text, seen.of_bare(hit.start, hit.end), concept)
                    break
        if hit.mask & verdict.other_reasons:
            _note(evidence, "other_category", text, seen.of_bare(hit.start, hit.end), CATEGORIES[verdict.other])
        if hit.mask & harm:
            for concept in ("threat", "insult"):
                if concept in hit.concepts:
                    _note(evidence, concept, text, seen.of_bare(hit.start, hit.end), concept)
    if signed is not None:
        _note(evidence, "signature", text, signed, _place(seen.text, signed))
        for other in marks.second_signatures(text, signed):
            _note(evidence, "other_signature", text, other, "second signature")
    if identity is not None:
        _note(evidence, "has_identity", text, identity, "signature" if identity == signed else "body")
    for span in look.phones:
        _note(evidence, "has_contact", text, seen.of_marked(span[0], span[1]), "telephone")
    for span in look.links:
        start, end = seen.of_marked(span[0], span[1])
        _note(evidence, "link", text, (start, end), _LINK_KINDS[host_of(text[start:end], lexicon.links).kind])
    if product is not None:
        _note(evidence, "has_product", text, product, "product")
    if line is not None:
        why = "keyword" if line.keyword else "link or telephone"
        _note(evidence, "has_refusal", text, (line.start, line.end), why)
        for span in limits(seen, line):
            _note(evidence, "refusal_limited", text, span, "limited in time")
        for span in meanings(seen):
            _note(evidence, "reply_means", text, span, "another meaning")
    if told is not None:
        _note(evidence, "discloses_debtor", text, told, "another person's debt")
    content = Content(
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
        verdict.confidence,
        evidence,
    )
    return Reading(content, look, verdict.by_rules)


def _note(evidence: dict[str, list[Evidence]], name: str, text: str, span: Span, why: str) -> None:
    start, end = span
    one = Evidence(start, end, _shown(text[start:end]), why)
    held = evidence.get(name)
    if held is None:
        evidence[name] = [one]
    else:
        held.append(one)


def _forms(seen: View, bare: str, phones: list[Span], links: list[Span], bits: dict[str, int]) -> int:
    """The bits of what is found by form; percentages and sums in a piece of the bare view only."""
    found = 0
    if phones:
        found |= bits["@phone"]
    if links:
        found |= bits["@url"]
    if "%" in bare:
        found |= bits["@percent"]
    if seen.digits and _has_sum(bare) and _AMOUNT.search(bare) is not None:
        found |= bits["@amount"]
    if seen.digits >= 4 and _has_code(seen, sorted(phones + links) if links else phones):
        found |= bits["@code"]
    if not bare.isascii():
        found |= bits["@han"]
    return found


def _has_sum(bare: str) -> bool:
    """Whether a sign of money is there at all: cheaper than looking for sums."""
    return "元" in bare or "万" in bare or "$" in bare or "¥" in bare or "rs " in bare


def _has_code(seen: View, others: list[Span]) -> bool:
    """Whether figures stand alone that are part of none of the others, which are in order."""
    marked = seen.marked
    at = 0
    for start in seen.figures:
        code = _CODE.match(marked, start)
        if code is None:
            continue
        end = code.end()
        while at < len(others) and others[at][1] <= start:
            at += 1
        if at == len(others) or end <= others[at][0]:
            return True
    return False


def _verdict(look: Look, lexicon: Lexicon) -> tuple[Verdict, Said]:
    """The category of a message, and what was read for it.

    INVARIANT: a notice or a code that is put before or behind an advertisement makes it no notice and no code.
    """
    said = look.said
    first = _category(look, said, lexicon)
    # WHY of any code: it says nothing but the code, and is short.
    if first.category not in _MILD or not (first.category == _VERIFICATION or said.concepts & lexicon.signs):
        return first, said
    more = notices(look.seen, said.hits, said.aside, lexicon)
    if not more:
        return first, said
    rest = _without(look, more, lexicon)
    if not (first.category == _VERIFICATION or rest.concepts & lexicon.signs):
        return first, said
    second = _category(look, rest, lexicon)
    if second.category == _MARKETING:
        return second, rest
    sells = rest.concepts & lexicon.bits.get("sell", 0)
    if sells and second.category in _MILD and second.behind < _DOUBT:
        # WHY: where an offer is seen, doubt is no notice.
        return Verdict(_MARKETING, _DOUBTFUL, sells, False), rest
    by_rules = first.by_rules and second.by_rules
    return Verdict(first.category, first.confidence, first.reasons, by_rules), said


def _category(look: Look, said: Said, lexicon: Lexicon) -> Verdict:
    concepts = said.concepts
    sums = [0.0] * len(CATEGORIES)
    sums[_SERVICE] = 1.0
    reasons = [0] * len(CATEGORIES)
    for rule in lexicon.weights:
        if rule.all & concepts == rule.all and not rule.none & concepts and (not rule.any or rule.any & concepts):
            sums[rule.category] += rule.weight
            reasons[rule.category] |= rule.all | (rule.any & concepts)
    best, ahead = _first(sums)
    if best in (_SERVICE, _MARKETING) and said.aside and _is_little(_text_of(look, said)):
        # WHY: who only warns, or confirms, says nothing else; a code, or that somebody owes, is said in few letters.
        return Verdict(_SERVICE, 1.0, look.concepts & lexicon.opening, True)
    behind = sums[best] - sums[_MARKETING]
    by_rules = ahead >= _SURE or not lexicon.model.weights
    other = -1
    if not by_rules:
        known = known_of(_text_of(look, said), _names(concepts, lexicon), lexicon.model)
        learnt = likelihoods(known, lexicon.model)
        scores = [learnt.get(name, 0.0) + _RULES * sums[at] for at, name in enumerate(CATEGORIES)]
        best, ahead = _first(scores)
        behind = scores[best] - scores[_MARKETING]
        if best in _STERN and ahead < (_TORN_FRAUD if best == _FRAUD else _TORN) and reasons[best]:
            # WHY: two messages in one make each other doubtful; that it is no notice may be certain.
            rest = max([scores[at] for at in range(len(CATEGORIES)) if at not in _STERN])
            others = [at for at in _STERN if at not in (best, _FRAUD) and reasons[at] and scores[at] - rest >= _TORN]
            if others:
                other = others[0] if len(others) == 1 or scores[others[0]] >= scores[others[1]] else others[1]
    confidence = round(min(1.0, 0.5 + ahead / 6), 2)
    return Verdict(best, confidence, reasons[best], by_rules, other, 0 if other < 0 else reasons[other], behind)


def _first(sums: list[float]) -> tuple[int, float]:
    """The place of the greatest sum, the first of equals, and how far it is ahead of the next."""
    best = 0
    for at in range(1, len(sums)):
        if sums[at] > sums[best]:
            best = at
    second = -math.inf
    for at in range(len(sums)):
        if at != best and sums[at] > second:
            second = sums[at]
    return best, sums[best] - second


def _text_of(look: Look, said: Said) -> str:
    """What is said, of the bare view, and without the signature, which says who writes, not what."""
    bare, signed = look.seen.bare, look.signed
    spans = said.aside
    if signed is not None:
        at = look.seen.bare_at
        name = bisect_left(at, signed[0]), bisect_left(at, signed[1])
        spans = sorted([name, *[span for span in spans if not name[0] <= span[0] < name[1]]])
    return text_outside(bare, spans) if spans else bare


def _is_little(said: str) -> bool:
    """Whether so few letters are left that they say nothing."""
    return sum([char.isalpha() for char in said]) < (_LITTLE if not said.isascii() else _LITTLE_SPACED)


def _place(text: str, signed: tuple[int, int]) -> str:
    if not signed[0] or text[: signed[0]].isspace():
        return "in front"
    after = text[signed[1] :]
    return "at the end" if not after or after.isspace() else "within"


def _shown(piece: str) -> str:
    """WHY: evidence is written out as UTF-8, which has no half surrogate pairs."""
    try:
        piece.encode()
    except UnicodeEncodeError:
        return piece.encode("utf-8", "replace").decode()
    return piece


__all__ = ["READ_LIMIT", "Content", "Evidence", "Look", "Reading", "features_of", "read_content", "read_whole"]
