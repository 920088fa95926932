"""A simulated end that asks callers for credentials: challenges, and whether the answer is right (RFC 3261 §22).

Owns its nonces, each good for the requests that name it. It is written for itself, so that a client is not tested
against the product's own verification.
"""

from typing import Final

from proxy.sip.digest_hash import digest_pairs, hash_of_secret, response_of
from proxy.sip.error import SipError
from proxy.sip.message import SipRequest
from proxy.sip.reply import Headers
from simulators.calls.settings import UasSettings

REALM: Final = b"simulated"
_NONCES_KEPT: Final = 100_000


class Challenger:
    """Asks for one user's password."""

    def __init__(self, settings: UasSettings) -> None:
        self._username = settings.username.encode()
        self._password = settings.password.encode()
        self._algorithms = settings.algorithms
        self._issued: dict[bytes, None] = {}

    def challenges(self, nonce: bytes) -> Headers:
        """The lines of a 401, the algorithms in the order of the settings."""
        if len(self._issued) >= _NONCES_KEPT:
            self._issued.clear()
        self._issued[nonce] = None
        start = b'Digest realm="' + REALM + b'", nonce="' + nonce + b'", qop="auth", algorithm='
        return [("www-authenticate", start + each.encode()) for each in self._algorithms]

    def proved(self, request: SipRequest) -> bool:
        """Whether a request bears the right answer to a challenge of ours."""
        for value in request.each("authorization"):
            try:
                pairs = digest_pairs(value)
            except SipError:
                continue
            if pairs is None or pairs.get(b"nonce") not in self._issued or pairs.get(b"username") != self._username:
                continue
            algorithm = pairs.get(b"algorithm", b"MD5").decode("latin-1").upper()
            if algorithm not in self._algorithms:
                continue
            secret = hash_of_secret(algorithm, self._username, REALM, self._password)
            fields = (pairs.get(name, b"") for name in (b"uri", b"nonce", b"nc", b"cnonce", b"qop"))
            uri, nonce, count, cnonce, qop = fields
            wanted = response_of(algorithm, secret, request.method, uri, nonce, count, cnonce, qop, request.body)
            if wanted == pairs.get(b"response"):
                return True
        return False
