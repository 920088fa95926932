"""Branches, tags and Call-IDs of our own: unlike any other, and not to be guessed (RFC 3261 §8.1.1.7, §19.3).

Must never tell anything of the call or the machine. How it works: a keyed hash of a running number; the key is random
and new with each process.
"""

from hashlib import blake2b
from typing import Final

_OCTETS: Final = 12


class Ids:
    """`key` is secret, 16 to 64 octets."""

    __slots__ = ("_count", "_key")

    def __init__(self, key: bytes) -> None:
        if not 16 <= len(key) <= 64:
            raise ValueError("a key of 16 to 64 octets")
        self._key: Final = key
        self._count = 0

    def next(self) -> bytes:
        """24 hexadecimal digits that were never given before: a tag, a Call-ID, a cnonce."""
        self._count += 1
        return blake2b(b"%d" % self._count, digest_size=_OCTETS, key=self._key).hexdigest().encode()

    def branch(self) -> bytes:
        """A branch with the magic cookie."""
        return b"z9hG4bK" + self.next()
