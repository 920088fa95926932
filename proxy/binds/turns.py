"""Turns: who waits for what, by key; first come, first served, and a line lives while somebody stands in it.

Owns nothing but the lines. Must never outlive a waiter: whoever is cancelled in a line leaves it.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Turns(Generic[Key]):
    """For each key at most `at_once` have their turn, all others of that key wait for them."""

    def __init__(self, at_once: int = 1) -> None:
        self._at_once = at_once
        # key → its line, and how many have their turn or wait for it.
        self._lines: dict[Key, tuple[asyncio.Semaphore, int]] = {}

    def __len__(self) -> int:
        """How many keys have a line."""
        return len(self._lines)

    def standing(self, key: Key) -> int:
        """How many have their turn under a key, or wait for it."""
        line = self._lines.get(key)
        return line[1] if line is not None else 0

    @contextlib.asynccontextmanager
    async def turn(self, key: Key) -> AsyncGenerator[None, None]:
        """Waits for a turn, and has it within the block."""
        line, others = self._lines.get(key) or (asyncio.Semaphore(self._at_once), 0)
        self._lines[key] = line, others + 1
        try:
            async with line:
                yield
        finally:
            # INVARIANT: while anybody stands in a line, whoever comes next gets in the same one.
            _, standing = self._lines.pop(key)
            if standing > 1:
                self._lines[key] = line, standing - 1
