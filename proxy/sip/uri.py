"""URIs: sip and sips part by part, tel as it is written, every other scheme as octets (RFC 3261 §19.1, RFC 3966, RFC
5118).

Owns what is a URI and when two are the same. Must never guess: what the grammar does not allow raises, since what two
readers read differently is a way around whoever judges it. So there is one `@` at most, escapes are two hexadecimal
digits, and a parameter stands there once.
"""

import re
from functools import lru_cache
from typing import Final

from proxy.sip.error import SipError
from proxy.sip.grammar import ALPHANUM, is_absolute_uri
from proxy.sip.host import host_and_port

UriParams = list[tuple[bytes, bytes | None]]

_UNRESERVED: Final = ALPHANUM + b"-_.!~*'()"
_USER: Final = _UNRESERVED + b"%&=+$,;?/"
_PASSWORD: Final = _UNRESERVED + b"%&=+$,"
_PARAM: Final = _UNRESERVED + b"%[]/:&+$"
_HEADER: Final = _UNRESERVED + b"%[]/?:+$"
_RESERVED: Final = b";/?:@&=+$,"
_HEX: Final = b"0123456789abcdefABCDEF"
#: A number at a host: nothing of it is escaped, and nothing stands behind it.
_USUAL: Final = re.compile(rb"(\+?[0-9]+)@([^;?@]+)")
#: Longer URIs are read each time.
_REMEMBERED: Final = 256
#: Parameters that never match where only one of two URIs has them (§19.1.4).
_NEVER_ALONE: Final = frozenset((b"user", b"ttl", b"method", b"maddr", b"transport"))


class Uri:
    """One URI, split. `scheme` is in lower case: b"sip", b"sips", b"tel" or any other.

    sip and sips: `user` and `password` as written (escapes included), None where there is none; `host` as written
    (brackets of IPv6 included); `port` 0 where none is written; `params` in order, their names unescaped and in lower
    case, their values as written; `headers` as written behind the `?`. tel: `user` is the number as written, `params`
    its parameters, `host` is empty. Other schemes: `opaque` holds what stands behind the colon, nothing else is filled.
    """

    __slots__ = ("headers", "host", "opaque", "params", "password", "port", "scheme", "user", "written")

    def __init__(
        self,
        written: bytes,
        scheme: bytes,
        user: bytes | None,
        password: bytes | None,
        host: bytes,
        port: int,
        params: UriParams,
        headers: bytes | None,
        opaque: bytes,
    ) -> None:
        self.written: Final = written
        self.scheme: Final = scheme
        self.user: Final = user
        self.password: Final = password
        self.host: Final = host
        self.port: Final = port
        self.params: Final = params
        self.headers: Final = headers
        self.opaque: Final = opaque

    def param(self, name: bytes) -> bytes | None:
        """The value of a parameter as written: empty where it has none, None where it is absent."""
        for each, value in self.params:
            if each == name:
                return value if value is not None else b""
        return None

    @property
    def is_sip(self) -> bool:
        """Whether the scheme is sip or sips."""
        return self.scheme in (b"sip", b"sips")

    @property
    def loose(self) -> bool:
        """Whether it names a loose router (`lr`, §19.1.1)."""
        return self.param(b"lr") is not None

    @property
    def user_text(self) -> bytes:
        """The user without escapes; it may hold any octet, NUL too (RFC 4475 §3.1.1.4). Empty where there is none."""
        return unescaped(self.user or b"")


def unescaped(octets: bytes) -> bytes:
    """Replace each `%` and two hexadecimal digits by their octet, once (RFC 4475 §3.1.1.3); other `%` stay."""
    if octets.find(b"%") < 0:
        return octets
    parts = octets.split(b"%")
    read = [parts[0]]
    for part in parts[1:]:
        digits = part[:2]
        if len(digits) == 2 and not digits.translate(None, _HEX):
            read.append(bytes((int(digits, 16),)) + part[2:])
        else:
            read.append(b"%" + part)
    return b"".join(read)


def _well_escaped(octets: bytes) -> bool:
    if octets.find(b"%") < 0:
        return True
    return all(len(part) >= 2 and not part[:2].translate(None, _HEX) for part in octets.split(b"%")[1:])


def _component(octets: bytes, allowed: bytes, detail: str) -> bytes:
    if octets.translate(None, allowed) or not _well_escaped(octets):
        raise SipError(400, detail)
    return octets


def parse_uri(written: bytes) -> Uri:
    """Read a URI; raises SipError(400) where it is none. Unknown schemes are read: who routes answers 416 to them."""
    return _parsed(written) if len(written) <= _REMEMBERED else _read(written)


# WHY a memory: our own Contact and those of a few peers are the Request-URI of nearly every request inside a call.
@lru_cache(maxsize=1024)
def _parsed(written: bytes) -> Uri:
    return _read(written)


def _read(written: bytes) -> Uri:
    scheme, colon, rest = written.partition(b":")
    scheme = scheme.lower()
    if scheme in (b"sip", b"sips"):
        return _sip(written, scheme, rest)
    if not colon or not is_absolute_uri(written):
        raise SipError(400, "uri.form")
    if scheme == b"tel":
        number, semicolon, params = rest.partition(b";")
        if not number:
            raise SipError(400, "uri.number")
        return Uri(written, scheme, number, None, b"", 0, _params(params) if semicolon else [], None, rest)
    return Uri(written, scheme, None, None, b"", 0, [], None, rest)


def _sip(written: bytes, scheme: bytes, rest: bytes) -> Uri:
    usual = _USUAL.fullmatch(rest)
    if usual is not None:
        # WHY apart: whom nearly every call is for, and each is for somebody else.
        host, port = host_and_port(usual[2], "uri.host")
        return Uri(written, scheme, usual[1], None, host, port, [], None, b"")
    user: bytes | None = None
    password: bytes | None = None
    at = rest.find(b"@")
    if at >= 0:
        user = rest[:at]
        rest = rest[at + 1 :]
        colon = user.find(b":")
        if colon >= 0:
            password = _component(user[colon + 1 :], _PASSWORD, "uri.password")
            user = user[:colon]
        if not user:
            raise SipError(400, "uri.user")
        _component(user, _USER, "uri.user")
    headers: bytes | None = None
    question = rest.find(b"?")
    if question >= 0:
        headers = rest[question + 1 :]
        rest = rest[:question]
        _headers(headers)
    params: UriParams = []
    semicolon = rest.find(b";")
    if semicolon >= 0:
        params = _params(rest[semicolon + 1 :])
        rest = rest[:semicolon]
    host, port = host_and_port(rest, "uri.host")
    return Uri(written, scheme, user, password, host, port, params, headers, b"")


def _params(rest: bytes) -> UriParams:
    read: UriParams = []
    for part in rest.split(b";"):
        name, equals, value = part.partition(b"=")
        if not name:
            raise SipError(400, "uri.params")
        _component(name, _PARAM, "uri.params")
        name = unescaped(name).lower()
        for each, _ in read:
            if each == name:
                raise SipError(400, "uri.params.twice")
        if equals and not value:
            raise SipError(400, "uri.params")
        read.append((name, _component(value, _PARAM, "uri.params") if equals else None))
        if len(read) > 64:
            raise SipError(400, "uri.params.count")
    return read


def _headers(written: bytes) -> list[tuple[bytes, bytes]]:
    read: list[tuple[bytes, bytes]] = []
    for part in written.split(b"&"):
        name, equals, value = part.partition(b"=")
        if not name or not equals:
            raise SipError(400, "uri.headers")
        _component(name, _HEADER, "uri.headers")
        _component(value, _HEADER, "uri.headers")
        read.append((_plain(name).lower(), _plain(value)))
    return read


def _plain(octets: bytes) -> bytes:
    """The form in which §19.1.4 compares: escapes of what is not reserved undone, the others in upper case."""
    if octets.find(b"%") < 0:
        return octets
    parts = octets.split(b"%")
    read = [parts[0]]
    for part in parts[1:]:
        octet = bytes((int(part[:2], 16),))
        kept = octet in _RESERVED or octet == b"%"
        read.append((b"%" + part[:2].upper() if kept else octet) + part[2:])
    return b"".join(read)


def same_uri(one: Uri, other: Uri) -> bool:
    """Whether two URIs are equivalent (sip and sips: RFC 3261 §19.1.4; tel: RFC 3966 §4; others: the same octets but
    for the scheme's case).

    Not transitive, as §19.1.4 says itself.
    """
    if one.scheme != other.scheme:
        return False
    if one.scheme == b"tel":
        return _same_tel(one, other)
    if not one.is_sip:
        return one.opaque == other.opaque
    if one.port != other.port or one.host.lower() != other.host.lower():
        return False
    if not _same_octets(one.user, other.user) or not _same_octets(one.password, other.password):
        return False
    if not _params_match(one, other) or not _params_match(other, one):
        return False
    if one.headers is None or other.headers is None:
        return one.headers is other.headers
    return sorted(_headers(one.headers)) == sorted(_headers(other.headers))


def _same_octets(one: bytes | None, other: bytes | None) -> bool:
    if one is None or other is None:
        return one is other
    return _plain(one) == _plain(other)


def _params_match(one: Uri, other: Uri) -> bool:
    for name, value in one.params:
        opposite = other.param(name)
        if opposite is None:
            if name in _NEVER_ALONE:
                return False
        elif _plain(value or b"").lower() != _plain(opposite).lower():
            return False
    return True


def _same_tel(one: Uri, other: Uri) -> bool:
    separators = b"-.()"
    mine = (one.user or b"").translate(None, separators).lower()
    if mine != (other.user or b"").translate(None, separators).lower() or len(one.params) != len(other.params):
        return False
    for name, value in one.params:
        opposite = other.param(name)
        if opposite is None:
            return False
        if name in (b"phone-context", b"ext", b"rn", b"cic"):
            # WHY: numbers compare without visual separators, domains without case (RFC 3966 §4, §5.1.5).
            if (value or b"").translate(None, separators).lower() != opposite.translate(None, separators).lower():
                return False
        elif unescaped(value or b"").lower() != unescaped(opposite).lower():
            return False
    return True
