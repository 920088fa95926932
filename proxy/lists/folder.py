"""A published list as files: what any web server can serve, and what a publisher begins with after a restart (J16).

Owns the names of documents and that each is whole when it has its name: written beside, synced, then renamed. Must
never change a document that was published. Acknowledgements of recipients stand beside, one file each.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from proxy.lists.document import Kind
from proxy.lists.following import Acknowledge

_DOCUMENT: Final = re.compile(r"(\d{8})\.(delta|snapshot)")
RECIPIENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
HEAD: Final = "head"


class Acknowledged(Struct, frozen=True):
    """What a recipient last said: the number that it holds and its hash; `at` is when it said so, UTC seconds."""

    recipient: str
    number: int
    digest: str
    at: int


def name_of(kind: Kind, number: int) -> str:
    """The file name of a document."""
    return HEAD if kind == "head" else f"{number:08d}.{kind}"


class ListFolder:
    """The folder of one list. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        self._acknowledged: Final = path / "acknowledged"
        self._acknowledged.mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, name: str, octets: bytes) -> None:
        """A document under its name, on disk when this returns."""
        _replace(self.path / name, octets)

    def read(self, name: str) -> bytes | None:
        """A document; None where there is none of this name, or it is not the name of one."""
        if name != HEAD and _DOCUMENT.fullmatch(name) is None:
            return None
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def numbers(self, kind: Kind) -> list[int]:
        """The numbers of all documents of a kind, ascending."""
        found = (_DOCUMENT.fullmatch(entry.name) for entry in self.path.iterdir())
        return sorted(int(match[1]) for match in found if match is not None and match[2] == kind)

    def since(self, first: int) -> Iterator[tuple[str, bytes]]:
        """Every document that leads from `first - 1` on; from the newest whole list where 0 is asked for, or where
        one of them is not kept any more.
        """
        snapshots, deltas = self.numbers("snapshot"), self.numbers("delta")
        newest = max([*snapshots[-1:], *deltas[-1:]], default=0)
        wanted = range(first, newest + 1)
        if first <= 0 or not set(wanted) <= set(deltas):
            if not snapshots:
                return
            yield from self._named("snapshot", snapshots[-1])
            wanted = range(snapshots[-1] + 1, newest + 1)
        for number in wanted:
            yield from self._named("delta", number)

    def _named(self, kind: Kind, number: int) -> Iterator[tuple[str, bytes]]:
        name = name_of(kind, number)
        octets = self.read(name)
        if octets is not None:
            yield name, octets

    def forget(self, keep: int) -> None:
        """Remove deltas beyond the newest `keep`, and whole lists but the newest; never a delta that the newest whole
        list needs.
        """
        snapshots, deltas = self.numbers("snapshot"), self.numbers("delta")
        newest = max(snapshots, default=0)
        old = [name_of("delta", each) for each in deltas[: max(len(deltas) - keep, 0)] if each <= newest]
        for name in [*old, *(name_of("snapshot", each) for each in snapshots[:-1])]:
            with contextlib.suppress(FileNotFoundError):
                (self.path / name).unlink()

    def acknowledge(self, recipient: str, said: Acknowledge, at: int) -> None:
        """Keep what a recipient holds. What goes backwards is kept too: it may have lost its store."""
        if RECIPIENT.fullmatch(recipient) is None:
            raise ValueError("not the name of a recipient")
        _replace(
            self._acknowledged / f"{recipient}.json",
            msgspec.json.encode(Acknowledged(recipient, said.number, said.digest, at)),
        )

    def acknowledged(self) -> list[Acknowledged]:
        """What each recipient last said."""
        found = []
        for path in sorted(self._acknowledged.glob("*.json")):
            with contextlib.suppress(msgspec.DecodeError, FileNotFoundError):
                found.append(msgspec.json.decode(path.read_bytes(), type=Acknowledged))
        return found


def _replace(path: Path, octets: bytes) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
