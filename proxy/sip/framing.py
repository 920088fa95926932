"""Where one message ends and the next begins: datagrams and streams (RFC 3261 §7.5, §18.3, §20.14, RFC 5626 §3.5.1).

Owns the octets that are not yet a message, and how many and how old they may become. Must never wait for what cannot
come: an unreadable Content-Length on a stream ends the connection, since nobody knows where the next message begins.
"""

from typing import Final

from proxy.sip.error import SipError
from proxy.sip.head import lines_of_response, parse_head
from proxy.sip.message import END_OF_HEAD, Limits, MalformedRequest, Message, SipRequest

#: Behind the Request-URI of an ACK.
_ACK_VIA: Final = b" SIP/2.0\r\nVia: "


def read_datagram(data: bytes, limits: Limits) -> Message | None:
    """One message from one datagram; None for a keep-alive of nothing but line ends.

    What lies behind the body that Content-Length names is left out; without Content-Length the body is all the rest.
    Raises MalformedRequest or SipError as `parse_head` does: 400 where the body is shorter than it says or the empty
    line is missing, 513 beyond the limits.
    """
    if data[:1] in (b"\r", b"\n", b""):
        data = data.lstrip(b"\r\n")
        if not data:
            return None
    end = data.find(END_OF_HEAD)
    if end < 0:
        message = parse_head(data[:-2] if data[-2:] == b"\r\n" else data, limits)
        raise _wrong(message, SipError(400, "head.open"))
    message = parse_head(data[:end], limits)
    try:
        octets = message.content_length()
    except SipError as error:
        raise _wrong(message, error) from None
    body = data[end + 4 :]
    if octets is not None:
        if octets > len(body):
            raise _wrong(message, SipError(400, "body.short"))
        if octets < len(body):
            body = body[:octets]
    if len(body) > limits.body_octets:
        raise _wrong(message, SipError(513, "body.octets"))
    message.body = body
    return message


def via_of_ack(data: bytes) -> bytes | None:
    """The topmost Via value of a datagram that is an ACK as nearly all are written: no body, Via in the first line and
    alone there. None where `read_datagram` has to tell.
    """
    if data[:4] != b"ACK " or data[-4:] != END_OF_HEAD:
        return None
    start = data.find(b"\r\n") + 7
    if start < 24 or data[start - 15 : start] != _ACK_VIA or data.find(b" ", 4) != start - 15:
        return None
    end = data.find(b"\r\n", start)
    value = data[start:end]
    if data[end + 2] in b" \t" or value.find(b",") >= 0:
        return None
    return value


def _wrong(message: Message, error: SipError) -> SipError:
    if isinstance(message, SipRequest):
        return MalformedRequest(error, message)
    return error


class Ping:
    """A double CRLF between messages of a stream: the peer asks for one CRLF back (RFC 5626 §3.5.1, §4.4.1)."""

    __slots__ = ()


class Broken:
    """The stream cannot be read on: answer `error` where it is a MalformedRequest, then close the connection."""

    __slots__ = ("error",)

    def __init__(self, error: SipError) -> None:
        self.error: Final = error


PING: Final = Ping()
Framed = Message | MalformedRequest | Ping | Broken


class StreamFraming:
    """The octets of one connection, cut into messages. `patience_s`: how long a message may be on its way (slow
    senders).
    """

    __slots__ = (
        "_begun_at",
        "_body_octets",
        "_buffer",
        "_limits",
        "_pending",
        "_scanned",
        "_wrong",
        "broken",
        "patience_s",
    )

    def __init__(self, limits: Limits, patience_s: float) -> None:
        self._limits = limits
        self._buffer = b""
        self._scanned = 0
        #: The message whose body is not complete, and how long that body is.
        self._pending: Message | None = None
        #: What is wrong with it, where something is.
        self._wrong: SipError | None = None
        self._body_octets = 0
        self._begun_at: float | None = None
        self.patience_s: Final = patience_s
        self.broken = False

    def next_deadline(self) -> float | None:
        """Monotonic time at which a message that has begun must be complete; None while none has begun."""
        return None if self._begun_at is None or self.broken else self._begun_at + self.patience_s

    def late(self, now: float) -> bool:
        """Whether the deadline has passed: the connection is to be closed."""
        deadline = self.next_deadline()
        return deadline is not None and deadline <= now

    def receive(self, data: bytes, now: float) -> list[Framed]:
        """Take octets and give what is complete: messages, requests to be answered with an error, pings, or the end.

        After a `Broken` nothing is read any more. INVARIANT: what is kept is at most one head or one body within the
        limits, and one `data`.
        """
        found: list[Framed] = []
        if self.broken:
            return found
        buffer = self._buffer + data if self._buffer else data
        while True:
            if self._pending is None:
                buffer = self._between(buffer, found)
                if not buffer or not self._head(buffer, found):
                    break
                buffer = self._buffer
            message = self._pending
            if message is None or len(buffer) < self._body_octets:
                break
            self._complete(message, buffer[: self._body_octets], found)
            buffer = buffer[self._body_octets :]
        if found and isinstance(found[-1], Broken):
            self._buffer = b""
            return found
        self._buffer = buffer
        idle = self._pending is None and buffer in (b"", b"\r\n", b"\r")
        if idle:
            self._begun_at = None
        elif self._begun_at is None or found:
            self._begun_at = now
        return found

    def _between(self, buffer: bytes, found: list[Framed]) -> bytes:
        """Take line ends before a start line away; each pair of them is a ping."""
        while buffer[:4] == END_OF_HEAD:
            found.append(PING)
            buffer = buffer[4:]
        if buffer[:2] == b"\r\n" and len(buffer) > 2 and buffer[2] != 0x0D:
            buffer = buffer[2:]
        return buffer

    def _head(self, buffer: bytes, found: list[Framed]) -> bool:
        end = buffer.find(END_OF_HEAD, self._scanned)
        if end < 0:
            self._scanned = max(0, len(buffer) - 3)
            if len(buffer) > self._limits.head_octets:
                self._break(SipError(513, "head.size"), found)
            elif buffer[:1] in (b"\r", b"\n") and buffer not in (b"\r", b"\r\n", b"\r\n\r"):
                self._break(SipError(400, "head.line_end"), found)
            return False
        self._scanned = 0
        wrong: SipError | None = None
        message: Message | None
        try:
            message = parse_head(buffer[:end], self._limits)
        except MalformedRequest as malformed:
            # WHY another name: compiled, one name has one type in a function.
            wrong = malformed
            message = malformed.request
        except SipError as error:
            wrong = error
            message = lines_of_response(buffer[:end], self._limits)
            if message is None:
                self._break(error, found)
                return False
        try:
            octets = message.content_length()
            if octets is None:
                raise SipError(400, "content_length.missing")
            if octets > self._limits.body_octets:
                raise SipError(513, "body.octets")
        except SipError as error:
            # WHY the first error counts: it is the one that the peer can mend.
            self._break(_wrong(message, error) if wrong is None else wrong, found)
            return False
        self._pending = message
        self._wrong = wrong
        self._body_octets = octets
        self._buffer = buffer[end + 4 :]
        return True

    def _complete(self, message: Message, body: bytes, found: list[Framed]) -> None:
        wrong = self._wrong
        self._pending = None
        self._wrong = None
        if wrong is not None:
            # WHY a wrong response is dropped and the stream read on: its Content-Length says where it ends (RFC 4475
            # §3.1.2.19).
            if isinstance(wrong, MalformedRequest):
                found.append(wrong)
            return
        message.body = body
        found.append(message)

    def _break(self, error: SipError, found: list[Framed]) -> None:
        self.broken = True
        found.append(Broken(error))
