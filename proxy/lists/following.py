"""The follower's side: which document is the next one, and what to do about all others (J16).

Owns what is believed. Sans-IO: octets in, steps out. Must never take in a document whose signature does not fit, one
that does not continue the list that is held, or one that does not lead to the list that it names; a gap is asked for,
never jumped. How it works: one step to take in is out at a time; `taken` or `failed` is called when the store has
answered, and only then the next one comes.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from proxy.lists.digest import ListDigest
from proxy.lists.document import DocumentFault, Heading, ListDocument, read_heading, read_rows
from proxy.lists.entry import ListEntry

#: Documents that came too early and wait for those before them, and their octets.
_EARLY_MOST: Final = 1000
_EARLY_MOST_OCTETS: Final = 64 << 20


class TakeIn(Struct, frozen=True):
    """Put this document into the store, in one transaction, and call `taken` or `failed`."""

    document: ListDocument


class Ask(Struct, frozen=True):
    """Ask the issuer for all documents from this number on; 0 for the whole list."""

    first: int


class Acknowledge(Struct, frozen=True):
    """Tell the issuer up to where the list is held, and its hash."""

    number: int
    digest: str


class Rejected(Struct, frozen=True):
    """A document that must not be believed, or a list that is not the issuer's: to be counted and logged."""

    reason: str


Step = TakeIn | Ask | Acknowledge | Rejected


class Following:
    """One list of one issuer as it is held here: `number` and `digest` of what the store has."""

    def __init__(self, issuer: str, keys: Mapping[str, Ed25519PublicKey]) -> None:
        self.issuer: Final = issuer
        self._keys: Final = keys
        self._digest = ListDigest()
        self.number = 0
        #: The hash of the list at `number`: of what the store has, also while the next document is out.
        self.digest = self._digest.value()
        #: The newest number that the issuer is known to have given.
        self.newest = 0
        #: The newest whole list that it is known to have.
        self.snapshot = 0
        self._early: dict[int, tuple[Heading, bytes]] = {}
        self._taking: ListDocument | None = None
        self._next: ListDigest | None = None
        self._undo: dict[bytes, bytes | None] | None = None
        self._asked = -1

    @property
    def behind(self) -> int:
        """How many documents are missing."""
        return max(self.newest - self.number, 0)

    def resume(self, number: int, rows: Iterable[ListEntry]) -> None:
        """What the store holds, at the start."""
        self.number = self.newest = number
        self._digest.change(rows, ())
        self.digest = self._digest.value()

    def receive(self, octets: bytes) -> list[Step]:
        """A document has come, from wherever. Never raises."""
        try:
            heading, body = read_heading(octets, self.issuer, self._keys)
        except DocumentFault as fault:
            return [Rejected(str(fault))]
        self.newest = max(self.newest, heading.number)
        self.snapshot = max(self.snapshot, heading.snapshot)
        if heading.kind == "head":
            return self._missing() if heading.number > self.number else self._again(heading)
        if heading.number <= self.number:
            return self._again(heading)
        if heading.kind == "delta" and heading.number > self.number + 1:
            self._keep(heading, body)
            return self._missing()
        if self._taking is not None:
            self._keep(heading, body)
            return []
        return self._take(heading, body)

    def taken(self) -> list[Step]:
        """The store has the document that was out."""
        document, self._taking = self._taking, None
        assert document is not None
        if self._next is not None:
            self._digest = self._next
        self._next = self._undo = None
        self.number, self.digest = document.heading.number, document.heading.digest
        self._asked = -1
        steps: list[Step] = [Acknowledge(self.number, document.heading.digest)]
        return steps + self._waiting()

    def failed(self) -> list[Step]:
        """The store could not take it in: what is held stays, and it is asked for again when something comes."""
        self._taking = self._next = None
        if self._undo is not None:
            self._digest.undo(self._undo)
        self._undo = None
        self._asked = -1
        return []

    def reconnected(self) -> list[Step]:
        """The way to the issuer is new: what was asked for may never come."""
        self._asked = -1
        return [Acknowledge(self.number, self.digest), *(self._missing() if self.behind else [])]

    # What follows from a document

    def _again(self, heading: Heading) -> list[Step]:
        """Something that is held already. The same number with another list is not the issuer's list any more."""
        if heading.number == self.number and heading.kind != "delta" and heading.digest != self.digest:
            return [Rejected(f"number {heading.number} names another list than the one that is held")]
        return [Acknowledge(self.number, self.digest)]

    def _missing(self) -> list[Step]:
        first = self.number + 1 if self.number else 0
        # WHY once: each further document behind the gap would ask for the same again.
        if self._taking is not None or self._asked == first:
            return []
        self._asked = first
        return [Ask(first)]

    def _keep(self, heading: Heading, body: bytes) -> None:
        held = sum(len(each) for _, each in self._early.values())
        if len(self._early) < _EARLY_MOST and held + len(body) <= _EARLY_MOST_OCTETS:
            known = self._early.get(heading.number)
            # WHY the whole list wins: it can be taken in whatever is missing before it.
            if known is None or known[0].kind == "delta":
                self._early[heading.number] = (heading, body)

    def _take(self, heading: Heading, body: bytes) -> list[Step]:
        if heading.kind == "delta" and heading.before != self.digest:
            return [Rejected(f"document {heading.number} continues another list"), *self._whole()]
        try:
            put, removed = read_rows(heading, body)
        except DocumentFault as fault:
            return [Rejected(str(fault))]
        if heading.kind == "snapshot":
            self._next = ListDigest()
            self._next.change(put, ())
            value = self._next.value()
        else:
            self._undo = self._digest.change(put, removed)
            value = self._digest.value()
        if value != heading.digest:
            self.failed()
            return [Rejected(f"document {heading.number} does not lead to the list that it names"), *self._whole()]
        self._taking = ListDocument(heading, put, removed)
        return [TakeIn(self._taking)]

    def _whole(self) -> list[Step]:
        if self._asked == 0:
            return []
        self._asked = 0
        return [Ask(0)]

    def _waiting(self) -> list[Step]:
        """The next of those that came too early."""
        self._early = {number: each for number, each in self._early.items() if number > self.number}
        whole = [number for number, (heading, _) in self._early.items() if heading.kind == "snapshot"]
        number = self.number + 1 if self.number + 1 in self._early else max(whole, default=0)
        if number:
            return self._take(*self._early.pop(number))
        return self._missing() if self.behind else []
