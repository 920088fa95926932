"""Shares of a room that is bounded: nobody fills it alone.

Owns how much of it one holder has. Must never know what is free: whoever owns the room tells. How it works: who has
three times what is free gets no more. So one who takes all that he gets leaves a quarter to others, two leave a
seventh, and while there is room enough nobody meets a limit of his own.
"""

from typing import Final

_TIMES_FREE: Final = 3


class Share:
    """What one holder has of a room; whoever gives him a place counts it in `held`, and out again."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held = 0

    def is_spent(self, free: int) -> bool:
        """Whether he gets no more while so many places are free; always where none is."""
        return self.held >= _TIMES_FREE * free


class Shares:
    """Those of all holders, by name: trunks and carriers of the configuration, so they are few and stay."""

    __slots__ = ("_by_name",)

    def __init__(self) -> None:
        self._by_name: dict[str, Share] = {}

    def of(self, name: str) -> Share:
        """That of one holder."""
        share = self._by_name.get(name)
        if share is None:
            share = self._by_name[name] = Share()
        return share
