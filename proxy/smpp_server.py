"""The asyncio shell of the SMPP bind proxy: listeners, connections that ask for a bind, timers, drain.

Owns the listeners and the one tick that drives all timers; who may bind goes on in `binds/mirror.py` or in
`binds/pools.py`. Must never decide about a message. The way of a submit_sm: `binds/links.EsmeLink` reads →
`smpp/session` frames → `smpp/relay` asks → `judging/account_gate` reads and judges with `policy` → `smpp/forward`
spends the permit → `binds/links.CarrierLink` writes.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final

from proxy.binds.binding import BindRefusedError, Doorkeeper, read_bind
from proxy.binds.credentials import Credentials
from proxy.binds.links import EsmeLink, Link
from proxy.binds.mirror import Mirror
from proxy.binds.pairs import RouteState
from proxy.binds.pools import Pools
from proxy.binds.stalling import Stalling
from proxy.binds.tcp import Listening
from proxy.binds.tls import client_context, server_context
from proxy.binds.trace import PduTrace
from proxy.core.records import Account
from proxy.judging.confirmation import Confirmer
from proxy.judging.hearing import Hearing
from proxy.judging.in_force import InForce
from proxy.judging.journal import Journal
from proxy.judging.tallies import Tallies
from proxy.pool_stores import PoolStores
from proxy.settings import Smpp
from proxy.smpp.consts import ESME_RSYSERR, RESPONSE_BIT
from proxy.smpp.pdu import Pdu, PduError, response
from proxy.smpp.session import Session, Timers
from proxy.telemetry.status import BindRow
from proxy.wire_faults import route_table

_TICK_S: Final = 0.1
_BINDS_A_TURN: Final = 8
#: A handshake that is over by then has failed: the loop ends it after the timer for session init.
_HANDSHAKE_GRACE_S: Final = 1.0
Log = Callable[..., None]


class SmppServer:
    """The bind proxy. `log(event, **fields)` counts an event and writes a line without personal data."""

    def __init__(
        self,
        settings: Smpp,
        in_force: InForce,
        journal: Journal,
        hearing: Hearing,
        confirmer: Confirmer,
        log: Log,
        tallies: Tallies,
        stores: PoolStores | None = None,
    ) -> None:
        self._settings = settings
        self._in_force = in_force
        self._journal = journal
        self._hearing = hearing
        self._log = log
        self._timers = Timers(
            settings.session_init_timer_s,
            settings.pdu_timer_s,
            settings.enquire_link_timer_s,
            settings.inactivity_timer_s,
            settings.response_timer_s,
        )
        self._credentials = Credentials(
            at_once=settings.password_checks_at_once,
            pending_most=settings.binds_pending_most,
            delay_first_s=settings.password_delay_first_s,
            delay_most_s=settings.password_delay_most_s,
        )
        self._doorkeeper = Doorkeeper(self._credentials, in_force, journal)
        self.mirror = Mirror(
            settings, in_force, journal, hearing, confirmer, self._timers, log, tallies, self.wake, self._fail
        )
        self._pools = (
            Pools(settings, in_force, journal, hearing, confirmer, self.mirror, self._timers, stores, tallies, log)
            if stores is not None and settings.pools
            else None
        )
        self._stalling = (
            Stalling(settings, in_force, journal, hearing, stores, tallies, self.mirror, self._pools, self.wake, log)
            if stores is not None and settings.stalled.enabled
            else None
        )
        self._listeners: list[asyncio.AbstractServer | Listening] = []
        self._links: set[EsmeLink] = set()
        #: Connections in their TLS handshake, with the monotonic time at which each came.
        self._greeting: dict[EsmeLink, float] = {}
        self._asking: deque[tuple[EsmeLink, Pdu]] = deque()
        self._binding: dict[EsmeLink, asyncio.Task[None]] = {}
        self._dirty: set[Link] = set()
        self._ticker: asyncio.TimerHandle | None = None
        self.routes: dict[str, RouteState] = {}
        #: (host, port, tls) of every listener, with the port that was really given.
        self.listening: list[tuple[str, int, bool]] = []
        self.draining = False

    # ---- start and stop -----------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Opens the listeners; raises OSError, ssl.SSLError or ValueError where the configuration cannot be met."""
        for name, route in self._settings.routes.items():
            tls = client_context(route.tls) if route.tls is not None else None
            self.routes[name] = RouteState(name, route, tls, route_table(route))
        if self._pools is not None:
            self._pools.start(self.routes)
        if self._stalling is not None:
            self._stalling.start(self.routes)
        loop = asyncio.get_running_loop()
        for listener in self._settings.listeners:
            if listener.tls is None:
                plain = Listening(loop, listener.host, listener.port, self._accept)
                self._listeners.append(plain)
                addresses = [plain.address]
            else:
                context = server_context(listener.tls)
                server = await loop.create_server(
                    self._accept,
                    listener.host,
                    listener.port,
                    ssl=context,
                    backlog=1024,
                    ssl_handshake_timeout=self._timers.session_init_s,
                )
                self._listeners.append(server)
                addresses = [socket.getsockname()[:2] for socket in server.sockets]
            for host, port in addresses:
                self.listening.append((host, port, listener.tls is not None))
                self._log("listener.opened", host=host, port=port, tls=listener.tls is not None)
        self._tick()

    async def drain(self, seconds: float) -> None:
        """Takes no new work, answers what is open, unbinds both sides; at most `seconds`, then drops the rest."""
        self.draining = True
        for listener in self._listeners:
            listener.close()
        # WHY before anything is waited for: what comes from now on is answered `internal.draining`.
        for name, route in self.routes.items():
            route.draining = True
            self._log("route.draining", route=name)
            self.mirror.drain_route(name, True)
        undone = tuple(self._binding.values())
        for task in undone:
            task.cancel()
        await asyncio.gather(*undone, return_exceptions=True)
        if self._stalling is not None:
            self._stalling.drain()
        # WHY together: both have the same seconds, and the one must not wait for the other's ESMEs.
        async with asyncio.TaskGroup() as group:
            group.create_task(self.mirror.drain(seconds))
            if self._pools is not None:
                group.create_task(self._pools.drain(seconds))
        await self._hearing.drain()
        if self._ticker is not None:
            self._ticker.cancel()
        self.mirror.abort()
        for link in list(self._links):
            link.abort()
        self._credentials.close()

    def drain_route(self, name: str) -> None:
        """Lets a route run dry: its ESMEs are answered `internal.draining`, and unbound once nothing is open.

        Raises KeyError for a route that there is none of.
        """
        self.routes[name].draining = True
        self._log("route.draining", route=name)
        self._set_draining(name, True)

    def resume_route(self, name: str) -> None:
        """Lets a drained route take binds and work again; raises KeyError for a route that there is none of."""
        self.routes[name].draining = False
        self._log("route.resumed", route=name)
        self._set_draining(name, False)

    def _set_draining(self, name: str, draining: bool) -> None:
        if self._pools is not None:
            self._pools.drain_route(name, draining)
        self.mirror.drain_route(name, draining)

    def seat_rows(self) -> list[BindRow]:
        """The ESMEs of all pools, for whoever shows them."""
        return self._pools.rows() if self._pools is not None else []

    def in_flight_on(self, route: str) -> int:
        """Requests on a route that are not answered."""
        return self.mirror.in_flight_on(route) + (self._pools.in_flight_on(route) if self._pools is not None else 0)

    def binds_of(self, route: str) -> int:
        """How many carrier binds of a route stand."""
        return self.mirror.binds_of(route) + (self._pools.binds_of(route) if self._pools is not None else 0)

    def trace(self, account: Account, trace: PduTrace | None) -> None:
        """Begins the trace of an account, or ends it with None."""
        self.mirror.trace(account, trace)

    # ---- connections and writing --------------------------------------------------------------------------------

    def _accept(self) -> EsmeLink:
        now = time.monotonic()
        session = Session("esme", self._timers, self._settings.command_length_most_octets, self._log, now)
        link = EsmeLink(session, self, self._in_force, self._journal.is_crowded)
        # WHY not among the links yet: a TLS handshake that fails tells nobody, and the link would stay for ever.
        self._greeting[link] = now
        return link

    def esme_came(self, link: EsmeLink) -> None:
        """A connection stands, its TLS handshake behind it."""
        self._greeting.pop(link, None)
        self._journal.counters.counts["connection.accepted"] += 1
        if len(self._links) + len(self._greeting) >= self._settings.connections_most or self.draining:
            self._log("connection.refused")
            link.session.close("too many connections")
            link.flush()
        self._links.add(link)

    def evidence_drained(self) -> None:
        """The evidence log has room again: reading goes on everywhere."""
        for link in self._links:
            link.set_reading()

    def wake(self, *links: Link | None) -> None:
        """Has links written once this loop turn is over: many answers, one write."""
        if not self._dirty:
            asyncio.get_running_loop().call_soon(self._flush_dirty)
        self._dirty.update(link for link in links if link is not None)

    def _flush_dirty(self) -> None:
        dirty, self._dirty = self._dirty, set()
        for link in dirty:
            link.flush()
            link.set_reading()

    # ---- binding ------------------------------------------------------------------------------------------------

    def esme_said(self, link: EsmeLink, pdus: list[Pdu], now: float) -> None:
        """Something came on a connection without a relay: it sits in a pool, or it asks for a bind."""
        if self._pools is not None and self._pools.esme_said(link, pdus, now):
            return
        for pdu in pdus:
            if not pdu.command_id & RESPONSE_BIT:
                if not self._asking:
                    asyncio.get_running_loop().call_soon(self._begin_binds)
                self._asking.append((link, pdu))

    def _begin_binds(self) -> None:
        """Begins a few binds. WHY so few a turn: hundreds that come at once would hold up the traffic that stands."""
        loop = asyncio.get_running_loop()
        for _ in range(min(_BINDS_A_TURN, len(self._asking))):
            link, pdu = self._asking.popleft()
            if not link.gone:
                task = loop.create_task(self._bind(link, pdu))
                self._binding[link] = task
                task.add_done_callback(partial(self._bind_ended, link))
        if self._asking:
            loop.call_soon(self._begin_binds)

    def _bind_ended(self, link: EsmeLink, _: "asyncio.Task[None]") -> None:
        self._binding.pop(link, None)

    async def _bind(self, link: EsmeLink, pdu: Pdu) -> None:
        try:
            bind = read_bind(pdu)
            certificate = _certificate(link)
            account = await self._doorkeeper.admit(bind, link.peer_address, certificate)
            if self._pools is not None and self._pools.serves(account):
                self._pools.admit(link, account, bind)
            else:
                await self.mirror.open(link, account, bind, self.routes.get(account.route))
        except PduError as error:
            self._refuse_bind(link, pdu, error.status, "malformed")
        except BindRefusedError as error:
            self._refuse_bind(link, pdu, error.status, error.reason)
        except asyncio.CancelledError:
            if not link.gone:
                self._refuse_bind(link, pdu, ESME_RSYSERR, "draining")
            raise

    def _refuse_bind(self, link: EsmeLink, pdu: Pdu, status: int, reason: str) -> None:
        self._log("bind.refused", reason=reason, status=status, peer=link.peer_address)
        link.session.out.append(response(pdu.command_id | RESPONSE_BIT, status, pdu.sequence))
        link.session.close("bind refused")
        link.flush()

    def esme_gone(self, link: EsmeLink) -> None:
        self._journal.counters.counts["connection.closed"] += 1
        self._links.discard(link)
        task = self._binding.get(link)
        if task is not None:
            task.cancel()
        if self._pools is None or not self._pools.esme_gone(link):
            self.mirror.esme_gone(link)

    # ---- time ---------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        """Drives every timer. WHY one tick: a call_later per PDU costs more than looking at each bind ten times a s."""
        # WHY first: whatever is raised below, the timers go on.
        self._ticker = asyncio.get_running_loop().call_later(_TICK_S, self._tick)
        now = time.monotonic()
        self._in_force.now = time.time()
        if self._pools is not None:
            try:
                self._pools.tick(now)
            except Exception as error:  # noqa: BLE001  WHY: a defect in pools must not stop the timers of all binds
                self._fail(error)
        if self._stalling is not None:
            try:
                self._stalling.tick(now)
            except Exception as error:  # noqa: BLE001  WHY: as above
                self._fail(error)
        for link, since in tuple(self._greeting.items()):
            if now >= since + self._timers.session_init_s + _HANDSHAKE_GRACE_S:
                del self._greeting[link]
                self._log("tls.failed")
        for link in tuple(self._links):
            try:
                self._tick_esme(link, now)
            except Exception as error:  # noqa: BLE001  WHY: a defect met by one bind must not stop all others' timers
                self._fail(error)
                if not self.mirror.broke(link):
                    link.abort()
        self.mirror.tick(now)

    def _fail(self, error: Exception) -> None:
        """Tells of a defect."""
        asyncio.get_running_loop().call_exception_handler({"message": "a bind's timers failed", "exception": error})

    def _tick_esme(self, link: EsmeLink, now: float) -> None:
        if now >= link.session.next_deadline():
            sequence = self.mirror.sequence_to(link)
            if sequence is None:
                sequence = self._pools.sequence_to(link) if self._pools is not None else 1
            link.session.handle_deadline(now, sequence)
            link.flush()
        link.abort_if_stuck(now)


def _certificate(link: EsmeLink) -> bytes | None:
    tls = link.transport.get_extra_info("ssl_object") if link.transport is not None else None
    return tls.getpeercert(binary_form=True) if tls is not None else None
