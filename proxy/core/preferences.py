"""What a person prefers, as one whole number: what is declined, and the hours in which the rest may come (J6 J14).

Owns the layout, which is stored on disk: the bits of `core.purposes`, above them `opens` and `closes` in minutes after
local midnight, eleven bits each; both 0 is no window. A preference narrows what a consent opened, and opens nothing.
"""

from typing import Final

_OPENS_SHIFT: Final = 8
_CLOSES_SHIFT: Final = 19
_MINUTE_MASK: Final = 0x7FF
DAY_MINUTES: Final = 1440


def preference(declined: int, opens: int = 0, closes: int = 0) -> int:
    """The value of a preference; raises ValueError for hours that are none or go over midnight."""
    if (opens or closes) and not 0 <= opens < closes <= DAY_MINUTES:
        raise ValueError("hours are from 00:00 to 24:00, the first before the last")
    if not 0 <= declined <= 0xFF:
        raise ValueError("no such purposes and channels")
    return declined | opens << _OPENS_SHIFT | closes << _CLOSES_SHIFT


def declined_bits(value: int) -> int:
    """What is declined, as the bits of `core.purposes`."""
    return value & 0xFF


def window(value: int) -> tuple[int, int]:
    """(opens, closes) in minutes after local midnight; (0, 0) where every hour will do."""
    return value >> _OPENS_SHIFT & _MINUTE_MASK, value >> _CLOSES_SHIFT & _MINUTE_MASK
