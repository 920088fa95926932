"""The publisher's side: what changed since the last document, as the next one (J16).

Owns the numbering. Must never give a number twice, nor publish what changes nothing. A document that was written is
published: after a kill the next run begins with what stands in the folder, not with what it meant to write.
"""

from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proxy.lists.digest import ListDigest
from proxy.lists.document import FORMAT, Heading, Kind, ListDocument, write_document
from proxy.lists.entry import ListEntry


class Publication:
    """One list of one issuer at its newest number. `snapshot_every` deltas there is a whole list."""

    def __init__(self, issuer: str, key: Ed25519PrivateKey, snapshot_every: int = 100) -> None:
        self.issuer: Final = issuer
        self._key: Final = key
        self._every: Final = snapshot_every
        self._digest: Final = ListDigest()
        self.number = 0
        self.snapshot = 0
        self.made_at = 0

    @property
    def digest(self) -> str:
        """The hash of the list as published."""
        return self._digest.value()

    def __len__(self) -> int:
        return len(self._digest)

    def resume(self, documents: Iterable[ListDocument]) -> None:
        """Take up where the folder's documents end: a snapshot and what came after; raises ValueError on a gap."""
        for document in documents:
            heading = document.heading
            if heading.kind == "delta" and heading.number != self.number + 1:
                raise ValueError(f"document {self.number + 1} is missing")
            self._digest.change(document.put, document.removed)
            if self._digest.value() != heading.digest:
                raise ValueError(f"document {heading.number} does not lead to the list that it names")
            self.number, self.made_at = heading.number, heading.made_at
            if heading.kind == "snapshot":
                self.snapshot = heading.number

    def publish(self, rows: Iterable[ListEntry], now: int) -> list[tuple[Kind, int, bytes]]:
        """The documents that bring the list to `rows`, in order; none where nothing changed. `now` is UTC seconds.

        The first is a whole list; each later one is a delta, and a whole list beside it every so often.
        """
        wanted = {entry.key(): entry for entry in rows}
        put = [entry for key, entry in wanted.items() if not self._digest.holds(key, entry.octets())]
        removed = [key for key in self._digest if key not in wanted]
        if not put and not removed and self.number:
            return []
        before = self._digest.value()
        self._digest.change(put, removed)
        self.number += 1
        self.made_at = now
        found: list[tuple[Kind, int, bytes]] = []
        if self.number > 1:
            put.sort(key=ListEntry.key)
            octets = write_document(self._heading("delta", before), self._key, put, sorted(removed))
            found.append(("delta", self.number, octets))
        if self.number == 1 or self.number - self.snapshot >= self._every:
            self.snapshot = self.number
            whole = sorted(wanted.values(), key=ListEntry.key)
            found.append(("snapshot", self.number, write_document(self._heading("snapshot"), self._key, whole)))
        return found

    def head(self) -> bytes:
        """The document that tells which is the newest."""
        return write_document(self._heading("head"), self._key)

    def _heading(self, kind: Kind, before: str = "") -> Heading:
        return Heading(
            format=FORMAT,
            issuer=self.issuer,
            kind=kind,
            number=self.number,
            digest=self._digest.value(),
            rows=len(self._digest),
            made_at=self.made_at,
            key="",
            before=before,
            snapshot=self.snapshot,
        )
