"""All transactions of one stack: what comes in finds its machine or begins a new one.

Owns matching, the bound on their number, and what is answered without the user: CANCEL (§9.2) and requests beyond the
bound. Must never answer a new request by itself otherwise. How it works: give it messages with `receive`, send requests
with `ask`, and call `expire` at `next_deadline`; then take `events`, and send what lies in `out`. Messages are expected
to have passed `screening.check_form` and `check_response`.
"""

from typing import Final

from proxy.sip.flow import Flow
from proxy.sip.message import Message, SipRequest, SipResponse
from proxy.sip.reply import reply
from proxy.sip.share import Share
from proxy.sip.timers import Timers
from proxy.sip.transaction.base import (
    AckReceived,
    CancelReceived,
    ClientTransaction,
    Desk,
    Event,
    RequestReceived,
    ServerTransaction,
)
from proxy.sip.transaction.invite_client import InviteClient
from proxy.sip.transaction.invite_server import InviteServer
from proxy.sip.transaction.matching import branch_key, client_key, merged_key, response_key, server_key
from proxy.sip.transaction.plain_client import PlainClient
from proxy.sip.transaction.plain_server import PlainServer
from proxy.sip.transaction.timing import Timing
from proxy.sip.via import Via

RETRY_AFTER_S: Final = 5


class Transactions:
    """The table. `most` bounds how many live at once; `timers` may be shared with dialogs and calls, which then expire
    with them.
    """

    __slots__ = ("_desk", "_merged", "dropped", "most")

    def __init__(self, timing: Timing, timers: Timers, most: int) -> None:
        self._desk: Final = Desk(timing, timers)
        #: What an INVITE shares with its copies → the key of the one that came first.
        self._merged: dict[bytes, bytes] = {}
        self.most: Final = most
        #: How many messages belonged to nothing and were dropped, or found no room.
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._desk.live)

    @property
    def timing(self) -> Timing:
        """How long its timers run."""
        return self._desk.timing

    @property
    def timers(self) -> Timers:
        """The deadlines."""
        return self._desk.timers

    def take_events(self) -> list[Event]:
        """What has happened since, in order."""
        events = self._desk.events
        if events:
            self._desk.events = []
        return events

    def data_to_send(self) -> list[tuple[Flow, bytes]]:
        """What is to be sent, in order; a stream that is not writable any more is told by `flow_failed`."""
        out = self._desk.out
        if out:
            self._desk.out = []
        return out

    def send(self, flow: Flow, octets: bytes) -> None:
        """Send octets that belong to no transaction: the ACK of a 2xx, a pong, an answer to what could not be read."""
        self._desk.out.append((flow, octets))

    def next_deadline(self) -> float | None:
        """Monotonic time at which `expire` is to be called."""
        return self._desk.timers.next_deadline()

    def expire(self, now: float) -> None:
        """Let pass what is due."""
        self._desk.timers.expire(now)

    def receive(self, message: Message, flow: Flow, now: float, share: Share | None = None) -> None:
        """Take a message from the transport; raises SipError where Via, CSeq, From or To cannot be read.

        `share` is that of whoever sent a request.
        """
        if isinstance(message, SipRequest):
            self._request(message, flow, now, share)
        else:
            self._response(message, now)

    def knows(self, request: SipRequest) -> bool:
        """Whether a request came before and its transaction lives: credentials are asked for once."""
        return server_key(request, request.method) in self._desk.live

    def acknowledges(self, via: Via, now: float) -> bool:
        """Whether an ACK with this topmost Via is that of a refusal, and taken with this (§17.1.1.3, §17.2.3)."""
        if not via.unique:
            return False
        invite = self._desk.live.get(branch_key(via, "INVITE"))
        return isinstance(invite, InviteServer) and invite.ack(now)

    def cancels(self, cancel: SipRequest, flow: Flow) -> bool:
        """Whether an INVITE is there that this CANCEL may end: one of the same hop, since a CANCEL cannot be asked for
        credentials (§22.1).
        """
        invite = self._desk.live.get(server_key(cancel, "INVITE"))
        return isinstance(invite, InviteServer) and invite.flow.peer == flow.peer

    def ask(self, request: SipRequest, flow: Flow, now: float) -> ClientTransaction:
        """Send a request of our own, an ACK apart; its topmost Via holds a branch that nobody else has had."""
        key = client_key(_branch_of(request), request.method)
        if request.method == "INVITE":
            return InviteClient(self._desk, key, flow, request, now)
        return PlainClient(self._desk, key, flow, request, now)

    def cancel(self, invite: InviteClient, reason: bytes | None, now: float) -> None:
        """Cancel an INVITE of ours, with this Reason (RFC 3326): now, or when its first 1xx comes (§9.1)."""
        if invite.reason is None:
            invite.reason = reason
        request = invite.cancel(now)
        if request is not None:
            self.ask(request, invite.flow, now)

    def flow_failed(self, flow: Flow, now: float) -> None:
        """Nothing can be sent on this flow any more: its transactions are told. Looks at all of them, so for streams,
        which seldom fail.
        """
        for transaction in list(self._desk.live.values()):
            if transaction.flow is flow:
                transaction.failed(now)

    def _response(self, response: SipResponse, now: float) -> None:
        key = response_key(response)
        found = self._desk.live.get(key) if key is not None else None
        if isinstance(found, ClientTransaction):
            found.receive(response, now)
            if isinstance(found, InviteClient) and found.cancelled:
                self.cancel(found, None, now)
        else:
            self.dropped += 1

    def _request(self, request: SipRequest, flow: Flow, now: float, share: Share | None) -> None:
        method = request.method
        if method == "ACK":
            invite = self._desk.live.get(server_key(request, "INVITE"))
            if not isinstance(invite, InviteServer) or not invite.ack(now):
                self._desk.events.append(AckReceived(request, flow))
            return
        key = server_key(request, method)
        found = self._desk.live.get(key)
        if isinstance(found, ServerTransaction):
            found.again(now)
            return
        free = self._room(request) - len(self._desk.live)
        if free <= 0 or (share is not None and share.is_spent(free)):
            self.dropped += 1
            # WHY without a transaction: there is no room for one. The same request again gets the same answer (§8.2.7).
            retry = [("retry-after", b"%d" % RETRY_AFTER_S)]
            self.send(flow, reply(request, 503, b"none", retry).octets())
        elif method == "INVITE":
            self._invite(request, key, flow, now, share)
        elif method == "CANCEL":
            self._cancel(request, PlainServer(self._desk, key, flow, request, now), now)
        else:
            server = PlainServer(self._desk, key, flow, request, now)
            if share is not None:
                server.counts_for(share)
            self._desk.events.append(RequestReceived(server, request, flow, False))

    def _room(self, request: SipRequest) -> int:
        """How full the table may be for a request: calls that run can be ended when no other may begin, and a flood of
        OPTIONS keeps nobody from calling.
        """
        if request.to.tag is not None:
            return self.most
        return self.most - self.most // 8 if request.method == "INVITE" else self.most // 2

    def _invite(self, request: SipRequest, key: bytes, flow: Flow, now: float, share: Share | None) -> None:
        common = merged_key(request)
        merged = False
        if common is not None:
            first = self._merged.get(common)
            merged = first is not None and first in self._desk.live
            if not merged:
                self._merged[common] = key
        if len(self._merged) > 2 * len(self._desk.live) + 64:
            # WHY now and then, and not at each end: one pass over what is left costs each INVITE less than an entry of
            # its own to take out.
            live = self._desk.live
            self._merged = {each: value for each, value in self._merged.items() if value in live}
        server = InviteServer(self._desk, key, flow, request, now)
        if share is not None:
            server.counts_for(share)
        self._desk.events.append(RequestReceived(server, request, flow, merged))

    def _cancel(self, request: SipRequest, server: PlainServer, now: float) -> None:
        """§9.2: 481 where no INVITE of the same hop is found, else 200; the INVITE ends only while it has no final
        response.
        """
        invite = self._desk.live.get(server_key(request, "INVITE"))
        # WHY the same hop: a CANCEL cannot be asked for credentials (§22.1).
        if not isinstance(invite, InviteServer) or invite.flow.peer != server.flow.peer:
            server.respond(reply(request, 481, b"none"), now)
            return
        server.respond(reply(request, 200, invite.to_tag), now)
        if invite.state == "proceeding":
            self._desk.events.append(CancelReceived(invite, request))


def _branch_of(request: SipRequest) -> bytes:
    """The branch of a request of ours; of a Via as `Hop.via` writes it without reading the rest."""
    line = request.lines[request.keys.index("via")]
    start = line.find(b";branch=")
    if start < 0 or line.find(b",") >= 0:
        return request.via.branch
    end = line.find(b";", start + 8)
    return line[start + 8 : end] if end > 0 else line[start + 8 :]
