"""Long messages of one account whose sender waited for answers: kept on disk, answered for, forwarded once. Sans-IO.

Owns a message from the moment its sender stalls to its last receipt. Must never answer a part that is not on disk,
forward anything without a permit of that moment, or send a part twice: what may have gone out without an answer is
told as UNKNOWN. How it works: each part is answered, under an id of tdgate's own, when its record is durable. A whole
message is judged, a mark says on disk which parts go out, then they go. What the carrier refuses for a while is judged
and tried again; what it refuses for good, and what the policy refuses, becomes a receipt where one was asked for.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from proxy.core.decision import Refusal
from proxy.smpp import consts
from proxy.smpp.concat import Claim, Holder, Key, Part, PartSet
from proxy.smpp.own_receipt import asks_for_failure, own_receipt
from proxy.smpp.short_message import read_sm
from proxy.smpp.stalled_message import (
    BUSY,
    ENDING,
    GATHERING,
    OVER,
    READY,
    Kept,
    KeptMessage,
    kept_answer,
    kept_name,
)
from proxy.smpp.stalled_ports import StalledJudge, StalledLimits, StalledStore, StalledWay
from proxy.smpp.stalled_records import MarkRecord, PartRecord, encode_record
from proxy.smpp.stalled_tries import StalledTries

PARTIAL: Final = "message.partial"
AMBIGUOUS: Final = "pdu.ambiguous"
_NO_ROOM: Final = "throughput.account"
_NO_DISK: Final = "internal.store"
_NO_WAY: Final = "internal.upstream"
_UNKNOWN_RULE: Final = "outcome.unknown"

#: Messages of one account that are at the carrier, or on their way there, at a time.
_GOING_MOST: Final = 32
#: How long a mark outlives the records of its message. WHY: without it, a kill could bring back parts that went out.
_MARK_OUTLIVES_S: Final = 5.0
_LOOK_S: Final = 1.0


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
        self._over: deque[KeptMessage] = deque()
        self._marks: deque[tuple[float, bytes]] = deque()
        self._unsealed: deque[KeptMessage] = deque()
        self._unreported: deque[tuple[KeptMessage, bytes]] = deque()
        self.tries: Final = StalledTries(store, judge, way, limits, self)
        self._look_at = 0.0
        self.parts = 0
        self.octets = 0

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
                # WHY forgotten: another message has begun under its reference, and may have its last part in common.
                self._whole.pop(key, None)
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
            self._put_off(message, part, claims, _NO_ROOM)
            return
        id_ = self._next_id() if message.kept else message.id
        kept = Kept(part, id_, encode_record(PartRecord(message.id, id_, message.since, part.pdu.raw)))
        kept.claims = claims
        message.kept[part.number] = kept
        # WHY again: an earlier part of the same set may have found no room, and nothing of its message was left then.
        self._gathering[message.key] = message
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
            self._gather_no_more(message)
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
            self._put_off(message, kept.part, claims, _NO_DISK)
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

    def _gather_no_more(self, message: KeptMessage) -> None:
        # WHY the look: its key may be another message's by now.
        if self._gathering.get(message.key) is message:
            del self._gathering[message.key]

    def _become_ready(self, message: KeptMessage) -> None:
        self._gather_no_more(message)
        self._whole[message.key] = message
        validities = [one.part.request.validity_s for one in message.kept.values()]
        message.expires = min([message.expires, *(message.since + each for each in validities if each is not None)])
        self.wait(message, 0.0)

    def wait(self, message: KeptMessage, pause_s: float) -> None:
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
        # WHY the lesser: a clock that was set back since must not keep a message for as long.
        since = min(first.since, self._clock())
        message = KeptMessage(first.message, key, part.total, since, since + self._limits.age_s)
        message.mark = octets
        for record, each, raw in parts:
            kept = message.kept[each.number] = Kept(each, record.id, raw)
            kept.is_stored = True
            self._by_id[record.id] = (message, kept)
            self.parts += 1
            self.octets += len(each.pdu.raw)
        if mark is not None:
            message.serial, message.tries = mark.serial, mark.tries
            ended = {id_: (end, status) for id_, end, status in mark.ended}
            for kept in message.kept.values():
                kept.is_taken = kept.id in mark.taken or (kept.id in mark.out and self._way.took(kept.id))
                kept.end, kept.status = ended.get(kept.id, (0, 0))
                if kept.id in mark.out and not kept.is_taken:
                    # INVARIANT: what may have gone out is never sent again, whatever is lost by that.
                    self.end_part(message, kept, consts.STATE_UNKNOWN, self._judge.status_of(_UNKNOWN_RULE))
                    self._judge.note("stalled.unknown")
        if not message.is_whole and message.is_untouched:
            if key in self._gathering:
                # WHY: the older one was over already, and came back with a kill that took what was said of its end.
                self._refuse(self._gathering[key], PARTIAL, "late")
            self._gathering[key] = message
        elif any(one.waits for one in message.kept.values()):
            self.tries.mark(message, [], lambda _: None)
            self._become_ready(message)
        else:
            self._whole[key] = message
            self.finish(message)

    # ---- trying ----------------------------------------------------------------------------------------------------

    def go_on(self) -> None:
        """Ends what is late, tries what is ready, forgets what is long over; to be called often."""
        now = self._clock()
        while self._marks and self._marks[0][0] <= now:
            self._store.drop(self._marks.popleft()[1])
        while self._over and self._over[0].end_at + self._limits.deadline_s <= now:
            self._forget_message(self._over.popleft())
        for _ in range(len(self._unsealed)):
            self.finish(self._unsealed.popleft())
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
            elif is_open and now >= message.next_try and self.tries.open < _GOING_MOST:
                del self._ready[message.id]
                self.tries.begin(message)
            elif is_open:
                self._look_at = min(self._look_at, max(message.next_try, now))

    def _expire(self, message: KeptMessage) -> None:
        self._judge.note("stalled.expired")
        if message.is_untouched and not message.tries:
            self._judge.judge_parts(self.tries.parts_of(message), _NO_WAY, "", lambda _: None)
        self._end(message, consts.STATE_EXPIRED, message.status)

    # ---- the carrier's answers --------------------------------------------------------------------------------------

    def taken(self, id_: int) -> None:
        """The carrier took a part; the trail knows under which id of its own."""
        found = self._out(id_)
        if found is not None:
            self.tries.taken(*found)

    def rejected_by_carrier(self, id_: int, status: int) -> None:
        """The carrier refused a part, for a while or for good."""
        found = self._out(id_)
        if found is not None:
            self.tries.refused_by_carrier(*found, status)

    def left_unknown(self, id_: int) -> None:
        """Nobody knows whether the carrier took a part."""
        found = self._out(id_)
        if found is not None:
            self.tries.left_unknown(*found)

    def unsent(self, id_: int, rule: str) -> None:
        """A part was not sent after all: no route took it, or its recipient refused while it waited."""
        found = self._out(id_)
        if found is not None:
            self.tries.unsent(*found, rule)

    def _out(self, id_: int) -> tuple[KeptMessage, Kept] | None:
        """The part that waits for an answer under this id; None where it was told as unknown before it came."""
        found = self._by_id.get(id_)
        return found if found is not None and found[1].is_out else None

    def stands(self, id_: int) -> bool:
        """Whether the message of a part that waits for its turn would be permitted now."""
        found = self._by_id.get(id_)
        return found is not None and self._judge.refused_whole(self.tries.parts_of(found[0])) is None

    # ---- ends ------------------------------------------------------------------------------------------------------

    def _refuse(self, message: KeptMessage, rule: str, detail: str, odd: Claim | None = None) -> None:
        """Refuses a message that is not to be: nothing of it was forwarded, and nothing will be."""
        self._gather_no_more(message)
        message.state = BUSY
        parts = tuple([one.part for one in message.in_order()])
        self._judge.judge_parts(parts, rule, detail, lambda refusal: self._closed(message, refusal, odd))

    def refused(self, message: KeptMessage, refusal: Refusal) -> None:
        """The policy refused a message, or put it off."""
        self._closed(message, refusal, None)

    def _closed(self, message: KeptMessage, refusal: Refusal, odd: Claim | None) -> None:
        if refusal.decision.effect == "defer" and message.is_whole and odd is None:
            message.tries += 1
            self.wait(message, self.tries.pause_s(message))
            return
        claims = [claim for one in message.kept.values() for claim in one.claims] + ([] if odd is None else [odd])
        self._end(message, consts.STATE_REJECTED, self._judge.status(refusal))
        for claim in claims:
            claim.holder.part_refused(claim.pdu, refusal)

    def _end(self, message: KeptMessage, state: int, status: int) -> None:
        """Ends what of a message is not over."""
        for kept in message.kept.values():
            if kept.waits:
                self.end_part(message, kept, state, status)
        self.finish(message)

    def end_part(self, message: KeptMessage, kept: Kept, state: int, status: int) -> None:
        """A part is over; its sender is told so when that is on disk (`report`)."""
        kept.end, kept.status = state, status

    def report(self, message: KeptMessage, ids: list[int]) -> None:
        """The ends of these parts are on disk: their sender is told, where it was answered and asked for that."""
        for kept in message.kept.values():
            if kept.id not in ids or kept.is_told:
                continue
            kept.is_told = True
            sm = read_sm(kept.part.pdu.raw)
            if kept.is_stored and asks_for_failure(sm.registered_delivery):
                message.untold += 1
                self._report(message, own_receipt(sm, kept.name, kept.end, kept.status, message.since, self._clock()))

    def _report(self, message: KeptMessage, receipt: bytes) -> None:
        def told(ok: bool) -> None:
            if not ok:
                self._unreported.append((message, receipt))
                return
            message.untold -= 1
            self._judge.note("stalled.receipt")
            if message.state == ENDING and message.is_sealed:
                self._close(message)

        if not self._store.deliver(receipt, told):
            self._unreported.append((message, receipt))

    def finish(self, message: KeptMessage) -> None:
        """All parts are over: the end goes to disk, then the receipts, then nothing more is kept but its memory."""
        message.state = ENDING
        if any(one.end for one in message.kept.values()):
            # INVARIANT: what was told is never sent: a kill that brings the parts back brings this too.
            self.tries.mark(message, [], lambda ok: self._sealed(message, ok))
        else:
            self._close(message)

    def _sealed(self, message: KeptMessage, ok: bool) -> None:
        if not ok:
            self._unsealed.append(message)
            return
        message.is_sealed = True
        thens, message.sealed_thens = message.sealed_thens, []
        for then in thens:
            then(True)
        self._close(message)

    def _close(self, message: KeptMessage) -> None:
        if message.untold:
            return
        message.state = OVER
        message.end_at = self._clock()
        for kept in message.kept.values():
            if kept.is_stored:
                self._store.drop(kept.record)
        if message.mark:
            self._marks.append((message.end_at + _MARK_OUTLIVES_S, message.mark))
        if not message.may_have_arrived and self._whole.get(message.key) is message:
            # WHY: its sender was told that it failed. What is sent again then is meant, and reaches nobody twice.
            del self._whole[message.key]
        self._over.append(message)

    def _forget_message(self, message: KeptMessage) -> None:
        if self._whole.get(message.key) is message:
            del self._whole[message.key]
        for kept in message.kept.values():
            self._forget(kept)

    # ---- requests by id --------------------------------------------------------------------------------------------

    def state_of(self, message_id: bytes) -> int | None:
        """The message_state of a part that tdgate answers for; None where the carrier has it, or nobody."""
        kept = self._kept(message_id)
        if kept is None or kept[1].is_taken:
            return None
        return kept[1].end or consts.STATE_ENROUTE

    def cancel(self, message_id: bytes, then: Callable[[bool], None]) -> None:
        """Takes a message back by the id of any part; `then` is told when that is on disk, or at once that it is not.

        It is not where a part of it is, or may be, at the carrier.
        """
        found = self._kept(message_id)
        if found is None:
            then(False)
            return
        message, kept = found
        if kept.end == consts.STATE_DELETED:
            if message.is_sealed:
                then(True)
            else:
                message.sealed_thens.append(then)
            return
        if message.state not in (GATHERING, READY) or not message.is_untouched:
            then(False)
            return
        self._gather_no_more(message)
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
        message.sealed_thens.append(then)
        self._end(message, consts.STATE_DELETED, 0)

    def _kept(self, message_id: bytes) -> tuple[KeptMessage, Kept] | None:
        try:
            found = self._by_id.get(int(message_id, 16)) if len(message_id) == 16 else None
        except ValueError:
            return None
        return found if found is not None and kept_name(found[1].id) == message_id else None
