"""Dialogs: what two user agents remember of each other between requests (RFC 3261 §12).

Owns tags, CSeq numbers, remote target and route set, and the requests built from them. Must never decide what a request
means, nor where its octets go: the route set is put into the request as the RFC wants it, and the flow is chosen by who
sends it. How it works: one class for both sides; what differs is how it is made. A fork's responses each make a dialog
of their own of the same INVITE.
"""

from typing import Final, Literal

from proxy.sip.error import SipError
from proxy.sip.headers import line_of
from proxy.sip.memory import Memory
from proxy.sip.message import SipMessage, SipRequest, SipResponse
from proxy.sip.name_addr import NameAddr
from proxy.sip.reply import Headers
from proxy.sip.uri import parse_uri

State = Literal["early", "confirmed", "terminated"]

#: Requests that may move the remote target (§12.2, RFC 3311 §5.1).
TARGET_REFRESH: Final = frozenset(("INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER"))
_NO_BODY: Final = b"Content-Length: 0"


#: The targets that lines name. WHY a memory: a gateway has one for all its calls, a caller one for all of a number's.
_CONTACTS: Final[Memory[bytes]] = Memory(1024)


class Dialog:
    """One dialog. `local` and `remote` are the values of From and To as requests of ours bear them, tags included.

    `target` is the remote target URI, `routes` the route set in the order in which requests of ours bear it.
    `local_sequence` is the number of the last request of ours; `remote_sequence` that of the last of the peer's, -1
    before any.
    """

    __slots__ = (
        "call_id",
        "local",
        "local_sequence",
        "local_tag",
        "remote",
        "remote_sequence",
        "remote_tag",
        "routes",
        "state",
        "target",
    )

    def __init__(
        self,
        call_id: bytes,
        local: bytes,
        local_tag: bytes,
        remote: bytes,
        remote_tag: bytes,
        target: bytes,
        routes: tuple[bytes, ...],
        state: State,
    ) -> None:
        self.call_id: Final = call_id
        self.local: Final = local
        self.local_tag: Final = local_tag
        self.remote: Final = remote
        self.remote_tag: Final = remote_tag
        self.target = target
        self.routes = routes
        self.state: State = state
        self.local_sequence = 0
        self.remote_sequence = -1

    # What comes in

    def belongs(self, request: SipRequest) -> bool:
        """Whether a request is of this dialog: Call-ID and both tags (§12.2.2)."""
        return (
            request.call_id == self.call_id
            and request.to.tag == self.local_tag
            and (request.from_.tag or b"") == self.remote_tag
        )

    def receive(self, request: SipRequest) -> None:
        """Take the number of a request that belongs here; raises SipError(500) where it is not above the last one
        (§12.2.2).

        An ACK bears the number of its INVITE and moves nothing. A target refresh moves the target only when it is
        accepted: `refresh`.
        """
        if request.method in ("ACK", "CANCEL"):
            return
        number = request.cseq.number
        if number <= self.remote_sequence:
            raise SipError(500, "cseq.order", ((b"Retry-After", b"0"),))
        self.remote_sequence = number

    def refresh(self, message: SipMessage) -> None:
        """The target becomes the Contact of an accepted target refresh request, or of the 2xx of ours, where there is
        one (§12.2.1.2, §12.2.2).
        """
        if message.has("contact"):
            self.target = contact_of(message)

    def confirm(self, response: SipResponse) -> None:
        """A 2xx came to the INVITE that made this dialog: the route set and target are those of the 2xx (§13.2.2.4)."""
        if self.state == "early":
            self.routes = tuple(reversed(response.values("record-route")))
            self.state = "confirmed"
        self.refresh(response)

    def end(self) -> None:
        """A BYE, a 481 or 408, or the end of the INVITE that made it (§12.3)."""
        self.state = "terminated"

    # What goes out

    def request(
        self,
        method: str,
        via: bytes,
        headers: Headers | None = None,
        body: bytes = b"",
        max_forwards: int = 70,
    ) -> SipRequest:
        """The next request of ours, with the next number; `headers` hold Contact, Content-Type and whatever else, `via`
        is the value of Via.
        """
        self.local_sequence += 1
        return self._build(method, self.local_sequence, via, headers, body, max_forwards)

    def ack(self, invite_number: int, via: bytes, headers: Headers | None = None, body: bytes = b"") -> SipRequest:
        """The ACK of a 2xx: the number of its INVITE, a Via of its own, the dialog's routes (§13.2.2.4). Credentials of
        the INVITE stand in `headers`.
        """
        return self._build("ACK", invite_number, via, headers, body, 70)

    def _build(
        self, method: str, number: int, via: bytes, headers: Headers | None, body: bytes, max_forwards: int
    ) -> SipRequest:
        uri, routes = self._way()
        keys = ["via", "max-forwards", "from", "to", "call-id", "cseq"]
        lines = [
            b"Via: " + via,
            b"Max-Forwards: %d" % max_forwards,
            b"From: " + self.local,
            b"To: " + self.remote,
            b"Call-ID: " + self.call_id,
            b"CSeq: %d " % number + method.encode("ascii"),
        ]
        for route in routes:
            keys.append("route")
            lines.append(b"Route: " + route)
        if headers is not None:
            for key, value in headers:
                keys.append(key)
                lines.append(line_of(key, value))
        keys.append("content-length")
        lines.append(b"Content-Length: %d" % len(body) if body else _NO_BODY)
        return SipRequest(method, uri, keys, lines, body)

    def _way(self) -> tuple[bytes, tuple[bytes, ...]]:
        """Request-URI and Route values (§12.2.1.1); a strict router in front gets itself as Request-URI, and the target
        stands last.
        """
        routes = self.routes
        if not routes:
            return self.target, routes
        first = parse_uri(_uri_of(routes[0]))
        if first.loose:
            return self.target, routes
        return _bare(first.written), (*routes[1:], b"<" + self.target + b">")


def _uri_of(route: bytes) -> bytes:
    opening = route.find(b"<")
    closing = route.find(b">", opening)
    if opening < 0 or closing < 0:
        raise SipError(400, "route.form")
    return route[opening + 1 : closing]


def _bare(uri: bytes) -> bytes:
    """A URI as a Request-URI may be: without headers and without the method parameter (§19.1.1, table 1)."""
    uri = uri.partition(b"?")[0]
    if uri.lower().find(b"method=") < 0:
        return uri
    start, *params = uri.split(b";")
    return b";".join((start, *(each for each in params if not each.lower().startswith(b"method="))))


def contact_of(message: SipMessage) -> bytes:
    """The URI of the one Contact; raises SipError(400) where there is none, more than one, or one that no request can
    be sent to (§8.1.1.8).
    """
    line = message.lines[message.keys.index("contact")] if message.keys.count("contact") == 1 else b""
    known = _CONTACTS.get(line) if line else None
    if known is not None:
        return known
    found = message.addresses("contact")
    if len(found) != 1:
        raise SipError(400, "contact.count")
    uri = parse_uri(found[0].uri)
    if not uri.is_sip:
        raise SipError(400, "contact.scheme")
    target = _bare(uri.written)
    if line:
        _CONTACTS.keep(line, target)
    return target


def _target_of(message: SipMessage, otherwise: NameAddr) -> bytes:
    # DEVIATION §12.1.1: peers of RFC 2543 send no Contact (RFC 4475 §3.4.1); their address is what requests go to then.
    if message.has("contact"):
        return contact_of(message)
    uri = parse_uri(otherwise.uri)
    if not uri.is_sip:
        raise SipError(400, "contact.missing")
    return _bare(uri.written)


def _checked(routes: list[bytes]) -> tuple[bytes, ...]:
    for route in routes:
        if not parse_uri(_uri_of(route)).is_sip:
            raise SipError(400, "route.scheme")
    return tuple(routes)


def answered_dialog(request: SipRequest, local_tag: bytes, state: State) -> Dialog:
    """The dialog of a request that we answer with a To tag of ours (§12.1.1). Raises SipError(400): no usable Contact
    or Record-Route.
    """
    dialog = Dialog(
        request.call_id,
        request.needed("to") + b";tag=" + local_tag,
        local_tag,
        request.needed("from"),
        request.from_.tag or b"",
        _target_of(request, request.from_),
        _checked(request.values("record-route")),
        state,
    )
    dialog.remote_sequence = request.cseq.number
    return dialog


def asked_dialog(request: SipRequest, response: SipResponse) -> Dialog:
    """The dialog that a response with a To tag makes of a request of ours: early by a 1xx, confirmed by a 2xx
    (§12.1.2).

    Raises SipError where the response has no To tag or no usable Contact: there is nothing to send requests to, and a
    2xx can only be acknowledged by the Request-URI.
    """
    tag = response.to.tag
    if tag is None and response.status < 200:
        raise SipError(400, "tag.missing")
    dialog = Dialog(
        response.call_id,
        request.needed("from"),
        request.from_.tag or b"",
        response.needed("to"),
        tag or b"",
        contact_of(response) if response.has("contact") else request.uri,
        _checked(list(reversed(response.values("record-route")))),
        "early" if response.status < 200 else "confirmed",
    )
    dialog.local_sequence = request.cseq.number
    return dialog


class Forks:
    """The dialogs that one INVITE of ours has made: one for each To tag (§12.1.2, §13.2.2.4), `most` of them."""

    __slots__ = ("dialogs", "most", "request")

    def __init__(self, request: SipRequest, most: int = 16) -> None:
        self.request: Final = request
        self.most: Final = most
        #: To tag → dialog, in the order in which they came.
        self.dialogs: dict[bytes, Dialog] = {}

    def receive(self, response: SipResponse) -> Dialog | None:
        """The dialog that a 1xx or 2xx belongs to, made where it is new; None for a 100, for a 1xx without tag, or
        beyond the bound.
        """
        tag = response.to.tag
        if response.status == 100 or (tag is None and response.status < 200):
            return None
        dialog = self.dialogs.get(tag or b"")
        if dialog is None:
            # WHY twice as many with a 2xx: those who ring must not keep the one who answers from it. Beyond that nobody
            # forks; who sends 2xx without end would have an ACK and a BYE of each.
            if len(self.dialogs) >= (self.most if response.status < 200 else 2 * self.most):
                return None
            dialog = asked_dialog(self.request, response)
            self.dialogs[tag or b""] = dialog
        elif response.status >= 200:
            dialog.confirm(response)
        return dialog

    def early(self) -> list[Dialog]:
        """Those that no 2xx has confirmed yet."""
        return [each for each in self.dialogs.values() if each.state == "early"]
