"""Whose message a person answers: the institution, and what its message was for.

Owns the memory of the latest permitted message from a number to a person, kept only for numbers where it matters: those
that several institutions or several purposes share. Where nothing certain is known, every institution that uses the
number is meant (the requirements' "Whose refusal it is"): a refusal closes rather too much than too little.
"""

from proxy.core.purposes import Purpose
from proxy.core.records import Account, Number
from proxy.core.snapshot import Snapshot
from proxy.judging.latest_messages import Answered, LatestMessages


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
