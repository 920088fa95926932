"""Long messages of one account whose sender waited for answers: kept on disk, answered for, forwarded once. Sans-IO.

Owns a message from the moment its sender stalls to its last receipt. Must never answer a part that is not on disk,
forward anything without a permit of that moment, or send a part twice: what may have gone out without an answer is
told as UNKNOWN. How it works: each part is answered, under an id of tdgate's own, when its record is durable. A whole
message is judged, a mark says on disk which parts go out, then they go. What the carrier refuses for a while is judged
and tried again; what it refuses for good, and what the policy refuses, becomes a receipt where one was asked for.
"""

from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from msgspec import Struct

from proxy.core.decision import Permit, Refusal
from proxy.smpp import consts
from proxy.smpp.concat import Claim, Holder, Key, Part, PartSet
from proxy.smpp.gate import ACCEPTED, REJECTED, UNKNOWN
from proxy.smpp.own_receipt import asks_for_failure, own_receipt
from proxy.smpp.pdu import Pdu
from proxy.smpp.short_message import read_sm
from proxy.smpp.stalled_message import (
    BUSY,
    ENDING,
    GATHERING,
    GOING,
    OVER,
    READY,
    Kept,
    KeptMessage,
    kept_answer,
    kept_name,
)
from proxy.smpp.stalled_records import MarkRecord, PartRecord, encode_record

PARTIAL: Final = "message.partial"
AMBIGUOUS: Final = "pdu.ambiguous"
NO_ROOM: Final = "throughput.account"
NO_DISK: Final = "internal.store"
NO_WAY: Final = "internal.upstream"
WITHDRAWN: Final = "suppression.active"

#: Answers of a carrier that ask for the same message later (SMPP v3.4 §5.1.3): system error, message queue full,
#: throttled, and a delivery failure that it calls temporary (§5.1.3 ESME_RX_T_APPN; v5 names the same code).
TEMPORARY: Final = frozenset((consts.ESME_RSYSERR, consts.ESME_RMSGQFUL, consts.ESME_RTHROTTLED, consts.ESME_RX_T_APPN))
#: Messages of one account that are at the carrier, or on their way there, at a time.
_GOING_MOST: Final = 32
#: How long a mark outlives the records of its message. WHY: without it, a kill could bring back parts that went out.
_MARK_OUTLIVES_S: Final = 5.0
_LOOK_S: Final = 1.0


class StalledLimits(Struct, frozen=True):
    """Bounds for one account, and times in seconds.

    `deadline_s`: until then all parts are there, or none is forwarded; as long a message is known after its end.
    `age_s`: so long a whole message is tried. `retry_first_s`, `retry_most_s`: the pauses between tries.
    """

    parts: int = 10_000
    octets: int = 8 << 20
    deadline_s: float = 120.0
    age_s: float = 3600.0
    retry_first_s: float = 1.0
    retry_most_s: float = 60.0


class StalledStore(Protocol):
    """Where records and receipts are kept. Each `put` calls back once, unless it gives False: no room."""

    def put(self, record: bytes, then: Callable[[bool], None]) -> bool:
        """Keeps a record; `then` is told whether it is durable."""
        ...

    def drop(self, record: bytes) -> None:
        """Forgets a durable record, a little later."""
        ...

    def deliver(self, receipt: bytes, then: Callable[[bool], None]) -> bool:
        """Keeps a receipt for the ESME, whenever it comes."""
        ...


class StalledJudge(Protocol):
    """A gate of the account, bound to no connection."""

    def part_of(self, pdu: Pdu) -> Part | None:
        """A part as it reads now; None where it is none any more."""
        ...

    def judge_parts(
        self, parts: tuple[Part, ...], rule: str, detail: str, refused: Callable[[Refusal], None]
    ) -> tuple[Permit, ...]:
        """As `long_messages.PartsJudge`."""
        ...

    def refused_whole(self, parts: tuple[Part, ...]) -> Refusal | None:
        """Why a message that was just permitted would be refused now, if so; records nothing."""
        ...

    def status(self, refusal: Refusal) -> int: ...

    def status_of(self, rule: str) -> int: ...

    def outcome(self, decision_id: int, result: str, status: int, message_id: bytes) -> None: ...

    def note(self, event: str) -> None: ...


class StalledWay(Protocol):
    """The way to the carrier. What becomes of each part is told to `StalledMessages`, each once."""

    def is_open(self) -> bool:
        """Whether a message could be sent now."""
        ...

    def send(self, going: list[tuple[int, Part, Permit]]) -> bool:
        """Sends parts, each under its id; False where nothing of it was taken."""
        ...

    def took(self, id_: int) -> bool:
        """Whether the carrier is known to have taken the part with this id."""
        ...


class StalledMessages:
    """All such messages of one account. `clock` gives UTC seconds, `next_id` an id that was never used before."""

    def __init__(
        self,
        store: StalledStore,
        judge: StalledJudge,
        way: StalledWay,
        limits: StalledLimits,
        *,
        clock: Callable[[], float],
        next_id: Callable[[], int],
    ) -> None:
        self._store = store
        self._judge = judge
        self._way = way
        self._limits = limits
        self._clock = clock
        self._next_id = next_id
        self._gathering: dict[Key, KeptMessage] = {}
        #: The latest message of a key that is whole; it is found by what is sent once more.
        self._whole: dict[Key, KeptMessage] = {}
        self._by_id: dict[int, tuple[KeptMessage, Kept]] = {}
        self._ready: dict[int, KeptMessage] = {}
        #: Those of which a part has no answer yet.
        self._at_carrier: dict[int, KeptMessage] = {}
        self._over: deque[KeptMessage] = deque()
        self._marks: deque[tuple[float, bytes]] = deque()
        self._unreported: deque[tuple[KeptMessage, bytes]] = deque()
        self._going = 0
        self._look_at = 0.0
        self.parts = 0
        self.octets = 0
        #: How permitted tries ended (see `judging/tallies.py`).
        self.accepted = self.rejected = self.unknown = 0
        self.receipts = 0

    @property
    def open_messages(self) -> int:
        """Permitted tries whose end is not known."""
        return self._going

    # ---- parts that come -------------------------------------------------------------------------------------------

    def has_room(self, parts: PartSet) -> bool:
        """Whether a set could be kept."""
        limits = self._limits
        return self.octets + parts.size <= limits.octets and self.parts + len(parts.slots) <= limits.parts

    def adopt(self, parts: PartSet) -> None:
        """Takes over a set whose sender stalls; `has_room` was asked."""
        message = self._begin(parts.key, parts.total)
        for slot in parts.slots.values():
            self._keep(message, slot.part, slot.claims)

    def take(self, part: Part, holder: Holder) -> bool:
        """Takes a part of a message that is kept here; False where none is: then it is somebody else's."""
        request = part.request
        if request.sender is None or request.recipient is None:
            return False
        key = (request.sender, request.recipient, part.reference)
        claim = Claim(part.pdu, holder)
        message = self._gathering.get(key)
        if message is None:
            whole = self._whole.get(key)
            kept = whole.kept.get(part.number) if whole is not None else None
            if kept is None or not kept.part.is_same(part):
                return False
            self._answer_again(kept, claim)
            return True
        kept = message.kept.get(part.number)
        if kept is not None and kept.part.is_same(part):
            self._answer_again(kept, claim)
        elif kept is not None or not message.fits(part):
            self._refuse(message, AMBIGUOUS, "parts", claim)
        else:
            self._keep(message, part, [claim])
        return True

    def _answer_again(self, kept: Kept, claim: Claim) -> None:
        if kept.is_stored:
            claim.holder.part_answered(claim.pdu, kept_answer(kept))
        else:
            kept.claims.append(claim)

    def _begin(self, key: Key, total: int) -> KeptMessage:
        now = self._clock()
        message = KeptMessage(self._next_id(), key, total, now, now + self._limits.age_s)
        self._gathering[key] = message
        return message

    def _keep(self, message: KeptMessage, part: Part, claims: list[Claim]) -> None:
        """Puts a part on disk; its claims are answered then."""
        limits = self._limits
        size = len(part.pdu.raw)
        if part.request.over_rate or self.parts >= limits.parts or self.octets + size > limits.octets:
            if not part.request.over_rate:
                self._judge.note("stalled.full")
            self._put_off(message, part, claims, NO_ROOM)
            return
        id_ = self._next_id() if message.kept else message.id
        kept = Kept(part, id_, encode_record(PartRecord(message.id, id_, message.since, part.pdu.raw)))
        kept.claims = claims
        message.kept[part.number] = kept
        self._by_id[id_] = (message, kept)
        self.parts += 1
        self.octets += size
        if not self._store.put(kept.record, lambda ok: self._stored(message, kept, ok)):
            self._stored(message, kept, False)

    def _put_off(self, message: KeptMessage, part: Part, claims: list[Claim], rule: str) -> None:
        """Answers a part with a temporary refusal; its message goes on waiting for it."""

        def refused(refusal: Refusal) -> None:
            for claim in claims:
                claim.holder.part_refused(claim.pdu, refusal)

        if not message.kept:
            self._gathering.pop(message.key, None)
        self._judge.judge_parts((part,), rule, "", refused)

    def _stored(self, message: KeptMessage, kept: Kept, ok: bool) -> None:
        claims, kept.claims = kept.claims, []
        if message.state != GATHERING:
            # It was refused meanwhile, and so were those who wait for it.
            if ok:
                self._store.drop(kept.record)
            return
        if not ok:
            self._judge.note("stalled.failed")
            del message.kept[kept.part.number]
            self._forget(kept)
            self._put_off(message, kept.part, claims, NO_DISK)
            return
        kept.is_stored = True
        self._judge.note("stalled.kept")
        for claim in claims:
            claim.holder.part_answered(claim.pdu, kept_answer(kept))
        if message.is_whole:
            self._become_ready(message)
            self.go_on()

    def _forget(self, kept: Kept) -> None:
        self._by_id.pop(kept.id, None)
        self.parts -= 1
        self.octets -= len(kept.part.pdu.raw)

    def _become_ready(self, message: KeptMessage) -> None:
        if self._gathering.get(message.key) is message:
            del self._gathering[message.key]
        self._whole[message.key] = message
        validities = [one.part.request.validity_s for one in message.kept.values()]
        message.expires = min([message.expires, *(message.since + each for each in validities if each is not None)])
        self._wait(message, 0.0)

    def _wait(self, message: KeptMessage, pause_s: float) -> None:
        message.state = READY
        message.next_try = self._clock() + pause_s
        self._ready[message.id] = message
        self._look_at = min(self._look_at, message.next_try)

    # ---- what a start finds ----------------------------------------------------------------------------------------

    def recover(self, parts: list[tuple[PartRecord, Part, bytes]], mark: MarkRecord | None, octets: bytes) -> None:
        """Takes up a message of an earlier run: its parts with their records, and its last mark (and that's record)."""
        first, part, _ = parts[0]
        request = part.request
        key = (request.sender or "", request.recipient or "", part.reference)
        message = KeptMessage(first.message, key, part.total, first.since, first.since + self._limits.age_s)
        message.mark = octets
        for record, each, raw in parts:
            kept = message.kept[each.number] = Kept(each, record.id, raw)
            kept.is_stored = True
            self._by_id[record.id] = (message, kept)
            self.parts += 1
            self.octets += len(each.pdu.raw)
        if mark is not None:
            message.serial, message.tries = mark.serial, mark.tries
            for kept in message.kept.values():
                kept.is_taken = kept.id in mark.over or (kept.id in mark.out and self._way.took(kept.id))
                if kept.id in mark.out and not kept.is_taken:
                    # INVARIANT: what may have gone out is never sent again, whatever is lost by that.
                    self._end_part(message, kept, consts.STATE_UNKNOWN, self._judge.status_of("outcome.unknown"))
                    self._judge.note("stalled.unknown")
        if not message.is_whole:
            self._gathering[key] = message
        elif any(one.waits for one in message.kept.values()):
            self._become_ready(message)
        else:
            self._whole[key] = message
            self._finish(message)

    # ---- trying ----------------------------------------------------------------------------------------------------

    def go_on(self) -> None:
        """Ends what is late, tries what is ready, forgets what is long over; to be called often."""
        now = self._clock()
        while self._marks and self._marks[0][0] <= now:
            self._store.drop(self._marks.popleft()[1])
        while self._over and self._over[0].end_at + self._limits.deadline_s <= now:
            self._forget_message(self._over.popleft())
        for _ in range(len(self._unreported)):
            self._report(*self._unreported.popleft())
        for message in list(self._gathering.values()):
            if now < message.since + self._limits.deadline_s:
                break
            self._judge.note("parts.expired")
            self._refuse(message, PARTIAL, "late")
        if self._ready and now >= self._look_at:
            self._try_ready(now)

    def _try_ready(self, now: float) -> None:
        self._look_at = now + _LOOK_S
        is_open = self._way.is_open()
        for message in list(self._ready.values()):
            if now >= message.expires:
                del self._ready[message.id]
                self._expire(message)
            elif is_open and now >= message.next_try and self._going < _GOING_MOST:
                del self._ready[message.id]
                self._try(message)
            elif is_open:
                self._look_at = min(self._look_at, max(message.next_try, now))

    def _expire(self, message: KeptMessage) -> None:
        self._judge.note("stalled.expired")
        if message.is_untouched and not message.tries:
            self._judge.judge_parts(self._parts_of(message), NO_WAY, "", lambda _: None)
        self._end(message, consts.STATE_EXPIRED, message.status)

    def _parts_of(self, message: KeptMessage) -> tuple[Part, ...]:
        """Its parts as they read now; what reads as none any more stays as it was, and is judged so."""
        return tuple([self._judge.part_of(one.part.pdu) or one.part for one in message.in_order()])

    def _try(self, message: KeptMessage) -> None:
        """Judges a message, and sends what of it is still to be sent."""
        message.state = BUSY
        parts = self._parts_of(message)
        permits = self._judge.judge_parts(parts, "", "", lambda refusal: self._refused(message, refusal, None))
        if len(permits) != len(parts):
            return
        self._going += 1
        message.tries += 1
        message.status, message.is_unknown = 0, False
        message.decision_id = permits[0].decision.id
        going = [(one, permit) for one, permit in zip(message.in_order(), permits, strict=True) if one.waits]
        self._mark(message, [one.id for one, _ in going], lambda ok: self._go(message, parts, going, ok))

    def _mark(self, message: KeptMessage, out: list[int], then: Callable[[bool], None]) -> None:
        """Writes down which parts may be out from now on, and which are over."""
        message.serial += 1
        over = [one.id for one in message.kept.values() if one.is_taken or one.end]
        record = encode_record(MarkRecord(message.id, message.serial, out, over, message.tries))

        def written(ok: bool) -> None:
            if ok:
                if message.mark:
                    self._store.drop(message.mark)
                message.mark = record
            then(ok)

        if not self._store.put(record, written):
            then(False)

    def _go(
        self, message: KeptMessage, parts: tuple[Part, ...], going: list[tuple[Kept, Permit]], is_marked: bool
    ) -> None:
        if not is_marked:
            self._judge.note("stalled.failed")
            self._not_sent(message, NO_DISK)
        elif self._judge.refused_whole(parts) is not None:
            # WHY: a refusal came while the mark was written. It is judged again, and so recorded as what it is.
            self._not_sent(message, WITHDRAWN)
        else:
            message.state = GOING
            self._at_carrier[message.id] = message
            for kept, _ in going:
                kept.is_out = True
            if not self._way.send([(kept.id, kept.part, permit) for kept, permit in going]):
                for kept, _ in going:
                    kept.is_out = False
                del self._at_carrier[message.id]
                self._not_sent(message, NO_WAY)

    def _not_sent(self, message: KeptMessage, rule: str) -> None:
        """A permit that was not spent: its try ends as rejected, by tdgate's own status."""
        message.state = BUSY
        message.status = self._judge.status_of(rule)
        self._count(message, REJECTED)
        self._mark(message, [], lambda _: self._wait(message, 0.0 if rule == WITHDRAWN else self._pause_s(message)))

    def _pause_s(self, message: KeptMessage) -> float:
        limits = self._limits
        return float(min(limits.retry_first_s * 2.0 ** min(message.tries - 1, 30), limits.retry_most_s))

    def _count(self, message: KeptMessage, result: str) -> None:
        self._going -= 1
        if result == ACCEPTED:
            self.accepted += 1
            return
        if result == REJECTED:
            self.rejected += 1
        else:
            self.unknown += 1
        self._judge.outcome(message.decision_id, result, message.status if result == REJECTED else 0, b"")

    # ---- the carrier's answers -------------------------------------------------------------------------------------

    def taken(self, id_: int) -> None:
        """The carrier took a part; the trail knows under which id of its own."""
        found = self._by_id.get(id_)
        if found is None or not found[1].is_out:
            # It was told as unknown, and is answered late.
            return
        message, kept = found
        kept.is_out, kept.is_taken = False, True
        self._answered(message)

    def rejected_by_carrier(self, id_: int, status: int) -> None:
        """The carrier refused a part, for a while or for good."""
        message, kept = self._by_id[id_]
        kept.is_out = False
        message.status = status
        if status in TEMPORARY:
            self._judge.note("stalled.retried")
        else:
            message.is_broken = True
            self._end_part(message, kept, consts.STATE_UNDELIVERABLE, status)
        self._answered(message)

    def left_unknown(self, id_: int) -> None:
        """Nobody knows whether the carrier took a part."""
        message, kept = self._by_id[id_]
        kept.is_out = False
        message.is_unknown = True
        self._judge.note("stalled.unknown")
        self._end_part(message, kept, consts.STATE_UNKNOWN, self._judge.status_of("outcome.unknown"))
        self._answered(message)

    def unsent(self, id_: int, rule: str) -> None:
        """A part was not sent after all: no route took it, or its recipient refused while it waited."""
        message, kept = self._by_id[id_]
        kept.is_out = False
        message.status = self._judge.status_of(rule)
        self._answered(message)

    def _answered(self, message: KeptMessage) -> None:
        """Goes on once all parts of a try have their answers."""
        parts = message.kept.values()
        if any(one.is_out for one in parts):
            return
        self._at_carrier.pop(message.id, None)
        waiting = [one for one in parts if one.waits]
        if waiting or message.is_broken:
            self._count(message, REJECTED)
        else:
            self._count(message, UNKNOWN if message.is_unknown else ACCEPTED)
        if message.is_broken:
            # WHY: without the part that the carrier refused for good, what is left is no message.
            for kept in waiting:
                self._end_part(message, kept, consts.STATE_UNDELIVERABLE, message.status)
            waiting = []
        if not waiting:
            self._finish(message)
            return
        message.state = BUSY
        self._mark(message, [], lambda _: self._wait(message, self._pause_s(message)))

    def stands(self, id_: int) -> bool:
        """Whether the message of a part that waits for its turn would be permitted now."""
        found = self._by_id.get(id_)
        return found is not None and self._judge.refused_whole(self._parts_of(found[0])) is None

    # ---- ends ------------------------------------------------------------------------------------------------------

    def _refuse(self, message: KeptMessage, rule: str, detail: str, odd: Claim | None = None) -> None:
        """Refuses a message that is not to be: nothing of it was forwarded, and nothing will be."""
        if self._gathering.get(message.key) is message:
            del self._gathering[message.key]
        message.state = BUSY
        parts = tuple([one.part for one in message.in_order()])
        self._judge.judge_parts(parts, rule, detail, lambda refusal: self._refused(message, refusal, odd))

    def _refused(self, message: KeptMessage, refusal: Refusal, odd: Claim | None) -> None:
        if refusal.decision.effect == "defer" and message.is_whole and odd is None:
            message.tries += 1
            self._wait(message, self._pause_s(message))
            return
        claims = [claim for one in message.kept.values() for claim in one.claims] + ([] if odd is None else [odd])
        self._end(message, consts.STATE_REJECTED, self._judge.status(refusal))
        for claim in claims:
            claim.holder.part_refused(claim.pdu, refusal)

    def _end(self, message: KeptMessage, state: int, status: int) -> None:
        """Ends what of a message is not over."""
        for kept in message.kept.values():
            if kept.waits:
                self._end_part(message, kept, state, status)
        self._finish(message)

    def _end_part(self, message: KeptMessage, kept: Kept, state: int, status: int) -> None:
        """A part is over, and its sender told so, if it was answered and asked to be told."""
        kept.end = state
        sm = read_sm(kept.part.pdu.raw)
        if kept.is_stored and asks_for_failure(sm.registered_delivery):
            message.untold += 1
            self._report(message, own_receipt(sm, kept.name, state, status, message.since, self._clock()))

    def _report(self, message: KeptMessage, receipt: bytes) -> None:
        def told(ok: bool) -> None:
            if not ok:
                self._unreported.append((message, receipt))
                return
            message.untold -= 1
            self._judge.note("stalled.receipt")
            if message.state == ENDING:
                self._finish(message)

        if not self._store.deliver(receipt, told):
            self._unreported.append((message, receipt))

    def _finish(self, message: KeptMessage) -> None:
        """All parts are over: once its receipts are on disk nothing more is kept of a message but its memory."""
        message.state = ENDING
        if message.untold:
            return
        message.state = OVER
        message.end_at = self._clock()
        for kept in message.kept.values():
            if kept.is_stored:
                self._store.drop(kept.record)
        if message.mark:
            self._marks.append((message.end_at + _MARK_OUTLIVES_S, message.mark))
        self._over.append(message)

    def _forget_message(self, message: KeptMessage) -> None:
        if self._whole.get(message.key) is message:
            del self._whole[message.key]
        for kept in message.kept.values():
            self._forget(kept)

    # ---- requests by id --------------------------------------------------------------------------------------------

    def awaits_answer(self, recipient: str) -> bool:
        """Whether a part to this canonical address is at the carrier, which has not said under which id."""
        return any(message.key[1] == recipient for message in self._at_carrier.values())

    def state_of(self, message_id: bytes) -> int | None:
        """The message_state of a part that tdgate answers for; None where the carrier has it, or nobody."""
        kept = self._kept(message_id)
        if kept is None or kept[1].is_taken:
            return None
        return kept[1].end or consts.STATE_ENROUTE

    def cancel(self, message_id: bytes) -> bool:
        """Takes a message back by the id of any part; False where a part of it is, or may be, at the carrier."""
        found = self._kept(message_id)
        if found is None:
            return False
        message, kept = found
        if kept.end == consts.STATE_DELETED:
            return True
        if message.state not in (GATHERING, READY) or not message.is_untouched:
            return False
        self._gathering.pop(message.key, None)
        self._ready.pop(message.id, None)
        unsaid = [claim for one in message.kept.values() for claim in one.claims]
        message.state = BUSY
        parts = tuple([one.part for one in message.in_order()])

        def recorded(refusal: Refusal) -> None:
            for claim in unsaid:
                claim.holder.part_refused(claim.pdu, refusal)

        self._judge.judge_parts(parts, PARTIAL, "cancelled", recorded)
        self._judge.note("stalled.cancelled")
        self._whole[message.key] = message
        self._end(message, consts.STATE_DELETED, 0)
        return True

    def _kept(self, message_id: bytes) -> tuple[KeptMessage, Kept] | None:
        try:
            found = self._by_id.get(int(message_id, 16)) if len(message_id) == 16 else None
        except ValueError:
            return None
        return found if found is not None and kept_name(found[1].id) == message_id else None
