"""Which message_ids a carrier gave to one account, so that nobody asks about or cancels another's messages.

Owns a bounded memory: a few generations, the oldest of which is forgotten when the newest is full. A forgotten id
counts as foreign: that refuses a query too much, never a cancel too little. With each id goes the decision that let its
message through, and how it ended, for whoever traces it.
"""

from typing import Final

from proxy.smpp.receipt import STATE_NAMES

#: WHY several: two would hold up to twice as many as are wanted, and let go of hundreds of thousands in one turn.
_GENERATIONS: Final = 8
#: A message's number holds its decision, above it the place of its final state here, above that when it ended.
_STATES: Final = ("", "ended", *sorted(set(STATE_NAMES.values()) - {"ended"}))
_PLACES: Final = {state: place for place, state in enumerate(_STATES)}
_DECISION_BITS: Final = 64
_STATE_BITS: Final = 8
_DECISION: Final = (1 << _DECISION_BITS) - 1


class MessageIds:
    """message_ids with their decisions, at least of the latest `kept`, and an eighth more at most."""

    __slots__ = ("_each", "_former", "_most", "_new")

    def __init__(self, kept: int) -> None:
        self._new: dict[bytes, int] = {}
        #: The latest first.
        self._former: list[dict[bytes, int]] = []
        self._each: Final = max(1, -(-kept // _GENERATIONS))
        self._most: Final = -(-kept // self._each)

    def add(self, message_id: bytes, decision_id: int = 0) -> None:
        self._new[message_id] = decision_id
        if len(self._new) >= self._each:
            self._former.insert(0, self._new)
            self._new = {}
            del self._former[self._most :]

    def ended(self, ids: tuple[bytes, ...], state: str, at: int) -> None:
        """A final receipt named its message so; nothing for an id that is not known. `at` is UTC seconds."""
        for message_id in ids:
            for known in (self._new, *self._former):
                held = known.get(message_id)
                if held is not None:
                    # WHY one number: a second table of those that ended would take more than the first.
                    end = (at << _STATE_BITS) | _PLACES.get(state, 1)
                    known[message_id] = (end << _DECISION_BITS) | (held & _DECISION)
                    break

    def find(self, message_id: bytes) -> tuple[int, str, int] | None:
        """The decision of a message, its final state and the time of that ("" and 0 while it is open)."""
        for known in (self._new, *self._former):
            held = known.get(message_id)
            if held is not None:
                end = held >> _DECISION_BITS
                return held & _DECISION, _STATES[end & ((1 << _STATE_BITS) - 1)], end >> _STATE_BITS
        return None

    def __contains__(self, message_id: object) -> bool:
        return message_id in self._new or any(message_id in ids for ids in self._former)
