"""The open messages in memory: their records as octets, found by the ESME's id and by a hash of the carrier's.

Owns the slots and the two indexes. Must never grow beyond the capacity it was made with, and never say that a row is
the one meant because its hash is: who asks by hash compares what stands in the row.

How: a row is the record of the message as the file has it, in a place for all but the longest, whose ends stand apart;
a slot is its number, from 1.
Each index is one array of slots, at most half full, with linear probing; a removal shifts its followers back, so there
are no gravestones and nothing is ever rebuilt. WHY not dicts: two of them with their ints take some 250 MB at 10^6
messages, this takes 100, and a dict that grows stands still for tens of milliseconds.
"""

from array import array
from typing import Final

from proxy.trail.layout import (
    ACCEPTED_OCTETS,
    ROW_ID_OCTETS,
    unpack_accepted_row,
)

_ROW_OCTETS: Final = ACCEPTED_OCTETS + ROW_ID_OCTETS
_ROWS_AT_A_TIME: Final = 4096
#: Spreads ids that follow one another over the index (2**32 divided by the golden ratio).
_SPREAD: Final = 0x9E3779B1
#: Steps from its home beyond which a row is not entered by key. At half load chance alone does not come so far.
_FAR: Final = 256

#: at, account, route, person, carrier id.
Row = tuple[int, int, int, bytes, bytes]


class TableFullError(Exception):
    """All slots are taken: one must be removed first."""


class Table:
    """Rows by slot. `keys` are signed 64-bit ints, 0 for a row that is in no index by key."""

    __slots__ = (
        "_by_id",
        "_by_key",
        "_ends",
        "_free",
        "_keys",
        "_mask",
        "_rows",
        "capacity",
        "homes",
        "ids",
        "live",
        "states",
        "top",
        "used",
    )

    def __init__(self, capacity: int) -> None:
        self.capacity: Final = capacity
        self.used = 0
        #: The highest slot that was ever taken.
        self.top = 0
        #: By slot: the octet of the file that it is written in, 0 for a free slot. A search in it runs at memory speed.
        self.homes: Final = bytearray(1)
        #: By slot: the number of the state, 0 while the message is open.
        self.states: Final = bytearray(1)
        #: By slot: the decision id.
        self.ids: Final = array("Q", (0,))
        #: Rows by the octet of their file.
        self.live: Final[list[int]] = [0] * 256
        size = 1 << max(capacity * 2 - 1, 1).bit_length()
        self._mask: Final = size - 1
        self._by_id: Final = array("I", bytes(4 * size))
        self._by_key: Final = array("I", bytes(4 * size))
        self._keys: Final = array("q", (0,))
        self._rows: Final = bytearray(_ROW_OCTETS)
        #: By slot: what of a record has no room in its row.
        self._ends: Final[dict[int, bytes]] = {}
        self._free: Final = array("I")

    def add(self, decision_id: int, key: int, home: int, record: bytes) -> int:
        """Puts a row in a free slot and gives that, or the slot that has the id already; raises TableFullError.

        `record` is an accepted record. Where the slot given is an old one, nothing has changed.
        """
        mask = self._mask
        ids = self.ids
        by_id = self._by_id
        place = decision_id * _SPREAD >> 16 & mask
        slot = by_id[place]
        while slot:
            if ids[slot] == decision_id:
                return slot
            place = place + 1 & mask
            slot = by_id[place]
        if self._free:
            slot = self._free.pop()
            ids[slot] = decision_id
            self._keys[slot] = key
            self.homes[slot] = home
            self.states[slot] = 0
        else:
            slot = self.top + 1
            if slot > self.capacity:
                raise TableFullError
            self.top = slot
            ids.append(decision_id)
            self._keys.append(key)
            self.homes.append(home)
            self.states.append(0)
            if slot % _ROWS_AT_A_TIME == 1:
                self._rows.extend(bytes(_ROW_OCTETS * _ROWS_AT_A_TIME))
        self.used += 1
        self.live[home] += 1
        at = slot * _ROW_OCTETS
        if len(record) > _ROW_OCTETS:
            self._ends[slot] = record[_ROW_OCTETS:]
            self._rows[at : at + _ROW_OCTETS] = record[:_ROW_OCTETS]
        else:
            self._rows[at : at + len(record)] = record
        by_id[place] = slot
        if key:
            by_key = self._by_key
            place = first = key & mask
            while by_key[place]:
                place = place + 1 & mask
                if place - first & mask > _FAR:
                    # WHY: a carrier that gives one id to all its messages would make each search walk over all of them.
                    self._keys[slot] = 0
                    return slot
            by_key[place] = slot
        return slot

    def slot_of(self, decision_id: int) -> int:
        """The slot of an id, 0 where it is not there."""
        index, ids, mask = self._by_id, self.ids, self._mask
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
        """at, account, route, person, carrier id."""
        _, _, at, account, route, person, size, octets = unpack_accepted_row(self._rows, slot * _ROW_OCTETS)
        return at, account, route, person, octets[:size] if size <= ROW_ID_OCTETS else octets + self._ends[slot]

    def record(self, slot: int) -> bytes:
        """The record that was added."""
        start = slot * _ROW_OCTETS
        end = start + ACCEPTED_OCTETS
        size = self._rows[end - 1]
        if size > ROW_ID_OCTETS:
            return bytes(self._rows[start : start + _ROW_OCTETS]) + self._ends[slot]
        return bytes(self._rows[start : end + size])

    def move_home(self, slot: int, home: int) -> None:
        """Notes that the row is now written in another file."""
        self.live[self.homes[slot]] -= 1
        self.live[home] += 1
        self.homes[slot] = home

    def remove(self, slot: int) -> None:
        """Frees a slot that is taken."""
        mask = self._mask
        ids, keys = self.ids, self._keys
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
        if self._ends:
            self._ends.pop(slot, None)
        self.live[self.homes[slot]] -= 1
        self.homes[slot] = 0
        self.used -= 1
        self._free.append(slot)
