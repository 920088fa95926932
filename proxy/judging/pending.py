"""Which marketing messages of one account the carrier took and has not brought to an end, so that a TD can cancel them.

Owns a bounded memory: two generations, each of half the messages and half the time; the older is forgotten when the
newer is full or old. A forgotten message is not cancelled, and one that is over is cancelled in vain: both do no harm.
Must never grow with traffic, nor outlive the process. How it works: one entry for each message under its message_id,
looked through when somebody refuses: a refusal is rare, a message is not.
"""

from typing import Final

from msgspec import Struct

from proxy.core.decision import Decision
from proxy.judging.refused_lately import RefusedLately
from proxy.smpp.consts import HEADER_OCTETS
from proxy.smpp.message_ids import MessageIds
from proxy.smpp.several import Several
from proxy.smpp.withdrawal import HEAD_END, Withdrawal, withdrawal_of

_MARKETING: Final = "marketing"
#: Between a submit_multi's message_id, which all its persons share, and the address that tells them apart.
_BETWEEN: Final = b"\0"
_HEADER: Final = bytes(HEADER_OCTETS)


class _Waiting(Struct, frozen=True, gc=False):
    """What is kept of a permitted message: whom it was for, and the PDU as sent, at least as far as its addresses.

    WHY no decision, and nothing for the collector to see: it goes through tens of thousands of them, as they fill the
    memory, in one turn of the loop.
    """

    decision_id: int
    person: bytes
    principal: str
    raw: bytes


class Pending:
    """At most `most` messages, each for at most `kept_s` seconds of any clock. Used on the loop only."""

    __slots__ = ("_half", "_half_s", "_ids", "_new", "_old", "_turn_at", "lately")

    def __init__(self, ids: MessageIds, most: int, kept_s: float) -> None:
        self._ids = ids
        self._half = max(1, most // 2)
        self._half_s = kept_s / 2
        self._turn_at = 0.0
        #: Who refused lately; None while nobody has.
        self.lately: RefusedLately | None = None
        #: By message_id.
        self._new: dict[bytes, _Waiting] = {}
        self._old: dict[bytes, _Waiting] = {}

    def __len__(self) -> int:
        return len(self._new) + len(self._old)

    def accepted(self, message_id: bytes, raw: bytes, decision: Decision) -> None:
        """The carrier took a message under this id: the id is the account's own, and the message may be cancelled."""
        self._ids.add(message_id, decision.id)
        if decision.ground.purpose == _MARKETING:
            # WHY cut: the texts of twenty thousand messages are some megabytes for each account.
            new = self._new
            new[message_id] = _Waiting(decision.id, decision.person, decision.ground.principal, raw[:HEAD_END])
            if len(new) >= self._half:
                self._turn()
            if self.lately is not None:
                self.lately.taken(decision)

    def accepted_several(self, message_id: bytes, several: Several) -> None:
        """The carrier took a submit_multi under this id: it is kept for each person who may be sent it."""
        self._ids.add(message_id, several.permitted[0][1].id)
        for destination, decision in several.permitted:
            if decision.ground.purpose == _MARKETING:
                # dest_flag is no part of the address.
                raw = _HEADER + several.before + destination.octets[1:]
                kept = _Waiting(decision.id, decision.person, decision.ground.principal, raw)
                self._new[message_id + _BETWEEN + destination.address] = kept
                if len(self._new) >= self._half:
                    self._turn()
                if self.lately is not None:
                    self.lately.taken(decision)

    def ended(self, ids: tuple[bytes, ...]) -> None:
        """A receipt says that a message is over, whatever became of it."""
        for message_id in ids:
            if self._new.pop(message_id, None) is None:
                self._old.pop(message_id, None)

    def take(self, person: bytes, institutions: tuple[str, ...]) -> list[Withdrawal]:
        """What these institutions have under way to a person (by digest), oldest first; it is not kept any longer."""
        found: list[Withdrawal] = []
        for messages in (self._old, self._new):
            theirs = [
                (key, kept)
                for key, kept in messages.items()
                if kept.person == person and kept.principal in institutions
            ]
            for key, kept in theirs:
                del messages[key]
                head = kept.raw[HEADER_OCTETS:HEAD_END]
                withdrawal = withdrawal_of(key.partition(_BETWEEN)[0], head, kept.decision_id)
                if withdrawal is not None:
                    found.append(withdrawal)
        return found

    def age(self, now: float) -> None:
        """Forgets what is too old; to be called more often than `kept_s` is long."""
        if now >= self._turn_at:
            self._turn_at = now + self._half_s
            self._turn()

    def _turn(self) -> None:
        self._old, self._new = self._new, {}
