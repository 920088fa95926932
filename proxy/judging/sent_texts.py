"""What was said last to each person from each number: so that a reply's quotation is not taken for the person's words.

Owns a bounded memory of texts that were permitted. Must never be written anywhere, logged or shown: bodies of messages
are not stored (J13), and what a restart forgets is read as replies are where nothing is known. Two generations, as in
`attribution.LatestMessages`: the oldest are forgotten.
"""

from typing import Final


class SentTexts:
    """(person, number) → text. `most` in each generation; 0 remembers nothing."""

    __slots__ = ("_most", "_new", "_old")

    def __init__(self, most: int = 0) -> None:
        self._most: Final = most
        self._new: dict[tuple[bytes, str], str] = {}
        self._old: dict[tuple[bytes, str], str] = {}

    def __len__(self) -> int:
        return len(self._new) + len(self._old)

    def keep(self, person: bytes, number: str, text: str) -> None:
        """A message was permitted."""
        if self._most:
            self._new[(person, number)] = text
            if len(self._new) >= self._most:
                self._old = self._new
                self._new = {}

    def find(self, person: bytes, number: str) -> str | None:
        """The latest text from that very number, extension included; None if none is known."""
        key = (person, number)
        found = self._new.get(key)
        return self._old.get(key) if found is None else found
