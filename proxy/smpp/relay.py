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
    ACCEPTING,
    SINGLE,
    Asked,
    AskedById,
    AskedKept,
    AskedPart,
    AskedSeveral,
    AskedToCancel,
    decisions_of,
    message_id,
    messages_of,
)
from proxy.smpp.by_id import BY_ID, with_id
from proxy.smpp.consts import (
    ALERT_NOTIFICATION,
    CANCEL_SM,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK_RESP,
    ESME_ROK,
    GENERIC_NACK,
    QUERY_SM_RESP,
    RESPONSE_BIT,
    SUBMIT_MULTI,
    SUBMIT_SM,
    UNBIND,
    UNBIND_RESP,
)
from proxy.smpp.deliveries import Deliveries
from proxy.smpp.early_receipts import EarlyReceipts
from proxy.smpp.forward import forward
from proxy.smpp.gate import ACCEPTED, LATE, REJECTED, UNKNOWN, Gate
from proxy.smpp.held_parts import HeldParts
from proxy.smpp.pdu import Pdu, PduError, response
from proxy.smpp.refusal_answer import refusal_answer
from proxy.smpp.reply_parts import HeardParts
from proxy.smpp.session import Session
from proxy.smpp.several_asked import SeveralAsked
from proxy.smpp.window import Window
from proxy.smpp.withdrawal import Withdrawal, failure_of

_UNKNOWN_RULE: Final = "outcome.unknown"
_LATE_KEPT: Final = 10_000
_SENDING: Final = ("tx", "trx")


class MirrorRelay:
    """Joins one ESME session and one carrier session. `now` is monotonic seconds throughout.

    After each call the shell writes `esme.out` and `carrier.out`. While `congested`, it reads nothing from the ESME.
    """

    __slots__ = (
        "_accepted", "_asked", "_draining", "_early", "_gate", "_judge", "_late", "_refusing", "_to_carrier",
        "_unbind", "accepted", "carrier", "deliveries", "esme", "parts", "rejected", "several", "unknown",
    )  # fmt: skip

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
        self.deliveries = Deliveries(
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
        #: The parts of long messages on this bind: their `concat.Holder`.
        self.parts: Final = HeldParts(gate, self, quiet_s)
        self.several: Final = SeveralAsked(gate, self)
        self._unbind: Pdu | None = None
        #: What was given up, by sequence_number: it may still be answered.
        self._late: dict[int, Asked | AskedToCancel] = {}
        self._draining = False
        #: How permitted messages of the ESME ended: counted for billing (`judging/tallies.py`).
        self.accepted = self.rejected = self.unknown = 0

    # ---- the ESME's requests and answers ------------------------------------------------------------------------

    @property
    def in_flight(self) -> int:
        """Requests of the ESME that are not answered yet, and what is sent for one that had its answer."""
        return self._unheld + len(self.parts.held) + self.parts.kept_open + self.parts.reserved

    @property
    def _unheld(self) -> int:
        parts = self.parts
        waiting = len(self._asked) + self._refusing + self.several.open + len(parts.permitted)
        return len(self._to_carrier) + waiting - parts.kept_open

    @property
    def draining(self) -> bool:
        """Set while the route or the process drains: the ESME's requests are answered `internal.draining`."""
        return self._draining

    @draining.setter
    def draining(self, value: bool) -> None:
        self._draining = value
        if value and self.parts.held:
            self._gate.parts_given_up("internal.draining")

    @property
    def delivering(self) -> int:
        """Deliveries of the carrier that are not answered yet."""
        return self.deliveries.unanswered

    @property
    def receipts(self) -> int:
        """Receipts that came for messages of the account."""
        return self.deliveries.receipts

    @property
    def open_messages(self) -> int:
        """Permitted messages of the ESME that the carrier has not answered; looks at each."""
        return self.parts.open_messages + sum(messages_of(asked) for _, asked in self._to_carrier.entries.values())

    @property
    def congested(self) -> bool:
        """Whether the ESME's requests wait for room towards the carrier: reading should stop meanwhile."""
        return bool(self._asked)

    @property
    def crowded(self) -> bool:
        """Whether the carrier's deliveries wait for room towards the ESME: reading should stop meanwhile."""
        # WHY not while congested: then the ESME is not read, and only the carrier's answers bring either side on.
        return self.deliveries.crowded and not self._asked

    def from_esme(self, pdus: list[Pdu], now: float) -> None:
        """Takes the PDUs that the ESME's session let through."""
        entries, size = self._to_carrier.entries, self._to_carrier.size
        if self.parts.held:
            self.parts.spoken(now)
        for pdu in pdus:
            command_id = pdu.command_id
            if command_id == SUBMIT_SM:
                if self._asked or len(entries) >= size:
                    self._asked.append(pdu)
                else:
                    self._ask(pdu, now)
            elif command_id & RESPONSE_BIT:
                if not self.deliveries.esme_answered(pdu, now):
                    self._unmatched(pdu, self.esme)
            elif command_id == UNBIND:
                self._unbind = pdu
                self.unbind_when_answered()
            elif self._to_carrier.full or self._asked:
                self._asked.append(pdu)
            else:
                self._ask(pdu, now)

    def unbind_when_answered(self) -> None:
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
                self.several.ask(pdu, self._unheld + len(self.parts.held) + 1, now)
                self.unbind_when_answered()
                return
            else:
                parts = self.parts
                held = len(parts.permitted) + len(parts.held) - parts.kept_open + self.several.open
                verdict = self._judge(pdu, len(self._to_carrier.entries) + len(self._asked) + self._refusing + held + 1)
        except PduError as error:
            self._gate.note("pdu.malformed")
            if self.esme is not None:
                self.esme.respond(pdu, error.status)
            return
        if type(verdict) is Permit and self.carrier is not None:
            if pdu.command_id in BY_ID:
                self._ask_by_id(pdu, verdict, self.carrier, now)
            else:
                forward(verdict, self.carrier, self._to_carrier.open(Asked(pdu, verdict.decision), now))
        elif isinstance(verdict, Refusal):
            if self._gate.awaits_disk(verdict, pdu):
                self._refusing += 1
            else:
                self._refuse(pdu, verdict)
        elif verdict is None:
            self.parts.hold(pdu, now, self._unheld)

    def _ask_by_id(self, pdu: Pdu, permit: Permit, carrier: Session, now: float) -> None:
        """Asks about a message by its id; tdgate itself answers for one that the carrier does not have."""
        own = self._gate.own_message(pdu)
        if own is not None and own.answer:
            # Its permit is dropped unspent: nothing goes to the carrier.
            self.answer(pdu, own.answer)
        elif own is not None and own.is_held:
            self.parts.held[id(pdu)] = pdu
        else:
            asked = Asked(pdu, permit.decision) if own is None else AskedById(pdu, permit.decision, own.name)
            forward(permit, carrier, self._to_carrier.open(asked, now))

    def _refuse(self, pdu: Pdu, refusal: Refusal) -> None:
        if self.esme is not None:
            self.esme.out.append(refusal_answer(self._gate, pdu, refusal))

    def refuse(self, pdu: Pdu, refusal: Refusal) -> None:
        """Answers a request with a refusal, after which the ESME may be free to go."""
        self._refuse(pdu, refusal)
        self.unbind_when_answered()

    def answer(self, pdu: Pdu, octets: bytes) -> None:
        """Answers a request with these octets, under its sequence_number."""
        if self.esme is not None:
            self.esme.out.append_as(octets, pdu.sequence)
            self.unbind_when_answered()

    def reply_durable(self, pdu: Pdu, ok: bool, now: float) -> None:
        """What a person asked is on disk, or could not be put there: then the carrier shall send it again."""
        self.deliveries.reply_durable(pdu, ok, now)

    def refusal_durable(self, pdu: Pdu, refusal: Refusal) -> None:
        """The evidence of a refusal is on disk: the ESME may have its answer."""
        self._refusing -= 1
        self.refuse(pdu, refusal)

    # ---- the way to the carrier -----------------------------------------------------------------------------------

    def unable(self) -> str:
        """The rule for which nothing can be sent to the carrier now, empty where it can."""
        if self._draining:
            return "internal.draining"
        return "" if self.carrier is not None and self.carrier.state in _SENDING else "internal.upstream"

    def send_permitted(self, now: float) -> None:
        """Sends permitted parts, as far as the carrier's window has room."""
        carrier, permitted = self.carrier, self.parts.permitted
        while permitted and carrier is not None and carrier.state in _SENDING and not self._to_carrier.full:
            asked, permit = permitted.popleft()
            if isinstance(asked, AskedKept) and not self.parts.kept_stands(asked):
                continue
            forward(permit, carrier, self._to_carrier.open(asked, now))

    def _go_on(self, now: float) -> None:
        """Sends and asks what waited for room towards the carrier, permitted parts first."""
        self.send_permitted(now)
        while self._asked and not self._to_carrier.full:
            self._ask(self._asked.popleft(), now)

    def send_several(self, asked: AskedSeveral, permit: Permit, now: float) -> None:
        """Sends what is permitted of a submit_multi. INVARIANT: whoever asks saw that there is a carrier with room."""
        assert self.carrier is not None
        forward(permit, self.carrier, self._to_carrier.open(asked, now))

    def send_own(self, permit: Permit, now: float) -> bool:
        """Sends a message of tdgate itself (a confirmation); False where there is no room or no way."""
        carrier = self.carrier
        if carrier is None or carrier.state not in _SENDING or self._to_carrier.full:
            return False
        forward(permit, carrier, self._to_carrier.open(Asked(None, permit.decision), now))
        return True

    def refused(self, person: bytes, institutions: tuple[str, ...]) -> bool:
        """A person (by digest) refused these: what waits for room and is to them is not sent; whether there was any."""
        return self.parts.refused(person, institutions)

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
                self.deliveries.take(pdu, now)
            elif command_id == ALERT_NOTIFICATION:
                self.deliveries.alert(pdu)
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
            self.several.answered(asked, raw)
        elif isinstance(asked, AskedKept):
            self.parts.kept_answered(asked, pdu)
        else:
            if type(asked) is AskedById and not pdu.status:
                raw = with_id(raw, asked.ours) if pdu.command_id == QUERY_SM_RESP else raw
            is_part = type(asked) is AskedPart
            result = ACCEPTED if pdu.status == 0 and pdu.command_id in ACCEPTING else REJECTED
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
            self.deliveries.release_receipts(now)
        if self._asked or self.parts.permitted:
            self._go_on(now)
        if self.parts.held:
            self.parts.spoken(now)
        if self._unbind is not None:
            self.unbind_when_answered()

    def _late_answer(self, pdu: Pdu) -> None:
        """An answer that nobody waits for: the request was answered `outcome.unknown`, or it is a duplicate."""
        asked = self._late.pop(pdu.sequence, None)
        if asked is None:
            self._unmatched(pdu, self.carrier)
            return
        given = message_id(pdu.raw)
        if isinstance(asked, AskedKept) and pdu.status == 0 and pdu.command_id in ACCEPTING:
            # WHY: it was told as unknown, and yet its receipt is to find its way.
            self.parts.kept_taken(asked, given)
        for decision_id in decisions_of(asked):
            if asked.pdu is None:
                self._gate.own_answered(decision_id, given)
            else:
                self._gate.outcome(decision_id, LATE, pdu.status, given)

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
        return self.deliveries.sequence()

    # ---- losing a side, and time --------------------------------------------------------------------------------

    def carrier_lost(self, now: float) -> None:
        """The carrier is gone: nobody knows what became of the open requests, and they are told so."""
        self.carrier = None
        self.deliveries.carrier_lost(now)
        # WHY parts too that were not sent: of their message another part may have been.
        self._all_unknown([*self._to_carrier.drain(), *self.parts.carrier_lost()])
        self._late.clear()
        if self.parts.held:
            self._gate.parts_given_up("internal.upstream")
        while self._asked:
            self._ask(self._asked.popleft(), now)
        self.unbind_when_answered()

    def carrier_back(self, carrier: Session) -> None:
        """A new bind to the carrier took the place of a lost one."""
        self.carrier = carrier
        self.deliveries.carrier_back(carrier)

    def esme_lost(self) -> None:
        """The ESME is gone: its open deliveries go back to the carrier, its open requests are still waited for."""
        self.esme = None
        self.deliveries.esme_lost()
        # Not judged yet, so nothing of them is anywhere: they die with the connection that asked.
        self._asked.clear()
        self.parts.esme_lost()

    def _all_unknown(self, lost: list[Asked | AskedToCancel]) -> None:
        # WHY: none is in the window any more, so that an unbind would have its answer before all of these.
        unbind, self._unbind = self._unbind, None
        for asked in lost:
            self._unknown(asked)
        self._unbind = unbind

    def _unknown(self, asked: Asked | AskedToCancel) -> None:
        request = asked.pdu
        if request is None:
            if isinstance(asked, AskedToCancel):
                self._gate.cancelled(asked.decision_id, None)
            return
        if isinstance(asked, AskedSeveral):
            self.several.left_unknown(asked)
            return
        if isinstance(asked, AskedKept):
            self.parts.kept_unknown(asked)
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
        waits = (
            self._to_carrier.next_deadline(),
            self.deliveries.next_deadline(),
            self.parts.next_deadline(self._unheld),
        )
        return min([when for when in waits if when is not None], default=None)

    def handle_deadline(self, now: float) -> None:
        """Answers what has waited too long on either side."""
        expired = self._to_carrier.expired(now)
        for sequence, asked in expired:
            self._gate.note("response.timeout")
            if len(self._late) >= _LATE_KEPT:
                del self._late[next(iter(self._late))]
            self._late[sequence] = asked
        self._all_unknown([asked for _, asked in expired])
        self.deliveries.give_back_expired(now)
        if self._early.waiting:
            self.deliveries.release_receipts(now)
        self._go_on(now)
        self.parts.handle_deadline(now, self._unheld)
        self.deliveries.handle_deadline(now)
        self.unbind_when_answered()
