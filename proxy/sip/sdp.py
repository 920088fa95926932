"""What a session description is about, as far as a relay must know (RFC 8866, RFC 3264).

Owns the question whether text or messages would flow beside the voice, which the rules for texts would never see. Must
never change an octet of a description. How it works: the m= lines are read, and everything else is passed over but for
what makes the whole malformed; several bodies in one (multipart) are looked through part by part.
"""

from typing import Final

from msgspec import Struct

from proxy.sip.error import SipError
from proxy.sip.grammar import LWS, is_token, parameter, parameters
from proxy.sip.memory import Memory

#: The status of a body that describes media of text or messages.
OFFERS_TEXT: Final = 488
_SDP: Final = b"application/sdp"
_MOST_OCTETS: Final = 65535
_MOST_MEDIA: Final = 64
_MOST_PARTS: Final = 16
#: Media whose content is text: of RFC 8866 §5.14 and what is registered beside it.
_TEXT_MEDIA: Final = frozenset((b"text", b"message"))
#: Words in the transport that mean text: MSRP (RFC 4975), and data channels, which carry anything (RFC 8864). T.38 is
#: fax, and none.
_TEXT_TRANSPORTS: Final = (b"MSRP", b"SCTP")
#: In an attribute these mean text, now or in what is only offered as possible: T.140 (RFC 4103, RFC 4351), MSRP in a
#: data channel (RFC 8873), media capabilities (RFC 6871 §3.3).
_TEXT_ATTRIBUTES: Final = (b"t140", b"msrp", b"mt=text", b"mt=message")
#: One of these stands, in some case, in every description with text or messages in it.
_WORDS_OF_TEXT: Final = (b"text", b"message", b"msrp", b"t140", b"sctp")
#: Lines that are well formed and hold no such word, and whether they are m= lines. WHY a memory: of a description two
#: lines are its own, the others are those of its software.
_QUIET: Final[Memory[bool]] = Memory(2048)
#: Short messages as a body of their own (3GPP TS 24.341, 3GPP2 X.S0048).
_SHORT_MESSAGES: Final = frozenset((b"application/vnd.3gpp.sms", b"application/vnd.3gpp2.sms"))


class Media(Struct, frozen=True):
    """One m= line: what kind, on which port (0: refused or held back), over what, and the formats as written."""

    kind: bytes
    port: int
    transport: bytes
    formats: tuple[bytes, ...]


class Description(Struct, frozen=True):
    """What was read. `connections` are the values of all c= lines; `directions` those of sendrecv, sendonly, recvonly,
    inactive, in order.
    """

    media: tuple[Media, ...]
    connections: tuple[bytes, ...]
    directions: tuple[bytes, ...]
    codecs: tuple[bytes, ...]
    """Names of codecs in a=rtpmap, lower case."""
    names_text: bool = False
    """Whether an attribute speaks of text or messages, in whatever way."""

    @property
    def carries_text(self) -> bool:
        """Whether a stream of text or messages is offered, also one whose port is 0 now: a later offer need only name
        it again.
        """
        return self.names_text or any(
            each.kind in _TEXT_MEDIA or any(word in each.transport.upper().split(b"/") for word in _TEXT_TRANSPORTS)
            for each in self.media
        )


_DIRECTIONS: Final = frozenset((b"sendrecv", b"sendonly", b"recvonly", b"inactive"))


def _lines(body: bytes) -> list[bytes]:
    """The lines of a description; raises SipError(400) where it is none: lines that are not `x=value`, no v=0 first.

    WHY upper case is refused: types are lower case (RFC 8866 §5), yet a lenient reader further on might take `M=` for a
    media line.
    """
    lines = [line for line in _plain(body).split(b"\n") if line]
    for line in lines:
        _check_line(line)
    return lines


def _plain(body: bytes) -> bytes:
    """The body with LF as its only line end."""
    if len(body) > _MOST_OCTETS or not body.startswith(b"v=0"):
        raise SipError(400, "sdp.version")
    plain = body.replace(b"\r\n", b"\n")
    if plain.find(b"\r") >= 0 or plain.find(b"\0") >= 0:
        raise SipError(400, "sdp.line")
    return plain


def _check_line(line: bytes) -> None:
    if len(line) < 2 or line[1] != 0x3D or not 0x61 <= line[0] <= 0x7A:
        raise SipError(400, "sdp.line")


def parse_sdp(body: bytes) -> Description:
    """Read a description; raises SipError(400) where it is none, or an m= line says nothing. Lines may end in LF alone
    (RFC 8866 §5).
    """
    media: list[Media] = []
    connections: list[bytes] = []
    directions: list[bytes] = []
    codecs: list[bytes] = []
    names_text = False
    for line in _lines(body):
        kind = line[:1]
        if kind == b"m":
            media.append(_media(line[2:]))
            if len(media) > _MOST_MEDIA:
                raise SipError(400, "sdp.media.count")
        elif kind == b"c":
            connections.append(line[2:].strip())
        elif kind == b"a":
            value = line[2:].strip()
            # WHY anywhere in it: what a lenient reader splits at other spaces than we do must not hide it.
            lower = value.lower()
            names_text = names_text or any(lower.find(word) >= 0 for word in _TEXT_ATTRIBUTES)
            if value in _DIRECTIONS:
                directions.append(value)
            elif value[:7].lower() == b"rtpmap:":
                codecs.append(value[7:].partition(b" ")[2].strip().partition(b"/")[0].lower())
    return Description(tuple(media), tuple(connections), tuple(directions), tuple(codecs), names_text)


def _carries_text(body: bytes) -> bool:
    """As `parse_sdp(body).carries_text`, with the same errors, but short where no word of text is in the body at
    all.
    """
    media = 0
    new: list[bytes] = []
    for line in _plain(body).split(b"\n"):
        if not line:
            continue
        is_media = _QUIET.get(line)
        if is_media is None:
            lower = line.lower()
            for word in _WORDS_OF_TEXT:
                if lower.find(word) >= 0:
                    return parse_sdp(body).carries_text
            _check_line(line)
            new.append(line)
            is_media = line[0] == 0x6D
        if is_media:
            media += 1
    if media > _MOST_MEDIA:
        raise SipError(400, "sdp.media.count")
    for line in new:
        is_media = line[0] == 0x6D
        if is_media:
            _check_media_line(line[2:].split())
        _QUIET.keep(line, is_media)
    return False


def _check_media_line(parts: list[bytes]) -> int:
    """The port of an m= line."""
    if len(parts) < 4:
        raise SipError(400, "sdp.media")
    port = parts[1].partition(b"/")[0]
    if not port.isdigit() or len(port) > 5 or int(port) > 65535:
        raise SipError(400, "sdp.media.port")
    return int(port)


def _media(value: bytes) -> Media:
    parts = value.split()
    port = _check_media_line(parts)
    return Media(parts[0].lower(), port, parts[2], tuple(parts[3:]))


def check_media(content_type: bytes | None, body: bytes) -> None:
    """Raise SipError where a body may not pass: 488 for a description with text or messages in it, 400 for one of no
    type or that cannot be read, 415 for text itself and for a body whose parts cannot be told apart. Bodies of other
    types are not looked at.
    """
    if not body:
        return
    if content_type is None:
        raise SipError(400, "content_type.missing")
    if content_type == _SDP:
        written = kind = content_type
    else:
        written, _, _ = content_type.partition(b";")
        kind = b"".join(written.lower().split())
    if kind == _SDP:
        if _carries_text(body):
            raise SipError(OFFERS_TEXT, "sdp.text")
    elif kind.startswith(b"multipart/"):
        rest = content_type[len(written) :]
        for part_type, part in _parts(rest, body):
            check_media(part_type, part)
    elif kind.startswith((b"text/", b"message/")) or kind in _SHORT_MESSAGES:
        # WHY: a text that comes along with a call is a text that no rule for texts has seen.
        raise SipError(415, "body.text")
    else:
        main, slash, sub = kind.partition(b"/")
        if not slash or not is_token(main) or not is_token(sub):
            # WHY: a type with a remark, or two of them, is another type to a lenient reader further on.
            raise SipError(415, "content_type.form")


def _parts(rest: bytes, body: bytes) -> list[tuple[bytes, bytes]]:
    """The parts of a multipart body: type and content (RFC 2046 §5.1.1). One within another raises SipError(415)."""
    boundary = parameter(parameters(rest), b"boundary")
    if boundary is None or not boundary.strip(b'"'):
        raise SipError(415, "multipart.boundary")
    mark = b"\r\n--" + boundary.strip(b'"')
    pieces = (b"\r\n" + body).split(mark)
    if len(pieces) < 3 or len(pieces) > _MOST_PARTS or not pieces[-1].startswith(b"--"):
        raise SipError(415, "multipart.form")
    if body.count(mark[2:]) != len(pieces) - 1:
        # WHY: a boundary behind a bare LF is none, but a lenient reader further on might find a part there that we did
        # not.
        raise SipError(415, "multipart.boundary")
    found: list[tuple[bytes, bytes]] = []
    for piece in pieces[1:-1]:
        head, blank, content = piece.partition(b"\r\n\r\n")
        if not blank or piece.lstrip(b" \t")[:2] != b"\r\n":
            raise SipError(415, "multipart.part")
        kind = b"text/plain"
        for line in head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").split(b"\r\n")[1:]:
            name, colon, value = line.partition(b":")
            name = name.strip(LWS).lower()
            value = value.strip(LWS)
            if not colon:
                raise SipError(415, "multipart.header")
            if name == b"content-type":
                kind = value
            elif name == b"content-transfer-encoding" and value.lower() not in (b"binary", b"7bit", b"8bit"):
                # WHY: what is encoded again could hide a description from us and show it to the next hop.
                raise SipError(415, "multipart.encoding")
        if kind.lower().startswith(b"multipart/"):
            raise SipError(415, "multipart.nested")
        found.append((kind, content))
    return found
