"""Who a peer's certificate says that it is. Pure.

Owns the reading of identities from a certificate that TLS has verified: the domains of SIP in it (RFC 5922 §7.1) and
its fingerprint. Must never take a common name, a wildcard or a URI with a user for a domain. How it works: a domain is
the host of a `sip` URI in subjectAltName; names of the DNS count only where there is no such URI.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

_DOMAIN: Final = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")
_HASH: Final = "sha256:"


def normal_identity(written: str) -> str:
    """One identity as it is compared: a domain in lower case, or `sha256:` and 64 digits; empty where it is neither."""
    lower = written.strip().lower()
    if lower.startswith(_HASH):
        digits = lower.removeprefix(_HASH).replace(":", "")
        return _HASH + digits if _FINGERPRINT.fullmatch(digits) else ""
    domain = lower.removesuffix(".")
    return domain if _DOMAIN.fullmatch(domain) else ""


def identities_of(certificate: Mapping[str, Any], octets: bytes) -> frozenset[str]:
    """All identities of a verified certificate: `certificate` as `ssl` reads it, `octets` its DER."""
    names: Sequence[tuple[str, str]] = certificate.get("subjectAltName", ())
    domains = set(_of_uris(names)) or {
        found for kind, value in names if kind == "DNS" and (found := normal_identity(value))
    }
    return frozenset((*domains, _HASH + sha256(octets).hexdigest()))


def _of_uris(names: Sequence[tuple[str, str]]) -> Iterator[str]:
    for kind, value in names:
        scheme, colon, rest = value.partition(":")
        if kind == "URI" and colon and scheme.lower() == "sip" and "@" not in rest:
            found = normal_identity(rest.partition(";")[0].partition("?")[0].partition(":")[0])
            if found:
                yield found
