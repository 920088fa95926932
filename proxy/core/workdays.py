"""Which days are workdays: the weekend, and what the State Council publishes for each year.

Owns the meaning of a calendar file. Must never take a day of a year that was not published for either kind: nobody can
know yet which of its weekdays will be holidays, and which weekends will be worked.
"""

from datetime import date
from typing import Final, Literal

from msgspec import Struct

DayKind = Literal["workday", "holiday", "unknown"]

_SATURDAY: Final = 5


class Calendar(Struct, frozen=True):
    """`years` are those that the file covers; days are `date.toordinal`. A weekend is a holiday unless `worked`."""

    id: str = ""
    years: frozenset[int] = frozenset()
    off: frozenset[int] = frozenset()
    worked: frozenset[int] = frozenset()

    def kind(self, day: date) -> DayKind:
        """What a local day is; `unknown` in a year that the calendar does not cover."""
        if day.year not in self.years:
            return "unknown"
        number = day.toordinal()
        if number in self.worked:
            return "workday"
        return "holiday" if number in self.off or day.weekday() >= _SATURDAY else "workday"


NO_CALENDAR: Final = Calendar()
