"""When it is open, in the local time of whoever is reached: hours of a day, kinds of days, zones, daylight saving.

Pure. China has one zone without daylight saving time, which is a fixed offset and exact; zones that change are asked
anew at least every quarter of an hour, on which every change of theirs falls.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Final

from msgspec import Struct

from proxy.core.pack import CHINA_OFFSET_S, Hours, Pack
from proxy.core.purposes import PURPOSE_BITS, Channel, Purpose
from proxy.core.workdays import NO_CALENDAR, Calendar

SHANGHAI: Final = timezone(timedelta(seconds=CHINA_OFFSET_S))
_ALL_DAY: Final = Hours()
_QUARTER_S: Final = 900
_DAY_MINUTES: Final = 1440
#: Until when an opening is looked for.
_AHEAD_S: Final = 3 * 86_400


class Timetable(Struct, frozen=True):
    """The hours of one purpose and channel under one pack, which `pack` names."""

    pack: Pack
    workday: Hours
    holiday: Hours
    calendar: Calendar = NO_CALENDAR

    @property
    def always(self) -> bool:
        """Whether it is never closed."""
        return self.workday == self.holiday == _ALL_DAY

    def on(self, local: datetime) -> Hours:
        """The hours of a local day; where nobody knows what kind of day it is, those that hold on either."""
        if self.workday == self.holiday:
            return self.workday
        kind = self.calendar.kind(local.date())
        if kind == "unknown":
            return self.workday.within(self.holiday)
        return self.holiday if kind == "holiday" else self.workday

    def is_open(self, zones: Sequence[tzinfo], now: float) -> bool:
        """Whether it is open in all of these zones; in none at all (nobody knows where) only if it never closes."""
        if self.always:
            return True
        for zone in zones:
            local = datetime.fromtimestamp(now, zone)
            hours = self.on(local)
            if not hours.opens <= local.hour * 60 + local.minute < hours.closes:
                return False
        return bool(zones)

    def next_change(self, zones: Sequence[tzinfo], now: float) -> float:
        """A moment (UTC seconds, after `now`) until which `is_open` says the same."""
        edges = []
        for zone in zones:
            local = datetime.fromtimestamp(now, zone)
            midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
            hours = self.on(local)
            if not isinstance(zone, timezone):
                edges.append((now // _QUARTER_S + 1) * _QUARTER_S)
            # Added on the clock of the wall, so that an hour that is skipped or comes twice does not move them.
            walls = [midnight + timedelta(minutes=minute) for minute in (hours.opens, hours.closes, _DAY_MINUTES)]
            # Where a clock goes back, a wall's time comes twice.
            edges += [wall.replace(fold=fold).timestamp() for wall in walls for fold in (0, 1)]
        return min([edge for edge in edges if edge > now], default=now + _QUARTER_S)


def timetable_of(pack: Pack, institution: str, purpose: Purpose, channel: Channel) -> Timetable:
    """What a pack says of a purpose on a channel, narrowed for one institution; others are always open."""
    workday = pack.hours.get((purpose, channel), _ALL_DAY)
    holiday = pack.holiday_hours.get((purpose, channel), workday)
    own = pack.institution_hours.get(institution)
    if own is not None and (purpose, channel) in PURPOSE_BITS:
        workday, holiday = workday.within(own), holiday.within(own)
    return Timetable(pack, workday, holiday, pack.calendar)


def opens_in(tables: Iterable[Timetable], zones: Sequence[tzinfo], now: float) -> float:
    """Seconds until all of them are open; 0 where they are, and where that is not within three days."""
    at, waited = now, tuple(tables)
    while at < now + _AHEAD_S:
        if all(table.is_open(zones, at) for table in waited):
            return at - now
        at = min(table.next_change(zones, at) for table in waited)
    return 0.0
