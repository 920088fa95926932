"""Counts and holds the argon2 checks of a tdgate process from outside: by a `sitecustomize` in its interpreter.

Must never change what a check answers. Each check writes "+" to a file when it begins, then waits in its own thread
until the test lets it go on, and writes "-" when it has ended.
"""

from __future__ import annotations

import asyncio
import os
from itertools import accumulate
from pathlib import Path

import pytest

_TELLTALE = """
import os
import argon2

_told = os.open(os.environ["COUNTED_ARGON2"], os.O_WRONLY | os.O_APPEND)
_leave = os.open(os.environ["HELD_ARGON2"], os.O_RDONLY)
_verify = argon2.PasswordHasher.verify

def verify(self, *given):
    os.write(_told, b"+")
    os.read(_leave, 1)
    try:
        return _verify(self, *given)
    finally:
        os.write(_told, b"-")

argon2.PasswordHasher.verify = verify
"""


class HeldArgon2:
    """`begun` checks so far, and how many ran at once at most. None goes on without leave: see `let`."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._file = folder / "argon2.checks"
        self._file.touch()
        leave = folder / "argon2.leave"
        os.mkfifo(leave)
        # WHY both ways: so it opens at once, and the far side, which only reads, opens at once too.
        self._leave = os.open(leave, os.O_RDWR)
        place = folder / "telltale"
        place.mkdir()
        (place / "sitecustomize.py").write_text(_TELLTALE)
        monkeypatch.setenv("COUNTED_ARGON2", str(self._file))
        monkeypatch.setenv("HELD_ARGON2", str(leave))
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(place), os.environ.get("PYTHONPATH", "")]).rstrip(":"))

    @property
    def begun(self) -> int:
        return self._file.read_bytes().count(b"+")

    @property
    def at_once(self) -> int:
        return max(accumulate(1 if octet == ord("+") else -1 for octet in self._file.read_bytes()), default=0)

    def let(self, count: int) -> None:
        """Lets `count` checks go on, those that are held or begin later."""
        assert os.write(self._leave, b"." * count) == count

    async def until_begun(self, count: int) -> None:
        """Returns when the check of this number has begun."""
        while True:
            if self.begun >= count:
                return
            # WHY a pause: a file that grows is no event one could wait for.
            await asyncio.sleep(0.01)

    def close(self) -> None:
        """Lets all go on that are held or ever begin: their end of the pipe is closed."""
        os.close(self._leave)
