"""What the facts of an explanation are taken from, and how they are written. Pure.

Moments are written in Asia/Shanghai, periods with their last day. `Ledger` holds what only the store knows (when a
consent was given, on what basis, from where a refusal came): facts, by rule, made by whoever reads the store.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from proxy.core.bound import Bound
from proxy.core.records import FOREVER, Period
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot
from proxy.core.timetable import SHANGHAI
from proxy.explaining.shape import Fact
from proxy.rules.rule import LaneFacts

#: Facts from the ledgers of persons, by rule.
Ledger = dict[str, tuple[Fact, ...]]
_LAST_YEAR_S: Final = 60_000_000_000
_EPOCH: Final = datetime.fromtimestamp(0, SHANGHAI)


class Seen(Struct, frozen=True):
    """One question with all that the rules may look at. `person` is the key of the recipient for the principal, 0 for
    none, `anyone` the key under no institution.
    """

    request: Request
    snapshot: Snapshot
    now: float
    facts: LaneFacts
    packs: Bound
    place: str
    person: int
    anyone: int


def moment(seconds: float) -> str:
    """A UTC second as local time in Asia/Shanghai."""
    if abs(seconds) > _LAST_YEAR_S:
        return "–"
    # WHY added: of moments before 1970 not every platform makes a date.
    return (_EPOCH + timedelta(seconds=seconds)).isoformat(sep=" ", timespec="seconds")[:19]


def day(number: int) -> str:
    """A day number of Asia/Shanghai as a date; `forever` where it lies beyond every calendar."""
    try:
        return (datetime(1970, 1, 1) + timedelta(days=number)).strftime("%Y-%m-%d")  # noqa: DTZ001  WHY: a date
    except OverflowError:
        return "forever"


def period(one: Period, now: float) -> str:
    """A period with its first and last day, and how it stands."""
    since = "the beginning" if one.since == 0 else moment(one.since)[:10]
    until = "forever" if one.until >= FOREVER else moment(one.until - 1)[:10]
    stands = "holds" if one.holds(now) else "not yet" if now < one.since else "over"
    return f"{since} to {until} ({stands})"


def listing(values: Iterable[str]) -> str:
    """Several values in one order; a dash for none."""
    return ", ".join(sorted(values)) or "–"


def said(*, yes: bool) -> str:
    """A truth in a word."""
    return "yes" if yes else "no"
