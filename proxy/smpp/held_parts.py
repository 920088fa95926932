"""The parts of long messages on one mirrored bind: held, permitted, or sent for a stalled message. Sans-IO.

Owns which parts this bind holds, and the line of permitted ones that wait for room towards the carrier. Must never
answer a part that it does not hold. It is the `concat.Holder` of its bind; the relay writes what it says.
"""

from collections import deque
from typing import Protocol

from proxy.core.decision import Permit, Refusal
from proxy.smpp.asked import ACCEPTING, Asked, AskedKept, AskedPart, message_id
from proxy.smpp.consts import ESME_RUNKNOWNERR
from proxy.smpp.gate import ACCEPTED, REJECTED, UNKNOWN, Gate
from proxy.smpp.pdu import Pdu
from proxy.smpp.refusal_answer import refusal_answer


class PartsRelay(Protocol):
    """What the parts of a bind ask of its relay."""

    accepted: int
    rejected: int
    unknown: int

    def refuse(self, pdu: Pdu, refusal: Refusal) -> None:
        """Answers a request of the ESME with a refusal."""
        ...

    def answer(self, pdu: Pdu, octets: bytes) -> None:
        """Answers a request of the ESME with these octets, under its sequence_number."""
        ...

    def send_permitted(self, now: float) -> None:
        """Sends what is permitted, as far as the carrier's window has room."""
        ...

    def unable(self) -> str:
        """As `concat.Holder.unable`."""
        ...

    def unbind_when_answered(self) -> None:
        """Lets the ESME go that asked to, once nothing of it is open."""
        ...


class HeldParts:
    """The parts of one bind. `now` is monotonic seconds."""

    __slots__ = (
        "_gate",
        "_quiet_s",
        "_quiet_since",
        "_relay",
        "held",
        "kept_open",
        "open_messages",
        "permitted",
        "reserved",
    )

    def __init__(self, gate: Gate, relay: PartsRelay, quiet_s: float) -> None:
        self._gate = gate
        self._relay = relay
        self._quiet_s = quiet_s
        self._quiet_since = 0.0
        #: Parts without a verdict, by identity.
        self.held: dict[int, Pdu] = {}
        #: Permitted parts that wait for room in the carrier's window, in front of what was not judged yet.
        self.permitted: deque[tuple[Asked, Permit]] = deque()
        #: Long messages that were permitted here and have not ended.
        self.open_messages = 0
        #: Parts of stalled messages that are in the line or at the carrier: no request of the ESME waits for them.
        self.kept_open = 0
        #: Stalled messages that are about to be sent here: the bind must not end before.
        self.reserved = 0

    def hold(self, pdu: Pdu, now: float, others: int) -> None:
        """Holds a part that the gate gave back; `others` are the ESME's unanswered requests beside parts."""
        self.held[id(pdu)] = pdu
        self._quiet_since = now
        self._gate.hold(now, len(self.held), others)

    def spoken(self, now: float) -> None:
        """Something came from either side: nobody waits for us in silence."""
        self._quiet_since = now

    def send_kept(self, asked: AskedKept, permit: Permit, now: float) -> None:
        """Takes a permitted part of a stalled message, whose sender has its answer already."""
        self.kept_open += 1
        self.permitted.append((asked, permit))
        self._relay.send_permitted(now)

    # ---- as `concat.Holder` ---------------------------------------------------------------------------------------

    def part_permitted(self, pdu: Pdu, permit: Permit, now: float) -> None:
        """A part that is held here goes on as soon as the carrier's window has room."""
        if self.held.pop(id(pdu), None) is not None:
            self.permitted.append((AskedPart(pdu, permit.decision), permit))
            self._relay.send_permitted(now)

    def part_refused(self, pdu: Pdu, refusal: Refusal) -> None:
        """A part that is held here is refused, its evidence on disk where it has to be."""
        if self.held.pop(id(pdu), None) is not None:
            self._relay.refuse(pdu, refusal)

    def part_answered(self, pdu: Pdu, answer: bytes) -> None:
        """A part that is held here has its answer: one that was given before, or one of tdgate's own."""
        if self.held.pop(id(pdu), None) is not None:
            self._relay.answer(pdu, answer)

    def part_joined(self, now: float) -> None:
        """The message of a part that is held here goes on somewhere."""
        self._quiet_since = now

    def refused(self, person: bytes, institutions: tuple[str, ...]) -> bool:
        """Refuses what waits for room and would not be permitted now; whether there was any.

        WHY not asked of each part that waited: a refusal is rare, a part that waits is not.
        """
        waiting, refused = list(self.permitted), False
        for asked, permit in waiting:
            decision = asked.decision
            if (
                type(asked) is not AskedPart
                or decision.person != person
                or decision.ground.principal not in institutions
            ):
                continue
            assert asked.pdu is not None
            refusal = self._gate.refused_now(asked.pdu)
            if refusal is not None:
                refused = True
                self.permitted.remove((asked, permit))
                # WHY no second decision: one request is counted once, and ends once.
                self._relay.refuse(asked.pdu, refusal)
                answer = refusal_answer(self._gate, asked.pdu, refusal)
                self._gate.part_answered(asked.pdu, answer, REJECTED)
        return refused

    def message_permitted(self) -> None:
        """A long message was permitted by the gate of this bind, where it counts."""
        self.open_messages += 1

    def message_ended(self, decision_id: int, result: str, answer: bytes) -> None:
        """It is known how a long message ended that was permitted here."""
        self.open_messages -= 1
        relay = self._relay
        if result == ACCEPTED:
            relay.accepted += 1
        elif result == REJECTED:
            relay.rejected += 1
            status = int.from_bytes(answer[8:12], "big")
            self._gate.outcome(decision_id, REJECTED, status, message_id(answer))
        else:
            relay.unknown += 1
            self._gate.outcome(decision_id, UNKNOWN, 0, b"")

    def unable(self) -> str:
        """The rule for which nothing can be sent to the carrier now, empty where it can."""
        return self._relay.unable()

    # ---- parts of stalled messages ----------------------------------------------------------------------------------

    def release(self) -> None:
        """A stalled message that was about to be sent here is, or is not to be."""
        self.reserved -= 1
        self._relay.unbind_when_answered()

    def kept_stands(self, asked: AskedKept) -> bool:
        """Whether it may go out now. WHY asked: its sender has its answer, and a "TD" may have come since."""
        if asked.teller.stands_still(asked.id):
            return True
        self.kept_open -= 1
        return False

    def kept_answered(self, asked: AskedKept, pdu: Pdu) -> None:
        """The carrier's answer to a part whose sender was answered before it was sent."""
        self.kept_open -= 1
        if pdu.status == 0 and pdu.command_id in ACCEPTING:
            self.kept_taken(asked, message_id(pdu.raw))
        else:
            asked.teller.rejected_by_carrier(asked.id, pdu.status or ESME_RUNKNOWNERR)

    def kept_taken(self, asked: AskedKept, carrier_id: bytes) -> None:
        """The carrier took it."""
        if carrier_id and asked.pdu is not None:
            self._gate.accepted(carrier_id, asked.pdu.raw, asked.decision)
        asked.teller.taken(asked.id, carrier_id, asked.decision)

    def kept_unknown(self, asked: AskedKept) -> None:
        """Nobody knows whether the carrier took it."""
        self.kept_open -= 1
        asked.teller.left_unknown(asked.id)

    # ---- losing a side, and time --------------------------------------------------------------------------------

    def esme_lost(self) -> None:
        """The ESME is gone, and with it what was held for it."""
        if self.held:
            self.held.clear()
            self._gate.parts_lost()

    def carrier_lost(self) -> list[Asked]:
        """The carrier is gone: gives what waited for room and whose sender waits for its answer."""
        waiting = [asked for asked, _ in self.permitted]
        self.permitted.clear()
        for asked in waiting:
            if isinstance(asked, AskedKept):
                self.kept_open -= 1
                asked.teller.unsent(asked.id, "internal.upstream")
        return [asked for asked in waiting if not isinstance(asked, AskedKept)]

    def next_deadline(self, others: int) -> float | None:
        """Monotonic time of the next `handle_deadline`; `others` as in `hold`."""
        if not self.held:
            return None
        due = self._gate.parts_deadline()
        quiet = None if others else self._quiet_since + self._quiet_s
        if due is None or quiet is None:
            return quiet if due is None else due
        return min(due, quiet)

    def handle_deadline(self, now: float, others: int) -> None:
        """Gives up what is late, and tells of an ESME that waits in silence."""
        if self.held:
            self._gate.parts_due(now)
            if not others and now >= self._quiet_since + self._quiet_s:
                self._quiet_since = now
                self._gate.parts_quiet()
