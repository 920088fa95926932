"""What a person wrote back, from reading to disk: closes at once, commits, and only then lets the carrier be answered.

Owns the order of these steps (Z16 Z19): the parser reads every plausible reading, the refusal is attributed and scoped,
the suppression binds in memory in the same loop turn, the store commits, the evidence is durable, the answer goes out.
Must never lift more than that person closed, and never answer a refusal that is not on disk.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Final, Protocol

from msgspec import Struct

from proxy.attribution import Answered, LatestMessages, attribute
from proxy.core.records import Account
from proxy.core.refusal_scope import Scope, closed_bits
from proxy.core.snapshot import Snapshot
from proxy.evidence import records
from proxy.journal import Heard, Journal
from proxy.optout_parser import Reading, Vocabulary, parse
from proxy.registry.ports import Recorded, Refused, Released, StoreError
from proxy.smpp.inbound import Reply

_WEIGHT: Final = {"optout": 3, "help": 2, "optin": 1, "none": 0}

#: Called when a reply's effect is on disk (True) or could not be put there (False), and whether the state changed.
Done = Callable[[bool, bool], None]


class RefusalStore(Protocol):
    """The part of the store's owner that hearing needs (see `registry/ports.py`)."""

    def record(self, refusal: Refused) -> "Awaitable[Recorded]": ...

    def release_own(
        self, recipient: str, institutions: tuple[str, ...], at_us: int, *, channel: str, matched: str, number_to: str
    ) -> "Awaitable[Released]": ...


class Understood(Struct, frozen=True):
    """A reply that asks for something: what was read, who wrote it, and whom it is to."""

    reading: Reading
    person: str
    number: str
    answered: tuple[Answered, ...]


class Hearing:
    """Takes replies of all binds. `tasks` keeps what is under way; `drain` waits for it.

    `log(event, **fields)` counts an event and writes a line without personal data.
    """

    def __init__(self, store: RefusalStore, journal: Journal, latest: LatestMessages, log: Callable[..., None]) -> None:
        self._store = store
        self._journal = journal
        self._log = log
        self.latest = latest
        self.tasks: set[asyncio.Task[None]] = set()

    def understand(
        self, reply: Reply, account: Account, snapshot: Snapshot, vocabulary: Vocabulary
    ) -> Understood | None:
        """What a reply asks for, None where it asks for nothing that closes or opens. Pure but for counters."""
        self._journal.counters.counts["reply.received"] += 1
        readings = [parse(text, vocabulary) for text in reply.readings]
        # WHY: of several plausible readings the one that refuses binds; a wish to receive must be the only one.
        best = max(readings, key=lambda one: _WEIGHT[one.label], default=None)
        if best is None or best.label not in ("optout", "optin"):
            return None
        if reply.person is None:
            self._log("reply.unattributed", account=account.id)
            return None
        digest = snapshot.person_key.digest(reply.person)
        answered = attribute(snapshot, self.latest, account, digest, reply.number)
        return Understood(best, reply.person, reply.number or "", answered)

    def act(self, understood: Understood, snapshot: Snapshot, done: Done) -> None:
        """Binds at once and puts it on disk; `done` is called once, on the loop."""
        began = time.time()
        if understood.reading.label == "optout":
            step = self._close(understood, snapshot, began, done)
        else:
            step = self._open(understood, snapshot, began, done)
        task = asyncio.get_running_loop().create_task(step)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _close(
        self, understood: Understood, snapshot: Snapshot, began: float, done: Done
    ) -> Coroutine[None, None, None]:
        scope: Scope = understood.reading.scope or "sms"
        closes = tuple(
            (
                answered.institution,
                closed_bits(
                    answered.purposes, scope, "sms", collection_too=snapshot.pack.collection_refusal_closes_channel
                ),
            )
            for answered in understood.answered
        )
        # INVARIANT: the store lays it over the snapshot's index before it returns the future: the next PDU is refused.
        recorded = self._store.record(
            Refused(
                at_us=int(began * 1e6),
                recipient=understood.person,
                closes=closes,
                channel="sms",
                label=understood.reading.label,
                matched=understood.reading.matched or "",
                number_to=understood.number,
            )
        )
        return self._closed(understood, snapshot, began, closes, recorded, done)

    async def _closed(
        self,
        understood: Understood,
        snapshot: Snapshot,
        began: float,
        closes: tuple[tuple[str, int], ...],
        recorded: Awaitable[Recorded],
        done: Done,
    ) -> None:
        try:
            result = await recorded
        except StoreError:
            self._log("refusal.failed", reason="store")
            done(False, False)
            return
        latency_us = int((time.time() - began) * 1e6)
        bits = 0
        for _, each in closes:
            bits |= each
        institutions = tuple(institution for institution, _ in closes)
        record = records.Suppression(
            id=self._journal.next_id(),
            at_us=int(began * 1e6),
            person=snapshot.person_key.digest(understood.person),
            key_id=snapshot.person_key.key_id,
            institutions=institutions,
            closes=bits,
            channel="sms",
            source="reply",
            label=understood.reading.label,
            decision=0,
            latency_us=latency_us,
        )
        await self._evidence(record, understood, institutions, bits, latency_us, bool(result.changed), done)
        self._log("suppression.recorded", institutions=",".join(institutions), latency_us=latency_us)

    def _open(
        self, understood: Understood, snapshot: Snapshot, began: float, done: Done
    ) -> Coroutine[None, None, None]:
        institutions = tuple(answered.institution for answered in understood.answered)
        released = self._store.release_own(
            understood.person,
            institutions,
            int(began * 1e6),
            channel="sms",
            matched=understood.reading.matched or "",
            number_to=understood.number,
        )
        return self._opened(understood, snapshot, began, released, done)

    async def _opened(
        self, understood: Understood, snapshot: Snapshot, began: float, released: Awaitable[Released], done: Done
    ) -> None:
        try:
            result = await released
        except StoreError:
            self._log("refusal.failed", reason="store")
            done(False, False)
            return
        if not result.lifted:
            done(True, False)
            return
        record = records.Release(
            id=self._journal.next_id(),
            at_us=int(began * 1e6),
            person=snapshot.person_key.digest(understood.person),
            key_id=snapshot.person_key.key_id,
            institutions=result.lifted,
            opens=0,
            channel="sms",
            source="reply",
            label=understood.reading.label,
            suppression=0,
            approvers=(),
        )
        latency_us = int((time.time() - began) * 1e6)
        await self._evidence(record, understood, result.lifted, 0, latency_us, False, done)
        self._log("release.recorded", institutions=",".join(result.lifted), latency_us=latency_us)

    async def _evidence(
        self,
        record: records.Suppression | records.Release,
        understood: Understood,
        institutions: tuple[str, ...],
        bits: int,
        latency_us: int,
        changed: bool,
        done: Done,
    ) -> None:
        """Waits until the evidence is durable, then lets the carrier be answered."""
        reading = understood.reading
        heard = Heard(
            time.time(), understood.person, institutions, reading.label, reading.matched or "", bits, latency_us
        )
        durable: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def then(error: BaseException | None) -> None:
            if not durable.done():
                durable.set_result(error is None)

        if not self._journal.refused(record, heard, then):
            durable.set_result(False)
        ok = await durable
        if not ok:
            self._log("refusal.failed", reason="evidence")
        done(ok, ok and changed)

    async def drain(self) -> None:
        """Waits for everything under way."""
        while self.tasks:
            await asyncio.wait(self.tasks)
