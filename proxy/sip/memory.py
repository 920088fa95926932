"""A bounded memory of what was read of octets that come again: the lines of a call's messages, for the most part.

Must never hold anything but what the octets alone say, nor more than `2 * most` of them. How it works: two
dicts; where the young one is full it becomes the old one, and what is asked for again moves back into the young one.
"""

from typing import Final, Generic, TypeVar

T = TypeVar("T")

#: Longer ones are read each time, so that nobody can fill the memory with few messages.
LONGEST: Final = 256


class Memory(Generic[T]):
    """What was read, by the octets that it was read of."""

    __slots__ = ("_most", "_old", "_young")

    def __init__(self, most: int) -> None:
        self._most: Final = most
        self._young: dict[bytes, T] = {}
        self._old: dict[bytes, T] = {}

    def get(self, octets: bytes) -> T | None:
        """What was kept of these octets, None where nothing is."""
        found = self._young.get(octets)
        if found is None:
            found = self._old.get(octets)
            if found is not None:
                self.keep(octets, found)
        return found

    def keep(self, octets: bytes, read: T) -> None:
        """Keep it, where the octets are few."""
        if len(octets) > LONGEST:
            return
        young = self._young
        if len(young) >= self._most:
            self._old = young
            young = {}
            self._young = young
        young[octets] = read
