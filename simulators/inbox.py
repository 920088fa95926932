"""What an ESME has received: replies and receipts, to be awaited by count or gone through as they come.

Owns the record. Must never answer: the link does.
"""

from collections.abc import AsyncIterator, Callable
from typing import Literal

from simulators.deliveries import Delivery
from simulators.watch import Watch

Kind = Literal["reply", "receipt"]


class Inbox:
    """Deliveries of one bind."""

    def __init__(self, watch: Watch, closed: Callable[[], bool]) -> None:
        self.all: list[Delivery] = []
        self._kinds: dict[Kind, list[Delivery]] = {"reply": [], "receipt": []}
        self._read: dict[Kind, int] = {"reply": 0, "receipt": 0}
        self._watch, self._closed = watch, closed

    def put(self, delivery: Delivery) -> None:
        """Take one."""
        self.all.append(delivery)
        self._kinds["receipt" if delivery.is_receipt else "reply"].append(delivery)
        self._watch.tell()

    def count(self, kind: Kind) -> int:
        """Count what has come of a kind."""
        return len(self._kinds[kind])

    async def wait(self, kind: Kind, count: int, limit_s: float | None) -> list[Delivery]:
        """Return all of a kind as soon as there are `count`; TimeoutError."""
        found = self._kinds[kind]
        await self._watch.until(lambda: len(found) >= count, limit_s)
        return list(found)

    async def each(self, kind: Kind) -> AsyncIterator[Delivery]:
        """Give those of a kind that nobody has read, one after the other, until the connection ends."""
        found = self._kinds[kind]
        while True:
            if self._read[kind] < len(found):
                self._read[kind] += 1
                yield found[self._read[kind] - 1]
            elif self._closed():
                return
            else:
                await self._watch.until(lambda: len(found) > self._read[kind] or self._closed(), None)
