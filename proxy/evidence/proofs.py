"""Inclusion and consistency proofs (RFC 6962 §2.1.1 and §2.1.2), made from a log and checked without one.

Owns the paths. The makers stream over the records once and hold a hash for each level; the checkers need the proof and
a head only. Pure but for reading segments through `records_of`.
"""

from collections.abc import Iterable

from proxy.evidence.merkle import CompactRange, leaf_hash, node_hash


class ProofError(Exception):
    """The proof asked for does not exist: an index or size beyond the log."""


def _split(size: int) -> int:
    """The largest power of two smaller than `size`, which is 2 or more."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """The leaf ranges [start, end) whose heads are the audit path of leaf `index`, deepest first."""
    if not 0 <= index < size:
        raise ProofError(f"record {index} is not among the first {size}")
    ranges: list[tuple[int, int]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(old: int, new: int) -> list[tuple[int, int]]:
    """The leaf ranges whose heads prove that the tree of `old` leaves is the beginning of that of `new`."""
    if not 0 < old <= new:
        raise ProofError(f"no consistency proof from {old} to {new} records")
    ranges: list[tuple[int, int]] = []
    start, end = 0, new
    whole = True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
            whole = False
    if not whole:
        ranges.append((start, end))
    return ranges[::-1]


def heads_of(records: Iterable[bytes], ranges: list[tuple[int, int]]) -> list[bytes]:
    """The tree heads over ranges of leaves, in the order given; one pass over the records, from the first.

    Raises ProofError when there are too few.
    """
    trees = [CompactRange() for _ in ranges]
    waiting = sorted(range(len(ranges)), key=ranges.__getitem__, reverse=True)
    for index, record in enumerate(records):
        if not waiting:
            break
        start, end = ranges[waiting[-1]]
        if index >= start:
            trees[waiting[-1]].extend_hashes([leaf_hash(record)])
            if index + 1 == end:
                waiting.pop()
    if waiting:
        raise ProofError("the log has fewer records")
    return [tree.root() for tree in trees]


def inclusion_proof(records: Iterable[bytes], index: int, size: int) -> list[bytes]:
    """The audit path of leaf `index` in the tree of the first `size` records (RFC 6962 §2.1.1)."""
    return heads_of(records, inclusion_ranges(index, size))


def consistency_proof(records: Iterable[bytes], old: int, new: int) -> list[bytes]:
    """The proof that the first `old` records are the beginning of the first `new` (RFC 6962 §2.1.2)."""
    return heads_of(records, consistency_ranges(old, new))


def verify_inclusion(record: bytes, index: int, size: int, path: list[bytes], root: bytes) -> bool:
    """Whether `record` is leaf `index` of the tree of `size` leaves with this root."""
    if not 0 <= index < size:
        return False
    place, last = index, size - 1
    head = leaf_hash(record)
    for sibling in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            head = node_hash(sibling, head)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            head = node_hash(head, sibling)
        place >>= 1
        last >>= 1
    return last == 0 and head == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: list[bytes]) -> bool:
    """Whether the tree of `new` leaves with `new_root` begins with that of `old` leaves with `old_root`."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    hashes = list(path)
    if old & (old - 1) == 0:
        hashes.insert(0, old_root)
    if not hashes:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place >>= 1
        last >>= 1
    old_head = new_head = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old_head = node_hash(sibling, old_head)
            new_head = node_hash(sibling, new_head)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            new_head = node_hash(new_head, sibling)
        place >>= 1
        last >>= 1
    return last == 0 and old_head == old_root and new_head == new_root
