"""Parts of replies that were read alone, kept over a restart: the rest may come after it, and the whole refuse (Z16).

Owns two files of sealed records, of which the older one is dropped when the newer one is full or old. Must never keep a
word of a person readable. A record is in the file when `keep` returns, so a kill loses none; a power cut may, like
everything that nobody waits for. What cannot be written is lost with a restart, which is told.
"""

import contextlib
import errno
import os
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from proxy.registry.keys import PersonKeyError, PersonSecret

_NAMES: Final = ("halves.0", "halves.1")
_MOST_OCTETS: Final = 2 << 20
#: Length of what is sealed, and when it was kept, UTC seconds.
_HEAD: Final = struct.Struct("<Id")
_BOUND_TO: Final = b"half of a reply"


class HalfReplies:
    """What is kept for each name. `failed` is told when writing fails, once until it works again."""

    def __init__(
        self,
        folder: Path,
        secret: PersonSecret,
        age_s: float,
        failed: Callable[[OSError], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Reads what stands there; raises OSError where the folder cannot be made or read."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._paths = [folder / name for name in _NAMES]
        self._secret = secret
        self._age_s = age_s
        self._failed = failed
        self._clock = clock
        self._told = False
        self._found: dict[str, list[tuple[float, bytes]]] = {}
        standing = [list(self._read(path)) for path in self._paths]
        # WHY sorted: of two records of one part the later counts.
        for at, name, octets in sorted((each for found in standing for each in found), key=lambda one: one[0]):
            self._found.setdefault(name, []).append((at, octets))
        for path, found in zip(self._paths, standing, strict=True):
            if not found:
                path.unlink(missing_ok=True)
        self._current = max(range(len(_NAMES)), key=lambda each: standing[each][-1][0] if standing[each] else 0.0)
        self._begun = self._clock()

    def found(self, name: str) -> list[tuple[float, bytes]]:
        """(age in seconds, octets) of what an earlier run kept, the oldest first; told once."""
        now = self._clock()
        return [(max(now - at, 0.0), octets) for at, octets in self._found.pop(name, [])]

    def keep(self, name: str, octets: bytes) -> None:
        """Keeps octets under a name."""
        now = self._clock()
        sealed = self._secret.seal(f"{name} {octets.hex()}", _BOUND_TO)
        try:
            path = self._paths[self._current]
            if now - self._begun > self._age_s or (path.exists() and path.stat().st_size > _MOST_OCTETS):
                self._current = 1 - self._current
                path = self._paths[self._current]
                path.unlink(missing_ok=True)
                self._begun = now
            _append(path, _HEAD.pack(len(sealed), now) + sealed)
        except OSError as error:
            if not self._told:
                self._failed(error)
            self._told = True
        else:
            self._told = False

    def _read(self, path: Path) -> Iterator[tuple[float, str, bytes]]:
        octets = path.read_bytes() if path.exists() else b""
        place = 0
        while place + _HEAD.size <= len(octets):
            length, at = _HEAD.unpack_from(octets, place)
            place += _HEAD.size
            sealed, place = octets[place : place + length], place + length
            if self._clock() - at > self._age_s:
                continue
            try:
                name, _, kept = self._secret.unseal(sealed, _BOUND_TO).rpartition(" ")
            except PersonKeyError:
                # Torn by a power cut, or of a key that is no more.
                continue
            yield at, name, bytes.fromhex(kept)


def _append(path: Path, record: bytes) -> None:
    """Appends all of it or nothing; raises OSError."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(file).st_size
        try:
            if os.write(file, record) != len(record):
                # WHY: a disk that is nearly full takes a part and says so only by the count.
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(file, size)
            raise
    finally:
        os.close(file)
