"""What every request must have, and what of it we can serve, before anybody acts on it (RFC 3261 §8.1.1, §8.2, §16.3).

Owns the order of these questions and the answer to each. Must never ask who sent the request, nor what it is for. How
it works: `check_form` holds for requests of any method, responses apart in `check_response`; `check_support` asks what
we understand. Each raises the SipError that answers.
"""

from typing import Final

from msgspec import Struct

from proxy.sip.error import SipError
from proxy.sip.grammar import LWS, comma_values
from proxy.sip.message import SipRequest, SipResponse
from proxy.sip.methods import METHODS
from proxy.sip.uri import Uri, parse_uri

MAX_FORWARDS: Final = 70
"""What a request without Max-Forwards begins with (RFC 3261 §8.1.1.6)."""

_KNOWN_METHODS: Final = frozenset(METHODS.values())
#: Fields by which a request asks for what others do not.
_RARE: Final = frozenset(("require", "proxy-require", "accept", "replaces", "join"))
#: What nearly every INVITE brings, as nearly everybody writes it.
_SDP: Final = b"application/sdp"


class Capabilities(Struct, frozen=True):
    """What we serve. `methods` that are served, of those that exist; `extensions` by option tag, lower case; `schemes`
    of the Request-URI.

    `bodies`: method → types of body that are understood, lower case; `type/*` is any of a type. A method that is not in
    it takes any.
    """

    methods: tuple[str, ...]
    extensions: frozenset[bytes] = frozenset()
    schemes: frozenset[bytes] = frozenset((b"sip", b"sips", b"tel"))
    bodies: dict[str, frozenset[bytes]] = {}


def check_form(request: SipRequest) -> None:
    """Raise SipError(400) where a field that each request has is missing, twice there or malformed, or where CSeq names
    another method.

    An unknown method that CSeq does not confirm is 501 (RFC 4475 §3.1.2.18).
    """
    _ = request.via
    request.essentials()
    if request.cseq.method != request.method:
        raise SipError(400 if request.method in _KNOWN_METHODS else 501, "cseq.method")
    max_forwards(request)


def check_response(response: SipResponse) -> None:
    """Raise SipError where a response is to be dropped: fields that are missing, twice there or malformed."""
    _ = response.via
    response.essentials()


def max_forwards(request: SipRequest) -> int:
    """What Max-Forwards says, 70 where it is absent or beyond 255 (RFC 4475 §3.1.2.4); raises SipError(400) where it is
    no number.
    """
    read = request.counted("max-forwards", 10**32, "max_forwards")
    return read if read is not None and read <= 255 else MAX_FORWARDS


def check_support(request: SipRequest, capabilities: Capabilities, *, forwards: bool) -> Uri:
    """The Request-URI, read, of a request that we can serve; `forwards` says that it would go on to somebody else.

    Raises SipError in this order: 400 (a Request-URI that is none, RFC 5118 §4.2), 501 and 405 with Allow, 416, 400 (a
    Request-URI with headers in it), 483, 420 with Unsupported, 415 with Accept, 406, 481 (Replaces, Join).
    """
    method = request.method
    uri = parse_uri(request.uri)
    if method not in capabilities.methods:
        allow = (b"Allow", ", ".join(capabilities.methods).encode())
        raise SipError(405 if method in _KNOWN_METHODS else 501, "method", (allow,))
    if uri.scheme not in capabilities.schemes:
        raise SipError(416, "uri.scheme")
    if uri.headers is not None:
        raise SipError(400, "uri.headers")
    if forwards and max_forwards(request) == 0:
        raise SipError(483, "max_forwards.zero")
    if method not in ("ACK", "CANCEL"):
        # WHY asked together: nearly all requests have none of them.
        usual = _RARE.isdisjoint(request.keys)
        if not usual:
            _check_extensions(request, capabilities)
        _check_body(request, capabilities)
        if method == "INVITE" and not usual:
            _check_accept(request)
            if request.has("replaces") or request.has("join"):
                # WHY 481: no dialog of ours is offered for that, so none can match (RFC 3891 §3, RFC 3911 §4).
                raise SipError(481, "replaces")
    return uri


def _check_extensions(request: SipRequest, capabilities: Capabilities) -> None:
    if not request.has("require") and not request.has("proxy-require"):
        return
    asked = request.values("require") + request.values("proxy-require")
    unknown = [each for each in asked if each and each.lower() not in capabilities.extensions]
    if unknown:
        raise SipError(420, "require", ((b"Unsupported", b", ".join(unknown)),))


def media_type(value: bytes) -> bytes:
    """Type and subtype of a Content-Type in lower case, without spaces and parameters; raises SipError(400) where it is
    none.
    """
    written = value.partition(b";")[0]
    kind, slash, sub = written.partition(b"/")
    read = kind.strip(LWS).lower() + b"/" + sub.strip(LWS).lower()
    if not slash or read[:1] == b"/" or read[-1:] == b"/" or b" " in read:
        raise SipError(400, "content_type.form")
    return read


def _check_body(request: SipRequest, capabilities: Capabilities) -> None:
    if not request.body:
        return
    encodings = request.values("content-encoding") if request.has("content-encoding") else []
    if any(each.lower() not in (b"identity", b"") for each in encodings):
        raise SipError(415, "content_encoding", ((b"Accept-Encoding", b"identity"),))
    understood = capabilities.bodies.get(request.method)
    if understood is None:
        return
    value = request.single("content-type")
    if value is None:
        raise SipError(400, "content_type.missing")
    if value == _SDP and _SDP in understood:
        return
    kind = media_type(value)
    if kind not in understood and kind.partition(b"/")[0] + b"/*" not in understood:
        raise SipError(415, "content_type", ((b"Accept", b", ".join(sorted(understood))),))


def _check_accept(request: SipRequest) -> None:
    """An INVITE whose Accept leaves no session description to answer with (RFC 4475 §3.3.15); an empty Accept takes
    nothing but none.
    """
    if not request.has("accept"):
        return
    accepted = [
        each.partition(b";")[0].strip(LWS).lower() for line in request.each("accept") for each in comma_values(line)
    ]
    if accepted and not any(each in (b"application/sdp", b"application/*", b"*/*") for each in accepted):
        warning = (b"Warning", b'399 tdgate "no body but application/sdp can be given"')
        raise SipError(406, "accept", (warning,))
