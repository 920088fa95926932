"""Persons who have refused, and up to which decision: what was on its way to them then is to be taken back later.

Owns who is remembered, the latest few. Must never name a message that was permitted after the refusal. How it works:
a message without an answer has no id that a cancel could name. Where the carrier takes it after all, whoever keeps what
is pending (`pending.py`, `pooled_pending.py`) asks here, and `met` says for whom to look again.
"""

from typing import Final

from proxy.core.decision import Decision

_PERSONS_MOST: Final = 1000


class RefusedLately:
    """Shared by all accounts; persons are digests."""

    __slots__ = ("_persons", "met")

    def __init__(self) -> None:
        #: The latest decision before each institution was refused.
        self._persons: dict[bytes, dict[str, int]] = {}
        #: Persons to whom a message was taken that is to be taken back, with those institutions.
        self.met: dict[bytes, set[str]] = {}

    def note(self, person: bytes, institutions: tuple[str, ...], decision_id: int) -> None:
        """A person refused these; `decision_id` is the latest that there was by then."""
        if len(self._persons) >= _PERSONS_MOST and person not in self._persons:
            del self._persons[next(iter(self._persons))]
        self._persons.setdefault(person, {}).update(dict.fromkeys(institutions, decision_id))

    def taken(self, decision: Decision) -> None:
        """A carrier took a marketing message."""
        refused = self._persons.get(decision.person)
        if refused is not None and decision.id <= refused.get(decision.ground.principal, 0):
            self.met.setdefault(decision.person, set()).add(decision.ground.principal)
