"""The open messages in memory: rows packed into octets, found by the ESME's id and by a hash of the carrier's.

Owns the slots and the two indexes. Must never grow beyond the capacity it was made with, and never say that a row is
the one meant because its hash is: who asks by hash compares what stands in the row.

How: a row is 94 octets of a block of 4,096; a slot is its number, from 1. Each index is one array of slots, at most
half full, with linear probing; a removal shifts its followers back, so there are no gravestones and nothing is
ever rebuilt. WHY not dicts: two of them with their ints take some 250 MB at 10^6 messages, this takes 130, and a dict
that grows stands still for tens of milliseconds.
"""

import struct
from array import array
from typing import Final

ROW: Final = struct.Struct("<IHHB16s65p")
"""at, account, route, state, person, carrier id."""

_pack_row = ROW.pack_into
_unpack_row = ROW.unpack_from
_ROW_OCTETS: Final = ROW.size
_STATE_AT: Final = 8
_BLOCK_BITS: Final = 12
_BLOCK_MASK: Final = (1 << _BLOCK_BITS) - 1
#: Spreads ids that follow one another over the index (2**32 divided by the golden ratio).
_SPREAD: Final = 0x9E3779B1

#: Steps from its home beyond which a row is not entered by key. At half load chance alone does not come so far.
_FAR: Final = 256

Row = tuple[int, int, int, int, bytes, bytes]


class TableFullError(Exception):
    """All slots are taken: one must be removed first."""


class Table:
    """Rows by slot. `keys` are signed 64-bit ints, 0 for a row that is in no index by key."""

    __slots__ = (
        "_blocks",
        "_by_id",
        "_by_key",
        "_free",
        "_ids",
        "_keys",
        "_mask",
        "_top",
        "capacity",
        "homes",
        "live",
        "lost",
        "used",
    )

    def __init__(self, capacity: int) -> None:
        self.capacity: Final = capacity
        self.used = 0
        #: Rows that could not be entered by key, since too many have the same.
        self.lost = 0
        #: By slot: the octet of the file that it is written in, 0 for a free slot. A search in it runs at memory speed.
        self.homes = bytearray(1)
        #: Rows by the octet of their file.
        self.live: list[int] = [0] * 256
        size = 1 << max(capacity * 2 - 1, 1).bit_length()
        self._mask: Final = size - 1
        self._by_id = array("I", bytes(4 * size))
        self._by_key = array("I", bytes(4 * size))
        self._ids = array("Q", (0,))
        self._keys = array("q", (0,))
        self._blocks: list[bytearray] = []
        self._free = array("I")
        self._top = 0

    def add(
        self,
        decision_id: int,
        key: int,
        home: int,
        at: int,
        account: int,
        route: int,
        state: int,
        person: bytes,
        carrier_id: bytes,
    ) -> None:
        """Puts a row in a free slot; raises TableFullError. The id must not be there yet."""
        if self._free:
            slot = self._free.pop()
            self._ids[slot] = decision_id
            self._keys[slot] = key
            self.homes[slot] = home
        else:
            slot = self._top + 1
            if slot > self.capacity:
                raise TableFullError
            if slot >> _BLOCK_BITS == len(self._blocks):
                self._blocks.append(bytearray(_ROW_OCTETS << _BLOCK_BITS))
            self._top = slot
            self._ids.append(decision_id)
            self._keys.append(key)
            self.homes.append(home)
        self.used += 1
        self.live[home] += 1
        _pack_row(
            self._blocks[slot >> _BLOCK_BITS],
            (slot & _BLOCK_MASK) * _ROW_OCTETS,
            at,
            account,
            route,
            state,
            person,
            carrier_id,
        )
        mask = self._mask
        index = self._by_id
        place = decision_id * _SPREAD >> 16 & mask
        while index[place]:
            place = place + 1 & mask
        index[place] = slot
        if key:
            index = self._by_key
            place = first = key & mask
            while index[place]:
                place = place + 1 & mask
                if place - first & mask > _FAR:
                    # WHY: a carrier that gives one id to all its messages would make each search walk over all of them.
                    self._keys[slot] = 0
                    self.lost += 1
                    return
            index[place] = slot

    def slot_of(self, decision_id: int) -> int:
        """The slot of an id, 0 where it is not there."""
        index, ids, mask = self._by_id, self._ids, self._mask
        place = decision_id * _SPREAD >> 16 & mask
        slot = index[place]
        while slot and ids[slot] != decision_id:
            place = place + 1 & mask
            slot = index[place]
        return slot

    def slots_of(self, key: int) -> list[int]:
        """All slots with a key, in no order."""
        index, keys, mask = self._by_key, self._keys, self._mask
        found: list[int] = []
        place = key & mask
        slot = index[place]
        while slot:
            if keys[slot] == key:
                found.append(slot)
            place = place + 1 & mask
            slot = index[place]
        return found

    def row(self, slot: int) -> Row:
        """at, account, route, state, person, carrier id."""
        row: Row = _unpack_row(self._blocks[slot >> _BLOCK_BITS], (slot & _BLOCK_MASK) * _ROW_OCTETS)
        return row

    def id_at(self, slot: int) -> int:
        return self._ids[slot]

    def state(self, slot: int) -> int:
        return self._blocks[slot >> _BLOCK_BITS][(slot & _BLOCK_MASK) * _ROW_OCTETS + _STATE_AT]

    def set_state(self, slot: int, state: int) -> None:
        self._blocks[slot >> _BLOCK_BITS][(slot & _BLOCK_MASK) * _ROW_OCTETS + _STATE_AT] = state

    def move_home(self, slot: int, home: int) -> None:
        """Notes that the row is now written in another file."""
        self.live[self.homes[slot]] -= 1
        self.live[home] += 1
        self.homes[slot] = home

    def remove(self, slot: int) -> None:
        """Frees a slot that is taken."""
        mask = self._mask
        ids, keys = self._ids, self._keys
        index = self._by_id
        hole = ids[slot] * _SPREAD >> 16 & mask
        while index[hole] != slot:
            hole = hole + 1 & mask
        place = hole + 1 & mask
        other = index[place]
        while other:
            # INVARIANT: a row stands between its home and the next empty place: it moves back only if that stays true.
            if place - (ids[other] * _SPREAD >> 16) & mask >= place - hole & mask:
                index[hole] = other
                hole = place
            place = place + 1 & mask
            other = index[place]
        index[hole] = 0
        key = keys[slot]
        if key:
            index = self._by_key
            hole = key & mask
            while index[hole] != slot:
                hole = hole + 1 & mask
            place = hole + 1 & mask
            other = index[place]
            while other:
                if place - keys[other] & mask >= place - hole & mask:
                    index[hole] = other
                    hole = place
                place = place + 1 & mask
                other = index[place]
            index[hole] = 0
        self.live[self.homes[slot]] -= 1
        self.homes[slot] = 0
        self.used -= 1
        self._free.append(slot)

    @property
    def top(self) -> int:
        """The highest slot that was ever taken."""
        return self._top

    def with_person(self, person: bytes) -> list[int]:
        """All slots of a person; looks through all rows (some tens of ms at 10^6)."""
        found: list[int] = []
        first = 0
        for block in self._blocks:
            at = block.find(person)
            while at >= 0:
                slot = first + at // _ROW_OCTETS
                if self.homes[slot] and at % _ROW_OCTETS == _STATE_AT + 1:
                    found.append(slot)
                at = block.find(person, at + 1)
            first += 1 << _BLOCK_BITS
        return found
