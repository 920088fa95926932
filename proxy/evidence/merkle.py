"""RFC 6962 §2.1 hashing: leaf and node hashes, and the compact range that gives the tree head of a growing log.

Owns the tree and nothing of files or records. Pure: no I/O, no clock. A compact range keeps one hash for each perfect
subtree of the leaves so far (one for each 1-bit of their number), so the head of 10^9 leaves needs 30 hashes.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final, Protocol

#: The head of a log without leaves (RFC 6962 §2.1).
EMPTY_ROOT: Final = sha256(b"").digest()
HASH_OCTETS: Final = 32


class _Context(Protocol):
    """A SHA-256 under way. `update` gives None, which lets a comprehension call it as a condition."""

    def update(self, data: bytes, /) -> object: ...
    def digest(self) -> bytes: ...


# WHY: copying a context that has taken the prefix costs half of what a new one costs, and saves joining the octets.
_new_leaf: Final[Callable[[], _Context]] = sha256(b"\x00").copy
_new_node: Final[Callable[[], _Context]] = sha256(b"\x01").copy


def leaf_hash(record: bytes) -> bytes:
    """SHA-256(0x00 ‖ record), 32 octets."""
    return sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right), 32 octets."""
    return sha256(b"\x01" + left + right).digest()


class CompactRange:
    """The perfect subtrees of the first `size` leaves, lowest level first."""

    __slots__ = ("_levels", "size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """Starts at `size` leaves; `hashes` as `hashes()` gave them. Raises ValueError when their number is wrong."""
        if size < 0 or len(hashes) != size.bit_count() or any(len(one) != HASH_OCTETS for one in hashes):
            raise ValueError("a compact range has one hash of 32 octets for each 1-bit of its size")
        largest_first = iter(hashes)
        levels = [next(largest_first) if size >> level & 1 else None for level in reversed(range(size.bit_length()))]
        self._levels: list[bytes | None] = levels[::-1]
        self.size = size

    def extend(self, records: Sequence[bytes]) -> None:
        """Appends records as leaves."""
        self.extend_hashes([h.digest() for record in records if (h := _new_leaf()).update(record) is None])

    def extend_hashes(self, nodes: list[bytes]) -> None:
        """Appends leaves by their hashes; the list is used up.

        Level by level: what waited on the left joins, neighbours merge, an odd one stays and waits for its right half.
        """
        levels = self._levels
        self.size += len(nodes)
        level = 0
        while nodes:
            if level == len(levels):
                levels.append(None)
            waiting = levels[level]
            if waiting is not None:
                nodes.insert(0, waiting)
            levels[level] = nodes.pop() if len(nodes) & 1 else None
            nodes = [
                h.digest()
                for left, right in zip(nodes[::2], nodes[1::2], strict=True)
                if (h := _new_node()).update(left + right) is None
            ]
            level += 1

    def root(self) -> bytes:
        """The Merkle tree head over all leaves so far (RFC 6962 §2.1), 32 octets."""
        head: bytes | None = None
        for subtree in self._levels:
            if subtree is not None:
                head = subtree if head is None else node_hash(subtree, head)
        return EMPTY_ROOT if head is None else head

    def hashes(self) -> tuple[bytes, ...]:
        """The perfect subtrees, largest (leftmost) first: what a segment header keeps."""
        return tuple(subtree for subtree in reversed(self._levels) if subtree is not None)

    def copy(self) -> "CompactRange":
        return CompactRange(self.size, self.hashes())
