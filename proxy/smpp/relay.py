"""The mirror relay: one ESME bind and its one carrier bind. Sans-IO.

Owns which answer belongs to which request, in both directions, and what happens to them when a side is lost. Must
never forward a request of the ESME without a permit, answer a refusal of a person before it is on disk, or answer any
request twice. How it works: each side's requests are entered in the other side's window; answers are mapped back by
sequence_number and pass byte for byte. What has to wait (a full window, a receipt before its response, a reply before
its commit) waits here, unanswered.
"""

from collections import deque
from typing import Final

from proxy.core.decision import Permit, Refusal
from proxy.smpp.asked import (
    SINGLE,
    Asked,
    AskedPart,
    AskedSeveral,
    AskedToCancel,
    decisions_of,
    message_id,
    messages_of,
)
from proxy.smpp.consts import (
    ALERT_NOTIFICATION,
    CANCEL_SM,
    DATA_SM,
    DATA_SM_RESP,
    DELIVER_SM,
    ENQUIRE_LINK_RESP,
    ESME_ROK,
    GENERIC_NACK,
    REPLACE_SM_RESP,
    RESPONSE_BIT,
    SUBMIT_MULTI,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    UNBIND,
    UNBIND_RESP,
)
from proxy.smpp.deliveries import Deliveries
from proxy.smpp.early_receipts import EarlyReceipts
from proxy.smpp.forward import forward
from proxy.smpp.gate import ACCEPTED, LATE, REJECTED, UNKNOWN, Gate
from proxy.smpp.pdu import Pdu, PduError, response
from proxy.smpp.refusal_answer import refusal_answer
from proxy.smpp.reply_parts import HeardParts
from proxy.smpp.session import Session
from proxy.smpp.several import Several
from proxy.smpp.window import Window
from proxy.smpp.withdrawal import Withdrawal, failure_of

_UNKNOWN_RULE: Final = "outcome.unknown"
_LATE_KEPT: Final = 10_000
#: Answers in which the carrier takes a message; those to a replace_sm give no id.
_ACCEPTING: Final = (SUBMIT_SM_RESP, DATA_SM_RESP, REPLACE_SM_RESP)
_SENDING: Final = ("tx", "trx")


class MirrorRelay:
    """Joins one ESME session and one carrier session. `now` is monotonic seconds throughout.

    After each call the shell writes `esme.out` and `carrier.out`. While `congested`, it reads nothing from the ESME.
    """

    __slots__ = (
        "_accepted",
        "_asked",
        "_deliveries",
        "_draining",
        "_early",
        "_gate",
        "_held",
        "_judge",
        "_late",
        "_long_open",
        "_permitted",
        "_quiet_s",
        "_quiet_since",
        "_refusing",
        "_to_carrier",
        "_unbind",
        "accepted",
        "carrier",
        "esme",
        "rejected",
        "unknown",
    )

    def __init__(
        self,
        gate: Gate,
        esme: Session | None,
        carrier: Session | None,
        *,
        carrier_window: int,
        esme_window: int,
        response_s: float,
        own: bool = False,
        quiet_s: float = 1.0,
        reply_wait_s: float = 3.0,
        heard_parts: HeardParts | None = None,
    ) -> None:
        self._gate = gate
        self._judge = gate.judge
        self._accepted = gate.accepted
        self.esme = esme
        self.carrier = carrier
        self._to_carrier: Window[Asked | AskedToCancel] = Window(carrier_window, response_s)
        self._asked: deque[Pdu] = deque()
        self._early = EarlyReceipts(self._to_carrier)
        self._deliveries = Deliveries(
            gate,
            esme,
            carrier,
            self._early,
            window=esme_window,
            response_s=response_s,
            own=own,
            quiet_s=quiet_s,
            reply_wait_s=reply_wait_s,
            heard_parts=heard_parts or HeardParts(),
        )
        self._refusing = 0
        #: Parts of long messages without a verdict, by identity.
        self._held: dict[int, Pdu] = {}
        #: Permitted parts that wait for room in the carrier's window, in front of what was not judged yet.
        self._permitted: deque[tuple[Pdu, Permit]] = deque()
        self._quiet_s = quiet_s
        self._quiet_since = 0.0
        self._unbind: Pdu | None = None
        #: What was given up, by sequence_number: (its decisions, whether tdgate itself sent it).
        self._late: dict[int, tuple[tuple[int, ...], bool]] = {}
        self._draining = False
        #: Long messages that were permitted here and have not ended.
        self._long_open = 0
        #: How permitted messages of the ESME ended: counted for billing (`judging/tallies.py`).
        self.accepted = self.rejected = self.unknown = 0

    # ---- the ESME's requests and answers ------------------------------------------------------------------------

    @property
    def in_flight(self) -> int:
        """Requests of the ESME that are not answered yet."""
        return self._unheld + len(self._held)

    @property
    def _unheld(self) -> int:
        return len(self._to_carrier) + len(self._asked) + self._refusing + len(self._permitted)

    @property
    def draining(self) -> bool:
        """Set while the route or the process drains: the ESME's requests are answered `internal.draining`."""
        return self._draining

    @draining.setter
    def draining(self, value: bool) -> None:
        self._draining = value
        if value and self._held:
            self._gate.parts_given_up("internal.draining")

    @property
    def delivering(self) -> int:
        """Deliveries of the carrier that are not answered yet."""
        return self._deliveries.unanswered

    @property
    def receipts(self) -> int:
        """Receipts that came for messages of the account."""
        return self._deliveries.receipts

    @property
    def open_messages(self) -> int:
        """Permitted messages of the ESME that the carrier has not answered; looks at each."""
        return self._long_open + sum(messages_of(asked) for _, asked in self._to_carrier.entries.values())

    @property
    def congested(self) -> bool:
        """Whether the ESME's requests wait for room towards the carrier: reading should stop meanwhile."""
        return bool(self._asked)

    @property
    def crowded(self) -> bool:
        """Whether the carrier's deliveries wait for room towards the ESME: reading should stop meanwhile."""
        # WHY not while congested: then the ESME is not read, and only the carrier's answers bring either side on.
        return self._deliveries.crowded and not self._asked

    def from_esme(self, pdus: list[Pdu], now: float) -> None:
        """Takes the PDUs that the ESME's session let through."""
        entries, size = self._to_carrier.entries, self._to_carrier.size
        if self._held:
            self._quiet_since = now
        for pdu in pdus:
            command_id = pdu.command_id
            if command_id == SUBMIT_SM:
                if self._asked or len(entries) >= size:
                    self._asked.append(pdu)
                else:
                    self._ask(pdu, now)
            elif command_id & RESPONSE_BIT:
                if not self._deliveries.esme_answered(pdu, now):
                    self._unmatched(pdu, self.esme)
            elif command_id == UNBIND:
                self._unbind = pdu
                self._unbind_when_answered()
            elif self._to_carrier.full or self._asked:
                self._asked.append(pdu)
            else:
                self._ask(pdu, now)

    def _unbind_when_answered(self) -> None:
        """Answers the ESME's unbind once all its requests have their answers (SMPP v3.4 §4.2)."""
        if self._unbind is not None and self.esme is not None and not self.in_flight:
            self.esme.respond(self._unbind, ESME_ROK)
            self.esme.close("unbound")
            self._unbind = None

    def _ask(self, pdu: Pdu, now: float) -> None:
        """Judges one request and acts on the verdict: the only place where a request of the ESME goes on."""
        try:
            if self._draining:
                verdict: Permit | Refusal | None = self._gate.unanswerable(pdu, "internal.draining")
            elif self.carrier is None or self.carrier.state not in _SENDING:
                verdict = self._gate.unanswerable(pdu, "internal.upstream")
            elif pdu.command_id == SUBMIT_MULTI:
                self._ask_several(pdu, self.carrier, now)
                return
            else:
                held = len(self._permitted) + len(self._held)
                verdict = self._judge(pdu, len(self._to_carrier.entries) + len(self._asked) + self._refusing + held + 1)
        except PduError as error:
            self._gate.note("pdu.malformed")
            if self.esme is not None:
                self.esme.respond(pdu, error.status)
            return
        if type(verdict) is Permit and self.carrier is not None:
            forward(verdict, self.carrier, self._to_carrier.open(Asked(pdu, verdict.decision), now))
        elif isinstance(verdict, Refusal):
            if self._gate.awaits_disk(verdict, pdu):
                self._refusing += 1
            else:
                self._refuse(pdu, verdict)
        elif verdict is None:
            self._held[id(pdu)] = pdu
            self._quiet_since = now
            self._gate.hold(now, len(self._held), self._unheld)

    def _ask_several(self, pdu: Pdu, carrier: Session, now: float) -> None:
        """Judges a submit_multi: those permitted go on together, and the answer tells of the others."""
        several = self._gate.judge_several(pdu, self.in_flight + 1)
        if isinstance(several, Refusal):
            self._refuse(pdu, several)
            return
        permit = several.permit
        if permit is None:
            self._refusing += 1
            self._answer_several(several)
        else:
            forward(permit, carrier, self._to_carrier.open(AskedSeveral(several, permit), now))

    def _several_answered(self, asked: AskedSeveral, raw: bytes) -> None:
        """The carrier's word on the permitted ones, joined with ours on the others."""
        several = asked.several
        given, readable = several.answered(raw)
        if given:
            self._gate.accepted_several(given, several)
        if not readable:
            self._gate.note("pdu.malformed")
        rejected = 0
        for decision_id, status in several.rejected(raw):
            rejected += 1
            self._gate.outcome(decision_id, REJECTED, status, given)
        self.rejected += rejected
        self.accepted += len(several.permitted) - rejected
        self._refusing += 1
        self._answer_several(several)

    def _answer_several(self, several: Several) -> None:
        """Answers a submit_multi; it counts as refusing, and is answered later, while its refusals are on their way."""
        if several.ready:
            self._refusing -= 1
            if self.esme is not None:
                self.esme.out.append_as(several.answer, several.pdu.sequence)

    def several_durable(self, several: Several) -> None:
        """The evidence of all refusals of a submit_multi is on disk: the ESME may have its answer, if it stands."""
        self._answer_several(several)
        self._unbind_when_answered()

    def _refuse(self, pdu: Pdu, refusal: Refusal) -> None:
        if self.esme is not None:
            self.esme.out.append(refusal_answer(self._gate, pdu, refusal))

    def reply_durable(self, pdu: Pdu, ok: bool, now: float) -> None:
        """What a person asked is on disk, or could not be put there: then the carrier shall send it again."""
        self._deliveries.reply_durable(pdu, ok, now)

    def refusal_durable(self, pdu: Pdu, refusal: Refusal) -> None:
        """The evidence of a refusal is on disk: the ESME may have its answer."""
        self._refusing -= 1
        self._refuse(pdu, refusal)
        self._unbind_when_answered()

    # ---- parts of long messages (see `concat.Holder`) ------------------------------------------------------------

    def part_permitted(self, pdu: Pdu, permit: Permit, now: float) -> None:
        """A part that is held here goes on as soon as the carrier's window has room."""
        if self._held.pop(id(pdu), None) is not None:
            self._permitted.append((pdu, permit))
            self._send_permitted(now)

    def part_refused(self, pdu: Pdu, refusal: Refusal) -> None:
        """A part that is held here is refused, its evidence on disk where it has to be."""
        if self._held.pop(id(pdu), None) is not None:
            self._refuse(pdu, refusal)
            self._unbind_when_answered()

    def part_answered(self, pdu: Pdu, answer: bytes) -> None:
        """A part that is held here came before, and gets the answer that was given then."""
        if self._held.pop(id(pdu), None) is not None and self.esme is not None:
            self.esme.out.append_as(answer, pdu.sequence)
            self._unbind_when_answered()

    def part_joined(self, now: float) -> None:
        """The message of a part that is held here goes on somewhere."""
        self._quiet_since = now

    def message_permitted(self) -> None:
        """A long message was permitted by the gate of this bind, where it counts."""
        self._long_open += 1

    def message_ended(self, decision_id: int, result: str, answer: bytes) -> None:
        """It is known how a long message ended that was permitted here."""
        self._long_open -= 1
        if result == ACCEPTED:
            self.accepted += 1
        elif result == REJECTED:
            self.rejected += 1
            status = int.from_bytes(answer[8:12], "big")
            self._gate.outcome(decision_id, REJECTED, status, message_id(answer))
        else:
            self.unknown += 1
            self._gate.outcome(decision_id, UNKNOWN, 0, b"")

    def unable(self) -> str:
        """The rule for which nothing can be sent to the carrier now, empty where it can."""
        if self._draining:
            return "internal.draining"
        return "" if self.carrier is not None and self.carrier.state in _SENDING else "internal.upstream"

    def _send_permitted(self, now: float) -> None:
        carrier = self.carrier
        while self._permitted and carrier is not None and carrier.state in _SENDING and not self._to_carrier.full:
            pdu, permit = self._permitted.popleft()
            forward(permit, carrier, self._to_carrier.open(AskedPart(pdu, permit.decision), now))

    def _go_on(self, now: float) -> None:
        """Sends and asks what waited for room towards the carrier, permitted parts first."""
        self._send_permitted(now)
        while self._asked and not self._to_carrier.full:
            self._ask(self._asked.popleft(), now)

    def send_own(self, permit: Permit, now: float) -> bool:
        """Sends a message of tdgate itself (a confirmation); False where there is no room or no way."""
        carrier = self.carrier
        if carrier is None or carrier.state not in _SENDING or self._to_carrier.full:
            return False
        forward(permit, carrier, self._to_carrier.open(Asked(None, permit.decision), now))
        return True

    def withdraw(self, withdrawal: Withdrawal, now: float) -> bool:
        """Asks the carrier to cancel a message (it carries none itself); False where there is no room or no way."""
        carrier = self.carrier
        if carrier is None or carrier.state not in _SENDING or self._to_carrier.full:
            return False
        carrier.out.append_as(withdrawal.octets, self._to_carrier.open(AskedToCancel(withdrawal.decision_id), now))
        return True

    # ---- the carrier's answers and requests ---------------------------------------------------------------------

    def from_carrier(self, pdus: list[Pdu], now: float) -> None:
        """Takes the PDUs that the carrier's session let through."""
        for pdu in pdus:
            command_id = pdu.command_id
            if command_id & RESPONSE_BIT:
                self._carrier_answered(pdu, now)
            elif command_id in (DELIVER_SM, DATA_SM):
                self._deliveries.take(pdu, now)
            elif command_id == ALERT_NOTIFICATION:
                self._deliveries.alert(pdu)
            elif command_id == UNBIND:
                self._gate.note("carrier.lost")
                assert self.carrier is not None
                self.carrier.respond(pdu, ESME_ROK)
                self.carrier.close("unbound")

    def _carrier_answered(self, pdu: Pdu, now: float) -> None:
        entries = self._to_carrier.entries
        entry = entries.get(pdu.sequence)
        if entry is None:
            self._late_answer(pdu)
            return
        asked = entry[1]
        request = asked.pdu
        if request is not None:
            command_id = request.command_id
        else:
            command_id = CANCEL_SM if isinstance(asked, AskedToCancel) else SUBMIT_SM
        if pdu.command_id != command_id | RESPONSE_BIT and pdu.command_id != GENERIC_NACK:
            # WHY: an answer to something else says nothing of this message, which goes on waiting for its own.
            self._gate.note("response.unsolicited")
            return
        del entries[pdu.sequence]
        raw = pdu.raw
        if isinstance(asked, AskedToCancel):
            self._gate.cancelled(asked.decision_id, failure_of(pdu))
        elif request is None:
            self._gate.own_answered(asked.decision_id, message_id(raw))
        elif isinstance(asked, AskedSeveral):
            self._several_answered(asked, raw)
        else:
            is_part = type(asked) is AskedPart
            result = ACCEPTED if pdu.status == 0 and pdu.command_id in _ACCEPTING else REJECTED
            if result == ACCEPTED:
                # WHY not an empty one: an empty message_id in a cancel_sm names messages by addresses, anybody's.
                end = raw.find(0, 16)
                if end > 16:
                    self._accepted(raw[16:end], request.raw, asked.decision)
                self.accepted += not is_part
            elif command_id in SINGLE and not is_part:
                self.rejected += 1
                self._gate.outcome(asked.decision_id, REJECTED, pdu.status, message_id(raw))
            if self.esme is not None:
                self.esme.out.append_as(raw, request.sequence)
            if is_part:
                self._gate.part_answered(request, raw, result)
        if self._early.waiting:
            self._deliveries.release_receipts(now)
        if self._asked or self._permitted:
            self._go_on(now)
        if self._held:
            self._quiet_since = now
        if self._unbind is not None:
            self._unbind_when_answered()

    def _late_answer(self, pdu: Pdu) -> None:
        """An answer that nobody waits for: the request was answered `outcome.unknown`, or it is a duplicate."""
        decision_ids, own = self._late.pop(pdu.sequence, ((), False))
        if not decision_ids:
            self._unmatched(pdu, self.carrier)
        for decision_id in decision_ids:
            if own:
                self._gate.own_answered(decision_id, message_id(pdu.raw))
            else:
                self._gate.outcome(decision_id, LATE, pdu.status, message_id(pdu.raw))

    def _unmatched(self, pdu: Pdu, session: Session | None) -> None:
        """A response that no window waits for: to a link request of ours, or to nothing."""
        if pdu.command_id == UNBIND_RESP and session is not None:
            session.unbound()
        elif pdu.command_id != ENQUIRE_LINK_RESP:
            self._gate.note("response.unsolicited")

    def carrier_sequence(self) -> int:
        """A sequence_number for a link request to the carrier."""
        return self._to_carrier.next_sequence()

    def esme_sequence(self) -> int:
        """A sequence_number for a link request to the ESME."""
        return self._deliveries.sequence()

    # ---- losing a side, and time --------------------------------------------------------------------------------

    def carrier_lost(self, now: float) -> None:
        """The carrier is gone: nobody knows what became of the open requests, and they are told so."""
        self.carrier = None
        self._deliveries.carrier_lost(now)
        for asked in self._to_carrier.drain():
            self._unknown(asked)
        self._late.clear()
        while self._permitted:
            # WHY unknown although it was not sent: of its message another part may have been.
            part, permit = self._permitted.popleft()
            self._unknown(AskedPart(part, permit.decision))
        if self._held:
            self._gate.parts_given_up("internal.upstream")
        while self._asked:
            self._ask(self._asked.popleft(), now)
        self._unbind_when_answered()

    def carrier_back(self, carrier: Session) -> None:
        """A new bind to the carrier took the place of a lost one."""
        self.carrier = carrier
        self._deliveries.carrier_back(carrier)

    def esme_lost(self) -> None:
        """The ESME is gone: its open deliveries go back to the carrier, its open requests are still waited for."""
        self.esme = None
        self._deliveries.esme_lost()
        # Not judged yet, so nothing of them is anywhere: they die with the connection that asked.
        self._asked.clear()
        if self._held:
            self._held.clear()
            self._gate.parts_lost()

    def _unknown(self, asked: Asked | AskedToCancel) -> None:
        request = asked.pdu
        if request is None:
            if isinstance(asked, AskedToCancel):
                self._gate.cancelled(asked.decision_id, None)
            return
        if isinstance(asked, AskedSeveral):
            for _, decision in asked.several.permitted:
                self.unknown += 1
                self._gate.outcome(decision.id, UNKNOWN, 0, b"")
            asked.several.unknown(self._gate.status_of(_UNKNOWN_RULE))
            self._refusing += 1
            self._answer_several(asked.several)
            return
        status = self._gate.status_of(_UNKNOWN_RULE)
        is_part = type(asked) is AskedPart
        if not is_part:
            self.unknown += messages_of(asked)
            self._gate.outcome(asked.decision_id, UNKNOWN, 0, b"")
        if self.esme is not None:
            self.esme.out.append(response(request.command_id | RESPONSE_BIT, status, request.sequence))
        if is_part:
            answer = response(request.command_id | RESPONSE_BIT, status, request.sequence)
            self._gate.part_answered(request, answer, UNKNOWN)

    def next_deadline(self) -> float | None:
        """Monotonic time of the next `handle_deadline`, None while nothing waits."""
        waits = (self._to_carrier.next_deadline(), self._deliveries.next_deadline())
        deadlines = [when for when in waits if when is not None]
        if self._held:
            due = self._gate.parts_deadline()
            if due is not None:
                deadlines.append(due)
                if not self._unheld:
                    deadlines.append(self._quiet_since + self._quiet_s)
        return min(deadlines, default=None)

    def handle_deadline(self, now: float) -> None:
        """Answers what has waited too long on either side."""
        for sequence, asked in self._to_carrier.expired(now):
            self._gate.note("response.timeout")
            if len(self._late) >= _LATE_KEPT:
                del self._late[next(iter(self._late))]
            self._late[sequence] = (decisions_of(asked), asked.pdu is None)
            self._unknown(asked)
        self._deliveries.give_back_expired(now)
        if self._early.waiting:
            self._deliveries.release_receipts(now)
        self._go_on(now)
        if self._held:
            self._gate.parts_due(now)
            if not self._unheld and now >= self._quiet_since + self._quiet_s:
                self._quiet_since = now
                self._gate.parts_quiet()
        self._deliveries.handle_deadline(now)
        self._unbind_when_answered()
