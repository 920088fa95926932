"""The telephone number inside a URI: tel, or the user of a sip URI that is a number (RFC 3966, RFC 3261 §19.1.6, RFC
4694).

Owns what belongs to the number and what does not: routing number, sub-address, extension, post-dial digits, and the
context of a local number. Must never make an E.164 number of a local one: that is for who knows the numbering plan. How
it works: the user is unescaped once, then cut at its first semicolon; visual separators go.
"""

from typing import Final

from proxy.sip.error import SipError
from proxy.sip.uri import Uri, unescaped

_SEPARATORS: Final = b"-.()"
_LOCAL: Final = b"0123456789ABCDEFabcdef*#"
_LONGEST: Final = 64


class Subscriber:
    """`digits` is what was dialled, without separators and without `+`; `plus` says that it began with one (a global
    number).

    `context` is phone-context (`+86571`, or a domain), `routing` is rn, `sub_address` isub, `extension` ext,
    `post_dial` what follows a pause (`p`, `w`, `,`) or postd. Empty where there is none.
    """

    __slots__ = ("context", "digits", "extension", "plus", "post_dial", "routing", "sub_address")

    def __init__(
        self,
        digits: bytes,
        plus: bool,
        context: bytes,
        routing: bytes,
        sub_address: bytes,
        extension: bytes,
        post_dial: bytes,
    ) -> None:
        self.digits: Final = digits
        self.plus: Final = plus
        self.context: Final = context
        self.routing: Final = routing
        self.sub_address: Final = sub_address
        self.extension: Final = extension
        self.post_dial: Final = post_dial


def subscriber_of(uri: Uri) -> Subscriber | None:
    """The number in a URI; None where its user is no number (a name, a scheme without numbers, no user).

    A sip user without `user=phone` counts as a number where it can be one: carriers' gateways leave the parameter out.
    Raises SipError(400) where a tel URI is malformed: a local number without phone-context stands for itself all the
    same, as networks send it (DEVIATION RFC 3966 §5.1.5).
    """
    if uri.scheme == b"tel":
        return _read(unescaped(uri.user or b""), [(name, value or b"") for name, value in uri.params], strict=True)
    if not uri.is_sip or uri.user is None:
        return None
    if uri.user.isdigit() and len(uri.user) <= _LONGEST:
        # WHY apart: nearly all are digits and nothing else.
        return Subscriber(uri.user, False, b"", b"", b"", b"", b"")
    number, *rest = uri.user_text.split(b";")
    params: list[tuple[bytes, bytes]] = []
    for part in rest:
        name, _, value = part.partition(b"=")
        params.append((name.lower(), value))
    return _read(number, params, strict=False)


def _read(number: bytes, params: list[tuple[bytes, bytes]], *, strict: bool) -> Subscriber | None:
    plus = number[:1] == b"+"
    if plus:
        number = number[1:]
    number = number.translate(None, _SEPARATORS)
    post_dial = b""
    for pause in (b",", b"p", b"P", b"w", b"W"):
        at = number.find(pause)
        if at > 0:
            post_dial = number[at:] + post_dial
            number = number[:at]
    allowed = _LOCAL[:10] if plus else _LOCAL
    well = 0 < len(number) <= _LONGEST and not number.translate(None, allowed)
    if not well or (not strict and not _is_dialled(number)):
        if strict:
            raise SipError(400, "uri.number")
        return None
    context = routing = sub_address = extension = b""
    seen: set[bytes] = set()
    for name, value in params:
        if name in seen:
            # WHY an error: of two routing numbers or contexts nobody knows which one the next hop reads.
            raise SipError(400, "uri.params.twice")
        seen.add(name)
        if name == b"phone-context":
            context = unescaped(value)
        elif name == b"rn":
            routing = unescaped(value).translate(None, _SEPARATORS)
        elif name == b"isub":
            sub_address = unescaped(value)
        elif name == b"ext":
            extension = unescaped(value).translate(None, _SEPARATORS)
        elif name == b"postd":
            post_dial += unescaped(value)
    return Subscriber(number, plus, context, routing, sub_address, extension, post_dial)


def _is_dialled(number: bytes) -> bool:
    """Whether a sip user is digits, `*` and `#`: letters A to F are digits in tel URIs, but a name here."""
    return not number.translate(None, b"0123456789*#")
