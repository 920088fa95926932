"""What the spool keeps in memory: entries, where they stand on disk, and the queue of each account.

Owns the order per account and who has what in hand. Must never touch a file or a loop. Plain classes, since each
delivery makes and reads them.
"""

from collections import deque
from typing import Final


class Segment:
    """A file of entries, and the file of those that are done with."""

    __slots__ = ("done_used", "gone", "header", "live", "live_octets", "number", "stuck", "used", "written")

    def __init__(self, number: int, header: bytes, *, used: int, written: bool, done_used: int = 0) -> None:
        self.number: Final = number
        self.header: Final = header
        self.used = used
        """Octets of the file that are durable."""
        self.written = written
        """Whether the header is durable."""
        self.done_used = done_used
        self.live: Final[dict[int, Entry]] = {}
        """Its entries that are not done with, by id."""
        self.live_octets = 0
        self.gone: list[int] = []
        """Ids that are done with and not yet written down as such."""
        self.stuck = False
        """Whether the disk would not remove it."""

    def add(self, entry: "Entry") -> None:
        self.live[entry.id] = entry
        self.live_octets += entry.size

    def drop(self, entry: "Entry") -> None:
        """The entry is done with, or has gone to another segment."""
        if self.live.pop(entry.id, None) is not None:
            self.live_octets -= entry.size


class Place:
    """One record of entries on disk."""

    __slots__ = ("offset", "segment", "size")

    def __init__(self, segment: Segment, offset: int, size: int) -> None:
        self.segment: Final = segment
        self.offset: Final = offset
        self.size: Final = size


class Entry:
    """One delivery that waits for its ESME. `at_us` is UTC in microseconds, ids grow in the order of `put`."""

    __slots__ = ("account", "again", "at_us", "gone", "id", "octets", "place", "size")

    def __init__(self, id_: int, at_us: int, account: str, octets: bytes, size: int, again: bool) -> None:
        self.id: Final = id_
        self.at_us: Final = at_us
        self.account: Final = account
        self.octets = octets
        """What was put; empty, and only on disk, until it is taken, when memory is at its limit."""
        self.size: Final = size
        self.again = again
        """Handed out before, or perhaps so, without an answer: a possible duplicate."""
        self.place: Place | None = None
        self.gone = False


class AccountQueue:
    """The entries of one account: those that wait, oldest first, and those in hand."""

    __slots__ = ("in_hand", "octets", "waiting")

    def __init__(self) -> None:
        self.waiting: Final[deque[Entry]] = deque()
        self.in_hand: Final[dict[int, Entry]] = {}
        self.octets = 0

    def give_back_all(self) -> None:
        """Puts all that is in hand back to its old place before the others."""
        entries = sorted(self.in_hand.values(), key=_id_of, reverse=True)
        self.in_hand.clear()
        for entry in entries:
            entry.again = True
            self._insert(entry)

    def give_back(self, entry: Entry) -> bool:
        """The same for one entry; False where it is not in hand."""
        if self.in_hand.pop(entry.id, None) is None:
            return False
        entry.again = True
        self._insert(entry)
        return True

    def _insert(self, entry: Entry) -> None:
        waiting = self.waiting
        # WHY from the front: only what was given back before it can precede it, a window at most.
        at = 0
        for other in waiting:
            if other.id > entry.id:
                break
            at += 1
        waiting.insert(at, entry)


def _id_of(entry: Entry) -> int:
    return entry.id
