"""The asyncio shell of the back-to-back user agent: sockets, connections, one timer.

Owns what has a file descriptor, and the turn: what came in goes through the door to the transactions, what calls tell
goes to the desk, what lies in `out` is sent. Must never decide about a call. The way of an INVITE: `trunks/udp` reads →
`sip/framing` → `trunks/door` asks whose it is → `sip/transaction` → `trunks/desk` has it judged → `trunks/outbound`
spends the permit → `sip/call` sends leg B.
"""

import asyncio
import contextlib
import secrets
import ssl
import time
from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary

from proxy.binds.tls import client_context, server_context
from proxy.settings_shape import Tls
from proxy.sip.calls import Calls
from proxy.sip.flow import Flow
from proxy.sip.framing import Broken, Framed, Ping
from proxy.sip.headers import key_of
from proxy.sip.hop import Hop
from proxy.sip.ids import Ids
from proxy.sip.message import Limits, MalformedRequest
from proxy.sip.share import Share, Shares
from proxy.sip.timers import Timers
from proxy.sip.transaction.table import Transactions
from proxy.sip.transaction.timing import Timing
from proxy.sip_settings import Sip, SipListener
from proxy.telemetry.status import SipRow
from proxy.trunks.desk import CallDesk
from proxy.trunks.digit_line import DigitLine
from proxy.trunks.digit_log import DigitLog
from proxy.trunks.digit_reports import DigitReport
from proxy.trunks.door import ALLOW, Door
from proxy.trunks.gateways import Carrier, Gateway
from proxy.trunks.inbound import Inbound
from proxy.trunks.judge import CallJudge
from proxy.trunks.peers import Peers, Trunk
from proxy.trunks.streams import Incoming, Stream, connect
from proxy.trunks.supervision import Probe
from proxy.trunks.turn import Turn
from proxy.trunks.udp import UdpSocket, UdpWay
from proxy.trunks.way import Local, Way, way_of

Log = Callable[..., None]
_SWEEP_S: Final = 1.0
#: No two wakes for timers are nearer than this: all that SIP waits for may come so late.
_SOONEST_S: Final = 0.01


class SipServer:
    """The back-to-back user agent. `log(event, **fields)` counts an event and writes a line without personal data."""

    def __init__(self, settings: Sip, judge: CallJudge, log: Log, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._log = log
        self._clock = clock
        self._limits = Limits()
        timing = Timing(t1_s=settings.t1_s, c_s=settings.ring_most_s)
        self._table = Transactions(timing, Timers(), settings.transactions_most)
        ids = Ids(secrets.token_bytes(32))
        # The purpose is said to tdgate, and to nobody behind it.
        named = [*settings.header_hold, *([settings.purpose_header] if settings.purpose_header else [])]
        held_back = frozenset(key_of(name.encode()) for name in named)
        self.calls = Calls(self._table, ids, _hop_of, ALLOW, held_back)
        self._peers = Peers(settings.trunks, settings.carriers)
        self._door = Door(settings, self._peers, self._table, self.calls, ids, secrets.token_bytes(32), log)
        self.carriers = {name: Carrier(name, each) for name, each in settings.carriers.items()}
        #: Trunks that take calls, as groups of gateways.
        self.takers = {
            name: Carrier(name, each.taking(), of_trunk=True) for name, each in settings.trunks.items() if each.gateways
        }
        inbound = Inbound(judge, self._peers.trunks, self.takers, held_back, log)
        most = settings.calls_most
        self.desk = CallDesk(
            self.calls, self.carriers, judge, self._reach, held_back, most, log, clock, self._later, inbound
        )
        self._udp: list[UdpSocket] = []
        self._digit_logs: list[DigitLog] = []
        self._digit_lines: list[DigitLine] = []
        self._servers: list[asyncio.Server] = []
        #: How we appear on streams, by transport.
        self._locals: dict[str, Local] = {}
        self._streams: set[Stream] = set()
        #: Those of them that came, and among whose they are counted.
        self._let_in: dict[Stream, Share] = {}
        self._shares = Shares()
        #: Connections of ours to gateways, by transport and gateway.
        self._made: dict[tuple[str, Gateway], Stream] = {}
        #: Whom each of them led to; for as long as a call may hold it.
        self._names: WeakKeyDictionary[Way, tuple[str, Gateway]] = WeakKeyDictionary()
        self._making: set[asyncio.Task[None]] = set()
        self._tls: dict[Gateway, ssl.SSLContext] = {}
        self._probes: list[Probe] = []
        self._wake: asyncio.TimerHandle | None = None
        self._wake_at = 0.0
        self._answering: asyncio.Handle | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        limits, ways = self._limits, (self._sent_anew, self._ended)
        self._turn = Turn(self._table, self.calls, self.desk, self._door, limits, log, *ways)
        #: Set when a drain has nothing left to wait for: no call, and no refusal that is not on disk yet.
        self._idle = asyncio.Event()
        #: (kind, host, port) of every listener, with the port that was really given.
        self.listening: list[tuple[str, str, int]] = []

    # ---- start and stop -----------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the listeners; raises OSError, ssl.SSLError or ValueError where the configuration cannot be met."""
        if not self._settings.listeners:
            return
        for group in self.groups:
            secured = [each for each in group.gateways if each.settings.transport == "tls"]
            if secured:
                self._tls |= dict.fromkeys(secured, client_context(group.settings.tls or Tls()))
        for listener in self._settings.listeners:
            await self._listen(listener)
        for digits in self._settings.digits:
            if digits.transport == "tcp":
                self._digit_lines.append(DigitLine(digits, self._digits, self._log))
                continue
            relay = DigitLog(asyncio.get_running_loop(), digits, self._digits, self._log)
            self._digit_logs.append(relay)
            host, port = relay.address
            self.listening.append(("digits", host, port))
            self._log("listener.opened", host=host, port=port, tls=False)
        now = self._clock()
        for group in self.groups:
            every_s = group.settings.options_s
            for gateway in group.gateways if every_s > 0 else ():
                probe = Probe(gateway, every_s, self.calls, self._reach, self._log)
                self._probes.append(probe)
                probe.expired("options", now)
        self._turn.go_on(now)
        self._sweep()

    async def _listen(self, listener: SipListener) -> None:
        loop = asyncio.get_running_loop()
        kind = {"udp": "sip", "tcp": "sip+tcp", "tls": "sip+tls"}[listener.transport]
        if listener.transport == "udp":
            bound = UdpSocket(loop, listener.host, listener.port, listener.advertised, self._datagrams)
            self._udp.append(bound)
            host, port = bound.address
        else:
            context = server_context(listener.tls) if listener.tls is not None else None
            server = await loop.create_server(
                lambda: self._accepted(listener.transport), listener.host, listener.port, ssl=context, backlog=1024
            )
            self._servers.append(server)
            host, port = server.sockets[0].getsockname()[:2]
            local = Local(listener.transport.upper().encode(), listener.advertised or host, port)
            self._locals.setdefault(listener.transport, local)
        self.listening.append((kind, host, port))
        self._log("listener.opened", host=host, port=port, tls=listener.transport == "tls")

    async def drain(self, seconds: float) -> None:
        """Take no new calls, wait for those that run, then end them; close everything."""
        self.desk.draining = True
        for probe in self._probes:
            probe.stopped = True
        self._ended(self._clock())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        self.desk.end_all(self._clock())
        self._turn.go_on(self._clock())
        for server in self._servers:
            server.close()
        for stream in list(self._streams):
            stream.close()
        for task in list(self._making):
            task.cancel()
        await asyncio.gather(*self._making, return_exceptions=True)
        for bound in self._udp:
            bound.close()
        for relay in self._digit_logs:
            relay.close()
        for line in self._digit_lines:
            await line.close()
        for handle in (self._wake, self._sweeper, self._answering):
            if handle is not None:
                handle.cancel()
        self._udp.clear()
        self._digit_logs.clear()
        self._digit_lines.clear()
        self._wake = self._sweeper = self._answering = None

    # ---- what comes in ------------------------------------------------------------------------------------------

    def _datagrams(self, found: list[tuple[UdpWay, bytes]]) -> None:
        now = self._clock()
        for way, data in found:
            try:
                self._turn.datagram(way, data, now)
            except Exception as error:  # noqa: BLE001  WHY: a defect met by one datagram must not cost another's
                self._log("call.defect", error=error)
        self._turn.ended(now)

    def framed(self, stream: Stream, found: list[Framed]) -> None:
        """What a connection has brought."""
        now = self._clock()
        for each in found:
            if isinstance(each, Ping):
                continue
            try:
                if isinstance(each, Broken):
                    self._door.malformed(each.error, stream.flow, 0)
                elif isinstance(each, MalformedRequest):
                    self._door.malformed(each, stream.flow, 0)
                else:
                    self._turn.message(each, stream, now, 0)
            except Exception as error:  # noqa: BLE001  WHY: a defect met by one message must not cost all its connection's
                self._log("call.defect", error=error)
        self._turn.go_on(now)

    def _accepted(self, transport: str) -> Stream:
        return Incoming(self, self._locals[transport], self._limits, self._settings.message_timer_s, self._clock)

    def let_in(self, stream: Stream) -> bool:
        """Whether a connection that came may stay: there is room, and it is somebody's."""
        peer = self._peers.of(stream.flow)
        share = self._shares.of(peer.holder)
        if peer.stranger or share.is_spent(self._settings.connections_most - len(self._streams)):
            self._log("connection.refused", reason="sip")
            return False
        self._streams.add(stream)
        self._let_in[stream] = share
        share.held += 1
        return True

    def stream_ended(self, stream: Stream) -> None:
        """A connection stands no more."""
        self._streams.discard(stream)
        share = self._let_in.pop(stream, None)
        if share is not None:
            share.held -= 1
        for key in [key for key, each in self._made.items() if each is stream]:
            del self._made[key]
        now = self._clock()
        self._table.flow_failed(stream.flow, now)
        self._turn.go_on(now)

    def _digits(self, reports: list[DigitReport]) -> None:
        """A media relay has seen a key."""
        now = self._clock()
        try:
            self.desk.digits(reports, now)
        except Exception as error:  # noqa: BLE001  WHY: a defect met by one key must not keep all others from being heard
            self._log("call.defect", error=error)
        self._turn.go_on(now)

    # ---- the turn -----------------------------------------------------------------------------------------------

    def _ended(self, now: float) -> None:
        """A turn is over."""
        if self.desk.draining and not len(self.calls) and not self.desk.keeping:
            self._idle.set()
        self._set_timer(now)

    def _sent_anew(self, way: Way, octets: bytes) -> bool:
        """Send on another connection to the same gateway or of the same trunk, where the one of a call was lost."""
        named = self._names.get(way)
        again = self._connection(*named) if named is not None else self._beside(way)
        return again is not None and again.send(octets)

    def _beside(self, way: Way) -> Way | None:
        """The connection that a peer has made since (RFC 3261 §18.2.2, RFC 5923): of the same address, and of the same
        certificate where one was shown. None for who is known by digest alone: others may be at that address.
        """
        if not isinstance(way, Stream) or way.outgoing or not self._peers.of(way.flow).sure:
            return None
        beside = [
            each
            for each in self._streams
            if not each.outgoing
            and (each.local, each.flow.peer, each.identities) == (way.local, way.flow.peer, way.identities)
        ]
        return max(beside, key=lambda each: each.used_at, default=None)

    def _later(self) -> None:
        """Something was answered outside of a turn: what comes together from the disk goes out in one."""
        if self._answering is None and not self._turn.under_way:
            self._answering = asyncio.get_running_loop().call_soon(self._answered)

    def _answered(self) -> None:
        self._answering = None
        self._turn.go_on(self._clock())

    def held(self) -> SipRow:
        """What is kept at this moment; `places` are the judge's to tell."""
        return SipRow(
            calls=len(self.calls),
            attempts=len(self.desk),
            dialogs=len(self.calls.legs),
            transactions=len(self._table),
            timers=self._table.timers.held(),
            connections=len(self._streams),
        )

    @property
    def trunks(self) -> tuple[Trunk, ...]:
        """All trunks, as configured."""
        return self._peers.trunks

    @property
    def groups(self) -> list[Carrier]:
        """All groups of gateways: those of carriers, and those of trunks that take calls."""
        return [*self.carriers.values(), *self.takers.values()]

    def recheck(self) -> None:
        """The registry has changed: calls that run are asked about again."""
        now = self._clock()
        self.desk.recheck(now)
        self._turn.go_on(now)

    def _set_timer(self, now: float) -> None:
        if self._wake is not None and self._wake_at <= self._table.timers.soonest:
            return
        due = self._table.timers.next_wake()
        if due is None or (self._wake is not None and self._wake_at <= due):
            return
        if self._wake is not None:
            self._wake.cancel()
        delay = max(due - now, _SOONEST_S)
        self._wake_at = now + delay
        self._wake = asyncio.get_running_loop().call_later(delay, self._timer)

    def _timer(self) -> None:
        self._wake = None
        now = self._clock()
        try:
            self._table.expire(now)
        finally:
            # WHY in any case: it is the turn that sets the next timer.
            self._turn.go_on(now)

    def _sweep(self) -> None:
        """Connections that are slow, or that nobody uses."""
        now = self._clock()
        idle = [each for each in self._streams if now - each.used_at > self._settings.idle_timer_s]
        # WHY asked only now: a call may be silent for as long as it lasts, and its connection has to stand.
        held = {leg.hop.flow for leg in self.calls.legs.values()} if idle else set()
        for stream in idle:
            if stream.flow not in held:
                stream.close()
        for stream in list(self._streams):
            if stream.late(now):
                self._log("connection.stalled", kind="sip")
                stream.abort()
        self._sweeper = asyncio.get_running_loop().call_later(_SWEEP_S, self._sweep)

    # ---- ways out -----------------------------------------------------------------------------------------------

    def _reach(self, gateway: Gateway, octets: int) -> Way | None:
        """The way to a gateway for a request of so many octets; what does not fit a datagram goes by TCP where we
        listen on it (RFC 3261 §18.1.1).
        """
        settings = gateway.settings
        if settings.transport == "udp":
            if octets > self._settings.datagram_octets and "tcp" in self._locals:
                return self._connection("tcp", gateway)
            for bound in self._udp:
                if (":" in bound.address[0]) == (":" in settings.host):
                    return bound.way(settings.host, settings.port)
            return None
        return self._connection(settings.transport, gateway)

    def _connection(self, transport: str, gateway: Gateway) -> Way | None:
        key = (transport, gateway)
        stream = self._made.get(key)
        if stream is not None and not stream.ended:
            return stream
        local = self._locals.get(transport)
        if local is None:
            return None
        settings = gateway.settings
        timer_s = self._settings.message_timer_s
        stream = Stream(self, local, (settings.host, settings.port), self._limits, timer_s, self._clock, outgoing=True)
        self._made[key] = stream
        self._names[stream] = (transport, gateway)
        self._streams.add(stream)
        tls = self._tls.get(gateway) if transport == "tls" else None
        server_name = gateway.tls.server_name if gateway.tls is not None else ""
        task = asyncio.get_running_loop().create_task(
            connect(stream, tls, server_name, self._settings.connect_timeout_s)
        )
        self._making.add(task)
        task.add_done_callback(self._making.discard)
        return stream


def _hop_of(flow: Flow) -> Hop:
    return way_of(flow).hop
