"""A list as a hash of it: what two houses compare to know that they hold the same rows.

How it works: rows fall into buckets by the hash of their key; a bucket's hash is over its rows' hashes in order, the
list's over the buckets'. So a change costs its bucket and one pass over 4,096 hashes, however long the list is.
Only hashes are kept, 10^5 rows in some 20 MB. Must never depend on the order in which rows came.
"""

from collections.abc import Iterable, Iterator
from hashlib import blake2b, sha256
from typing import Final

from proxy.lists.entry import ListEntry

_BUCKETS: Final = 4096
_EMPTY: Final = bytes(32)


class ListDigest:
    """The rows of a list by key, as hashes. `change` and `undo` are exact inverses."""

    __slots__ = ("_buckets", "_hashes", "_touched")

    def __init__(self) -> None:
        self._buckets: list[dict[bytes, bytes]] = [{} for _ in range(_BUCKETS)]
        self._hashes: list[bytes] = [_EMPTY] * _BUCKETS
        self._touched: set[int] = set()

    def __len__(self) -> int:
        return sum(len(bucket) for bucket in self._buckets)

    def holds(self, key: bytes, octets: bytes) -> bool:
        """Whether this very row is in the list."""
        return self._buckets[_place(key)].get(key) == row_hash(octets)

    def __iter__(self) -> Iterator[bytes]:
        """The keys of all rows, in no order."""
        for bucket in self._buckets:
            yield from bucket

    def change(self, put: Iterable[ListEntry], removed: Iterable[bytes]) -> dict[bytes, bytes | None]:
        """Lay rows over the list and take rows away; what `undo` needs to bring the former state back."""
        before: dict[bytes, bytes | None] = {}
        for key in removed:
            before.setdefault(key, self._buckets[_place(key)].get(key))
            self._set(key, None)
        for entry in put:
            key = entry.key()
            before.setdefault(key, self._buckets[_place(key)].get(key))
            self._set(key, row_hash(entry.octets()))
        return before

    def undo(self, before: dict[bytes, bytes | None]) -> None:
        """The state before a `change`."""
        for key, row in before.items():
            self._set(key, row)

    def _set(self, key: bytes, row: bytes | None) -> None:
        place = _place(key)
        bucket = self._buckets[place]
        if row is not None:
            bucket[key] = row
        elif bucket.pop(key, None) is None:
            return
        self._touched.add(place)

    def value(self) -> str:
        """The hash of the list: 64 hexadecimal digits, the same for the same rows."""
        for place in self._touched:
            rows = self._buckets[place].values()
            self._hashes[place] = sha256(b"".join(sorted(rows))).digest() if rows else _EMPTY
        self._touched.clear()
        return sha256(b"tdgate-list-1" + b"".join(self._hashes)).hexdigest()


def row_hash(octets: bytes) -> bytes:
    """The hash of one row: 32 octets. Its key is part of it."""
    return sha256(octets).digest()


def _place(key: bytes) -> int:
    return int.from_bytes(blake2b(key, digest_size=2).digest()) % _BUCKETS
