"""Reading the log while it is written: by index, by decision id, the latest, and what comes next.

Owns nothing; read-only, for the console's process and for commands. Must never change or lock a file. Framing is
checked, hashes are not: whoever wants to be sure verifies. A batch is given only when it is whole.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from pathlib import Path
from struct import pack

from msgspec import Struct

from proxy.evidence.layout import Head
from proxy.evidence.records import (
    AnyRecord,
    Call,
    Decision,
    Outcome,
    RuleTable,
    Start,
    Unknown,
    decode,
    kind_of,
    rules_hash,
)
from proxy.evidence.segments import (
    Batch,
    CutShortError,
    batches_of,
    first_of,
    read_batch,
    read_batch_header,
    read_segment_header,
    segment_paths,
)

_DECISION = 1
_TABLES = (6, 10)


class Entry(Struct, frozen=True):
    """A record with its place: index, octets as hashed, and the signed head of its batch."""

    index: int
    octets: bytes
    head: Head

    @property
    def record(self) -> AnyRecord | Unknown:
        """Decoded; raises RecordError."""
        return decode(self.octets)


def _entries(batch: Batch) -> Iterator[Entry]:
    for index, octets in enumerate(batch.records, batch.header.first):
        yield Entry(index, octets, batch.head)


def entries(directory: Path, start: int = 0, end: int | None = None) -> Iterator[Entry]:
    """The records from index `start` to before `end` (None: to the end of what is whole); raises LayoutError."""
    paths = segment_paths(directory)
    at = max(0, bisect_right([first_of(path) for path in paths], start) - 1)
    for path in paths[at:]:
        if end is not None and first_of(path) >= end:
            return
        for offset in _offsets(path, start):
            batch = next(batches_of(path, offset), None)
            if batch is None:
                return
            for entry in _entries(batch):
                if end is not None and entry.index >= end:
                    return
                if entry.index >= start:
                    yield entry


def records_of(directory: Path, size: int) -> Iterator[bytes]:
    """The octets of the first `size` records."""
    return (entry.octets for entry in entries(directory, 0, size))


def _offsets(path: Path, start: int = 0) -> list[int]:
    """Where the whole batches of a segment begin that have a record from `start` on; reads headers only."""
    offsets: list[int] = []
    try:
        with path.open("rb") as file:
            offset = read_segment_header(file).octets
            while (header := read_batch_header(file, offset)) is not None:
                if header.first + header.count > start:
                    offsets.append(offset)
                offset += header.total_octets
    except CutShortError:
        return offsets
    return offsets


def last_head(directory: Path) -> Head | None:
    """The head of the last whole batch, None for an empty log; raises LayoutError."""
    for path in reversed(segment_paths(directory)):
        offsets = _offsets(path)
        if offsets:
            batch = next(batches_of(path, offsets[-1]), None)
            return batch.head if batch else None
    return None


def tail(directory: Path, count: int) -> list[Entry]:
    """The last `count` records, oldest first."""
    head = last_head(directory)
    return [] if head is None else list(entries(directory, max(0, head.size - count), head.size))


def find(directory: Path, decision_id: int) -> Entry | None:
    """The Decision with this id; None when there is none.

    Decisions stand in the log in rising order of id (as they are allotted), so two binary searches find the batch;
    should a writer have broken that order, every batch is read before the answer is None.
    """
    paths = segment_paths(directory)
    segment = _last_not_beyond(len(paths), lambda number: _first_decision(paths[number:]), decision_id)
    if segment >= 0:
        path = paths[segment]
        offsets = _offsets(path)
        number = _last_not_beyond(len(offsets), lambda one: _first_decision([path], offsets[one]), decision_id)
        batch = next(batches_of(path, offsets[number]), None) if number >= 0 else None
        found = _in_batch(batch, decision_id) if batch else None
        if found:
            return found
    for path in paths:
        for batch in batches_of(path):
            found = _in_batch(batch, decision_id)
            if found:
                return found
    return None


def _last_not_beyond(count: int, first_at: Callable[[int], int | None], wanted: int) -> int:
    """The last place whose first decision (there or later) is not beyond the wanted id; -1 when none is."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        first = first_at(middle)
        if first is not None and first <= wanted:
            low = middle + 1
        else:
            high = middle
    return low - 1


def _first_decision(paths: list[Path], offset: int = 0) -> int | None:
    """The id of the first Decision from `offset` of the first of these segments on."""
    for path in paths:
        for batch in batches_of(path, offset):
            for octets in batch.records:
                if kind_of(octets) == _DECISION and isinstance(record := decode(octets), Decision):
                    return record.id
        offset = 0
    return None


def _in_batch(batch: Batch, decision_id: int) -> Entry | None:
    needle = _id_octets(decision_id)
    for entry in _entries(batch):
        if needle in entry.octets and kind_of(entry.octets) == _DECISION:
            record = entry.record
            if isinstance(record, Decision) and record.id == decision_id:
                return entry
    return None


def _id_octets(decision_id: int) -> bytes:
    # INVARIANT: ids are beyond 2**32 (boot numbers begin at 1), so msgpack writes each as a full uint64.
    return pack(">Q", decision_id)


def outcomes_of(directory: Path, decision_id: int, start: int) -> list[Entry]:
    """What became of a decision: its Outcome records, or its Call, from index `start` on."""
    needle = _id_octets(decision_id)
    return [
        entry
        for entry in entries(directory, start)
        if needle in entry.octets and isinstance(record := entry.record, Outcome | Call) and record.id == decision_id
    ]


def rule_table(directory: Path, decision: Decision, index: int) -> tuple[str, ...]:
    """The rule ids that the outcomes of the decision at `index` are read by; empty when the log has no such table."""
    boot = decision.id >> 32
    for entry in _entries_from_boot(directory, boot):
        if entry.index >= index:
            break
        if kind_of(entry.octets) in _TABLES:
            record = entry.record
            if isinstance(record, RuleTable) and record.rules_hash == decision.rules_hash:
                return record.rules
            if isinstance(record, Start) and rules_hash(record.rules) == decision.rules_hash:
                return record.rules
    return ()


def _entries_from_boot(directory: Path, boot: int) -> Iterator[Entry]:
    """The records from the first batch of a boot on. WHY: boot numbers rise, so segments are searched, not read."""
    paths = segment_paths(directory)
    at = bisect_left([_first_boot(path) for path in paths], boot)
    for path in paths[max(0, at - 1) :]:
        for batch in batches_of(path):
            if batch.header.boot >= boot:
                yield from _entries(batch)


def _first_boot(path: Path) -> int:
    batch = next(batches_of(path), None)
    return batch.header.boot if batch else 1 << 32


class Follower:
    """Gives each batch once, as it becomes whole."""

    def __init__(self, directory: Path, size: int = 0) -> None:
        """Begins with the batch that holds record `size`; `last_head(...).size` for only what comes."""
        self._directory = directory
        self._size = size
        self._path: Path | None = None
        self._offset = 0

    def poll(self) -> list[Batch]:
        """The batches that have become whole since the last call; never blocks for more. Raises LayoutError."""
        batches: list[Batch] = []
        while True:
            if self._path is None and not self._seek():
                return batches
            before = len(batches)
            self._read(batches)
            # A segment is over when another begins with the record that comes next.
            if len(batches) == before and not self._seek():
                return batches

    def _read(self, batches: list[Batch]) -> None:
        assert self._path is not None
        with self._path.open("rb") as file:
            try:
                header = read_segment_header(file)
                self._offset = self._offset or header.octets
                while (batch := read_batch(file, self._offset, header.log_id)) is not None:
                    self._offset = batch.end
                    if batch.head.size > self._size:
                        self._size = batch.head.size
                        batches.append(batch)
            except CutShortError:
                return

    def _seek(self) -> bool:
        """Goes to the segment that holds the next record; False when that is where it stands already."""
        paths = segment_paths(self._directory)
        at = bisect_right([first_of(path) for path in paths], self._size) - 1
        if at < 0 or paths[at] == self._path:
            return False
        self._path, self._offset = paths[at], 0
        return True
