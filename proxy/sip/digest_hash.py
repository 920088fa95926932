"""The hashes of digest access authentication, and the list of name=value pairs that challenges and credentials are (RFC
7616 §3.4, RFC 8760).

Owns the formulas. Must never keep a password: who verifies holds H(A1), which is as good as the password within its
realm and useless outside it.
"""

import hashlib
from typing import Final

from proxy.sip.error import SipError
from proxy.sip.grammar import LWS, is_token, split_outside

#: Name on the wire → name of the hash, the best first.
ALGORITHMS: Final[dict[str, str]] = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}
#: A challenge with this many pairs or more is none of ours, and none we answer.
_MOST_PAIRS: Final = 32

Pairs = dict[bytes, bytes]
"""Name in lower case → value without quotes, escapes as they came."""


def hexadecimal(algorithm: str, octets: bytes) -> bytes:
    """H(octets) as hexadecimal digits; `algorithm` is a key of ALGORITHMS."""
    return hashlib.new(ALGORITHMS[algorithm], octets, usedforsecurity=False).hexdigest().encode()


def hash_of_secret(algorithm: str, username: bytes, realm: bytes, password: bytes) -> bytes:
    """H(A1): what an account is stored as, for each algorithm and realm (§3.4.2)."""
    return hexadecimal(algorithm, username + b":" + realm + b":" + password)


def response_of(
    algorithm: str,
    secret: bytes,
    method: str,
    uri: bytes,
    nonce: bytes,
    count: bytes,
    cnonce: bytes,
    qop: bytes,
    body: bytes,
) -> bytes:
    """The request-digest (§3.4.1); `secret` is H(A1), `qop` is auth, auth-int, or empty for peers of RFC 2069."""
    asked = method.encode("ascii") + b":" + uri
    if qop == b"auth-int":
        asked += b":" + hexadecimal(algorithm, body)
    middle = nonce + b":" + count + b":" + cnonce + b":" + qop if qop else nonce
    return hexadecimal(algorithm, secret + b":" + middle + b":" + hexadecimal(algorithm, asked))


def digest_pairs(value: bytes) -> Pairs | None:
    """The pairs behind `Digest`; None where the scheme is another one. Raises SipError(400) where a pair is malformed
    or there twice.
    """
    scheme, _, rest = value.partition(b" ")
    if scheme.lower() != b"digest":
        return None
    pairs: Pairs = {}
    for part in split_outside(rest, b","):
        name, equals, written = part.partition(b"=")
        name = name.strip(LWS).lower()
        written = written.strip(LWS)
        if not equals or not is_token(name) or name in pairs or len(pairs) >= _MOST_PAIRS:
            raise SipError(400, "digest.pairs")
        if written[:1] == b'"':
            if len(written) < 2 or written[-1:] != b'"':
                raise SipError(400, "digest.quotes")
            # WHY escapes stay: unq(X) of §3.4.2 is the value without its quotes, so both sides hash the same octets.
            written = written[1:-1]
        elif not is_token(written):
            raise SipError(400, "digest.value")
        pairs[name] = written
    return pairs
