"""What may be written shorter on a command line. Imports nothing, since every command passes through here."""

from collections.abc import Sequence
from string import hexdigits
from typing import Final

_ID_DIGITS: Final = 16


def in_full(words: Sequence[str]) -> Sequence[str]:
    """`explain ID` is `explain decision ID`: no kind of question is written in hex digits."""
    if len(words) > 1 and words[0] == "explain" and _is_id(words[1].removeprefix("0x")):
        return [words[0], "decision", *words[1:]]
    return words


def _is_id(digits: str) -> bool:
    return len(digits) <= _ID_DIGITS and set(digits) <= set(hexdigits)
