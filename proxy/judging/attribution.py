"""Whose message a person answers: the institution, and what its message was for.

Owns the memory of the latest permitted message from a number to a person, kept only for numbers where it matters: those
that several institutions or several purposes share. Where nothing certain is known, every institution that uses the
number is meant (the requirements' "Whose refusal it is"): a refusal closes rather too much than too little.
"""

from typing import Final

from msgspec import Struct

from proxy.core.purposes import Purpose
from proxy.core.records import Account, Number
from proxy.core.snapshot import Snapshot

_KEPT: Final = 200_000


class Answered(Struct, frozen=True):
    """One institution that a reply may be to, and the purposes its message may have had."""

    institution: str
    purposes: frozenset[Purpose]


def _key(person: bytes, number: str) -> int:
    # WHY one whole number: with hundreds of thousands of them, a pair of objects would cost three times the memory.
    return int.from_bytes(person) ^ hash(number)


class LatestMessages:
    """(person, number) → (institution, purpose) of the latest permit, bounded by two generations of `kept` each."""

    __slots__ = ("_asked", "_kept", "_new", "_new_senders", "_old", "_old_senders")

    def __init__(self, kept: int = _KEPT) -> None:
        self._new: dict[int, Answered] = {}
        self._old: dict[int, Answered] = {}
        self._asked: dict[int, int] = {}
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
        if len(self._asked) >= 2 * self._kept:
            self._asked.clear()

    def forget(self, decision_id: int) -> None:
        """The carrier did not take a permitted message, or nobody knows: what the person saw last is not certain."""
        key = self._asked.pop(decision_id, None)
        if key is not None:
            self._new.pop(key, None)
            self._old.pop(key, None)

    def find(self, person: bytes, number: str) -> Answered | None:
        """The latest permit from that very number, extension included, to that person; None if none is known."""
        key = _key(person, number)
        return self._new.get(key) or self._old.get(key)


def is_shared(snapshot: Snapshot, number: str) -> bool:
    """Whether the latest message from this number is what tells whose a reply to it is.

    So it is where it has several institutions or purposes, and no digits can have been cut off a reply's address.
    """
    rows = snapshot.numbers.family(number)
    if _may_be_cut(number, rows):
        return False
    return len({row.principal for row in rows}) > 1 or len({purpose for row in rows for purpose in row.purposes}) > 1


def is_used_by_several(snapshot: Snapshot, number: str) -> bool:
    """Whether several accounts may send from a number, so that it matters which of them did."""
    users = {(row.principal, row.operator) for row in snapshot.numbers.find(number)}
    return sum((one.principal, one.operator) in users for one in snapshot.accounts.values()) > 1


def attribute(
    snapshot: Snapshot, latest: LatestMessages, account: Account, person: bytes, number: str | None
) -> tuple[Answered, ...]:
    """Who is meant by a reply to `number` that came on `account`'s bind. Never empty."""
    rows = snapshot.numbers.family(number) if number is not None else ()
    if not rows:
        # A number that is in no library: the account that it came back to has used it.
        return (Answered(account.principal, account.purposes),)
    purposes: dict[str, set[Purpose]] = {}
    for row in rows:
        purposes.setdefault(row.principal, set()).update(row.purposes)
    certain = latest.find(person, number) if number is not None else None
    if certain is not None and number is not None and not _may_be_cut(number, rows):
        if certain.purposes <= purposes.get(certain.institution, set()) and is_shared(snapshot, number):
            return (certain,)
        # The registry changed since: what was sent then counts beside what may have been sent under it now.
        purposes.setdefault(certain.institution, set()).update(certain.purposes)
    return tuple(Answered(institution, frozenset(found)) for institution, found in sorted(purposes.items()))


def _may_be_cut(number: str, rows: tuple[Number, ...]) -> bool:
    """Whether a reply to `number` may be to one of its extensions, the carrier having cut the digits off."""
    return any(len(row.address) > len(number) or (row.extensible and row.address == number) for row in rows)
