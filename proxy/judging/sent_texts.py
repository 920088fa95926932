"""What was said last to each person from each number: so that a reply's quotation is not taken for the person's words,
and a keyword that a message offered is known when it comes back.

Owns a bounded memory of texts that were permitted. Must never be written anywhere, logged or shown: bodies of messages
are not stored (J13), and what a restart forgets is read as replies are where nothing is known. Two generations, as in
`attribution.LatestMessages`: the oldest are forgotten.
"""

from typing import Final

from proxy.core.decision import Decision
from proxy.core.number_library import NumberLibrary
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot

#: What a person can refuse: only of such messages a reply's quotation matters.
_REFUSABLE: Final = ("marketing", "collection")
_NOTHING: Final = ("", "")
#: Extension digits can be invented without end.
_ROWS_KEPT: Final = 4_096


class SentTexts:
    """number → person → the latest text and another one before it.

    Each generation takes `most` messages; 0 remembers nothing.
    """

    __slots__ = ("_kept", "_library", "_most", "_new", "_old", "_rows")

    def __init__(self, most: int = 0) -> None:
        self._most: Final = most
        # WHY not pairs as keys, and no pair where nothing came before: either costs as much as half a text.
        self._new: dict[str, dict[bytes, str | tuple[str, str]]] = {}
        self._old: dict[str, dict[bytes, str | tuple[str, str]]] = {}
        self._kept = 0
        #: Number as it was sent from → as it is registered, where it is. INVARIANT: a memo of this library.
        self._rows: Final[dict[str, str]] = {}
        self._library: NumberLibrary | None = None

    def __len__(self) -> int:
        return sum([len(texts) for these in (self._new, self._old) for texts in these.values()])

    def permitted(self, request: Request, decision: Decision, snapshot: Snapshot) -> None:
        """A message was permitted."""
        number = request.sender
        if not self._most or number is None or not request.readings or decision.purpose not in _REFUSABLE:
            return
        text = request.readings[0]
        self.keep(decision.person, number, text)
        registered = self._registered(number, snapshot.numbers)
        if registered != number:
            # WHY: a carrier may cut the extension digits off a reply's address.
            self.keep(decision.person, registered, text)

    def _registered(self, number: str, library: NumberLibrary) -> str:
        """The registered number that this one extends; itself where it is registered, or nothing is."""
        if library is not self._library:
            self._library = library
            self._rows.clear()
        known = self._rows.get(number)
        if known is None:
            if len(self._rows) >= _ROWS_KEPT:
                self._rows.clear()
            rows = library.find(number)
            known = self._rows[number] = rows[0].address if rows else number
        return known

    def keep(self, person: bytes, number: str, text: str) -> None:
        """A message of this text was permitted."""
        texts = self._new.get(number)
        if texts is None:
            texts = self._new[number] = {}
        held = texts.get(person)
        if held is None and self._old:
            before = self._old.get(number)
            if before is not None:
                held = before.get(person)
        if held is None:
            texts[person] = text
        elif isinstance(held, str):
            texts[person] = text if held == text else (text, held)
        else:
            texts[person] = (text, held[1] if held[0] == text else held[0])
        self._kept += 1
        if self._kept >= self._most:
            self._old = self._new
            self._new = {}
            self._kept = 0

    def find(self, person: bytes, number: str) -> tuple[str, str]:
        """The latest text from that number or its extensions, and the other one before it; "" for what is unknown."""
        for these in (self._new, self._old):
            texts = these.get(number)
            held = None if texts is None else texts.get(person)
            if held is not None:
                return (held, "") if isinstance(held, str) else held
        return _NOTHING
