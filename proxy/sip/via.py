"""One value of Via: the transport, who sent it, the branch, and where the response goes (RFC 3261 §18.2, §20.42, RFC
3581).

Owns what a server adds to the top value (`received`, `rport`). Must never decide where octets go: it says what the
value asks for.
"""

from functools import lru_cache
from typing import Final

from proxy.sip.error import SipError
from proxy.sip.grammar import TOKEN, Params, is_token, number, parameter, parameters
from proxy.sip.host import is_host
from proxy.sip.memory import Memory

MAGIC: Final = b"z9hG4bK"
_PORT_MOST: Final = 65535
_PLAIN: Final = b"SIP/2.0/"
#: What stood behind a branch and was found well, none of it another branch.
_TAILS: Final[Memory[bool]] = Memory(1024)


class Via:
    """`transport` in upper case; `host` as written (brackets of IPv6 included); `port` 0 where none is written; `rest`
    the parameters.
    """

    __slots__ = ("_params", "_sender", "asks", "branch", "filled", "host", "port", "rest", "transport", "written")

    def __init__(self, transport: bytes, host: bytes, port: int, rest: bytes, written: bytes) -> None:
        self.transport: Final = transport
        self.host: Final = host
        self.port: Final = port
        self.rest: Final = rest
        self.written: Final = written
        self._params: Params | None = None
        self._sender = b""
        #: The branch, empty where there is none (RFC 2543).
        self.branch = b""
        #: Whether it is nothing but a branch and an empty `rport` behind it.
        self.asks = False
        #: The `rport` that was filled in here, 0 where none was.
        self.filled = 0

    @property
    def params(self) -> Params:
        """The parameters in order."""
        read = self._params
        if read is None:
            read = parameters(self.rest)
            self._params = read
        return read

    @property
    def sent_by(self) -> bytes:
        """Host in lower case and port as written, as matching wants it (RFC 3261 §17.2.3)."""
        return self.host.lower() + b":%d" % self.port if self.port else self.host.lower()

    @property
    def sender(self) -> bytes:
        """Branch and sent-by: with a method, what a request is known by (RFC 3261 §17.2.3)."""
        read = self._sender
        if not read:
            read = self.branch + b" " + self.sent_by
            self._sender = read
        return read

    @property
    def unique(self) -> bool:
        """Whether the branch is one of RFC 3261: the magic cookie, and something after it (§8.1.1.7, RFC 4475
        §3.2.1).
        """
        branch = self.branch
        return len(branch) > len(MAGIC) and branch[:7].lower() == b"z9hg4bk"

    def stamped(self, host: bytes, port: int) -> "Via":
        """The value with the source of the request in it: `received` where it differs from sent-by or `rport` asks,
        `rport` where it asks (RFC 3261 §18.2.1, RFC 3581 §4). `host` is an address without brackets. The value itself
        where nothing is to be added.
        """
        rest = self.rest
        if self.asks:
            read = self._with(rest[:-6] + b";received=" + host + b";rport=%d" % port)
            read.filled = port
            return read
        if rest.endswith(b";received=" + host + b";rport=%d" % port):
            lower = rest.lower()
            if lower.count(b"received") == lower.count(b"rport") == 1:
                # WHY: who repeats what we answered, as some do in an ACK, has it filled in already.
                self.filled = port
                return self
        fresh = rest.find(b"received") < 0
        if fresh and rest.count(b";rport") == 1 and (rest[-6:] == b";rport" or rest.find(b";rport;") >= 0):
            read = self._with(rest.replace(b";rport", b";received=" + host + b";rport=%d" % port, 1))
            read.filled = port
            return read
        asked = any(name == b"rport" for name, _ in self.params)
        bare = self.host[1:-1] if self.host[:1] == b"[" else self.host
        same = bare.lower() == host.lower()
        if not asked and fresh:
            return self if same else self._with(rest + b";received=" + host)
        # WHY what the sender says of itself goes: `received` and a filled `rport` are the server's to write.
        kept = b"".join(
            b";" + name + (b"" if value is None else b"=" + value)
            for name, value in self.params
            if name not in (b"received", b"rport")
        )
        if asked:
            read = self._with(kept + b";received=" + host + b";rport=%d" % port)
            read.filled = port
            return read
        return self._with(kept + (b"" if same else b";received=" + host))

    def _with(self, rest: bytes) -> "Via":
        """The same with other parameters, the branch among them as it is."""
        start = self.written[: len(self.written) - len(self.rest)].rstrip()
        read = Via(self.transport, self.host, self.port, rest, start + rest)
        read.branch = self.branch
        read._sender = self._sender
        return read

    @property
    def answer_port(self) -> int:
        """The port of `response_target`."""
        return self.filled or self.response_target()[1]

    def response_target(self) -> tuple[bytes, int]:
        """Host and port to which an unreliable transport answers: received and rport, else sent-by; port 0 means the
        default (RFC 3261 §18.2.2, RFC 3581 §4). maddr is not followed: nobody says where else our octets go.

        INVARIANT: only of a value that was stamped here; of another it would be what a stranger says of himself.
        """
        params = self.params
        port = self.port
        filled = parameter(params, b"rport")
        if filled:
            port = number(filled, _PORT_MOST, 400, "via.rport")
        received = parameter(params, b"received")
        return received or self.host, port


def parse_via(value: bytes) -> Via:
    """Read one unfolded value; raises SipError(400), and SipError(505) for a protocol version that is not 2.0."""
    semicolon = value.find(b";")
    start = value if semicolon < 0 else value[:semicolon]
    rest = b"" if semicolon < 0 else value[semicolon:]
    transport, host, port = _sent(start)
    read = Via(transport, host, port, rest, value)
    if rest[:8] == b";branch=":
        # WHY apart: nearly all say a branch and nothing else, or that and what comes again of each peer.
        end = rest.find(b";", 8)
        branch = rest[8:] if end < 0 else rest[8:end]
        tail = b"" if end < 0 else rest[end:]
        asks = tail == b";rport"
        if (end < 0 or asks or _TAILS.get(tail) is not None) and is_token(branch):
            read.branch = branch
            read.asks = asks
            return read
        _check(read)
        if end >= 0 and not any(name == b"branch" for name, _ in parameters(tail)):
            _TAILS.keep(tail, True)
        return read
    _check(read)
    return read


# WHY a memory: the same few peers send the same protocol, host and port in every message.
@lru_cache(maxsize=1024)
def _sent(start: bytes) -> tuple[bytes, bytes, int]:
    parts = start.split()
    if len(parts) != 2 or parts[0][:8] != _PLAIN:
        # The slow way: spaces around the slashes and the colon (RFC 3261 §25.1, `sent-protocol`, `sent-by`).
        pieces = start.split(b"/", 2)
        if len(pieces) != 3 or pieces[0].strip().upper() != b"SIP":
            raise SipError(400, "via.protocol")
        if pieces[1].strip() != b"2.0":
            raise SipError(505, "via.version")
        parts = pieces[2].split(None, 1)
        if len(parts) != 2:
            raise SipError(400, "via.sent_by")
        transport = parts[0]
    else:
        transport = parts[0][8:]
    if not transport or transport.translate(None, TOKEN):
        raise SipError(400, "via.transport")
    sent_by = parts[1]
    colon = sent_by.rfind(b":")
    port = 0
    host = sent_by
    if colon > 0 and (
        sent_by[:1] != b"[" or sent_by[colon - 1 : colon] == b"]" or sent_by[:colon].rstrip()[-1:] == b"]"
    ):
        port = number(sent_by[colon + 1 :].strip(), _PORT_MOST, 400, "via.port")
        if port == 0:
            raise SipError(400, "via.port")
        host = sent_by[:colon].rstrip()
    if not is_host(host):
        raise SipError(400, "via.host")
    return transport.upper(), host, port


_CHECKED: Final = frozenset((b"ttl", b"rport", b"branch", b"received", b"maddr"))


def _check(via: Via) -> None:
    for name, value in via.params:
        if name not in _CHECKED:
            continue
        if name == b"branch" and value and not via.branch:
            via.branch = value
            continue
        if name == b"ttl":
            number(value or b"", 255, 400, "via.ttl")
        elif name == b"rport" and value is not None:
            number(value, _PORT_MOST, 400, "via.rport")
        elif name == b"branch":
            raise SipError(400, "via.branch")
        elif name in (b"received", b"maddr") and (
            value is None or not (is_host(value) or is_host(b"[" + value + b"]"))
        ):
            raise SipError(400, "via." + name.decode("ascii"))
