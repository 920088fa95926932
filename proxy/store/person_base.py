"""The base file of a person index: sorted 64-bit keys with their values, mapped instead of read (10^7 in 90 MB).

Owns the format and nothing else. The file is derived from the store and never trusted: header, length and checksum
must fit the store that asks, or `BaseError` says why and the caller writes it anew. Written beside and renamed, so that
a mapped file never changes. Layout: header (128 octets, native byte order), keys (8 octets each), values (1 or 4 each),
the index's directory (4 each, in the second format only), and a trailer, where the writer has something to say about
the values. WHY a directory: to make one of 10^7 keys takes seconds of the interpreter, and traffic would wait.
"""

import mmap
import os
import sqlite3
import struct
import sys
from array import array
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

from msgspec import Struct

from proxy.core.persons import directory_of, slot_bits
from proxy.registry.ports import StoreError

_PLAIN: Final = b"TDGPIDX1"
_WITH_DIRECTORY: Final = b"TDGPIDX2"
_HEADER: Final = struct.Struct("=8sHHI16sQQQ32s")
_HEADER_OCTETS: Final = 128
_ORDER_MARK: Final = 0x0102
_SLICE: Final = 1 << 16
_HASH_SLICE: Final = 1 << 22

ValueCode = Literal["B", "I"]


class BaseError(StoreError):
    """A base file is missing, damaged, or belongs to another store, key or version."""


class BaseIdentity(Struct, frozen=True):
    """Whose base it is: the store's id (16 octets), the person key's id, and how wide a value is."""

    store_id: bytes
    key_id: int
    code: ValueCode

    @property
    def value_octets(self) -> int:
        return 1 if self.code == "B" else 4


class Base(Struct, frozen=True):
    """A mapped base: `keys` ascending, `values` beside them, as of `position` of the store's states."""

    keys: memoryview
    values: memoryview
    position: int
    trailer: bytes = b""
    directory: memoryview | None = None


def write_base(database: Path, state_table: str, identity: BaseIdentity, path: Path) -> tuple[int, bytes]:
    """Writes the base of a state table through a read-only connection of its own: (count of entries, checksum).

    Streams in key order with little memory. The owner keeps the checksum in the store; a base without it there is
    foreign. Raises StoreError; the former file then stays.
    """
    try:
        connection = sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True, isolation_level=None)
        try:
            connection.execute("BEGIN")  # WHY: position and rows must be of one moment.
            (position,) = connection.execute("SELECT value FROM counters WHERE name = 'position'").fetchone()
            return write_entries(
                _states(connection, state_table, identity.code), identity, position, path, directory=True
            )
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreError(f"{path}: the base cannot be written: {error}") from error


Entries = tuple["array[int]", "array[int]"]


def _states(connection: sqlite3.Connection, state_table: str, code: ValueCode) -> Iterator[Entries]:
    cursor = connection.execute(f"SELECT key, value FROM {state_table} WHERE value != 0 ORDER BY key")
    while rows := cursor.fetchmany(_SLICE):
        yield array("Q", [key + (1 << 63) for key, _ in rows]), array(code, [value for _, value in rows])


def write_entries(
    entries: Iterable[Entries],
    identity: BaseIdentity,
    position: int,
    path: Path,
    trailer: bytes = b"",
    *,
    directory: bool = False,
) -> tuple[int, bytes]:
    """Writes a base of slices of keys (ascending over all of them) and their values: (count of entries, checksum).

    Raises StoreError; the former file then stays, as it does when `entries` raises.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            written = _stream(entries, identity, position, temporary, trailer, directory=directory)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{path}: the base cannot be written: {error}") from error
    return written


def _stream(
    entries: Iterable[Entries],
    identity: BaseIdentity,
    position: int,
    temporary: Path,
    trailer: bytes,
    *,
    directory: bool,
) -> tuple[int, bytes]:
    magic = _WITH_DIRECTORY if directory else _PLAIN
    values = array(identity.code)
    count = 0
    with open(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(bytes(_HEADER_OCTETS))
        total = blake2b(digest_size=32)
        for keys, beside in entries:
            octets = keys.tobytes()
            values.extend(beside)
            total.update(octets)
            file.write(octets)
            count += len(keys)
        found = array("I")
        if directory:
            file.flush()
            found = _directory(file.fileno(), count)
        for part in (memoryview(values), memoryview(found), trailer):
            total.update(part)
            file.write(part)
        total.update(_pack(magic, identity, len(trailer), position, count, bytes(32)))
        file.seek(0)
        file.write(_pack(magic, identity, len(trailer), position, count, total.digest()))
        file.flush()
        os.fsync(file.fileno())
    return count, total.digest()


def _directory(file: int, count: int) -> "array[int]":
    """The directory of keys that were written already."""
    with (
        mmap.mmap(file, _HEADER_OCTETS + 8 * count, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as view,
        view[_HEADER_OCTETS:] as octets,
        octets.cast("Q") as keys,
    ):
        return directory_of(keys)


def _pack(magic: bytes, identity: BaseIdentity, trailing: int, position: int, count: int, checksum: bytes) -> bytes:
    width = identity.value_octets
    return _HEADER.pack(
        magic, _ORDER_MARK, width, trailing, identity.store_id, identity.key_id, position, count, checksum
    )


def made_with(path: Path) -> int:
    """The id of the key that a base says it was made with; 0 where it does not say. Nothing else of it is looked at."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER.size)
    except OSError:
        return 0
    return int(_HEADER.unpack(head)[5]) if len(head) == _HEADER.size else 0


def map_base(path: Path, identity: BaseIdentity, newest_position: int, expected: bytes | None) -> Base:
    """Maps a base after checking it whole; raises BaseError with the reason.

    `newest_position` is the store's. `expected` is the checksum the store remembers: a base that fits another history
    of the same store (a backup that was put back) is foreign. None where no store remembers one.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < _HEADER_OCTETS:
                raise BaseError(f"{path}: too short")
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise BaseError(f"{path}: {error.strerror}") from error
    magic, order, width, trailing, _, _, position, count, checksum = _HEADER.unpack_from(mapped)
    keys_end = _HEADER_OCTETS + 8 * count
    values_end = keys_end + width * count
    slots = (1 << slot_bits(count)) + 1 if magic == _WITH_DIRECTORY else 0
    directory_end = values_end + 4 * slots
    view = memoryview(mapped)
    if magic not in (_PLAIN, _WITH_DIRECTORY) or order != _ORDER_MARK:
        raise BaseError(f"{path}: not a base of this version and byte order ({sys.byteorder} endian)")
    if mapped[:_HEADER_OCTETS] != _pack(magic, identity, trailing, position, count, checksum).ljust(
        _HEADER_OCTETS, b"\0"
    ):
        raise BaseError(f"{path}: belongs to another store or key, or its header is damaged")
    if size != directory_end + trailing or position > newest_position:
        raise BaseError(f"{path}: its length or position does not fit")
    total = blake2b(digest_size=32)
    for start in range(_HEADER_OCTETS, size, _HASH_SLICE):
        total.update(view[start : start + _HASH_SLICE])
    total.update(_pack(magic, identity, trailing, position, count, bytes(32)))
    if total.digest() != checksum:
        raise BaseError(f"{path}: checksum does not fit")
    if expected is not None and checksum != expected:
        raise BaseError(f"{path}: not the base this store wrote last")
    keys, values = view[_HEADER_OCTETS:keys_end].cast("Q"), view[keys_end:values_end].cast(identity.code)
    directory = view[values_end:directory_end].cast("I") if slots else None
    return Base(keys, values, position, bytes(view[directory_end:]), directory)
