"""The submit_multi of one mirrored bind: judged for each destination, sent to those permitted, answered once. Sans-IO.

Owns the way from the request to its answer. Must never answer before the evidence of every final refusal in it is on
disk, or send to anybody who was refused.
"""

from typing import Protocol

from proxy.core.decision import Permit, Refusal
from proxy.smpp.asked import AskedSeveral
from proxy.smpp.gate import REJECTED, UNKNOWN, Gate
from proxy.smpp.pdu import Pdu
from proxy.smpp.several import Several

_UNKNOWN_RULE = "outcome.unknown"


class SeveralRelay(Protocol):
    """What a submit_multi asks of its relay."""

    accepted: int
    rejected: int
    unknown: int

    def refuse(self, pdu: Pdu, refusal: Refusal) -> None:
        """Answers a request of the ESME with a refusal."""
        ...

    def send_several(self, asked: AskedSeveral, permit: Permit, now: float) -> None:
        """Sends what is permitted of one; the caller saw to it that the carrier is there, with room."""
        ...

    def answer(self, pdu: Pdu, octets: bytes) -> None:
        """Answers a request of the ESME with these octets, under its sequence_number."""
        ...


class SeveralAsked:
    """The submit_multi of one bind. `open` of them wait for the disk only."""

    __slots__ = ("_gate", "_relay", "open")

    def __init__(self, gate: Gate, relay: SeveralRelay) -> None:
        self._gate = gate
        self._relay = relay
        self.open = 0

    def ask(self, pdu: Pdu, in_flight: int, now: float) -> None:
        """Judges a submit_multi: those permitted go on together, and the answer tells of the others.

        Raises PduError where it cannot be read.
        """
        several = self._gate.judge_several(pdu, in_flight)
        if isinstance(several, Refusal):
            self._relay.refuse(pdu, several)
            return
        permit = several.permit
        if permit is None:
            self.open += 1
            self._answer(several)
        else:
            self._relay.send_several(AskedSeveral(several, permit), permit, now)

    def answered(self, asked: AskedSeveral, raw: bytes) -> None:
        """The carrier's word on the permitted ones, joined with ours on the others."""
        several, relay = asked.several, self._relay
        given, readable = several.answered(raw)
        if given:
            self._gate.accepted_several(given, several)
        if not readable:
            self._gate.note("pdu.malformed")
        rejected = 0
        for decision_id, status in several.rejected(raw):
            rejected += 1
            self._gate.outcome(decision_id, REJECTED, status, given)
        relay.rejected += rejected
        relay.accepted += len(several.permitted) - rejected
        self.open += 1
        self._answer(several)

    def left_unknown(self, asked: AskedSeveral) -> None:
        """The carrier never answered: nobody knows what became of the permitted ones."""
        several = asked.several
        for _, decision in several.permitted:
            self._relay.unknown += 1
            self._gate.outcome(decision.id, UNKNOWN, 0, b"")
        several.unknown(self._gate.status_of(_UNKNOWN_RULE))
        self.open += 1
        self._answer(several)

    def durable(self, several: Several) -> None:
        """The evidence of all refusals of one is on disk: the ESME may have its answer, if it stands."""
        self._answer(several)

    def _answer(self, several: Several) -> None:
        """Answers one; it counts as open, and is answered later, while its refusals are on their way."""
        if several.ready:
            self.open -= 1
            self._relay.answer(several.pdu, several.answer)
