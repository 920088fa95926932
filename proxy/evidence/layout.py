"""The octets of a segment: its header, the header of a batch, and the signed tree head that ends a batch.

Owns the layout of `docs/manual/evidence.md`, final since its first version: a change needs a new magic. Pure; integers
are unsigned and big-endian. Knows nothing of records but their octets.
"""

from hashlib import sha256
from struct import Struct as Layout
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from proxy.evidence.merkle import HASH_OCTETS

SEGMENT_MAGIC: Final = b"TDGSEG01"
BATCH_MAGIC: Final = b"TDGB"
#: What precedes every signed head, so that a signature made here means nothing anywhere else.
HEAD_DOMAIN: Final = b"tdgate evidence head 1\x00"
SEGMENT_SUFFIX: Final = ".seg"
LOG_ID_OCTETS: Final = 16
KEY_ID_OCTETS: Final = 8
SIGNATURE_OCTETS: Final = 64
#: Limits of the format, so that a reader never asks for absurd amounts of memory.
MAX_RECORD_OCTETS: Final = 1 << 16
MAX_BATCH_OCTETS: Final = 1 << 28

_SEGMENT: Final = Layout(">8s16s8sQ")
_BATCH: Final = Layout(">4sIIIQQ")
_TRAILER: Final = Layout(">Q32s64s")
_SIGNED: Final = Layout(">16sIQQ32s")

SEGMENT_FIXED_OCTETS: Final = _SEGMENT.size
BATCH_HEADER_OCTETS: Final = _BATCH.size
TRAILER_OCTETS: Final = _TRAILER.size


class LayoutError(Exception):
    """The octets are not what the format says; the text names what is wrong."""


class Head(Struct, frozen=True):
    """A signed tree head: so many leaves, this root, at this time, written by this boot of this log.

    `at_us` is UTC in microseconds. `signature` is empty where only size and root are known.
    """

    log_id: bytes
    boot: int
    size: int
    at_us: int
    root: bytes
    signature: bytes = b""

    def signed_octets(self) -> bytes:
        """What the Ed25519 signature covers."""
        return HEAD_DOMAIN + _SIGNED.pack(self.log_id, self.boot, self.size, self.at_us, self.root)

    def is_signed_by(self, key: Ed25519PublicKey) -> bool:
        try:
            key.verify(self.signature, self.signed_octets())
        except InvalidSignature:
            return False
        return True


class SegmentHeader(Struct, frozen=True):
    """How a segment begins: whose it is, its first leaf, and the compact range of all leaves before it."""

    log_id: bytes
    key_id: bytes
    first: int
    hashes: tuple[bytes, ...]

    def encode(self) -> bytes:
        return _SEGMENT.pack(SEGMENT_MAGIC, self.log_id, self.key_id, self.first) + b"".join(self.hashes)

    @property
    def octets(self) -> int:
        return SEGMENT_FIXED_OCTETS + HASH_OCTETS * len(self.hashes)


class BatchHeader(Struct, frozen=True):
    """How a batch begins. `octets` is the length of all its records together."""

    boot: int
    count: int
    octets: int
    first: int
    at_us: int

    def encode(self) -> bytes:
        return _BATCH.pack(BATCH_MAGIC, self.boot, self.count, self.octets, self.first, self.at_us)

    @property
    def total_octets(self) -> int:
        """The whole batch: header, lengths, records, signed head."""
        return BATCH_HEADER_OCTETS + 4 * self.count + self.octets + TRAILER_OCTETS


def key_id_of(key: Ed25519PublicKey) -> bytes:
    """The first 8 octets of SHA-256 over the raw public key (32 octets, RFC 8032)."""
    return sha256(key.public_bytes_raw()).digest()[:KEY_ID_OCTETS]


def segment_name(first: int) -> str:
    """The file name of the segment that begins with leaf `first`."""
    return f"{first:020d}{SEGMENT_SUFFIX}"


def hashes_octets(first: int) -> int:
    """How many octets of hashes follow the fixed part of a segment header."""
    return HASH_OCTETS * first.bit_count()


def decode_segment_first(fixed: bytes) -> int:
    """The first leaf's index from the fixed part; raises LayoutError when it is no segment."""
    if len(fixed) < SEGMENT_FIXED_OCTETS:
        raise LayoutError("segment header cut short")
    magic, _, _, first = _SEGMENT.unpack(fixed[:SEGMENT_FIXED_OCTETS])
    if magic != SEGMENT_MAGIC:
        raise LayoutError("not a segment: wrong magic")
    return int(first)


def decode_segment(octets: bytes) -> SegmentHeader:
    """A segment header; raises LayoutError."""
    first = decode_segment_first(octets)
    _, log_id, key_id, _ = _SEGMENT.unpack(octets[:SEGMENT_FIXED_OCTETS])
    end = SEGMENT_FIXED_OCTETS + hashes_octets(first)
    if len(octets) < end:
        raise LayoutError("segment header cut short")
    hashes = tuple(octets[at : at + HASH_OCTETS] for at in range(SEGMENT_FIXED_OCTETS, end, HASH_OCTETS))
    return SegmentHeader(log_id, key_id, first, hashes)


def decode_batch(octets: bytes) -> BatchHeader:
    """A batch header; raises LayoutError when it is none or its sizes are beyond the format's limits."""
    if len(octets) < BATCH_HEADER_OCTETS:
        raise LayoutError("batch header cut short")
    magic, boot, count, length, first, at_us = _BATCH.unpack(octets[:BATCH_HEADER_OCTETS])
    if magic != BATCH_MAGIC:
        raise LayoutError("not a batch: wrong magic")
    if not 0 < count <= length <= MAX_BATCH_OCTETS:
        raise LayoutError("batch header with impossible sizes")
    return BatchHeader(boot, count, length, first, at_us)


def encode_trailer(head: Head) -> bytes:
    return _TRAILER.pack(head.size, head.root, head.signature)


def decode_trailer(octets: bytes, batch: BatchHeader, log_id: bytes) -> Head:
    """The signed head at the end of a batch; boot and time stand in the batch's header."""
    if len(octets) < TRAILER_OCTETS:
        raise LayoutError("signed head cut short")
    size, root, signature = _TRAILER.unpack(octets)
    return Head(log_id, batch.boot, size, batch.at_us, root, signature)


def encode_lengths(records: list[bytes]) -> bytes:
    """Four octets for each record: its length."""
    return Layout(f">{len(records)}I").pack(*map(len, records))


def split_records(lengths: bytes, octets: bytes) -> list[bytes]:
    """The records of a batch; raises LayoutError when the lengths do not add up."""
    sizes = Layout(f">{len(lengths) // 4}I").unpack(lengths)
    if sum(sizes) != len(octets) or 0 in sizes:
        raise LayoutError("lengths of the records do not add up")
    records: list[bytes] = []
    at = 0
    for size in sizes:
        records.append(octets[at : at + size])
        at += size
    return records
