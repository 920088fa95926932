"""A directory with one writer: the only place that writes, syncs, moves, cuts or removes a file of log or spool.

Owns descriptors and durability. Must never decide what is written. `Disk` is a protocol, so that a test can give one
that fails. Everything here blocks and raises OSError; it runs in a writer's thread, or at start. `read` alone may be
called beside a write.
"""

import contextlib
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

#: Octets joined for one system call. WHY: joining holds the GIL; 256 KiB take some 20 µs.
_WRITE_OCTETS: Final = 1 << 18


class DirectoryLockedError(Exception):
    """Another process writes in this directory."""


class Disk(Protocol):
    """What the writer asks of a directory."""

    def write(self, name: str, offset: int, pieces: Sequence[bytes]) -> None:
        """Writes the pieces one after the other from `offset` of a file (created when missing) and makes them durable.

        May be repeated after a failure: the same octets at the same place.
        """

    def set_aside(self, name: str, offset: int, to: str) -> None:
        """Moves what stands from `offset` on into a new file `to`, durably, and cuts it off; all of it at offset 0."""

    def close(self) -> None:
        """Gives up descriptors and the lock."""


class Directory:
    """A directory on a local file system, locked against a second writer."""

    def __init__(self, path: Path) -> None:
        """Creates the directory (0700) when missing; raises DirectoryLockedError, OSError."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        self._directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        self._open_name = ""
        self._open: int | None = None
        self._unsynced_entry = False
        try:
            fcntl.flock(self._directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._directory)
            raise DirectoryLockedError(f"{path}: another process writes here") from error

    def write(self, name: str, offset: int, pieces: Sequence[bytes]) -> None:
        descriptor = self._descriptor(name)
        waiting: list[bytes] = []
        size = 0
        for piece in pieces:
            waiting.append(piece)
            size += len(piece)
            if size >= _WRITE_OCTETS:
                offset = _write_all(descriptor, b"".join(waiting), offset)
                waiting, size = [], 0
        _write_all(descriptor, b"".join(waiting), offset)
        os.fdatasync(descriptor)
        if self._unsynced_entry:
            os.fsync(self._directory)
            self._unsynced_entry = False

    def _descriptor(self, name: str) -> int:
        if self._open is not None and self._open_name == name:
            return self._open
        if self._open is not None:
            os.close(self._open)
            self._open = None
        self._open = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600, dir_fd=self._directory)
        self._open_name = name
        self._unsynced_entry = True
        return self._open

    def set_aside(self, name: str, offset: int, to: str) -> None:
        source = self._path / name
        with source.open("rb") as file, (self._path / to).open("xb") as aside:
            file.seek(offset)
            while octets := file.read(_WRITE_OCTETS):
                aside.write(octets)
            aside.flush()
            os.fsync(aside.fileno())
        os.fsync(self._directory)
        if offset:
            with source.open("r+b") as file:
                file.truncate(offset)
                os.fsync(file.fileno())
        else:
            source.unlink()
        os.fsync(self._directory)

    def cut(self, name: str, offset: int) -> None:
        """Cuts off what stands from `offset` on, durably; nothing where the file is missing or ends before."""
        try:
            descriptor = os.open(name, os.O_RDWR | os.O_CLOEXEC, dir_fd=self._directory)
        except FileNotFoundError:
            return
        try:
            if os.fstat(descriptor).st_size > offset:
                os.ftruncate(descriptor, offset)
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, names: Sequence[str]) -> None:
        """Removes files one after the other, durably; a file that is missing is none too many."""
        for name in names:
            if self._open is not None and self._open_name == name:
                os.close(self._open)
                self._open = None
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self._directory)
        os.fsync(self._directory)

    def read(self, name: str, offset: int, size: int) -> bytes:
        """So many octets of a file, fewer at its end."""
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._directory)
        try:
            return os.pread(descriptor, size, offset)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        if self._open is not None:
            os.close(self._open)
            self._open = None
        os.close(self._directory)


def _write_all(descriptor: int, octets: bytes, offset: int) -> int:
    """Writes all of it; gives the offset after it."""
    view = memoryview(octets)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view = view[written:]
        offset += written
    return offset
