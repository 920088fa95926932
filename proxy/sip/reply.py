"""Responses that we make: which lines of the request they repeat (RFC 3261 §8.2.6, §12.1.1).

Owns the shape of a response. Must never decide which response it is.
"""

from typing import Final

from proxy.sip.error import PHRASES, SipError
from proxy.sip.headers import line_of
from proxy.sip.message import SipRequest, SipResponse

_REPEATED: Final = frozenset(("via", "from", "to", "call-id", "cseq"))
_WITH_ROUTES: Final = frozenset(("via", "from", "to", "call-id", "cseq", "record-route"))
_NO_BODY: Final = b"Content-Length: 0"

Headers = list[tuple[str, bytes]]
"""Header lines to add: key and value."""


def reply(
    request: SipRequest,
    status: int,
    to_tag: bytes = b"",
    headers: Headers | None = None,
    body: bytes = b"",
    reason: bytes | None = None,
) -> SipResponse:
    """Build a response: Via, From, To, Call-ID and CSeq as they came, `to_tag` on a To that has none, Timestamp on a
    100, Record-Route where a dialog may come of it; then `headers`, then Content-Length. A Content-Type for `body`
    stands in `headers`.

    INVARIANT: the request's lines could be split; nothing else is taken for granted, so that a malformed one can be
    answered too.
    """
    keys: list[str] = []
    lines: list[bytes] = []
    repeated = _WITH_ROUTES if 100 < status < 300 and request.method == "INVITE" else _REPEATED
    for index, key in enumerate(request.keys):
        if key in repeated:
            keys.append(key)
            lines.append(request.lines[index])
    if status == 100:
        if "timestamp" in request.keys:
            index = request.keys.index("timestamp")
            keys.append("timestamp")
            lines.append(request.lines[index])
    elif to_tag and "to" in keys:
        place = keys.index("to")
        if not _has_tag(request):
            lines[place] += b";tag=" + to_tag
    if headers is not None:
        for key, value in headers:
            keys.append(key)
            lines.append(line_of(key, value))
    keys.append("content-length")
    lines.append(b"Content-Length: %d" % len(body) if body else _NO_BODY)
    if reason is None:
        reason = PHRASES.get(status, "").encode()
    return SipResponse(status, reason, keys, lines, body)


def _has_tag(request: SipRequest) -> bool:
    try:
        return request.to.tag is not None
    except SipError:
        # WHY: a To that cannot be read goes back as it came; whoever wrote it knows it so.
        return True


def answerable(request: SipRequest) -> bool:
    """Whether a request may be answered at all: not an ACK (§17.1.1.3), and with a Via to say whose request the answer
    belongs to.

    WHY a Via that cannot be read is enough: the answer goes to where the request came from, and is no longer than it
    (RFC 4475 §3.1.2.1, §3.3.1).
    """
    return request.method != "ACK" and "via" in request.keys


def refuse(request: SipRequest, error: SipError, to_tag: bytes) -> SipResponse:
    """The response to a request that raised `error`."""
    headers: Headers = [(name.decode("ascii").lower(), value) for name, value in error.headers]
    return reply(request, error.status, to_tag, headers)
