"""What the carrier delivers on one bind: receipts, and what persons write. Sans-IO.

Owns the way of a delivery to the ESME and of its answer back. Must never acknowledge what the ESME did not take, pass
a refusal on before it is on disk, or answer a delivery twice. How it works: deliveries are entered in the ESME's
window; what has to wait (a full window, a receipt before its response, a reply before its commit or before its other
parts) waits here, unanswered. Receipts of tdgate's own come out of a spool, and go back to it where the ESME does not
take them.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, Final, Protocol

from proxy.smpp.consts import (
    DELIVER_SM,
    ESME_RMSGQFUL,
    ESME_ROK,
    ESME_RTHROTTLED,
    ESME_RX_T_APPN,
    GENERIC_NACK,
    RESPONSE_BIT,
)
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
_LATER_S: Final = 5.0


#: Answers that ask for the same delivery once more, later.
_LATER: Final = (ESME_RX_T_APPN, ESME_RTHROTTLED, ESME_RMSGQFUL)


class RenamedReceipt(Pdu):
    """A receipt of the carrier under the id that tdgate gave, which is `ours`; `is_final` as in `inbound.Receipt`."""

    __slots__ = ("is_final", "ours")

    def __init__(self, pdu: Pdu, raw: bytes, ours: int, is_final: bool) -> None:
        super().__init__(pdu.command_id, pdu.status, pdu.sequence, raw)
        self.ours: Final = ours
        self.is_final: Final = is_final


class Spooled(Protocol):
    """Receipts of tdgate's own that wait for an account, oldest first (`proxy/spool`)."""

    def take(self, most: int) -> Sequence[Any]:
        """The next ones, each with its `octets`."""
        ...

    def done(self, entry: Any) -> None: ...

    def give_back(self, entry: Any) -> None: ...


class Delivered:
    """A delivery that waits for the ESME: the carrier's, or with an `entry` one out of the spool."""

    __slots__ = ("entry", "pdu")

    def __init__(self, pdu: Pdu, entry: Any = None) -> None:
        self.pdu: Final = pdu
        self.entry: Final = entry


class Deliveries:
    """The carrier's side towards the ESME, for one relay, which tells it of every loss. `now` is monotonic seconds."""

    __slots__ = (
        "_carrier",
        "_delivered",
        "_early",
        "_esme",
        "_gate",
        "_hearing",
        "_not_before",
        "_own",
        "_quiet_s",
        "_reply_parts",
        "_spoken_at",
        "_to_esme",
        "_together",
        "receipts",
        "spooled",
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
        #: What tdgate itself has for the account; None where it keeps nothing.
        self.spooled: Spooled | None = None
        self._not_before = 0.0

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
        if held.entry is not None:
            self._spooled_answered(held.entry, pdu.status, now)
        elif self._carrier is not None:
            self._carrier.out.append_as(pdu.raw, held.pdu.sequence)
            if pdu.status == 0:
                self._gate.acknowledged(held.pdu)
        self._deliver_waiting(now)
        return True

    def deliver_spooled(self, now: float) -> None:
        """Hands out what tdgate itself has for the account, as far as the ESME's window allows."""
        esme, spooled = self._esme, self.spooled
        if spooled is None or esme is None or esme.state not in _TAKING or self._delivered or now < self._not_before:
            return
        room = self._to_esme.size - len(self._to_esme)
        if room <= 0:
            return
        for entry in spooled.take(room):
            pdu = Pdu(DELIVER_SM, 0, 0, entry.octets)
            esme.out.append_as(pdu.raw, self._to_esme.open(Delivered(pdu, entry), now))

    def _spooled_answered(self, entry: Any, status: int, now: float) -> None:
        assert self.spooled is not None
        if status in _LATER:
            self.spooled.give_back(entry)
            self._not_before = now + _LATER_S
            return
        if status:
            # WHY done: the ESME will never take it, and what comes behind it must not wait for ever.
            self._gate.note("delivery.rejected")
        self.spooled.done(entry)
        self.deliver_spooled(now)

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
            self._deliver_renamed(pdu, now)

    def release_receipts(self, now: float) -> None:
        """Delivers the receipts that wait for no response any more."""
        for pdu in self._early.released():
            self._deliver_renamed(pdu, now)

    def _deliver_renamed(self, pdu: Pdu, now: float) -> None:
        renamed = self._gate.renamed(pdu)
        if renamed is None:
            # WHY not kept here: the answer that tells whose it is comes on another bind, which knows nothing of this.
            self._gate.note("receipt.waited")
            self._answer_carrier(pdu, ESME_RX_T_APPN)
        else:
            self._deliver(renamed, now)

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
        """The ESME never answered: the carrier is to send it again, or tdgate does."""
        if delivered.entry is not None:
            assert self.spooled is not None
            self.spooled.give_back(delivered.entry)
        elif self._carrier is not None:
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
        for delivered in self._to_esme.drain():
            if delivered.entry is not None:
                self._give_back(delivered)
        # WHY: what the carrier delivered and never had answered, it sends again on its next bind.
        self._delivered.clear()
        self._early.drain()
        # WHY: what is being put on disk of its words is heard all the same, but nobody is answered any more.
        self._hearing.clear()
        self._together.clear()

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
