"""Names of header fields: one key for each, however it is written (RFC 3261 §7.3.1, §7.3.3, §20).

Owns the compact forms and the usual spelling. A key is the long name in lower case (`call-id`); an unknown field's key
is its own name in lower case. Must never look at values.
"""

from typing import Final

from proxy.sip.error import SipError
from proxy.sip.grammar import is_token

_NAMES: Final = (
    "Accept",
    "Accept-Contact",
    "Accept-Encoding",
    "Accept-Language",
    "Alert-Info",
    "Allow",
    "Allow-Events",
    "Authentication-Info",
    "Authorization",
    "Call-ID",
    "Call-Info",
    "Contact",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Type",
    "CSeq",
    "Date",
    "Diversion",
    "Error-Info",
    "Event",
    "Expires",
    "Feature-Caps",
    "From",
    "Geolocation",
    "History-Info",
    "Identity",
    "In-Reply-To",
    "Info-Package",
    "Join",
    "Max-Forwards",
    "MIME-Version",
    "Min-Expires",
    "Min-SE",
    "Organization",
    "P-Access-Network-Info",
    "P-Asserted-Identity",
    "P-Charging-Vector",
    "P-Early-Media",
    "P-Preferred-Identity",
    "Path",
    "Priority",
    "Privacy",
    "Proxy-Authenticate",
    "Proxy-Authentication-Info",
    "Proxy-Authorization",
    "Proxy-Require",
    "RAck",
    "Reason",
    "Record-Route",
    "Recv-Info",
    "Refer-Sub",
    "Refer-To",
    "Referred-By",
    "Reject-Contact",
    "Remote-Party-ID",
    "Replaces",
    "Reply-To",
    "Request-Disposition",
    "Require",
    "Resource-Priority",
    "Retry-After",
    "Route",
    "RSeq",
    "Server",
    "Service-Route",
    "Session-Expires",
    "SIP-ETag",
    "SIP-If-Match",
    "Subject",
    "Subscription-State",
    "Supported",
    "Target-Dialog",
    "Timestamp",
    "To",
    "Unsupported",
    "User-Agent",
    "User-to-User",
    "Via",
    "Warning",
    "WWW-Authenticate",
    "X-Real-IP",
)

_COMPACT: Final = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}

#: Name with its colon, in the usual spellings → key. What is not found here goes the slow way.
KEYS: Final[dict[bytes, str]] = {}
for _name in _NAMES:
    for _spelling in (_name, _name.lower(), _name.upper()):
        KEYS[_spelling.encode() + b":"] = _name.lower()
for _short, _key in _COMPACT.items():
    KEYS[_short.encode() + b":"] = KEYS[_short.upper().encode() + b":"] = _key

_BY_LOWER: Final[dict[bytes, str]] = {name[:-1].lower(): key for name, key in KEYS.items()}
_SPELLING: Final[dict[str, bytes]] = {name.lower(): name.encode() + b": " for name in _NAMES}


def key_of(name: bytes) -> str:
    """The key of a field's name as written, without the colon; raises SipError(400) where it is no token."""
    name = name.rstrip(b" \t")
    if not is_token(name):
        raise SipError(400, "header.name")
    lower = name.lower()
    known = _BY_LOWER.get(lower)
    return known if known is not None else lower.decode("ascii")


def line_of(key: str, value: bytes) -> bytes:
    """A header line, without its CRLF, in the usual spelling of the field. INVARIANT: `value` holds no CR and no LF but
    folds.
    """
    start = _SPELLING.get(key)
    return start + value if start is not None else key.encode("ascii") + b": " + value


def behind_colon(line: bytes) -> int:
    """Where the value of a header line may begin: behind its first colon; 0 where it has none."""
    # WHY a loop and not `find`: names are short, and compiled it takes a tenth.
    place = 0
    length = len(line)
    while place < length:
        if line[place] == 0x3A:
            return place + 1
        place += 1
    return 0
