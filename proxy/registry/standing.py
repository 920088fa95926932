"""What stands in the registry already, as the check of a file asks for it row by row; and periods that overlap.

Owns the memory of a file's sending numbers: two rows of one number for one principal and operator never hold at the
same time on one channel, or nobody could say which of them binds (J18). The same moment is nobody's twice: a row that
changes a former one comes before the row that follows it, as an export writes them.
"""

from collections.abc import Sequence
from sys import intern
from typing import Final, Protocol

from msgspec import Struct

from proxy.registry import dates
from proxy.registry.fields import SqlValue


class Span(Struct, frozen=True):
    """When a number is somebody's; `row` is its place in the file, 0 for one of the registry. UTC seconds."""

    principal: str
    operator: str
    since: int
    until: int
    channels: str
    row: int = 0


class Standing(Protocol):
    """Look-ups in the registry as it is."""

    def spans(self, address: str) -> list[Span]:
        """The rows of a sending number."""
        ...

    def changed(self, table: str, key: Sequence[SqlValue]) -> tuple[int, str] | None:
        """The revision in which a record was last changed, and by what; None where there is no such record."""
        ...


class Nothing:
    """An empty registry."""

    def spans(self, address: str) -> list[Span]:
        return []

    def changed(self, table: str, key: Sequence[SqlValue]) -> tuple[int, str] | None:
        return None


class Periods:
    """The periods of the numbers that a file names, upon those that stand."""

    def __init__(self, standing: Standing) -> None:
        self._standing: Final = standing
        self._found: Final[dict[str, tuple[Span, ...]]] = {}

    def faults(self, values: dict[str, SqlValue], row: int) -> list[tuple[str, str]]:
        """What is wrong with the period of a row of numbers, whose fields are right; remembers a right one."""
        address, new = str(values["address"]), _span(values, row)
        spans = self._found.get(address)
        if spans is None:
            spans = tuple(self._standing.spans(address))
        same = next((one for one in spans if _names(one) == _names(new)), None)
        if same is not None and same.row:
            return [("address", f"the same address + principal + operator + since as row {same.row}")]
        if same is None or (same.until, same.channels) != (new.until, new.channels):
            for other in spans:
                if other is not same and _overlap(other, new):
                    return [("since", _told(other))]
        self._found[address] = (*(one for one in spans if one is not same), new)
        return []


def _span(values: dict[str, SqlValue], row: int) -> Span:
    # WHY interned: a file of 10^6 rows names few institutions and sets of channels.
    names = [intern(str(values[name])) for name in ("principal", "operator", "channels")]
    return Span(names[0], names[1], int(values["since"] or 0), int(values["until"] or 0), names[2], row)


def _names(span: Span) -> tuple[str, str, int]:
    return span.principal, span.operator, span.since


def _overlap(one: Span, other: Span) -> bool:
    return (
        (one.principal, one.operator) == (other.principal, other.operator)
        and one.since < other.until
        and other.since < one.until
        and not set(one.channels.split(",")).isdisjoint(other.channels.split(","))
    )


def _told(other: Span) -> str:
    if other.row:
        return f"overlaps the period of row {other.row}"
    period = f"{dates.since_text(other.since)} to {dates.until_text(other.until)}"
    return f"overlaps the period {period} of the registry; end that one first, in an earlier row"
