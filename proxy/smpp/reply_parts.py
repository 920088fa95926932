"""Replies that come in parts: put together before they are read, as far as waiting for that can lose nothing. Sans-IO.

Owns the parts of replies that are not whole yet. Must never keep a part from being read: what does not become whole in
time, or has no room to wait, is read alone, and what of it stands together is heard as well. Whoever is given a group
hears its reply and then passes all its PDUs on.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from proxy.smpp.inbound import PartKey, Reply, ReplyPart
from proxy.smpp.pdu import Pdu

#: PDUs that are to be passed on together, and what they say together.
Group = tuple[tuple[Pdu, ...], Reply]
#: Gives the reply that parts are together, in order.
Joined = Callable[[Sequence[Reply]], Reply]

_WAITING_MOST_OCTETS: Final = 1 << 20
#: For how long a part that was read alone is remembered.
KEPT_S: Final = 300.0
_KEPT_MOST: Final = 1000


class _Kept(Struct, frozen=True, array_like=True):
    """What is written down: a part that was read alone; `number` 0 says that its message is whole.

    WHY not the reply itself: of what is compiled nobody can read the types of its fields.
    """

    key: PartKey
    number: int = 0
    data_coding: int = 0
    octets: bytes = b""
    person: str | None = None
    written_to: str | None = None
    readings: tuple[str, ...] = ()
    unread: str = ""


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Kept).decode


class HeardParts:
    """Parts that were read alone, of all binds of an account, for some minutes and not without end.

    `keep` writes down what `take_up` takes from an earlier run: the rest of a message may come after a restart.
    """

    __slots__ = ("_keep", "_sets")

    def __init__(self, keep: Callable[[bytes], None] | None = None) -> None:
        self._keep = keep
        #: key → (forgotten at, replies by number), the oldest first
        self._sets: dict[PartKey, tuple[float, dict[int, Reply]]] = {}

    def take_up(self, octets: bytes, until: float) -> None:
        """Takes what was kept, the oldest first; it is forgotten at `until`. What has no known form is passed over."""
        try:
            kept = _decode(octets)
        except msgspec.DecodeError:
            return
        if not kept.number:
            self._sets.pop(kept.key, None)
            return
        part = ReplyPart(kept.key, kept.key[3], kept.number, kept.data_coding, kept.octets)
        self._put(part, Reply(kept.person, kept.written_to, kept.readings, part, kept.unread), until)

    def of(self, key: PartKey) -> dict[int, Reply]:
        """What was heard of a message, by number."""
        known = self._sets.get(key)
        return {} if known is None else known[1]

    def add(self, part: ReplyPart, reply: Reply, now: float) -> None:
        """Remembers a part that was read alone."""
        while self._sets:
            key, (until, _) = next(iter(self._sets.items()))
            if until > now and len(self._sets) < _KEPT_MOST:
                break
            del self._sets[key]
        self._put(part, reply, now + KEPT_S)
        if self._keep is not None:
            text = (part.number, part.data_coding, part.octets)
            self._keep(_encode(_Kept(part.key, *text, reply.person, reply.number, reply.readings, reply.unread)))

    def _put(self, part: ReplyPart, reply: Reply, until: float) -> None:
        _, replies = self._sets.pop(part.key, (0.0, {}))
        replies[part.number] = reply
        self._sets[part.key] = (until, replies)

    def forget(self, key: PartKey) -> None:
        """A message was heard as a whole."""
        if self._sets.pop(key, None) is not None and self._keep is not None:
            self._keep(_encode(_Kept(key)))


def _run_around(number: int, heard: dict[int, Reply]) -> list[Reply]:
    """The parts that stand around one without a gap, in order."""
    first = last = number
    while first - 1 in heard:
        first -= 1
    while last + 1 in heard:
        last += 1
    return [heard[each] for each in range(first, last + 1)]


class _Waiting:
    """Parts of one message that wait on this bind: by number, each with all PDUs that brought it."""

    __slots__ = ("deadline", "pdus", "replies")

    def __init__(self, deadline: float) -> None:
        self.deadline: Final = deadline
        self.replies: dict[int, Reply] = {}
        self.pdus: dict[int, list[Pdu]] = {}


class ReplyParts:
    """What waits on one bind. `wait_s` seconds at most; `heard` is shared by the account's binds."""

    __slots__ = ("_heard", "_joined", "_octets", "_wait_s", "_waiting")

    def __init__(self, joined: Joined, wait_s: float, heard: HeardParts) -> None:
        self._joined = joined
        self._wait_s = wait_s
        self._heard = heard
        self._waiting: dict[PartKey, _Waiting] = {}
        self._octets = 0

    def __len__(self) -> int:
        return sum(len(pdus) for waiting in self._waiting.values() for pdus in waiting.pdus.values())

    def take(self, pdu: Pdu, reply: Reply, part: ReplyPart, now: float) -> list[Group]:
        """Takes a part; gives what is to be heard now, in order."""
        groups: list[Group] = []
        waiting = self._waiting.get(part.key)
        before = waiting.replies.get(part.number) if waiting is not None else None
        if before is not None and before.part is not None and before.part.octets != part.octets:
            # Another message under a reference that is not free yet.
            groups = self._apart(part.key, now)
            waiting = None
        if waiting is None:
            waiting = self._waiting[part.key] = _Waiting(now + self._wait_s)
        waiting.replies[part.number] = reply
        waiting.pdus.setdefault(part.number, []).append(pdu)
        self._octets += len(pdu.raw)
        if len(waiting.replies) == part.total:
            self._heard.forget(part.key)
            pdus = self._out(part.key)
            groups.append((pdus, self._joined([waiting.replies[number] for number in sorted(waiting.replies)])))
        elif self._octets > _WAITING_MOST_OCTETS or self._is_known(part, waiting):
            groups += self._apart(part.key, now)
        return groups

    def _is_known(self, part: ReplyPart, waiting: _Waiting) -> bool:
        """Whether what waits and what was heard before are all there is."""
        return len(waiting.replies.keys() | self._heard.of(part.key).keys()) == part.total

    def _out(self, key: PartKey) -> tuple[Pdu, ...]:
        waiting = self._waiting.pop(key)
        pdus = tuple([pdu for number in sorted(waiting.pdus) for pdu in waiting.pdus[number]])
        self._octets -= sum(len(pdu.raw) for pdu in pdus)
        return pdus

    def _apart(self, key: PartKey, now: float) -> list[Group]:
        """Each part alone, and with what was heard before and after it without a gap: the rest may never come."""
        waiting = self._waiting[key]
        self._out(key)
        groups: list[Group] = []
        for number in sorted(waiting.replies):
            reply = waiting.replies[number]
            assert reply.part is not None
            self._heard.add(reply.part, reply, now)
            run = _run_around(number, self._heard.of(key))
            is_whole = len(run) == reply.part.total
            if is_whole:
                self._heard.forget(key)
            if len(run) > 1:
                together = self._joined(run)
                readings = tuple(dict.fromkeys((*together.readings, *reply.readings)))
                unread = together.unread or reply.unread
                reply = Reply(reply.person, reply.number, readings, None if is_whole else reply.part, unread)
            groups.append((tuple(waiting.pdus[number]), reply))
        return groups

    def release(self, now: float) -> list[Group]:
        """Everything that waits, each part alone: nothing more is to be expected."""
        return [group for key in list(self._waiting) for group in self._apart(key, now)]

    def expired(self, now: float) -> list[Group]:
        """What has waited long enough, each part alone."""
        late = [key for key, waiting in self._waiting.items() if waiting.deadline <= now]
        return [group for key in late for group in self._apart(key, now)]

    def next_deadline(self) -> float | None:
        """Monotonic time at which the first has waited long enough."""
        for waiting in self._waiting.values():
            return waiting.deadline
        return None
