"""Publishes one's own list whenever the registry has changed (J16).

Owns the order: a document is on disk before anybody is told of it. Reads the registry beside its owner, and never
writes to it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proxy.list_settings import Lists
from proxy.lists.document import Kind, key_id_of, read_document
from proxy.lists.entry import ListEntry
from proxy.lists.folder import HEAD, ListFolder, name_of
from proxy.lists.following import Acknowledge
from proxy.lists.publication import Publication

Log = Callable[..., None]


class Publisher:
    """One issuer's list in its folder. `rows` reads the list as it should be; `revision` tells when to look."""

    def __init__(
        self,
        settings: Lists,
        folder: ListFolder,
        key: Ed25519PrivateKey,
        revision: Callable[[], Awaitable[int]],
        rows: Callable[[float], Awaitable[list[ListEntry]]],
        log: Log,
        clock: Callable[[], float],
    ) -> None:
        """Takes up where the folder ends; raises ValueError, DocumentFault or OSError where it is not whole."""
        self.folder: Final = folder
        self.publication: Final = Publication(settings.issuer, key, settings.snapshot_every)
        self._keep: Final = settings.deltas_most
        self._revision: Final = revision
        self._rows: Final = rows
        self._log: Final = log
        self._clock: Final = clock
        self._seen = (-1, -1)
        self._published: Final = asyncio.Condition()
        keys = {key_id_of(key.public_key()): key.public_key()}
        self.publication.resume(read_document(each, settings.issuer, keys) for _, each in folder.since(0))

    async def look(self) -> list[tuple[Kind, int, bytes]]:
        """The documents of what has changed since the last look, on disk already; none where nothing did."""
        now = self._clock()
        # WHY the minute too: a period that is over takes a number out of the list, and changes no record.
        seen = (await self._revision(), int(now // 60))
        if seen == self._seen:
            return []
        made = self.publication.publish(await self._rows(now), int(now))
        for kind, number, octets in made:
            self.folder.write(name_of(kind, number), octets)
            self._log("list.published", kind=kind, document=number, rows=len(self.publication), octets=len(octets))
        if made or self.folder.read(HEAD) is None:
            self.folder.write(HEAD, self.publication.head())
        if any(kind == "snapshot" for kind, _, _ in made):
            self.folder.forget(self._keep)
        self._seen = seen
        async with self._published:
            self._published.notify_all()
        return made

    async def newer_than(self, number: int) -> None:
        """Wait for a document beyond this number."""
        async with self._published:
            await self._published.wait_for(lambda: self.publication.number > number)

    def acknowledged(self, recipient: str, said: Acknowledge) -> None:
        """A recipient tells what it holds. Another list under our number is told loudly: it refuses other numbers."""
        self.folder.acknowledge(recipient, said, int(self._clock()))
        same = said.number != self.publication.number or said.digest == self.publication.digest
        self._log("list.acknowledged" if same else "list.differs", follower=recipient, document=said.number)
