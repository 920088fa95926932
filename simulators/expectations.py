"""What a scenario expects of a run, and the checks that come of comparing it with what was counted.

Owns the comparison. Must never decide what is lawful: it knows numbers, statuses and counts.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from proxy.smpp import consts
from simulators.arrivals import Arrived
from simulators.figures import status_key


class Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At least `min` and at most `max`."""

    min: int = 0
    max: int | None = None


Amount = int | Range
_STATUS_BY_NAME = {name: status for status, name in consts.STATUS_NAMES.items()}


class Expect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table `[expect]`; what is absent is not checked. An amount is a number or `{ min = 1, max = 3 }`."""

    statuses: dict[str, Amount] = {}
    """Answers to messages by status (`"0x0B"`, `"11"`, `"ESME_RINVDSTADR"`), final responses to calls (`"603"`); any
    that is not named must not occur."""
    receipts: dict[str, Amount] = {}
    """ESME: receipts by state; any that is not named must not occur."""
    replies: Amount | None = None
    """ESME: replies that came. Handset: answers sent."""
    sent: Amount | None = None
    unanswered: Amount | None = None
    lost: Amount | None = None
    """ESME: connections that ended too early."""
    submits: Amount | None = None
    """SMSC, handset: messages that arrived."""
    binds: Amount | None = None
    nothing_to: tuple[str, ...] = ()
    """SMSC, handset: no message may arrive for these numbers."""
    nothing_from: tuple[str, ...] = ()
    """SMSC, handset: no message may arrive from these numbers."""
    nothing_containing: tuple[str, ...] = ()
    """SMSC, handset: no message may arrive with one of these in its text."""
    after_refusal: Amount | None = None
    """Handset: messages after an acknowledged refusal; 0 where absent."""
    delivery_answers: dict[str, Amount] = {}
    """SMSC, handset: what receipts and replies were answered with, as `statuses`."""

    calls: Amount | None = None
    """UAC: calls made. UAS: calls that came."""
    rules: dict[str, Amount] = {}
    """UAC: refusals by the text of their Reason; any that is not named must not occur."""
    ended_by: dict[str, Amount] = {}
    """UAC, UAS: answered calls by who ended them: us, peer, lost."""
    pressed: Amount | None = None
    """UAC, UAS: keys of ours that were answered 2xx."""
    heard: Amount | None = None
    """UAC, UAS: keys of the other side."""

    def __post_init__(self) -> None:
        for key in (*self.statuses, *self.delivery_answers):
            read_status(key)

    @property
    def of_arrivals(self) -> bool:
        """Whether messages have to be recorded to check it."""
        return bool(self.nothing_to or self.nothing_from or self.nothing_containing)

    @property
    def empty(self) -> bool:
        """Whether nothing is expected."""
        return self == Expect()


class Check(msgspec.Struct, frozen=True):
    """One comparison."""

    name: str
    ok: bool
    detail: str


def read_status(key: str) -> int:
    """Read a status as scenarios write it; ValueError."""
    if key in _STATUS_BY_NAME:
        return _STATUS_BY_NAME[key]
    try:
        return int(key, 0)
    except ValueError:
        raise ValueError(f"status {key!r}: a number or a name as ESME_RINVDSTADR") from None


def _fits(amount: Amount, found: int) -> bool:
    if isinstance(amount, int):
        return found == amount
    return found >= amount.min and (amount.max is None or found <= amount.max)


def _wanted(amount: Amount) -> str:
    if isinstance(amount, int):
        return str(amount)
    return f"at least {amount.min}" if amount.max is None else f"{amount.min} to {amount.max}"


def check_amount(name: str, amount: Amount | None, found: int) -> list[Check]:
    """Compare one count; an empty list where nothing was expected."""
    if amount is None:
        return []
    return [Check(name, _fits(amount, found), f"expected {_wanted(amount)}, found {found}")]


def check_amounts(name: str, wanted: Mapping[str, Amount], found: Mapping[str, int]) -> list[Check]:
    """Compare counts by key; a key that was found and not wanted fails."""
    if not wanted:
        return []
    checks = []
    for key, amount in wanted.items():
        checks += check_amount(f"{name} {key}", amount, found.get(key, 0))
    for key in sorted(found.keys() - wanted.keys()):
        if found[key]:
            checks.append(Check(f"{name} {key}", False, f"expected none, found {found[key]}"))
    return checks


def check_statuses(name: str, wanted: Mapping[str, Amount], found: Mapping[int, int]) -> list[Check]:
    """Compare counts by command_status."""
    named = {status_key(read_status(key)): amount for key, amount in wanted.items()}
    return check_amounts(name, named, {status_key(status): count for status, count in found.items()})


def check_nothing(expect: Expect, arrived: Iterable[Arrived]) -> list[Check]:
    """Check that nothing arrived for, from, or containing what the scenario names. Shows counts, never numbers."""
    checks: list[Check] = []
    messages = list(arrived)
    for name, wanted, found in (
        ("nothing_to", expect.nothing_to, Counter(each.destination for each in messages)),
        ("nothing_from", expect.nothing_from, Counter(each.source for each in messages)),
    ):
        for index, number in enumerate(wanted, 1):
            checks.append(Check(f"{name} #{index}", not found[number], f"expected none, found {found[number]}"))
    for index, part in enumerate(expect.nothing_containing, 1):
        count = sum(part in each.text for each in messages)
        checks.append(Check(f"nothing_containing #{index}", not count, f"expected none, found {count}"))
    return checks
