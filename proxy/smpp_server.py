"""The asyncio shell of the SMPP bind proxy: listeners, binds and their pairs, timers, drain.

Owns every socket of the SMPP side and the one tick that drives all timers. Must never decide about a message. The way
of a submit_sm: `smpp_links.EsmeLink` reads → `smpp/session` frames → `smpp/relay` asks → `account_gate` reads and
judges with `policy` → `smpp/forward` spends the permit → `smpp_links.CarrierLink` writes.
"""

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from typing import Final

from proxy.binds.binding import (
    BindRefusedError,
    BindRequest,
    Dialler,
    Doorkeeper,
    backoff_s,
    for_carrier,
    read_bind,
)
from proxy.binds.credentials import Credentials
from proxy.binds.links import CarrierLink, EsmeLink, Link
from proxy.binds.pairs import Bound, Pairs, RouteState, links_of
from proxy.binds.pools import Pools
from proxy.binds.stalling import Stalling
from proxy.binds.tcp import Listening
from proxy.binds.tls import client_context, server_context
from proxy.binds.trace import PduTrace
from proxy.binds.withdrawing import Withdrawing
from proxy.core.records import Account
from proxy.judging.account_gate import InForce
from proxy.judging.confirmation import Confirmer
from proxy.judging.hearing import Hearing, Understood
from proxy.judging.journal import Journal
from proxy.judging.tallies import Tallies
from proxy.pool_stores import PoolStores
from proxy.settings import Smpp
from proxy.smpp.consts import BIND_RECEIVER, ESME_RBINDFAIL, ESME_RSYSERR, RESPONSE_BIT
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
        self._tallies = tallies
        self._settings = settings
        self.routes: dict[str, RouteState] = {}
        self.bounds: set[Bound] = set()
        self._in_force = in_force
        self._journal = journal
        self._hearing = hearing
        self._confirmer = confirmer
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
        self._dialler = Dialler(self, in_force, self._timers, settings.command_length_most_octets, log)
        self._pairs = Pairs(
            settings, in_force, journal, hearing, self.wake, self._confirm, self._withdraw, log, tallies
        )
        self._withdrawing = Withdrawing(in_force, journal)
        self._pools = (
            Pools(settings, in_force, journal, hearing, confirmer, self._pairs, self._timers, stores, tallies, log)
            if stores is not None and settings.pools
            else None
        )
        self._stalling: Stalling | None = None
        if stores is not None and settings.stalled.enabled:
            self._stalling = Stalling(
                settings, in_force, journal, hearing, stores, tallies, self.routes, self.bounds, self.wake, log
            )
            self._pairs.equip = self._stalling.equip
        self._listeners: list[asyncio.AbstractServer | Listening] = []
        self._links: set[EsmeLink] = set()
        #: Connections in their TLS handshake, with the monotonic time at which each came.
        self._greeting: dict[EsmeLink, float] = {}
        self._by_esme: dict[EsmeLink, Bound] = {}
        self._by_carrier: dict[CarrierLink, Bound] = {}
        self._asking: deque[tuple[EsmeLink, Pdu]] = deque()
        self._binding: dict[EsmeLink, asyncio.Task[None]] = {}
        self._opening: Counter[str] = Counter()
        self._redialling: set[asyncio.Task[None]] = set()
        self._dirty: set[Link] = set()
        self._empty = asyncio.Event()
        self._ticker: asyncio.TimerHandle | None = None
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
            self._stalling.pools = self._pools
            for account in self._stalling.found():
                self._pairs.shared_by(account)
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
        undone = (*self._binding.values(), *self._redialling)
        for task in undone:
            task.cancel()
        await asyncio.gather(*undone, return_exceptions=True)
        for name in self.routes:
            self.drain_route(name)
        if self._stalling is not None:
            self._stalling.drain()
        if self._pools is not None:
            await self._pools.drain(seconds)
        if self.bounds:
            self._empty.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), seconds)
        await self._hearing.drain()
        if self._ticker is not None:
            self._ticker.cancel()
        for bound in list(self.bounds):
            for link in links_of(bound):
                link.flush()
                link.abort()
        for link in list(self._links):
            link.abort()
        self._credentials.close()

    def drain_route(self, name: str) -> None:
        """Lets a route run dry: its ESMEs are answered `internal.draining`, and unbound once nothing is open.

        Raises KeyError for a route that there is none of.
        """
        self.routes[name].draining = True
        self._log("route.draining", route=name)
        if self._pools is not None and not self.draining:
            self._pools.drain_route(name, True)
        for bound in self.bounds:
            if bound.route.name == name:
                bound.relay.draining = True

    def resume_route(self, name: str) -> None:
        """Lets a drained route take binds and work again; raises KeyError for a route that there is none of."""
        self.routes[name].draining = False
        self._log("route.resumed", route=name)
        if self._pools is not None:
            self._pools.drain_route(name, False)
        for bound in self.bounds:
            if bound.route.name == name and not bound.unbinding:
                bound.relay.draining = False

    def seat_rows(self) -> list[BindRow]:
        """The ESMEs of all pools, for whoever shows them."""
        return self._pools.rows() if self._pools is not None else []

    def pooled_in_flight(self, route: str) -> int:
        """Requests that the carrier of a pool's route has not answered."""
        return self._pools.in_flight_on(route) if self._pools is not None else 0

    def pooled_binds(self, route: str) -> int:
        """How many binds of a pool's route stand."""
        return self._pools.binds_of(route) if self._pools is not None else 0

    def trace(self, account: Account, trace: PduTrace | None) -> None:
        """Begins the trace of an account, or ends it with None."""
        self._pairs.trace(account, trace, self.bounds)

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
                await self._open(link, account, bind)
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

    async def _open(self, link: EsmeLink, account: Account, bind: BindRequest) -> None:
        """Asks the carrier, and passes its answer on; raises BindRefusedError."""
        route = self._route_of(account)
        standing = sum(bound.account.id == account.id and bound.esme is not None for bound in self.bounds)
        if standing + self._opening[account.id] >= account.max_binds:
            raise BindRefusedError(ESME_RBINDFAIL, "max_binds")
        self._opening[account.id] += 1
        try:
            raw = for_carrier(bind, route.settings)
            carrier, answer = await self._dialler.dial(route.settings, route.tls, raw, bind.state)
        finally:
            self._opening[account.id] -= 1
        if link.gone or link.session.ending:
            carrier.abort()
            return
        bound = self._pairs.make(account, bind, route, link, carrier)
        bound.relay.draining = route.draining
        self.bounds.add(bound)
        self._by_esme[link] = self._by_carrier[carrier] = bound
        if self._stalling is not None:
            self._stalling.join(bound)
        self._log("bind.accepted", account=account.id, kind=bound.kind, peer=link.peer_address, route=route.name)
        link.session.out.append_as(answer.raw, bind.sequence)
        link.session.enter(bind.state)
        link.resume()
        carrier.resume()
        if bound.kind == "tx" and account.own_receiver:
            self._want_own_receiver(bound)

    def _route_of(self, account: Account) -> RouteState:
        route = self.routes.get(account.route)
        if route is None or route.draining:
            raise BindRefusedError(ESME_RSYSERR, "route draining" if route else "route unknown")
        return route

    # ---- losing links, dialling again ---------------------------------------------------------------------------

    def esme_gone(self, link: EsmeLink) -> None:
        self._journal.counters.counts["connection.closed"] += 1
        self._links.discard(link)
        task = self._binding.get(link)
        if task is not None:
            task.cancel()
        if self._pools is not None and self._pools.esme_gone(link):
            return
        bound = self._by_esme.pop(link, None)
        if bound is None:
            return
        self._log("bind.closed", account=bound.account.id, reason=link.session.ending or "connection lost")
        bound.esme = None
        bound.count_receiver()
        bound.relay.esme_lost()
        if bound.carrier is not None:
            bound.carrier.other = None
            bound.carrier.flush()
            bound.carrier.set_reading()
        self._settle(bound)

    def carrier_said(self, link: CarrierLink, pdus: list[Pdu], now: float) -> None:
        """A carrier's answer to a bind: whatever comes later goes to a relay."""
        for pdu in pdus:
            self._dialler.answered(link, pdu)

    def carrier_gone(self, link: CarrierLink) -> None:
        self._dialler.lost(link)
        bound = self._by_carrier.pop(link, None)
        if bound is None:
            return
        bound.carrier = None
        bound.count_receiver()
        bound.relay.carrier_lost(time.monotonic())
        esme = bound.esme
        if esme is not None:
            esme.other = None
        keep = bound.own or (esme is not None and bound.route.settings.on_loss == "hold")
        if bound.unbinding or self.draining or not keep:
            if esme is not None:
                esme.session.close("carrier lost")
        else:
            self._redial(bound)
        if not bound.unbinding:
            self._log("carrier.lost", account=bound.account.id, route=bound.route.name)
        if esme is not None:
            esme.flush()
            esme.set_reading()
        self._settle(bound)

    def _settle(self, bound: Bound) -> None:
        """Unbinds what is left of a pair once nothing is open, and forgets a pair of which nothing is left."""
        if bound.esme is None and bound.carrier is None and (bound.unbinding or not bound.own):
            self._forget(bound)
        elif _is_done(bound) or (bound.own and not self._has_transmitter(bound.account.id)):
            self._unbind(bound)

    def _forget(self, bound: Bound) -> None:
        self.bounds.discard(bound)
        self._tallies.leave(bound.account.id, bound.route.name, bound.gate)
        if not self.bounds:
            self._empty.set()

    def _unbind(self, bound: Bound) -> None:
        if bound.unbinding:
            return
        bound.unbinding = True
        if bound.esme is not None:
            bound.esme.session.unbind(bound.relay.esme_sequence())
        if bound.carrier is not None:
            bound.carrier.session.unbind(bound.relay.carrier_sequence())
        for link in links_of(bound):
            link.flush()
        if bound.carrier is None and bound.esme is None:
            self._forget(bound)

    def _has_transmitter(self, account: str) -> bool:
        return any(bound.account.id == account and bound.kind == "tx" and bound.esme for bound in self.bounds)

    def _redial(self, bound: Bound) -> None:
        task = asyncio.get_running_loop().create_task(self._dial_again(bound))
        self._redialling.add(task)
        task.add_done_callback(self._redialling.discard)

    async def _dial_again(self, bound: Bound) -> None:
        """Brings a lost carrier bind back, with growing pauses, for as long as its ESME stays."""
        route = bound.route
        state = "rx" if bound.own else bound.bind.state
        attempt = 0
        while bound in self.bounds and not bound.unbinding:
            await asyncio.sleep(backoff_s(route.settings, attempt))
            attempt += 1
            if (bound.esme is None and not bound.own) or bound.unbinding or route.draining:
                continue
            try:
                raw = for_carrier(bound.bind, route.settings, BIND_RECEIVER if bound.own else None)
                carrier, _ = await self._dialler.dial(route.settings, route.tls, raw, state)
            except BindRefusedError:
                continue
            if bound not in self.bounds or (bound.esme is None and not bound.own):
                carrier.abort()
                return
            bound.carrier = carrier
            self._by_carrier[carrier] = bound
            bound.relay.carrier_back(carrier.session)
            bound.join()
            carrier.resume()
            return

    def _want_own_receiver(self, transmitter: Bound) -> None:
        account = transmitter.account
        if any(bound.own and bound.account.id == account.id for bound in self.bounds):
            return
        bound = self._pairs.make_own(account, transmitter.bind, transmitter.route)
        self.bounds.add(bound)
        self._redial(bound)

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
                self._fail(error, None)
        if self._stalling is not None:
            try:
                self._stalling.tick(now)
            except Exception as error:  # noqa: BLE001  WHY: as above
                self._fail(error, None)
        for link, since in tuple(self._greeting.items()):
            if now >= since + self._timers.session_init_s + _HANDSHAKE_GRACE_S:
                del self._greeting[link]
                self._log("tls.failed")
        for link in tuple(self._links):
            try:
                self._tick_esme(link, now)
            except Exception as error:  # noqa: BLE001  WHY: a defect met by one bind must not stop all others' timers
                self._fail(error, self._by_esme.get(link), link)
        for shared in self._pairs.shared.values():
            shared.pending.age(now)
        written = self._withdrawing.go_on(self.bounds, now)
        if written:
            self.wake(*written)
        for bound in tuple(self.bounds):
            try:
                self._tick_pair(bound, now)
            except Exception as error:  # noqa: BLE001  WHY: as above
                self._fail(error, bound)

    def _fail(self, error: Exception, bound: Bound | None, *links: Link) -> None:
        """Tells of a defect, and gives up whatever met it: its timers would raise again with each tick."""
        asyncio.get_running_loop().call_exception_handler({"message": "a bind's timers failed", "exception": error})
        if bound is not None:
            bound.unbinding = True
            self._forget(bound)
            links = links_of(bound)
        for link in links:
            link.abort()

    def _tick_esme(self, link: EsmeLink, now: float) -> None:
        if now >= link.session.next_deadline():
            bound = self._by_esme.get(link)
            sequence = bound.relay.esme_sequence() if bound else self._pools.sequence_to(link) if self._pools else 1
            link.session.handle_deadline(now, sequence)
            link.flush()
        link.abort_if_stuck(now)

    def _tick_pair(self, bound: Bound, now: float) -> None:
        carrier, relay = bound.carrier, bound.relay
        if carrier is not None and now >= carrier.session.next_deadline():
            carrier.session.handle_deadline(now, relay.carrier_sequence())
        deadline = relay.next_deadline()
        if deadline is not None and now >= deadline:
            relay.handle_deadline(now)
        if carrier is not None:
            carrier.abort_if_stuck(now)
        for link in links_of(bound):
            # WHY those that rest too: the reason may be gone without anybody having looked at this link.
            if link.session.out or link.session.ending or link.session.resting:
                link.flush()
                link.set_reading()
        self._settle(bound)

    # ---- confirmations ------------------------------------------------------------------------------------------

    def _withdraw(self, understood: Understood) -> None:
        """Cancels at the carriers what a person who refused was still to be sent."""
        self.wake(*self._withdrawing.refused(understood, self._pairs.shared, self.bounds, time.monotonic()))

    def _confirm(self, heard_on: Bound, understood: Understood) -> None:
        """Sends the optional confirmation on whatever bind of the account can send."""
        permit = self._confirmer.permit(heard_on.account, understood, time.time())
        if permit is None:
            return
        for bound in (heard_on, *self.bounds):
            if bound.account.id == heard_on.account.id and bound.relay.send_own(permit, time.monotonic()):
                self._log("confirmation.sent", account=bound.account.id)
                self.wake(bound.carrier)
                return


def _is_done(bound: Bound) -> bool:
    """Whether a pair has nothing left to do: its ESME is gone or its route drains, and nothing is open."""
    relay = bound.relay
    if bound.esme is None and not bound.own:
        return not relay.in_flight
    return relay.draining and not relay.in_flight and not relay.delivering


def _certificate(link: EsmeLink) -> bytes | None:
    tls = link.transport.get_extra_info("ssl_object") if link.transport is not None else None
    return tls.getpeercert(binary_form=True) if tls is not None else None
