"""The section of what persons prefer (J6), and how its hours are read and written. Pure data."""

import re
from typing import Final

from proxy.core.preferences import DAY_MINUTES
from proxy.core.purposes import PURPOSE_BITS, bit_names
from proxy.registry import fields
from proxy.registry.fields import Field, listed
from proxy.registry.table import Column, Reference, Table

_RECIPIENT: Final = Column("recipient", fields.RECIPIENT, zh="用户号码")
_SOURCE: Final = Column("source", fields.FILLED, required=False, default="import", zh="来源")
_HOUR: Final = re.compile(r"([0-9]{1,2}):([0-5][0-9])")
_BITS: Final = {f"{purpose}/{channel}": bit for (purpose, channel), bit in PURPOSE_BITS.items()}


def _declined(value: object) -> int:
    """Pairs such as marketing/sms, as the bits of `core.purposes`."""
    bits = 0
    for pair in listed(value):
        if pair not in _BITS:
            raise ValueError(f"must be of {', '.join(_BITS)}")
        bits |= _BITS[pair]
    return bits


def minute_of(value: object) -> int:
    """Minutes after midnight of HH:MM, 24:00 being the end of the day; raises ValueError."""
    found = _HOUR.fullmatch(fields.filled(value))
    minutes = int(found[1]) * 60 + int(found[2]) if found else DAY_MINUTES + 1
    if minutes > DAY_MINUTES:
        raise ValueError("must be HH:MM, from 00:00 to 24:00")
    return minutes


def clock(minutes: int) -> str:
    """HH:MM of minutes after midnight."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


_CLOCK: Final = Field(minute_of, clock)

#: The last word of a person counts, for one institution or, where none is named, for all of them (J6).
PREFERENCES: Final = Table(
    "preferences",
    (
        _RECIPIENT,
        Column("institution", fields.ID, required=False, zh="金融机构"),
        Column("declines", Field(_declined, bit_names), required=False, default=0, zh="谢绝"),
        Column("opens", _CLOCK, required=False, default=0, zh="开始时间"),
        Column("closes", _CLOCK, required=False, default=0, zh="结束时间"),
        Column("at", fields.MOMENT, zh="表示时间"),
        _SOURCE,
    ),
    (),
    (Reference("institution", ("institutions",)),),
)
