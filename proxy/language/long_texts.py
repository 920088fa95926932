"""Reads a message of any length: what is longer than one reading is read in pieces that overlap.

Owns the joining of what the pieces say. Must never leave a part unread: what stands behind 4,096 characters of filling
reaches the person like the rest. Linear; never raises.
"""

from collections.abc import Sequence
from typing import Final

from proxy.core.content import Content, Evidence
from proxy.language.content import READ_LIMIT, read_content
from proxy.language.lexicon import Lexicon

#: So much of a piece is read again with the next: more than a finding is long.
_OVERLAP: Final = 256
#: A long text is what its sternest piece is.
_STERN: Final = ("fraud", "collection", "marketing")
#: From where on a stern piece counts as such. INVARIANT: what `rules.held_against` acts on, else a half-read threat in
#: one piece would hide the plain advertisement in another.
_SURE: Final = (0.9, 0.6, 0.6)


def read_any_length(text: str, lexicon: Lexicon) -> Content:
    """What a message says, spans in characters of the whole."""
    if len(text) <= READ_LIMIT:
        return read_content(text, lexicon)
    starts = range(0, len(text) - _OVERLAP, READ_LIMIT - _OVERLAP)
    return _joined([(at, read_content(text[at : at + READ_LIMIT], lexicon)) for at in starts])


def _joined(pieces: Sequence[tuple[int, Content]]) -> Content:
    at, head = min(pieces, key=_rank)
    each = [content for _, content in pieces]
    evidence: dict[str, list[Evidence]] = {}
    for start, content in pieces:
        for mark, found in content.evidence.items():
            if mark in ("category", "other_category") and start != at:
                continue
            held = evidence.setdefault(mark, [])
            held += [Evidence(start + one.start, start + one.end, one.text, one.why) for one in found]
    return Content(
        head.category,
        next((content.signature for content in each if content.signature is not None), None),
        any(content.has_identity for content in each),
        any(content.has_contact for content in each),
        any(content.has_product for content in each),
        any(content.has_refusal for content in each),
        any(content.discloses_debtor for content in each),
        any(content.threatens for content in each),
        any(content.insults for content in each),
        next((content.refusal_keyword for content in each if content.has_refusal), None),
        head.confidence,
        {
            mark: list({(one.start, one.end, one.why): one for one in found}.values())
            for mark, found in evidence.items()
        },
    )


def _rank(piece: tuple[int, Content]) -> tuple[bool, int, float]:
    """Words before a classifier, then the sternest of those that are sure, of those that are not, then the surest."""
    _, content = piece
    stern = 2 * len(_STERN)
    if content.category in _STERN:
        stern = _STERN.index(content.category)
        if content.confidence < _SURE[stern]:
            stern += len(_STERN)
    return "category" not in content.evidence, stern, -content.confidence
