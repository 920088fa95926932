"""What passes from one leg to the other: the header lines that are end to end, and the body, octet for octet.

Owns the list of what does not pass, because the two user agents that we are have their own. Must never carry a dialog's
identifiers, a route, an address of the other side, credentials, or an identity that nobody judged: those leave only as
who forwards writes them.
"""

from typing import Final

from proxy.sip.message import SipMessage

#: What each leg has of its own (RFC 3261 §8.1.1, §12, §16.6; session timers RFC 4028, reliability RFC 3262, identities
#: RFC 3325, RFC 3323, RFC 5502, RFC 7315, RFC 8496, 3GPP TS 24.229 §7.2; what else shows a person a name, a text or a
#: sound that no registry holds).
OWNED: Final = frozenset(
    (
        "via",
        "route",
        "record-route",
        "path",
        "service-route",
        "from",
        "to",
        "call-id",
        "cseq",
        "contact",
        "max-forwards",
        "content-length",
        "timestamp",
        "authorization",
        "proxy-authorization",
        "www-authenticate",
        "proxy-authenticate",
        "authentication-info",
        "proxy-authentication-info",
        "allow",
        "supported",
        "require",
        "proxy-require",
        "unsupported",
        "allow-events",
        "recv-info",
        "session-expires",
        "min-se",
        "rack",
        "rseq",
        "expires",
        "retry-after",
        "p-asserted-identity",
        "p-preferred-identity",
        "remote-party-id",
        "privacy",
        "identity",
        "identity-info",
        "additional-identity",
        "attestation-info",
        "origination-id",
        "p-associated-uri",
        "p-called-party-id",
        "p-charge-info",
        "p-profile-key",
        "p-served-user",
        "p-user-database",
        "reply-to",
        "organization",
        "subject",
        "alert-info",
        "p-access-network-info",
        "p-charging-vector",
        "diversion",
        "history-info",
        "call-info",
        "replaces",
        "join",
        "target-dialog",
        "referred-by",
        "refer-to",
        "warning",
        "error-info",
    )
)


class Carried:
    """Header lines with their keys, and a body with its Content-Type among the lines."""

    __slots__ = ("body", "keys", "lines")

    def __init__(self, keys: list[str], lines: list[bytes], body: bytes) -> None:
        self.keys: Final = keys
        self.lines: Final = lines
        self.body: Final = body

    def into(self, message: SipMessage) -> None:
        """Put the lines before the Content-Length of a message of ours whose body is this one. INVARIANT:
        Content-Length stands last.
        """
        if self.keys:
            message.keys[-1:-1] = self.keys
            message.lines[-1:-1] = self.lines


def carried_from(message: SipMessage, held_back: frozenset[str]) -> Carried:
    """What passes of a message; `held_back` names further fields, by configuration."""
    keys: list[str] = []
    lines: list[bytes] = []
    for index, key in enumerate(message.keys):
        if key not in OWNED and key not in held_back:
            keys.append(key)
            lines.append(message.lines[index])
    return Carried(keys, lines, message.body)


NOTHING: Final = Carried([], [], b"")
