"""The counting of contacts in a running process: memory, book and log together, and what has to be done now and then.

Owns their lifetime. Must never let a failing disk open a cap: while contacts cannot be kept, what is capped is
deferred.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from proxy.core.bound import Shelf
from proxy.core.contacts import Contacts
from proxy.core.pack import Cap, Pack
from proxy.core.persons import PersonKey
from proxy.core.snapshot import Snapshot
from proxy.judging.contact_book import ContactBook
from proxy.settings import Settings
from proxy.store.contact_log import ContactLog, sync

_TICK_S: Final = 1.0


def caps_of(pack: Pack, shelf: Shelf) -> list[Cap]:
    """The caps of all packs, whether they bind now or not: what counts when one comes into force is counted before."""
    return [cap for one in (pack, *shelf.packs) for cap in one.caps]


class Counting:
    """Counts for these packs; what stands on disk is counted before this returns. Raises OSError.

    `failed` is told once whenever contacts cannot be kept any more.
    """

    def __init__(
        self,
        settings: Settings,
        key: PersonKey,
        pack: Pack,
        shelf: Shelf,
        now: float,
        failed: Callable[[OSError], None],
    ) -> None:
        self._contacts = Contacts(caps_of(pack, shelf), settings.policy.contacts_most)
        self._log = ContactLog.open(settings.path(settings.policy.contacts), key.ids, self._contacts, now)
        self._key = key
        self._failed = failed
        self._told = False
        self.book: Final = ContactBook(self._contacts, key, self._log.append)

    def dress(self, snapshot: Snapshot, shelf: Shelf) -> Snapshot:
        """The first snapshot, with these contacts; later ones take them over."""
        return replace(snapshot, shelf=shelf, contacts=self._contacts)

    def use(self, pack: Pack, shelf: Shelf) -> None:
        """Other packs: what they count is counted from now on."""
        self._contacts.use(caps_of(pack, shelf))

    def keys_changed(self) -> None:
        """Other keys of persons live."""
        try:
            self._log.use(self._key.ids)
        except OSError as error:
            self._tell(error)

    def horizon_of(self) -> int:
        """How long a contact counts at most, in seconds."""
        return self._contacts.horizon_s

    async def run(self) -> None:
        """Brings contacts to the disk every second, and drops what no window holds any more."""
        while True:
            await asyncio.sleep(_TICK_S)
            now = time.time()
            self._contacts.sweep(now)
            try:
                whole = self._log.retry(now)
                await asyncio.to_thread(sync, self._log.to_sync())
            except OSError as error:
                self._tell(error)
            else:
                if whole:
                    self._told = False
                else:
                    self._tell(OSError("no room for a segment of contacts"))

    def _tell(self, error: OSError) -> None:
        if not self._told:
            self._told = True
            self._failed(error)

    def close(self) -> None:
        """Brings everything to the disk."""
        self._log.close()
