"""Messages that the ESME knows by another id than their own: the persons of a submit_multi, found by either.

Owns both directions, for messages that the trail knows and no others. Must never keep an id of one that it forgot.
"""

from typing import Final


class ShownIds:
    """Two maps of ids that change together."""

    __slots__ = ("_messages", "by_message")

    def __init__(self) -> None:
        #: By a message's own id: the one that the ESME knows.
        self.by_message: Final[dict[int, int]] = {}
        self._messages: Final[dict[int, list[int]]] = {}

    def enter(self, decision_id: int, shown: int) -> None:
        self.by_message[decision_id] = shown
        self._messages.setdefault(shown, []).append(decision_id)

    def messages(self, shown: int) -> tuple[int, ...]:
        """The ids of all messages that the ESME knows by this one."""
        return tuple(self._messages.get(shown, ()))

    def forget(self, decision_id: int) -> None:
        """A message is known no longer; nothing where it was known by its own id."""
        shown = self.by_message.pop(decision_id, 0)
        if shown:
            others = self._messages[shown]
            others.remove(decision_id)
            if not others:
                del self._messages[shown]
