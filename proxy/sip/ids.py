"""Branches, tags and Call-IDs of our own: unlike any other, and not to be guessed (RFC 3261 §8.1.1.7, §19.3).

Must never tell anything of the call or the machine. How it works: a keyed hash of a running number; the key is random
and new with each process.
"""

from hashlib import blake2b
from typing import Final

from proxy.sip.message import SipRequest

_OCTETS: Final = 12
_OF_A_REQUEST: Final = frozenset(("via", "from", "call-id", "cseq"))


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

    def tag_of(self, request: SipRequest) -> bytes:
        """The To tag of a request that is answered without a transaction: the same for the same request, whenever it
        comes again (RFC 3261 §8.2.7).
        """
        told = [request.lines[place] for place, key in enumerate(request.keys) if key in _OF_A_REQUEST]
        return blake2b(b"\n".join(told), digest_size=_OCTETS, key=self._key).hexdigest().encode()

    def branch(self) -> bytes:
        """A branch with the magic cookie."""
        return b"z9hG4bK" + self.next()
