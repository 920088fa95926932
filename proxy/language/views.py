"""Two views of a message for its reader: the marks as they stand, and the bare words. Every character knows its origin.

Owns the alignment between a text and its folded forms. Never decides what a text says, never raises on any `str`, and
takes linear time.

How it works: the folding of `proxy.language.folding` is applied character by character, so that views and text stay
aligned. `marked` has one character for each of the text, with punctuation in ASCII and "\\0" for what is invisible; it
is where telephones, links and quotes are looked for. `bare` has letters and digits only, "," for the end of a clause
and one space between words of spaced scripts; gaps and dots inside Han words are gone, and characters that were written
as their parts ("代贝") are one again.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

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


class _Marks(dict[int, str]):
    """Code point → what it shows, one character or an expansion. INVARIANT: a memo of a pure function, bounded."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        shown = _SHOWN.get(char)
        if shown is None:
            folded = " " if char.isspace() else fold(char)
            shown = _GONE if not folded else "|" if folded == "," else folded
            shown = SIMPLIFIED.get(shown, shown)
        if code < 0x20000:
            self[code] = shown
        return shown


_MARKS: Final = _Marks()


class View(msgspec.Struct, frozen=True, gc=False):
    """A text as it is read. Offsets into `text` are in characters."""

    text: str
    marked: str
    marked_at: list[int] | None
    """Where each character of `marked` comes from; None where the places are the same."""
    bare: str
    bare_at: list[int]

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
    marked = text.translate(_MARKS)
    marked_at: list[int] | None = None
    if len(marked) != len(text):
        marked_at = [i for i, char in enumerate(text) for _ in _MARKS[ord(char)]]
    bare: list[str] = []
    bare_at: list[int] = []
    keep, keep_at = bare.append, bare_at.append
    last = ","
    gap = ended = False
    for i, char in enumerate(marked):
        if char.isalnum() or char in "%$":
            if char > "\x7f":
                if ended and last != ",":
                    keep(",")
                    keep_at(i)
                if char in parts:
                    char = _joined(char, bare, bare_at, parts)
            elif (gap or ended) and last != ",":
                if ended:
                    # WHY: "1,280" is one figure.
                    if not (last.isdigit() and char.isdigit() and marked[i - 1] == ","):
                        keep(",")
                        keep_at(i)
                elif last <= "\x7f":
                    keep(" ")
                    keep_at(i)
            keep(char)
            keep_at(i)
            last = char
            gap = ended = False
        elif char in _ENDS:
            ended = True
        elif char == ".":
            if last > "\x7f":
                gap = True
            elif marked[i + 1 : i + 2].isspace():
                ended = True
            elif last.isdigit() and marked[i + 1 : i + 2].isdigit():
                keep(".")
                keep_at(i)
                last = "."
            else:
                gap = True
        elif char != _GONE and char != "'":
            gap = True
    if marked_at is not None:
        bare_at = [marked_at[i] for i in bare_at]
    return View(text, marked, marked_at, "".join(bare), bare_at)


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
