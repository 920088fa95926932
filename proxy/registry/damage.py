"""What spreadsheets do to numbers on the way from a person to a file, and which of it can be undone.

Owns the telling of damage. Only what is undone without a guess is undone: digits and signs of full width have one
meaning. What lost digits (an exponent, a fraction, an error in the cell) is refused with the reason. Pure.
"""

import re
from typing import Final

_EXPONENT: Final = re.compile(r"[0-9.]+[eE][-+]?[0-9]+")
#: WHY at most two zeros: 400.000.1001 is how some write a hotline.
_FRACTION: Final = re.compile(r"\+?[0-9]+\.0{1,2}")
_CELL_ERROR: Final = re.compile(r"#{2,}|#(?:REF!|N/A|NAME\?|VALUE!|DIV/0!|NULL!|NUM!)")
#: Digits and the signs of telephone numbers in full width; letters stay, since a sender of letters is exact.
_NARROW: Final = str.maketrans("０１２３４５６７８９＋－（）．　", "0123456789+-(). ")


def narrowed(text: str) -> str:
    """The text with digits and signs of full width in their usual form."""
    return text if text.isascii() else text.translate(_NARROW)


def undamaged(text: str) -> str:
    """The text; raises ValueError where it is a spreadsheet's error instead of what somebody wrote."""
    if text.startswith("#") and _CELL_ERROR.fullmatch(text):
        raise ValueError("a spreadsheet's error stands here instead of a value")
    return text


def digits_of(text: str) -> str:
    """A telephone number as written, in usual width; raises ValueError where digits were lost."""
    found = narrowed(text)
    if _EXPONENT.fullmatch(found):
        raise ValueError("a spreadsheet wrote this number with an exponent; format the column as text")
    if _FRACTION.fullmatch(found):
        raise ValueError("a spreadsheet wrote this number with a fraction; format the column as text")
    return found
