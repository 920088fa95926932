"""One end of the wire: sockets, transactions, deadlines, and the table of calls; faults of the wire happen here.

Owns the turn: what comes in goes to the transactions, what they tell goes to the call it belongs to, what they have to
say is sent. Must never decide what a call does. What is asked outside of calls it answers itself: OPTIONS 200, the rest
as `asked` says.
"""

import asyncio
import contextlib
import random
import secrets
import ssl
import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

from proxy.sip.dialog import Dialog
from proxy.sip.error import SipError
from proxy.sip.flow import Flow
from proxy.sip.ids import Ids
from proxy.sip.message import MalformedRequest, Message, SipRequest, SipResponse
from proxy.sip.reply import answerable, refuse, reply
from proxy.sip.screening import check_form, check_response
from proxy.sip.timers import Timers
from proxy.sip.transaction.base import (
    AckMissing,
    AckReceived,
    CancelReceived,
    ClientTransaction,
    Event,
    RequestReceived,
    ResponseReceived,
    SendingFailed,
    ServerTransaction,
    TimedOut,
)
from proxy.sip.transaction.table import Transactions
from proxy.sip.transaction.timing import Timing
from proxy.sip.uri import parse_uri
from simulators.calls.figures import CallFigures
from simulators.calls.settings import CallFaults, Transport
from simulators.calls.sockets import StreamEnd, StreamWay, UdpEnd, UdpWay, Way, way_of
from simulators.watch import Watch

ALLOW: Final = b"INVITE, ACK, CANCEL, BYE, OPTIONS, INFO"
_MOST: Final = 1_000_000
_SOONEST_S: Final = 0.001
_PORT: Final = 5060
_CONNECT_S: Final = 10.0


class Party:
    """A call, as the endpoint sees it."""

    def responded(self, client: ClientTransaction, response: SipResponse, now: float) -> None:
        """A response to a request of its."""

    def unanswered(self, client: ClientTransaction, timer: str, now: float) -> None:
        """A request of its had no answer (timer B, C, F, cancel), or could not be sent (sending)."""

    def requested(self, server: ServerTransaction, request: SipRequest, now: float) -> None:
        """A request inside its dialog."""

    def acknowledged(self, request: SipRequest, now: float) -> None:
        """An ACK of a 2xx."""

    def cancelled(self, now: float) -> None:
        """Its INVITE was cancelled."""

    def disconnected(self, way: Way, now: float) -> None:
        """A connection ended, perhaps the one it used."""


Asked = Callable[[ServerTransaction, SipRequest, Way, float], None]


class Endpoint:
    """One simulated end. `asked` gets each new INVITE, `ignores` says which requests are not heard at all."""

    def __init__(
        self,
        transport: Transport,
        figures: CallFigures,
        *,
        t1_s: float = 0.5,
        faults: CallFaults | None = None,
        seed: int = 0,
        follow_contact: bool = True,
    ) -> None:
        self.faults: Final = faults or CallFaults()
        if transport != "udp" and (self.faults.loss or self.faults.repeat_share):
            raise ValueError("loss and repeat_share are for UDP")
        self.transport: Final[Transport] = transport
        self.figures: Final = figures
        self.watch: Final = Watch()
        self.table: Final = Transactions(Timing(t1_s=t1_s, d_s=64 * t1_s), Timers(), _MOST)
        self.timers: Final = Timers()
        """Those of the calls; those of the transactions are theirs, so that what they repeat can be counted."""
        self.ids: Final = Ids(secrets.token_bytes(32))
        self.rng: Final = random.Random(seed)
        self.parties: Final[dict[bytes, Party]] = {}
        """Our tag → the call."""
        self.withheld: Final[dict[bytes, int]] = {}
        """Octets that are not to leave, so many times; -1: never."""
        self.asked: Asked = self._nobody
        self.ignores: Callable[[SipRequest], bool] = lambda request: False
        self._follow = follow_contact
        self._udp: UdpEnd | None = None
        self._server: asyncio.Server | None = None
        self._streams: set[StreamWay] = set()
        self._wake: asyncio.TimerHandle | None = None
        self._wake_at = 0.0
        self._turning = False
        self.time: Final = time.monotonic

    # ---- sockets ------------------------------------------------------------------------------------------------

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Open the socket that takes requests; returns its port. OSError."""
        if self.transport == "udp":
            self._udp = UdpEnd(host, port, self._received, self._wrong)
            return self._udp.address[1]
        self._server = await asyncio.get_running_loop().create_server(self._stream, host, port, ssl=tls, backlog=1024)
        return int(self._server.sockets[0].getsockname()[1])

    async def reach(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> Way:
        """The way to a target; makes the connection where it is one. OSError, TimeoutError."""
        if self._udp is not None:
            return await asyncio.to_thread(self._udp.resolved, host, port)
        async with asyncio.timeout(_CONNECT_S):
            _, end = await asyncio.get_running_loop().create_connection(
                self._stream, host, port, ssl=tls, server_hostname=host if tls is not None else None
            )
        self._streams.add(end.way)
        return end.way

    def _stream(self) -> StreamEnd:
        return StreamEnd(self.transport, self._received, self._wrong, self._stream_lost)

    def _stream_lost(self, way: StreamWay) -> None:
        self._streams.discard(way)
        now = self.time()
        self.table.flow_failed(way.flow, now)
        for party in list(self.parties.values()):
            party.disconnected(way, now)
        self.turn(now)

    async def stop(self) -> None:
        """Close everything."""
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        if self._udp is not None:
            self._udp.close()
            self._udp = None
        if self._server is not None:
            self._server.close()
        for way in list(self._streams):
            way.close()

    # ---- what comes in ------------------------------------------------------------------------------------------

    def _wrong(self, error: SipError, way: Way) -> None:
        self.figures.malformed += 1
        if isinstance(error, MalformedRequest) and answerable(error.request):
            with contextlib.suppress(SipError):
                error.request.stamp(way.flow.peer, way.peer[1])
            way.send(refuse(error.request, error, self.ids.next()).octets())

    def _received(self, message: Message, way: Way) -> None:
        if self._lost_on_the_wire():
            return
        if isinstance(way, StreamWay):
            self._streams.add(way)
        now = self.time()
        flow = way.flow
        try:
            if isinstance(message, SipRequest):
                message.stamp(flow.peer, way.peer[1])
                check_form(message)
                if self.ignores(message):
                    return
                if message.method != "ACK" and self.table.knows(message):
                    self.figures.came_again += 1
                flow = self._answering(message, way).flow
            else:
                check_response(message)
            self.table.receive(message, flow, now)
        except SipError as error:
            self._wrong(MalformedRequest(error, message) if isinstance(message, SipRequest) else error, way)
        self.turn(now)

    def _answering(self, request: SipRequest, way: Way) -> Way:
        """The way of the answers: for a peer without rport the port that its Via names (RFC 3261 §18.2.2)."""
        if not isinstance(way, UdpWay) or self._udp is None:
            return way
        _, port = request.via.response_target()
        return way if (port or _PORT) == way.peer[1] else self._udp.way(way.peer[0], port or _PORT)

    def _lost_on_the_wire(self) -> bool:
        lost = self.faults.loss > 0 and self.rng.random() < self.faults.loss
        self.figures.dropped += lost
        return lost

    # ---- the turn -----------------------------------------------------------------------------------------------

    def turn(self, now: float) -> None:
        """Carry on until nothing is left to tell and nothing to send."""
        if self._turning:
            # WHY: sending may end a connection, which is told while we send; the outer turn goes on with it.
            return
        self._turning = True
        try:
            while True:
                events = self.table.take_events()
                for event in events:
                    self._event(event, now)
                out = self.table.data_to_send()
                for flow, octets in out:
                    self._transmit(flow, octets, now)
                if not events and not out:
                    break
        finally:
            self._turning = False
        self._set_timer(now)
        self.watch.tell()

    def _transmit(self, flow: Flow, octets: bytes, now: float) -> None:
        left = self.withheld.get(octets)
        if left is not None:
            if left:
                self.withheld[octets] = left - 1
                self.figures.dropped += 1
                return
            del self.withheld[octets]
        if self._lost_on_the_wire():
            return
        way = way_of(flow)
        if not way.send(octets):
            self.table.flow_failed(flow, now)
        elif self.faults.repeat_share and self.rng.random() < self.faults.repeat_share:
            way.send(octets)

    def _set_timer(self, now: float) -> None:
        due = [each for each in (self.table.next_deadline(), self.timers.next_deadline()) if each is not None]
        deadline = min(due, default=None)
        if deadline is None or (self._wake is not None and self._wake_at <= deadline):
            return
        if self._wake is not None:
            self._wake.cancel()
        delay = max(deadline - now, _SOONEST_S)
        self._wake_at = now + delay
        self._wake = asyncio.get_running_loop().call_later(delay, self._timer)

    def _timer(self) -> None:
        self._wake = None
        now = self.time()
        self.table.expire(now)
        for flow, octets in self.table.data_to_send():
            # WHY not the 100: of all that timers send it alone is no repetition.
            self.figures.sent_again += not octets.startswith(b"SIP/2.0 100 ")
            self._transmit(flow, octets, now)
        self.timers.expire(now)
        self.turn(now)

    def _event(self, event: Event, now: float) -> None:
        if isinstance(event, ResponseReceived):
            user = event.transaction.user
            if isinstance(user, Party):
                user.responded(event.transaction, event.response, now)
        elif isinstance(event, RequestReceived):
            self._request(event, now)
        elif isinstance(event, AckReceived):
            party = self.parties.get(event.request.to.tag or b"")
            if party is not None:
                party.acknowledged(event.request, now)
            else:
                self.figures.strays += 1
        elif isinstance(event, CancelReceived):
            user = event.transaction.user
            if isinstance(user, Party):
                user.cancelled(now)
        elif isinstance(event, TimedOut):
            user = event.transaction.user
            if isinstance(user, Party):
                user.unanswered(event.transaction, event.timer, now)
        elif isinstance(event, SendingFailed):
            user = event.transaction.user
            if isinstance(user, Party) and isinstance(event.transaction, ClientTransaction):
                user.unanswered(event.transaction, "sending", now)
        elif isinstance(event, AckMissing):
            self.figures.ack_missing += 1

    def _request(self, event: RequestReceived, now: float) -> None:
        request, server = event.request, event.transaction
        tag = request.to.tag
        if tag is not None:
            party = self.parties.get(tag)
            if party is not None:
                party.requested(server, request, now)
            else:
                self.figures.strays += 1
                server.respond(reply(request, 481), now)
        elif event.merged:
            server.respond(reply(request, 482, self.ids.next()), now)
        elif request.method == "INVITE":
            self.asked(server, request, way_of(event.flow), now)
        elif request.method == "OPTIONS":
            self.options(server, request, now)
        else:
            status = 481 if request.method in ("BYE", "INFO") else 405
            self.figures.strays += status == 481
            server.respond(reply(request, status, self.ids.next(), [("allow", ALLOW)]), now)

    def options(self, server: ServerTransaction, request: SipRequest, now: float) -> None:
        """Answer an OPTIONS: we live, and this is what we can."""
        self.figures.options += 1
        headers = [("allow", ALLOW), ("accept", b"application/sdp")]
        server.respond(reply(request, 200, self.ids.next(), headers), now)

    def _nobody(self, server: ServerTransaction, request: SipRequest, way: Way, now: float) -> None:
        server.respond(reply(request, 480, self.ids.next()), now)

    # ---- for calls ----------------------------------------------------------------------------------------------

    def ask(self, request: SipRequest, way: Way, party: Party, now: float) -> ClientTransaction:
        """Send a request as a transaction of a call's."""
        client = self.table.ask(request, way.flow, now)
        client.user = party
        return client

    def way_of_dialog(self, dialog: Dialog, way: Way) -> Way:
        """Where requests inside a dialog go: where its route or its target says, if that is an address and we may."""
        if not self._follow or self._udp is None:
            return way
        named = dialog.routes[0] if dialog.routes else b"<" + dialog.target + b">"
        try:
            uri = parse_uri(named[named.find(b"<") + 1 : named.find(b">")])
        except SipError:
            return way
        host = uri.host.decode("latin-1").strip("[]")
        # WHY not where a name stands: it would have to be asked for.
        return self._udp.way(host, uri.port or _PORT) if _is_address(host) else way


@lru_cache(maxsize=256)
def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
