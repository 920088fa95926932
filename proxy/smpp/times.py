"""SMPP time formats: when something shall happen, as sixteen characters (SMPP v3.4 §7.1.1).

Owns both formats, absolute and relative. Must never read a clock: the present is given.
"""

import math
import re
from datetime import UTC, datetime
from typing import Final

_FORMAT: Final = re.compile(rb"([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9])([0-9]{2})([-+R])")

_YEAR_S: Final = 365 * 86_400
_MONTH_S: Final = 30 * 86_400


def seconds_until(value: bytes, now_utc: float) -> int | None:
    """Tell how many seconds from `now_utc` (UTC, Unix seconds) a time lies; None for the empty field.

    Absolute `YYMMDDhhmmsstnnp`: local time with tenths, `nn` quarters of an hour ahead of (`+`) or behind (`-`) UTC,
    years 2000 to 2099; a fraction is rounded up, the past is negative. Relative `YYMMDDhhmmss000R`: a year counts 365
    days and a month 30. Raises ValueError for everything else.
    """
    if not value:
        return None
    match = _FORMAT.fullmatch(value)
    if match is None:
        raise ValueError("not an SMPP time: 16 characters YYMMDDhhmmsstnnp")
    *numbers, sign = match.groups()
    years, months, days, hours, minutes, seconds, tenths, quarters = map(int, numbers)
    if sign == b"R":
        if months > 12 or days > 31 or hours > 23 or minutes > 59 or seconds > 59 or tenths or quarters:
            raise ValueError("not a relative SMPP time: a field is out of its range")
        return years * _YEAR_S + months * _MONTH_S + days * 86_400 + hours * 3_600 + minutes * 60 + seconds
    if quarters > 48:
        raise ValueError("not an absolute SMPP time: more than 48 quarters from UTC")
    # WHY: datetime refuses a day that the month does not have, and seconds of 60, with a ValueError of its own.
    local = datetime(2000 + years, months, days, hours, minutes, seconds, tzinfo=UTC).timestamp()
    offset = quarters * 900 if sign == b"+" else -quarters * 900
    return math.ceil(local + tenths / 10 - offset - now_utc)
