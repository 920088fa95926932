"""Nonces that carry their time under a signature, and the last count of each that lives (RFC 7616 §3.3, §3.4.5, §5.12).

Owns when a nonce is too old and when its count was used. Must never keep a nonce that nobody has used: its own
signature says that it is ours. How it works: a nonce is its time of issue, a running number and a keyed hash of both.
The table holds the last count of those in use, bounded; where one has to make room, every nonce as old as it counts as
stale from then on, so that forgetting never makes a replay possible.
"""

import hmac
from hashlib import blake2b
from typing import Final, Literal

_SIGNATURE_OCTETS: Final = 12
_HEAD: Final = 24
COUNT_MOST: Final = 0xFFFFFFFF


class Nonces:
    """`key` is secret, 16 to 64 octets, made anew with the process; `lifetime_s` seconds; `most` nonces in use at
    once.
    """

    __slots__ = ("_counts", "_forgotten", "_issued", "_key", "_lifetime_ms", "_most")

    def __init__(self, key: bytes, lifetime_s: float, most: int) -> None:
        if not 16 <= len(key) <= 64:
            raise ValueError("a key of 16 to 64 octets")
        self._key: Final = key
        self._lifetime_ms: Final = int(lifetime_s * 1000)
        self._most: Final = most
        self._issued = 0
        #: Nonce → (milliseconds at which it was issued, its last count), in the order of first use.
        self._counts: dict[bytes, tuple[int, int]] = {}
        #: Nonces as old as this that are not in the table may have been in it.
        self._forgotten = -1

    def __len__(self) -> int:
        return len(self._counts)

    def _signature(self, head: bytes) -> bytes:
        return blake2b(head, digest_size=_SIGNATURE_OCTETS, key=self._key).hexdigest().encode()

    def issue(self, now: float) -> bytes:
        """A nonce that nobody was given yet; `now` is monotonic."""
        self._issued = (self._issued + 1) & 0xFFFFFFFF
        head = b"%016x%08x" % (int(now * 1000), self._issued)
        return head + self._signature(head)

    def spend(self, nonce: bytes, count: int, now: float) -> Literal["good", "stale", "foreign"]:
        """Use a nonce with this count, 1 or more: "good" once for each rising count; "stale" where it is too old or the
        count was used; "foreign" where we never issued it. INVARIANT: only after the response was found right, so that
        nobody else can use it up.
        """
        head = nonce[:_HEAD]
        if len(nonce) != _HEAD + 2 * _SIGNATURE_OCTETS or not hmac.compare_digest(nonce[_HEAD:], self._signature(head)):
            return "foreign"
        issued_ms = int(head[:16], 16)
        now_ms = int(now * 1000)
        if not 0 <= now_ms - issued_ms <= self._lifetime_ms:
            return "stale"
        known = self._counts.get(nonce)
        if known is not None:
            if count <= known[1]:
                return "stale"
            self._counts[nonce] = (issued_ms, count)
            return "good"
        if issued_ms <= self._forgotten:
            return "stale"
        self._make_room(now_ms)
        self._counts[nonce] = (issued_ms, count)
        return "good"

    def known(self, nonce: bytes) -> bool:
        """Whether it bears our signature, however old it is."""
        return len(nonce) == _HEAD + 2 * _SIGNATURE_OCTETS and hmac.compare_digest(
            nonce[_HEAD:], self._signature(nonce[:_HEAD])
        )

    def _make_room(self, now_ms: int) -> None:
        counts = self._counts
        while counts:
            nonce, (issued_ms, _) = next(iter(counts.items()))
            aged = now_ms - issued_ms > self._lifetime_ms
            if not aged and len(counts) < self._most:
                break
            if not aged:
                self._forgotten = max(self._forgotten, issued_ms)
            del counts[nonce]
