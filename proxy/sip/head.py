"""The head of a message: everything before the empty line, split into a start line and header lines (RFC 3261 §7).

Owns the one split of octets into lines. Must never change a line. What it makes is a `SipRequest` or a `SipResponse`
without its body.
"""

from typing import Final

from proxy.sip.error import SipError
from proxy.sip.grammar import is_token
from proxy.sip.headers import KEYS, behind_colon, key_of
from proxy.sip.memory import Memory
from proxy.sip.message import CRLF, VERSION, Limits, MalformedRequest, Message, SipRequest, SipResponse
from proxy.sip.methods import METHODS

#: Names that are not among the usual, and their keys.
_OTHERS: Final[Memory[str]] = Memory(1024)


def parse_head(head: bytes, limits: Limits) -> Message:
    """Read a start line and header lines: everything before the empty line, without it. The body is empty.

    Raises SipError where nothing can be answered (no start line of SIP, a response that is wrong), and MalformedRequest
    where a request is wrong: 400, 414, 505, 513.
    """
    lines = head.splitlines()
    clean = _is_clean(head, lines)
    if not clean:
        lines = head.split(CRLF)
    start = lines[0]
    del lines[0]
    parts = start.split(b" ")
    if len(parts) == 3 and parts[2] == VERSION and parts[1]:
        method = METHODS.get(parts[0])
        if method is not None:
            usual = _usual_keys(head, lines, limits) if clean else None
            if usual is not None and len(parts[1]) <= limits.uri_octets:
                request = SipRequest(method, parts[1], usual, lines)
                request.plain = True
                return request
            keys, lines, error = _keys(head, lines, limits)
            request = SipRequest(method, parts[1], keys, lines)
            if error is None and len(parts[1]) <= limits.uri_octets:
                return request
            raise MalformedRequest(error or SipError(414, "uri.octets"), request)
    if start[:4].upper() == b"SIP/":
        status, reason = _status_line(start)
        usual = _usual_keys(head, lines, limits) if clean else None
        if usual is not None:
            response = SipResponse(status, reason, usual, lines)
            response.plain = True
            return response
        keys, lines, error = _keys(head, lines, limits)
        if error is not None:
            raise error
        return SipResponse(status, reason, keys, lines)
    if len(parts) < 3 or b":" not in start or b"SIP/" not in start.upper():
        raise SipError(400, "start_line.form")
    return _unusual(start, parts, head, lines, limits)


def _unusual(start: bytes, parts: list[bytes], head: bytes, lines: list[bytes], limits: Limits) -> SipRequest:
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


def _is_clean(head: bytes, lines: list[bytes]) -> bool:
    """Whether a head that was cut at each CR, LF and CRLF holds nothing but CRLF of these, and no NUL."""
    if not lines or head[len(head) - 1] in (0x0A, 0x0D) or head.find(b"\0") >= 0:
        return False
    # WHY so: then each cut took two octets, and no pass over them all is needed.
    octets = 2 * (len(lines) - 1)
    for line in lines:
        octets += len(line)
    return octets == len(head)


def _usual_keys(head: bytes, lines: list[bytes], limits: Limits) -> list[str] | None:
    """The keys of the lines of a clean head, where nothing in it is unusual: no fold, no line too long."""
    count = len(lines)
    if len(head) > limits.line_octets or len(head) > limits.head_octets or count > limits.most_lines:
        return None
    keys: list[str] = []
    for line in lines:
        name = line[: behind_colon(line)]
        key = KEYS.get(name)
        if key is None:
            key = _OTHERS.get(name)
            if key is None:
                if not name:
                    return None
                try:
                    key = key_of(name[:-1])
                except SipError:
                    return None
                _OTHERS.keep(name, key)
        keys.append(key)
    return keys


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
    try:
        for line in lines:
            colon = line.find(b":")
            key = KEYS.get(line[: colon + 1])
            keys.append(_unusual_key(line) if key is None else key)
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
