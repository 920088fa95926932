"""The latest permitted message from a number to a person: what a reply to that number may answer.

Owns the memory, for whom `numbers_in_use` says that it matters, and nothing of what follows from it (`attribution.py`).
Must never grow with traffic: two generations, the older is forgotten when the newer is full.
"""

from functools import lru_cache
from typing import Final

from msgspec import Struct

from proxy.core.purposes import Purpose

_KEPT: Final = 200_000
#: Messages whose answer may still come: at least so many, and a third more at most. WHY fewer: each costs 100 octets.
#: WHY so many: an answer is waited for 30 s, in which 60,000 others may be permitted.
_ASKED: Final = 75_000
_GENERATIONS: Final = 3


class Answered(Struct, frozen=True, gc=False):
    """One institution that a reply may be to, and the purposes its message may have had."""

    institution: str
    purposes: frozenset[Purpose]


@lru_cache(maxsize=65_536)
def answered_of(institution: str, purpose: Purpose) -> Answered:
    """What a message of one purpose is remembered as. WHY kept: a set for each message would cost 200 octets."""
    return Answered(institution, frozenset((purpose,)))


def _key(person: bytes, number: str) -> int:
    # WHY one whole number: with hundreds of thousands of them, a pair of objects would cost three times the memory.
    return int.from_bytes(person) ^ hash(number)


class LatestMessages:
    """(person, number) → (institution, purpose) of the latest permit, bounded by two generations of `kept` each."""

    __slots__ = ("_asked", "_asked_before", "_kept", "_new", "_new_senders", "_old", "_old_senders")

    def __init__(self, kept: int = _KEPT) -> None:
        self._new: dict[int, Answered] = {}
        self._old: dict[int, Answered] = {}
        #: Decision → key, of the latest messages.
        self._asked: dict[int, int] = {}
        #: The latest first.
        self._asked_before: list[dict[int, int]] = []
        self._kept = kept
        #: → account, for numbers that several accounts of one institution send from.
        self._new_senders: dict[int, str] = {}
        self._old_senders: dict[int, str] = {}

    def sent(self, person: bytes, number: str, account: str) -> None:
        """Notes which account's message to a person was the latest."""
        self._new_senders[_key(person, number)] = account
        if len(self._new_senders) >= self._kept:
            self._old_senders, self._new_senders = self._new_senders, {}

    def sender(self, person: bytes, number: str) -> str | None:
        """The account whose message from that very number to that person was the latest; None if none is known."""
        key = _key(person, number)
        return self._new_senders.get(key) or self._old_senders.get(key)

    def remember(self, person: bytes, number: str, answered: Answered, decision_id: int) -> None:
        """Notes a permit; the oldest are forgotten when there are too many."""
        key = _key(person, number)
        self._new[key] = answered
        self._asked[decision_id] = key
        if len(self._new) >= self._kept:
            self._old, self._new = self._new, {}
        if len(self._asked) >= _ASKED // _GENERATIONS:
            self._asked_before = [self._asked, *self._asked_before[: _GENERATIONS - 1]]
            self._asked = {}

    def forget(self, decision_id: int) -> None:
        """The carrier did not take a permitted message, or nobody knows: what the person saw last is not certain."""
        for asked in (self._asked, *self._asked_before):
            key = asked.pop(decision_id, None)
            if key is not None:
                self._new.pop(key, None)
                self._old.pop(key, None)
                return

    def find(self, person: bytes, number: str) -> Answered | None:
        """The latest permit from that very number, extension included, to that person; None if none is known."""
        key = _key(person, number)
        return self._new.get(key) or self._old.get(key)
