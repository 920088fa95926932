"""Folds a text to the form in which replies are compared: one spelling for everything that reads the same.

Owns: the normal form and its split into atoms. Never decides what a text means, never raises on any `str` (lone
surrogates included), and takes linear time.

How it works: one translation, worked out per code point from compatibility decomposition, look-alike tables and case
folding. It deletes what is invisible, makes digits ASCII and Han simplified, and writes white space as " ", separators
of any kind (punctuation, brackets, emoji, line ends) as ",", question marks as "?". What stays is letters, digits, and
the few signs that change what a neighbour says (`%`, `&`, `@`, currency). Separators stay because "0,00" is an amount
and "000" is not.
"""

import re
import unicodedata
from itertools import groupby
from typing import Final

from proxy.language.letterforms import AFTER_CASE, BEFORE_CASE, HAN_FORMS

#: Stands before letters that were written as regional indicators: 🇹🇩 is a flag and the letters TD at once.
FLAG: Final = "\ufdd0"

#: Emoji that say a word of their own and so stay.
SIGNS: Final = "🛑🚫⛔"

_BRAILLE_BLANK: Final = 0x2800
_KEPT: Final = frozenset("%&@$°" + SIGNS + FLAG)
_APOSTROPHES: Final = "'\u2018\u2019\u02bc\u2032\u02b9"
_QUESTIONS: Final = "?\u00bf\u037e\u061f\u055e\u1367\u2047\u2048\u2049\u203d\u2753\u2754\u2e2e"
#: Marks that decorate letters of alphabets; those of Thai and of Indian scripts are letters and stay.
_DECORATION: Final = (
    (0x0300, 0x036F),
    (0x0483, 0x0489),
    (0x0591, 0x05C7),
    (0x0610, 0x061A),
    (0x064B, 0x065F),
    (0x0670, 0x0670),
    (0x06D6, 0x06ED),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFE00, 0xFE0F),
    (0xFE20, 0xFE2F),
    (0xE0100, 0xE01EF),
)
#: Invisible although Unicode calls them letters or marks: Hangul and Khmer fillers, Mongolian selectors, tatweel.
_INVISIBLE: Final = (0x034F, 0x0640, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164, 0xFFA0)


def _meaning(char: str) -> str:
    """What one decomposed, case-folded character becomes; the empty text deletes it."""
    code = ord(char)
    special = AFTER_CASE.get(code) or HAN_FORMS.get(code)
    if special is not None:
        return special
    if char in _QUESTIONS:
        return "?"
    if char in _APOSTROPHES or code in _INVISIBLE or any(start <= code <= last for start, last in _DECORATION):
        return ""
    category = unicodedata.category(char)
    if char in _KEPT or category == "Sc":
        return char
    if category == "Nd":
        return str(unicodedata.digit(char))
    if category in ("Cf", "Cc"):
        if char in "\n\r\v\f\x85\x1c\x1d\x1e":
            return ","
        return " " if char == "\t" else ""
    if category in ("Zl", "Zp", "Cs", "Co") or (category[0] in "PS" and code != _BRAILLE_BLANK):
        return ","
    if category == "Cn" and 0x1F000 <= code <= 0x1FBFF:  # WHY: emoji younger than this interpreter's Unicode.
        return ","
    return " " if category[0] == "Z" or code == _BRAILLE_BLANK else char


def _folded(code: int) -> str:
    """One code point folded for itself: everything but canonical composition works on single code points."""
    char = chr(code)
    if char in "\u2122\u2120":
        return ","  # WHY: the trade-mark signs decompose to letters, but stand after a word as decoration.
    shown = "".join(BEFORE_CASE.get(ord(c), c) for c in unicodedata.normalize("NFKD", char))
    lowered = unicodedata.normalize("NFKD", shown.casefold())
    return unicodedata.normalize("NFC", "".join(_meaning(c) for c in lowered))


class _Table(dict[int, str]):
    """Code point → folded text, worked out when first seen.

    INVARIANT: a memo of a pure function; no more than the first two planes are kept, so that no sender can grow it
    beyond about 10 MB.
    """

    def __missing__(self, code: int) -> str:
        to = _folded(code)
        if code < 0x20000:
            self[code] = to
        return to


_TABLE: Final = _Table()
_REGIONAL: Final = re.compile("[\U0001f1e6-\U0001f1ff]+")

#: Scripts written without spaces: each character is an atom. Everything else between separators is one atom.
_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3006\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff" + SIGNS
)
_ATOM: Final = re.compile(f"[^ ,?{_UNSPACED}]+|[^ ]")


def _regional(match: re.Match[str]) -> str:
    return "," + FLAG + "".join(chr(ord(c) - 0x1F1E6 + 0x61) for c in match.group()) + ","


def fold(text: str) -> str:
    """The comparison form of a text: letters, digits, single spaces, "," for any separator and "?" for questions.

    Idempotent. Linear; a code point grows to 18 at most (compatibility decomposition).
    """
    if _REGIONAL.search(text) is not None:
        text = _REGIONAL.sub(_regional, text)
    # WHY: composition last, for kana and Hangul that arrive in pieces.
    folded = unicodedata.normalize("NFC", text.translate(_TABLE))
    return " ".join(folded.split())


def atoms(folded: str) -> list[str]:
    """A folded text as words of spaced scripts, characters of unspaced ones, "," and "?" each as one atom."""
    found: list[str] = _ATOM.findall(folded)
    return found


def squeezed(word: str) -> tuple[str, tuple[int, ...]]:
    """A word without doubled letters, and how long each letter's run was."""
    runs = [(letter, len(list(run))) for letter, run in groupby(word)]
    return "".join(letter for letter, _ in runs), tuple(length for _, length in runs)
