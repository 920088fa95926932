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
#: More keys than so many are searched, not looked through.
_FEW: Final = 6
#: Institutions, and pairs of them with partners.
_SALTS_MOST: Final = 65_536


class PersonKey:
    """A secret key that turns subscriber numbers into pseudonyms; `key_id` names it in every record.

    While a rotation is under way (`registry/keys.py`) it holds the former key too: persons are moved in the order of
    their former pseudonyms, so that of each person just one pseudonym is in effect at any moment, which `digest` gives.
    Institutions' salts stay the same for ever: they come of `salting`, a secret of their own.
    """

    __slots__ = ("_all_moved", "_former", "_keyed", "_moved", "_salting", "_salts", "_secret", "key_id")

    def __init__(self, secret: bytes, key_id: int, salting: bytes = b"") -> None:
        if len(secret) < 16:
            raise ValueError("a person key needs at least 16 octets")
        self._secret = secret
        self._keyed = blake2b(key=secret, digest_size=16)
        self._salts: dict[str, int] = {}
        self._salting = salting or secret
        self.key_id = key_id
        self._former: PersonKey | None = None
        #: Persons whose former pseudonym is below this one are known by the new one.
        self._moved = b""
        self._all_moved = False

    def digest(self, recipient: str) -> bytes:
        """The pseudonym in effect of a canonical recipient: 16 octets."""
        former = self._former
        if former is not None and not self._all_moved:
            found = former.digest(recipient)
            if found >= self._moved:
                return found
        # WHY a copy: the keyed state is made once, which halves the cost of the hottest hash of the product.
        keyed = self._keyed.copy()
        keyed.update(recipient.encode())
        return keyed.digest()

    def other(self, recipient: str) -> bytes:
        """The pseudonym under the key that is not in effect for this person; empty where there is one key only.

        What was noted before the person was moved, and cannot be moved (contacts, lists of hashes), is found by it.
        """
        former = self._former
        if former is None:
            return b""
        found = former.digest(recipient)
        if self._all_moved or found < self._moved:
            return found
        keyed = self._keyed.copy()
        keyed.update(recipient.encode())
        return keyed.digest()

    def newest(self, recipient: str) -> bytes:
        """The pseudonym under the newest key, whether it is in effect or not: for lists that are made anew."""
        keyed = self._keyed.copy()
        keyed.update(recipient.encode())
        return keyed.digest()

    @property
    def is_rotating(self) -> bool:
        """Whether there is a former key."""
        return self._former is not None

    @property
    def is_moving(self) -> bool:
        """Whether there may be somebody who is known by the former key."""
        return self._former is not None and not self._all_moved

    @property
    def ids(self) -> tuple[int, ...]:
        """The ids of all keys that live, the newest first."""
        former = self._former
        return (self.key_id,) if former is None else (self.key_id, former.key_id)

    @property
    def settled_id(self) -> int:
        """The key that a store is said to be made with: the former one until everybody was moved."""
        former = self._former
        return self.key_id if former is None or self._all_moved else former.key_id

    def id_for(self, recipient: str) -> int:
        """Names the key of the pseudonym that is in effect."""
        former = self._former
        if former is None or self._all_moved or former.digest(recipient) < self._moved:
            return self.key_id
        return former.key_id

    def begin(self, secret: bytes, key_id: int) -> None:
        """A new key comes into effect, person by person; nobody is moved yet."""
        former = PersonKey(self._secret, self.key_id, self._salting)
        self._secret, self.key_id = secret, key_id
        self._keyed = blake2b(key=secret, digest_size=16)
        self._former, self._moved, self._all_moved = former, b"", False

    def recall(self, former: "PersonKey") -> None:
        """A rotation that was under way goes on under this key; `moved_to` or `all_moved` has to follow."""
        self._former, self._moved, self._all_moved = former, b"", False

    def moved_to(self, bound: bytes) -> None:
        """Everybody whose former pseudonym is below `bound` is known by the new one."""
        self._moved = bound

    def all_moved(self) -> None:
        """Everybody is known by the new one."""
        self._all_moved = True

    def retire(self) -> None:
        """Forgets the former key."""
        self._former = None

    def salt(self, institution: str) -> int:
        """64 bits that tie a person's index key to one institution."""
        known = self._salts.get(institution)
        if known is not None:
            return known
        octets = blake2b(b"institution\0" + institution.encode(), key=self._salting, digest_size=8).digest()
        if len(self._salts) >= _SALTS_MOST:
            self._salts.clear()
        made = self._salts[institution] = int.from_bytes(octets)
        return made

    def fingerprint(self, octets: bytes, key_id: int = 0) -> bytes:
        """A keyed hash of any octets (16), to recognise them later without keeping them.

        Under the newest key, or the one that is named; empty where that one does not live any more.
        """
        if key_id and key_id != self.key_id:
            former = self._former
            return former.fingerprint(octets) if former is not None and former.key_id == key_id else b""
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
        at, end = directory[slot], directory[slot + 1]
        if end - at > _FEW:
            at = bisect_left(keys, key, at, end)
        # WHY one by one: two or three lie in a slot, and a search asks for no fewer of them.
        while at < end:
            found = keys[at]
            if found >= key:
                return self._values[at] if found == key else 0
            at += 1
        return 0

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
