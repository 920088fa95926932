"""What of the records is newer than a revision, as the store tells it to whoever keeps up with it."""

from msgspec import Struct

from proxy.registry.ports import Row


class News(Struct, frozen=True):
    """`revision` is the newest. `rows` are those of a later revision than the one that was asked about, by table: all
    holds, whatever their revision; None for a table of which more are newer than were asked for, and for lists of other
    houses. Nothing where the revision is the same.
    """

    revision: int
    rows: dict[str, list[Row] | None]
