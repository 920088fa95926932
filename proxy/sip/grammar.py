"""The small pieces of SIP's grammar: tokens, quoted strings, lists with commas, parameters, numbers (RFC 3261 §25.1).

Owns how a value is cut, by `find` and `split` on octets. Must never know a header field by name. Where it runs per
message it asks `find`, not `in`: bytes answer `in` by raising and dropping a TypeError first, which costs ten times the
search. Nothing here recurses, and nothing looks at an octet more than a few times, so deep nesting and floods of quotes
cost no more than their length.
"""

from typing import Final

from proxy.sip.error import SipError

Params = list[tuple[bytes, bytes | None]]
"""Parameters in order: name in lower case, value as written (quotes included), None where there is no `=`."""

DIGITS: Final = b"0123456789"
ALPHANUM: Final = DIGITS + b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
TOKEN: Final = ALPHANUM + b"-.!%*_+`'~"
LWS: Final = b" \t\r\n"
_WORD: Final = TOKEN + b'()<>:\\/"[]?{}'
_PLAIN_PARAMS: Final = TOKEN + b";="
_PLAIN_VALUE: Final = TOKEN + b"[]:"
_URI: Final = ALPHANUM + b"-_.!~*'();/?:@&=+$,%[]"
_SCHEME: Final = ALPHANUM + b"+-."
_NON_ASCII: Final = bytes(range(0x80, 0x100))
_DISPLAY: Final = TOKEN + LWS + _NON_ASCII

SEQUENCE_MOST: Final = 2**31 - 1
"""CSeq numbers stay below 2**31 (RFC 3261 §8.1.1.5)."""


def is_token(octets: bytes) -> bool:
    """Whether these octets are a token."""
    # WHY asked first: most are letters and digits, and that is quickly seen.
    if octets.isalnum() or octets.replace(b"-", b"").isalnum():
        return True
    return len(octets) > 0 and not octets.translate(None, TOKEN)


def is_call_id(octets: bytes) -> bool:
    """Whether these octets are a Call-ID: `word [ "@" word ]`."""
    rest = octets.translate(None, _WORD)
    if not rest:
        return len(octets) > 0
    return rest == b"@" and octets[:1] != b"@" and octets[-1:] != b"@"


def is_absolute_uri(octets: bytes) -> bool:
    """Whether these octets can be a URI of any scheme: nothing but characters of URIs, and a scheme before the first
    colon.
    """
    if octets.translate(None, _URI):
        return False
    if octets[:4] == b"sip:":
        return len(octets) > 4
    colon = octets.find(b":")
    if colon <= 0 or colon + 1 == len(octets):
        return False
    return not octets[:colon].translate(None, _SCHEME) and octets[:1].isalpha()


def is_display(octets: bytes) -> bool:
    """Whether these octets may stand before `<` without quotes.

    DEVIATION §25.1: octets beyond ASCII are let through, as gateways send them; they cannot be mistaken for a
    separator.
    """
    return not octets.translate(None, _DISPLAY)


def unfolded(value: bytes) -> bytes:
    """The value with each line fold as one space, and none at its ends (RFC 3261 §7.3.1)."""
    if value.find(b"\r\n") >= 0:
        value = b" ".join(part.strip(LWS) for part in value.split(b"\r\n"))
    return value.strip(LWS)


def number(value: bytes, most: int, status: int, detail: str) -> int:
    """An unsigned decimal of at most `most`; leading zeros are fine, a sign or anything else raises SipError(status,
    detail).
    """
    if not value.isdigit() or len(value) > 32:
        raise SipError(status, detail)
    read = int(value)
    if read > most:
        raise SipError(status, detail)
    return read


def closing_quote(value: bytes, opening: int) -> int:
    """The position of the quote that ends the quoted string opened at `opening`; raises SipError(400) where none
    does.
    """
    end = value.find(b'"', opening + 1)
    while end > 0:
        # WHY: a quote is escaped where an odd number of backslashes stands before it.
        back = end - 1
        while value[back] == 0x5C:
            back -= 1
        if (end - back) % 2 == 1:
            return end
        end = value.find(b'"', end + 1)
    raise SipError(400, "quote.open")


def unquoted(value: bytes) -> bytes:
    """What a quoted string says, or the value itself where it is not quoted."""
    if value[:1] != b'"':
        return value
    inner = value[1 : closing_quote(value, 0)]
    if inner.find(b"\\") < 0:
        return inner
    parts = inner.split(b"\\")
    read = [parts[0]]
    escaped = False
    for part in parts[1:]:
        # WHY: two backslashes give an empty part between them, and the second of them is the character that is meant.
        if not part and not escaped:
            read.append(b"\\")
            escaped = True
        else:
            read.append(part)
            escaped = False
    return b"".join(read)


def quoted(text: bytes) -> bytes:
    """A quoted string that says `text`; control characters become spaces, since CR and LF cannot be quoted."""
    clean = text.translate(_WITHOUT_CONTROLS).replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b'"' + clean + b'"'


_WITHOUT_CONTROLS: Final = bytes(0x20 if each < 0x20 or each == 0x7F else each for each in range(256))


def split_outside(value: bytes, separator: bytes) -> list[bytes]:
    """Cut at each separator (one octet) that stands neither in quotes nor between `<` and `>`; parts are not stripped.

    Raises SipError(400) where a quote or a `<` stays open.
    """
    if value.find(separator) < 0:
        return [value]
    if value.find(b'"') < 0 and value.find(b"<") < 0:
        return value.split(separator)
    parts: list[bytes] = []
    start = 0
    at = 0
    length = len(value)
    cut = separator[0]
    while at < length:
        octet = value[at]
        if octet == 0x22:
            at = closing_quote(value, at)
        elif octet == 0x3C:
            at = value.find(b">", at)
            if at < 0:
                raise SipError(400, "bracket.open")
        elif octet == cut:
            parts.append(value[start:at])
            start = at + 1
        at += 1
    parts.append(value[start:])
    return parts


def comma_values(value: bytes) -> list[bytes]:
    """The values of a list with commas, stripped; empty ones are left out only where the whole list is empty."""
    if not value:
        return []
    return [part.strip(LWS) for part in split_outside(value, b",")]


def first_comma_value(value: bytes) -> bytes:
    """The first value of a list with commas, stripped."""
    if value.find(b",") < 0:
        return value
    return split_outside(value, b",")[0].strip(LWS)


def parameters(rest: bytes) -> Params:
    """Read `*( SEMI generic-param )`; `rest` is empty or begins with its semicolon.

    Raises SipError(400): empty parameters, names that are no tokens, values that are neither token, host nor quoted
    string.
    """
    read: Params = []
    rest = rest.strip(LWS)
    if not rest:
        return read
    if rest[0] != 0x3B:
        raise SipError(400, "params.separator")
    if not rest.translate(None, _PLAIN_PARAMS):
        for part in rest[1:].split(b";"):
            name, equals, value = part.partition(b"=")
            if not name or (equals and (not value or value.find(b"=") >= 0)):
                raise SipError(400, "params.value" if name else "params.name")
            read.append((name.lower(), value if equals else None))
        return read
    for part in split_outside(rest[1:], b";"):
        name, equals, value = part.partition(b"=")
        name = name.strip(LWS).lower()
        if not name or name.translate(None, TOKEN):
            raise SipError(400, "params.name")
        if not equals:
            read.append((name, None))
            continue
        value = value.strip(LWS)
        if value[:1] == b'"':
            if closing_quote(value, 0) != len(value) - 1:
                raise SipError(400, "params.value")
        elif not value or value.translate(None, _PLAIN_VALUE):
            # WHY octets beyond ASCII only inside quotes: gen-value has no others (RFC 3261 §25.1).
            raise SipError(400, "params.value")
        read.append((name, value))
    return read


def parameter(params: Params, name: bytes) -> bytes | None:
    """The value of a parameter; empty where it has none, None where it is absent. Raises SipError(400) where it is
    there twice.
    """
    found: bytes | None = None
    for each, value in params:
        if each == name:
            if found is not None:
                raise SipError(400, "params.twice")
            found = value if value is not None else b""
    return found
