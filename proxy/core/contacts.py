"""How often a person was contacted lately, by institution, purpose and channel: sliding windows in bounded memory.

Owns the counting (C1 C4 J7), and nothing of who may be contacted. Must never forget a contact that still counts in a
window, or take one that it has no room for: `is_full` then says so, and who asks closes. How it works: one table for
each purpose and channel that a cap names; persons are 64-bit keys (`persons.index_key`), spread over shards of open
addressing, each place with the latest `width` contacts, to the second. What is out of every window is dropped when a
shard grows or is swept. Moments are UTC; one that lies ahead, since the clock stepped back, counts like any other.
"""

from array import array
from collections.abc import Iterable
from math import ceil, floor
from typing import Final

from proxy.core.pack import Cap
from proxy.core.purposes import PURPOSE_BITS, Channel, Purpose

#: Seconds are kept from here on, in 32 bits: 2020-01-01.
EPOCH_S: Final = 1_577_836_800
_SHARD_BITS: Final = 12
_SHARDS: Final = 1 << _SHARD_BITS
_SHARD_SHIFT: Final = 64 - _SHARD_BITS
_FIRST_PLACES: Final = 8


class CountedCap:
    """A cap as a lane asks it: at most `most` contacts in `window_s` over the tables of `bits`.

    `pack` at `version` sets it; `shadow` tells that it only records.
    """

    __slots__ = ("bits", "most", "pack", "shadow", "version", "window_s")

    def __init__(self, most: int, window_s: int, bits: tuple[int, ...], pack: str, version: int, shadow: bool) -> None:
        self.most: Final = most
        self.window_s: Final = window_s
        self.bits: Final = bits
        self.pack: Final = pack
        self.version: Final = version
        self.shadow: Final = shadow


def second_of(at: float) -> int:
    """A moment as it is kept: rounded up, so that no contact leaves its window early."""
    return max(1, ceil(at) - EPOCH_S)


class _Shard:
    """Places for persons: `keys` (0: free), and `width` seconds each (0: none)."""

    __slots__ = ("keys", "mask", "seconds", "taken", "width")

    def __init__(self, places: int, width: int) -> None:
        self.keys = array("Q", bytes(8 * places))
        self.seconds = array("I", bytes(4 * places * width))
        self.mask = places - 1
        self.taken = 0
        self.width = width

    def place(self, key: int) -> int:
        """Where a key stands, or the free place where it would."""
        keys, mask = self.keys, self.mask
        at = key & mask
        while True:
            found = keys[at]
            if found == key or found == 0:
                return at
            at = (at + 1) & mask


class ContactTable:
    """The contacts of one purpose on one channel: the latest `width` of each person, within `horizon_s`."""

    __slots__ = ("_first_places", "_shards", "_swept", "horizon_s", "persons", "width")

    def __init__(self, width: int, horizon_s: int) -> None:
        self._first_places = _FIRST_PLACES
        self.width = width
        self.horizon_s = horizon_s
        #: Places taken; some of them may be out of every window by now.
        self.persons = 0
        self._shards: dict[int, _Shard] = {}
        self._swept = 0

    def count(self, key: int, after: int) -> int:
        """How many contacts of a person lie after a second (as kept)."""
        shard = self._shards.get(key >> _SHARD_SHIFT)
        if shard is None:
            return 0
        # WHY not `place`, nor a slice: this is asked of every message that a cap counts.
        keys, mask = shard.keys, shard.mask
        at = key & mask
        there = keys[at]
        while there != key:
            if there == 0:
                return 0
            at = (at + 1) & mask
            there = keys[at]
        seconds, width, found = shard.seconds, shard.width, 0
        for place in range(at * width, at * width + width):
            if seconds[place] > after:
                found += 1
        return found

    def seconds_of(self, key: int) -> list[int]:
        """All that is kept of a person, as kept, in no order."""
        shard = self._shards.get(key >> _SHARD_SHIFT)
        if shard is None:
            return []
        at = shard.place(key) * shard.width
        return [second for second in shard.seconds[at : at + shard.width] if second]

    def add(self, key: int, second: int, now: int) -> None:
        """One more contact; both are seconds as kept."""
        number = key >> _SHARD_SHIFT
        shard = self._shards.get(number)
        if shard is None:
            shard = self._shards[number] = _Shard(self._first_places, self.width)
        elif shard.width != self.width or shard.taken * 3 >= (shard.mask + 1) * 2:
            shard = self._rebuilt(number, shard, now)
        # WHY not `place`: a start puts millions of contacts back, nearly all of them each person's first.
        keys, mask = shard.keys, shard.mask
        at = key & mask
        found = keys[at]
        while found != key and found != 0:
            at = (at + 1) & mask
            found = keys[at]
        seconds, begin = shard.seconds, at * shard.width
        if found == 0:
            keys[at] = key
            seconds[begin] = second
            shard.taken += 1
            self.persons += 1
            return
        oldest = begin
        for place in range(begin, begin + shard.width):
            if seconds[place] < seconds[oldest]:
                oldest = place
        if seconds[oldest] < second:
            seconds[oldest] = second

    def expect(self, contacts: int) -> None:
        """Makes room beforehand for so many contacts of as many persons: shards that grow from nothing cost twice the
        time. One that turns out too large is made smaller when it is swept.
        """
        # WHY a twelfth more: shards are not filled evenly, and each holds two thirds of its places.
        most = contacts // _SHARDS * 13 // 12
        places = _FIRST_PLACES
        while places * 2 < most * 3:
            places *= 2
        self._first_places = places

    def take_back(self, key: int, second: int) -> bool:
        """Forgets one contact of that second; False where it is not kept."""
        shard = self._shards.get(key >> _SHARD_SHIFT)
        if shard is None:
            return False
        at = shard.place(key) * shard.width
        for place in range(at, at + shard.width):
            if shard.seconds[place] == second:
                shard.seconds[place] = 0
                return True
        return False

    def sweep(self, shards: int, now: int) -> None:
        """Drops what is out of every window from the next so many shards."""
        for _ in range(shards):
            number = self._swept
            self._swept = (number + 1) % _SHARDS
            shard = self._shards.get(number)
            if shard is not None:
                self._rebuilt(number, shard, now)

    def _rebuilt(self, number: int, shard: _Shard, now: int) -> _Shard:
        """A shard without what is over, as large as what is left needs."""
        width, after = shard.width, now - self.horizon_s
        left: list[tuple[int, list[int]]] = []
        for at, key in enumerate(shard.keys):
            if key:
                # WHY not only later ones: `now` was rounded up, and what is of that second counts until it is over.
                kept = [
                    second for second in shard.seconds[at * width : at * width + width] if second and second >= after
                ]
                if kept:
                    left.append((key, kept))
        self.persons += len(left) - shard.taken
        # Half full at most when it is made, two thirds when it is made anew.
        places = max(_FIRST_PLACES, 1 << (len(left) * 2).bit_length())
        made = _Shard(places, self.width)
        for key, kept in left:
            at = made.place(key)
            made.keys[at] = key
            for offset, second in enumerate(sorted(kept)[-self.width :]):
                made.seconds[at * self.width + offset] = second
        made.taken = len(left)
        self._shards[number] = made
        return made


class Contacts:
    """All tables. `persons_most` bounds them together."""

    __slots__ = ("_persons_most", "failing", "tables")

    def __init__(self, caps: Iterable[Cap] = (), persons_most: int = 20_000_000) -> None:
        #: By the bit of purpose and channel (`PURPOSE_BITS`).
        self.tables: dict[int, ContactTable] = {}
        self._persons_most = persons_most
        #: Set while contacts cannot be kept over a restart: who asks closes.
        self.failing = False
        self.use(caps)

    def use(self, caps: Iterable[Cap]) -> None:
        """Counts for these caps too; what was counted stays. A longer window fills from now on."""
        for cap in caps:
            for channel in cap.channels:
                bit = PURPOSE_BITS.get((cap.purpose, channel), 0)
                if not bit:
                    continue
                table = self.tables.get(bit)
                if table is None:
                    self.tables[bit] = ContactTable(cap.most, cap.window_s)
                else:
                    table.width = max(table.width, cap.most)
                    table.horizon_s = max(table.horizon_s, cap.window_s)

    @property
    def is_full(self) -> bool:
        """Whether there may be no room for another person."""
        return self.persons >= self._persons_most

    @property
    def persons(self) -> int:
        """Places taken, in all tables."""
        return sum([table.persons for table in self.tables.values()])

    @property
    def horizon_s(self) -> int:
        """The longest window, 0 without any."""
        return max([table.horizon_s for table in self.tables.values()], default=0)

    def reached(self, cap: CountedCap, person: int, now: float, also: int = 0) -> bool:
        """Whether a person was contacted as often as a cap allows; `now` is UTC seconds.

        `also` is the person's key under another key of persons that lives, 0 where there is one key only.
        """
        after = floor(now) - cap.window_s - EPOCH_S
        found = 0
        for bit in cap.bits:
            table = self.tables.get(bit)
            if table is not None:
                found += table.count(person or 1, after)
                if also:
                    found += table.count(also, after)
        return found >= cap.most

    def frees_in(self, cap: CountedCap, person: int, now: float) -> int:
        """Seconds until one more contact is within a cap; 0 where it is now."""
        after = floor(now) - cap.window_s - EPOCH_S
        seconds: list[int] = []
        for bit in cap.bits:
            table = self.tables.get(bit)
            if table is not None:
                seconds += [second for second in table.seconds_of(person or 1) if second > after]
        if len(seconds) < cap.most:
            return 0
        seconds.sort()
        return max(1, ceil(seconds[len(seconds) - cap.most] + EPOCH_S + cap.window_s - now))

    def add(self, bit: int, person: int, second: int, now: int) -> None:
        """One more contact, in a table that there is; seconds as `second_of` gives them."""
        self.tables[bit].add(person or 1, second, now)

    def take_back(self, bit: int, person: int, second: int) -> bool:
        """A contact that was none after all; False where it is not kept."""
        table = self.tables.get(bit)
        return table is not None and table.take_back(person or 1, second)

    def sweep(self, now: float, shards: int = 4) -> None:
        """Drops what is out of every window from a few shards; to be called again and again."""
        for table in self.tables.values():
            table.sweep(shards, second_of(now))


class ContactsAnd(Contacts):
    """Contacts with a few more laid over them, which nobody keeps: those of the message that is being judged."""

    __slots__ = ("_base", "_more")

    def __init__(self, base: Contacts) -> None:
        super().__init__()
        self._base = base
        self._more: list[tuple[int, int, int]] = []
        self.failing = base.failing

    @property
    def is_full(self) -> bool:
        return self._base.is_full

    def lay(self, bit: int, person: int, at: float) -> None:
        """One more, at UTC seconds."""
        self._more.append((bit, person, second_of(at)))

    def reached(self, cap: CountedCap, person: int, now: float, also: int = 0) -> bool:
        after = floor(now) - cap.window_s - EPOCH_S
        found = 0
        for bit, who, second in self._more:
            found += who == person and bit in cap.bits and second > after
        for bit in cap.bits:
            table = self._base.tables.get(bit)
            if table is not None:
                found += table.count(person or 1, after)
                if also:
                    found += table.count(also, after)
        return found >= cap.most


def bits_of(purpose: Purpose, channels: Iterable[Channel]) -> tuple[int, ...]:
    """The tables in which contacts for a purpose on these channels are counted."""
    return tuple(sorted([PURPOSE_BITS[purpose, channel] for channel in channels if (purpose, channel) in PURPOSE_BITS]))
