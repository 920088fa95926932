"""The ESME's side of a bind in pool mode: what it asks, what it is answered, and what is delivered to it. Sans-IO.

Owns which of the ESME's requests are open and which deliveries wait for its answer. Must never forward: a permitted
request becomes a ticket, and the dispatch sends it. Every request gets exactly one answer while the ESME is there.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from proxy.core.decision import Permit, Refusal
from proxy.pool.dispatch import Dispatch
from proxy.pool.ticket import Ticket
from proxy.smpp.consts import (
    DELIVER_SM,
    ENQUIRE_LINK_RESP,
    ESME_RMSGQFUL,
    ESME_ROK,
    ESME_RTHROTTLED,
    ESME_RX_T_APPN,
    GENERIC_NACK,
    RESPONSE_BIT,
    SUBMIT_SM_RESP,
    UNBIND,
    UNBIND_RESP,
)
from proxy.smpp.gate import REJECTED, Gate
from proxy.smpp.pdu import Pdu, PduError, response
from proxy.smpp.session import Session
from proxy.smpp.window import Window

_NACK: Final = GENERIC_NACK.to_bytes(4)
_UNKNOWN_RULE: Final = "outcome.unknown"
#: What a permitted request ends with that no route took: its permit was never spent.
_NOT_SENT_RULE: Final = "internal.upstream"
_TAKING: Final = ("rx", "trx")
#: Answers that ask for the same delivery once more, later.
_LATER: Final = (ESME_RX_T_APPN, ESME_RTHROTTLED, ESME_RMSGQFUL)


class PoolGate(Gate, Protocol):
    """A gate that tells whom its latest permit leads to."""

    @property
    def recipient(self) -> str:
        """The canonical recipient of the latest permit."""
        ...

    def stands(self, pdu: Pdu) -> bool:
        """Whether a request that was permitted before would be now; records nothing."""
        ...


class Entry(Protocol):
    """One delivery out of the spool."""

    @property
    def octets(self) -> bytes: ...


class Deliveries(Protocol):
    """What waits for one account, oldest first (`proxy/spool`)."""

    def take(self, account: str, most: int) -> Sequence[Entry]: ...

    def done(self, entry: Any) -> bool: ...

    def give_back_entry(self, entry: Any) -> bool: ...


class Carriers(Protocol):
    """Whose subscriber somebody is (`proxy/routing/carriers.py`)."""

    def of(self, recipient: str, person: bytes) -> str: ...


class Desk:
    """One ESME bind. `now` is monotonic seconds. After each call the shell writes `esme.out`."""

    def __init__(
        self,
        account: str,
        gate: PoolGate,
        esme: Session,
        dispatch: Dispatch,
        carriers: Carriers,
        deliveries: Deliveries,
        *,
        window: int,
        response_s: float,
        later_s: float,
        touched: Callable[[], None],
    ) -> None:
        self.account: str = account
        self._gate = gate
        self.esme: Session | None = esme
        self._dispatch = dispatch
        self._carriers = carriers
        self._deliveries = deliveries
        self._to_esme: Window[Entry] = Window(window, response_s)
        self._later_s = later_s
        #: Told when an answer came that was not asked for by a call of the ESME's own link.
        self._touched = touched
        self._not_before = 0.0
        self._open = 0
        #: How permitted messages ended, and receipts that were answered (see `judging/tallies.py`).
        self.accepted = self.rejected = self.unknown = self.receipts = 0
        self._refusing = 0
        self._unbind: Pdu | None = None
        self._now = 0.0
        #: Set while the process drains: requests are answered `internal.draining`.
        self.draining = False

    @property
    def in_flight(self) -> int:
        """Requests that are not answered yet."""
        return self._open + self._refusing

    @property
    def open_messages(self) -> int:
        """Permitted messages whose end is not known yet."""
        return self._open

    @property
    def delivering(self) -> int:
        """Deliveries that are not answered yet."""
        return len(self._to_esme)

    # ---- requests -----------------------------------------------------------------------------------------------

    def from_esme(self, pdus: list[Pdu], now: float) -> None:
        """Takes the PDUs that the ESME's session let through."""
        self._now = now
        for pdu in pdus:
            if pdu.command_id & RESPONSE_BIT:
                self._esme_answered(pdu, now)
            elif pdu.command_id == UNBIND:
                self._unbind = pdu
            else:
                self._ask(pdu, now)
        self._unbind_when_answered()

    def _ask(self, pdu: Pdu, now: float) -> None:
        """Judges one request and acts on the verdict: the only place where a request of the ESME goes on."""
        try:
            if self.draining:
                verdict: Permit | Refusal = self._gate.unanswerable(pdu, "internal.draining")
            else:
                verdict = self._gate.judge(pdu, self.in_flight + 1)
        except PduError as error:
            self._gate.note("pdu.malformed")
            if self.esme is not None:
                self.esme.respond(pdu, error.status)
            return
        if isinstance(verdict, Permit):
            carrier = self._carriers.of(self._gate.recipient, verdict.decision.person)
            self._open += 1
            self._dispatch.send(Ticket(self, pdu, verdict, carrier), now)
        elif self._gate.awaits_disk(verdict, pdu):
            self._refusing += 1
        else:
            self._refuse(pdu, verdict)

    def stands(self, ticket: Ticket) -> bool:
        """Whether a request that waited is still permitted: refusals, hours and the registry may have changed."""
        return self._gate.stands(ticket.pdu)

    def judge_again(self, ticket: Ticket, now: float) -> None:
        """Asks anew about a request that waited while its recipient refused; its permit is not spent."""
        self._open -= 1
        self.rejected += 1
        self._gate.outcome(ticket.decision_id, REJECTED, self._gate.status_of(_NOT_SENT_RULE), b"")
        self._ask(ticket.pdu, now)
        self._unbind_when_answered()
        self._touched()

    def refusal_durable(self, pdu: Pdu, refusal: Refusal) -> None:
        """The evidence of a refusal is on disk: the ESME may have its answer."""
        self._refusing -= 1
        self._refuse(pdu, refusal)
        self._unbind_when_answered()

    def _refuse(self, pdu: Pdu, refusal: Refusal) -> None:
        if self.esme is None:
            return
        status = self._gate.status(refusal)
        if refusal.decision.detail == "command":
            self.esme.out.append(response(GENERIC_NACK, status, pdu.sequence))
            return
        tlvs = self._gate.status_text(refusal)
        named = pdu.command_id | RESPONSE_BIT == SUBMIT_SM_RESP
        self.esme.respond(pdu, status, b"\0" + tlvs if tlvs and named else b"")

    # ---- what becomes of them (see `ticket.Asker`) ----------------------------------------------------------------

    def answered(self, ticket: Ticket, octets: bytes) -> None:
        self._open -= 1
        if octets[8:12] == b"\0\0\0\0" and octets[4:8] != _NACK:
            self.accepted += 1
        else:
            self.rejected += 1
        if self.esme is not None:
            self.esme.out.append(octets)
        self._unbind_when_answered()
        self._touched()

    def left_unknown(self, ticket: Ticket) -> None:
        self._open -= 1
        self.unknown += 1
        if self.esme is not None:
            self.esme.respond(ticket.pdu, self._gate.status_of(_UNKNOWN_RULE))
        self._unbind_when_answered()
        self._touched()

    def unroutable(self, ticket: Ticket) -> None:
        self._open -= 1
        self.rejected += 1
        # WHY an outcome and no second decision: it was permitted, and then nobody took it.
        status = self._gate.status_of(_NOT_SENT_RULE)
        self._gate.outcome(ticket.decision_id, REJECTED, status, b"")
        if self.esme is not None:
            self.esme.respond(ticket.pdu, status)
        self._unbind_when_answered()
        self._touched()

    def _unbind_when_answered(self) -> None:
        """Answers the ESME's unbind once all its requests have their answers (SMPP v3.4 §4.2)."""
        if self._unbind is not None and self.esme is not None and not self.in_flight:
            self.esme.respond(self._unbind, ESME_ROK)
            self.esme.close("unbound")
            self._unbind = None

    # ---- deliveries ---------------------------------------------------------------------------------------------

    def deliver(self, now: float) -> None:
        """Hands out what waits for the account, as far as the ESME's window allows."""
        esme = self.esme
        if esme is None or esme.state not in _TAKING or self.draining or now < self._not_before:
            return
        room = self._to_esme.size - len(self._to_esme)
        if room <= 0:
            return
        for entry in self._deliveries.take(self.account, room):
            esme.out.append_as(entry.octets, self._to_esme.open(entry, now))

    def _esme_answered(self, pdu: Pdu, now: float) -> None:
        entry = self._to_esme.peek(pdu.sequence)
        if entry is None or pdu.command_id not in (_command_id(entry.octets) | RESPONSE_BIT, GENERIC_NACK):
            if pdu.command_id == UNBIND_RESP and self.esme is not None:
                self.esme.unbound()
            elif pdu.command_id != ENQUIRE_LINK_RESP:
                self._gate.note("response.unsolicited")
            return
        self._to_esme.close(pdu.sequence)
        if pdu.status in _LATER:
            self._deliveries.give_back_entry(entry)
            self._not_before = now + self._later_s
        else:
            if pdu.status:
                # WHY done: the ESME will never take it, and what comes behind it must not wait for ever.
                self._gate.note("delivery.rejected")
            self._deliveries.done(entry)
        self.deliver(now)

    # ---- losing the ESME, and time --------------------------------------------------------------------------------

    def esme_lost(self) -> None:
        """The ESME is gone: what it did not answer is delivered again; its permits that were not spent are dropped."""
        self.esme = None
        for entry in reversed(self._to_esme.drain()):
            self._deliveries.give_back_entry(entry)
        for ticket in self._dispatch.asker_gone(self):
            self._open -= 1
            self.rejected += 1
            self._gate.outcome(ticket.decision_id, REJECTED, self._gate.status_of(_NOT_SENT_RULE), b"")

    def next_sequence(self) -> int:
        """A sequence_number for a link request to the ESME."""
        return self._to_esme.next_sequence()

    def handle_deadline(self, now: float) -> None:
        """Takes back what the ESME did not answer in time, and hands out what waits."""
        late = [entry for _, entry in self._to_esme.expired(now)]
        for entry in reversed(late):
            self._gate.note("response.timeout")
            self._deliveries.give_back_entry(entry)
        self.deliver(now)
        self._unbind_when_answered()


def _command_id(raw: bytes) -> int:
    return int.from_bytes(raw[4:8]) if len(raw) >= 8 else DELIVER_SM
