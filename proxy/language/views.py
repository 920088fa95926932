"""Two views of a message for its reader: the marks as they stand, and the bare words. Every character knows its origin.

Owns the alignment between a text and its folded forms. Never decides what a text says, never raises on any `str`, and
takes linear time.

How it works: the folding of `proxy.language.folding` is applied character by character, so that views and text stay
aligned. `marked` has one character for each of the text, with punctuation in ASCII and "\\0" for what is invisible; it
is where telephones, links and quotes are looked for. `bare` has letters and digits only, "," for the end of a clause
and one space between words of spaced scripts; gaps and dots inside Han words and within a Latin word that is spelt out
("l.o.a.n") are gone, and characters that were written as their parts ("代贝") are one again.
"""

import re
from collections.abc import Mapping
from itertools import compress
from typing import Final

from proxy.language.folding import fold
from proxy.language.traditional import SIMPLIFIED

#: Punctuation that a reader of marks needs apart; everything else that separates is "|".
_SHOWN: Final = {
    **dict.fromkeys("【[［", "["),
    **dict.fromkeys("】]］", "]"),
    **dict.fromkeys('“”„«»「」『』《》〈〉"＂‘’', '"'),
    **dict.fromkeys("(（", "("),
    **dict.fromkeys(")）", ")"),
    **dict.fromkeys(",，、", ","),
    **dict.fromkeys(";；!！。\n\r\v\f\x85\u2028\u2029", ";"),
    **dict.fromkeys(":：︰", ":"),
    **dict.fromkeys(".．｡", "."),
    **dict.fromkeys("-－–—‐‑‒−", "-"),
    **dict.fromkeys("/／", "/"),
    **dict.fromkeys("_＿", "_"),
    **dict.fromkeys("+＋", "+"),
    **dict.fromkeys("=＝", "="),
    **dict.fromkeys("'＇", "'"),
    **dict.fromkeys("#＃", "#"),
}
_GONE: Final = "\0"
_ENDS: Final = frozenset(',;:?![]()"')
#: Single letters in a row: a word is spelt out, or several are.
_SPELT: Final = re.compile(r"(?<![a-z0-9])[a-z](?:[ ,][a-z](?![a-z0-9])){3,}")
_SPELT_LEAST: Final = 3


def _shown_of(code: int) -> str:
    """What a code point shows, one character or an expansion; "\\0" where it is invisible."""
    char = chr(code)
    shown = _SHOWN.get(char)
    if shown is None:
        folded = " " if char.isspace() else fold(char)
        shown = _GONE if not folded else "|" if folded == "," else folded
        shown = SIMPLIFIED.get(shown, shown)
    if code < _PLANE:
        _MARKS[code] = shown
    return shown


#: Code points of the first plane, for which tables are kept.
_PLANE: Final = 0x10000
#: Code point → what it shows, empty until it is first seen. INVARIANT: a memo of a pure function.
_MARKS: Final = [""] * _PLANE


def _kind(char: str) -> int:
    """What a character of `marked` is to the bare view: see `_KINDS`."""
    if char in "%$":
        return _SIGN
    if char.isalnum():
        if char > "\x7f":
            return _OTHER_FIGURE if char.isdigit() else _HAN
        return _FIGURE if char.isdigit() else _LATIN
    if char in _ENDS:
        return _END
    if char == ".":
        return _DOT
    return _NOTHING if char in (_GONE, "'") else _GAP


_GAP: Final = 0
_NOTHING: Final = 1
_END: Final = 2
_DOT: Final = 3
_LATIN: Final = 4
_SIGN: Final = 5
_FIGURE: Final = 6
_HAN: Final = 7
_OTHER_FIGURE: Final = 8


def _kinds() -> bytes:
    """`_kind` of each code point of the first plane. WHY not by asking it: 65,536 calls at each start of a process."""
    chars = [chr(code) for code in range(_PLANE)]
    kinds = bytearray([_HAN if letter else _GAP for letter in map(str.isalnum, chars)])
    for char in (*chars[:0x80], *_ENDS, _GONE, *compress(chars, map(str.isdigit, chars))):
        kinds[ord(char)] = _kind(char)
    return bytes(kinds)


#: Code point of the first plane → its kind; letters and figures of other scripts than Latin are all `_HAN`.
_KINDS: Final = _kinds()


class View:
    """A text as it is read. Offsets into `text` are in characters."""

    __slots__ = ("bare", "bare_at", "digits", "figures", "marked", "marked_at", "text")

    def __init__(
        self,
        text: str,
        marked: str,
        marked_at: list[int] | None,
        bare: str,
        bare_at: list[int],
        figures: list[int],
        digits: int,
    ) -> None:
        self.text: Final = text
        self.marked: Final = marked
        #: Where each character of `marked` comes from; None where the places are the same.
        self.marked_at: Final = marked_at
        self.bare: Final = bare
        self.bare_at: Final = bare_at
        #: Where in `marked` a run of digits begins.
        self.figures: Final = figures
        #: How many digits there are, of those runs.
        self.digits: Final = digits

    def of_bare(self, start: int, end: int) -> tuple[int, int]:
        """The span of the text that a span of `bare` comes from."""
        return self.bare_at[start], self.bare_at[end - 1] + 1

    def of_marked(self, start: int, end: int) -> tuple[int, int]:
        """The span of the text that a span of `marked` comes from."""
        at = self.marked_at
        return (start, end) if at is None else (at[start], at[end - 1] + 1)


#: Last part of a character → the parts before it and the character.
Parts = Mapping[str, tuple[tuple[str, str], ...]]


def view(text: str, parts: Parts) -> View:
    """The views of a text. Linear."""
    shown, marked_at = _marked(text)
    marked = "".join(shown)
    kinds = _KINDS
    bare: list[str] = []
    bare_at: list[int] = []
    figures: list[int] = []
    digits = 0
    last = _END  # the kind of the character that was kept last; `_END` for a comma, `_DOT` for a point
    before = _GAP
    gap = ended = False
    apart = 0  # letters of Latin that stand behind a separator
    for i in range(len(shown)):
        char = shown[i]
        code = ord(char)
        kind: int = kinds[code] if code < _PLANE else _kind(char)
        if kind >= _LATIN:
            if kind >= _HAN:
                if ended and last != _END:
                    bare.append(",")
                    bare_at.append(i)
                if char in parts:
                    char = _joined(char, bare, bare_at, parts)
                bare.append(char)
            else:
                if (gap or ended) and last != _END:
                    if kind == _LATIN:
                        apart += 1
                    if ended:
                        # WHY: "1,280" is one figure.
                        if kind != _FIGURE or (last != _FIGURE and last != _OTHER_FIGURE) or marked[i - 1] != ",":
                            bare.append(",")
                            bare_at.append(i)
                    elif last < _HAN:
                        bare.append(" ")
                        bare_at.append(i)
                if kind == _FIGURE:
                    digits += 1
                    if before != _FIGURE:
                        figures.append(i)
                bare.append(char)
            bare_at.append(i)
            last = kind
            gap = ended = False
        elif kind == _END:
            ended = True
        elif kind == _DOT:
            after = marked[i + 1] if i + 1 < len(marked) else ""
            if last >= _HAN:
                gap = True
            elif after.isspace():
                ended = True
            elif last == _FIGURE and after.isdigit():
                bare.append(".")
                bare_at.append(i)
                last = _DOT
            else:
                gap = True
        elif kind == _GAP:
            gap = True
        before = kind
    words = "".join(bare)
    if apart >= _SPELT_LEAST:
        words, bare_at = _unspelt(words, bare_at, marked)
    if marked_at is not None:
        places = marked_at
        bare_at = [places[i] for i in bare_at]
    return View(text, marked, marked_at, words, bare_at, figures, digits)


def _unspelt(bare: str, bare_at: list[int], marked: str) -> tuple[str, list[int]]:
    """The bare view without separators within words that are spelt out; wider ones, or spaces among others, end a word.

    `bare_at` are places in `marked`.
    """
    pieces: list[str] = []
    places: list[int] = []
    done = 0
    for match in _SPELT.finditer(bare):
        start, end = match.span()
        letters = range(start + 2, end, 2)
        least = min([bare_at[i] - bare_at[i - 2] for i in letters])
        spaced = all(marked[bare_at[i] - 1] == " " for i in letters)
        pieces.append(bare[done : start + 1])
        places += bare_at[done : start + 1]
        for i in letters:
            at = bare_at[i]
            if at - bare_at[i - 2] > least or (marked[at - 1] == " " and not spaced):
                pieces.append(" ")
                places.append(bare_at[i])
            pieces.append(bare[i])
            places.append(bare_at[i])
        done = end
    if not done:
        return bare, bare_at
    pieces.append(bare[done:])
    places += bare_at[done:]
    return "".join(pieces), places


def _marked(text: str) -> tuple[list[str], list[int] | None]:
    """What each character shows, and where each of these comes from; None for the places where they are the same."""
    marks = _MARKS
    shown: list[str] = []
    for i in range(len(text)):
        code = ord(text[i])
        mark = marks[code] if code < _PLANE else ""
        if not mark:
            mark = _shown_of(code)
        if len(mark) != 1:
            return _expanded(text)
        shown.append(mark)
    return shown, None


def _expanded(text: str) -> tuple[list[str], list[int]]:
    shown: list[str] = []
    places: list[int] = []
    for i, char in enumerate(text):
        code = ord(char)
        for mark in (_MARKS[code] if code < _PLANE else "") or _shown_of(code):
            shown.append(mark)
            places.append(i)
    return shown, places


def shows_itself(char: str) -> bool:
    """Whether a character stands in both views as it stands in the text."""
    code = ord(char)
    return ((_MARKS[code] if code < _PLANE else "") or _shown_of(code)) == char


def _joined(char: str, bare: list[str], bare_at: list[int], parts: Parts) -> str:
    for before, whole in parts[char]:
        size = len(before)
        if len(bare) >= size and "".join(bare[-size:]) == before:
            start = bare_at[-size]
            del bare[-size:], bare_at[-size:]
            for extra in whole[:-1]:
                bare.append(extra)
                bare_at.append(start)
            return whole[-1]
    return char
