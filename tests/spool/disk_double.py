"""A disk that fails when a test says so, and the files of a directory."""

import asyncio
import errno
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from proxy.disk import Directory


class FaultyDisk:
    """The real directory, behind a gate, with failures on demand; remembers what was written where."""

    def __init__(self, path: Path) -> None:
        self.inner = Directory(path)
        self.full = False
        self.uncuttable = False
        self.partly = 0
        self.gate = threading.Event()
        self.gate.set()
        self.lock = threading.Lock()
        """Held during each write: whoever has it sees whole ones."""
        self.writes: list[str] = []
        self.removed: list[str] = []
        self.failures = 0
        self.reads = 0
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits until something that the disk did makes it true."""
        while not holds():
            self._changed.clear()
            await self._changed.wait()

    def _tell(self) -> None:
        self._loop.call_soon_threadsafe(self._changed.set)

    def done_writes(self) -> int:
        """How often ids were written down as done."""
        return sum(name.endswith(".done") for name in self.writes)

    def write(self, name: str, offset: int, pieces: Sequence[bytes]) -> None:
        assert self.gate.wait(10)
        if self.full:
            if self.partly:
                self.inner.write(name, offset, [b"".join(pieces)[: self.partly]])
            self.failures += 1
            self._tell()
            raise OSError(errno.ENOSPC, "No space left on device")
        with self.lock:
            self.inner.write(name, offset, pieces)
        self.writes.append(name)
        self._tell()

    def set_aside(self, name: str, offset: int, to: str) -> None:
        raise AssertionError("a spool leaves nothing aside")

    def cut(self, name: str, offset: int) -> None:
        if self.uncuttable:
            raise OSError(errno.EIO, "Input/output error")
        self.inner.cut(name, offset)

    def remove(self, names: Sequence[str]) -> None:
        self.inner.remove(names)
        self.removed += names
        self._tell()

    def read(self, name: str, offset: int, size: int) -> bytes:
        self.reads += 1
        return self.inner.read(name, offset, size)

    def close(self) -> None:
        self.inner.close()


def files_of(directory: Path) -> dict[str, bytes]:
    """Names and contents."""
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}
