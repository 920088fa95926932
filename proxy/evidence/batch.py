"""What queues, and how it becomes the octets of a batch: the pure half of the writer.

Owns the tree, the open batch and the decision when a new segment begins. Must never touch a file, a clock or a loop.
Records are hashed and joined in chunks of `CHUNK` while they arrive: no stretch of work on the event loop is longer
than one chunk, and sealing costs the last chunk, one root and one signature, however large the batch.
"""

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct
from msgspec.structs import replace

from proxy.evidence.layout import (
    MAX_RECORD_OCTETS,
    BatchHeader,
    Head,
    SegmentHeader,
    encode_lengths,
    encode_trailer,
    key_id_of,
)
from proxy.evidence.merkle import CompactRange

#: Records hashed at once. WHY: 64 take about 0.1 ms, and cost half of 64 times one.
CHUNK: Final = 64


class Sealed(Struct, frozen=True):
    """A batch ready to be written.

    `new_segment` is the first leaf of the segment to be begun, None to go on in the current one; then the first piece
    is its header. The pieces are written one after the other and made durable together.
    """

    new_segment: int | None
    pieces: tuple[bytes, ...]
    octets: int
    count: int
    head: Head


class BatchBuilder:
    """Takes encoded records, gives sealed batches."""

    __slots__ = (
        "_bodies",
        "_boot",
        "_chunk",
        "_key",
        "_key_id",
        "_lengths",
        "_log_id",
        "_next_header",
        "_room",
        "_segment_octets",
        "_taken",
        "_tree",
        "octets",
    )

    def __init__(
        self,
        *,
        log_id: bytes,
        boot: int,
        key: Ed25519PrivateKey,
        tree: CompactRange,
        segment_used: int | None,
        segment_octets: int,
    ) -> None:
        """`segment_used`: octets in the current segment, None when the first batch begins a new one.

        A new segment begins with the first batch after the current one has `segment_octets` or more.
        """
        self._log_id = log_id
        self._boot = boot
        self._key = key
        self._key_id = key_id_of(key.public_key())
        self._tree = tree
        self._segment_octets = segment_octets
        self._room = 0 if segment_used is None else segment_octets - segment_used
        self._next_header = self._header_when_full()
        self._chunk: list[bytes] = []
        self._lengths: list[bytes] = []
        self._bodies: list[bytes] = []
        self._taken = 0
        self.octets = 0
        """Octets of the records of the open batch, without those of the unfinished chunk."""

    def _header_when_full(self) -> SegmentHeader | None:
        # INVARIANT: called between batches only, when the tree holds exactly the leaves before the next segment.
        if self._room > 0:
            return None
        return SegmentHeader(self._log_id, self._key_id, self._tree.size, self._tree.hashes())

    @property
    def count(self) -> int:
        """Records in the open batch."""
        return self._taken + len(self._chunk)

    @property
    def size(self) -> int:
        """Leaves of the log with those of the open batch: the index that the next record gets."""
        return self._tree.size + len(self._chunk)

    def add(self, record: bytes) -> bool:
        """Takes one encoded record; True when that filled a chunk, so that `octets` has grown.

        Raises ValueError when it is beyond the format's limit.
        """
        if len(record) > MAX_RECORD_OCTETS:
            raise ValueError(f"a record of {len(record)} octets does not fit")
        chunk = self._chunk
        chunk.append(record)
        if len(chunk) < CHUNK:
            return False
        self._take_chunk()
        return True

    def _take_chunk(self) -> None:
        chunk = self._chunk
        self._tree.extend(chunk)
        self._lengths.append(encode_lengths(chunk))
        body = b"".join(chunk)
        self._bodies.append(body)
        self.octets += len(body)
        self._taken += len(chunk)
        self._chunk = []

    def seal(self, at_us: int) -> Sealed:
        """Closes the open batch, which must not be empty; `at_us` is UTC in microseconds."""
        if self._chunk:
            self._take_chunk()
        count = self._taken
        if not count:
            raise ValueError("an empty batch is never sealed")
        pieces: list[bytes] = []
        new_segment = None
        if self._next_header is not None:
            new_segment = self._next_header.first
            pieces.append(self._next_header.encode())
            self._room = self._segment_octets - len(pieces[0])
        size = self._tree.size
        batch = BatchHeader(self._boot, count, self.octets, size - count, at_us)
        unsigned = Head(self._log_id, self._boot, size, at_us, self._tree.root())
        head = replace(unsigned, signature=self._key.sign(unsigned.signed_octets()))
        pieces += [batch.encode(), *self._lengths, *self._bodies, encode_trailer(head)]
        self._room -= batch.total_octets
        self._next_header = self._header_when_full()
        sealed = Sealed(new_segment, tuple(pieces), sum(map(len, pieces)), count, head)
        self._lengths, self._bodies = [], []
        self._taken = self.octets = 0
        return sealed
