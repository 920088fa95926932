"""What ends soon: licences, contracts, entrustments, liaisons, attestations: told in time (Z7). Pure."""

from collections.abc import Iterator

from msgspec import Struct

from proxy.core.bound import bound
from proxy.core.records import FOREVER, Period
from proxy.core.snapshot import Snapshot

_DAY_S = 86_400


class Ending(Struct, frozen=True):
    """`kind` and `name` tell which record, `until` the UTC second at which it is over."""

    kind: str
    name: str
    until: int


def ending(snapshot: Snapshot, now: float, days: int) -> list[Ending]:
    """What is over within so many days of `now` (UTC seconds), or since a day at most; the first to end first."""
    first, last = now - _DAY_S, min(now + days * _DAY_S, FOREVER - 1)
    found = {Ending(kind, name, period.until) for kind, name, period in _periods(snapshot, now, first, last)}
    return sorted(found, key=lambda one: (one.until, one.kind, one.name))


def _periods(snapshot: Snapshot, now: float, first: float, last: float) -> Iterator[tuple[str, str, Period]]:
    for pair, entrustments in snapshot.entrustments.items():
        for given in entrustments:
            # WHY here: there are many of them, at every change of the registry, and nearly none ends soon.
            if first < given.period.until <= last:
                yield "entrustment", "/".join(pair), given.period
    for kind, name, period in _few(snapshot, now):
        if first < period.until <= last:
            yield kind, name, period


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
