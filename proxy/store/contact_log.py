"""Whom was contacted when, on disk: what the counts of `core/contacts.py` are made of again after a restart.

Owns a folder of segments of 16 octets a contact: a hash of person and institution, the second, purpose and channel.
Must never hold a number, nor lose a contact of a process that was killed. How it works: a segment is a mapped file, so
that an append is a copy into memory which the system owns from then on; a power cut may take what was appended since
the last sync, a second or so. Each run begins a segment of its own; one that is out of every window is deleted. A full
one is sealed with a checksum of the whole: a start need not look at each of its records then. Where no segment can be
made (a full disk), `append` keeps what it is given until `retry` succeeds, and says that it fails.
"""

import mmap
import os
import struct
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final
from zlib import crc32

from proxy.core.contacts import Contacts, second_of

#: Ids of the keys of persons that live, the newest first; contacts under others are passed over.
Ids = int | tuple[int, ...]
ADDED: Final = 1
TAKEN_BACK: Final = 2

_MAGIC: Final = b"tdgcont1"
_HEADER: Final = struct.Struct("<8sII")
_RECORD: Final = struct.Struct("<QIBBH")
_BEFORE_CHECK: Final = struct.Struct("<QIBB")
_OCTETS: Final = 16
#: Where a record holds purpose and channel, and how much of it its check covers.
_BIT_AT: Final = 12
_CHECKED_OCTETS: Final = 14
_SEGMENT_OCTETS: Final = 1 << 20
_SUFFIX: Final = ".contacts"


class ContactLog:
    """An open log; `open` also counts what stands in it. Used on one thread, but for `sync`."""

    __slots__ = (
        "_at", "_contacts", "_directory", "_file", "_full", "_key_ids",
        "_latest", "_map", "_number", "_octets", "_waiting",
    )  # fmt: skip

    def __init__(self, directory: Path, key_ids: Ids, contacts: Contacts, octets: int = _SEGMENT_OCTETS) -> None:
        """Use `open`."""
        self._directory = directory
        #: The newest names a new segment; what the others were made with is counted too.
        self._key_ids = (key_ids,) if isinstance(key_ids, int) else key_ids
        self._contacts = contacts
        self._octets = octets
        self._number = 0
        self._file = -1
        #: Full segments that are not on the disk for certain yet.
        self._full: list[int] = []
        self._map: mmap.mmap | None = None
        self._at = 0
        #: The latest second of each segment that is full, by its number.
        self._latest: dict[int, int] = {}
        self._waiting: list[bytes] = []

    @classmethod
    def open(
        cls, directory: Path, key_ids: Ids, contacts: Contacts, now: float, octets: int = _SEGMENT_OCTETS
    ) -> "ContactLog":
        """Counts what is within a window, deletes what is not, and begins a segment; raises OSError."""
        directory.mkdir(parents=True, exist_ok=True)
        log = cls(directory, key_ids, contacts, octets)
        count_from(directory, key_ids, contacts, now, log._latest)
        log._number = max(log._latest, default=0)
        log._forget(now)
        log._begin()
        return log

    def append(self, bit: int, person: int, second: int, kind: int) -> None:
        """Puts one contact, or that one was none, on record."""
        head = _BEFORE_CHECK.pack(person, second, bit, kind)
        record = head + (crc32(head) & 0xFFFF).to_bytes(2, "little")
        if self._waiting or not self._write(record, second):
            self._waiting.append(record)
            self._contacts.failing = True

    def _write(self, record: bytes, second: int) -> bool:
        if self._map is None or self._at + _OCTETS > len(self._map):
            try:
                self._begin()
            except OSError:
                return False
        written = self._map
        assert written is not None
        written[self._at : self._at + _OCTETS] = record
        self._at += _OCTETS
        if second > self._latest.get(self._number, 0):
            self._latest[self._number] = second
        return True

    def retry(self, now: float) -> bool:
        """Writes what could not be written, deletes what is out of every window; False while that fails."""
        self._forget(now)
        while self._waiting:
            if not self._write(self._waiting[0], _RECORD.unpack(self._waiting[0])[1]):
                return False
            del self._waiting[0]
        self._contacts.failing = False
        return True

    def to_sync(self) -> list[int]:
        """Open files with what was appended and may not be on the disk yet, for `sync`."""
        files, self._full = self._full, []
        return [*files, os.dup(self._file)] if self._file >= 0 else files

    def close(self) -> None:
        """Brings everything to the disk; raises OSError."""
        files = self.to_sync()
        if self._map is not None:
            self._map.close()
            os.close(self._file)
            self._map, self._file = None, -1
        sync(files)

    def use(self, key_ids: tuple[int, ...]) -> None:
        """Other keys live: what is appended from now on is named by the newest. Raises OSError."""
        self._key_ids = key_ids
        self._begin()

    def _begin(self) -> None:
        """The next segment; raises OSError, and then the one before stays."""
        number = self._number + 1
        path = self._directory / f"{number:010d}{_SUFFIX}"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            # WHY all of it now: a mapped page that the disk has no room for would kill the process when it is written.
            os.posix_fallocate(file, 0, self._octets)
            mapped = mmap.mmap(file, self._octets)
        except OSError:
            os.close(file)
            path.unlink(missing_ok=True)
            raise
        mapped[: _HEADER.size] = _HEADER.pack(_MAGIC, self._key_ids[0], 0)
        if self._map is not None:
            self._map[: _HEADER.size] = _HEADER.pack(_MAGIC, self._key_ids[0], crc32(self._map[_OCTETS:]) or 1)
            self._map.close()
            self._full.append(self._file)
        self._file, self._map, self._number, self._at = file, mapped, number, _OCTETS

    def _forget(self, now: float) -> None:
        after = second_of(now) - self._contacts.horizon_s
        for number, latest in list(self._latest.items()):
            if latest < after and number != self._number:
                (self._directory / f"{number:010d}{_SUFFIX}").unlink(missing_ok=True)
                del self._latest[number]


def sync(files: list[int]) -> None:
    """Brings open files to the disk and closes them; takes its time, and may run in any thread. Raises OSError."""
    try:
        for file in files:
            os.fdatasync(file)
    finally:
        for file in files:
            os.close(file)


def count_from(
    directory: Path, key_ids: Ids, contacts: Contacts, now: float, latest: dict[int, int] | None = None
) -> int:
    """Counts what stands in a folder, which is only read; how many contacts. Those under another key are passed over.

    `latest` takes the latest second of each segment.
    """
    counted = 0
    at = second_of(now)
    segments = [(int(path.stem), path) for path in sorted(directory.glob(f"*{_SUFFIX}")) if path.stem.isdigit()]
    _expect(segments, contacts)
    tables = contacts.tables
    for number, path in segments:
        newest = 0
        for person, second, bit, kind in _records(path, key_ids):
            if second > newest:
                newest = second
            table = tables.get(bit)
            if table is None or second < at - table.horizon_s:
                continue
            if kind == ADDED:
                table.add(person or 1, second, at)
                counted += 1
            else:
                table.take_back(person or 1, second)
        if latest is not None:
            latest[number] = newest
    return counted


def _expect(segments: list[tuple[int, Path]], contacts: Contacts) -> None:
    """Makes room for what will be counted: records of each kind, expired ones included."""
    found = dict.fromkeys(contacts.tables, 0)
    for _, path in segments:
        bits = path.read_bytes()[_OCTETS + _BIT_AT :: _OCTETS]
        for bit in found:
            found[bit] += bits.count(bit)
    for bit, count in found.items():
        contacts.tables[bit].expect(count)


def count_of_persons(directory: Path, key_ids: Ids, contacts: Contacts, wanted: Collection[int], now: float) -> int:
    """Counts the contacts of some persons alone, by their keys; how many."""
    counted = 0
    at = second_of(now)
    for path in sorted(directory.glob(f"*{_SUFFIX}")):
        for person, second, bit, kind in _records(path, key_ids):
            if person not in wanted:
                continue
            table = contacts.tables.get(bit)
            if table is None or second < at - table.horizon_s:
                continue
            if kind == ADDED:
                contacts.add(bit, person, second, at)
                counted += 1
            else:
                contacts.take_back(bit, person, second)
    return counted


def count_of_person(
    directory: Path,
    key_ids: Ids,
    contacts: Contacts,
    keys: tuple[int, int],
    now: float,
    before: float | None = None,
) -> int:
    """Counts the contacts of one person alone: `keys` are the one on record and the one to count under; how many.

    `before`: only those of earlier seconds than this one (UTC), so that what was judged then meets what it met.
    """
    wanted, shown = keys
    counted = 0
    at = second_of(now)
    for path in sorted(directory.glob(f"*{_SUFFIX}")):
        for person, second, bit, kind in _records(path, key_ids):
            table = contacts.tables.get(bit)
            if person != wanted or table is None or second < at - table.horizon_s:
                continue
            if before is not None and second >= second_of(before):
                continue
            if kind == ADDED:
                contacts.add(bit, shown, second, at)
                counted += 1
            else:
                contacts.take_back(bit, shown, second)
    return counted


def _records(path: Path, key_ids: Ids) -> Iterator[tuple[int, int, int, int]]:
    """The sound records of a segment, in order; ends where none was written."""
    octets = path.read_bytes()
    if len(octets) < _HEADER.size or octets[:8] != _MAGIC:
        return
    _, made_with, seal = _HEADER.unpack_from(octets)
    if made_with not in ((key_ids,) if isinstance(key_ids, int) else key_ids):
        return
    body = octets[_OCTETS : len(octets) - len(octets) % _OCTETS]
    sealed = seal != 0 and (crc32(octets[_OCTETS:]) or 1) == seal
    for place, (person, second, bit, kind, check) in enumerate(_RECORD.iter_unpack(body)):
        if kind == 0:
            return
        # A record that a power cut tore is passed over: what stands behind it is sound.
        if sealed or crc32(body[place * _OCTETS : place * _OCTETS + _CHECKED_OCTETS]) & 0xFFFF == check:
            yield person, second, bit, kind
