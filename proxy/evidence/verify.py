"""Recomputes a whole log and names the first thing that is not as it was written.

Owns the answer "is this log what was signed, and does it contain what we were shown before?". Must never write, need a
secret, or hold more than one batch. A head kept outside is what makes cutting the end, or writing the log anew with a
stolen key, visible: without it a shorter log that ends at a batch is indistinguishable from one that never grew.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from proxy.evidence.layout import Head, LayoutError, SegmentHeader, key_id_of
from proxy.evidence.merkle import EMPTY_ROOT, CompactRange
from proxy.evidence.records import RecordError, decode_generic
from proxy.evidence.segments import (
    Batch,
    CutShortError,
    batches_of,
    first_of,
    read_batch,
    read_segment_header,
    segment_paths,
)

_SETTLE_STEP_S: Final = 0.05

#: Called after each batch: octets done, octets in all.
Progress = Callable[[int, int], None]


class Problem(Struct, frozen=True):
    """The first thing that is wrong.

    `code` is stable: altered, missing, order, signature, foreign, key, head, cut, record, unreadable. `offset` is the
    octet in the segment where the batch (or the header, 0) begins; `batch` counts from 0 in its segment, -1: none;
    `first` and `last` are the indexes of the records concerned, -1: unknown.
    """

    code: str
    segment: str
    offset: int
    batch: int
    first: int
    last: int
    text: str


class Report(Struct):
    """What was verified: so many records in so many batches and segments, up to `head`."""

    segments: int = 0
    batches: int = 0
    records: int = 0
    head: Head | None = None
    outside_head_met: bool = False
    set_aside: tuple[str, ...] = ()
    problem: Problem | None = None

    @property
    def sound(self) -> bool:
        return self.problem is None


class _ProblemFound(Exception):
    """Carries the answer out of the walk."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem


def verify(
    directory: Path,
    keys: Ed25519PublicKey | Iterable[Ed25519PublicKey],
    outside_head: Head | None = None,
    progress: Progress | None = None,
    *,
    settle_s: float = 0.0,
) -> Report:
    """Verifies a log with nothing but its directory and the public key (or keys, if it was changed).

    `outside_head`: a head kept elsewhere; its signature counts if it has one. `settle_s`: how long to wait for the end
    of a batch that is being written. Raises OSError when the directory cannot be listed.
    """
    by_id = {key_id_of(key): key for key in ([keys] if isinstance(keys, Ed25519PublicKey) else keys)}
    run = _Run(by_id, outside_head, progress, settle_s)
    paths = segment_paths(directory)
    run.report.set_aside = tuple(sorted(path.name for path in directory.glob("*.torn*")))
    run.octets_in_all = sum(path.stat().st_size for path in paths)
    try:
        for path in paths:
            run.segment(path, is_last=path == paths[-1])
        run.end()
    except _ProblemFound as found:
        run.report.problem = found.problem
    return run.report


class _Run:
    """One verification under way."""

    def __init__(
        self,
        keys: dict[bytes, Ed25519PublicKey],
        outside: Head | None,
        progress: Progress | None,
        settle_s: float,
    ) -> None:
        self.report = Report()
        self.octets_in_all = 0
        self._octets_done = 0
        self._keys = keys
        self._outside = outside
        self._progress = progress
        self._settle_s = settle_s
        self._tree = CompactRange()
        self._log_id = b""
        self._segment = ""
        self._offset = 0
        self._batch = -1

    def _fail(self, code: str, text: str, first: int = -1, last: int = -1) -> _ProblemFound:
        return _ProblemFound(Problem(code, self._segment, self._offset, self._batch, first, last, text))

    def segment(self, path: Path, is_last: bool) -> None:
        """Verifies one segment from its header to its last batch."""
        self._segment, self._offset, self._batch = path.name, 0, -1
        if is_last:
            self._wait_for_batch(path)
        promised = first_of(path)
        if promised > self._tree.size:
            raise self._fail("missing", "records are missing before this segment", self._tree.size, promised - 1)
        if promised < self._tree.size:
            raise self._fail("order", f"this segment begins with a record that stood before {self._tree.size}")
        try:
            with path.open("rb") as file:
                header = read_segment_header(file)
                key = self._check_header(header)
                self._offset, self._batch = header.octets, 0
                waited = 0.0
                while True:
                    try:
                        batch = read_batch(file, self._offset, header.log_id)
                    except CutShortError as error:
                        if is_last and waited < self._settle_s:
                            time.sleep(_SETTLE_STEP_S)
                            waited += _SETTLE_STEP_S
                            continue
                        raise self._fail("cut", str(error), self._tree.size) from error
                    if batch is None:
                        break
                    waited = 0.0
                    self._check_batch(batch, key)
        except LayoutError as error:
            raise self._fail("altered", str(error), self._tree.size) from error
        except OSError as error:
            raise self._fail("unreadable", str(error.strerror)) from error
        if self._batch == 0:
            raise self._fail("missing", "a segment without a batch", self._tree.size)
        self.report.segments += 1

    def _wait_for_batch(self, path: Path) -> None:
        """Lets a writer that has just begun this segment finish its first batch."""
        waited = 0.0
        while waited < self._settle_s and next(batches_of(path), None) is None:
            time.sleep(_SETTLE_STEP_S)
            waited += _SETTLE_STEP_S

    def _check_header(self, header: SegmentHeader) -> Ed25519PublicKey:
        if self._log_id and header.log_id != self._log_id:
            raise self._fail("foreign", f"belongs to the log {header.log_id.hex()}, not {self._log_id.hex()}")
        if self._outside is not None and self._outside.log_id and header.log_id != self._outside.log_id:
            raise self._fail("foreign", f"belongs to the log {header.log_id.hex()}, the head held outside does not")
        self._log_id = header.log_id
        if header.first != self._tree.size:
            raise self._fail("altered", f"its header says it begins with record {header.first}, its name does not")
        if header.hashes != self._tree.hashes():
            raise self._fail("altered", "the hashes in its header do not follow from the records before it")
        key = self._keys.get(header.key_id)
        if key is None:
            raise self._fail("key", f"signed with the key {header.key_id.hex()}, which was not given")
        return key

    def _check_batch(self, batch: Batch, key: Ed25519PublicKey) -> None:
        first, last = batch.header.first, batch.header.first + batch.header.count - 1
        if first > self._tree.size:
            raise self._fail("missing", "records are missing before this batch", self._tree.size, first - 1)
        if first < self._tree.size:
            raise self._fail("order", "this batch repeats records, or stands in the wrong place", first, last)
        if self.report.head is not None and batch.header.boot < self.report.head.boot:
            raise self._fail("order", "a boot number smaller than one before it", first, last)
        self._meet_outside(batch)
        self._tree.extend(batch.records)
        if self._tree.root() != batch.head.root:
            raise self._fail("altered", "one of these records, or the root over them, was altered", first, last)
        if not batch.head.is_signed_by(key):
            text = "the signature of this batch's head is wrong"
            if first == 0:
                text += ", or the log id in the segment's header, which it covers"
            raise self._fail("signature", text, first, last)
        for index, record in enumerate(batch.records, first):
            try:
                decode_generic(record)
            except RecordError as error:
                raise self._fail("record", f"signed, but no record: {error}", index, index) from error
        self.report.head = batch.head
        self.report.batches += 1
        self.report.records = self._tree.size
        self._octets_done += batch.header.total_octets
        self._offset = batch.end
        self._batch += 1
        if self._progress is not None:
            self._progress(self._octets_done, self.octets_in_all)

    def _meet_outside(self, batch: Batch) -> None:
        """Compares with the head held outside when its size lies in this batch."""
        outside = self._outside
        if outside is None or not self._tree.size < outside.size <= batch.head.size:
            return
        tree = self._tree.copy()
        tree.extend(batch.records[: outside.size - tree.size])
        if tree.root() != outside.root:
            raise self._fail(
                "head", f"the first {outside.size} records are not those of the head held outside", 0, outside.size - 1
            )
        self.report.outside_head_met = True

    def end(self) -> None:
        """What can only be said when all has been read."""
        outside = self._outside
        if outside is None:
            return
        self._batch = -1
        if outside.signature and not any(outside.is_signed_by(key) for key in self._keys.values()):
            raise self._fail("head", "the head held outside is not signed by this key")
        if outside.size > self._tree.size:
            text = f"the log ends after {self._tree.size} records, the head held outside counts {outside.size}"
            raise self._fail("missing", text, self._tree.size, outside.size - 1)
        if outside.size == 0:
            if outside.root != EMPTY_ROOT:
                raise self._fail("head", "the head held outside is of an empty log, with another root")
            self.report.outside_head_met = True
