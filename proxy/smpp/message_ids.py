"""Which message_ids a carrier gave to one account, so that nobody asks about or cancels another's messages.

Owns a bounded memory: two generations, the older of which is forgotten when the newer is full. A forgotten id counts as
foreign: that refuses a query too much, never a cancel too little.
"""


class MessageIds:
    """A set of message_ids that keeps at least the latest `kept`."""

    __slots__ = ("_kept", "_new", "_old")

    def __init__(self, kept: int) -> None:
        self._new: set[bytes] = set()
        self._old: set[bytes] = set()
        self._kept = kept

    def add(self, message_id: bytes) -> None:
        self._new.add(message_id)
        if len(self._new) >= self._kept:
            self._old, self._new = self._new, set()

    def __contains__(self, message_id: object) -> bool:
        return message_id in self._new or message_id in self._old
