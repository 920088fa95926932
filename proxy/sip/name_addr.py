"""A display name, a URI and parameters: what From, To, Contact, Route, P-Asserted-Identity and the like hold.

Owns the two writings, `"Name" <uri>;params` and `uri;params` (RFC 3261 §20, §20.10, §25.1 `name-addr`, `addr-spec`).
The URI stays octets here: reading it is `uri`. How it works: in the second writing everything behind the first
semicolon belongs to the header field, never to the URI, and a URI with `?` or `,` is an error there (§20.10).
"""

from typing import Final

from proxy.sip.error import SipError
from proxy.sip.grammar import (
    LWS,
    Params,
    closing_quote,
    is_absolute_uri,
    is_display,
    is_token,
    parameter,
    parameters,
    quoted,
    unquoted,
)

_TAG: Final = b"tag"


class NameAddr:
    """One value. `display` is as written, quotes included, empty where there is none; `uri` and `rest` (the parameters)
    as written.
    """

    __slots__ = ("_params", "_tag", "_tag_read", "display", "rest", "uri")

    def __init__(self, display: bytes, uri: bytes, rest: bytes) -> None:
        self.display: Final = display
        self.uri: Final = uri
        self.rest: Final = rest
        self._params: Params | None = None
        self._tag: bytes | None = None
        self._tag_read = False

    @property
    def params(self) -> Params:
        """The parameters of the header field, in order; raises SipError(400) where they are malformed."""
        read = self._params
        if read is None:
            read = parameters(self.rest)
            self._params = read
        return read

    def param(self, name: bytes) -> bytes | None:
        """The value of a parameter: empty where it has none, None where it is absent."""
        if not self.rest:
            return None
        return parameter(self.params, name)

    @property
    def tag(self) -> bytes | None:
        """The tag, None where there is none; raises SipError(400) where it is empty, quoted or there twice."""
        if self._tag_read:
            return self._tag
        rest = self.rest
        if not rest:
            return None
        if rest[:5] == b";tag=" and rest.count(b";") == 1:
            found: bytes | None = rest[5:]
        else:
            found = parameter(self.params, _TAG)
        if found is not None and not is_token(found):
            raise SipError(400, "tag.form")
        self._tag = found
        self._tag_read = True
        return found

    @property
    def name(self) -> bytes:
        """The display name without its quotes."""
        return unquoted(self.display)


def parse_name_addr(value: bytes) -> NameAddr:
    """Read one unfolded value that holds no other after a comma; raises SipError(400) with `detail` saying what is
    wrong.
    """
    if value[:1] == b'"':
        opening = closing_quote(value, 0) + 1
        display = value[:opening]
        while value[opening : opening + 1] in (b" ", b"\t"):
            opening += 1
        if value[opening : opening + 1] != b"<":
            raise SipError(400, "address.brackets")
    else:
        opening = value.find(b"<")
        if opening > 0 and value.find(b'"', 0, opening) >= 0:
            opening = -1  # WHY: the bracket stands in the quotes of a parameter.
        if opening < 0:
            return _addr_spec(value)
        display = value[:opening].strip(LWS) if opening else b""
        if display and not is_display(display):
            raise SipError(400, "address.display")
    closing = value.find(b">", opening)
    if closing < 0:
        raise SipError(400, "address.brackets")
    uri = value[opening + 1 : closing]
    if not is_absolute_uri(uri):
        raise SipError(400, "address.uri")
    rest = value[closing + 1 :]
    if rest and rest[0] != 0x3B:
        rest = rest.strip(LWS)
    if rest and rest[0] != 0x3B:
        raise SipError(400, "address.rest")
    return NameAddr(display, uri, rest)


def _addr_spec(value: bytes) -> NameAddr:
    semicolon = value.find(b";")
    uri = value if semicolon < 0 else value[:semicolon]
    uri = uri.strip(LWS)
    if not is_absolute_uri(uri) or uri.find(b"?") >= 0 or uri.find(b",") >= 0:
        raise SipError(400, "address.uri")
    return NameAddr(b"", uri, value[semicolon:] if semicolon >= 0 else b"")


def write_name_addr(name: bytes, uri: bytes, rest: bytes = b"") -> bytes:
    """Write a value; `name` is the bare display name, quoted here and left out where empty; `rest` begins with its
    semicolon.
    """
    if not name:
        return b"<" + uri + b">" + rest
    return quoted(name) + b" <" + uri + b">" + rest
