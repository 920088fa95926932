"""What stands on disk at start: every entry that is not done with, in order.

Owns the difference between torn and damaged. Torn is what a kill or a power cut can leave: octets at the end of the
newest segment, or of a file of done ids, in which no sound record stands; they are cut off, since nobody was told that
they were durable. Anything else is damage, and then nothing is touched.
"""

import re
from pathlib import Path
from typing import Final, Protocol

import msgspec

from proxy.disk import Disk
from proxy.spool.entry import Entry, Place, Segment
from proxy.spool.errors import SpoolDamagedError
from proxy.spool.layout import (
    CLEAN,
    CLEAN_NAME,
    DONE,
    ENTRIES,
    HEADER_OCTETS,
    RECORD_MAGIC,
    Keys,
    decode_clean,
    decode_entries,
    decode_ids,
    done_name,
    segment_name,
)

_NAME: Final = re.compile(r"([0-9]{20})\.(seg|done)")


class SpoolDisk(Disk, Protocol):
    """What the spool asks of a directory; `proxy.disk.Directory` is one."""

    def cut(self, name: str, offset: int) -> None: ...

    def remove(self, names: list[str]) -> None: ...

    def read(self, name: str, offset: int, size: int) -> bytes: ...


class Recovered:
    """What was found. `entries` are in the order of their ids, with octets up to the limit of memory."""

    __slots__ = ("cut_octets", "entries", "held", "highest", "next_number", "segments")

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.segments: dict[int, Segment] = {}
        self.next_number = 1
        self.highest = 0
        self.held = 0
        self.cut_octets = 0


class _Cut:
    """A file and where to cut it."""

    __slots__ = ("name", "octets", "offset")

    def __init__(self, name: str, offset: int, octets: int) -> None:
        self.name: Final = name
        self.offset: Final = offset
        self.octets: Final = octets


def recover(disk: SpoolDisk, directory: Path, keys: Keys, memory_octets: int) -> Recovered:
    """Reads the spool, then cuts off what is torn and removes what is done with.

    Raises SpoolDamagedError, SpoolKeyError, OSError.
    """
    found = Recovered()
    cuts: list[_Cut] = []
    removed: list[str] = []
    numbers, others = _files(directory)
    by_id: dict[int, Entry] = {}
    gone: set[int] = set()
    marked: dict[int, set[int]] = {}
    for number in numbers:
        read = _read_segment(directory, keys, number, number == numbers[-1], by_id, cuts)
        if read is None:
            removed.append(segment_name(number))
            continue
        found.segments[number] = read
        marked[number] = _read_done(directory, keys, read, cuts)
        gone |= marked[number]
    found.highest = max(by_id, default=0)
    handed_out = _read_clean(directory, keys, found.highest)
    for id_ in sorted(by_id):
        entry = by_id[id_]
        if entry.place is None:
            continue
        segment = entry.place.segment
        if id_ in gone:
            if id_ not in marked[segment.number]:
                segment.gone.append(id_)
            continue
        segment.add(entry)
        entry.again = handed_out is None or id_ in handed_out
        if found.held + entry.size <= memory_octets:
            found.held += entry.size
        else:
            entry.octets = b""
        found.entries.append(entry)
    # WHY not always: where a copy is not marked yet, only the segment that it came from says that it is done with. The
    # first sweep writes the mark, and then removes.
    is_marked = not any(segment.gone for segment in found.segments.values())
    for number, segment in list(found.segments.items()):
        if is_marked and not segment.live:
            removed += [segment_name(number), done_name(number)]
            del found.segments[number]
    removed += [done_name(number) for number in others - set(numbers)]
    found.next_number = max(others | set(numbers), default=0) + 1
    for cut in cuts:
        disk.cut(cut.name, cut.offset)
        found.cut_octets += cut.octets
    # INVARIANT: gone before anything is handed out, so that it never speaks for a later run.
    disk.remove([*removed, CLEAN_NAME])
    return found


def _files(directory: Path) -> tuple[list[int], set[int]]:
    """The numbers of the segments, in order, and those of the files of done ids."""
    numbers: dict[str, set[int]] = {"seg": set(), "done": set()}
    for path in directory.iterdir():
        match = _NAME.fullmatch(path.name)
        if match:
            numbers[match[2]].add(int(match[1]))
    return sorted(numbers["seg"]), numbers["done"]


def _bodies(
    keys: Keys, header: bytes, kind: bytes, octets: bytes, at: int, name: str
) -> tuple[list[tuple[int, bytes, int]], int]:
    """(offset, body, size) of each record from `at` on, and where the sound ones end; raises SpoolDamagedError."""
    bodies: list[tuple[int, bytes, int]] = []
    while at < len(octets):
        opened = keys.open(header, kind, at, octets, at)
        if opened is None:
            later = octets.find(RECORD_MAGIC, at + 1)
            while later >= 0:
                if keys.open(header, kind, later, octets, later) is not None:
                    raise SpoolDamagedError(f"{name} at octet {at}: not as it was written, yet more follows")
                later = octets.find(RECORD_MAGIC, later + 1)
            break
        body, size = opened
        bodies.append((at, body, size))
        at += size
    return bodies, at


def _read_segment(
    directory: Path, keys: Keys, number: int, is_last: bool, by_id: dict[int, Entry], cuts: list[_Cut]
) -> Segment | None:
    """One segment, its entries into `by_id`; None where the newest one was cut short in its header."""
    name = segment_name(number)
    octets = (directory / name).read_bytes()
    # WHY by length: the header is durable before the first record is written.
    if is_last and (len(octets) < HEADER_OCTETS or (len(octets) == HEADER_OCTETS and not any(octets))):
        return None
    if len(octets) < HEADER_OCTETS:
        raise SpoolDamagedError(f"{name}: cut short in its header")
    header = octets[:HEADER_OCTETS]
    keys.check_header(header, number)
    bodies, end = _bodies(keys, header, ENTRIES, octets, HEADER_OCTETS, name)
    if end < len(octets):
        if not is_last:
            raise SpoolDamagedError(f"{name} at octet {end}: not as it was written, yet a later segment follows")
        cuts.append(_Cut(name, end, len(octets) - end))
    segment = Segment(number, header, used=end, written=True)
    for offset, body, size in bodies:
        place = Place(segment, offset, size)
        for id_, at_us, account, entry_octets in decode_entries(body):
            entry = Entry(id_, at_us, account, entry_octets, len(entry_octets), True)
            entry.place = place
            by_id[id_] = entry
    return segment


def _read_done(directory: Path, keys: Keys, segment: Segment, cuts: list[_Cut]) -> set[int]:
    """The ids that are done with."""
    name = done_name(segment.number)
    try:
        octets = (directory / name).read_bytes()
    except FileNotFoundError:
        return set()
    bodies, end = _bodies(keys, segment.header, DONE, octets, 0, name)
    if end < len(octets):
        cuts.append(_Cut(name, end, len(octets) - end))
    segment.done_used = end
    return {id_ for _, body, _ in bodies for id_ in decode_ids(body)}


def _read_clean(directory: Path, keys: Keys, highest: int) -> set[int] | None:
    """The ids that had been handed out when the spool was closed in order; None where it was not."""
    try:
        octets = (directory / CLEAN_NAME).read_bytes()
    except FileNotFoundError:
        return None
    opened = keys.open(b"", CLEAN, 0, octets, 0)
    if opened is None:
        return None
    try:
        at_close, handed_out = decode_clean(opened[0])
    except msgspec.DecodeError:
        return None
    return set(handed_out) if at_close >= highest else None
