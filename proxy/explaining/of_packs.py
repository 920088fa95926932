"""What the rules of hours and caps saw: windows with local time, days, zones, contacts in the window. Pure."""

from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from math import floor
from typing import Final

from proxy.core.contacts import EPOCH_S
from proxy.core.pack import Hours
from proxy.core.place import zones_in
from proxy.core.timetable import Timetable
from proxy.explaining.seen import Seen, moment, said
from proxy.explaining.shape import Fact

_HOUR: Final = 60
_HOUR_S: Final = 3600


def _hours(seen: Seen) -> Iterator[Fact]:
    facts = seen.facts
    zones = zones_in(seen.place)
    yield Fact("place", seen.place or "China, province not certain")
    for zone in zones:
        yield Fact("local_time", _local(seen.now, zone))
    if not zones:
        yield Fact("local_time", "nobody knows the zone: what has hours is closed")
    tables = seen.packs.timetables(facts.account.principal, facts.purpose, facts.channel)
    if not tables:
        yield Fact("hours", f"no pack that binds closes {facts.purpose} on {facts.channel}")
    for table in tables:
        mode = table.pack.mode_for("hours.closed", facts.account.id)
        is_open = said(yes=table.is_open(zones, seen.now))
        yield Fact("hours", f"{table.pack.name}: {_window(table, zones, seen.now)}; open {is_open}; {mode}")


def _local(now: float, zone: tzinfo) -> str:
    local = datetime.fromtimestamp(now, zone)
    return f"{local:%Y-%m-%d %H:%M} {getattr(zone, 'key', 'Asia/Shanghai')}"


def _window(table: Timetable, zones: tuple[tzinfo, ...], now: float) -> str:
    if table.workday == table.holiday:
        return _span(table.workday)
    kinds = {table.calendar.kind(datetime.fromtimestamp(now, zone).date()) for zone in zones}
    said_of = "/".join(sorted(kinds)) or "unknown"
    return f"workdays {_span(table.workday)}, holidays {_span(table.holiday)}, today is {said_of}"


def _span(hours: Hours) -> str:
    return "never" if hours.opens >= hours.closes else f"{_clock(hours.opens)}–{_clock(hours.closes)}"


def _clock(minutes: int) -> str:
    return f"{minutes // _HOUR:02d}:{minutes % _HOUR:02d}"


def _contacts(seen: Seen) -> Iterator[Fact]:
    contacts = seen.snapshot.contacts
    if contacts.failing or contacts.is_full:
        yield Fact("contacts", "cannot be counted now")
    for cap in seen.facts.caps:
        after = floor(seen.now) - cap.window_s - EPOCH_S
        found = sorted(
            second
            for bit in cap.bits
            if bit in contacts.tables
            for second in contacts.tables[bit].seconds_of(seen.person or 1)
            if second > after
        )
        shadow = ", only recorded" if cap.shadow else ""
        yield Fact(
            "contacts",
            f"{cap.pack}@{cap.version}: {len(found)} of {cap.most} in {cap.window_s // _HOUR_S} h{shadow}",
        )
        if found:
            yield Fact("contacts.at", ", ".join(moment(second + EPOCH_S) for second in found))
        frees = contacts.frees_in(cap, seen.person, seen.now)
        if frees:
            yield Fact("contacts.frees", moment(seen.now + frees))


FACTS: Final[dict[str, Callable[[Seen], Iterator[Fact]]]] = {
    "hours.closed": _hours,
    "frequency.cap": _contacts,
}
