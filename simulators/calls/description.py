"""Session descriptions of a simulated telephone: one audio stream, offered or answered (RFC 8866, RFC 3264).

Owns the text. Must never send media: nothing listens on the port that it names.
"""

import re
from typing import Final

_DIRECTION: Final = re.compile(rb"^a=(sendrecv|sendonly|recvonly|inactive)\r?$", re.M)
_ANSWERS: Final = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
CONTENT_TYPE: Final = b"application/sdp"
_PORT: Final = 40000


def describe(host: str, session: int, version: int, direction: str = "sendrecv") -> bytes:
    """Write a description; `session` stays the same for a call, `version` grows with each change."""
    family = "IP6" if ":" in host else "IP4"
    lines = (
        "v=0",
        f"o=- {session} {version} IN {family} {host}",
        "s=-",
        f"c=IN {family} {host}",
        "t=0 0",
        f"m=audio {_PORT} RTP/AVP 8 0 101",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
        f"a={direction}",
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


def direction_of(body: bytes) -> str:
    """The direction that a description gives its stream; sendrecv where it says none."""
    found = _DIRECTION.search(body)
    return found[1].decode() if found else "sendrecv"


def answering_direction(body: bytes) -> str:
    """The direction of the answer to an offer (RFC 3264 §6.1)."""
    return _ANSWERS[direction_of(body)]
