"""A SIP message: a start line, header lines in their order, a body (RFC 3261 §7).

Owns the one split of octets into lines, the editing of lines, and writing them again. Must never change an octet that
nobody asked it to change: what is not touched is written as it came, folds, spaces and spellings included. How it
works: `keys` and `lines` are two lists of the same length; a line is a whole header line without its CRLF, and its key
says which field it is. Values are read when asked for; those that every message is asked for (Via, From, To, CSeq) are
kept.
"""

from typing import Final

from msgspec import Struct

from proxy.sip.cseq import CSeq, parse_cseq
from proxy.sip.error import SipError
from proxy.sip.grammar import comma_values, first_comma_value, is_call_id, is_token, number, unfolded
from proxy.sip.headers import KEYS, key_of, line_of
from proxy.sip.methods import METHODS
from proxy.sip.name_addr import NameAddr, parse_name_addr
from proxy.sip.via import Via, parse_via

VERSION: Final = b"SIP/2.0"
CRLF: Final = b"\r\n"
END_OF_HEAD: Final = b"\r\n\r\n"


class Limits(Struct, frozen=True):
    """How large a message may be. Octets beyond `head_octets` or `body_octets` and lines beyond `most_lines` are
    answered 513, a URI beyond `uri_octets` 414."""

    head_octets: int = 32768
    body_octets: int = 65535
    most_lines: int = 256
    line_octets: int = 8192
    uri_octets: int = 2048


class SipMessage:
    """What requests and responses share. `keys[i]` is the key of `lines[i]`; `body` is whatever octets came as the
    body.
    """

    __slots__ = ("_call_id", "_cseq", "_from", "_index", "_to", "_via", "body", "keys", "lines")

    def __init__(self, keys: list[str], lines: list[bytes], body: bytes) -> None:
        self.keys = keys
        self.lines = lines
        self.body = body
        #: key → place of its first line, made when the first value is read.
        self._index: dict[str, int] | None = None
        self._call_id = b""
        self._via: Via | None = None
        self._from: NameAddr | None = None
        self._to: NameAddr | None = None
        self._cseq: CSeq | None = None

    # Reading

    def _value(self, index: int) -> bytes:
        line = self.lines[index]
        value = line[line.index(b":") + 1 :]
        return unfolded(value) if value.find(b"\r\n") >= 0 else value.strip(b" \t")

    def _places(self) -> dict[str, int]:
        keys = self.keys
        index = dict(zip(reversed(keys), range(len(keys) - 1, -1, -1), strict=True))
        self._index = index
        return index

    def has(self, key: str) -> bool:
        """Whether there is such a line."""
        return key in self.keys

    def first(self, key: str) -> bytes | None:
        """The value of the first line with this key, unfolded, None where there is none."""
        index = self._index
        if index is None:
            index = self._places()
        place = index.get(key, -1)
        return self._value(place) if place >= 0 else None

    def single(self, key: str) -> bytes | None:
        """The value of the only line with this key; raises SipError(400) where there are two."""
        index = self._index
        if index is None:
            index = self._places()
        place = index.get(key, -1)
        if place < 0:
            return None
        keys = self.keys
        if len(index) != len(keys) and keys.count(key) > 1:
            raise SipError(400, "header.twice." + key)
        # WHY not `_value`: this is read several times in every message.
        line = self.lines[place]
        value = line[line.index(b":") + 1 :]
        return unfolded(value) if value.find(b"\r\n") >= 0 else value.strip(b" \t")

    def needed(self, key: str) -> bytes:
        """As `single`, but raises SipError(400) where there is no such line or nothing in it."""
        value = self.single(key)
        if not value:
            raise SipError(400, "header.missing." + key)
        return value

    def each(self, key: str) -> list[bytes]:
        """The values of all lines with this key, unfolded, a line at a time."""
        if key not in self.keys:
            return []
        return [self._value(index) for index, each in enumerate(self.keys) if each == key]

    def values(self, key: str) -> list[bytes]:
        """All values of a list with commas, over all its lines, in order (RFC 3261 §7.3.1)."""
        found: list[bytes] = []
        for value in self.each(key):
            found += comma_values(value)
        return found

    def addresses(self, key: str) -> list[NameAddr]:
        """All values as addresses; raises SipError(400) where one is malformed."""
        return [parse_name_addr(value) for value in self.values(key)]

    @property
    def via(self) -> Via:
        """The topmost Via value."""
        read = self._via
        if read is None:
            value = self.first("via")
            if not value:
                raise SipError(400, "header.missing.via")
            read = parse_via(first_comma_value(value))
            self._via = read
        return read

    @property
    def from_(self) -> NameAddr:
        """The From address."""
        read = self._from
        if read is None:
            read = parse_name_addr(self.needed("from"))
            self._from = read
        return read

    @property
    def to(self) -> NameAddr:
        """The To address."""
        read = self._to
        if read is None:
            read = parse_name_addr(self.needed("to"))
            self._to = read
        return read

    @property
    def cseq(self) -> CSeq:
        """The CSeq number and method."""
        read = self._cseq
        if read is None:
            read = parse_cseq(self.needed("cseq"))
            self._cseq = read
        return read

    def essentials(self) -> None:
        """Read From, To, CSeq and Call-ID in one pass and keep them; raises SipError(400) where one is missing, twice
        there or malformed.
        """
        index = self._index
        if index is None:
            index = self._places()
        keys = self.keys
        repeated = len(index) != len(keys)
        for key in ("call-id", "cseq", "from", "to"):
            place = index.get(key, -1)
            if place < 0:
                raise SipError(400, "header.missing." + key)
            if repeated and keys.count(key) > 1:
                raise SipError(400, "header.twice." + key)
            line = self.lines[place]
            value = line[line.index(b":") + 1 :]
            value = unfolded(value) if value.find(b"\r\n") >= 0 else value.strip(b" \t")
            if not value:
                raise SipError(400, "header.missing." + key)
            if key == "cseq":
                self._cseq = parse_cseq(value)
            elif key == "call-id":
                if not is_call_id(value):
                    raise SipError(400, "call_id.form")
                self._call_id = value
            else:
                address = parse_name_addr(value)
                _ = address.tag
                if key == "from":
                    self._from = address
                else:
                    self._to = address

    @property
    def call_id(self) -> bytes:
        """The Call-ID, compared octet by octet (RFC 3261 §20.8)."""
        read = self._call_id
        if not read:
            read = self.needed("call-id")
            self._call_id = read
        return read

    def content_length(self) -> int | None:
        """What Content-Length says; None where there is none. Raises SipError(400) where it is twice there, or no
        number (RFC 4475 §3.3.9).
        """
        value = self.single("content-length")
        if value is None:
            return None
        return int(value) if len(value) < 6 and value.isdigit() else number(value, 2**31 - 1, 400, "content_length")

    # Editing

    def _touched(self) -> None:
        self._index = None
        self._call_id = b""
        self._via = None
        self._from = None
        self._to = None
        self._cseq = None

    def append(self, key: str, value: bytes) -> None:
        """Add a line behind all others."""
        self.keys.append(key)
        self.lines.append(line_of(key, value))
        self._touched()

    def prepend(self, key: str, value: bytes) -> None:
        """Add a line before the first of its kind, or before all others where there is none: a Via, a Record-Route."""
        index = self.keys.index(key) if key in self.keys else 0
        self.keys.insert(index, key)
        self.lines.insert(index, line_of(key, value))
        self._touched()

    def replace(self, key: str, value: bytes) -> None:
        """Give the field this one value at the place of its first line, its other lines gone; behind all others where
        there was none.
        """
        if key not in self.keys:
            self.append(key, value)
            return
        index = self.keys.index(key)
        self.lines[index] = line_of(key, value)
        if self.keys.count(key) > 1:
            self._drop(key, index + 1)
        self._touched()

    def remove(self, key: str) -> None:
        """Take all lines with this key out."""
        if key in self.keys:
            self._drop(key, 0)
            self._touched()

    def _drop(self, key: str, start: int) -> None:
        for index in range(len(self.keys) - 1, start - 1, -1):
            if self.keys[index] == key:
                del self.keys[index]
                del self.lines[index]

    def stamp(self, host: bytes, port: int) -> None:
        """Write the source of a request into its topmost Via, as every server must before it answers (RFC 3261 §18.2.1,
        RFC 3581 §4).

        `host` is an address without brackets. Raises SipError(400) where the Via cannot be read.
        """
        via = self.via
        stamped = via.stamped(host, port)
        if stamped == via.written:
            return
        index = self.keys.index("via")
        if self.lines[index].find(b",") >= 0:
            self.replace_first_value("via", stamped)
        else:
            # WHY nothing else is forgotten: no other value has changed, and the place of none.
            self.lines[index] = b"Via: " + stamped
            self._via = None

    def replace_first_value(self, key: str, value: bytes) -> None:
        """Give the first value of a list with commas another form and leave the others as they are: the topmost Via.

        INVARIANT: there is such a line.
        """
        index = self.keys.index(key)
        rest = comma_values(self._value(index))[1:]
        self.lines[index] = line_of(key, b", ".join([value, *rest]))
        self._touched()

    def with_body(self, body: bytes, content_type: bytes | None) -> None:
        """Give the message another body, and say its length and type."""
        self.body = body
        if content_type is None:
            self.remove("content-type")
        else:
            self.replace("content-type", content_type)
        self.replace("content-length", b"%d" % len(body))

    def _octets(self, start: bytes) -> bytes:
        lines = self.lines
        if lines:
            return start + CRLF + CRLF.join(lines) + END_OF_HEAD + self.body
        return start + END_OF_HEAD + self.body


class SipRequest(SipMessage):
    """A request. `method` knows upper and lower case (RFC 3261 §7.1); `uri` is the Request-URI as written."""

    __slots__ = ("method", "uri")

    def __init__(self, method: str, uri: bytes, keys: list[str], lines: list[bytes], body: bytes = b"") -> None:
        super().__init__(keys, lines, body)
        self.method: Final = method
        self.uri: Final = uri

    def octets(self) -> bytes:
        """The message as it goes on the wire."""
        return self._octets(self.method.encode("ascii") + b" " + self.uri + b" SIP/2.0")

    def copy(self) -> "SipRequest":
        """A message of its own with the same content."""
        return SipRequest(self.method, self.uri, self.keys.copy(), self.lines.copy(), self.body)


class SipResponse(SipMessage):
    """A response. `status` is 100 to 699; `reason` is as written, usually UTF-8."""

    __slots__ = ("reason", "status")

    def __init__(self, status: int, reason: bytes, keys: list[str], lines: list[bytes], body: bytes = b"") -> None:
        super().__init__(keys, lines, body)
        self.status: Final = status
        self.reason: Final = reason

    def octets(self) -> bytes:
        """The message as it goes on the wire."""
        return self._octets(b"SIP/2.0 %d " % self.status + self.reason)

    def copy(self) -> "SipResponse":
        """A message of its own with the same content."""
        return SipResponse(self.status, self.reason, self.keys.copy(), self.lines.copy(), self.body)


Message = SipRequest | SipResponse


class MalformedRequest(SipError):
    """A request whose lines could be split, yet that is wrong: `request` holds what is needed to answer it."""

    def __init__(self, error: SipError, request: SipRequest) -> None:
        super().__init__(error.status, error.detail, error.headers)
        self.request: Final = request


def parse_head(head: bytes, limits: Limits) -> Message:
    """Read a start line and header lines: everything before the empty line, without it. The body is empty.

    Raises SipError where nothing can be answered (no start line of SIP, a response that is wrong), and MalformedRequest
    where a request is wrong: 400, 414, 505, 513.
    """
    lines = head.split(CRLF)
    start = lines[0]
    del lines[0]
    parts = start.split(b" ")
    if len(parts) == 3 and parts[2] == VERSION and parts[1]:
        method = METHODS.get(parts[0])
        if method is not None:
            keys, lines, error = _keys(head, lines, limits)
            request = SipRequest(method, parts[1], keys, lines)
            if error is None and len(parts[1]) <= limits.uri_octets:
                return request
            raise MalformedRequest(error or SipError(414, "uri.octets"), request)
    if start[:4].upper() == b"SIP/":
        status, reason = _status_line(start)
        keys, lines, error = _keys(head, lines, limits)
        if error is not None:
            raise error
        return SipResponse(status, reason, keys, lines)
    if len(parts) < 3 or b":" not in start or b"SIP/" not in start.upper():
        raise SipError(400, "start_line.form")
    return _unusual(parts, head, lines, limits)


def _unusual(parts: list[bytes], head: bytes, lines: list[bytes], limits: Limits) -> SipRequest:
    """A request with a method or a version that we do not know, or with spaces where none belong."""
    keys, lines, error = _keys(head, lines, limits)
    method = parts[0].decode("ascii") if is_token(parts[0]) else "?"
    request = SipRequest(method, parts[1], keys, lines)
    if len(parts) != 3 or not parts[1] or method == "?":
        raise MalformedRequest(SipError(400, "start_line.form"), request)
    version = parts[2].upper()
    if version != VERSION:
        major, dot, minor = version[4:].partition(b".")
        well = version[:4] == b"SIP/" and major.isdigit() and dot == b"." and minor.isdigit()
        raise MalformedRequest(SipError(505 if well else 400, "start_line.version"), request)
    if error is not None:
        raise MalformedRequest(error, request)
    if len(request.uri) > limits.uri_octets:
        raise MalformedRequest(SipError(414, "uri.octets"), request)
    return request


def lines_of_response(head: bytes, limits: Limits) -> SipResponse | None:
    """The header lines of a response that `parse_head` raised for, under the status 0, so that a stream can be read on;
    None where head is none.
    """
    if head[:4].upper() != b"SIP/":
        return None
    keys, lines, error = _keys(head, head.split(CRLF)[1:], limits)
    return SipResponse(0, b"", keys, lines) if error is None else None


def _status_line(start: bytes) -> tuple[int, bytes]:
    parts = start.split(b" ", 2)
    if parts[0] != VERSION and parts[0].upper() != VERSION:
        raise SipError(505, "start_line.version")
    # WHY the last space may be missing: some peers leave it out with an empty reason phrase, and nothing is ambiguous
    # then.
    if len(parts) < 2 or len(parts[1]) != 3 or not parts[1].isdigit():
        raise SipError(400, "start_line.status")
    status = int(parts[1])
    if not 100 <= status <= 699:
        raise SipError(400, "start_line.status")
    return status, parts[2] if len(parts) == 3 else b""


def _keys(head: bytes, lines: list[bytes], limits: Limits) -> tuple[list[str], list[bytes], SipError | None]:
    """The keys of the lines, the lines with their folds, and what is wrong; where something is, those that can be
    read.
    """
    keys: list[str] = []
    if len(head) > limits.head_octets or len(lines) > limits.most_lines:
        return keys, [], SipError(513, "head.size")
    # INVARIANT: CR and LF stand in the head only as line ends. A lone one could end a line at the next hop, and smuggle
    # a header field in.
    if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines):
        return keys, [], SipError(400, "head.line_end")
    if head.find(b"\0") >= 0 and head.count(b"\0") != head.count(b"\\\0"):
        return keys, [], SipError(400, "head.nul")
    if head.find(b"\r\n ") >= 0 or head.find(b"\r\n\t") >= 0:
        folded = _folds_joined(lines)
        if folded is None:
            return keys, [], SipError(400, "head.fold")
        lines = folded
    # WHY with the colon: a line without one then has the empty name, which is not known.
    known = KEYS
    keys = [known.get(line[: line.find(b":") + 1], "") for line in lines]
    if "" in keys:
        try:
            for index, key in enumerate(keys):
                if not key:
                    keys[index] = _unusual_key(lines[index])
        except SipError as error:
            return _readable(lines, error)
    if len(head) > limits.line_octets:
        for line in lines:
            if len(line) > limits.line_octets:
                return keys, lines, SipError(513, "line.octets")
    return keys, lines, None


def _unusual_key(line: bytes) -> str:
    name, colon, _ = line.partition(b":")
    if not colon:
        raise SipError(400, "header.colon")
    return key_of(name)


def _readable(lines: list[bytes], error: SipError) -> tuple[list[str], list[bytes], SipError]:
    """Only the lines that are header fields: what an answer to a wrong request needs may stand behind the wrong
    line.
    """
    keys: list[str] = []
    kept: list[bytes] = []
    for line in lines:
        name, colon, _ = line.partition(b":")
        if colon and is_token(name.rstrip(b" \t")):
            keys.append(key_of(name))
            kept.append(line)
    return keys, kept, error


def _folds_joined(lines: list[bytes]) -> list[bytes] | None:
    joined: list[bytes] = []
    run: list[bytes] = []
    for line in lines:
        if line[:1] in (b" ", b"\t"):
            if not run:
                return None
            run.append(line)
            continue
        if run:
            joined.append(CRLF.join(run))
        run = [line]
    joined.append(CRLF.join(run))
    return joined
