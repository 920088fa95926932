"""What ends soon: licences, contracts, entrustments, liaisons, attestations: told in time (Z7). Pure."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from proxy.core.bound import bound
from proxy.core.records import FOREVER, Period
from proxy.core.snapshot import Snapshot

_DAY_S: Final = 86_400
#: Records that are looked at without a stop: some tenths of a millisecond.
_BREATH: Final = 500


class Ending(Struct, frozen=True):
    """`kind` and `name` tell which record, `until` the UTC second at which it is over."""

    kind: str
    name: str
    until: int


def ending(snapshot: Snapshot, now: float, days: int) -> list[Ending]:
    """What is over within so many days of `now` (UTC seconds), or since a day at most; the first to end first."""
    found = {one for one in looked_through(snapshot, now, days) if one is not None}
    return sorted(found, key=lambda one: (one.until, one.kind, one.name))


def looked_through(snapshot: Snapshot, now: float, days: int) -> Iterator[Ending | None]:
    """What is over within so many days, in no order, and None wherever whoever looks beside the wire may stop."""
    first, last = now - _DAY_S, min(now + days * _DAY_S, FOREVER - 1)
    for place, (pair, entrustments) in enumerate(snapshot.entrustments.items()):
        if place % _BREATH == 0:
            yield None
        for given in entrustments:
            if first < given.period.until <= last:
                yield Ending("entrustment", "/".join(pair), given.period.until)
    for place, (kind, name, period) in enumerate(_few(snapshot, now)):
        if place % _BREATH == 0:
            yield None
        if first < period.until <= last:
            yield Ending(kind, name, period.until)


def _few(snapshot: Snapshot, now: float) -> Iterator[tuple[str, str, Period]]:
    for telecom in snapshot.telecoms.values():
        yield "telecom", telecom.id, telecom.licence
    for account in snapshot.accounts.values():
        yield "account", account.id, account.telecom_licence
    for institution, licences in snapshot.licences.items():
        for licence in licences:
            yield "licence", institution, licence.period
    for partner in snapshot.partners.values():
        yield "contract", partner.id, partner.contract
    for institution, attested in snapshot.attested.items():
        known = snapshot.institutions.get(institution)
        regions = (known.region if known is not None else "",)
        days = bound(snapshot.pack, snapshot.shelf, "", regions, now).strictest.attest_days
        if days:
            yield "library", institution, Period(0, attested + days * _DAY_S)
    for institution, liaisons in snapshot.liaisons.items():
        for liaison in liaisons:
            yield "liaison", institution, liaison.period
