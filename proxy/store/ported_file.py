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
from proxy.store.person_base import BaseError, BaseIdentity, Entries, map_base, write_entries

#: Its name beside the database.
PORTED_FILE: Final = "ported.base"

_IDENTITY: Final = b"ported numbers\0\0"
_HEAPS: Final = 256
#: A line's number and its carrier in one whole number beside the key.
_CARRIER_BITS: Final = 8
_LINE_BITS: Final = 32
_BESIDE_BITS: Final = _LINE_BITS + _CARRIER_BITS


class PortedRows:
    """Rows of one file on their way to disk: `add` all, then `conflicts`, then `write` once."""

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

    def conflicts(self) -> list[tuple[int, int]]:
        """Lines that name another carrier for a number than its first line did: (line, first line), by line.

        What one number's lines contradict each other about is left out of the file altogether.
        """
        found: list[tuple[int, int]] = []
        for heap in range(_HEAPS):
            self._settle(heap, found)
        return sorted(found)

    def _settle(self, heap: int, conflicts: list[tuple[int, int]]) -> None:
        """Sorts a heap by key, each key once; says what contradicts itself and takes it out."""
        beside = zip(self._keys[heap], self._lines[heap], self._carriers[heap], strict=True)
        rows = sorted([key << _BESIDE_BITS | line << _CARRIER_BITS | carrier for key, line, carrier in beside])
        keys, lines, carriers = array("Q"), array("I"), array("B")
        last, ambiguous = -1, False
        for row in rows:
            key = row >> _BESIDE_BITS
            line, carrier = row >> _CARRIER_BITS & ((1 << _LINE_BITS) - 1), row & ((1 << _CARRIER_BITS) - 1)
            if key != last:
                if ambiguous:
                    _pop(keys, lines, carriers)
                keys.append(key)
                lines.append(line)
                carriers.append(carrier)
                last, ambiguous = key, False
            elif carrier != carriers[-1]:
                conflicts.append((line, lines[-1]))
                ambiguous = True
        if ambiguous:
            _pop(keys, lines, carriers)
        self._keys[heap], self._lines[heap], self._carriers[heap] = keys, lines, carriers

    def write(self, path: Path, progress: Callable[[int], None] = lambda _: None) -> int:
        """Writes the file beside and puts it in place at once: how many numbers. Needs `conflicts` before.

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


def _pop(*columns: "array[int]") -> None:
    for column in columns:
        column.pop()


def _sync_folder(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}") from error


def load_ported(path: Path, key_id: int) -> PortedNumbers:
    """The ported numbers of a file, none where there is no file.

    Raises BaseError with the reason where it is damaged, or was made with another key of persons or on a machine of
    another byte order: import again. Reads the file once, to check it.
    """
    if not path.exists():
        return PortedNumbers(PersonIndex(), ())
    base = map_base(path, BaseIdentity(_IDENTITY, key_id, "B"), 0, None)
    try:
        names = msgspec.json.decode(base.trailer, type=list[str])
    except msgspec.DecodeError as error:
        raise BaseError(f"{path}: its carriers cannot be read") from error
    return PortedNumbers(PersonIndex(base.keys, base.values), names)
