"""Do-not-call lists: files of persons' keys, mapped instead of read (J14). One file a list, replaced as a whole.

Owns where they lie and what stands in them: the first 64 bits of persons' digests, each with what its list closes.
Numbers never do. Bound to the key of persons, and of use with no other. Rows that are gathered lie in 256 heaps by the
first octet of their key, so that 10^7 rows are sorted in 80 MB.
"""

import os
import re
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from proxy.core.persons import PersonIndex, index_key
from proxy.registry.ports import StoreError
from proxy.store.person_base import BaseError, BaseIdentity, Entries, made_with, map_base, write_entries

#: The folder of all lists, beside the database.
DONOTCALL_FOLDER: Final = "donotcall"
LIST_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_SUFFIX: Final = ".base"
_IDENTITY: Final = b"do not call\0\0\0\0\0"
_HEAPS: Final = 256
#: WHY few: lists are replaced while traffic runs, and a large directory takes seconds of the interpreter.
_SLOT_BITS: Final = 12


class ListedAs(Struct, frozen=True):
    """What a list says of itself: what it closes, as of which day, and where it came from."""

    name: str
    bits: int
    dated: str
    source: str
    persons: int = 0
    key_id: int = 0


class DonotcallRows:
    """Persons of one list on their way to disk: `add` all, then `write`."""

    __slots__ = ("_heaps", "_key_id")

    def __init__(self, key_id: int) -> None:
        self._key_id: Final = key_id
        self._heaps: Final = [array("Q") for _ in range(_HEAPS)]

    def add(self, person: bytes) -> None:
        """Takes a person's pseudonym (16 octets)."""
        self._heaps[person[0]].append(index_key(person, 0))

    def write(self, folder: Path, listed: ListedAs, progress: Callable[[int], None] = lambda _: None) -> int:
        """Writes the list beside and puts it in place at once: how many persons. Raises StoreError; the former list
        then stays.
        """
        identity = BaseIdentity(_IDENTITY, self._key_id, "B")
        path = folder / f"{listed.name}{_SUFFIX}"
        count, _ = write_entries(self._sorted(listed.bits, progress), identity, 0, path, msgspec.json.encode(listed))
        return count

    def _sorted(self, bits: int, progress: Callable[[int], None]) -> Iterator[Entries]:
        done = 0
        for heap in self._heaps:
            keys = array("Q", sorted(set(heap)))
            done += len(heap)
            del heap[:]
            yield keys, array("B", [bits]) * len(keys)
            progress(done)


def load_donotcall(folder: Path, key_ids: tuple[int, ...]) -> tuple[list[ListedAs], tuple[PersonIndex, ...]]:
    """All lists of a folder, by name, and their indexes. `key_ids` are the keys of persons that live. Raises BaseError
    with the reason where one is damaged or was made with another key: import it again, or remove it.
    """
    told: list[ListedAs] = []
    indexes: list[PersonIndex] = []
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        key_id = made_with(path)
        identity = BaseIdentity(_IDENTITY, key_id if key_id in key_ids else key_ids[0], "B")
        base = map_base(path, identity, 0, None)
        try:
            listed = msgspec.json.decode(base.trailer, type=ListedAs)
        except msgspec.DecodeError as error:
            raise BaseError(f"{path}: what it closes cannot be read") from error
        told.append(msgspec.structs.replace(listed, persons=len(base.keys), key_id=identity.key_id))
        indexes.append(PersonIndex(base.keys, base.values, _SLOT_BITS))
    return told, tuple(indexes)


def remove_donotcall(folder: Path, name: str) -> bool:
    """Removes a list; False where there is none of this name. Raises StoreError."""
    if LIST_NAME.fullmatch(name) is None:
        return False
    try:
        os.unlink(folder / f"{name}{_SUFFIX}")
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}") from error
    return True
