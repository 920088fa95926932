"""Which parts of a message speak of others' lies, or of what is over, and so say nothing of the message itself.

Owns the reach of warnings ("警惕…诈骗", "冒充我行…", "以…为由", "…都是骗子"), of confirmed refusals ("不再收到…") and
of plain notices. Never decides a category, never raises. The time is linear.

How it works: a clause reaches from one mark to the next, quotes and 、 aside. A word of the table opens a reach in its
own clause: forward to the last noun of fraud, or to the end; backward to the beginning. What has a telephone of its
own, a link or a way to refuse is no part of a reach: a warning is not what one answers to. Whatever stands outside is
read as if the rest were not there, so no sentence before or behind an advertisement makes it anything else.
"""

from bisect import bisect_left
from typing import Final

from proxy.language.lexicon import Found, Lexicon
from proxy.language.views import View

Span = tuple[int, int]

#: What does not end a clause.
_SOFT: Final = frozenset("“”„«»「」『』\"＂‘’'＇《》〈〉、 \u3000\u200b\u200c\u200d\u2060\ufeff\u00ad")
_SENTENCE: Final = frozenset("。．.；;！!？?\n\r【】[]［］")
_CLOSING: Final = {"“": "”", "「": "」", "『": "』", "《": "》", '"': '"', "＂": "＂"}
_QUOTES: Final = frozenset(_CLOSING.values())
#: How far a warning reaches that names no fraud, in characters; words of spaced scripts are longer.
_NEAR: Final = 14
_NEAR_SPACED: Final = 60
#: How far apart the nouns of fraud of one reach stand.
_STEP: Final = 16
#: How many phrases a warning reaches over, and how many clauses stand between a fraud's name and its calling.
_PHRASES: Final = 24
_CLAUSES: Final = 5
#: How long a clause may be that says what is over.
_OVER: Final = 26
#: How far into its clause a word stands that continues what a swindler does.
_BEGIN: Final = 4
#: Fewer characters of a clause say nothing.
_FEW: Final = 5
_FEW_SPACED: Final = 9
#: What means are told with, "以超低利率吸引下载", and what leads on to the next clause, "凡办理贷款的，一律是诈骗".
_BY: Final = "以"
_WHO: Final = "的"
#: The characters that are looked at by themselves.
PARTICLES: Final = frozenset((_BY, _WHO))
#: How far a quotation reaches, within which no clause ends.
_QUOTED: Final = 40


class Clause:
    """A clause of the bare view: where it stands, whether it begins a sentence, and the phrases in it."""

    __slots__ = ("begins", "end", "hits", "start")

    def __init__(self, start: int, end: int, begins: bool) -> None:
        self.start: Final = start
        self.end: Final = end
        self.begins: Final = begins
        self.hits: Final[list[Found]] = []


def reaches(seen: View, hits: list[Found], offers: list[Span], lexicon: Lexicon) -> list[Span]:
    """The spans of the bare view that say nothing of the message itself, in order and apart.

    `offers` are the spans of the text where telephones, links and ways to refuse stand.
    """
    clauses = _clauses(seen, hits)
    own = sorted([bisect_left(seen.bare_at, start) for start, _ in offers])
    found: list[Span] = []
    lied = False
    for place in range(len(clauses)):
        clause = clauses[place]
        if clause.begins:
            lied = False
        lied = _of_clause(seen, clauses, place, lied, own, found, lexicon)
    merged = _merged(found)
    return _merged(merged + _left_over(seen.bare, clauses, merged, lexicon.signs))


def _left_over(bare: str, clauses: list[Clause], spans: list[Span], signs: int) -> list[Span]:
    """The clauses of which the spans, in order and apart, leave too few letters to say anything, and no offer."""
    found: list[Span] = []
    at = 0
    for clause in clauses:
        while at < len(spans) and spans[at][1] <= clause.start:
            at += 1
        left, touched, place, over = 0, False, clause.start, at
        while over < len(spans) and spans[over][0] < clause.end:
            start, end = spans[over]
            if end > clause.start:
                touched = True
                left += _letters(bare, place, max(place, start))
                place = max(place, end)
            over += 1
        few = _FEW if bare[clause.start : clause.start + 1] > "\x7f" else _FEW_SPACED
        if touched and left + _letters(bare, place, clause.end) < few:
            for hit in outside(clause.hits, spans[at:over]):
                if hit.mask & signs:
                    break
            else:
                found.append((clause.start, clause.end))
    return found


def _letters(bare: str, start: int, end: int) -> int:
    count = 0
    for i in range(start, end):
        if bare[i] not in ", ":
            count += 1
    return count


def _clauses(seen: View, hits: list[Found]) -> list[Clause]:
    bare, at, text = seen.bare, seen.bare_at, seen.text
    clauses: list[Clause] = []
    start, begins = 0, True
    quoted = -1
    comma = bare.find(",")
    while comma >= 0:
        hard = sentence = False
        for i in range(at[comma - 1] + 1 if comma else 0, at[comma]):
            char = text[i]
            if i <= quoted:
                continue
            if char in _CLOSING:
                quoted = text.find(_CLOSING[char], i + 1, i + _QUOTED)
            elif char not in _SOFT:
                hard = True
                if char in _SENTENCE:
                    sentence = True
        if hard:
            clauses.append(Clause(start, comma, begins))
            start, begins = comma + 1, sentence
        comma = bare.find(",", comma + 1)
    clauses.append(Clause(start, len(bare), begins))
    place = 0
    for hit in hits:
        while place + 1 < len(clauses) and hit.start >= clauses[place].end:
            place += 1
        clauses[place].hits.append(hit)
    return clauses


def _of_clause(
    seen: View, clauses: list[Clause], place: int, lied: bool, own: list[int], found: list[Span], lexicon: Lexicon
) -> bool:
    """Adds the reaches of a clause; whether it tells what a swindler does, so that the next may go on."""
    bits = lexicon.bits
    clause = clauses[place]
    start, end = clause.start, clause.end
    lies = False
    for order in range(len(clause.hits)):
        hit = clause.hits[order]
        mask = hit.mask
        if lied and mask & bits.get("lure", 0) and (hit.start - start <= _BEGIN or seen.bare.startswith(_BY, start)):
            lies = _add(found, hit, start, end, own)
        if mask & bits.get("pose", 0):
            lies = _add(found, hit, hit.start, end, own) or lies
        if mask & bits.get("pretext", 0):
            lies = _add(found, hit, start, end, own) or lies
        if mask & bits.get("scam_is", 0):
            _add(found, hit, _subject(seen, clauses, place, lexicon), hit.end, own)
        if mask & bits.get("no_more", 0):
            _add(found, hit, start if end - start <= _OVER or not _is_han(seen, start) else hit.start, end, own)
        if mask & bits.get("ended_refusal", 0):
            _add(found, hit, hit.start, end if end - hit.start <= _OVER else hit.end, own)
        if mask & (bits.get("warn_of", 0) | bits.get("warn_not", 0)):
            _add_warning(seen, clause, order, own, found, lexicon)
        elif mask & bits.get("heed", 0):
            found.append((hit.start, hit.end))
    return lies


def _add(found: list[Span], hit: Found, start: int, end: int, own: list[int]) -> bool:
    """Adds a reach, or its word alone where something of one's own to turn to stands in the reach."""
    place = bisect_left(own, start)
    whole = place == len(own) or own[place] >= end
    found.append((start, end) if whole else (hit.start, hit.end))
    return whole


def _add_warning(seen: View, clause: Clause, order: int, own: list[int], found: list[Span], lexicon: Lexicon) -> None:
    bits = lexicon.bits
    hit = clause.hits[order]
    scam = bits.get("scam", 0) | bits.get("scam_is", 0)
    offer = bits.get("sell", 0)
    if hit.end == clause.end:
        # "“额度已批”类短信请勿点击": what is warned of stands before.
        carrier = order > 0 and clause.hits[order - 1].mask & scam and clause.hits[order - 1].end == hit.start
        before = seen.text[seen.bare_at[hit.start - 1] + 1 : seen.bare_at[hit.start]] if hit.start else ""
        if carrier or not _QUOTES.isdisjoint(before):
            _add(found, hit, clause.start, hit.end, own)
        else:
            found.append((hit.start, hit.end))
        return
    reach, broken = hit.end, clause.end
    # WHY no further: what is said of a fraud is short, and the time has to be linear.
    for other in clause.hits[order + 1 : order + 1 + _PHRASES]:
        if other.mask & scam and other.start - reach <= _STEP:
            reach = other.end
        elif other.mask & offer and broken == clause.end:
            broken = other.start
    spaced = not _is_han(seen, hit.start)
    if spaced:
        reach = clause.end if clause.end - hit.end <= _NEAR_SPACED or reach > hit.end else hit.end
    elif reach == hit.end:
        if hit.mask & bits.get("warn_not", 0):
            reach = broken
        elif clause.end - hit.end <= _NEAR:
            reach = clause.end
    _add(found, hit, hit.start, reach, own)


def _subject(seen: View, clauses: list[Clause], place: int, lexicon: Lexicon) -> int:
    """Where that begins which is called a fraud: its clause, or the one that a whole sentence is about."""
    first = place
    framing = lexicon.bits.get("whoever", 0)
    while first > 0 and not clauses[first].begins and place - first < _CLAUSES:
        before = clauses[first - 1]
        first -= 1
        for hit in before.hits:
            if hit.mask & framing and hit.start - before.start <= _BEGIN:
                return before.start
    # "…办理贷款的，一律是诈骗"
    if place > 0 and not clauses[place].begins and seen.bare[clauses[place - 1].end - 1] == _WHO:
        return clauses[place - 1].start
    return clauses[place].start


def _is_han(seen: View, at: int) -> bool:
    return seen.bare[at : at + 1] > "\x7f"


def _merged(found: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        elif start < end:
            merged.append((start, end))
    return merged


def notices(seen: View, hits: list[Found], aside: list[Span], lexicon: Lexicon) -> list[Span]:
    """The clauses that give notice and sell nothing, with what is set aside; empty where there are none."""
    notice, sells, purpose = lexicon.notices, lexicon.bits.get("sell", 0), lexicon.bits.get("code_purpose", 0)
    found: list[Span] = []
    for clause in _clauses(seen, hits):
        mask = 0
        for hit in clause.hits:
            mask |= hit.mask
        if mask & notice and (mask & purpose or not mask & sells):
            found.append((clause.start, clause.end))
    return _merged(found + aside) if found else found


def outside(hits: list[Found], spans: list[Span]) -> list[Found]:
    """The phrases that stand in none of these spans, which are in order and apart."""
    kept: list[Found] = []
    place = 0
    for hit in hits:
        while place < len(spans) and spans[place][1] <= hit.start:
            place += 1
        if place == len(spans) or spans[place][0] >= hit.end:
            kept.append(hit)
    return kept


def text_outside(bare: str, spans: list[Span]) -> str:
    """The bare view without these spans, one comma in place of each that stands between others."""
    kept: list[str] = []
    at = 0
    for start, end in spans:
        kept.append(bare[at:start].strip(", "))
        at = end
    kept.append(bare[at:].strip(", "))
    return ",".join([piece for piece in kept if piece])
