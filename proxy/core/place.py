"""Where a person is, as far as the number tells it for certain: a province of China, or the time zones of a country.

Owns the short text by which a lane is kept apart from that of other places. Must never guess: a Chinese mobile number
tells no province, and a number whose zone nobody knows lies in none. Zones come from `phonenumbers`, their rules from
the time zone database.
"""

from datetime import tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import timezone as number_zones

from proxy.core.regions import province_of
from proxy.core.timetable import SHANGHAI

#: A place of which nothing is certain but that it lies in China: nearly every recipient's.
CHINA: Final = ""
_CHINESE: Final = "CN-"
_NOWHERE: Final = "Etc/Unknown"


def place_of(recipient: str) -> str:
    """The place of a canonical recipient: `CHINA`, a province (`CN-ZJ`), or names of zones joined by spaces."""
    if recipient[:2] == "86":
        # WHY first: no fixed line but Beijing's begins so, and that has a zero there.
        return CHINA if recipient[2:3] == "1" and recipient[3:4] != "0" else province_of(recipient)
    return _abroad(recipient)


@lru_cache(maxsize=4096)
def _abroad(recipient: str) -> str:
    try:
        zones = number_zones.time_zones_for_number(phonenumbers.parse("+" + recipient))
    except phonenumbers.NumberParseException:
        return _NOWHERE
    return " ".join(zones) or _NOWHERE


def region_in(place: str) -> str:
    """The province that a place is, empty where it is none."""
    return place if place.startswith(_CHINESE) else ""


def zones_in(place: str) -> tuple[tzinfo, ...]:
    """The zones in which a person at this place may be; none where nobody knows."""
    if not place or place.startswith(_CHINESE):
        return _CHINA_ZONES
    return _zones(place)


_CHINA_ZONES: Final = (SHANGHAI,)


@lru_cache(maxsize=1024)
def _zones(place: str) -> tuple[tzinfo, ...]:
    # WHY by their rules: a thousand names, of which most say the same now, may differ on the day that clocks change.
    return () if _NOWHERE in place else tuple([ZoneInfo(name) for name in place.split(" ")])
