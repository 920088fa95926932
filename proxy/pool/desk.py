"""The ESME's side of a bind in pool mode: what it asks, and what it is answered. Sans-IO.

Owns which of the ESME's requests are open (what is delivered to it: `deliveries.py`). Must never forward: a permitted
request becomes a ticket, and the dispatch sends it. Every request gets exactly one answer while the ESME is there.
"""

from collections.abc import Callable
from typing import Final

from proxy.core.addresses import recipient
from proxy.core.decision import Permit, Refusal
from proxy.pool.deliveries import EsmeDeliveries
from proxy.pool.dispatch import Dispatch, our_id
from proxy.pool.gate import Carriers, PoolGate
from proxy.pool.several import Gathered, SeveralTicket
from proxy.pool.spoken import named_in
from proxy.pool.ticket import Errand, Ticket
from proxy.smpp.by_id import query_answer
from proxy.smpp.consts import (
    CANCEL_SM,
    ENQUIRE_LINK_RESP,
    ESME_RCANCELFAIL,
    ESME_ROK,
    ESME_RSUBMITFAIL,
    ESME_RSYSERR,
    GENERIC_NACK,
    HEADER_OCTETS,
    QUERY_SM,
    REPLACE_SM,
    RESPONSE_BIT,
    STATE_ENROUTE,
    SUBMIT_MULTI,
    UNBIND,
    UNBIND_RESP,
)
from proxy.smpp.gate import ACCEPTED, REJECTED, UNKNOWN
from proxy.smpp.pdu import Pdu, PduError, response
from proxy.smpp.refusal_answer import refusal_answer
from proxy.smpp.session import Session
from proxy.smpp.several import Several
from proxy.smpp.short_message import read_sm

_NACK: Final = GENERIC_NACK.to_bytes(4)
_UNKNOWN_RULE: Final = "outcome.unknown"
#: What a permitted request ends with that no route took: its permit was never spent.
_NOT_SENT_RULE: Final = "internal.upstream"
_BY_ID: Final = (QUERY_SM, CANCEL_SM, REPLACE_SM)
_HEADER: Final = bytes(HEADER_OCTETS)


class Desk:
    """One ESME bind. `now` is monotonic seconds. After each call the shell writes `esme.out`."""

    def __init__(
        self,
        account: str,
        gate: PoolGate,
        esme: Session,
        dispatch: Dispatch,
        carriers: Carriers,
        deliveries: EsmeDeliveries,
        *,
        quiet_s: float,
        next_id: Callable[[], int],
        touched: Callable[[], None],
    ) -> None:
        self.account: str = account
        self._gate = gate
        self._pooled = gate.pooled
        self.esme: Session | None = esme
        self._dispatch = dispatch
        self._carriers = carriers
        self.deliveries: Final = deliveries
        #: Told when an answer came that was not asked for by a call of the ESME's own link.
        self._touched = touched
        self._open = 0
        #: How permitted messages ended, and receipts that were answered (see `judging/tallies.py`).
        self.accepted = self.rejected = self.unknown = self.receipts = 0
        self._refusing = 0
        self._unbind: Pdu | None = None
        self._draining = False
        self._next_id = next_id
        self._quiet_s = quiet_s
        self._quiet_since = 0.0
        #: Parts of long messages that wait for the others, by identity.
        self._held: dict[int, Pdu] = {}
        #: Long messages that were permitted here and have not ended.
        self._long_open = 0
        #: Open requests that are no messages by themselves: parts of long ones, and what is asked about one.
        self._parts_open = 0
        #: Persons of submit_multis whose end is not known yet.
        self._several_open = 0

    @property
    def draining(self) -> bool:
        """Set while the process drains: requests are answered `internal.draining`."""
        return self._draining

    @draining.setter
    def draining(self, value: bool) -> None:
        self._draining = self.deliveries.draining = value
        if value and self._held:
            self._gate.parts_given_up("internal.draining")

    @property
    def in_flight(self) -> int:
        """Requests that are not answered yet."""
        return self._open + self._refusing + len(self._held)

    @property
    def open_messages(self) -> int:
        """Permitted messages whose end is not known yet."""
        return self._open - self._parts_open + self._long_open + self._several_open

    # ---- requests -----------------------------------------------------------------------------------------------

    def from_esme(self, pdus: list[Pdu], now: float) -> None:
        """Takes the PDUs that the ESME's session let through."""
        for pdu in pdus:
            if pdu.command_id & RESPONSE_BIT:
                if not self.deliveries.answered(pdu, now):
                    self._answered_nothing(pdu)
            elif pdu.command_id == UNBIND:
                self._unbind = pdu
            else:
                self._ask(pdu, now)
        self._unbind_when_answered()

    def _ask(self, pdu: Pdu, now: float) -> None:
        """Judges one request and acts on the verdict: the only place where a request of the ESME goes on."""
        try:
            if self._draining:
                verdict: Permit | Refusal | None = self._gate.unanswerable(pdu, "internal.draining")
            elif pdu.command_id == SUBMIT_MULTI:
                self._ask_several(pdu, now)
                return
            else:
                verdict = self._gate.judge(pdu, self.in_flight + 1)
        except PduError as error:
            self._gate.note("pdu.malformed")
            if self.esme is not None:
                self.esme.respond(pdu, error.status)
            return
        if isinstance(verdict, Permit):
            if pdu.command_id in _BY_ID:
                self._ask_about(pdu, verdict, now)
                return
            carrier = self._carriers.of(self._gate.recipient, verdict.decision.person)
            self._open += 1
            self._dispatch.send(Ticket(self, pdu, verdict, carrier, now), now)
        elif verdict is None:
            self._held[id(pdu)] = pdu
            self._quiet_since = now
            self._gate.hold(now, len(self._held), self._open + self._refusing)
        elif self._gate.awaits_disk(verdict, pdu):
            self._refusing += 1
        else:
            self._refuse(pdu, verdict)

    def _ask_about(self, pdu: Pdu, permit: Permit, now: float) -> None:
        """Asks the carrier that has a message about it; what no carrier has yet is answered here."""
        own = self._gate.own_message(pdu)
        if own is not None:
            # Its permit is dropped unspent: tdgate itself has the message.
            if own.is_held:
                self._held[id(pdu)] = pdu
            elif self.esme is not None:
                self.esme.out.append_as(own.answer, pdu.sequence)
            return
        spoken = self._gate.spoken
        assert spoken is not None
        if spoken.ticket is None:
            self._open += 1
            self._parts_open += pdu.command_id != REPLACE_SM
            self._dispatch.send(Errand(self, pdu, permit, spoken.route, spoken.message, now), now)
        elif self.esme is not None and pdu.command_id == QUERY_SM:
            self.esme.out.append_as(query_answer(named_in(pdu.raw), STATE_ENROUTE), pdu.sequence)
        elif self.esme is not None:
            called_back = self._dispatch.call_back(spoken.ticket)
            self.esme.respond(pdu, ESME_ROK if called_back else ESME_RCANCELFAIL)

    def _answered_nothing(self, pdu: Pdu) -> None:
        """A response of the ESME to no delivery: to a request of the link, or to nothing at all."""
        if pdu.command_id == UNBIND_RESP and self.esme is not None:
            self.esme.unbound()
        elif pdu.command_id != ENQUIRE_LINK_RESP:
            self._gate.note("response.unsolicited")

    # ---- submit_multi (see `several.py`) ----------------------------------------------------------------------------

    def _ask_several(self, pdu: Pdu, now: float) -> None:
        """Judges a submit_multi: those permitted go on, those of one carrier together, and one answer tells of all."""
        several = self._gate.judge_several(pdu, self.in_flight + 1)
        if isinstance(several, Refusal):
            self._refuse(pdu, several)
            return
        assert isinstance(several, Gathered)
        # It counts as refusing until it is answered, whoever of it is sent.
        self._refusing += 1
        self._several_open += len(several.permitted)
        for carrier, group in several.groups:
            self._dispatch.send(SeveralTicket(self, several, carrier, group, now), now)
        if not several.groups:
            self._answer_several(several)

    def _several_ended(self, ticket: SeveralTicket, result: str, statuses: dict[int, int], raw: bytes = b"") -> None:
        """A group has ended: `statuses` tell of those who were not taken, each with `result`; all others were."""
        several = ticket.several
        self._several_open -= len(several.permitted)
        for destination, decision in several.permitted:
            if decision.id in statuses:
                self._count(result)
            else:
                self._count(ACCEPTED)
                octets = _HEADER + several.before + destination.octets[1:]
                self._pooled(our_id(decision.id), octets, decision)
        ticket.whole.end(several, statuses, raw)
        self._answer_several(ticket.whole)

    def _several_not_sent(self, ticket: SeveralTicket, refused: dict[int, int]) -> None:
        """Nothing of a group is sent: `refused` to some persons, to be tried again for the others."""
        again = self._gate.status_of(_NOT_SENT_RULE)
        statuses = {decision.id: refused.get(decision.id, again) for _, decision in ticket.several.permitted}
        for decision_id, status in statuses.items():
            self._gate.outcome(decision_id, REJECTED, status, b"")
        self._several_ended(ticket, REJECTED, statuses)

    def _answer_several(self, several: Several) -> None:
        if not several.ready:
            return
        self._refusing -= 1
        if self.esme is not None:
            self.esme.out.append_as(several.answer, several.pdu.sequence)
        self._unbind_when_answered()
        self._touched()

    def several_durable(self, several: Several) -> None:
        """The evidence of all refusals of a submit_multi is on disk: the ESME may have its answer, if it stands."""
        self._answer_several(several)

    # ---- parts of long messages (see `smpp/concat.Holder`) ----------------------------------------------------------

    def part_permitted(self, pdu: Pdu, permit: Permit, now: float) -> None:
        """A part that is held here goes on, under an id of its own behind the first."""
        if self._held.pop(id(pdu), None) is None:
            return
        # WHY read again: the gate of another bind may have permitted it, and another bind may have sent its first part.
        sm = read_sm(pdu.raw)
        carrier = self._carriers.of(recipient(sm.dest_ton, sm.dest_npi, sm.dest) or "", permit.decision.person)
        first = permit.decision.id != self._dispatch.latest_decision
        self._open += 1
        self._parts_open += 1
        self._dispatch.send(Ticket(self, pdu, permit, carrier, now, 0 if first else self._next_id()), now)

    def part_refused(self, pdu: Pdu, refusal: Refusal) -> None:
        """A part that is held here is refused, its evidence on disk where it has to be."""
        if self._held.pop(id(pdu), None) is not None:
            self._refuse(pdu, refusal)
            self._unbind_when_answered()
            self._touched()

    def part_answered(self, pdu: Pdu, answer: bytes) -> None:
        """A part that is held here came before, and gets the answer that was given then."""
        if self._held.pop(id(pdu), None) is not None and self.esme is not None:
            self.esme.out.append_as(answer, pdu.sequence)
            self._unbind_when_answered()
            self._touched()

    def message_permitted(self) -> None:
        """A long message was permitted by the gate of this bind, where it counts."""
        self._long_open += 1

    def message_ended(self, decision_id: int, result: str, answer: bytes) -> None:
        """It is known how a long message ended that was permitted here."""
        self._long_open -= 1
        self._count(result)
        if result != ACCEPTED:
            status = int.from_bytes(answer[8:12], "big") if result == REJECTED else 0
            self._gate.outcome(decision_id, result, status, b"")

    def part_joined(self, now: float) -> None:
        """The message of a part that is held here goes on somewhere."""
        self._quiet_since = now

    def unable(self) -> str:
        """The rule for which nothing can be sent now, empty where it can."""
        return "internal.draining" if self._draining else ""

    def refusal_durable(self, pdu: Pdu, refusal: Refusal) -> None:
        """The evidence of a refusal is on disk: the ESME may have its answer."""
        self._refusing -= 1
        self._refuse(pdu, refusal)
        self._unbind_when_answered()

    def _refuse(self, pdu: Pdu, refusal: Refusal) -> None:
        if self.esme is not None:
            self.esme.out.append(refusal_answer(self._gate, pdu, refusal))

    # ---- what becomes of them (see `ticket.Asker`) ----------------------------------------------------------------

    def answered(self, ticket: Ticket, octets: bytes) -> None:
        result = ACCEPTED if octets[8:12] == b"\0\0\0\0" and octets[4:8] != _NACK else REJECTED
        if type(ticket) is Ticket:
            if result == ACCEPTED:
                self._pooled(octets[16:32], ticket.pdu.raw, ticket.permit.decision)
        elif isinstance(ticket, SeveralTicket):
            # WHY never 0: whoever is named was not taken, whatever the carrier says of it.
            statuses = {each: status or ESME_RSYSERR for each, status in ticket.several.rejected(octets)}
            self._several_ended(ticket, REJECTED, statuses, octets)
            return
        self._ended(ticket, octets, result)

    def left_unknown(self, ticket: Ticket) -> None:
        if isinstance(ticket, SeveralTicket):
            status = self._gate.status_of(_UNKNOWN_RULE)
            self._several_ended(ticket, UNKNOWN, {decision.id: status for _, decision in ticket.several.permitted})
            return
        self._ended(ticket, self._response(ticket, _UNKNOWN_RULE), UNKNOWN)

    def unroutable(self, ticket: Ticket) -> None:
        if isinstance(ticket, SeveralTicket):
            self._several_not_sent(ticket, {})
            return
        # WHY an outcome and no second decision: it was permitted, and then nobody took it.
        self._not_sent(ticket, self._gate.status_of(_NOT_SENT_RULE))
        self._ended(ticket, self._response(ticket, _NOT_SENT_RULE), REJECTED)

    def stands(self, ticket: Ticket) -> bool:
        """Whether a request that waited is still permitted: refusals, hours and the registry may have changed.

        Where it is not, it ends with what it would be refused with now; other parts of its message may be gone already.
        """
        if isinstance(ticket, Errand) and ticket.pdu.command_id != REPLACE_SM:
            return True
        if isinstance(ticket, SeveralTicket):
            refused = self._gate.refused_several(ticket.several)
            if refused:
                self._several_not_sent(ticket, refused)
            return not refused
        refusal = self._gate.refused_now(ticket.pdu)
        if refusal is None:
            return True
        # WHY an outcome and no second decision: one request is counted once, and ends once.
        self._not_sent(ticket, self._gate.status(refusal))
        self._ended(ticket, refusal_answer(self._gate, ticket.pdu, refusal), REJECTED)
        return False

    def called_back(self, ticket: Ticket) -> None:
        self._not_sent(ticket, ESME_RSUBMITFAIL)
        pdu = ticket.pdu
        self._ended(ticket, response(pdu.command_id | RESPONSE_BIT, ESME_RSUBMITFAIL, pdu.sequence), REJECTED)

    def _ended(self, ticket: Ticket, octets: bytes, result: str) -> None:
        """Gives the ESME its answer, and counts how the request ended."""
        self._open -= 1
        if self.esme is not None:
            self.esme.out.append(octets)
        if ticket.part is None:
            self._count(result)
        elif ticket.pdu.command_id == REPLACE_SM:
            self._count(result)
            if result != ACCEPTED:
                status = int.from_bytes(octets[8:12], "big") if result == REJECTED else 0
                self._gate.outcome(ticket.decision_id, result, status, b"")
        else:
            self._parts_open -= 1
            self._gate.part_answered(ticket.pdu, octets, result)
        self._unbind_when_answered()
        self._touched()

    def _not_sent(self, ticket: Ticket, status: int) -> None:
        """A permit that is never spent: its message ends as rejected, by tdgate's own status."""
        if ticket.part is None:
            self._gate.outcome(ticket.decision_id, REJECTED, status, b"")

    def _count(self, result: str) -> None:
        if result == ACCEPTED:
            self.accepted += 1
        elif result == REJECTED:
            self.rejected += 1
        else:
            self.unknown += 1

    def _response(self, ticket: Ticket, rule: str) -> bytes:
        return response(ticket.pdu.command_id | RESPONSE_BIT, self._gate.status_of(rule), ticket.pdu.sequence)

    def _unbind_when_answered(self) -> None:
        """Answers the ESME's unbind once all its requests have their answers (SMPP v3.4 §4.2)."""
        if self._unbind is not None and self.esme is not None and not self.in_flight:
            self.esme.respond(self._unbind, ESME_ROK)
            self.esme.close("unbound")
            self._unbind = None

    # ---- losing the ESME, and time --------------------------------------------------------------------------------

    def esme_lost(self) -> None:
        """The ESME is gone: what it did not answer is delivered again; its permits that were not spent are dropped."""
        self.esme = None
        if self._held:
            self._held.clear()
            self._gate.parts_lost()
        self.deliveries.lost()
        for ticket in self._dispatch.asker_gone(self):
            self.unroutable(ticket)

    def handle_deadline(self, now: float) -> None:
        """Looks after deliveries and after parts that wait too long."""
        self.deliveries.handle_deadline(now)
        if self._held:
            self._gate.parts_due(now)
            if not self._open and not self._refusing and now >= self._quiet_since + self._quiet_s:
                self._quiet_since = now
                self._gate.parts_quiet()
        self._unbind_when_answered()
