"""The parts of long messages of one account, gathered until each message is whole. Sans-IO.

Owns what belongs together, and the limits of time and room. Must never judge, forward or answer anything, and must
never call a message whole of which an octet is missing or stands twice in different ways. How it works: a set is known
by who sends to whom under which reference, whatever kind of header says so. Total, kind of header, data_coding and
declared purpose are then the same in all its parts, or the set is in conflict. All sets wait equally long, so the
first is always the next to expire.
"""

from typing import Final, Protocol

from proxy.core.decision import Permit, Refusal
from proxy.core.request import Request
from proxy.smpp.pdu import Pdu

#: Kinds of header.
UDH_8: Final = 8
UDH_16: Final = 16
SAR: Final = 0

#: What `Reassembly.put` says of a part.
HELD: Final = "held"
WHOLE: Final = "whole"
CONFLICT: Final = "conflict"
FOLLOWS: Final = "follows"
ANSWERED: Final = "answered"
LATE: Final = "late"
FULL: Final = "full"

#: States of a set.
GATHERING: Final = "gathering"
REFUSING: Final = "refusing"
REFUSED: Final = "refused"
PERMITTED: Final = "permitted"

#: Refused sets of which the rest may still come.
_ENDED_KEPT: Final = 1000

#: sender, recipient (both canonical), reference
Key = tuple[str, str, int]


class Part:
    """One part as it was read. `text` are its octets behind the header, `request` what it would ask alone: never
    judged so, since its findings say that it is a part.
    """

    __slots__ = ("data_coding", "kind", "number", "pdu", "reference", "request", "text", "total")

    def __init__(
        self,
        pdu: Pdu,
        request: Request,
        kind: int,
        reference: int,
        total: int,
        number: int,
        data_coding: int,
        text: bytes,
    ) -> None:
        self.pdu: Final = pdu
        self.request: Final = request
        self.kind: Final = kind
        self.reference: Final = reference
        self.total: Final = total
        self.number: Final = number
        self.data_coding: Final = data_coding
        self.text: Final = text

    def is_same(self, other: "Part") -> bool:
        """Whether two PDUs are the same part sent twice: all octets but the sequence_number."""
        return self.pdu.raw[16:] == other.pdu.raw[16:]

    def fits(self, other: "Part") -> bool:
        """Whether two parts of one reference can be of one message."""
        return (
            self.kind == other.kind
            and self.total == other.total
            and self.data_coding == other.data_coding
            and self.request.purpose == other.request.purpose
        )


class Holder(Protocol):
    """A bind that holds parts unanswered. Calls about a part that it does not hold any more do nothing."""

    def part_permitted(self, pdu: Pdu, permit: Permit, now: float) -> None:
        """The message is whole and permitted: its part goes on."""
        ...

    def part_refused(self, pdu: Pdu, refusal: Refusal) -> None:
        """The message is refused, with evidence on disk where it has to be: the part gets its answer."""
        ...

    def part_answered(self, pdu: Pdu, answer: bytes) -> None:
        """The same part, sent before, has its answer: this one gets it too."""
        ...

    def message_permitted(self) -> None:
        """Its gate permitted a long message, which is open from now on."""
        ...

    def message_ended(self, decision_id: int, result: str, answer: bytes) -> None:
        """A long message that its gate permitted is `accepted`, `rejected` (by this answer) or `unknown`."""
        ...

    def part_joined(self, now: float) -> None:
        """A part of a message of which this bind holds one came on some bind."""
        ...

    def unable(self) -> str:
        """The `internal.*` rule for which this bind can send nothing now; empty where it can."""
        ...


class Claim:
    """A part that waits for its answer on a bind."""

    __slots__ = ("holder", "pdu")

    def __init__(self, pdu: Pdu, holder: Holder) -> None:
        self.pdu: Final = pdu
        self.holder: Final = holder


class Slot:
    """One number of a set: its part, the PDUs that wait for its answer, the first leading, and that answer."""

    __slots__ = ("answer", "claims", "part")

    def __init__(self, part: Part, claim: Claim) -> None:
        self.part = part
        self.claims: list[Claim] = [claim]
        self.answer: bytes | None = None


class PartSet:
    """The parts of one message. `deadline` is monotonic seconds, `odd` what waits although it has no place in it."""

    __slots__ = ("deadline", "key", "numbers", "odd", "refusal", "size", "slots", "state", "total")

    def __init__(self, key: Key, total: int, deadline: float) -> None:
        self.key: Final = key
        self.total: Final = total
        self.deadline: Final = deadline
        self.state = GATHERING
        self.slots: dict[int, Slot] = {}
        self.numbers: set[int] = set()
        self.odd: list[Claim] = []
        self.size = 0
        self.refusal: Refusal | None = None

    def parts(self) -> tuple[Part, ...]:
        """What is there, in the order of the message."""
        return tuple([self.slots[number].part for number in sorted(self.slots)])

    def claims(self) -> list[Claim]:
        """Everything that waits for an answer."""
        return [claim for slot in self.slots.values() for claim in slot.claims] + self.odd


class Reassembly:
    """All sets of one account. `most_octets` bounds what is gathered, whole PDUs counted."""

    __slots__ = ("_deadline_s", "_ended", "_gathering", "_most_octets", "_open", "size")

    def __init__(self, deadline_s: float, most_octets: int) -> None:
        self._deadline_s = deadline_s
        self._most_octets = most_octets
        self._gathering: dict[Key, PartSet] = {}
        #: The sets of a key that are decided and not answered whole, the latest first.
        self._open: dict[Key, list[PartSet]] = {}
        #: Refused before they were whole: their rest gets the same answer for a while.
        self._ended: dict[Key, PartSet] = {}
        self.size = 0

    def __len__(self) -> int:
        return len(self._gathering)

    def put(self, part: Part, holder: Holder, now: float) -> tuple[str, PartSet]:
        """Enters a part; says what it makes of its set, and which set that is.

        `HELD` and `FOLLOWS` wait, `WHOLE` and `CONFLICT` want a judgement, `ANSWERED` and `LATE` have their answer, and
        `FULL` was not entered. Raises ValueError for a part without canonical addresses.
        """
        request = part.request
        sender, recipient = request.sender, request.recipient
        if sender is None or recipient is None:
            raise ValueError("a part without addresses belongs to no message")
        key = (sender, recipient, part.reference)
        self._forget_ended(now)
        gathering = self._gathering.get(key)
        if gathering is not None:
            return self._gather(gathering, part, holder)
        for decided in self._open.get(key, ()):
            slot = decided.slots.get(part.number)
            if slot is not None and slot.part.is_same(part):
                if slot.answer is not None:
                    return ANSWERED, decided
                slot.claims.append(Claim(part.pdu, holder))
                return FOLLOWS, decided
            if slot is None and decided.state == REFUSING and self._fits(decided, part):
                decided.odd.append(Claim(part.pdu, holder))
                decided.numbers.add(part.number)
                return FOLLOWS, decided
        ended = self._ended.get(key)
        if ended is not None:
            is_late = now < ended.deadline + self._deadline_s
            if is_late and part.number not in ended.numbers and part.total == ended.total:
                ended.numbers.add(part.number)
                return LATE, ended
            # WHY: a number that came before begins anew: the sender tries the whole message again.
            del self._ended[key]
        # WHY: whoever takes a reference again before all of the message before had its answers means another message.
        begun = PartSet(key, part.total, now + self._deadline_s)
        if self._has_no_room(part):
            return FULL, begun
        self._gathering[key] = begun
        return self._gather(begun, part, holder)

    def _gather(self, parts: PartSet, part: Part, holder: Holder) -> tuple[str, PartSet]:
        slot = parts.slots.get(part.number)
        if slot is not None and slot.part.is_same(part):
            slot.claims.append(Claim(part.pdu, holder))
            return FOLLOWS, parts
        if slot is not None or not self._fits(parts, part):
            parts.odd.append(Claim(part.pdu, holder))
            return CONFLICT, parts
        if self._has_no_room(part):
            return FULL, parts
        parts.slots[part.number] = Slot(part, Claim(part.pdu, holder))
        parts.numbers.add(part.number)
        parts.size += len(part.pdu.raw)
        self.size += len(part.pdu.raw)
        return (WHOLE if len(parts.slots) == parts.total else HELD), parts

    def _fits(self, parts: PartSet, part: Part) -> bool:
        for slot in parts.slots.values():
            return slot.part.fits(part)
        return True

    def _has_no_room(self, part: Part) -> bool:
        return self.size + len(part.pdu.raw) > self._most_octets

    def release(self, parts: PartSet) -> None:
        """A set is gathered by somebody else from now on."""
        if self._gathering.get(parts.key) is parts:
            del self._gathering[parts.key]
            self.size -= parts.size

    def decide(self, parts: PartSet, state: str) -> None:
        """A set is gathered no more: it is `PERMITTED`, or `REFUSING` until its evidence is on disk."""
        self.release(parts)
        parts.state = state
        decided = self._open.setdefault(parts.key, [])
        if parts not in decided:
            decided.insert(0, parts)

    def end(self, parts: PartSet, refusal: Refusal | None) -> None:
        """All parts of a decided set have their answers; the rest of a refused one is remembered for a while."""
        decided = self._open.get(parts.key, [])
        if parts in decided:
            decided.remove(parts)
            if not decided:
                del self._open[parts.key]
        if refusal is None or len(parts.numbers) >= parts.total:
            return
        parts.state, parts.refusal = REFUSED, refusal
        parts.slots, parts.odd = {}, []
        self._ended.pop(parts.key, None)
        if len(self._ended) >= _ENDED_KEPT:
            del self._ended[next(iter(self._ended))]
        self._ended[parts.key] = parts

    def _forget_ended(self, now: float) -> None:
        while self._ended:
            key, oldest = next(iter(self._ended.items()))
            if now < oldest.deadline + self._deadline_s:
                return
            del self._ended[key]

    def gathered_by(self, holder: Holder) -> list[PartSet]:
        """Sets that are not whole yet and have a part on this bind, oldest first."""
        return [parts for parts in self._gathering.values() if any(claim.holder is holder for claim in parts.claims())]

    def leave(self, holder: Holder) -> list[PartSet]:
        """A bind is gone with all that it held; gives the sets that can be whole no more."""
        broken: list[PartSet] = []
        for parts in self.gathered_by(holder):
            for slot in parts.slots.values():
                # WHY the others stay: the same part came on another bind too, and can go on from there.
                slot.claims = [claim for claim in slot.claims if claim.holder is not holder]
            if any(not slot.claims for slot in parts.slots.values()):
                broken.append(parts)
        return broken

    def expired(self, now: float) -> list[PartSet]:
        """Sets whose time is up."""
        late: list[PartSet] = []
        for parts in self._gathering.values():
            if parts.deadline > now:
                break
            late.append(parts)
        return late

    def next_deadline(self) -> float | None:
        """Monotonic time at which the oldest set expires."""
        for parts in self._gathering.values():
            return parts.deadline
        return None
