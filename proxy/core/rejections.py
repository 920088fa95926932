"""Wordings that somebody reviewed and rejected (Z5), and how a text is known for one of them.

Owns the comparison. A rejected wording stays rejected in any spelling: what is compared is the skeleton of a text, its
folded letters without what stands between them, every figure alike. A name or date of the wording stands for whatever
fits there. Pure; the time is bounded by the text and the number of rejected wordings.
"""

import re
from collections.abc import Callable
from typing import Final

_FIGURES: Final = re.compile("[0-9]+")
_VARIABLE: Final = re.compile(r"\{([^{}]*)\}")
#: Variables that are figures, in a skeleton.
_AS_FIGURES: Final = ("digits", "amount", "code")
#: What any other may hold at most, in characters of the skeleton.
_GAP_MOST: Final = 24


def skeleton_of(bare: str) -> str:
    """The skeleton of a text that was folded (`Reader.bare`)."""
    return _FIGURES.sub("0", "".join([char for char in bare if char.isalnum()]))


class RejectedWording:
    """One wording. `pieces` are the skeletons before, between and behind what varies beyond figures."""

    __slots__ = ("id", "pieces")

    def __init__(self, id: str, pieces: tuple[str, ...]) -> None:
        self.id: Final = id
        self.pieces: Final = pieces

    def fits(self, skeleton: str) -> bool:
        """Whether a text of this skeleton is of the wording."""
        first, last = self.pieces[0], self.pieces[-1]
        if len(self.pieces) == 1:
            return skeleton == first
        most = sum([len(piece) for piece in self.pieces]) + _GAP_MOST * (len(self.pieces) - 1)
        if not (skeleton.startswith(first) and skeleton.endswith(last) and len(skeleton) <= most):
            return False
        at, end = len(first), len(skeleton) - len(last)
        for piece in self.pieces[1:-1]:
            found = skeleton.find(piece, at, max(at, end))
            if found < 0:
                return False
            at = found + len(piece)
        return at <= end


class Rejections:
    """The rejected wordings of one institution."""

    __slots__ = ("_all", "_varied", "_whole")

    def __init__(self, wordings: tuple[RejectedWording, ...]) -> None:
        self._all: Final = wordings
        self._whole: Final = {one.pieces[0]: one.id for one in wordings if len(one.pieces) == 1}
        self._varied: Final = tuple([one for one in wordings if len(one.pieces) > 1])

    def of(self, skeleton: str) -> str:
        """The id of a rejected template that a text of this skeleton is of; empty where it is of none."""
        found = self._whole.get(skeleton)
        if found is not None:
            return found
        for one in self._varied:
            if one.fits(skeleton):
                return one.id
        return ""

    def may_be_of(self, head: str, tail: str) -> bool:
        """Whether any text that begins and ends with these skeletons could be of one; may say yes where none is."""
        for one in self._all:
            first, last = one.pieces[0], one.pieces[-1]
            if (first.startswith(head) or head.startswith(first)) and (last.endswith(tail) or tail.endswith(last)):
                return True
        return False


def rejected_wording(id: str, text: str, bare: Callable[[str], str]) -> RejectedWording | None:
    """What a rejected text is compared by; None for one without a letter or figure, which is nobody's wording."""
    parts = _VARIABLE.split(text)
    pieces = [parts[0]]
    for variable, literal in zip(parts[1::2], parts[2::2], strict=True):
        if variable in _AS_FIGURES:
            pieces[-1] += f"0{literal}"
        else:
            pieces.append(literal)
    skeletons = tuple([skeleton_of(bare(piece)) for piece in pieces])
    return RejectedWording(id, skeletons) if any(skeletons) else None
