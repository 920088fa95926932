"""Which messages of one account may be replaced, for accounts that may do so at all.

Owns a bounded memory, two generations like `pending`: what is forgotten cannot be replaced. Must never hold a text.
"""

from contextlib import suppress
from typing import Final

from proxy.core.decision import Decision
from proxy.judging.pending import Pending
from proxy.judging.pooled_pending import PooledPending
from proxy.smpp.consts import SUBMIT_SM
from proxy.smpp.pdu import PduError
from proxy.smpp.replacing import Replaceable

#: TLVs beyond this are not kept, and their message cannot be replaced: a day of them would fill the memory.
_OCTETS_MOST: Final = 1024


class ReplaceableMessages:
    """By message_id, at most `most`, each for at most `kept_s` seconds of any clock. Used on the loop only."""

    def __init__(self, most: int, kept_s: float) -> None:
        self._half: Final = max(1, most // 2)
        self._half_s: Final = kept_s / 2
        self._turn_at = 0.0
        self._new: dict[bytes, Replaceable] = {}
        self._old: dict[bytes, Replaceable] = {}

    def put(self, message_id: bytes, raw: bytes) -> None:
        """A carrier took a message; `raw` is what it was sent, whole. One that cannot be read cannot be replaced."""
        # WHY suppressed: this is told in the middle of a carrier's answers, which must not be lost over it.
        with suppress(PduError):
            if int.from_bytes(raw[4:8]) == SUBMIT_SM:
                message = Replaceable(raw)
                if message.octets > _OCTETS_MOST:
                    return
                self._new[message_id] = message
                if len(self._new) >= self._half:
                    self._turn()

    def find(self, message_id: bytes) -> Replaceable | None:
        return self._new.get(message_id) or self._old.get(message_id)

    def age(self, now: float) -> None:
        """Forgets what is too old; to be called more often than `kept_s` is long."""
        if now >= self._turn_at:
            self._turn_at = now + self._half_s
            self._turn()

    def _turn(self) -> None:
        self._old, self._new = self._new, {}


class Keeping:
    """What a gate of such an account tells of each message that a carrier took (see `Pending`)."""

    def __init__(self, pending: Pending, pooled: PooledPending, messages: ReplaceableMessages) -> None:
        self._pending: Final = pending
        self._pooled: Final = pooled
        self._messages: Final = messages

    def accepted(self, message_id: bytes, raw: bytes, decision: Decision) -> None:
        self._pending.accepted(message_id, raw, decision)
        self._messages.put(message_id, raw)

    def pooled(self, message_id: bytes, raw: bytes, decision: Decision) -> None:
        self._pooled.keep(message_id, raw, decision)
        self._messages.put(message_id, raw)
