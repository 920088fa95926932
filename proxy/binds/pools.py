"""The shell of pool mode: carrier binds that are kept up, ESME binds at their desks, and who is written when.

Owns the links of both sides and the order of writing: the trail first, so that no ESME has an id that a kill could make
unknown; then the carriers, then the ESMEs. Must never decide about a message or look into one.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from proxy.binds.binding import BindRefusedError, BindRequest, Dialler, backoff_s
from proxy.binds.deliveries import WaitingDeliveries
from proxy.binds.links import CarrierLink, EsmeLink, has_to_be_looked_at
from proxy.binds.mirror import Mirror
from proxy.binds.pairs import RouteState
from proxy.binds.seats import OwnMessage, PoolState, Seat
from proxy.binds.stalled_ways import PoolWay
from proxy.core.decision import Refusal
from proxy.core.records import Account
from proxy.judging.account_gate import AccountGate, InForce
from proxy.judging.confirmation import Confirmer
from proxy.judging.hearing import Hearing, Understood
from proxy.judging.journal import Journal
from proxy.judging.pool_books import PoolBooks
from proxy.judging.pool_names import PoolNames
from proxy.judging.pool_returns import PoolReturns
from proxy.judging.shared import Shared
from proxy.judging.tallies import Tallies
from proxy.pool.bind import PoolBind
from proxy.pool.desk import Desk
from proxy.pool.dispatch import Dispatch, PoolRoute, our_id
from proxy.pool.ticket import TakenBack, Ticket
from proxy.pool_stores import PoolStores
from proxy.routing.choice import Route as RouteFacts
from proxy.routing.pace import Pace
from proxy.settings import Route, Smpp
from proxy.smpp.codec import encode
from proxy.smpp.consts import (
    BIND_TRANSCEIVER,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK_RESP,
    ESME_RBINDFAIL,
    ESME_ROK,
    ESME_RSYSERR,
    RESPONSE_BIT,
    SUBMIT_SM,
    TAG_SC_INTERFACE_VERSION,
    UNBIND,
    UNBIND_RESP,
)
from proxy.smpp.pdu import Pdu, response
from proxy.smpp.receipt_ids import likely_ids, rewritten
from proxy.smpp.session import Timers
from proxy.smpp.several import Several
from proxy.smpp.text import AlphabetTable
from proxy.smpp.tlv import encode_tlvs
from proxy.smpp.withdrawal import Withdrawal
from proxy.telemetry.status import BindKind, BindRow
from proxy.trail.message import decision_of

_SYSTEM_ID: Final = b"tdgate\0"
_INTERFACE_VERSION: Final = 0x34
_UNBIND_S: Final = 2.0
_EXPIRE_S: Final = 1.0
#: What stands for a message of tdgate's own in a bind's window: nobody asked for it.
_OWN_REQUEST: Final = Pdu(SUBMIT_SM, 0, 0, b"")


class Pools:
    """All pools. Also the `CarrierOwner` of their carrier links (see `links.py`)."""

    def __init__(
        self,
        settings: Smpp,
        in_force: InForce,
        journal: Journal,
        hearing: Hearing,
        confirmer: Confirmer,
        mirror: Mirror,
        timers: Timers,
        stores: PoolStores,
        tallies: Tallies,
        log: Callable[..., None],
    ) -> None:
        self._settings = settings
        self._in_force = in_force
        self._journal = journal
        self._hearing = hearing
        self._confirmer = confirmer
        self._pairs = mirror.pairs
        self._withdraw = mirror.withdraw
        mirror.withdrawing.pooled = self.withdraw
        self._timers = timers
        self._tallies = tallies
        self._carriers = stores.carriers
        self._trail = stores.trail
        self._spool = stores.spool
        self._waiting = WaitingDeliveries(stores.spool, log)
        self._log = log
        self._writing = False
        self._wrote = asyncio.Event()
        self._expired_at = 0.0
        self._dialler = Dialler(self, in_force, timers, settings.command_length_most_octets, log)
        self._pools: dict[str, PoolState] = {}
        self._links: dict[PoolBind, CarrierLink] = {}
        self._binds: dict[CarrierLink, PoolBind] = {}
        self._gone: dict[PoolBind, asyncio.Event] = {}
        self._keeping: set[asyncio.Task[None]] = set()
        self._unwritten: set[PoolBind] = set()
        self._esmes: set[EsmeLink] = set()
        self._kept: set[str] = set()
        self._ways: list[PoolWay] = []
        self.seats: dict[EsmeLink, Seat] = {}
        self._seats_of: dict[str, dict[EsmeLink, Seat]] = {}
        self.draining = False

    # ---- start and stop -----------------------------------------------------------------------------------------

    def start(self, routes: dict[str, RouteState]) -> None:
        """Makes the pools and begins to dial their binds."""
        for name, pool in self._settings.pools.items():
            books = PoolBooks(self._in_force, self._journal, self._hearing, self._trail, self._log)
            dispatch = Dispatch(
                (_pool_route(each, self._settings.routes[each]) for each in pool.routes), books, self._timers.response_s
            )
            returns = PoolReturns(
                name,
                self._in_force,
                self._hearing,
                self._trail,
                self._spool,
                {each: routes[each].table for each in pool.routes},
                likely_ids=likely_ids,
                renamed=rewritten,
                answered=self._touch,
                kept=self._delivery_kept,
                in_flight=dispatch.in_flight,
                closed=partial(self._refused_meanwhile, dispatch),
                confirm=partial(self._confirm, dispatch),
                withdraw=self._withdraw,
                ended=self._message_ended,
                parts_wait_s=self._settings.mo_parts_wait_ms / 1000,
                parts_quiet_s=self._settings.parts_quiet_ms / 1000,
                log=self._log,
            )
            names = PoolNames(self._trail, dispatch, self._in_force)
            state = self._pools[name] = PoolState(dispatch, returns, routes[pool.routes[0]].table, names)
            for each in pool.routes:
                for _ in range(self._settings.routes[each].binds):
                    task = asyncio.get_running_loop().create_task(self._keep_up(state, routes[each]))
                    self._keeping.add(task)
                    task.add_done_callback(self._keeping.discard)

    def drain_route(self, name: str, draining: bool) -> None:
        """Lets a route of a pool run dry, or work again; nothing for a route of no pool."""
        for pool in self._pools.values():
            if name in pool.dispatch.routes:
                pool.dispatch.drain(name, draining, time.monotonic())
                self._write_later()

    def in_flight_on(self, route: str) -> int:
        """Requests that a route's carrier has not answered."""
        return sum(bind.in_flight for bind in self._links if bind.route == route)

    async def drain(self, seconds: float) -> None:
        """Answers what comes with `internal.draining`, waits at most `seconds` for what is open, and unbinds."""
        self.draining = True
        for task in self._keeping:
            task.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)
        for seat in self.seats.values():
            seat.desk.draining = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._until(lambda: self._is_idle)
        for esme, seat in self.seats.items():
            esme.session.unbind(seat.desk.next_sequence())
        for bind, carrier in self._links.items():
            carrier.session.unbind(bind.next_sequence())
        self._esmes.update(self.seats)
        self._unwritten.update(self._links)
        self.write()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_UNBIND_S):
                await self._until(lambda: not self.seats and not self._links)
        for link in (*self.seats, *self._links.values()):
            link.abort()

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Waits until something holds, looking again whenever something was written."""
        while not condition():
            self._wrote.clear()
            await self._wrote.wait()

    @property
    def _is_idle(self) -> bool:
        """Whether nothing of any ESME is open, stalled messages that are at a carrier included."""
        is_sent = all(not way.messages.tries.open for way in self._ways)
        return is_sent and all(not seat.desk.in_flight and not seat.desk.delivering for seat in self.seats.values())

    # ---- the carriers' side ---------------------------------------------------------------------------------------

    async def _keep_up(self, pool: PoolState, route: RouteState) -> None:
        """Dials one bind of a route, and again whenever it is lost, with growing pauses."""
        attempt = 0
        settings = route.settings
        raw = encode(
            BIND_TRANSCEIVER,
            0,
            1,
            {
                "system_id": settings.system_id.encode(),
                "password": settings.password.encode(),
                "interface_version": _INTERFACE_VERSION,
            },
        )
        while not self.draining:
            try:
                link, _ = await self._dialler.dial(settings, route.tls, raw, "trx")
            except BindRefusedError:
                await asyncio.sleep(backoff_s(settings, attempt))
                attempt += 1
                continue
            attempt = 0
            bind = PoolBind(route.name, link.session, settings.window, self._timers.response_s)
            gone = self._gone[bind] = asyncio.Event()
            self._links[bind] = link
            self._binds[link] = bind
            pool.dispatch.bind_came(bind, time.monotonic())
            link.resume()
            self._touch(bind)
            await gone.wait()
            await asyncio.sleep(backoff_s(settings, 0))

    def carrier_gone(self, link: CarrierLink) -> None:
        self._dialler.lost(link)
        bind = self._binds.pop(link, None)
        if bind is None:
            return
        del self._links[bind]
        pool = self._pool_of(bind)
        if not self.draining:
            self._log("carrier.lost", route=bind.route)
        pool.dispatch.bind_lost(bind, time.monotonic())
        pool.returns.bind_lost(bind)
        self._gone.pop(bind).set()
        self._write_later()

    def carrier_said(self, link: CarrierLink, pdus: list[Pdu], now: float) -> None:
        """Takes what a carrier said on one of its binds, or its answer to a bind."""
        bind = self._binds.get(link)
        if bind is None:
            for pdu in pdus:
                self._dialler.answered(link, pdu)
            return
        pool = self._pool_of(bind)
        for pdu in pdus:
            if pdu.command_id & RESPONSE_BIT:
                if pdu.command_id == UNBIND_RESP:
                    link.session.unbound()
                elif pdu.command_id != ENQUIRE_LINK_RESP:
                    pool.dispatch.from_carrier(bind, pdu, now)
                    pool.returns.message_known(bind)
            elif pdu.command_id in (DELIVER_SM, DATA_SM):
                pool.returns.take(bind, pdu, now)
            elif pdu.command_id == UNBIND:
                link.session.respond(pdu, ESME_ROK)
                link.session.close("unbound")
        self._write_later()

    def _pool_of(self, bind: PoolBind) -> PoolState:
        return next(pool for pool in self._pools.values() if bind.route in pool.dispatch.routes)

    def _touch(self, bind: PoolBind) -> None:
        self._unwritten.add(bind)
        self._write_later()

    def _delivery_kept(self, account: str) -> None:
        self._kept.add(account)
        self._write_later()

    def _refused_meanwhile(self, dispatch: Dispatch, person: bytes) -> None:
        """A person refused: what waits for that person is judged anew, before anything of it is sent."""
        dispatch.refused(person, time.monotonic())

    def _message_ended(self, account: str, message: int) -> None:
        """A message came to its end: nothing is left to be taken back."""
        shared = self._pairs.shared.get(account)
        if shared is not None:
            shared.pooled.ended((our_id(message),))

    def withdraw(self, account: str, withdrawal: Withdrawal, now: float) -> bool:
        """Asks the carrier that has a message to cancel it; False where it cannot be asked now, or is known no more."""
        message = decision_of(withdrawal.message_id)
        found = None if message is None else self._trail.by_ours(message)
        if found is None or found.account != account or found.state or not found.carrier_id:
            return False
        pool = next((one for one in self._pools.values() if found.route in one.dispatch.routes), None)
        if pool is None or not self._settings.routes[found.route].withdraw:
            return False
        taken_back = TakenBack(withdrawal.decision_id, self._withdrawn)
        self._write_later()
        return pool.dispatch.withdraw(found.route, withdrawal.under(found.carrier_id), taken_back, now)

    def _withdrawn(self, decision_id: int, status: int | None) -> None:
        self._log(self._journal.withdrawn(decision_id, status))

    def _confirm(self, dispatch: Dispatch, account: Account, understood: Understood) -> None:
        """Sends the optional confirmation."""
        permit = self._confirmer.permit(account, understood, time.time())
        if permit is not None:
            carrier = self._carriers.of(understood.person, permit.decision.person)
            ticket = Ticket(OwnMessage(account.id), _OWN_REQUEST, permit, carrier, time.monotonic())
            dispatch.send(ticket, time.monotonic())
            self._log("confirmation.sent", account=account.id)
            self._write_later()

    # ---- stalled messages -------------------------------------------------------------------------------------------

    def way_of(self, account: Account, shared: Shared) -> PoolWay:
        """The way of an account's stalled messages."""
        dispatch = self._pools[account.route].dispatch
        way = PoolWay(account.id, self._trail, dispatch, self._carriers.of, self._write_later, shared.pooled.keep)
        self._ways.append(way)
        return way

    def table_of(self, account: Account) -> AlphabetTable:
        """How data_coding is read in an account's pool."""
        return self._pools[account.route].table

    def delivery_kept(self, account: str) -> None:
        """Something waits for an account."""
        self._delivery_kept(account)

    # ---- the ESMEs' side ------------------------------------------------------------------------------------------

    def serves(self, account: Account) -> bool:
        """Whether an account is one of a pool."""
        return account.route in self._pools

    def admit(self, link: EsmeLink, account: Account, bind: BindRequest) -> None:
        """Takes an ESME that may bind, and answers it; raises BindRefusedError."""
        if len(self._seats_of.get(account.id, ())) >= account.max_binds:
            raise BindRefusedError(ESME_RBINDFAIL, "max_binds")
        if self.draining:
            raise BindRefusedError(ESME_RSYSERR, "draining")
        if not link.gone and not link.session.ending:
            self._seat(link, account, bind)

    def _seat(self, link: EsmeLink, account: Account, bind: BindRequest) -> None:
        pool = self._pools[account.route]
        shared = self._pairs.shared_by(account)

        def refusal_durable(pdu: Pdu, refusal: Refusal) -> None:
            desk.refusal_durable(pdu, refusal)
            self._esmes.add(link)
            self._write_later()

        def several_durable(several: Several) -> None:
            desk.several_durable(several)
            self._write_later()

        gate = AccountGate(
            account,
            shared,
            self._in_force,
            self._journal,
            self._hearing,
            pool.table,
            purpose_tag=self._settings.purpose_tag,
            # Refusals come back on the pool's own binds, whatever the ESME bound as.
            transmitter=False,
            interface_version=bind.interface_version,
            refusal_durable=refusal_durable,
            several_durable=several_durable,
            reply_durable=lambda pdu, ok: None,
            confirm=lambda understood: None,
            withdraw=lambda understood: None,
            log=self._log,
        )
        desk = Desk(
            account.id,
            gate,
            link.session,
            pool.dispatch,
            self._carriers,
            self._waiting,
            window=account.window,
            response_s=self._timers.response_s,
            later_s=self._settings.delivery_retry_s,
            quiet_s=self._settings.parts_quiet_ms / 1000,
            next_id=self._journal.next_id,
            touched=partial(self._esmes.add, link),
        )
        gate.holder, gate.names, gate.carrier_of = desk, pool.names, self._carriers.of
        desk.draining = self.draining
        kind: BindKind = "rx" if bind.state == "rx" else "tx" if bind.state == "tx" else "trx"
        self._tallies.join(account.id, account.route, gate, desk)
        seat = self.seats[link] = Seat(account, kind, gate, desk)
        self._seats_of.setdefault(account.id, {})[link] = seat
        tlvs = encode_tlvs(((TAG_SC_INTERFACE_VERSION, bytes((_INTERFACE_VERSION,))),))
        link.session.out.append(response(bind.command_id | RESPONSE_BIT, 0, bind.sequence, _SYSTEM_ID + tlvs))
        link.session.enter(bind.state)
        link.may_write = self._flush_trail
        self._log("bind.accepted", account=account.id, kind=kind, peer=link.peer_address, route=account.route)
        link.resume()
        self._kept.add(account.id)
        self._write_later()

    def esme_said(self, link: EsmeLink, pdus: list[Pdu], now: float) -> bool:
        """Takes what an ESME said; tells whether it sits here."""
        seat = self.seats.get(link)
        if seat is None:
            return False
        seat.desk.from_esme(pdus, now)
        self._esmes.add(link)
        self._write_later()
        return True

    def sequence_to(self, link: EsmeLink) -> int:
        """A sequence_number for a link request to an ESME, of which no delivery is open."""
        seat = self.seats.get(link)
        return 1 if seat is None else seat.desk.next_sequence()

    def esme_gone(self, link: EsmeLink) -> bool:
        """An ESME's connection ended; tells whether it sat here."""
        seat = self.seats.pop(link, None)
        if seat is None:
            return False
        self._log("bind.closed", account=seat.account.id, reason=link.session.ending or "connection lost")
        del self._seats_of[seat.account.id][link]
        seat.desk.esme_lost()
        self._tallies.leave(seat.account.id, seat.account.route, seat.gate)
        self._esmes.discard(link)
        self._kept.add(seat.account.id)
        self._write_later()
        return True

    def rows(self) -> list[BindRow]:
        """What there is to show of each ESME."""
        return [
            BindRow(
                account=seat.account.id,
                principal=seat.account.principal,
                kind=seat.kind,
                state="bound",
                peer=esme.peer_address,
                since_us=int(seat.since * 1e6),
                route=seat.account.route,
                esme_in_flight=seat.desk.in_flight,
                carrier_in_flight=seat.desk.delivering,
                submitted=seat.gate.submitted,
                permitted=seat.gate.permitted,
                refused=seat.gate.refused,
                deferred=seat.gate.deferred,
                replies=seat.gate.replies,
            )
            for esme, seat in self.seats.items()
        ]

    def binds_of(self, route: str) -> int:
        """How many binds of a route stand."""
        return sum(bind.route == route for bind in self._links)

    # ---- writing, and time -----------------------------------------------------------------------------------------

    def _write_later(self) -> None:
        if not self._writing:
            self._writing = True
            asyncio.get_running_loop().call_soon(self.write)

    def write(self) -> None:
        """Writes everything that has something to say, in the order that keeps ids and answers safe."""
        self._writing = False
        now = time.monotonic()
        for account in self._kept:
            for link, seat in self._seats_of.get(account, {}).items():
                seat.desk.deliver(now)
                self._esmes.add(link)
        self._kept.clear()
        if not self._flush_trail():
            return
        for pool in self._pools.values():
            self._unwritten |= pool.dispatch.touched
            pool.dispatch.touched.clear()
        for bind in self._unwritten:
            carrier = self._links.get(bind)
            if carrier is not None:
                carrier.flush()
                carrier.set_reading()
        self._unwritten.clear()
        # INVARIANT: the set stays the same one, since every desk adds its link to it.
        esmes = tuple(self._esmes)
        self._esmes.clear()
        for link in esmes:
            link.flush()
            link.set_reading()
        self._wrote.set()

    def _flush_trail(self) -> bool:
        """Whether what ESMEs are to be told is on disk now; where it fails it is tried again with each tick."""
        # INVARIANT: nothing is written to an ESME before: it must not get an id that a kill could make unknown.
        try:
            self._trail.flush()
        except OSError:
            self._log("trail.failed")
            return False
        return True

    def tick(self, now: float) -> None:
        """Drives the timers of carrier binds, desks and what waits."""
        for bind, link in tuple(self._links.items()):
            if now >= link.session.next_deadline():
                link.session.handle_deadline(now, bind.next_sequence())
            link.abort_if_stuck(now)
            if has_to_be_looked_at(link):
                self._unwritten.add(bind)
        for pool in self._pools.values():
            pool.dispatch.handle_deadline(now)
            pool.returns.handle_deadline(now)
        for esme, seat in tuple(self.seats.items()):
            seat.desk.handle_deadline(now)
            if has_to_be_looked_at(esme):
                self._esmes.add(esme)
        if now >= self._expired_at + _EXPIRE_S:
            self._expired_at = now
            try:
                self._trail.expire(time.time_ns() // 1000)
            except OSError:
                self._log("trail.failed")
            for account, count in self._spool.expire(time.time_ns() // 1000).items():
                self._log("spool.expired", account=account, count=count)
        self.write()


def _pool_route(name: str, route: Route) -> PoolRoute:
    return PoolRoute(RouteFacts(name, route.carriers, route.priority, route.weight), Pace(route.rate_per_s))
