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
from proxy.smpp.asked import TAIL, Asked, AskedSeveral, AskedToCancel, decisions_of, destinations_of
from proxy.smpp.consts import (
    ALERT_NOTIFICATION,
    CANCEL_SM,
    DATA_SM,
    DATA_SM_RESP,
    DELIVER_SM,
    ENQUIRE_LINK_RESP,
    ESME_RCANCELFAIL,
    ESME_ROK,
    ESME_RX_T_APPN,
    GENERIC_NACK,
    RESPONSE_BIT,
    SUBMIT_MULTI,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    UNBIND,
    UNBIND_RESP,
)
from proxy.smpp.forward import forward
from proxy.smpp.gate import LATE, REJECTED, UNKNOWN, Gate
from proxy.smpp.inbound import Receipt
from proxy.smpp.pdu import Pdu, PduError, response
from proxy.smpp.session import Session
from proxy.smpp.several import Several
from proxy.smpp.window import Window, is_later
from proxy.smpp.withdrawal import Withdrawal

_UNKNOWN_RULE: Final = "outcome.unknown"
_LATE_KEPT: Final = 10_000
#: Deliveries that wait for the ESME before the carrier is asked to try again later.
_DELIVERED_MOST: Final = 10_000
#: Receipts that wait for a response before the carrier is asked to try again later.
_EARLY_MOST: Final = 1000
#: Answers in which the carrier gives the id of a message that it took.
_ACCEPTING: Final = (SUBMIT_SM_RESP, DATA_SM_RESP)
_SENDING: Final = ("tx", "trx")
_TAKING: Final = ("rx", "trx")


class Delivered:
    """A delivery of the carrier that waits for the ESME."""

    __slots__ = ("pdu",)

    def __init__(self, pdu: Pdu) -> None:
        self.pdu: Final = pdu


class Waiting:
    """A receipt that may have come before the response to the message it is about.

    `about` is the end of that message's address, `last` the latest request to it that was open then.
    """

    __slots__ = ("about", "last", "pdu")

    def __init__(self, pdu: Pdu, about: bytes, last: int) -> None:
        self.pdu: Final = pdu
        self.about: Final = about
        self.last: Final = last


class MirrorRelay:
    """Joins one ESME session and one carrier session. `now` is monotonic seconds throughout.

    After each call the shell writes `esme.out` and `carrier.out`. While `congested`, it reads nothing from the ESME.
    """

    __slots__ = (
        "_accepted",
        "_asked",
        "_delivered",
        "_gate",
        "_hearing",
        "_judge",
        "_late",
        "_own",
        "_refusing",
        "_to_carrier",
        "_to_esme",
        "_unbind",
        "_waiting",
        "carrier",
        "draining",
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
    ) -> None:
        self._gate = gate
        self._judge = gate.judge
        self._accepted = gate.accepted
        self.esme = esme
        self.carrier = carrier
        #: A receiver that tdgate opened itself: replies end here, since its account takes none.
        self._own = own
        self._to_carrier: Window[Asked | AskedToCancel] = Window(carrier_window, response_s)
        self._to_esme: Window[Delivered] = Window(esme_window, response_s)
        self._asked: deque[Pdu] = deque()
        self._delivered: deque[Pdu] = deque()
        self._waiting: list[Waiting] = []
        self._refusing = 0
        self._unbind: Pdu | None = None
        self._hearing: dict[int, Session | None] = {}
        #: What was given up, by sequence_number: (its decisions, whether tdgate itself sent it).
        self._late: dict[int, tuple[tuple[int, ...], bool]] = {}
        #: Set while the route or the process drains: the ESME's requests are answered `internal.draining`.
        self.draining = False

    # ---- the ESME's requests and answers ------------------------------------------------------------------------

    @property
    def in_flight(self) -> int:
        """Requests of the ESME that are not answered yet."""
        return len(self._to_carrier) + len(self._asked) + self._refusing

    @property
    def delivering(self) -> int:
        """Deliveries of the carrier that are not answered yet."""
        return len(self._to_esme) + len(self._delivered) + len(self._waiting) + len(self._hearing)

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
            if self.draining:
                verdict: Permit | Refusal = self._gate.unanswerable(pdu, "internal.draining")
            elif self.carrier is None or self.carrier.state not in _SENDING:
                verdict = self._gate.unanswerable(pdu, "internal.upstream")
            elif pdu.command_id == SUBMIT_MULTI:
                self._ask_several(pdu, self.carrier, now)
                return
            else:
                verdict = self._judge(pdu, len(self._to_carrier.entries) + len(self._asked) + self._refusing + 1)
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

    def _ask_several(self, pdu: Pdu, carrier: Session, now: float) -> None:
        """Judges a submit_multi: those permitted go on together, and the answer tells of the others."""
        several = self._gate.judge_several(pdu, len(self._to_carrier) + len(self._asked) + self._refusing + 1)
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
        message_id, readable = several.answered(raw)
        if message_id:
            self._gate.accepted_several(message_id, several)
        if not readable:
            self._gate.note("pdu.malformed")
        for decision_id, status in several.rejected(raw):
            self._gate.outcome(decision_id, REJECTED, status, message_id)
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
            self._gate.cancelled(asked.decision_id, _failed(pdu))
        elif request is None:
            self._gate.own_answered(asked.decision_id, _message_id(raw))
        elif isinstance(asked, AskedSeveral):
            self._several_answered(asked, raw)
        else:
            if pdu.status == 0 and pdu.command_id in _ACCEPTING:
                # WHY not an empty one: an empty message_id in a cancel_sm names messages by addresses, anybody's.
                end = raw.find(0, 16)
                if end > 16:
                    self._accepted(raw[16:end], request.raw, asked.decision)
            elif command_id in (SUBMIT_SM, DATA_SM):
                self._gate.outcome(asked.decision_id, REJECTED, pdu.status, _message_id(raw))
            if self.esme is not None:
                self.esme.out.append_as(raw, request.sequence)
        if self._waiting:
            self._release_receipts(now)
        while self._asked and not self._to_carrier.full:
            self._ask(self._asked.popleft(), now)
        if self._unbind is not None:
            self._unbind_when_answered()

    def _late_answer(self, pdu: Pdu) -> None:
        """An answer that nobody waits for: the request was answered `outcome.unknown`, or it is a duplicate."""
        decision_ids, own = self._late.pop(pdu.sequence, ((), False))
        if not decision_ids:
            self._unmatched(pdu, self.carrier)
        for decision_id in decision_ids:
            if own:
                self._gate.own_answered(decision_id, _message_id(pdu.raw))
                continue
            self._gate.outcome(decision_id, LATE, pdu.status, _message_id(pdu.raw))

    def _unmatched(self, pdu: Pdu, session: Session | None) -> None:
        """A response that no window waits for: to a link request of ours, or to nothing."""
        if pdu.command_id == UNBIND_RESP and session is not None:
            session.unbound()
        elif pdu.command_id != ENQUIRE_LINK_RESP:
            self._gate.note("response.unsolicited")

    def _take_delivery(self, pdu: Pdu, now: float) -> None:
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
        elif self._gate.hear(inbound, pdu):
            self._hearing[id(pdu)] = self.carrier
        else:
            self._deliver(pdu, now)

    def reply_durable(self, pdu: Pdu, ok: bool, now: float) -> None:
        """What a person asked is on disk, or could not be put there: then the carrier shall send it again."""
        if self._hearing.pop(id(pdu), None) is not self.carrier or self.carrier is None:
            # The bind it came on is gone, so nobody can be answered: the carrier sends it again on its next one.
            return
        if not ok:
            self._answer_carrier(pdu, ESME_RX_T_APPN)
        elif self._own:
            # The refusal is safe, and its account takes no replies: the carrier is done. WHY only here: any other
            # reply or receipt would be acknowledged and lost; so the carrier keeps it until a receiver binds.
            self._answer_carrier(pdu, ESME_ROK)
            self._gate.acknowledged(pdu)
        else:
            self._deliver(pdu, now)

    def _take_receipt(self, pdu: Pdu, receipt: Receipt, now: float) -> None:
        # WHY the end of it: carriers write a number with or without its country code.
        about = receipt.about[-TAIL:]
        last = self._latest_to(about)
        if not last:
            self._deliver(pdu, now)
        elif len(self._waiting) >= _EARLY_MOST:
            self._answer_carrier(pdu, ESME_RX_T_APPN)
        else:
            self._gate.note("receipt.waited")
            self._waiting.append(Waiting(pdu, about, last))

    def _latest_to(self, about: bytes) -> int:
        """The latest request to an address whose response is awaited, so that the ESME knows no id yet; or 0."""
        for sequence, (_, asked) in reversed(self._to_carrier.entries.items()):
            if asked.pdu is not None and about in asked.pdu.raw and about in destinations_of(asked):
                return sequence
        return 0

    def _release_receipts(self, now: float) -> None:
        """Delivers the receipts that wait for nothing any more: what was asked after they came is not theirs."""
        earliest: dict[bytes, int] = {}
        for sequence, (_, asked) in self._to_carrier.entries.items():
            for about in destinations_of(asked):
                earliest.setdefault(about, sequence)
        still: list[Waiting] = []
        for waiting in self._waiting:
            first = earliest.get(waiting.about)
            if first is None or is_later(first, waiting.last):
                self._deliver(waiting.pdu, now)
            else:
                still.append(waiting)
        self._waiting = still

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
        for asked in self._to_carrier.drain():
            self._unknown(asked)
        self._late.clear()
        self._to_esme.drain()
        # WHY: what the carrier delivered and never had answered, it sends again on its next bind.
        self._delivered.clear()
        self._waiting.clear()
        while self._asked:
            self._ask(self._asked.popleft(), now)
        self._unbind_when_answered()

    def carrier_back(self, carrier: Session) -> None:
        """A new bind to the carrier took the place of a lost one."""
        self.carrier = carrier

    def esme_lost(self) -> None:
        """The ESME is gone: its open deliveries go back to the carrier, its open requests are still waited for."""
        self.esme = None
        for delivered in self._to_esme.drain():
            if self.carrier is not None:
                status = ESME_RX_T_APPN
                self.carrier.out.append(
                    response(delivered.pdu.command_id | RESPONSE_BIT, status, delivered.pdu.sequence)
                )
        for pdu in (*self._delivered, *(waiting.pdu for waiting in self._waiting)):
            self._answer_carrier(pdu, ESME_RX_T_APPN)
        self._delivered.clear()
        self._waiting.clear()
        # Not judged yet, so nothing of them is anywhere: they die with the connection that asked.
        self._asked.clear()

    def _unknown(self, asked: Asked | AskedToCancel) -> None:
        request = asked.pdu
        if request is None:
            if isinstance(asked, AskedToCancel):
                self._gate.cancelled(asked.decision_id, None)
            return
        if isinstance(asked, AskedSeveral):
            for _, decision in asked.several.permitted:
                self._gate.outcome(decision.id, UNKNOWN, 0, b"")
            asked.several.unknown(self._gate.status_of(_UNKNOWN_RULE))
            self._refusing += 1
            self._answer_several(asked.several)
            return
        self._gate.outcome(asked.decision_id, UNKNOWN, 0, b"")
        if self.esme is not None:
            status = self._gate.status_of(_UNKNOWN_RULE)
            self.esme.out.append(response(request.command_id | RESPONSE_BIT, status, request.sequence))

    def next_deadline(self) -> float | None:
        """Monotonic time of the next `handle_deadline`, None while nothing waits."""
        deadlines = [when for when in (self._to_carrier.next_deadline(), self._to_esme.next_deadline()) if when]
        return min(deadlines, default=None)

    def handle_deadline(self, now: float) -> None:
        """Answers what has waited too long on either side."""
        for sequence, asked in self._to_carrier.expired(now):
            self._gate.note("response.timeout")
            if len(self._late) >= _LATE_KEPT:
                del self._late[next(iter(self._late))]
            self._late[sequence] = (decisions_of(asked), asked.pdu is None)
            self._unknown(asked)
        for _, delivered in self._to_esme.expired(now):
            self._gate.note("response.timeout")
            if self.carrier is not None:
                status = ESME_RX_T_APPN
                self.carrier.out.append(
                    response(delivered.pdu.command_id | RESPONSE_BIT, status, delivered.pdu.sequence)
                )
        if self._waiting:
            self._release_receipts(now)
        while self._asked and not self._to_carrier.full:
            self._ask(self._asked.popleft(), now)
        while self._delivered and not self._to_esme.full:
            self._deliver(self._delivered.popleft(), now)
        self._unbind_when_answered()


def _failed(pdu: Pdu) -> int:
    """The status of an answer to a cancel_sm; a generic_nack cancels nothing, whatever it says."""
    return pdu.status or (ESME_RCANCELFAIL if pdu.command_id == GENERIC_NACK else ESME_ROK)


def _message_id(raw: bytes) -> bytes:
    """The message_id of a response, empty where it came without a body."""
    return raw[16:].partition(b"\0")[0]
