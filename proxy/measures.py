"""What follows from records beside the wire: measures go into the evidence log, what ends soon is told.

Owns that every measure (who did what to a record, by a verb) is noted in the evidence at least once, also where it was
taken while no proxy ran: those that were not noted are noted at the next start. Must never hold a verb up.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from proxy.core.snapshot import Snapshot
from proxy.registry.dates import until_text
from proxy.registry.expiring import Ending, ending, looked_through
from proxy.registry.ports import Owner, StoreError
from proxy.telemetry.events import BY_NAME

_AT_ONCE: Final = 100
_DAY_S: Final = 86_400


class Notes(Protocol):
    """Where acts are noted: the journal."""

    def note(self, topic: str, actor: str, text: str) -> None: ...


class Measures:
    """Used on the loop only. `log` is told of each measure that has an event of its own."""

    def __init__(self, store: Owner, notes: Notes, log: Callable[..., None]) -> None:
        self._store = store
        self._notes = notes
        self._log = log
        self._noting = asyncio.Lock()

    async def note(self) -> None:
        """Notes what the evidence does not know yet. What fails is told, and tried again with the next change."""
        async with self._noting:
            try:
                while found := await self._store.measures(most=_AT_ONCE):
                    for one in found:
                        reason = f" ({one.reason})" if one.reason else ""
                        self._notes.note(one.verb, one.by, f"{one.target}{reason} [{one.id}]")
                        if one.verb in BY_NAME:
                            self._log(one.verb, target=one.target)
                    await self._store.noted(found[-1].id)
            except StoreError:
                self._log("measure.failed")


class Endings:
    """Tells once a day, and of each new record at once, what ends within `days`; 0 tells nothing."""

    def __init__(self, days: int, log: Callable[..., None]) -> None:
        self.days = days
        self._log = log
        self._told: dict[Ending, int] = {}
        #: What is looked through beside the wire, and what came into force meanwhile.
        self._looking = False
        self._next: Snapshot | None = None

    def look(self, snapshot: Snapshot, now: float) -> None:
        """Looks at a snapshot at a moment (UTC seconds)."""
        if not self.days:
            return
        self._tell(ending(snapshot, now, self.days), now)

    async def look_beside(self, snapshot: Snapshot, now: float) -> None:
        """The same in slices that leave the loop to the wire; of several snapshots at a time the newest counts."""
        self._next = snapshot
        if self._looking:
            return
        self._looking = True
        try:
            while self._next is not None and self.days:
                looked_at, self._next = self._next, None
                found: set[Ending] = set()
                for one in looked_through(looked_at, now, self.days):
                    if one is None:
                        await asyncio.sleep(0)
                    else:
                        found.add(one)
                self._tell(sorted(found, key=lambda one: (one.until, one.kind, one.name)), now)
        finally:
            self._looking = False

    def _tell(self, found: list[Ending], now: float) -> None:
        today = int(now // _DAY_S)
        for one in found:
            if self._told.get(one) != today:
                self._log("registry.expiring", kind=one.kind, name=one.name, until=until_text(one.until))
        self._told = dict.fromkeys(found, today)
