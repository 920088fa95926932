"""A SIP message: a start line, header lines in their order, a body (RFC 3261 §7).

Owns the reading of values, the editing of lines, and writing them again. Must never change an octet that
nobody asked it to change: what is not touched is written as it came, folds, spaces and spellings included. How it
works: `keys` and `lines` are two lists of the same length; a line is a whole header line without its CRLF, and its key
says which field it is. Values are read when asked for; those that every message is asked for (Via, From, To, CSeq) are
kept.
"""

from typing import Final

from msgspec import Struct

from proxy.sip.cseq import CSeq, parse_cseq
from proxy.sip.error import SipError
from proxy.sip.grammar import comma_values, first_comma_value, is_call_id, number, unfolded
from proxy.sip.headers import behind_colon, line_of
from proxy.sip.memory import Memory
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
    body; `plain` is set by whoever has seen that no line holds a fold.
    """

    __slots__ = ("_call_id", "_cseq", "_from", "_to", "_via", "body", "keys", "lines", "plain")

    def __init__(self, keys: list[str], lines: list[bytes], body: bytes) -> None:
        self.keys = keys
        self.lines = lines
        self.body = body
        self.plain = False
        self._call_id = b""
        self._via: Via | None = None
        self._from: NameAddr | None = None
        self._to: NameAddr | None = None
        self._cseq: CSeq | None = None

    # Reading

    def _value(self, index: int) -> bytes:
        line = self.lines[index]
        start = behind_colon(line)
        last = len(line) - 1
        # WHY apart: nearly all are a colon, one space and the value.
        if self.plain and last > start and line[start] == 0x20 and line[start + 1] > 0x20 and line[last] > 0x20:
            return line[start + 1 :]
        value = line[start:].strip(b" \t")
        return unfolded(value) if value.find(b"\r\n") >= 0 else value

    def _only(self, key: str) -> int:
        """The place of the only line with this key; raises SipError(400) where there is none, or two."""
        keys = self.keys
        found = -1
        # WHY no index of keys: making one costs more than the few fields that are asked for.
        for place, each in enumerate(keys):
            if each == key:
                if found >= 0:
                    raise SipError(400, "header.twice." + key)
                found = place
        if found < 0:
            raise SipError(400, "header.missing." + key)
        return found

    def has(self, key: str) -> bool:
        """Whether there is such a line."""
        return key in self.keys

    def first(self, key: str) -> bytes | None:
        """The value of the first line with this key, unfolded, None where there is none."""
        keys = self.keys
        return self._value(keys.index(key)) if key in keys else None

    def single(self, key: str) -> bytes | None:
        """The value of the only line with this key; raises SipError(400) where there are two."""
        return self._value(self._only(key)) if key in self.keys else None

    def needed(self, key: str) -> bytes:
        """As `single`, but raises SipError(400) where there is no such line or nothing in it."""
        return self._something(self._only(key), key)

    def _something(self, index: int, key: str) -> bytes:
        value = self._value(index)
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
            read = self._address("from")
            self._from = read
        return read

    @property
    def to(self) -> NameAddr:
        """The To address."""
        read = self._to
        if read is None:
            read = self._address("to")
            self._to = read
        return read

    @property
    def cseq(self) -> CSeq:
        """The CSeq number and method."""
        read = self._cseq
        if read is None:
            read = self._numbered()
            self._cseq = read
        return read

    def _address(self, key: str) -> NameAddr:
        index = self._only(key)
        line = self.lines[index]
        read = _ADDRESSES.get(line)
        if read is None:
            read = parse_name_addr(self._something(index, key))
            _ADDRESSES.keep(line, read)
        return read

    def _numbered(self) -> CSeq:
        index = self._only("cseq")
        line = self.lines[index]
        read = _NUMBERS.get(line)
        if read is None:
            read = parse_cseq(self._something(index, "cseq"))
            _NUMBERS.keep(line, read)
        return read

    def essentials(self) -> None:
        """Read From, To, CSeq and Call-ID and keep them; raises SipError(400) where one is missing, twice there or
        malformed.
        """
        index = self._only("call-id")
        line = self.lines[index]
        call_id = _CALL_IDS.get(line)
        if call_id is None:
            call_id = self._something(index, "call-id")
            if not is_call_id(call_id):
                raise SipError(400, "call_id.form")
            _CALL_IDS.keep(line, call_id)
        self._call_id = call_id
        self._cseq = self._numbered()
        _ = self.from_.tag, self.to.tag

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
        return self.counted("content-length", 2**31 - 1, "content_length")

    def counted(self, key: str, most: int, detail: str) -> int | None:
        """The number that the only line with this key says, None where there is none; raises SipError(400, detail)
        beyond `most`, or where it is no number. INVARIANT: one key is asked for with one `most`.
        """
        if key not in self.keys:
            return None
        index = self._only(key)
        line = self.lines[index]
        read = _COUNTS.get(line)
        if read is None:
            read = number(self._value(index), most, 400, detail)
            _COUNTS.keep(line, read)
        return read

    # Editing

    def _touched(self) -> None:
        self.plain = False
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
        if stamped is via:
            return
        index = self.keys.index("via")
        if self.lines[index].find(b",") >= 0:
            self.replace_first_value("via", stamped.written)
        else:
            # WHY nothing else is forgotten: no other value has changed, and the place of none.
            self.lines[index] = b"Via: " + stamped.written
            self._via = stamped

    def replace_first_value(self, key: str, value: bytes) -> None:
        """Give the first value of a list with commas another form and leave the others as they are: the topmost Via.

        INVARIANT: there is such a line.
        """
        index = self.keys.index(key)
        rest = comma_values(self._value(index))[1:]
        self.lines[index] = line_of(key, b", ".join([value, *rest]))
        self._touched()

    def _octets(self, start: bytes) -> bytes:
        lines = self.lines
        if lines:
            return start + CRLF + CRLF.join(lines) + END_OF_HEAD + self.body
        return start + END_OF_HEAD + self.body


#: What lines say. WHY memories: a call's From, To, Call-ID and CSeq come in every message of it.
_ADDRESSES: Final[Memory[NameAddr]] = Memory(4096)
_NUMBERS: Final[Memory[CSeq]] = Memory(256)
_CALL_IDS: Final[Memory[bytes]] = Memory(4096)
_COUNTS: Final[Memory[int]] = Memory(256)


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
