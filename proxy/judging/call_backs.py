"""Whose a number is that a person calls back, and who the person is. Pure.

Owns the choice of the account that takes the call. Must never give a number to an account that may not use it: its rows
in the library say so, by principal and operator. Where several may, it is the one whose call to that person from that
number was the latest; else the first by name, so that one number always leads to one place.
"""

from typing import Final

from proxy.core.records import Account, Number
from proxy.core.snapshot import Snapshot
from proxy.sip.error import SipError
from proxy.sip.message import SipRequest
from proxy.sip.read_invite import caller_in, recipient_of
from proxy.sip.uri import Uri, parse_uri

#: Why a number that is known is not connected, as the records name it.
DISPOSED: Final = "number.disposed"
HELD: Final = "fraud.hold"
_SHORTEST_NUMBER: Final = 3


def number_called(uri: Uri) -> str | None:
    """The canonical form of the number that a carrier's Request-URI names; None where it has none."""
    try:
        return caller_in(uri)
    except SipError:
        return None


def person_calling(request: SipRequest) -> str | None:
    """The canonical person who calls: P-Asserted-Identity, for it is a carrier that says so, else From. None where they
    are nobody's number, or that of several persons.
    """
    try:
        asserted = request.addresses("p-asserted-identity")
        persons = {recipient_of(parse_uri(each.uri)) for each in asserted or [request.from_]}
    except SipError:
        return None
    persons.discard(None)
    return persons.pop() if len(persons) == 1 else None


def voice_rows(snapshot: Snapshot, number: str, now: float) -> tuple[Number, ...]:
    """The rows by which a number is a voice number now."""
    return tuple(row for row in snapshot.numbers.find(number) if "voice" in row.channels and row.period.holds(now))


def owners(snapshot: Snapshot, rows: tuple[Number, ...]) -> list[Account]:
    """The accounts that may call from a number, by name."""
    pairs = {(row.principal, row.operator) for row in rows}
    found = [each for each in snapshot.accounts.values() if (each.principal, each.operator) in pairs]
    return sorted(found, key=lambda account: account.id)


def closed(snapshot: Snapshot, number: str, rows: tuple[Number, ...]) -> str:
    """The rule for which a number takes no calls either: it was disposed of, or is held; empty for none."""
    held = snapshot.held_numbers
    if held and any(number[:end] in held for end in range(_SHORTEST_NUMBER, len(number) + 1)):
        return HELD
    if any(row.disposed for row in (*rows, *snapshot.numbers.above(number))):
        return DISPOSED
    return ""
