"""Sections of the number library: special segments, attestations, numbers on their way in (J20 Z10 J21). Pure data."""

from typing import Any, Final, get_args

from proxy.core.records import IntakePath, IntakeState
from proxy.registry import damage, fields
from proxy.registry.fields import Field, filled, same
from proxy.registry.table import (
    CHANNELS,
    INSTITUTION,
    OPERATOR,
    PRINCIPAL,
    PURPOSES,
    SINCE,
    UNTIL,
    Column,
    Reference,
    Table,
)


def _segment_digits(value: Any) -> str:
    """The digits that the numbers of a segment begin with."""
    text = damage.digits_of(filled(value))
    if not text.isascii() or not text.isdigit() or not 2 <= len(text) <= 20:
        raise ValueError("2 to 20 digits with which the numbers of the segment begin")
    return text


_DIGITS: Final = Field(_segment_digits, same)
_PATH: Final = Field(fields.one_of(get_args(IntakePath)), same)
_STATE: Final = Field(fields.one_of(get_args(IntakeState)), same)

#: J20: numbers that begin with digits from `first` to `last` (both inclusive, of one length) serve finance only.
SEGMENTS: Final = Table(
    "segments",
    (
        Column("id", fields.ID, zh="编号"),
        Column("first", _DIGITS, zh="起始号段"),
        Column("last", _DIGITS, zh="截止号段"),
        CHANNELS,
        PURPOSES,
        Column("department", fields.FILLED, zh="主管部门"),
        SINCE,
        UNTIL,
    ),
    ("id",),
)
#: Z10: somebody of the institution says that its library is whole and right today.
ATTESTATIONS: Final = Table(
    "attestations",
    (
        INSTITUTION,
        Column("attested", fields.MOMENT, zh="确认时间"),
        Column("attested_by", fields.FILLED, zh="确认人"),
        Column("numbers", fields.whole(0, 1 << 40), zh="号码数"),
        Column("remark", fields.TEXT, required=False, zh="说明"),
    ),
    ("institution", "attested"),
    (Reference("institution", ("institutions",)),),
)
#: J21: a number of a segment that is applied for, or one in use that is reported.
INTAKES: Final = Table(
    "intakes",
    (
        Column("id", fields.ID, zh="编号"),
        Column("path", _PATH, zh="途径"),
        Column("address", fields.SENDING_NUMBER, zh="发送号码"),
        PRINCIPAL,
        OPERATOR,
        Column("telecom", fields.FILLED, zh="电信企业"),
        CHANNELS,
        PURPOSES,
        SINCE,
        UNTIL,
        Column("extensible", fields.FLAG, required=False, default=0, zh="可扩展"),
        Column("submitted", fields.MOMENT, zh="提交时间"),
        Column("submitted_by", fields.FILLED, zh="提交人"),
        Column("state", _STATE, required=False, default="submitted", zh="状态"),
        Column("decided", fields.MOMENT_NOTED, required=False, default=0, zh="处理时间"),
        Column("decided_by", fields.TEXT, required=False, zh="处理人"),
        Column("reason", fields.TEXT, required=False, zh="原因"),
    ),
    ("id",),
    (Reference("principal", ("institutions",)), Reference("operator", ("institutions", "partners"))),
)
