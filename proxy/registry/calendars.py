"""Reads calendars of holidays: TOML → `core.workdays.Calendar`, every error with file, key and reason.

Owns the form of a calendar file: a section for each year that was published, with the days that are off and the
weekend days that are worked. Must never fill a year that the file leaves out.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final

from msgspec import Struct

from proxy.core.pack import Pack
from proxy.core.workdays import Calendar
from proxy.settings import SettingsError, checked

_SATURDAY: Final = 5


class _Year(Struct, frozen=True, forbid_unknown_fields=True):
    """`off` are dates, or spans `FROM/TO`; `worked` are dates. `source` names the notice."""

    source: str
    off: list[str]
    worked: list[str]


def calendar_from(table: Mapping[str, Any], file: str) -> Calendar:
    """The calendar that a TOML table describes; raises SettingsError with every error."""
    errors: list[str] = []
    name = table.get("calendar")
    if not isinstance(name, str) or not name:
        errors.append(f"{file}: calendar: must name the calendar")
    years: set[int] = set()
    off: set[int] = set()
    worked: set[int] = set()
    for key, section in table.items():
        if key == "calendar":
            continue
        if not (key.isascii() and key.isdigit() and len(key) == 4 and isinstance(section, Mapping)):
            errors.append(f"{file}: {key}: must be a year with off and worked")
            continue
        try:
            found = checked(_Year, section, f"{file}: {key}")
        except SettingsError as error:
            errors += error.errors
            continue
        years.add(int(key))
        days = [_days(text, int(key), f"{file}: {key}.off", errors) for text in found.off]
        made_up = [_days(text, int(key), f"{file}: {key}.worked", errors) for text in found.worked]
        off |= {day.toordinal() for span in days for day in span}
        for day in [day for span in made_up for day in span]:
            if day.weekday() < _SATURDAY:
                errors.append(f"{file}: {key}.worked: {day} is no weekend day")
            elif day.toordinal() in off:
                errors.append(f"{file}: {key}.worked: {day} is off, too")
            worked.add(day.toordinal())
    if errors:
        raise SettingsError(errors)
    return Calendar(str(name), frozenset(years), frozenset(off), frozenset(worked))


def calendar_warnings(packs: Iterable[Pack], today: date) -> Iterator[str]:
    """Packs whose calendar has not this year, or in December not the next one: then their tighter hours hold daily."""
    for pack in packs:
        needed = {today.year, (today + timedelta(days=31)).year}
        missing = sorted(needed - pack.calendar.years) if pack.holiday_hours else []
        for year in missing:
            yield (
                f"policy.packs: {pack.id}: its calendar {pack.calendar.id} has no {year}: the tighter hours of "
                "workdays and holidays hold every day of it; add the year as published"
            )


def _days(text: str, year: int, key: str, errors: list[str]) -> list[date]:
    """The days of a date or of a span `FROM/TO`, both included."""
    begin, _, end = text.partition("/")
    try:
        first = date.fromisoformat(begin)
        last = date.fromisoformat(end) if end else first
    except ValueError:
        errors.append(f"{key}: {text}: must be a date such as 2026-10-01, or 2026-10-01/2026-10-07")
        return []
    if last < first or first.year != year or last.year != year:
        errors.append(f"{key}: {text}: must lie in {year}, and begin before it ends")
        return []
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
