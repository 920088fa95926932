"""Which characters of a text can be others without a reader noticing: all that a variable of a template may hold.

Owns the proof that two texts are read alike. Never guesses: what it cannot show is literal. Never raises.

How it works: `mask` writes every digit as "0" and one name in front of its title as placeholders, so texts of one mask
have the same characters in the same places but for these. What the reader asks of such characters is little, and
`varies` looks at one reading to say where it is asked:

* Digits. Telephones ask which they are: a stretch of signs that could hold five digits must hold no telephone, in the
  text that was read and in each that is to be read like it. What stands beside figures ("编号") and says that they are
  none does so in all these texts. Phrases with digits ("618") must not arise. A way to refuse
  knows the word 0000, and a 2 for "to": these are literal. Everything else asks only whether a character is a digit.
  Digits within anything that was found (telephone, link, signature, refusal line, product, phrase) are literal.
* Names, one to four Han characters between punctuation or 的 and 先生, 女士, …: none of them is a character that any
  pattern of the reader names or that folding changes, no two that stand together begin or continue a phrase, and rules
  decided alone, since the classifier weighs each character. Then the reader sees Han and nothing more.
"""

import re
from bisect import bisect_right
from types import ModuleType
from typing import Final

from proxy.language import content as content_room
from proxy.language import disclosure as disclosure_room
from proxy.language import marks, refusal_line, refusal_terms, scope
from proxy.language.content import Reading
from proxy.language.lexicon import ANY_DIGIT, Lexicon
from proxy.language.views import View, shows_itself

#: Longer texts are not masked: no template is so long.
LONGEST: Final = 500
_TITLES: Final = ("先生", "女士", "小姐", "您好", "你好")
#: What may stand before a name: in the bare view a comma, or 的.
_BEFORE: Final = "】]，,、。!！:：；;的"
_NAME_MOST: Final = 4
_OF: Final = 0x7684  # 的
_HELD: Final = "\ue000"
_DIGITS: Final = bytes.maketrans(b"123456789", b"000000000")
_RUN: Final = re.compile("[0-9]+")
#: What telephones are written with. INVARIANT: every character that `marks.PHONE` takes in is one of these.
_OF_PHONES: Final = frozenset("0123456789+(-. \0|_)零一二三四五六七八九幺")
_HAN_DIGITS: Final = frozenset("零一二三四五六七八九幺")
_PHONE_LEAST: Final = 5
#: What telephones of nine digits and fewer begin with, where there is no plus sign: these two digits, or where a sign
#: stands between them the first. INVARIANT: `marks.PHONE` knows no other (a test).
_SHORT_NUMBERS: Final = ("95", "96", "10", "12")
_NINE: Final = 0x39
_ONE: Final = 0x31
_SHORT_MOST: Final = 9
#: Digits of a telephone that is called from anywhere.
_WHOLE_DIGITS: Final = 10
#: Runs of digits that a refusal line knows by value.
_WORD_DIGITS: Final = 4
#: How far `marks.is_phone` looks to either side of what has the form of a telephone.
_LOOKS_BACK: Final = 24
_LOOKS_ON: Final = 12
_SPECIAL: Final = frozenset(("2", "0", "00", "000", "0000"))
_ZERO: Final = 0x30
_TWO: Final = 0x32
_NAMES_KEPT: Final = 20_000


class Mask:
    """A text without what may vary: equal octets are the same characters in the same places, but for these."""

    __slots__ = ("end", "name", "octets", "start")

    def __init__(self, octets: bytes, start: int, end: int, name: bool) -> None:
        self.octets: Final = octets
        #: Where the name stands, or would; 0 to 0 without one.
        self.start: Final = start
        self.end: Final = end
        #: Whether the name is masked.
        self.name: Final = name


class Stretch:
    """Signs of which a telephone could be made: where they stand, and what stands marked on either side."""

    __slots__ = ("after", "before", "end", "short", "start")

    def __init__(self, start: int, end: int, before: str, after: str, short: tuple[tuple[int, int], ...]) -> None:
        self.start: Final = start
        self.end: Final = end
        self.before: Final = before
        self.after: Final = after
        #: The runs of digits, where they are too few for any but a short number.
        self.short: Final = short

    def may_be_called(self, text: str) -> bool:
        """Whether a telephone may begin among the signs that a text has here."""
        if self.short and not self._begins_short(text):
            return False
        # WHY twice: nearly all figures have no such form, and of raw signs one look finds each that has it.
        if marks.PHONE.search(text, self.start, self.end) is None:
            return False
        return _may_be_called(self.before, text[self.start : self.end], self.after)

    def _begins_short(self, text: str) -> bool:
        for start, end in self.short:
            first = ord(text[start])
            # WHY one digit first: compiled, that look costs nearly nothing, and four of five end with it.
            if first in (_NINE, _ONE) and (end - start == 1 or text.startswith(_SHORT_NUMBERS, start)):
                return True
        return False


class Varying:
    """Where texts of one mask may differ, and by what: see `fits`."""

    __slots__ = ("barred", "figured", "literal", "runs", "short", "stretches", "within")

    def __init__(
        self,
        runs: tuple[tuple[int, int], ...],
        literal: tuple[tuple[int, str], ...],
        short: tuple[tuple[int, int], ...],
        stretches: tuple[Stretch, ...],
        barred: tuple[tuple[int, str], ...],
        within: tuple[tuple[int, int, str], ...],
    ) -> None:
        #: Runs of digits that may be others.
        self.runs: Final = runs
        #: Digits that have to be these, with what stands between them.
        self.literal: Final = literal
        #: Runs that must not be `_SPECIAL`.
        self.short: Final = short
        #: Those of five digits and more, which must hold no telephone.
        self.stretches: Final = stretches
        #: Digits that would make a phrase at a place, or anywhere from one place to another.
        self.barred: Final = barred
        self.within: Final = within
        #: The digits of `within`, each once.
        self.figured: Final = tuple(dict.fromkeys([one[2] for one in within]))

    def free(self, mask: "Mask") -> tuple[tuple[int, int], ...]:
        """Where texts of the mask may differ."""
        return (*self.runs, (mask.start, mask.end)) if mask.name else self.runs

    def fits(self, text: str) -> bool:
        """Whether a text of this mask is read like the one that was looked at."""
        for at, digits in self.literal:
            # WHY `find`: compiled, it is a third of `startswith` with a place.
            if text.find(digits, at, at + len(digits)) < 0:
                return False
        for start, end in self.short:
            first = ord(text[start])
            if first in (_ZERO, _TWO) and text[start:end] in _SPECIAL:
                return False
        for digits in self.figured:
            if digits in text and self._holds(text, digits):
                return False
        for at, digits in self.barred:
            if text.find(digits, at, at + len(digits)) >= 0:
                return False
        return all(not stretch.may_be_called(text) for stretch in self.stretches)

    def _holds(self, text: str, digits: str) -> bool:
        return any(phrase == digits and text.find(digits, start, end) >= 0 for start, end, phrase in self.within)


class Names:
    """Which names no reader tells apart, by the table of words in force."""

    __slots__ = ("_known", "_loud", "_pairs")

    def __init__(self, lexicon: Lexicon) -> None:
        self._loud: Final = _named_characters(lexicon)
        words = [*lexicon.phrases, *lexicon.identity["suffixes"], *lexicon.identity["kinds_before"]]
        self._pairs: Final = frozenset([word[i : i + 2] for word in words for i in range(len(word) - 1)])
        #: Name and title → whether it is read like any other. INVARIANT: a memo of a pure function, bounded.
        self._known: Final[dict[str, bool]] = {}

    def mask(self, text: str, with_name: bool = True) -> Mask:
        """The mask of a text of at most `LONGEST` characters; `with_name` False leaves a name as it stands."""
        start = end = 0
        for title in _TITLES:
            at = text.find(title)
            if at > 0:
                first = at
                # WHY by code points: compiled, no string is made for them, and each message comes by here.
                while first > 0 and at - first <= _NAME_MOST:
                    code = ord(text[first - 1])
                    if not 0x4E00 <= code <= 0x9FFF or code == _OF:
                        break
                    first -= 1
                if 0 < at - first <= _NAME_MOST and (not first or text[first - 1] in _BEFORE):
                    start, end = first, at
                    break
        masked = with_name and end > 0 and self._is_quiet(text[start : end + 2])
        if masked:
            # WHY the first octet: no text begins with it, so none that holds placeholders itself has such a mask.
            held = f"{text[:start]}{_HELD * (end - start)}{text[end:]}"
            octets = b"\xff" + held.encode("utf-8", "surrogatepass").translate(_DIGITS)
        else:
            octets = text.encode("utf-8", "surrogatepass").translate(_DIGITS)
        return Mask(octets, start, end, masked)

    def _is_quiet(self, titled: str) -> bool:
        """Whether nobody tells a name and its title, which has two characters, from any other with this title."""
        known = self._known.get(titled)
        if known is None:
            if len(self._known) >= _NAMES_KEPT:
                self._known.clear()
            known = self._known[titled] = self._judge(titled[:-2], titled[-2:])
        return known

    def _judge(self, name: str, title: str) -> bool:
        for char in name:
            if char in self._loud or not shows_itself(char):
                return False
        beside = "的" + name + title[0]
        pairs = [beside[i : i + 2] for i in range(len(beside) - 1)]
        return self._pairs.isdisjoint(pairs) and "," + name[0] not in self._pairs


def _named_characters(lexicon: Lexicon) -> frozenset[str]:
    """The characters that a pattern of the reader names, or that are parts of others."""
    found: set[str] = set()
    rooms: tuple[ModuleType, ...] = (content_room, disclosure_room, marks, refusal_line, refusal_terms)
    for room in rooms:
        for value in vars(room).values():
            if isinstance(value, re.Pattern):
                found.update(value.pattern)
    found.update(scope.PARTICLES)
    for last, pairs in lexicon.parts.items():
        found.update(last)
        for before, _ in pairs:
            found.update(before)
    return frozenset(found)


def varies(text: str, mask: Mask, reading: Reading, lexicon: Lexicon) -> Varying | None:
    """Where texts of this mask may differ from the one that was read; None where that cannot be said."""
    seen = reading.look.seen
    if seen.marked_at is not None or (mask.name and not _name_may_vary(mask, reading)):
        return None
    found = _found_spans(reading)
    runs = [match.span() for match in _RUN.finditer(text)]
    short = _known_by_value(seen, runs)
    fixed = {run for run in runs if _touches(run, found) or (run in short and text[run[0] : run[1]] in _SPECIAL)}
    looked_at: set[tuple[int, int]] = set()
    stretches: list[Stretch] = []
    for run in runs:
        start, end = _stretch(seen.marked, run)
        inner = [other for other in runs if start <= other[0] < end]
        digits = sum([other[1] - other[0] for other in inner])
        if (start, end) in looked_at:
            continue
        looked_at.add((start, end))
        if text[start:end] != seen.marked[start:end] or not _HAN_DIGITS.isdisjoint(seen.marked[start:end]):
            fixed.update(inner)
        elif digits >= _PHONE_LEAST:
            # WHY not the runs apart: digits of two runs make one telephone.
            before, after = seen.marked[max(0, start - _LOOKS_BACK) : start], seen.marked[end : end + _LOOKS_ON]
            is_short = digits <= _SHORT_MOST and "+" not in text[start:end]
            stretch = Stretch(start, end, before, after, tuple(inner) if is_short else ())
            if not fixed.isdisjoint(inner) or stretch.may_be_called(text):
                fixed.update(inner)
            else:
                stretches.append(stretch)
    barred, within = _barred(seen, runs, fixed, lexicon)
    free = [run for run in runs if run not in fixed]
    return Varying(
        tuple(free),
        tuple(_literal(text, runs, fixed, [*free, (mask.start, mask.end)] if mask.name else free)),
        tuple([run for run in short if run not in fixed]),
        tuple(stretches),
        tuple(barred),
        tuple(within),
    )


def _literal(
    text: str, runs: list[tuple[int, int]], fixed: set[tuple[int, int]], free: list[tuple[int, int]]
) -> list[tuple[int, str]]:
    """The runs that are fixed, as few pieces: what stands between two is the same in all texts, if nothing varies."""
    pieces: list[tuple[int, int]] = []
    for run in runs:
        if run not in fixed:
            continue
        if pieces and not _touches((pieces[-1][0], run[1]), free):
            pieces[-1] = pieces[-1][0], run[1]
        else:
            pieces.append(run)
    return [(start, text[start:end]) for start, end in pieces]


def _may_be_called(before: str, figures: str, after: str) -> bool:
    """Whether a telephone may begin anywhere in these figures; one of ten digits and more counts whatever it is called.

    All three are marked. WHY at every place: the reader looks at some of them, which depends on what it finds first.
    """
    marked = before + figures + after
    for at in range(len(before), len(before) + len(figures)):
        match = marks.PHONE.match(marked, at)
        if match is not None and (_is_whole(match.group()) or marks.is_phone(marked, match)):
            return True
    return False


def _is_whole(telephone: str) -> bool:
    """Whether it can be called from anywhere."""
    digits = 0
    for char in telephone:
        digits += char.isdigit()
    return digits >= _WHOLE_DIGITS


def _name_may_vary(mask: Mask, reading: Reading) -> bool:
    """Whether rules decided alone, nothing that was found reaches into the name, and a comma or 的 stands before it."""
    seen = reading.look.seen
    if not reading.by_rules or _touches((mask.start, mask.end), _found_spans(reading)):
        return False
    # WHY the last of its place: a comma that stands for punctuation has the place of what follows it.
    at = bisect_right(seen.bare_at, mask.start) - 1
    return at >= 0 and seen.bare_at[at] == mask.start and (at == 0 or seen.bare[at - 1] in ",的")


def is_quiet(reading: Reading, spans: list[tuple[int, int]]) -> bool:
    """Whether nothing that was found of a text reaches into these spans, nor a telephone, whatever it is called."""
    seen = reading.look.seen
    found = _found_spans(reading)
    for match in marks.PHONE.finditer(seen.marked):
        # WHY: "编号" before it makes no telephone of "95001", but does not make 13800138000 a number that nobody calls.
        if _is_whole(match.group()):
            found.append(seen.of_marked(*match.span()))
    return not any(_touches(span, found) for span in spans)


def _found_spans(reading: Reading) -> list[tuple[int, int]]:
    """The spans of all that was found: evidence, phrases whatever they count for, and brackets."""
    seen = reading.look.seen
    spans = [(one.start, one.end) for held in reading.content.evidence.values() for one in held]
    spans += [seen.of_bare(hit.start, hit.end) for hit in reading.look.hits]
    spans += [match.span() for match in marks.SIGNATURE.finditer(seen.text)]
    return spans


def _touches(span: tuple[int, int], others: list[tuple[int, int]]) -> bool:
    return any(start < span[1] and span[0] < end for start, end in others)


def _known_by_value(seen: View, runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The runs that a refusal line may know by value: four digits in the bare view, or one behind a space."""
    bare, at = seen.bare, seen.bare_at
    found: list[tuple[int, int]] = []
    i = 0
    while i < len(bare):
        if not bare[i].isdigit():
            i += 1
            continue
        end = i
        while end < len(bare) and bare[end].isdigit():
            end += 1
        if end - i == _WORD_DIGITS or (end - i == 1 and i > 0 and bare[i - 1] == " "):
            for j in range(i, end):
                run = _run_at(at[j], runs)
                if run is not None and run not in found:
                    found.append(run)
        i = end
    return found


def _stretch(marked: str, run: tuple[int, int]) -> tuple[int, int]:
    """How far the signs reach around a run of digits with which it could be one telephone."""
    start, end = run
    while start > 0 and marked[start - 1] in _OF_PHONES:
        start -= 1
    while end < len(marked) and marked[end] in _OF_PHONES:
        end += 1
    return start, end


def _barred(
    seen: View, runs: list[tuple[int, int]], fixed: set[tuple[int, int]], lexicon: Lexicon
) -> tuple[list[tuple[int, str]], list[tuple[int, int, str]]]:
    """Which digits, and where, would make a phrase of the table; runs that cannot be told so simply become fixed."""
    bare, at = seen.bare, seen.bare_at
    chars = list(bare)
    for i in range(len(chars)):
        if chars[i].isdigit():
            run = _run_at(at[i], runs)
            if run is not None and run not in fixed:
                chars[i] = ANY_DIGIT
    shown = "".join(chars)
    barred: list[tuple[int, str]] = []
    within: list[tuple[int, int, str]] = []
    if shown == bare:
        return barred, within
    for phrase, arising in lexicon.figured.items():
        for match in arising.finditer(shown):
            start = match.start()
            held = [i for i in range(start, start + len(phrase)) if shown[i] == ANY_DIGIT]
            if not held:
                continue
            run = _run_at(at[held[0]], runs)
            if run is None or at[held[-1]] - at[held[0]] != len(held) - 1 or at[held[-1]] >= run[1]:
                # Digits of several runs ("6,18").
                fixed.update([one for one in [_run_at(at[i], runs) for i in held] if one is not None])
            elif len(held) == len(phrase):
                if (run[0], run[1], phrase) not in within:
                    within.append((run[0], run[1], phrase))
            else:
                barred.append((at[held[0]], "".join([phrase[i - start] for i in held])))
    return barred, within


def _run_at(place: int, runs: list[tuple[int, int]]) -> tuple[int, int] | None:
    for run in runs:
        if run[0] <= place < run[1]:
            return run
    return None
