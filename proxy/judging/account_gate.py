"""One bind's way to the policy: reads what its ESME asks, has it judged, and sees that the answer is recorded.

Owns the joining of the readers of the wire, the policy and the journal for one account. Must never change a verdict.
What is in force (snapshot, vocabulary, codes) is looked up at each request, so a reload binds on the next PDU.
"""

from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct

from proxy.core.codes import CodeMaps
from proxy.core.decision import Permit, Refusal
from proxy.core.records import Account
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot
from proxy.judging.attribution import Answered, is_shared
from proxy.judging.hearing import Hearing, Understood
from proxy.judging.journal import Journal
from proxy.judging.rate import RateLimit
from proxy.optout_parser import Vocabulary
from proxy.policy import evaluate, unanswerable
from proxy.smpp.consts import CANCEL_SM, QUERY_SM, SUBMIT_SM, TAG_ADDITIONAL_STATUS_INFO_TEXT
from proxy.smpp.gate import LATE, UNKNOWN
from proxy.smpp.inbound import Receipt, Reply, read_inbound
from proxy.smpp.message_ids import MessageIds
from proxy.smpp.pdu import Pdu
from proxy.smpp.submit import SubmitReader
from proxy.smpp.text import AlphabetTable
from proxy.smpp.tlv import encode_tlvs

#: Requests about a message that was sent: judged and recorded, and none of those that are counted for billing.
_BY_ID: Final = (QUERY_SM, CANCEL_SM)
_V5: Final = 0x50
_SENDERS_KEPT: Final = 4096


class InForce:
    """What is in force now; whoever reloads swaps these references. `now` is UTC seconds, set once per chunk."""

    __slots__ = ("codes", "now", "snapshot", "vocabulary")

    def __init__(self, snapshot: Snapshot, vocabulary: Vocabulary, codes: CodeMaps, now: float) -> None:
        self.snapshot = snapshot
        self.vocabulary = vocabulary
        self.codes = codes
        self.now = now


class Shared(Struct):
    """What all binds of one account share."""

    rate: RateLimit | None
    message_ids: MessageIds
    own_ids: MessageIds
    receivers: int = 0


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
        reply_durable: Callable[[Pdu, bool], None],
        confirm: Callable[[Understood], None],
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
        self._reply_durable = reply_durable
        self._confirm = confirm
        self._log = log
        self._snapshot: Snapshot | None = None
        self._shared_numbers: dict[str, bool] = {}
        self._use(account)
        #: Takes the ids that the carrier gives (see `smpp/gate.py`).
        self.accepted = shared.message_ids.add
        self._awaited: Refusal | None = None
        #: The canonical recipient of the latest permit.
        self.recipient = ""
        self.submitted = self.permitted = self.refused = self.deferred = self.replies = 0

    def _renew(self, snapshot: Snapshot) -> None:
        """A new revision: the account may have changed, or be gone, and then nothing of it is approved."""
        self._snapshot = snapshot
        self._shared_numbers.clear()
        account = snapshot.accounts.get(self.account.id)
        self.account = account or msgspec.structs.replace(self.account, reviewed=False)
        self._use(self.account)

    def _use(self, account: Account) -> None:
        self._window = account.window
        self._reader = SubmitReader(account, self._table, self._purpose_tag)

    def judge(self, pdu: Pdu, in_flight: int) -> Permit | Refusal:
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
            heard_back = not self._transmitter or shared.receivers > 0
            request = self._reader.submit(pdu, request_id, now, heard_back, over)
        elif pdu.command_id in _BY_ID:
            request = self._reader.by_message_id(pdu, request_id, now, shared.message_ids)
        else:
            request = self._reader.closed(pdu, request_id, now)
        counted = not request.by_id
        self.submitted += counted
        verdict = evaluate(request, snapshot, now)
        if isinstance(verdict, Refusal):
            return self._refused(pdu, request, verdict)
        if not journal.decided(request, verdict.decision):
            # The permit is dropped unspent: what cannot be recorded does not go on.
            return self._put_off(pdu, "internal.outbox")
        self.permitted += counted
        self.recipient = request.recipient or ""
        sender = request.sender or ""
        is_shared_number = self._shared_numbers.get(sender)
        if is_shared_number is None:
            if len(self._shared_numbers) >= _SENDERS_KEPT:
                # WHY: extension digits can be invented without end; the memo starts anew instead of growing.
                self._shared_numbers.clear()
            is_shared_number = self._shared_numbers[sender] = is_shared(snapshot, sender)
        if is_shared_number:
            decision = verdict.decision
            answered = Answered(decision.principal, frozenset((decision.purpose,)))
            self._hearing.latest.remember(decision.person, sender, answered, decision.id)
        return verdict

    def _refused(self, pdu: Pdu, request: Request, refusal: Refusal) -> Refusal:
        """Records a refusal: a final one is answered when it is on disk, a deferral at once."""
        decision = refusal.decision
        if decision.rule == "internal.rule":
            self._log("rule.failed")
        if decision.effect == "defer":
            self.deferred += not request.by_id
            self._journal.decided(request, decision)
            return refusal

        def then(_error: BaseException | None) -> None:
            # Even where the disk failed the answer is the refusal: the record stays queued and nothing was let through.
            self._refusal_durable(pdu, refusal)

        if not self._journal.decided_durably(request, decision, then):
            return self._put_off(pdu, "internal.outbox")
        self.refused += not request.by_id
        self._awaited = refusal
        return refusal

    def stands(self, pdu: Pdu) -> bool:
        """Whether a request that was permitted a while ago would be permitted now; records and counts nothing."""
        force = self._in_force
        if force.snapshot is not self._snapshot:
            self._renew(force.snapshot)
        last_id = self._journal.last_id
        if pdu.command_id == SUBMIT_SM:
            request = self._reader.submit(pdu, last_id, force.now, True, False)
        elif pdu.command_id in _BY_ID:
            request = self._reader.by_message_id(pdu, last_id, force.now, self._shared.message_ids)
        else:
            request = self._reader.closed(pdu, last_id, force.now)
        return not isinstance(evaluate(request, force.snapshot, force.now), Refusal)

    def unanswerable(self, pdu: Pdu, rule: str) -> Refusal:
        self.submitted += pdu.command_id not in _BY_ID
        return self._put_off(pdu, rule)

    def _put_off(self, pdu: Pdu, rule: str) -> Refusal:
        """A deferral of a request that is counted as submitted already."""
        by_id = pdu.command_id in _BY_ID
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
        decision = refusal.decision
        return self._in_force.codes.status(self.account, decision.rule, decision.detail)

    def status_of(self, rule: str) -> int:
        return self._in_force.codes.status(self.account, rule, "")

    def status_text(self, refusal: Refusal) -> bytes:
        if not (self._v5 or self.account.status_text):
            return b""
        return encode_tlvs(((TAG_ADDITIONAL_STATUS_INFO_TEXT, refusal.decision.rule.encode() + b"\0"),))

    def awaits_disk(self, refusal: Refusal, pdu: Pdu) -> bool:
        awaited, self._awaited = self._awaited, None
        return awaited is refusal

    def read_inbound(self, pdu: Pdu) -> Receipt | Reply:
        return read_inbound(pdu, self._table)

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
            if changed:
                self._confirm(understood)

        self._hearing.act(understood, force.snapshot, done)
        return True

    def acknowledged(self, pdu: Pdu) -> None:
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

    def own_answered(self, decision_id: int, message_id: bytes) -> None:
        if message_id:
            self._shared.own_ids.add(message_id)

    def note(self, event: str) -> None:
        self._log(event)
