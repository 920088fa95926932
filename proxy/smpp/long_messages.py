"""Long messages of one account: held part by part, judged once, answered on the binds on which they came. Sans-IO.

Owns the way of a set from its first part to its last answer. Must never let a part go on without its own permit, and
must never leave a part without an answer. How it works: `concat.Reassembly` says when a set is whole, in conflict or
late; the account's gate judges it; the binds (`Holder`) carry the verdict out. A message has one decision and one
end, told on the bind whose gate permitted it: `rejected` as soon as one part is, else `unknown` if one part's answer is
not known, else `accepted`, when all parts have their answers.
"""

from collections.abc import Callable
from typing import Final, Protocol

from proxy.core.decision import Permit, Refusal
from proxy.smpp.concat import (
    ANSWERED,
    CONFLICT,
    FOLLOWS,
    FULL,
    LATE,
    PERMITTED,
    REFUSING,
    WHOLE,
    Holder,
    Part,
    PartSet,
    Reassembly,
    Slot,
)
from proxy.smpp.gate import ACCEPTED, REJECTED, UNKNOWN
from proxy.smpp.pdu import Pdu
from proxy.smpp.stalled import StalledMessages

PARTIAL: Final = "message.partial"
AMBIGUOUS: Final = "pdu.ambiguous"
#: What is answered to a part for which there is no room: a sender tries it again.
_NO_ROOM: Final = "throughput.account"


class PartsJudge(Protocol):
    """What judges a set: the gate of a bind of its account."""

    def judge_parts(
        self, parts: tuple[Part, ...], rule: str, detail: str, refused: Callable[[Refusal], None]
    ) -> tuple[Permit, ...]:
        """Judges a whole message, or records why a set is none (`rule`); a permit for each part, or none at all.

        Where there is none `refused` is called: now, or once the evidence is on disk.
        """
        ...

    def note(self, event: str) -> None:
        """Tells of an event of the catalogue."""
        ...

    def count(self, event: str) -> None:
        """Only counts it: for what happens with each message."""
        ...


class _Going:
    """A permitted message on its way: who tells how it ended, and what is known of that."""

    __slots__ = ("decision_id", "ended", "is_unknown", "parts", "teller")

    def __init__(self, parts: PartSet, teller: Holder, decision_id: int) -> None:
        self.parts: Final = parts
        self.teller: Final = teller
        self.decision_id: Final = decision_id
        self.is_unknown = False
        self.ended = False

    def end(self, result: str, answer: bytes) -> None:
        """Tells how the message ended, once."""
        if not self.ended:
            self.ended = True
            self.teller.message_ended(self.decision_id, result, answer)


class LongMessages:
    """What all binds of one account share about long messages. `now` is monotonic seconds."""

    __slots__ = ("_leading", "_reassembly", "stalled")

    def __init__(self, reassembly: Reassembly) -> None:
        self._reassembly = reassembly
        #: Where sets go whose sender waits for answers; None where they are refused instead.
        self.stalled: StalledMessages | None = None
        #: Permitted parts that wait for the carrier's answer, by the identity of the PDU that went on.
        self._leading: dict[int, tuple[_Going, Slot]] = {}

    def take(self, part: Part, holder: Holder, judge: PartsJudge, now: float) -> bool:
        """Takes a part that `holder` holds from now on; verdicts may be carried out before this returns.

        False where it brought a verdict: then its sender has an answer to come, whatever else it waits for.
        """
        judge.count("parts.held")
        if self.stalled is not None and self.stalled.take(part, holder):
            # Its answer comes from the disk.
            return False
        said, parts = self._reassembly.put(part, holder, now)
        if said == WHOLE:
            self._judge(parts, holder, judge, now)
        elif said == CONFLICT:
            self._refuse(parts, AMBIGUOUS, "parts", judge)
        elif said == ANSWERED:
            answer = parts.slots[part.number].answer
            assert answer is not None
            holder.part_answered(part.pdu, answer)
        elif said == LATE:
            assert parts.refusal is not None
            holder.part_refused(part.pdu, parts.refusal)
        elif said == FULL:
            judge.note("parts.full")
            judge.judge_parts((part,), _NO_ROOM, "", lambda refusal: holder.part_refused(part.pdu, refusal))
        else:
            if said != FOLLOWS:
                for claim in parts.claims():
                    claim.holder.part_joined(now)
            return True
        return False

    def _judge(self, parts: PartSet, teller: Holder, judge: PartsJudge, now: float) -> None:
        for slot in parts.slots.values():
            rule = slot.claims[0].holder.unable()
            if rule:
                self._refuse(parts, rule, "", judge)
                return
        whole = parts.parts()
        self._reassembly.decide(parts, REFUSING)
        permits = judge.judge_parts(whole, "", "", lambda refusal: self._refused(parts, refusal))
        if len(permits) != len(whole):
            return
        self._reassembly.decide(parts, PERMITTED)
        going = [(parts.slots[part.number], permit) for part, permit in zip(whole, permits, strict=True)]
        message = _Going(parts, teller, permits[0].decision.id)
        teller.message_permitted()
        for slot, _ in going:
            self._leading[id(slot.claims[0].pdu)] = (message, slot)
        for slot, permit in going:
            leader = slot.claims[0]
            leader.holder.part_permitted(leader.pdu, permit, now)

    def _refuse(self, parts: PartSet, rule: str, detail: str, judge: PartsJudge) -> None:
        """Refuses a set that is not to be: nothing of it was forwarded, and nothing will be."""
        self._reassembly.decide(parts, REFUSING)
        judge.judge_parts(parts.parts(), rule, detail, lambda refusal: self._refused(parts, refusal))

    def _refused(self, parts: PartSet, refusal: Refusal) -> None:
        claims = parts.claims()
        self._reassembly.end(parts, refusal)
        for claim in claims:
            claim.holder.part_refused(claim.pdu, refusal)

    def answered(self, pdu: Pdu, answer: bytes, result: str) -> None:
        """The answer that a permitted part was given (`result` as in `gate`): whoever sent it again gets it too."""
        leading = self._leading.pop(id(pdu), None)
        if leading is None:
            return
        message, slot = leading
        parts = message.parts
        slot.answer = answer
        if result == REJECTED:
            message.end(REJECTED, answer)
        elif result == UNKNOWN:
            message.is_unknown = True
        for claim in slot.claims[1:]:
            claim.holder.part_answered(claim.pdu, answer)
        if all(each.answer is not None for each in parts.slots.values()):
            self._reassembly.end(parts, None)
            message.end(UNKNOWN if message.is_unknown else ACCEPTED, answer)

    def leave(self, holder: Holder, judge: PartsJudge) -> None:
        """A bind is gone: what it held can be whole no more."""
        for parts in self._reassembly.leave(holder):
            self._refuse(parts, PARTIAL, "bind", judge)

    def give_up(self, holder: Holder, rule: str, judge: PartsJudge) -> None:
        """A bind cannot send any more: all sets of which it holds a part are answered so."""
        for parts in self._reassembly.gathered_by(holder):
            self._refuse(parts, rule, "", judge)

    def stall(self, holder: Holder, judge: PartsJudge, most: int) -> None:
        """A sender waits for answers before it goes on, while we wait for it: `most` sets, oldest first, 0 for all."""
        for parts in self._reassembly.gathered_by(holder)[: most or None]:
            judge.note("parts.stalled")
            if self.stalled is None:
                self._refuse(parts, PARTIAL, "stalled", judge)
            elif self.stalled.has_room(parts):
                self._reassembly.release(parts)
                self.stalled.adopt(parts)
            else:
                judge.note("stalled.full")
                self._refuse(parts, _NO_ROOM, "", judge)

    def next_deadline(self) -> float | None:
        """Monotonic time of the next `handle_deadline`."""
        return self._reassembly.next_deadline()

    def handle_deadline(self, judge: PartsJudge, now: float) -> None:
        """Refuses the sets whose time is up."""
        for parts in self._reassembly.expired(now):
            judge.note("parts.expired")
            self._refuse(parts, PARTIAL, "late", judge)
