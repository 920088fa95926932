"""What a person wrote back, from reading to disk: closes at once, commits, and only then lets the carrier be answered.

Owns the order of these steps (Z16 Z19): the parser reads every plausible reading, the refusal is attributed and scoped,
the suppression binds in memory in the same loop turn, the store commits, the evidence is durable, the answer goes out.
Must never lift more than that person closed, and never answer a refusal that is not on disk.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Final, Protocol

from msgspec import Struct

from proxy.core.purposes import Channel
from proxy.core.records import Account
from proxy.core.refusal_scope import Scope, closed_bits
from proxy.core.snapshot import Snapshot
from proxy.evidence import records
from proxy.judging.attribution import attribute
from proxy.judging.journal import Heard, Journal
from proxy.judging.latest_messages import Answered, LatestMessages
from proxy.judging.sent_texts import SentTexts
from proxy.judging.uncertain import Review, binding
from proxy.language.instructions import offered_keyword
from proxy.optout_parser import Reading, Vocabulary, parse
from proxy.registry.doubts import Doubt
from proxy.registry.ports import Recorded, Refused, Released, StoreError
from proxy.rules.binding import strictest_for
from proxy.smpp.inbound import Reply
from proxy.smpp.reply_parts import KEPT_S, HeardParts

_WISHES_KEPT: Final = 10_000
#: Of nobody is it known who wrote last.
_NOT_KNOWN: Final = LatestMessages()

#: Called when a reply's effect is on disk (True) or could not be put there (False), and whether the state changed.
Done = Callable[[bool, bool], None]


class RefusalStore(Protocol):
    """The part of the store's owner that hearing needs (see `registry/ports.py`)."""

    def record(self, refusal: Refused) -> "Awaitable[Recorded]": ...

    def release_own(
        self, recipient: str, institutions: tuple[str, ...], at_us: int, *, channel: str, matched: str, number_to: str
    ) -> "Awaitable[Released]": ...


class HalfReplies(Protocol):
    """Where parts that were read alone outlive a restart (`store/half_replies.py`)."""

    def keep(self, name: str, octets: bytes) -> None: ...

    def found(self, name: str) -> list[tuple[float, bytes]]: ...


class Understood(Struct, frozen=True):
    """A reply that asks for something: what was read, who wrote it, and whom it is to.

    `channel` is where it came, `source` how (`reply`, inside a call `keypad` or `607`), `decision` the one it is about,
    0 where nobody knows. `doubt` is None where the reading is certain.
    """

    reading: Reading
    person: str
    number: str
    answered: tuple[Answered, ...]
    channel: Channel = "sms"
    source: str = "reply"
    decision: int = 0
    doubt: Doubt | None = None


class Wishes:
    """Wishes to receive again that were acted upon while the carrier still has them: it will send them once more.

    WHY: a START whose delivery was not acknowledged comes again, perhaps after a TD of the same person, which it must
    not undo. A refusal that comes again does no harm. Bounded; what is forgotten is oldest.
    """

    __slots__ = ("_names",)

    def __init__(self) -> None:
        self._names: dict[bytes, None] = {}

    def __len__(self) -> int:
        return len(self._names)

    def is_new(self, name: bytes) -> bool:
        """Whether a wish was not acted upon yet; it counts as acted upon from now on."""
        if name in self._names:
            return False
        if len(self._names) >= _WISHES_KEPT:
            del self._names[next(iter(self._names))]
        self._names[name] = None
        return True

    def acknowledged(self, name: bytes) -> None:
        """The carrier has its answer: the same octets are a new wish from now on."""
        self._names.pop(name, None)


class Hearing:
    """Takes replies of all binds. `tasks` keeps what is under way; `drain` waits for it.

    However long a disk hangs, no more is under way than the store's queue and the evidence log's outbox take: what is
    beyond them binds in memory and fails at once, which is told each time (`refusal.failed`).

    `log(event, **fields)` counts an event and writes a line without personal data.
    """

    def __init__(
        self,
        store: RefusalStore,
        journal: Journal,
        latest: LatestMessages,
        log: Callable[..., None],
        review: Review = Review(),  # noqa: B008 - WHY: frozen, and the same for all.
        halves: HalfReplies | None = None,
    ) -> None:
        self._halves = halves
        self._review = review
        self._store = store
        self._journal = journal
        self._log = log
        self.latest = latest
        self.sent = SentTexts(review.quoted_most)
        self.wishes = Wishes()
        self.tasks: set[asyncio.Task[None]] = set()

    def heard_parts(self, name: str) -> HeardParts:
        """The memory of parts of whoever has this name (an account, or a pool), what an earlier run kept among it."""
        halves = self._halves
        if halves is None:
            return HeardParts()
        parts, now = HeardParts(partial(halves.keep, name)), time.monotonic()
        for age_s, octets in halves.found(name):
            parts.take_up(octets, now + KEPT_S - age_s)
        return parts

    def understand(
        self, reply: Reply, account: Account, snapshot: Snapshot, vocabulary: Vocabulary
    ) -> Understood | None:
        """What a reply asks for, None where it asks for nothing that closes or opens. Pure but for counters."""
        self._journal.counters.counts["reply.received"] += 1
        read = self._read(reply, snapshot, vocabulary)
        if read is None:
            return None
        if reply.person is None:
            self._log("reply.unattributed", account=account.id)
            return None
        digest = snapshot.person_key.digest(reply.person)
        reading, doubt, former = read
        # WHY: a keyword that the latest message did not offer answers another one: nobody knows whose.
        latest = _NOT_KNOWN if former else self.latest
        answered = attribute(snapshot, latest, account, digest, reply.number)
        if reading.label == "optin" and reply.part is not None:
            # WHY: the words before it may have denied it, and opening too much errs against the person.
            self._log("reply.fragment", account=account.id)
            return None
        return Understood(reading, reply.person, reply.number or "", answered, doubt=doubt)

    def refuses(self, reply: Reply, snapshot: Snapshot, vocabulary: Vocabulary) -> bool:
        """Whether a reply is a refusal, whoever wrote it."""
        read = self._read(reply, snapshot, vocabulary)
        return read is not None and read[0].label == "optout"

    def _read(
        self, reply: Reply, snapshot: Snapshot, vocabulary: Vocabulary
    ) -> tuple[Reading, Doubt | None, bool] | None:
        """What a reply says, the doubt about it, and whether only a message before the latest made it a refusal."""
        # WHY of the whole family: extension digits may have been cut off, and the words were offered all the same.
        rows = snapshot.numbers.family(reply.number) if reply.number is not None else ()
        offered = tuple(dict.fromkeys(word for row in rows for word in row.refusal_keywords))
        answered = former = ""
        if reply.person is not None and reply.number is not None and len(self.sent):
            answered, former = self.sent.find(snapshot.person_key.digest(reply.person), reply.number)
        # WHY not there: what comes back to a number of binary messages is what applications answer.
        unread = "" if any(row.binary for row in rows) else reply.unread

        def heard(words: tuple[str, ...]) -> tuple[Reading, Doubt | None] | None:
            readings = [(text, parse(text, vocabulary, words, answered or None)) for text in reply.readings]
            return binding(readings, self._review, unread)

        found = heard(offered)
        if former and (found is None or found[0].label != "optout"):
            # WHY: who has two messages may answer either.
            before = offered_keyword(former)
            other = None if before is None else heard((*offered, before))
            if other is not None and other[0].label == "optout":
                return *other, True
        return None if found is None else (*found, False)

    def act(self, understood: Understood, snapshot: Snapshot, done: Done) -> None:
        """Binds at once and puts it on disk; `done` is called once, on the loop."""
        began = time.time()
        if understood.reading.label == "optout" or understood.doubt is not None:
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
                    answered.purposes,
                    scope,
                    understood.channel,
                    keeps=understood.reading.keeps,
                    collection_too=strictest_for(
                        snapshot, answered.institution, understood.person, began
                    ).collection_refusal_closes_channel,
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
                channel=understood.channel,
                label=understood.reading.label,
                matched=understood.reading.matched or "",
                number_to=understood.number,
                decision=f"{understood.decision:x}" if understood.decision else "",
                objects=tuple(one.institution for one in understood.answered if "collection" in one.purposes),
                doubt=understood.doubt,
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
        doubt = understood.doubt
        if doubt is not None:
            self._log("doubt.queued" if result.queued else "doubt.lost", binds=doubt.binds)
            if not doubt.binds:
                done(True, False)
                return
        durable = True
        # WHY one record for each set of bits: a record says of all its institutions that just these were closed.
        for bits in dict.fromkeys(each for _, each in closes):
            institutions = tuple(institution for institution, each in closes if each == bits)
            record = records.Suppression(
                id=self._journal.next_id(),
                at_us=int(began * 1e6),
                person=snapshot.person_key.digest(understood.person),
                key_id=snapshot.person_key.id_for(understood.person),
                institutions=institutions,
                closes=bits,
                channel=understood.channel,
                source=understood.source if doubt is None else "doubt",
                label=understood.reading.label,
                decision=understood.decision,
                latency_us=latency_us,
            )
            durable &= await self._durable(record, understood, institutions, bits, latency_us)
            self._log("suppression.recorded", institutions=",".join(institutions), latency_us=latency_us)
        # WHY no confirmation of a doubt: nobody is told that they refused before somebody has said that they did.
        done(durable, durable and bool(result.changed) and doubt is None)

    def _open(
        self, understood: Understood, snapshot: Snapshot, began: float, done: Done
    ) -> Coroutine[None, None, None]:
        # WHY none where several are possible: closing too much errs on the person's side, opening too much does not.
        several = len(understood.answered) != 1
        institutions = () if several else (understood.answered[0].institution,)
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
            key_id=snapshot.person_key.id_for(understood.person),
            institutions=result.lifted,
            opens=0,
            channel="sms",
            source="reply",
            label=understood.reading.label,
            suppression=0,
            approvers=(),
        )
        latency_us = int((time.time() - began) * 1e6)
        durable = await self._durable(record, understood, result.lifted, 0, latency_us)
        self._log("release.recorded", institutions=",".join(result.lifted), latency_us=latency_us)
        done(durable, False)

    async def _durable(
        self,
        record: records.Suppression | records.Release,
        understood: Understood,
        institutions: tuple[str, ...],
        bits: int,
        latency_us: int,
    ) -> bool:
        """Waits until the evidence is durable; False where it is not to be had."""
        reading = understood.reading
        heard = Heard(
            time.time(), understood.person, institutions, reading.label, reading.matched or "", bits, latency_us
        )
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def then(error: BaseException | None) -> None:
            if not written.done():
                written.set_result(error is None)

        if not self._journal.refused(record, heard, then):
            written.set_result(False)
        ok = await written
        if not ok:
            self._log("refusal.failed", reason="evidence")
        return ok

    async def drain(self) -> None:
        """Waits for everything under way."""
        while self.tasks:
            await asyncio.wait(self.tasks)
