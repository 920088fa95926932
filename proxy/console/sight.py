"""What the console sees of the wire: the status file, parsed once for each time it was written.

Owns the judgement whether there is a status, and whether it is fresh. Reads one file; must never raise at whoever asks:
an absent, stale or broken status is something to show.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from proxy.telemetry.status import FRESH_S, Status, StatusUnreadableError, decode_status

Trouble = Literal["", "absent", "corrupt", "stale"]

#: A status of the future beyond this is not taken for fresh: some clock is wrong.
_AHEAD_S: Final = 60.0


class Sight(Struct, frozen=True):
    """The wire as it is seen now.

    `stamp` is the same as long as the same file is seen with the same trouble. With `absent` and `corrupt` there is no
    `status`; with `stale` it is the last one. `age_s` is how old it is, 0 without one.
    """

    stamp: str
    trouble: Trouble
    status: Status | None
    age_s: float = 0.0
    reason: str = ""

    @property
    def unready(self) -> str:
        """Why the wire takes no traffic, empty when it does."""
        if self.trouble or self.status is None:
            return f"status {self.trouble}" + (f": {self.reason}" if self.reason else "")
        if self.status.draining:
            return "draining"
        return "" if self.status.ready else self.status.ready_reason or "not ready"


class Window:
    """Looks at one status file. `clock` gives UTC seconds."""

    __slots__ = ("_clock", "_path", "_reason", "_stamp", "_status")

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._stamp = ""
        self._status: Status | None = None
        self._reason = ""

    def look(self) -> Sight:
        """The wire as it is now: one stat, and a read only where the file has changed."""
        try:
            found = self._path.stat()
            stamp = f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"
            if stamp != self._stamp:
                self._read(stamp)
        except OSError as error:
            self._stamp, self._status = "", None
            if isinstance(error, FileNotFoundError):
                return Sight("absent", "absent", None)
            return Sight("unreadable", "corrupt", None, reason=error.strerror or type(error).__name__)
        status = self._status
        if status is None:
            return Sight(f"{stamp}-corrupt", "corrupt", None, reason=self._reason)
        age = self._clock() - status.at_us / 1e6
        if not -_AHEAD_S <= age <= FRESH_S:
            return Sight(f"{stamp}-stale", "stale", status, age)
        return Sight(stamp, "", status, age)

    def _read(self, stamp: str) -> None:
        """WHY the stamp is from before the read: a file that is replaced meanwhile is read again the next time."""
        octets = self._path.read_bytes()
        try:
            self._status, self._reason = decode_status(octets), ""
        except StatusUnreadableError as error:
            self._status, self._reason = None, str(error)
        self._stamp = stamp
