"""What a section of a registry file is: its columns, which are mandatory, what names a row and what it refers to.

Owns the shapes and the columns that several sections share. `zh` is the heading that a Chinese spreadsheet may use
instead of the name (J18). Pure data.
"""

from typing import Final

from msgspec import Struct

from proxy.core.records import FOREVER
from proxy.registry import fields
from proxy.registry.fields import Field, SqlValue


class Column(Struct, frozen=True):
    """One column; without `required` an absent or empty field becomes `default` (a column's value, not a file's)."""

    name: str
    field: Field
    required: bool = True
    default: SqlValue = ""
    zh: str = ""
    aliases: tuple[str, ...] = ()
    secret: bool = False


class Reference(Struct, frozen=True):
    """`column` must name a row of one of `tables`, in the file or in the registry; in a `listed` one, each part must.

    An empty column refers to nothing. `by_name`: a row may also be meant by its name, and where there is none of these
    tables at all, anything may stand there.
    """

    column: str
    tables: tuple[str, ...]
    listed: bool = False
    by_name: bool = False


class Table(Struct, frozen=True):
    """One section. `key` names a row: a row with the same key is an update, never a second one."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    references: tuple[Reference, ...] = ()

    def named(self, name: str) -> Column | None:
        """The column that a heading means: its name, an alias or its Chinese heading."""
        return next((one for one in self.columns if name in (one.name, one.zh, *one.aliases)), None)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


SINCE: Final = Column("since", fields.SINCE, zh="起始日期")
UNTIL: Final = Column("until", fields.UNTIL, zh="截止日期")
PURPOSES: Final = Column("purposes", fields.PURPOSES, zh="用途")
CHANNELS: Final = Column("channels", fields.CHANNEL_SET, zh="渠道")
INSTITUTION: Final = Column("institution", fields.ID, zh="金融机构", aliases=("服务机构",))
PRINCIPAL: Final = Column("principal", fields.ID, zh="服务机构", aliases=("institution", "金融机构"))
OPERATOR: Final = Column("operator", fields.ID, zh="使用单位")
REGION: Final = Column("region", fields.REGION, required=False, zh="地区")
#: Caps of calls, of a trunk or of an institution over all its trunks; 0: none.
CALL_CAPS: Final = (
    Column("calls_per_s", fields.whole(0, 100_000), required=False, default=0, zh="每秒呼叫数"),
    Column("calls_most", fields.whole(0, 1_000_000), required=False, default=0, zh="并发呼叫数"),
    Column("call_s_most", fields.whole(0, 86_400), required=False, default=0, zh="最长通话秒数"),
)
OWNER: Final = Column("owner", fields.ID, zh="所属单位", aliases=("institution",))
OWNED: Final = (Reference("owner", ("institutions", "partners")),)
OWNED_PERIOD: Final = (
    Column("since", fields.SINCE, required=False, default=0, zh="起始日期"),
    Column("until", fields.UNTIL, required=False, default=FOREVER, zh="截止日期"),
)
