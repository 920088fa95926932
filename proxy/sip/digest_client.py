"""The answer to a challenge: credentials of our own towards a carrier (RFC 3261 §22.2, RFC 8760 §2.4).

Owns the count of the nonce that was last given for a realm. Must never answer with an algorithm below `algorithms`, nor
try a refused password twice: where `answer` gives None, the request has failed.
"""

from typing import Final

from proxy.sip.digest_hash import ALGORITHMS, Pairs, digest_pairs, hash_of_secret, response_of
from proxy.sip.error import SipError
from proxy.sip.grammar import quoted


class DigestClient:
    """Credentials for one carrier. `algorithms`: those that are answered; the carrier's order decides among them."""

    __slots__ = ("_algorithm", "_count", "_nonce", "_opaque", "_password", "_qop", "_realm", "algorithms", "username")

    def __init__(self, username: bytes, password: bytes, algorithms: tuple[str, ...] = tuple(ALGORITHMS)) -> None:
        self.username: Final = username
        self._password: Final = password
        self.algorithms: Final = algorithms
        self._realm = b""
        self._nonce = b""
        self._opaque: bytes | None = None
        self._qop = b""
        self._algorithm = ""
        self._count = 0

    def challenged(self, challenges: list[bytes], *, answered: bool) -> bool:
        """Take the challenges of a 401 or 407, topmost first; True where the request is to be sent again with
        `credentials`.

        `answered`: the refused request bore credentials already; then only a stale nonce is worth another try.
        """
        for value in challenges:
            try:
                pairs = digest_pairs(value)
            except SipError:
                continue  # RFC 8760 §2.4: what is not understood is passed over.
            if pairs is None or not self._take(pairs):
                continue
            return not answered or pairs.get(b"stale", b"").lower() == b"true"
        return False

    def _take(self, pairs: Pairs) -> bool:
        algorithm = pairs.get(b"algorithm", b"MD5").decode("ascii", "replace").upper()
        nonce = pairs.get(b"nonce", b"")
        offered = [each.strip().lower() for each in pairs.get(b"qop", b"").split(b",") if each.strip()]
        if algorithm not in self.algorithms or algorithm not in ALGORITHMS or not nonce:
            return False
        if offered and b"auth" not in offered and b"auth-int" not in offered:
            return False
        self._algorithm = algorithm
        self._realm = pairs.get(b"realm", b"")
        self._nonce = nonce
        self._opaque = pairs.get(b"opaque")
        self._qop = b"" if not offered else b"auth" if b"auth" in offered else b"auth-int"
        self._count = 0
        return True

    @property
    def ready(self) -> bool:
        """Whether there is a challenge to answer."""
        return bool(self._nonce)

    def credentials(self, method: str, uri: bytes, body: bytes, cnonce: bytes) -> bytes:
        """The value of Authorization or Proxy-Authorization for one request; `cnonce` is fresh and random."""
        self._count += 1
        count = b"%08x" % self._count
        secret = hash_of_secret(self._algorithm, self.username, self._realm, self._password)
        response = response_of(self._algorithm, secret, method, uri, self._nonce, count, cnonce, self._qop, body)
        value = b"Digest username=" + quoted(self.username) + b', realm="' + self._realm + b'", nonce="' + self._nonce
        value += b'", uri="' + uri + b'", response="' + response + b'", algorithm=' + self._algorithm.encode()
        if self._qop:
            value += b', cnonce="' + cnonce + b'", qop=' + self._qop + b", nc=" + count
        if self._opaque is not None:
            value += b', opaque="' + self._opaque + b'"'
        return value
