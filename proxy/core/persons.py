"""Persons as keyed hashes, and the index that answers what a person refused or agreed to.

Owns the only way from a subscriber number to the pseudonym under which consents, suppressions and evidence know it
(J13): a keyed BLAKE2b-128. The index is a sorted array of 64-bit keys with one value each (base, may be a view of a
mapped file) under a small dict of what changed since (delta). Must never hold a number in clear.
"""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

#: At most 2^22 slots (16 MB): two or three entries in each at 10^7.
_SLOT_BITS_MOST: Final = 22
_GALLOP: Final = 64
#: Institutions, and pairs of them with partners.
_SALTS_MOST: Final = 65_536


class PersonKey:
    """A secret key that turns subscriber numbers into pseudonyms; `key_id` names it in every record."""

    __slots__ = ("_keyed", "_salts", "_secret", "key_id")

    def __init__(self, secret: bytes, key_id: int) -> None:
        if len(secret) < 16:
            raise ValueError("a person key needs at least 16 octets")
        self._secret = secret
        self._keyed = blake2b(key=secret, digest_size=16)
        self._salts: dict[str, int] = {}
        self.key_id = key_id

    def digest(self, recipient: str) -> bytes:
        """The pseudonym of a canonical recipient: 16 octets."""
        # WHY a copy: the keyed state is made once, which halves the cost of the hottest hash of the product.
        keyed = self._keyed.copy()
        keyed.update(recipient.encode())
        return keyed.digest()

    def salt(self, institution: str) -> int:
        """64 bits that tie a person's index key to one institution."""
        known = self._salts.get(institution)
        if known is not None:
            return known
        octets = blake2b(b"institution\0" + institution.encode(), key=self._secret, digest_size=8).digest()
        if len(self._salts) >= _SALTS_MOST:
            self._salts.clear()
        made = self._salts[institution] = int.from_bytes(octets)
        return made

    def fingerprint(self, octets: bytes) -> bytes:
        """A keyed hash of any octets (16), to recognise them later without keeping them."""
        return blake2b(octets, key=self._secret, digest_size=16, person=b"octets").digest()


def index_key(person: bytes, salt: int) -> int:
    """The key of (person, institution) in a `PersonIndex`: 64 bits.

    With n entries a look-up of somebody else's key is wrongly found with probability n / 2**64: 10^7 entries, 5e-13.
    """
    return int.from_bytes(person[:8]) ^ salt


class PersonIndex:
    """(person, institution) → a small int (bit set), 0 where nothing is known.

    `keys` are sorted ascending and unique, `values` stand beside them; both are only read. `put` lays a value over the
    base and is seen by the next `get`: that is how a refusal that has just arrived binds at once (Z19).
    """

    __slots__ = ("_delta", "_directory", "_keys", "_shift", "_values")

    def __init__(
        self,
        keys: Sequence[int] = (),
        values: Sequence[int] = (),
        slot_bits_most: int = _SLOT_BITS_MOST,
        directory: Sequence[int] | None = None,
    ) -> None:
        """`directory` is that of `directory_of(keys, slot_bits_most)`, made here where it is not given."""
        self._delta: dict[int, int] = {}
        self._lay_under(keys, values, slot_bits_most, directory)

    def _lay_under(
        self, keys: Sequence[int], values: Sequence[int], slot_bits_most: int, directory: Sequence[int] | None
    ) -> None:
        if len(keys) != len(values):
            raise ValueError("keys and values differ in length")
        # WHY: the keys are hashes: their top bits say where they stand, which leaves 2 steps of 24 at 10^7 entries.
        bits = slot_bits(len(keys), slot_bits_most)
        made: Sequence[int] = directory_of(keys, slot_bits_most) if directory is None else directory
        if len(made) != (1 << bits) + 1:
            raise ValueError("the directory is not of these keys")
        self._keys, self._values, self._directory, self._shift = keys, values, made, 64 - bits

    def rebase(self, keys: Sequence[int], values: Sequence[int], directory: Sequence[int]) -> None:
        """Another base under the same index. What is laid over stays until `forget_settled` takes it off: so every
        answer is what it was, if the new base is what the store said at some moment and changes since are laid over.
        """
        self._lay_under(keys, values, _SLOT_BITS_MOST, directory)

    @property
    def laid_over(self) -> int:
        """How many entries lie over the base."""
        return len(self._delta)

    def laid_keys(self) -> list[int]:
        """The keys that lie over the base, for `forget_settled`."""
        return list(self._delta)

    def forget_settled(self, keys: Sequence[int]) -> None:
        """Takes those of these keys off of which the base says the same."""
        delta = self._delta
        for key in keys:
            if key in delta and self._based(key) == delta[key]:
                del delta[key]

    def shrink(self) -> None:
        """Gives back the memory of what was taken off."""
        self._delta = self._delta.copy() if self._delta else {}

    def get(self, key: int) -> int:
        """The value of a key, 0 where there is none."""
        laid_over = self._delta.get(key)
        if laid_over is not None:
            return laid_over
        return self._based(key)

    def _based(self, key: int) -> int:
        keys = self._keys
        if not keys:
            return 0
        slot = key >> self._shift
        directory = self._directory
        end = directory[slot + 1]
        at = bisect_left(keys, key, directory[slot], end)
        return self._values[at] if at < end and keys[at] == key else 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever known of anybody."""
        return not self._delta and not self._keys

    def put(self, key: int, value: int) -> None:
        """Lays a value over the base; 0 takes the entry away."""
        self._delta[key] = value

    def __len__(self) -> int:
        """Entries of the base and of the delta; one that stands in both counts twice."""
        return len(self._keys) + len(self._delta)


def slot_bits(count: int, most: int = _SLOT_BITS_MOST) -> int:
    """How many leading bits of a key the directory of so many keys goes by."""
    return min(max(count.bit_length() - 1, 0), most)


def directory_of(keys: Sequence[int], most: int = _SLOT_BITS_MOST) -> "array[int]":
    """Where each of 2**`slot_bits` equal ranges of keys begins, and the end of all."""
    bits = slot_bits(len(keys), most)
    count, at = len(keys), 0
    starts = array("I")
    for slot in range(1 << bits):
        bound = slot << (64 - bits)
        # WHY: the next start is near, so most searches stay within one cache line's reach.
        end = min(at + _GALLOP, count)
        found = bisect_left(keys, bound, at, end)
        at = bisect_left(keys, bound, at, count) if found == end < count else found
        starts.append(at)
    starts.append(count)
    return starts
