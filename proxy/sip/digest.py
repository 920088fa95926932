"""Who a request comes from, by digest: challenges and their verification (RFC 3261 §22, RFC 7616, RFC 8760).

Owns the rules of what counts as proved. Must never let a response count twice, and never say which part of the
credentials was wrong: every failure is answered with the same challenges. How it works: `challenges` gives the values
of WWW- or Proxy-Authenticate, the best algorithm first, one nonce for all of them; `verify` reads the credentials for
our realm, computes the response from the stored H(A1), and only then spends the nonce's count.
"""

import hmac
from collections.abc import Callable
from typing import Final, Literal

from msgspec import Struct

from proxy.sip.digest_hash import ALGORITHMS, Pairs, digest_pairs, response_of
from proxy.sip.error import SipError
from proxy.sip.grammar import quoted
from proxy.sip.message import SipRequest
from proxy.sip.nonces import COUNT_MOST, Nonces
from proxy.sip.uri import parse_uri, same_uri

Secrets = Callable[[bytes, str], bytes | None]
"""(username, algorithm) → H(A1) in hexadecimal digits, or None where there is no such account or no such hash of it."""

Outcome = Literal["proved", "absent", "stale", "refused"]


class Scheme(Struct, frozen=True):
    """What is asked for. `algorithms` by preference, of those in ALGORITHMS; `integrity` offers auth-int too.

    `without_qop` lets peers of RFC 2069 in, whose nonces then count for one request each.
    """

    realm: bytes
    algorithms: tuple[str, ...] = ("SHA-512-256", "SHA-256", "MD5")
    integrity: bool = False
    without_qop: bool = False


class Proof:
    """What the credentials came to. `username` is filled where `outcome` is "proved" only; `detail` is a word for the
    log.
    """

    __slots__ = ("detail", "outcome", "username")

    def __init__(self, outcome: Outcome, username: bytes, detail: str) -> None:
        self.outcome: Final[Outcome] = outcome
        self.username: Final = username
        self.detail: Final = detail


def challenges(scheme: Scheme, nonces: Nonces, now: float, *, stale: bool) -> list[bytes]:
    """Values of WWW-Authenticate or Proxy-Authenticate, one line each, in the order of preference (RFC 8760 §2.3)."""
    qop = b'"auth,auth-int"' if scheme.integrity else b'"auth"'
    nonce = nonces.issue(now)
    start = b"Digest realm=" + quoted(scheme.realm) + b', nonce="' + nonce + b'", qop=' + qop
    if stale:
        start += b", stale=true"
    return [start + b", algorithm=" + algorithm.encode() for algorithm in scheme.algorithms]


def verify(request: SipRequest, key: str, scheme: Scheme, nonces: Nonces, secrets: Secrets, now: float) -> Proof:
    """Read the credentials in the lines `key` ("authorization" or "proxy-authorization") and say what they prove.

    "absent": none for our realm that we understand, so challenge; "stale": right, but the nonce is spent, so challenge
    with stale=true; "refused": wrong. Raises SipError(400) where they are malformed.
    """
    for value in request.each(key):
        pairs = digest_pairs(value)
        if pairs is None or pairs.get(b"realm") != scheme.realm:
            continue
        algorithm = pairs.get(b"algorithm", b"MD5").decode("ascii", "replace").upper()
        if algorithm in scheme.algorithms and algorithm in ALGORITHMS:
            return _judged(request, pairs, algorithm, scheme, nonces, secrets, now)
    return Proof("absent", b"", "absent")


def _judged(
    request: SipRequest,
    pairs: Pairs,
    algorithm: str,
    scheme: Scheme,
    nonces: Nonces,
    secrets: Secrets,
    now: float,
) -> Proof:
    username = pairs.get(b"username", b"")
    nonce = pairs.get(b"nonce", b"")
    uri = pairs.get(b"uri", b"")
    qop = pairs.get(b"qop", b"").lower()
    written = pairs.get(b"nc", b"")
    cnonce = pairs.get(b"cnonce", b"")
    count = 1
    if qop:
        if qop != b"auth" and not (scheme.integrity and qop == b"auth-int"):
            return Proof("refused", b"", "qop")
        count = _count(written)
        if not cnonce:
            raise SipError(400, "digest.cnonce")
    elif not scheme.without_qop:
        return Proof("refused", b"", "qop")
    secret = secrets(username, algorithm)
    # WHY a secret for nobody: an unknown name costs what a wrong password costs.
    expected = response_of(algorithm, secret or b"0", request.method, uri, nonce, written, cnonce, qop, request.body)
    right = hmac.compare_digest(expected, pairs.get(b"response", b"").lower())
    if not right or secret is None:
        return Proof("refused", b"", "response")
    if not _same_target(uri, request.uri):
        return Proof("refused", b"", "uri")
    spent = nonces.spend(nonce, count, now)
    if spent == "good":
        return Proof("proved", username, "proved")
    # WHY a foreign nonce is stale with a right response: we have restarted, and the peer need not ask its user again.
    return Proof("stale", b"", spent)


def _count(written: bytes) -> int:
    if len(written) != 8:
        raise SipError(400, "digest.nc")
    try:
        count = int(written, 16)
    except ValueError:
        raise SipError(400, "digest.nc") from None
    if not 1 <= count <= COUNT_MOST:
        raise SipError(400, "digest.nc")
    return count


def _same_target(signed: bytes, asked: bytes) -> bool:
    """Whether what was signed is what is asked for. Stricter than RFC 8760 §2.6, which lets a server choose: the
    Request-URI names the person who is called, and must not be changed on the way."""
    if signed == asked:
        return True
    try:
        return same_uri(parse_uri(signed), parse_uri(asked))
    except SipError:
        return False
