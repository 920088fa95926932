"""Carries out the steps of a followed list: what is to be taken in goes to the store, the rest back to the way (J16).

Must never tell the issuer that something is held before the store has it on disk.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from proxy.lists.document import ListDocument
from proxy.lists.following import Acknowledge, Ask, Following, Rejected, Step, TakeIn

Log = Callable[..., None]
#: For how long nothing is tried after the store refused a document.
_PAUSE_S: Final = 2.0


class NotTakenError(Exception):
    """The store could not take a document in; the text is the reason."""


class Follower:
    """One followed list. `take_in` puts a document into the store, or raises NotTakenError."""

    def __init__(self, following: Following, take_in: Callable[[ListDocument], Awaitable[None]], log: Log) -> None:
        self.following: Final = following
        self._take_in: Final = take_in
        self._log: Final = log

    async def receive(self, octets: bytes) -> list[Ask | Acknowledge]:
        """A document has come: what the issuer is to be asked and told."""
        return await self._carry_out(self.following.receive(octets))

    async def reconnected(self) -> list[Ask | Acknowledge]:
        """The way is new, or nothing came for long."""
        return await self._carry_out(self.following.reconnected())

    async def _carry_out(self, steps: list[Step]) -> list[Ask | Acknowledge]:
        back: list[Ask | Acknowledge] = []
        issuer = self.following.issuer
        while steps:
            step = steps.pop(0)
            if isinstance(step, TakeIn):
                heading = step.document.heading
                try:
                    await self._take_in(step.document)
                except NotTakenError as error:
                    self._log("list.failed", error=error, issuer=issuer, document=heading.number)
                    steps += self.following.failed()
                    await asyncio.sleep(_PAUSE_S)
                    continue
                self._log("list.taken_in", issuer=issuer, document=heading.number, kind=heading.kind, rows=heading.rows)
                steps += self.following.taken()
            elif isinstance(step, Rejected):
                self._log("list.rejected", issuer=issuer, reason=step.reason)
            else:
                back.append(step)
        return back
