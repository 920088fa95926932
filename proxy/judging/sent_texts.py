"""What was said last to each person from each number: so that a reply's quotation is not taken for the person's words,
and a keyword that a message offered is known when it comes back.

Owns a bounded memory of texts that were permitted. Must never be written anywhere, logged or shown: bodies of messages
are not stored (J13), and what a restart forgets is read as replies are where nothing is known. Two generations, as in
`attribution.LatestMessages`: the oldest are forgotten.
"""

from typing import Final

from proxy.core.decision import Decision
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot

#: What a person can refuse: only of such messages a reply's quotation matters.
_REFUSABLE: Final = ("marketing", "collection")
_NOTHING: Final = ("", "")


class SentTexts:
    """(person, number) → the latest text and another one before it. `most` in each generation; 0 remembers nothing."""

    __slots__ = ("_most", "_new", "_old")

    def __init__(self, most: int = 0) -> None:
        self._most: Final = most
        self._new: dict[tuple[bytes, str], tuple[str, str]] = {}
        self._old: dict[tuple[bytes, str], tuple[str, str]] = {}

    def __len__(self) -> int:
        return len(self._new) + len(self._old)

    def permitted(self, request: Request, decision: Decision, snapshot: Snapshot) -> None:
        """A message was permitted."""
        number = request.sender
        if not self._most or number is None or not request.readings or decision.purpose not in _REFUSABLE:
            return
        text = request.readings[0]
        self.keep(decision.person, number, text)
        rows = snapshot.numbers.find(number)
        if rows and rows[0].address != number:
            # WHY: a carrier may cut the extension digits off a reply's address.
            self.keep(decision.person, rows[0].address, text)

    def keep(self, person: bytes, number: str, text: str) -> None:
        """A message of this text was permitted."""
        key = (person, number)
        held = self._new.get(key) or self._old.get(key)
        former = ""
        if held is not None:
            former = held[1] if held[0] == text else held[0]
        self._new[key] = (text, former)
        if len(self._new) >= self._most:
            self._old = self._new
            self._new = {}

    def find(self, person: bytes, number: str) -> tuple[str, str]:
        """The latest text from that number or its extensions, and the other one before it; "" for what is unknown."""
        key = (person, number)
        return self._new.get(key) or self._old.get(key) or _NOTHING
