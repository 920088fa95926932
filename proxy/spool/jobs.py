"""What the writer's thread does: batches of entries, and sweeps of what is done with.

Owns the order of writes within a job. Must never be changed by the loop while it is in flight.
"""

from collections.abc import Callable
from typing import Final

from proxy.spool.entry import Entry, Segment
from proxy.spool.layout import done_name, segment_name
from proxy.spool.recovery import SpoolDisk

#: Called on the loop, once: None when the entry is durable, else why it is not, and then it is not in the spool.
DurableCallback = Callable[[OSError | None], None]


class Batch:
    """One sealed record of entries, and who waits for it."""

    __slots__ = ("entries", "moved_from", "record", "segment", "thens")

    def __init__(
        self,
        segment: Segment,
        record: bytes,
        entries: list[Entry],
        thens: list[DurableCallback],
        moved_from: Segment | None,
    ) -> None:
        self.segment: Final = segment
        self.record: Final = record
        self.entries: Final = entries
        self.thens: Final = thens
        self.moved_from: Final = moved_from
        """Where these entries stand until then; None for new ones."""

    def run(self, disk: SpoolDisk) -> None:
        """Writes header and record, each durable before the next; raises OSError."""
        segment = self.segment
        name = segment_name(segment.number)
        if not segment.written:
            disk.write(name, 0, (segment.header,))
        disk.write(name, segment.used, (self.record,))

    def undo(self, disk: SpoolDisk) -> None:
        """After a failure: nothing of it is left, as those who waited are told; raises OSError."""
        disk.cut(segment_name(self.segment.number), self.segment.used)


class Mark:
    """A sealed record of done ids for one segment."""

    __slots__ = ("ids", "record", "segment")

    def __init__(self, segment: Segment, ids: list[int], record: bytes) -> None:
        self.segment: Final = segment
        self.ids: Final = ids
        self.record: Final = record


class Sweep:
    """What is done with: marks for segments that live on, and the segments in which nothing lives."""

    __slots__ = ("dead", "marks")

    def __init__(self, marks: list[Mark], dead: list[Segment]) -> None:
        self.marks: Final = marks
        self.dead: Final = dead

    def run(self, disk: SpoolDisk) -> None:
        """Writes and removes; may be repeated as a whole after a failure, which raises OSError."""
        for mark in self.marks:
            disk.write(done_name(mark.segment.number), mark.segment.done_used, (mark.record,))
        if self.dead:
            # INVARIANT: entries go before their marks; marks without entries say nothing.
            names: list[str] = []
            for segment in self.dead:
                names += (segment_name(segment.number), done_name(segment.number))
            disk.remove(names)
