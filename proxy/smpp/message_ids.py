"""Which message_ids a carrier gave to one account, so that nobody asks about or cancels another's messages.

Owns a bounded memory: a few generations, the oldest of which is forgotten when the newest is full. A forgotten id
counts as foreign: that refuses a query too much, never a cancel too little. With each id goes the decision that let its
message through, and how it ended, for whoever traces it.
"""

from typing import Final

#: WHY several: two would hold up to twice as many as are wanted, and let go of hundreds of thousands in one turn.
_GENERATIONS: Final = 8


class MessageIds:
    """message_ids with their decisions, at least of the latest `kept`, and an eighth more at most."""

    __slots__ = ("_each", "_ended", "_former", "_former_ended", "_most", "_new")

    def __init__(self, kept: int) -> None:
        self._new: dict[bytes, int] = {}
        #: The latest first.
        self._former: list[dict[bytes, int]] = []
        #: (state, UTC seconds) of those whose final receipt came.
        self._ended: dict[bytes, tuple[str, int]] = {}
        self._former_ended: list[dict[bytes, tuple[str, int]]] = []
        self._each: Final = max(1, -(-kept // _GENERATIONS))
        self._most: Final = -(-kept // self._each)

    def add(self, message_id: bytes, decision_id: int = 0) -> None:
        self._new[message_id] = decision_id
        if len(self._new) >= self._each:
            self._former.insert(0, self._new)
            self._former_ended.insert(0, self._ended)
            self._new, self._ended = {}, {}
            del self._former[self._most :], self._former_ended[self._most :]

    def ended(self, ids: tuple[bytes, ...], state: str, at: int) -> None:
        """A final receipt named its message so; nothing for an id that is not known. `at` is UTC seconds."""
        for message_id in ids:
            if message_id in self:
                self._ended[message_id] = (state, at)

    def find(self, message_id: bytes) -> tuple[int, str, int] | None:
        """The decision of a message, its final state and the time of that ("" and 0 while it is open)."""
        decision_id = self._new.get(message_id)
        if decision_id is None:
            for ids in self._former:
                decision_id = ids.get(message_id)
                if decision_id is not None:
                    break
            else:
                return None
        ended = self._ended.get(message_id)
        if ended is None:
            for known in self._former_ended:
                ended = known.get(message_id)
                if ended is not None:
                    break
        state, at = ended or ("", 0)
        return decision_id, state, at

    def __contains__(self, message_id: object) -> bool:
        return message_id in self._new or any(message_id in ids for ids in self._former)
