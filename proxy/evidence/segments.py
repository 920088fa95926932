"""Reading segments: which files there are, their headers, and their batches one at a time.

Owns nothing; opens files read-only and never holds more than one batch. Says what is wrong with the framing
(`LayoutError`), and whether a batch merely ends too early (`CutShortError`, as at the end of a file being written);
whether the hashes are right is for `verify.py` and `recovery.py`.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from proxy.evidence.layout import (
    BATCH_HEADER_OCTETS,
    BATCH_MAGIC,
    SEGMENT_FIXED_OCTETS,
    SEGMENT_SUFFIX,
    TRAILER_OCTETS,
    BatchHeader,
    Head,
    LayoutError,
    SegmentHeader,
    decode_batch,
    decode_segment,
    decode_segment_first,
    decode_trailer,
    hashes_octets,
    segment_name,
    split_records,
)


class CutShortError(LayoutError):
    """The file ends before the thing that begins here does."""


class Batch(Struct, frozen=True):
    """One batch as read: where it begins in its file, its header, its records, its signed head."""

    offset: int
    header: BatchHeader
    records: list[bytes]
    head: Head

    @property
    def end(self) -> int:
        return self.offset + self.header.total_octets


def segment_paths(directory: Path) -> list[Path]:
    """The segments in order of their first leaf."""
    return sorted(path for path in directory.iterdir() if _is_segment(path.name))


def first_of(path: Path) -> int:
    """The first leaf that a segment's name promises."""
    return int(path.name.removesuffix(SEGMENT_SUFFIX))


def _is_segment(name: str) -> bool:
    stem = name.removesuffix(SEGMENT_SUFFIX)
    return stem.isascii() and stem.isdigit() and name == segment_name(int(stem))


def read_segment_header(file: BinaryIO) -> SegmentHeader:
    """The header of an open segment; raises LayoutError."""
    file.seek(0)
    fixed = file.read(SEGMENT_FIXED_OCTETS)
    if len(fixed) < SEGMENT_FIXED_OCTETS:
        raise CutShortError("segment header cut short")
    wanted = hashes_octets(decode_segment_first(fixed))
    rest = file.read(wanted)
    if len(rest) < wanted:
        raise CutShortError("segment header cut short")
    return decode_segment(fixed + rest)


def read_batch_header(file: BinaryIO, offset: int) -> BatchHeader | None:
    """The header of the batch at `offset`, None at the end of the file; raises LayoutError.

    A header is given only if the file has all the octets it promises.
    """
    file.seek(offset)
    octets = file.read(BATCH_HEADER_OCTETS)
    if not octets:
        return None
    if len(octets) < BATCH_HEADER_OCTETS:
        raise CutShortError("batch header cut short")
    header = decode_batch(octets)
    if offset + header.total_octets > os.fstat(file.fileno()).st_size:
        raise CutShortError("batch cut short")
    return header


def read_batch(file: BinaryIO, offset: int, log_id: bytes) -> Batch | None:
    """The batch at `offset`, None at the end of the file; raises LayoutError."""
    header = read_batch_header(file, offset)
    if header is None:
        return None
    lengths = file.read(4 * header.count)
    body = file.read(header.octets)
    trailer = file.read(TRAILER_OCTETS)
    if len(trailer) < TRAILER_OCTETS:
        raise CutShortError("batch cut short")
    head = decode_trailer(trailer, header, log_id)
    if head.size != header.first + header.count:
        raise LayoutError("tree size does not follow from first index and count")
    return Batch(offset, header, split_records(lengths, body), head)


def batches_of(path: Path, offset: int = 0) -> Iterator[Batch]:
    """The whole batches of a segment from `offset` (0: the first); ends quietly where one is cut short."""
    with path.open("rb") as file:
        try:
            header = read_segment_header(file)
            batch = read_batch(file, offset or header.octets, header.log_id)
            while batch is not None:
                yield batch
                batch = read_batch(file, batch.end, header.log_id)
        except CutShortError:
            return


def has_batch_after(file: BinaryIO, offset: int) -> bool:
    """Whether a well-framed batch stands anywhere from `offset` on: what no unfinished write leaves behind."""
    file.seek(offset)
    rest = file.read()
    at = rest.find(BATCH_MAGIC)
    while at >= 0:
        try:
            if read_batch(file, offset + at, b"") is not None:
                return True
        except LayoutError:
            pass
        at = rest.find(BATCH_MAGIC, at + 1)
    return False
