"""Small numbers for the names that recur in records: accounts, routes, states.

Owns the numbering, from 1; 0 is the empty name. Must never give a number to a second name.
"""

from typing import Final


class Names:
    """Names by number (`names`) and numbers by name."""

    __slots__ = ("_most", "names", "numbers")

    def __init__(self, most: int) -> None:
        self.names: Final[list[str]] = [""]
        self.numbers: Final[dict[str, int]] = {}
        self._most: Final = most

    def enter(self, name: str) -> int:
        """Gives a new name its number; raises ValueError for an empty one, and where there are too many."""
        if not name or len(self.names) > self._most:
            raise ValueError("a name is empty, or there are too many of its kind")
        number = len(self.names)
        self.names.append(name)
        self.numbers[name] = number
        return number
