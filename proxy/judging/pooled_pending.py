"""The same as `pending` for a pool, where a hundred thousand messages wait for days: one string of octets for each.

Owns a bounded memory, two generations like `pending`. Whose an id is, it need not know: the trail of the pool does.
"""

from typing import Final

from proxy.core.decision import Decision
from proxy.judging.refused_lately import RefusedLately
from proxy.smpp.consts import HEADER_OCTETS
from proxy.smpp.withdrawal import Withdrawal, withdrawal_of

_MARKETING: Final = "marketing"
_PERSON_OCTETS: Final = 16
#: A principal's number, the decision's id and the person's digest; then the addresses as they were sent.
_PERSON_AT: Final = 1 + 8
_HEAD_AT: Final = _PERSON_AT + _PERSON_OCTETS
_PRINCIPALS_MOST: Final = 256


class PooledPending:
    """At most `most` messages, each for at most `kept_s` seconds of any clock. Used on the loop only."""

    __slots__ = ("_half", "_half_s", "_new", "_old", "_principals", "_turn_at", "lately")

    def __init__(self, most: int, kept_s: float) -> None:
        self._half: Final = max(1, most // 2)
        self._half_s: Final = kept_s / 2
        self._turn_at = 0.0
        #: Who refused lately; None while nobody has.
        self.lately: RefusedLately | None = None
        #: Of the account's messages; an account has one, which may change.
        self._principals: Final[list[str]] = []
        self._new: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}

    def __len__(self) -> int:
        return len(self._new) + len(self._old)

    def keep(self, message_id: bytes, raw: bytes, decision: Decision) -> None:
        """A carrier took a message that the ESME knows by this id: it may be cancelled. `raw` as it was sent."""
        if decision.ground.purpose != _MARKETING or len(decision.person) != _PERSON_OCTETS:
            return
        principals = self._principals
        principal = decision.ground.principal
        if principal not in principals:
            if len(principals) >= _PRINCIPALS_MOST:
                return
            principals.append(principal)
        end = raw.find(0, raw.find(0, raw.find(0, HEADER_OCTETS) + 3) + 3) + 1
        number = bytes((principals.index(principal),))
        new = self._new
        new[message_id] = (
            number + decision.id.to_bytes(8, "big") + decision.person + raw[HEADER_OCTETS : max(end, HEADER_OCTETS)]
        )
        if len(new) >= self._half:
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
            for message_id, kept in [one for one in messages.items() if one[1][_PERSON_AT:_HEAD_AT] == person]:
                if self._principals[kept[0]] in institutions:
                    del messages[message_id]
                    decision_id = int.from_bytes(kept[1:_PERSON_AT], "big")
                    withdrawal = withdrawal_of(message_id, kept[_HEAD_AT:], decision_id)
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
