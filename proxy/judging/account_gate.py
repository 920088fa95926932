"""One bind's way to the policy: reads what its ESME asks, has it judged, and sees that the answer is recorded.

Owns the joining of the readers of the wire, the policy and the journal for one account. Must never change a verdict.
What is in force (snapshot, vocabulary, codes) is looked up at each request, so a reload binds on the next PDU.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from proxy.core.catalogue import CATALOGUE
from proxy.core.decision import Decision, Permit, Refusal
from proxy.core.finding import Finding
from proxy.core.records import Account
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot
from proxy.judging.congestion import Congestion
from proxy.judging.hearing import Hearing, Understood
from proxy.judging.in_force import InForce
from proxy.judging.journal import Journal
from proxy.judging.named_messages import NamedMessages
from proxy.judging.numbers_in_use import USED_BY_ONE, NumbersInUse
from proxy.judging.replacing import Keeping
from proxy.judging.several import judge_apart, judge_several, record, refused_several
from proxy.judging.shared import Shared
from proxy.policy import evaluate, evaluate_parts, unanswerable
from proxy.pool.spoken import Spoken
from proxy.smpp.by_id import BY_ID, OwnMessage
from proxy.smpp.concat import Holder, Part
from proxy.smpp.consts import DATA_SM, REPLACE_SM, SUBMIT_SM, TAG_ADDITIONAL_STATUS_INFO_TEXT
from proxy.smpp.deliveries import RenamedReceipt
from proxy.smpp.gate import LATE, UNKNOWN
from proxy.smpp.inbound import Receipt, Reply, joined, read_inbound
from proxy.smpp.pdu import Pdu
from proxy.smpp.receipt import final_state
from proxy.smpp.replacing import asking_with
from proxy.smpp.several import Several
from proxy.smpp.submit import SubmitReader
from proxy.smpp.text import AlphabetTable
from proxy.smpp.tlv import encode_tlvs
from proxy.smpp.whole import whole_request

_V5: Final = 0x50


class AccountGate:
    """The `Gate` of one bind (see `smpp/gate.py`). `transmitter` binds need a receiver of their account elsewhere."""

    def __init__(
        self,
        account: Account,
        shared: Shared,
        in_force: InForce,
        journal: Journal,
        hearing: Hearing,
        table: AlphabetTable,
        *,
        purpose_tag: int,
        transmitter: bool,
        interface_version: int,
        refusal_durable: Callable[[Pdu, Refusal], None],
        several_durable: Callable[[Several], None],
        reply_durable: Callable[[Pdu, bool], None],
        confirm: Callable[[Understood], None],
        withdraw: Callable[[Understood], None],
        log: Callable[[str], None],
    ) -> None:
        self.account = account
        self._shared = shared
        self._in_force = in_force
        self._journal = journal
        self._hearing = hearing
        self._table = table
        self._purpose_tag = purpose_tag
        self._transmitter = transmitter
        self._v5 = interface_version >= _V5
        self._refusal_durable = refusal_durable
        self._several_durable = several_durable
        self._reply_durable = reply_durable
        self._confirm = confirm
        self._withdraw = withdraw
        self._log = log
        self._snapshot: Snapshot | None = None
        self.numbers: Final = NumbersInUse(account.id, hearing.latest)
        self._use(account)
        #: Takes the ids that the carrier gives (see `smpp/gate.py`).
        self.accepted = shared.pending.accepted
        self.accepted_several = shared.pending.accepted_several
        self.pooled = shared.pooled.keep
        #: A change of what the account may replace holds from the next bind on.
        self.named: Final = NamedMessages(shared, may_replace=account.replace_sm)
        if account.replace_sm:
            keeping = Keeping(shared.pending, shared.pooled, shared.replaceable)
            self.accepted, self.pooled = keeping.accepted, keeping.pooled
        self._awaited: Refusal | None = None
        #: The canonical recipient of the latest permit.
        self.recipient = ""
        #: In a pool: whose subscriber a person is (canonical form, digest).
        self.carrier_of: Callable[[str, bytes], str] | None = None
        #: Whoever holds this bind's parts: its relay. Set before the first request comes.
        self.holder: Holder | None = None
        self._part: Part | None = None
        #: The ESME's unanswered requests when the latest refusal was made.
        self._in_flight = 0
        self._congestion = Congestion(journal)
        self.submitted = self.permitted = self.refused = self.deferred = self.replies = self.parts = 0

    def _renew(self, snapshot: Snapshot) -> None:
        """A new revision: the account may have changed, or be gone, and then nothing of it is approved."""
        self._snapshot = snapshot
        self.numbers.clear()
        account = snapshot.accounts.get(self.account.id)
        self.account = account or msgspec.structs.replace(self.account, reviewed=False)
        self._use(self.account)

    def _renewed(self) -> Snapshot:
        """The snapshot in force, taken up."""
        snapshot = self._in_force.snapshot
        if snapshot is not self._snapshot:
            self._renew(snapshot)
        return snapshot

    def _use(self, account: Account) -> None:
        self._window = account.window
        self._reader = SubmitReader(account, self._table, self._purpose_tag)

    def judge(self, pdu: Pdu, in_flight: int) -> Permit | Refusal | None:
        force = self._in_force
        snapshot = force.snapshot
        if snapshot is not self._snapshot:
            self._renew(snapshot)
        journal = self._journal
        now = force.now
        shared = self._shared
        over = in_flight > self._window or (shared.rate is not None and not shared.rate.take(now))
        journal.last_id = request_id = journal.last_id + 1
        if pdu.command_id == SUBMIT_SM:
            request = self._reader.submit(pdu, request_id, now, self._heard_back, over)
            if request.findings:
                part = self._reader.part
                if part is not None and part.request is request:
                    # Counted when its message is judged.
                    self._part = part
                    return None
        elif pdu.command_id == DATA_SM:
            request = self._reader.data(pdu, request_id, now, self._heard_back, over)
        elif pdu.command_id in BY_ID:
            request = self._about(pdu, request_id, now, snapshot)
        elif pdu.command_id == REPLACE_SM and self.named.may_replace:
            request = self._replacing(pdu, request_id, now, over)
        else:
            request = self._reader.closed(pdu, request_id, now)
        counted = not request.by_id
        self.submitted += counted
        verdict = evaluate(request, snapshot, now)
        if isinstance(verdict, Refusal):
            self._in_flight = in_flight
            return self._refused(pdu, request, verdict)
        if not journal.decided(request, verdict.decision):
            # The permit is dropped unspent: what cannot be recorded does not go on.
            return self._put_off(pdu, "internal.outbox")
        self._permitted(request, verdict, snapshot)
        return verdict

    def own_message(self, pdu: Pdu) -> OwnMessage | None:
        return None if self.holder is None else self.named.own(pdu, self.holder)

    def _permitted(self, request: Request, permit: Permit, snapshot: Snapshot) -> None:
        """Counts a permit, and remembers whose message it was where that decides whom a reply refuses."""
        self.permitted += not request.by_id
        self.recipient = request.recipient or ""
        sender = request.sender or ""
        decision = permit.decision
        if self.numbers.uses.get(sender) != USED_BY_ONE:
            self.numbers.permitted(sender, decision, snapshot)
        self._hearing.sent.permitted(request, decision, snapshot)

    def _about(self, pdu: Pdu, request_id: int, now: float, snapshot: Snapshot) -> Request:
        """A request about a message sent earlier, under the id by which its carrier knows it."""
        pdu, known = self.named.asked_about(self.account.id, pdu)
        return self._reader.by_message_id(pdu, request_id, now, known, snapshot.numbers)

    def _replacing(self, pdu: Pdu, request_id: int, now: float, over: bool) -> Request:
        """A replace_sm as the message that it makes of the one it names."""
        pdu, replaced = self.named.replacement(self.account.id, pdu)
        if replaced is None:
            return self._reader.foreign(pdu, request_id, now)
        return asking_with(self._reader.submit(replaced, request_id, now, self._heard_back, over), pdu.raw)

    @property
    def spoken(self) -> Spoken | None:
        """In a pool: the message that the latest permit is about, where it was asked for by id."""
        return self.named.spoken

    @property
    def _heard_back(self) -> bool:
        """Whether replies of persons can come back to this account now."""
        return not self._transmitter or self._shared.receivers > 0

    def judge_several(self, pdu: Pdu, in_flight: int) -> Several | Refusal:
        snapshot, now, rate = self._renewed(), self._in_force.now, self._shared.rate
        self._in_flight = in_flight
        crowded = in_flight > self._window

        def is_over() -> bool:
            return crowded or (rate is not None and not rate.take(now))

        asked = (pdu, self._reader, self._journal, snapshot, now, self._heard_back, is_over)
        several: Several
        if self.carrier_of is None:
            judged = judge_several(*asked)
            several = judged.several(self._status)
        else:
            judged = judge_apart(*asked, self.carrier_of)
            several = judged.gathered(self._status)
        if not record(judged, several, self._journal, self._several_durable):
            # Nothing of it is counted one by one: the whole is one deferral.
            return self.unanswerable(pdu, "internal.outbox")
        self.submitted += len(judged.decisions)
        for request, decision in zip(judged.requests, judged.decisions, strict=True):
            if decision.effect == "allow":
                self.permitted += 1
                self.numbers.permitted(request.sender or "", decision, snapshot)
                self._hearing.sent.permitted(request, decision, snapshot)
            elif decision.effect == "deny":
                self.refused += 1
            else:
                self.deferred += 1
            if decision.rule == "internal.rule":
                self._log("rule.failed")
        if not several.permitted:
            several.refuse(self.status_text(Refusal(judged.decisions[0])))
        return several

    def _refused(self, pdu: Pdu, request: Request, refusal: Refusal) -> Refusal:
        """Records a refusal: a final one is answered when it is on disk, a deferral at once."""
        # Even where the disk failed the answer is the refusal: the record stays queued and nothing was let through.
        waits = self._recorded(request, refusal, lambda _: self._refusal_durable(pdu, refusal))
        if waits is None:
            return self._put_off(pdu, "internal.outbox")
        if waits:
            self._awaited = refusal
        return refusal

    def _recorded(
        self, request: Request, refusal: Refusal, then: Callable[[BaseException | None], None]
    ) -> bool | None:
        """Records a refusal; True where `then` follows when it is on disk, None where the log takes no more."""
        decision = refusal.decision
        if decision.rule == "internal.rule":
            self._log("rule.failed")
        if decision.effect == "defer":
            self.deferred += not request.by_id
            self._journal.decided(request, decision)
            return False
        if not self._journal.decided_durably(request, decision, then):
            return None
        self.refused += not request.by_id
        return True

    # ---- parts of long messages ---------------------------------------------------------------------------------

    def hold(self, now: float, held: int, others: int) -> None:
        part, self._part = self._part, None
        assert part is not None
        assert self.holder is not None
        long_messages = self._shared.long_messages
        waits = long_messages.take(part, self.holder, self, now)
        if waits and not others and held >= self._window:
            # The sender may send nothing more before it has an answer: without one nothing would ever go on.
            long_messages.stall(self.holder, self, 1)

    def judge_parts(
        self, parts: tuple[Part, ...], rule: str, detail: str, refused: Callable[[Refusal], None]
    ) -> tuple[Permit, ...]:
        snapshot, now = self._renewed(), self._in_force.now
        self.submitted += 1
        self.parts += len(parts)
        temporary = bool(rule) and CATALOGUE[rule].kind != "final"
        more = (Finding(rule, detail),) if rule and not temporary else ()
        request = whole_request(parts, self._journal.next_id(), self.account, self._table, now, self._heard_back, more)
        if temporary:
            refusal = unanswerable(request, snapshot, rule)
        else:
            verdict = evaluate_parts(request, tuple([part.pdu.raw for part in parts]), snapshot, now)
            if not isinstance(verdict, Refusal):
                if rule:
                    # A set that is none was let through: the rule that closes it failed to.
                    refusal = unanswerable(request, snapshot, "internal.rule", rule)
                elif self._journal.decided(request, verdict[0].decision):
                    self._permitted(request, verdict[0], snapshot)
                    return verdict
                else:
                    # The permits are dropped unspent: what cannot be recorded does not go on.
                    refusal = unanswerable(request, snapshot, "internal.outbox")
            else:
                refusal = verdict
        waits = self._recorded(request, refusal, lambda _: refused(refusal))
        if waits is None:
            refused(self._put_off(parts[0].pdu, "internal.outbox"))
        elif not waits:
            refused(refusal)
        return ()

    def part_answered(self, pdu: Pdu, answer: bytes, result: str) -> None:
        self._shared.long_messages.answered(pdu, answer, result)

    def parts_lost(self) -> None:
        if self.holder is not None:
            self._shared.long_messages.leave(self.holder, self)

    def parts_given_up(self, rule: str) -> None:
        if self.holder is not None:
            self._shared.long_messages.give_up(self.holder, rule, self)

    def parts_quiet(self) -> None:
        if self.holder is not None:
            self._shared.long_messages.stall(self.holder, self, 0)

    def parts_deadline(self) -> float | None:
        return self._shared.long_messages.next_deadline()

    def parts_due(self, now: float) -> None:
        self._shared.long_messages.handle_deadline(self, now)

    def part_of(self, pdu: Pdu) -> Part | None:
        """A part as it reads now; None where it is none (any more)."""
        self._renewed()
        request = self._reader.submit(pdu, self._journal.last_id, self._in_force.now, self._heard_back, False)
        part = self._reader.part
        return part if request.findings and part is not None and part.request is request else None

    def refused_whole(self, parts: tuple[Part, ...]) -> Refusal | None:
        """As `refused_now`, for a long message."""
        snapshot, now = self._renewed(), self._in_force.now
        request = whole_request(parts, self._journal.last_id, self.account, self._table, now, self._heard_back)
        request.counted = True
        verdict = evaluate(request, snapshot, now)
        return verdict if isinstance(verdict, Refusal) else None

    def refused_now(self, pdu: Pdu) -> Refusal | None:
        """Why a message that was permitted a while ago would be refused now, if so; records and counts nothing."""
        snapshot, now, last_id = self._renewed(), self._in_force.now, self._journal.last_id
        if pdu.command_id == SUBMIT_SM:
            part = self.part_of(pdu)
            if part is not None:
                # Its message was whole when it was permitted.
                return self.refused_whole((part,))
            request = self._reader.submit(pdu, last_id, now, self._heard_back, False)
        elif pdu.command_id == DATA_SM:
            request = self._reader.data(pdu, last_id, now, self._heard_back, False)
        elif pdu.command_id == REPLACE_SM and self.named.may_replace:
            request = self._replacing(pdu, last_id, now, False)
        else:
            request = self._reader.closed(pdu, last_id, now)
        request.counted = True
        verdict = evaluate(request, snapshot, now)
        return verdict if isinstance(verdict, Refusal) else None

    def unanswerable(self, pdu: Pdu, rule: str) -> Refusal:
        self.submitted += pdu.command_id not in BY_ID
        return self._put_off(pdu, rule)

    def _put_off(self, pdu: Pdu, rule: str) -> Refusal:
        """A deferral of a request that is counted as submitted already."""
        by_id = pdu.command_id in BY_ID
        self.deferred += not by_id
        request = Request(
            id=self._journal.next_id(),
            channel="sms",
            account=self.account,
            sender=None,
            recipient=None,
            readings=(),
            octets=pdu.raw,
            received_at=self._in_force.now,
            by_id=by_id,
        )
        refusal = unanswerable(request, self._in_force.snapshot, rule)
        # WHY: when the log is full this record is not taken either; the log counts it, and a Gap record will tell.
        self._journal.decided(request, refusal.decision)
        return refusal

    def status(self, refusal: Refusal) -> int:
        return self._status(refusal.decision)

    def refused_several(self, several: Several) -> dict[int, int]:
        """The status for each of its permitted decisions that would be a refusal now; records nothing."""
        snapshot, now = self._renewed(), self._in_force.now
        refused = refused_several(several, self._reader, self._journal, snapshot, now, self._heard_back)
        return {decision_id: self._status(decision) for decision_id, decision in refused.items()}

    def _status(self, decision: Decision) -> int:
        return self._in_force.codes.status(self.account, decision.rule, decision.detail)

    def status_of(self, rule: str) -> int:
        return self._in_force.codes.status(self.account, rule, "")

    def status_text(self, refusal: Refusal) -> bytes:
        if not (self._v5 or self.account.status_text):
            return b""
        text = encode_tlvs(((TAG_ADDITIONAL_STATUS_INFO_TEXT, refusal.decision.rule.encode() + b"\0"),))
        return text + self._congestion.octets(self._in_flight, self._window) if self._v5 else text

    def awaits_disk(self, refusal: Refusal, pdu: Pdu) -> bool:
        awaited, self._awaited = self._awaited, None
        return awaited is refusal

    def read_inbound(self, pdu: Pdu) -> Receipt | Reply:
        inbound = read_inbound(pdu, self._table)
        if isinstance(inbound, Receipt) and inbound.final:
            self._shared.pending.ended(inbound.ids)
            self._shared.message_ids.ended(inbound.ids, final_state(inbound.sm), int(self._in_force.now))
        return inbound

    def renamed(self, pdu: Pdu) -> Pdu | None:
        stalled = self._shared.stalled
        return pdu if stalled is None else stalled.renamed(pdu, self.account.route, self._table)

    def joined(self, replies: Sequence[Reply]) -> Reply:
        return joined(replies, self._table)

    def hear(self, reply: Reply, pdu: Pdu) -> bool:
        self.replies += 1
        force = self._in_force
        understood = self._hearing.understand(reply, self.account, force.snapshot, force.vocabulary)
        if understood is None:
            return False
        wish = self._name_of(pdu) if understood.reading.label == "optin" else b""
        if wish and not self._hearing.wishes.is_new(wish):
            return False

        def done(ok: bool, changed: bool) -> None:
            if wish and not ok:
                # It could not be put on disk: the carrier sends it again, and then it is to be acted upon.
                self._hearing.wishes.acknowledged(wish)
            self._reply_durable(pdu, ok)
            if understood.reading.label == "optout":
                # Whatever the disk says: the refusal binds already, and what is not sent yet is not to be.
                self._withdraw(understood)
            if changed:
                self._confirm(understood)

        self._hearing.act(understood, force.snapshot, done)
        return True

    def acknowledged(self, pdu: Pdu) -> None:
        if type(pdu) is RenamedReceipt and self._shared.stalled is not None:
            self._shared.stalled.acknowledged(pdu)
        if self._hearing.wishes:
            self._hearing.wishes.acknowledged(self._name_of(pdu))

    def _name_of(self, pdu: Pdu) -> bytes:
        """What a delivery is known by when the carrier sends it again: all but its sequence_number."""
        return self._in_force.snapshot.person_key.fingerprint(pdu.raw[16:])

    def outcome(self, decision_id: int, result: str, status: int, message_id: bytes) -> None:
        if result == LATE:
            self._log("response.late")
        else:
            self._hearing.latest.forget(decision_id)
            if result == UNKNOWN:
                self._log("outcome.unknown")
        id_hash = self._in_force.snapshot.person_key.fingerprint(message_id) if message_id else b""
        self._journal.outcome(decision_id, result, status, id_hash)

    def is_own_receipt(self, receipt: Receipt) -> bool:
        own = self._shared.own_ids
        return any(one in own for one in receipt.ids)

    def cancelled(self, decision_id: int, status: int | None) -> None:
        self._log(self._journal.withdrawn(decision_id, status))

    def own_answered(self, decision_id: int, message_id: bytes) -> None:
        if message_id:
            self._shared.own_ids.add(message_id)

    def note(self, event: str) -> None:
        self._log(event)

    def count(self, event: str) -> None:
        self._journal.counters.counts[event] += 1
