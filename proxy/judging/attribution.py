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


class LatestMessages:
    """(person, number) → (institution, purpose) of the latest permit, bounded by two generations of `kept` each."""

    __slots__ = ("_kept", "_new", "_old")

    def __init__(self, kept: int = _KEPT) -> None:
        self._new: dict[tuple[bytes, str], Answered] = {}
        self._old: dict[tuple[bytes, str], Answered] = {}
        self._kept = kept

    def remember(self, person: bytes, number: str, answered: Answered) -> None:
        """Notes a permit; the oldest are forgotten when there are too many."""
        self._new[(person, number)] = answered
        if len(self._new) >= self._kept:
            self._old, self._new = self._new, {}

    def find(self, person: bytes, number: str) -> Answered | None:
        """The latest permit from that very number, extension included, to that person; None if none is known."""
        key = (person, number)
        return self._new.get(key) or self._old.get(key)


def is_shared(snapshot: Snapshot, number: str) -> bool:
    """Whether the latest message from this number is what tells whose a reply to it is.

    So it is where it has several institutions or purposes, and no digits can have been cut off a reply's address.
    """
    rows = snapshot.numbers.family(number)
    if _may_be_cut(number, rows):
        return False
    return len({row.principal for row in rows}) > 1 or len({purpose for row in rows for purpose in row.purposes}) > 1


def attribute(
    snapshot: Snapshot, latest: LatestMessages, account: Account, person: bytes, number: str | None
) -> tuple[Answered, ...]:
    """Who is meant by a reply to `number` that came on `account`'s bind. Never empty."""
    rows = snapshot.numbers.family(number) if number is not None else ()
    if not rows:
        # A number that is in no library: the account that it came back to has used it.
        return (Answered(account.principal, account.purposes),)
    if number is not None and not _may_be_cut(number, rows):
        certain = latest.find(person, number)
        if certain is not None:
            return (certain,)
    purposes: dict[str, set[Purpose]] = {}
    for row in rows:
        purposes.setdefault(row.principal, set()).update(row.purposes)
    return tuple(Answered(institution, frozenset(found)) for institution, found in sorted(purposes.items()))


def _may_be_cut(number: str, rows: tuple[Number, ...]) -> bool:
    """Whether a reply to `number` may be to one of its extensions, the carrier having cut the digits off."""
    return any(len(row.address) > len(number) or (row.extensible and row.address == number) for row in rows)
