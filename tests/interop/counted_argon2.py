"""Counts the argon2 checks of a tdgate process from outside: a `sitecustomize` in its interpreter tells a file.

Must never change what a check answers. Each check writes "+" when it begins and "-" when it ends.
"""

from __future__ import annotations

import os
from itertools import accumulate
from pathlib import Path

import pytest

_TELLTALE = """
import os
import argon2

_told = os.open(os.environ["COUNTED_ARGON2"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
_verify = argon2.PasswordHasher.verify

def verify(self, *given):
    os.write(_told, b"+")
    try:
        return _verify(self, *given)
    finally:
        os.write(_told, b"-")

argon2.PasswordHasher.verify = verify
"""


class CountedArgon2:
    """`begun` checks so far, and how many ran at once at most."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._file = folder / "argon2.checks"
        self._file.touch()
        place = folder / "telltale"
        place.mkdir()
        (place / "sitecustomize.py").write_text(_TELLTALE)
        monkeypatch.setenv("COUNTED_ARGON2", str(self._file))
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(place), os.environ.get("PYTHONPATH", "")]).rstrip(":"))

    @property
    def begun(self) -> int:
        return self._file.read_bytes().count(b"+")

    @property
    def at_once(self) -> int:
        return max(accumulate(1 if octet == ord("+") else -1 for octet in self._file.read_bytes()), default=0)
