"""The files of the trail: appends to the newest, makes it durable from a thread, deletes the oldest.

Owns descriptors, the lock of the directory and the thread. Must never decide what is written or what may go. What
`append` has written survives the death of the process at once, since it is in the kernel's hands; it survives a
power cut once the thread has synced it.
"""

import fcntl
import os
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Final

from proxy.trail.layout import SEGMENT_MAGIC, SEGMENT_SUFFIX


class TrailLockedError(Exception):
    """Another process writes this trail."""


class Segments:
    """The segments of a directory, the newest open for appending."""

    def __init__(self, directory: Path, sync_ms: int) -> None:
        """Creates the directory (0700) when missing; raises TrailLockedError, OSError."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.error: OSError | None = None
        """Why the last sync or deletion failed; None while all is well."""
        self.numbers: Final[list[int]] = []
        """Of the segments that stand, oldest first."""
        self.used: int = 0
        """Octets of the newest."""
        self._path: Final = directory
        self._directory: Final = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self._directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._directory)
            raise TrailLockedError(f"{directory}: another process writes this trail") from error
        stems = [path.name.removesuffix(SEGMENT_SUFFIX) for path in directory.glob("*" + SEGMENT_SUFFIX)]
        self.numbers.extend(sorted(int(stem) for stem in stems if stem.isascii() and stem.isdigit()))
        self._descriptor: int = -1
        self._entry_is_new = False
        self._sync_s: Final = sync_ms / 1000
        self._left: Final[SimpleQueue[int]] = SimpleQueue()
        self._doomed: Final[SimpleQueue[Path]] = SimpleQueue()
        self._dirty: Final = Event()
        self._stop: Final = Event()
        self._thread: Final = Thread(target=self._sync_until_stopped, name="trail-sync", daemon=True)
        self._thread.start()

    def _name(self, number: int) -> Path:
        return self._path / f"{number:010d}{SEGMENT_SUFFIX}"

    def read(self, number: int) -> bytes:
        """All octets of a segment."""
        return self._name(number).read_bytes()

    def begin(self) -> None:
        """Begins a new segment behind the others."""
        number = self.numbers[-1] + 1 if self.numbers else 1
        descriptor = os.open(self._name(number), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        if self._descriptor >= 0:
            self._left.put(self._descriptor)
        self._descriptor = descriptor
        self._entry_is_new = True
        self.numbers.append(number)
        self.used = 0
        self.append(SEGMENT_MAGIC)

    def append(self, octets: bytes) -> None:
        """Writes behind what stands; raises OSError, and then the next call writes at the same place."""
        written = os.pwrite(self._descriptor, octets, self.used)
        while written < len(octets):
            written += os.pwrite(self._descriptor, octets[written:], self.used + written)
        self.used += len(octets)
        if not self._dirty.is_set():
            self._dirty.set()

    def drop_oldest(self) -> None:
        """Deletes the oldest segment, once all that was written before this call is durable."""
        self._doomed.put(self._name(self.numbers.pop(0)))
        self._dirty.set()

    def close(self) -> None:
        """Syncs what is written and gives up the thread, the descriptors and the lock; once is enough."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._dirty.set()
        self._thread.join()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        os.close(self._directory)

    def _sync_until_stopped(self) -> None:
        while True:
            self._dirty.wait()
            self._stop.wait(self._sync_s)
            self._dirty.clear()
            # INVARIANT: looked at after the clearing: `close` sets the two the other way round, so one of them is seen.
            stopping = self._stop.is_set()
            try:
                self._sync()
                self.error = None
            except OSError as error:
                self.error = error
                self._dirty.set()
            if stopping:
                return

    def _sync(self) -> None:
        # INVARIANT: what is taken here was handed over before the sync below, so a doomed file's heirs are durable.
        doomed = self._doomed.qsize()
        while not self._left.empty():
            descriptor = self._left.get()
            try:
                os.fdatasync(descriptor)
            finally:
                os.close(descriptor)
        if self._descriptor >= 0:
            os.fdatasync(self._descriptor)
        if self._entry_is_new or doomed:
            self._entry_is_new = False
            os.fsync(self._directory)
        for _ in range(doomed):
            self._doomed.get().unlink(missing_ok=True)
