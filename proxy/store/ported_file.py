"""The file of ported numbers: a base of persons' keys with a carrier each, mapped instead of read.

Owns where it lies, what its values mean and how it is sorted. A value is 1 + the place of a carrier's name in the
trailer, so a file says by itself which carriers it means, whatever the carriers file has come to say since. Numbers
never stand in it: its keys are the first 64 bits of persons' digests. It is bound to the key of persons, and of use
with no other. Rows that are gathered lie in 256 heaps by the first octet of their key (13 octets a row), and
each heap is sorted when it is written, so that 10^7 rows need some 200 MB.
"""

import os
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from proxy.core.persons import PersonIndex, index_key
from proxy.registry.ports import StoreError
from proxy.routing.carriers import PortedNumbers
from proxy.store.person_base import BaseError, BaseIdentity, Entries, made_with, map_base, write_entries

#: Its name beside the database.
PORTED_FILE: Final = "ported.base"

_IDENTITY: Final = b"ported numbers\0\0"
_HEAPS: Final = 256
#: A line's number and its carrier in one whole number beside the key.
_CARRIER_BITS: Final = 8
_LINE_BITS: Final = 32
_BESIDE_BITS: Final = _LINE_BITS + _CARRIER_BITS
_LINE_MASK: Final = (1 << _LINE_BITS) - 1
_CARRIER_MASK: Final = (1 << _CARRIER_BITS) - 1


class PortedRows:
    """Rows of one file on their way to disk: `add` all, then `settle`, then `write`."""

    __slots__ = ("_carriers", "_key_id", "_keys", "_lines", "_names", "_numbers")

    def __init__(self, names: Sequence[str], key_id: int) -> None:
        self._names: Final = tuple(names)
        self._numbers: Final = {name: place for place, name in enumerate(names, 1)}
        self._key_id: Final = key_id
        self._keys: Final = [array("Q") for _ in range(_HEAPS)]
        self._lines: Final = [array("I") for _ in range(_HEAPS)]
        self._carriers: Final = [array("B") for _ in range(_HEAPS)]

    def add(self, person: bytes, carrier: str, line: int) -> None:
        """Takes a row: whose number (16 octets), which carrier it was ported to, and where it stood in its file."""
        heap = person[0]
        self._keys[heap].append(index_key(person, 0))
        self._lines[heap].append(line)
        self._carriers[heap].append(self._numbers[carrier])

    def __len__(self) -> int:
        """How many rows are held: after `settle`, how many numbers."""
        return sum(map(len, self._keys))

    def settle(self, progress: Callable[[int], None] = lambda _: None) -> list[tuple[int, int]]:
        """Brings the rows in order, each number once, and takes out numbers whose rows contradict each other.

        Gives all lines of those with a line that says otherwise, by line. `progress` is told how many rows are done.
        """
        found: list[tuple[int, int]] = []
        done = 0
        for heap in range(_HEAPS):
            done += len(self._keys[heap])
            self._settle(heap, found)
            progress(done)
        return sorted(found)

    def _settle(self, heap: int, conflicts: list[tuple[int, int]]) -> None:
        beside = zip(self._keys[heap], self._lines[heap], self._carriers[heap], strict=True)
        rows = sorted([key << _BESIDE_BITS | line << _CARRIER_BITS | carrier for key, line, carrier in beside])
        keys, lines, carriers = array("Q"), array("I"), array("B")
        at, count = 0, len(rows)
        while at < count:
            first, key = at, rows[at] >> _BESIDE_BITS
            at += 1
            while at < count and rows[at] >> _BESIDE_BITS == key:
                at += 1
            if at - first > 1 and (contradiction := _contradiction(rows[first:at])):
                conflicts += contradiction
                continue
            keys.append(key)
            lines.append(rows[first] >> _CARRIER_BITS & _LINE_MASK)
            carriers.append(rows[first] & _CARRIER_MASK)
        self._keys[heap], self._lines[heap], self._carriers[heap] = keys, lines, carriers

    def write(self, path: Path, progress: Callable[[int], None] = lambda _: None) -> int:
        """Writes the file beside and puts it in place at once: how many numbers. INVARIANT: `settle` came before.

        Raises StoreError; the former file then stays.
        """
        identity = BaseIdentity(_IDENTITY, self._key_id, "B")
        count, _ = write_entries(self._heaps(progress), identity, 0, path, msgspec.json.encode(self._names))
        _sync_folder(path.parent)
        return count

    def _heaps(self, progress: Callable[[int], None]) -> Iterator[Entries]:
        done = 0
        for keys, carriers in zip(self._keys, self._carriers, strict=True):
            yield keys, carriers
            done += len(keys)
            progress(done)


def _contradiction(rows: list[int]) -> list[tuple[int, int]]:
    """Each line of one number with the first line that names another carrier; nothing where all name the same."""
    named = [(row >> _CARRIER_BITS & _LINE_MASK, row & _CARRIER_MASK) for row in rows]
    first_line, first_carrier = named[0]
    other = next((line for line, carrier in named if carrier != first_carrier), 0)
    return [(line, other if carrier == first_carrier else first_line) for line, carrier in named] if other else []


def _sync_folder(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}") from error


def load_ported(path: Path, key_id: int | tuple[int, ...]) -> PortedNumbers:
    """The ported numbers of a file, none where there is no file.

    Raises BaseError with the reason where it is damaged, or was made with another key of persons or on a machine of
    another byte order: import again. Reads the file once, to check it.
    """
    if not path.exists():
        return PortedNumbers(PersonIndex(), ())
    ids = (key_id,) if isinstance(key_id, int) else key_id
    made = made_with(path)
    base = map_base(path, BaseIdentity(_IDENTITY, made if made in ids else ids[0], "B"), 0, None)
    try:
        names = msgspec.json.decode(base.trailer, type=list[str])
    except msgspec.DecodeError as error:
        raise BaseError(f"{path}: its carriers cannot be read") from error
    return PortedNumbers(PersonIndex(base.keys, base.values), names)
