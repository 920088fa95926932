"""One owner: an advisory lock on a file in the state folder, held for as long as the owner lives.

The kernel drops it with the process, so a crash leaves nothing behind. Linux and macOS (`flock`).
"""

import fcntl
import os
from pathlib import Path

from proxy.registry.ports import StoreError


class OwnedError(StoreError):
    """Another process owns the store."""


class OwnerLock:
    """Holds the lock from construction until `release`; raises OwnedError where somebody else has it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise OwnedError(
                f"{path}: the store is owned by another process{f' ({holder})' if holder else ''}"
            ) from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"pid {os.getpid()}\n".encode())
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Gives the lock back; a second call does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
