"""The wording of a reviewed text with variables: "尊敬的{name}，您尾号{digits}的账户入账{amount}元".

Owns what a variable may hold, by its length and its characters, and how a text is held against a wording. Never decides
what a variable's value says: whoever reads texts does, and tells spans. Pure; the time is bounded by text and wording.
"""

import re
from collections.abc import Callable
from typing import Final

#: A place in a text, from character to character.
Span = tuple[int, int]

_VARIABLE: Final = re.compile(r"\{([^{}]*)\}")
#: WHY as sums are written: "0571,8888,8888" is a telephone to whoever reads it.
_AMOUNT: Final = re.compile(r"(?:0|[1-9][0-9]*|[1-9][0-9]{0,2}(?:,[0-9]{3})+)(?:\.[0-9]{1,4})?", re.ASCII)
_FIGURES: Final = re.compile("[0-9]+")
#: Figures of a date that begin with its year.
_DATED: Final = re.compile("(?:19|20)[0-9]{2}(?:[0-9]{2}){0,5}")
#: Without so many characters of its own a wording says nothing that anybody could have reviewed.
_LITERAL_LEAST: Final = 6


class WordingError(ValueError):
    """A wording is wrong: the message says why."""


def _is_name(value: str) -> bool:
    if all("\u4e00" <= char <= "\u9fff" or char == "·" for char in value):
        return len(value) <= 4 or ("·" in value and len(value) <= 12)
    return value.replace(" ", "").isascii() and value.replace(" ", "").isalpha() and value == value.strip()


def _is_figure(value: str) -> bool:
    return value.isascii() and value.isdigit()


def _is_amount(value: str) -> bool:
    return _AMOUNT.fullmatch(value) is not None


def _is_date(value: str) -> bool:
    if not all(char in "0123456789年月日号时点分秒:：/.- " for char in value):
        return False
    # WHY as dates are written: "138.0013.8000" is a telephone to whoever reads it. Four figures once, as in 0930.
    figures = _FIGURES.findall(value)
    others = [each for each in figures if len(each) > 2 and _DATED.fullmatch(each) is None]
    return bool(figures) and (not others or [len(each) for each in others] == [4])


def _is_code(value: str) -> bool:
    return _is_figure(value) and 4 <= len(value) <= 8


#: Variable → the most characters, and what they are.
VARIABLES: Final[dict[str, tuple[int, Callable[[str], bool]]]] = {
    "name": (24, _is_name),
    "digits": (20, _is_figure),
    "amount": (14, _is_amount),
    "date": (19, _is_date),
    "code": (8, _is_code),
}


class Wording:
    """A wording, ready to be compared: what stands before, between and behind its variables."""

    __slots__ = ("literals", "variables")

    def __init__(self, text: str) -> None:
        """Raises WordingError."""
        pieces = _VARIABLE.split(text)
        self.literals: Final = tuple(pieces[::2])
        self.variables: Final = tuple(pieces[1::2])
        for name in self.variables:
            if name not in VARIABLES:
                raise WordingError(f"unknown variable {{{name}}}, expected one of {', '.join(VARIABLES)}")
        if self.variables and (len("".join(self.literals).strip()) < _LITERAL_LEAST or "" in self.literals[1:-1]):
            raise WordingError("variables need words around them, and between any two")

    @property
    def head(self) -> str:
        """What every text of this wording begins with."""
        return self.literals[0]

    def match(self, text: str) -> list[Span] | None:
        """Where the variables of a text of this wording stand, the first way that fits; None where it is none."""
        if not text.startswith(self.literals[0]):
            return None
        failed: set[tuple[int, int]] = set()
        spans: list[Span] = []
        return spans if self._rest(text, 0, len(self.literals[0]), spans, failed) else None

    def _rest(self, text: str, variable: int, start: int, spans: list[Span], failed: set[tuple[int, int]]) -> bool:
        if variable == len(self.variables):
            return start == len(text)
        if (variable, start) in failed:
            return False
        most, holds = VARIABLES[self.variables[variable]]
        literal = self.literals[variable + 1]
        for end in range(start + 1, min(len(text), start + most) + 1):
            if text.startswith(literal, end) and holds(text[start:end]):
                spans.append((start, end))
                if self._rest(text, variable + 1, end + len(literal), spans, failed):
                    return True
                spans.pop()
        failed.add((variable, start))
        return False
