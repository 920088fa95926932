"""What was said last to each person from each number: so that a reply's quotation is not taken for the person's words.

Owns a bounded memory of texts that were permitted. Must never be written anywhere, logged or shown: bodies of messages
are not stored (J13), and what a restart forgets is read as replies are where nothing is known. Two generations, as in
`attribution.LatestMessages`: the oldest are forgotten.
"""

from typing import Final


class SentTexts:
    """number → person → text. Each generation takes `most` messages; 0 remembers nothing."""

    __slots__ = ("_kept", "_most", "_new", "_old")

    def __init__(self, most: int = 0) -> None:
        self._most: Final = most
        # WHY not pairs as keys: a pair for each message would cost as much as half its text.
        self._new: dict[str, dict[bytes, str]] = {}
        self._old: dict[str, dict[bytes, str]] = {}
        self._kept = 0

    def __len__(self) -> int:
        return sum([len(texts) for these in (self._new, self._old) for texts in these.values()])

    def keep(self, person: bytes, number: str, text: str) -> None:
        """A message was permitted."""
        if self._most:
            texts = self._new.get(number)
            if texts is None:
                texts = self._new[number] = {}
            texts[person] = text
            self._kept += 1
            if self._kept >= self._most:
                self._old = self._new
                self._new = {}
                self._kept = 0

    def find(self, person: bytes, number: str) -> str | None:
        """The latest text from that very number, extension included; None if none is known."""
        for these in (self._new, self._old):
            texts = these.get(number)
            if texts is not None and person in texts:
                return texts[person]
        return None
