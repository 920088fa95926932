"""Branches, tags and Call-IDs of our own: unlike any other, and not to be guessed (RFC 3261 §8.1.1.7, §19.3).

Must never tell anything of the call or the machine. How it works: a keyed hash of a running number, cut into five; the
key is random and new with each process.
"""

from hashlib import blake2b
from typing import Final

from proxy.sip.message import SipRequest

#: Of one hash, and the digits of one id.
_IDS: Final = 5
_DIGITS: Final = 24
_OF_A_REQUEST: Final = frozenset(("via", "from", "call-id", "cseq"))


class Ids:
    """`key` is secret, 16 to 64 octets."""

    __slots__ = ("_count", "_key", "_made")

    def __init__(self, key: bytes) -> None:
        if not 16 <= len(key) <= 64:
            raise ValueError("a key of 16 to 64 octets")
        self._key: Final = key
        self._count = 0
        self._made: list[bytes] = []

    def next(self) -> bytes:
        """24 hexadecimal digits that were never given before: a tag, a Call-ID, a cnonce."""
        if not self._made:
            self._count += 1
            size = _IDS * _DIGITS // 2
            digits = blake2b(b"%d" % self._count, digest_size=size, key=self._key).hexdigest().encode()
            self._made = [digits[place : place + _DIGITS] for place in range(0, _IDS * _DIGITS, _DIGITS)]
        return self._made.pop()

    def tag_of(self, request: SipRequest) -> bytes:
        """The To tag of a request that is answered without a transaction: the same for the same request, whenever it
        comes again (RFC 3261 §8.2.7).
        """
        told = [request.lines[place] for place, key in enumerate(request.keys) if key in _OF_A_REQUEST]
        return blake2b(b"\n".join(told), digest_size=_DIGITS // 2, key=self._key).hexdigest().encode()

    def branch(self) -> bytes:
        """A branch with the magic cookie."""
        return b"z9hG4bK" + self.next()
