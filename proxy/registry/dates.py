"""Dates as people write them in Asia/Shanghai, and the UTC seconds the policy reads. Pure.

A period is written with its last day (`until`, inclusive) and kept with the second at which it is over (exclusive).
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

from proxy.core.pack import CHINA_OFFSET_S
from proxy.core.records import FOREVER

CHINA: Final = timezone(timedelta(seconds=CHINA_OFFSET_S))
DAY_S: Final = 86_400
#: What may stand for "without end" in `until`.
FOREVER_WORDS: Final = frozenset(("forever", "长期", "永久"))

_DATE: Final = re.compile(
    r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|(\d{2})(\d{2})|年(\d{1,2})月(\d{1,2})日)"
)
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")


@lru_cache(maxsize=4096)
def parse_date(text: str) -> date:
    """`2026-03-01`, `2026/3/1`, `20260301` or `2026年3月1日`; raises ValueError with a reason."""
    found = _DATE.fullmatch(text.strip())
    if found is None:
        raise ValueError("not a date; write it as 2026-03-01")
    year, month, day = (int(part) for part in found.groups() if part is not None)
    try:
        return date(year, month, day)
    except ValueError as error:
        raise ValueError(f"no such day: {error}") from error


def since_s(day: date) -> int:
    """The UTC second at which a local day begins."""
    return (day - date(1970, 1, 1)).days * DAY_S - CHINA_OFFSET_S


def until_s(day: date) -> int:
    """The UTC second at which a local day is over."""
    return since_s(day) + DAY_S


def day_number(epoch_s: float) -> int:
    """The day number in Asia/Shanghai of a UTC second, as `proxy/rules/person.py` counts them."""
    return int((epoch_s + CHINA_OFFSET_S) // DAY_S)


def parse_moment_us(text: str) -> int:
    """A date, a date and time as spreadsheets write it, or one of ISO 8601 (local where it names no offset), as UTC
    microseconds.
    """
    try:
        day, _, clock = text.strip().partition(" ")
        found = _CLOCK.fullmatch(clock)
        if found is not None or not clock:
            hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found is not None else (0, 0, 0)
            return (since_s(parse_date(day)) + hours * 3600 + minutes * 60 + seconds) * 1_000_000
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError("not a date or time; write 2026-03-01 or 2026-03-01T09:30:00+08:00") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=CHINA)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def since_text(epoch_s: int) -> str:
    """The local day that begins at a UTC second, as written in a file; empty where none was noted (0)."""
    # WHY only 0: no local day begins at it, and institutions are older than 1970.
    return "" if epoch_s == 0 else _local(epoch_s).date().isoformat()


def until_text(epoch_s: int) -> str:
    """The last local day before a UTC second, as written in a file; empty where none was noted (0)."""
    if epoch_s == 0:
        return ""
    return "forever" if epoch_s >= FOREVER else _local(epoch_s - DAY_S).date().isoformat()


def moment_text(epoch_us: int) -> str:
    """A UTC microsecond as local ISO 8601."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=epoch_us)).astimezone(CHINA).isoformat()


def _local(epoch_s: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=CHINA) + timedelta(seconds=epoch_s + CHINA_OFFSET_S)


def day_start_s(day: int) -> int:
    """The UTC second at which a local day number begins; without end from the one of `FOREVER` on."""
    return FOREVER if day >= day_number(FOREVER) else day * DAY_S - CHINA_OFFSET_S
