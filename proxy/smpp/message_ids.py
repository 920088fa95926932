"""Which message_ids a carrier gave to one account, so that nobody asks about or cancels another's messages.

Owns a bounded memory: two generations, the older of which is forgotten when the newer is full. A forgotten id counts as
foreign: that refuses a query too much, never a cancel too little. With each id goes the decision that let its message
through, and how it ended, for whoever traces it.
"""


class MessageIds:
    """message_ids with their decisions, at least of the latest `kept`."""

    __slots__ = ("_ended", "_kept", "_new", "_old", "_old_ended")

    def __init__(self, kept: int) -> None:
        self._new: dict[bytes, int] = {}
        self._old: dict[bytes, int] = {}
        #: (state, UTC seconds) of those whose final receipt came.
        self._ended: dict[bytes, tuple[str, int]] = {}
        self._old_ended: dict[bytes, tuple[str, int]] = {}
        self._kept = kept

    def add(self, message_id: bytes, decision_id: int = 0) -> None:
        self._new[message_id] = decision_id
        if len(self._new) >= self._kept:
            self._old, self._new = self._new, {}
            self._old_ended, self._ended = self._ended, {}

    def ended(self, ids: tuple[bytes, ...], state: str, at: int) -> None:
        """A final receipt named its message so; nothing for an id that is not known. `at` is UTC seconds."""
        for message_id in ids:
            if message_id in self._new or message_id in self._old:
                self._ended[message_id] = (state, at)

    def find(self, message_id: bytes) -> tuple[int, str, int] | None:
        """The decision of a message, its final state and the time of that ("" and 0 while it is open)."""
        decision_id = self._new.get(message_id)
        if decision_id is None:
            decision_id = self._old.get(message_id)
        if decision_id is None:
            return None
        state, at = self._ended.get(message_id) or self._old_ended.get(message_id) or ("", 0)
        return decision_id, state, at

    def __contains__(self, message_id: object) -> bool:
        return message_id in self._new or message_id in self._old
