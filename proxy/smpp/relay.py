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
from proxy.smpp.consts import (
    ALERT_NOTIFICATION,
    DATA_SM,
    DATA_SM_RESP,
    DELIVER_SM,
    ENQUIRE_LINK_RESP,
    ESME_ROK,
    ESME_RX_T_APPN,
    GENERIC_NACK,
    RESPONSE_BIT,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    UNBIND,
    UNBIND_RESP,
)
from proxy.smpp.early_receipts import FULL, WAITS, EarlyReceipts
from proxy.smpp.forward import forward
from proxy.smpp.gate import LATE, REJECTED, UNKNOWN, Gate
from proxy.smpp.inbound import Receipt, Reply
from proxy.smpp.open_requests import Asked, AskedPart, Delivered, message_id
from proxy.smpp.pdu import Pdu, PduError, response
from proxy.smpp.reply_parts import Group, HeardParts, ReplyParts
from proxy.smpp.session import Session
from proxy.smpp.window import Window

_UNKNOWN_RULE: Final = "outcome.unknown"
_LATE_KEPT: Final = 10_000
#: Deliveries that wait for the ESME before the carrier is asked to try again later.
_DELIVERED_MOST: Final = 10_000
_SENDING: Final = ("tx", "trx")
_TAKING: Final = ("rx", "trx")


class MirrorRelay:
    """Joins one ESME session and one carrier session. `now` is monotonic seconds throughout.

    After each call the shell writes `esme.out` and `carrier.out`. While `congested`, it reads nothing from the ESME.
    """

    __slots__ = (
        "_accepted",
        "_asked",
        "_delivered",
        "_draining",
        "_gate",
        "_hearing",
        "_held",
        "_judge",
        "_late",
        "_own",
        "_permitted",
        "_quiet_s",
        "_quiet_since",
        "_refusing",
        "_reply_parts",
        "_spoken_at",
        "_to_carrier",
        "_to_esme",
        "_together",
        "_unbind",
        "_waiting",
        "carrier",
        "esme",
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
        #: A receiver that tdgate opened itself: replies end here, since its account takes none.
        self._own = own
        self._to_carrier: Window[Asked] = Window(carrier_window, response_s)
        self._to_esme: Window[Delivered] = Window(esme_window, response_s)
        self._asked: deque[Pdu] = deque()
        self._delivered: deque[Pdu] = deque()
        self._waiting = EarlyReceipts(self._to_carrier)
        self._refusing = 0
        #: Parts of long messages without a verdict, by identity.
        self._held: dict[int, Pdu] = {}
        #: Permitted parts that wait for room in the carrier's window, in front of what was not judged yet.
        self._permitted: deque[tuple[Pdu, Permit]] = deque()
        self._quiet_s = quiet_s
        self._quiet_since = 0.0
        self._unbind: Pdu | None = None
        self._hearing: dict[int, Session | None] = {}
        self._reply_parts: Final = ReplyParts(gate.joined, reply_wait_s, heard_parts or HeardParts())
        #: All parts of a reply that is heard as one, by the identity of the last.
        self._together: dict[int, tuple[Pdu, ...]] = {}
        #: When the carrier last delivered anything.
        self._spoken_at = 0.0
        #: What was given up, by sequence_number: (decision, whether tdgate itself sent it).
        self._late: dict[int, tuple[int, bool]] = {}
        self._draining = False

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
        waiting = len(self._waiting.waiting) + len(self._hearing) + len(self._reply_parts)
        return len(self._to_esme) + len(self._delivered) + waiting

    @property
    def congested(self) -> bool:
        """Whether the ESME's requests wait for room towards the carrier: reading should stop meanwhile."""
        return bool(self._asked)

    @property
    def crowded(self) -> bool:
        """Whether the carrier's deliveries wait for room towards the ESME: reading should stop meanwhile."""
        # WHY not while congested: then the ESME is not read, and only the carrier's answers bring either side on.
        return bool(self._delivered) and not self._asked

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
                self._esme_answered(pdu, now)
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
            else:
                held = len(self._permitted) + len(self._held)
                verdict = self._judge(pdu, len(self._to_carrier.entries) + len(self._asked) + self._refusing + held + 1)
        except PduError as error:
            self._gate.note("pdu.malformed")
            if self.esme is not None:
                self.esme.respond(pdu, error.status)
            return
        if type(verdict) is Permit and self.carrier is not None:
            forward(verdict, self.carrier, self._to_carrier.open(Asked(pdu, verdict.decision.id), now))
        elif isinstance(verdict, Refusal):
            if self._gate.awaits_disk(verdict, pdu):
                self._refusing += 1
            else:
                self._refuse(pdu, verdict)
        elif verdict is None:
            self._held[id(pdu)] = pdu
            self._quiet_since = now
            self._gate.hold(now, len(self._held), self._unheld)

    def _refuse(self, pdu: Pdu, refusal: Refusal) -> None:
        if self.esme is None:
            return
        status = self._gate.status(refusal)
        if refusal.decision.detail == "command":
            self.esme.out.append(response(GENERIC_NACK, status, pdu.sequence))
            return
        tlvs = self._gate.status_text(refusal)
        # A refused submit_sm has no body in v3.4; TLVs need the empty message_id before them.
        named = pdu.command_id | RESPONSE_BIT in (SUBMIT_SM_RESP, DATA_SM_RESP)
        self.esme.respond(pdu, status, b"\0" + tlvs if tlvs and named else b"")

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

    def unable(self) -> str:
        """The rule for which nothing can be sent to the carrier now, empty where it can."""
        if self._draining:
            return "internal.draining"
        return "" if self.carrier is not None and self.carrier.state in _SENDING else "internal.upstream"

    def _send_permitted(self, now: float) -> None:
        carrier = self.carrier
        while self._permitted and carrier is not None and carrier.state in _SENDING and not self._to_carrier.full:
            pdu, permit = self._permitted.popleft()
            forward(permit, carrier, self._to_carrier.open(AskedPart(pdu, permit.decision.id), now))

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
        forward(permit, carrier, self._to_carrier.open(Asked(None, permit.decision.id), now))
        return True

    def _esme_answered(self, pdu: Pdu, now: float) -> None:
        held = self._to_esme.peek(pdu.sequence)
        if held is None or (pdu.command_id != held.pdu.command_id | RESPONSE_BIT and pdu.command_id != GENERIC_NACK):
            self._unmatched(pdu, self.esme)
            return
        self._to_esme.close(pdu.sequence)
        if self.carrier is not None:
            self.carrier.out.append_as(pdu.raw, held.pdu.sequence)
            if pdu.status == 0:
                self._gate.acknowledged(held.pdu)
        while self._delivered and not self._to_esme.full:
            self._deliver(self._delivered.popleft(), now)

    # ---- the carrier's answers and requests ---------------------------------------------------------------------

    def from_carrier(self, pdus: list[Pdu], now: float) -> None:
        """Takes the PDUs that the carrier's session let through."""
        for pdu in pdus:
            command_id = pdu.command_id
            if command_id & RESPONSE_BIT:
                self._carrier_answered(pdu, now)
            elif command_id in (DELIVER_SM, DATA_SM):
                self._take_delivery(pdu, now)
            elif command_id == ALERT_NOTIFICATION:
                if self.esme is not None and self.esme.state in _TAKING:
                    self.esme.out.append_as(pdu.raw, self._to_esme.next_sequence())
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
        command_id = SUBMIT_SM if request is None else request.command_id
        if pdu.command_id != command_id | RESPONSE_BIT and pdu.command_id != GENERIC_NACK:
            # WHY: an answer to something else says nothing of this message, which goes on waiting for its own.
            self._gate.note("response.unsolicited")
            return
        del entries[pdu.sequence]
        raw = pdu.raw
        if request is None:
            self._gate.own_answered(asked.decision_id, message_id(raw))
        else:
            if pdu.status == 0 and pdu.command_id == SUBMIT_SM_RESP:
                # WHY not an empty one: an empty message_id in a cancel_sm names messages by addresses, anybody's.
                end = raw.find(0, 16)
                if end > 16:
                    self._accepted(raw[16:end])
            elif command_id == SUBMIT_SM:
                self._gate.outcome(asked.decision_id, REJECTED, pdu.status, message_id(raw))
            if self.esme is not None:
                self.esme.out.append_as(raw, request.sequence)
            if type(asked) is AskedPart:
                self._gate.part_answered(request, raw)
        if self._waiting.waiting:
            self._release_receipts(now)
        if self._asked or self._permitted:
            self._go_on(now)
        if self._held:
            self._quiet_since = now
        if self._unbind is not None:
            self._unbind_when_answered()

    def _late_answer(self, pdu: Pdu) -> None:
        """An answer that nobody waits for: the request was answered `outcome.unknown`, or it is a duplicate."""
        decision_id, own = self._late.pop(pdu.sequence, (None, False))
        if decision_id is None:
            self._unmatched(pdu, self.carrier)
        elif own:
            self._gate.own_answered(decision_id, message_id(pdu.raw))
        else:
            self._gate.outcome(decision_id, LATE, pdu.status, message_id(pdu.raw))

    def _unmatched(self, pdu: Pdu, session: Session | None) -> None:
        """A response that no window waits for: to a link request of ours, or to nothing."""
        if pdu.command_id == UNBIND_RESP and session is not None:
            session.unbound()
        elif pdu.command_id != ENQUIRE_LINK_RESP:
            self._gate.note("response.unsolicited")

    def _take_delivery(self, pdu: Pdu, now: float) -> None:
        self._spoken_at = now
        try:
            inbound = self._gate.read_inbound(pdu)
        except PduError as error:
            self._gate.note("pdu.malformed")
            assert self.carrier is not None
            self.carrier.respond(pdu, error.status)
            return
        if isinstance(inbound, Receipt):
            if self._gate.is_own_receipt(inbound):
                self._answer_carrier(pdu, ESME_ROK)
            else:
                self._take_receipt(pdu, inbound, now)
        elif inbound.part is None:
            self._hear((pdu,), inbound, now)
        else:
            for pdus, reply in self._reply_parts.take(pdu, inbound, inbound.part, now):
                self._hear(pdus, reply, now)

    def _hear(self, pdus: tuple[Pdu, ...], reply: Reply, now: float) -> None:
        """Reads what a person wrote, and passes it on: at once, or when what was asked is on disk."""
        last = pdus[-1]
        if self._gate.hear(reply, last):
            self._hearing[id(last)] = self.carrier
            if len(pdus) > 1:
                self._together[id(last)] = pdus
        else:
            for pdu in pdus:
                self._deliver(pdu, now)

    def _hear_apart(self, groups: list[Group], now: float) -> None:
        """Reads parts that are not to become whole in time."""
        for pdus, reply in groups:
            self._gate.note("parts.apart")
            self._hear(pdus, reply, now)

    def reply_durable(self, pdu: Pdu, ok: bool, now: float) -> None:
        """What a person asked is on disk, or could not be put there: then the carrier shall send it again."""
        if self._hearing.pop(id(pdu), None) is not self.carrier or self.carrier is None:
            # The bind it came on is gone, so nobody can be answered: the carrier sends it again on its next one.
            self._together.pop(id(pdu), None)
            return
        for each in self._together.pop(id(pdu), (pdu,)):
            if not ok:
                self._answer_carrier(each, ESME_RX_T_APPN)
            elif self._own:
                # The refusal is safe, and its account takes no replies: the carrier is done. WHY only here: any other
                # reply or receipt would be acknowledged and lost; so the carrier keeps it until a receiver binds.
                self._answer_carrier(each, ESME_ROK)
                self._gate.acknowledged(each)
            else:
                self._deliver(each, now)

    def _take_receipt(self, pdu: Pdu, receipt: Receipt, now: float) -> None:
        said = self._waiting.take(pdu, receipt.about)
        if said == WAITS:
            self._gate.note("receipt.waited")
        elif said == FULL:
            self._answer_carrier(pdu, ESME_RX_T_APPN)
        else:
            self._deliver(pdu, now)

    def _release_receipts(self, now: float) -> None:
        for pdu in self._waiting.released():
            self._deliver(pdu, now)

    def _deliver(self, pdu: Pdu, now: float) -> None:
        """Passes a delivery to the ESME, or says that it cannot take one now."""
        esme = self.esme
        if esme is None or esme.state not in _TAKING or len(self._delivered) >= _DELIVERED_MOST:
            self._answer_carrier(pdu, ESME_RX_T_APPN)
        elif self._to_esme.full:
            self._delivered.append(pdu)
        else:
            sequence = self._to_esme.open(Delivered(pdu), now)
            esme.out.append_as(pdu.raw, sequence)

    def _answer_carrier(self, pdu: Pdu, status: int) -> None:
        if self.carrier is not None:
            self.carrier.respond(pdu, status, b"" if status else b"\0")

    def carrier_sequence(self) -> int:
        """A sequence_number for a link request to the carrier."""
        return self._to_carrier.next_sequence()

    def esme_sequence(self) -> int:
        """A sequence_number for a link request to the ESME."""
        return self._to_esme.next_sequence()

    # ---- losing a side, and time --------------------------------------------------------------------------------

    def carrier_lost(self, now: float) -> None:
        """The carrier is gone: nobody knows what became of the open requests, and they are told so."""
        self.carrier = None
        # WHY read although nobody can be answered: the carrier may not send them again.
        for pdus, reply in self._reply_parts.release(now):
            self._gate.note("parts.apart")
            self._gate.hear(reply, pdus[-1])
        for asked in self._to_carrier.drain():
            self._unknown(asked)
        self._late.clear()
        self._to_esme.drain()
        # WHY: what the carrier delivered and never had answered, it sends again on its next bind.
        self._delivered.clear()
        self._waiting.drain()
        while self._permitted:
            # WHY unknown although it was not sent: of its message another part may have been.
            part, permit = self._permitted.popleft()
            self._unknown(AskedPart(part, permit.decision.id))
        if self._held:
            self._gate.parts_given_up("internal.upstream")
        while self._asked:
            self._ask(self._asked.popleft(), now)
        self._unbind_when_answered()

    def carrier_back(self, carrier: Session) -> None:
        """A new bind to the carrier took the place of a lost one."""
        self.carrier = carrier

    def esme_lost(self) -> None:
        """The ESME is gone: its open deliveries go back to the carrier, its open requests are still waited for."""
        self.esme = None
        self._hear_apart(self._reply_parts.release(self._spoken_at), self._spoken_at)
        for delivered in self._to_esme.drain():
            if self.carrier is not None:
                status = ESME_RX_T_APPN
                self.carrier.out.append(
                    response(delivered.pdu.command_id | RESPONSE_BIT, status, delivered.pdu.sequence)
                )
        for pdu in (*self._delivered, *self._waiting.drain()):
            self._answer_carrier(pdu, ESME_RX_T_APPN)
        self._delivered.clear()
        # Not judged yet, so nothing of them is anywhere: they die with the connection that asked.
        self._asked.clear()
        if self._held:
            self._held.clear()
            self._gate.parts_lost()

    def _unknown(self, asked: Asked) -> None:
        request = asked.pdu
        if request is None:
            return
        self._gate.outcome(asked.decision_id, UNKNOWN, 0, b"")
        status = self._gate.status_of(_UNKNOWN_RULE)
        if self.esme is not None:
            self.esme.out.append(response(request.command_id | RESPONSE_BIT, status, request.sequence))
        if type(asked) is AskedPart:
            self._gate.part_answered(request, response(request.command_id | RESPONSE_BIT, status, request.sequence))

    def next_deadline(self) -> float | None:
        """Monotonic time of the next `handle_deadline`, None while nothing waits."""
        deadlines = [when for when in (self._to_carrier.next_deadline(), self._to_esme.next_deadline()) if when]
        first = self._reply_parts.next_deadline()
        if first is not None:
            # WHY the quiet: a carrier that waits for an answer of ours sends no other part before it has one.
            deadlines += [first, self._spoken_at + self._quiet_s]
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
            self._late[sequence] = (asked.decision_id, asked.pdu is None)
            self._unknown(asked)
        for _, delivered in self._to_esme.expired(now):
            self._gate.note("response.timeout")
            if self.carrier is not None:
                status = ESME_RX_T_APPN
                self.carrier.out.append(
                    response(delivered.pdu.command_id | RESPONSE_BIT, status, delivered.pdu.sequence)
                )
        if self._waiting.waiting:
            self._release_receipts(now)
        self._go_on(now)
        if self._held:
            self._gate.parts_due(now)
            if not self._unheld and now >= self._quiet_since + self._quiet_s:
                self._quiet_since = now
                self._gate.parts_quiet()
        if now >= self._spoken_at + self._quiet_s:
            self._hear_apart(self._reply_parts.release(now), now)
        else:
            self._hear_apart(self._reply_parts.expired(now), now)
        while self._delivered and not self._to_esme.full:
            self._deliver(self._delivered.popleft(), now)
        self._unbind_when_answered()
