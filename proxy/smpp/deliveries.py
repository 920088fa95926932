"""What the carrier delivers on one bind: receipts, and what persons write. Sans-IO.

Owns the way of a delivery to the ESME and of its answer back. Must never acknowledge what the ESME did not take, pass
a refusal on before it is on disk, or answer a delivery twice. How it works: deliveries are entered in the ESME's
window; what has to wait (a full window, a receipt before its response, a reply before its commit or before its other
parts) waits here, unanswered.
"""

from collections import deque
from typing import Final

from proxy.smpp.consts import ESME_ROK, ESME_RX_T_APPN, GENERIC_NACK, RESPONSE_BIT
from proxy.smpp.early_receipts import FULL, WAITS, EarlyReceipts
from proxy.smpp.gate import Gate
from proxy.smpp.inbound import Receipt, Reply
from proxy.smpp.pdu import Pdu, PduError, response
from proxy.smpp.reply_parts import Group, HeardParts, ReplyParts
from proxy.smpp.session import Session
from proxy.smpp.window import Window

#: Deliveries that wait for the ESME before the carrier is asked to try again later.
_MOST: Final = 10_000
_TAKING: Final = ("rx", "trx")


class Delivered:
    """A delivery of the carrier that waits for the ESME."""

    __slots__ = ("pdu",)

    def __init__(self, pdu: Pdu) -> None:
        self.pdu: Final = pdu


class Deliveries:
    """The carrier's side towards the ESME, for one relay, which tells it of every loss. `now` is monotonic seconds."""

    __slots__ = (
        "_carrier",
        "_delivered",
        "_early",
        "_esme",
        "_gate",
        "_hearing",
        "_own",
        "_quiet_s",
        "_reply_parts",
        "_spoken_at",
        "_to_esme",
        "_together",
        "receipts",
    )

    def __init__(
        self,
        gate: Gate,
        esme: Session | None,
        carrier: Session | None,
        early: EarlyReceipts,
        *,
        window: int,
        response_s: float,
        own: bool,
        quiet_s: float,
        reply_wait_s: float,
        heard_parts: HeardParts,
    ) -> None:
        self._gate = gate
        self._esme = esme
        self._carrier = carrier
        self._early = early
        #: A receiver that tdgate opened itself: replies end here, since its account takes none.
        self._own = own
        self._quiet_s = quiet_s
        self._to_esme: Window[Delivered] = Window(window, response_s)
        self._delivered: deque[Pdu] = deque()
        self._hearing: dict[int, Session | None] = {}
        self._reply_parts: Final = ReplyParts(gate.joined, reply_wait_s, heard_parts)
        #: All parts of a reply that is heard as one, by the identity of the last.
        self._together: dict[int, tuple[Pdu, ...]] = {}
        #: When the carrier last delivered anything.
        self._spoken_at = 0.0
        #: Receipts for the account's messages that came, repeated ones counted again.
        self.receipts = 0

    @property
    def unanswered(self) -> int:
        """Deliveries of the carrier that are not answered yet."""
        waiting = len(self._early.waiting) + len(self._hearing) + len(self._reply_parts)
        return len(self._to_esme) + len(self._delivered) + waiting

    @property
    def crowded(self) -> bool:
        """Whether deliveries wait for room towards the ESME."""
        return bool(self._delivered)

    def sequence(self) -> int:
        """A sequence_number towards the ESME for what needs no place in the window."""
        return self._to_esme.next_sequence()

    def alert(self, pdu: Pdu) -> None:
        """Passes an alert_notification on; nobody answers one (SMPP v3.4 §4.12)."""
        if self._esme is not None and self._esme.state in _TAKING:
            self._esme.out.append_as(pdu.raw, self.sequence())

    # ---- what the carrier delivers, and its answers --------------------------------------------------------------

    def take(self, pdu: Pdu, now: float) -> None:
        """Takes a deliver_sm or data_sm of the carrier."""
        self._spoken_at = now
        try:
            inbound = self._gate.read_inbound(pdu)
        except PduError as error:
            self._gate.note("pdu.malformed")
            assert self._carrier is not None
            self._carrier.respond(pdu, error.status)
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

    def esme_answered(self, pdu: Pdu, now: float) -> bool:
        """Passes the ESME's answer to a delivery back; False where it belongs to none."""
        held = self._to_esme.peek(pdu.sequence)
        if held is None or (pdu.command_id != held.pdu.command_id | RESPONSE_BIT and pdu.command_id != GENERIC_NACK):
            return False
        self._to_esme.close(pdu.sequence)
        if self._carrier is not None:
            self._carrier.out.append_as(pdu.raw, held.pdu.sequence)
            if pdu.status == 0:
                self._gate.acknowledged(held.pdu)
        self._deliver_waiting(now)
        return True

    def _hear(self, pdus: tuple[Pdu, ...], reply: Reply, now: float) -> None:
        """Reads what a person wrote, and passes it on: at once, or when what was asked is on disk."""
        last = pdus[-1]
        if self._gate.hear(reply, last):
            self._hearing[id(last)] = self._carrier
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
        if self._hearing.pop(id(pdu), None) is not self._carrier or self._carrier is None:
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
        self.receipts += 1
        said = self._early.take(pdu, receipt.about)
        if said == WAITS:
            self._gate.note("receipt.waited")
        elif said == FULL:
            self._answer_carrier(pdu, ESME_RX_T_APPN)
        else:
            self._deliver(pdu, now)

    def release_receipts(self, now: float) -> None:
        """Delivers the receipts that wait for no response any more."""
        for pdu in self._early.released():
            self._deliver(pdu, now)

    def _deliver(self, pdu: Pdu, now: float) -> None:
        """Passes a delivery to the ESME, or says that it cannot take one now."""
        esme = self._esme
        if esme is None or esme.state not in _TAKING or len(self._delivered) >= _MOST:
            self._answer_carrier(pdu, ESME_RX_T_APPN)
        elif self._to_esme.full:
            self._delivered.append(pdu)
        else:
            sequence = self._to_esme.open(Delivered(pdu), now)
            esme.out.append_as(pdu.raw, sequence)

    def _deliver_waiting(self, now: float) -> None:
        while self._delivered and not self._to_esme.full:
            self._deliver(self._delivered.popleft(), now)

    def _answer_carrier(self, pdu: Pdu, status: int) -> None:
        if self._carrier is not None:
            self._carrier.respond(pdu, status, b"" if status else b"\0")

    def _give_back(self, delivered: Delivered) -> None:
        """The ESME never answered: the carrier is to send it again."""
        if self._carrier is not None:
            pdu = delivered.pdu
            self._carrier.out.append(response(pdu.command_id | RESPONSE_BIT, ESME_RX_T_APPN, pdu.sequence))

    # ---- losing a side, and time --------------------------------------------------------------------------------

    def carrier_lost(self, now: float) -> None:
        """The carrier is gone, and with it everything that it delivered."""
        self._carrier = None
        # WHY read although nobody can be answered: the carrier may not send them again.
        for pdus, reply in self._reply_parts.release(now):
            self._gate.note("parts.apart")
            self._gate.hear(reply, pdus[-1])
        self._to_esme.drain()
        # WHY: what the carrier delivered and never had answered, it sends again on its next bind.
        self._delivered.clear()
        self._early.drain()

    def carrier_back(self, carrier: Session) -> None:
        """A new bind to the carrier took the place of a lost one."""
        self._carrier = carrier

    def esme_lost(self) -> None:
        """The ESME is gone: its open deliveries go back to the carrier."""
        self._esme = None
        self._hear_apart(self._reply_parts.release(self._spoken_at), self._spoken_at)
        for delivered in self._to_esme.drain():
            self._give_back(delivered)
        for pdu in (*self._delivered, *self._early.drain()):
            self._answer_carrier(pdu, ESME_RX_T_APPN)
        self._delivered.clear()

    def next_deadline(self) -> float | None:
        """Monotonic time of the next `handle_deadline`, None while nothing waits."""
        due = self._to_esme.next_deadline()
        first = self._reply_parts.next_deadline()
        if first is None:
            return due
        # WHY the quiet: a carrier that waits for an answer of ours sends no other part before it has one.
        parts_due = min(first, self._spoken_at + self._quiet_s)
        return parts_due if due is None else min(due, parts_due)

    def give_back_expired(self, now: float) -> None:
        """What the ESME did not answer in time goes back to the carrier."""
        for _, delivered in self._to_esme.expired(now):
            self._gate.note("response.timeout")
            self._give_back(delivered)

    def handle_deadline(self, now: float) -> None:
        """Reads the parts that waited long enough, and delivers what there is room for now."""
        if now >= self._spoken_at + self._quiet_s:
            self._hear_apart(self._reply_parts.release(now), now)
        else:
            self._hear_apart(self._reply_parts.expired(now), now)
        self._deliver_waiting(now)
