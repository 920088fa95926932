"""The shell of pool mode: its parts, the ESMEs' binds at their desks, and who is written when.

Owns the links of both sides and the order of writing: the trail first, so that no ESME has an id that a kill could make
unknown; then the carriers, then the ESMEs. Must never decide about a message or look into one.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from proxy.binds.binding import BindRefusedError, BindRequest
from proxy.binds.deliveries import WaitingDeliveries
from proxy.binds.links import EsmeLink, has_to_be_looked_at
from proxy.binds.mirror import Mirror
from proxy.binds.pairs import RouteState
from proxy.binds.pool_carriers import INTERFACE_VERSION, PoolCarriers
from proxy.binds.seats import OwnMessage, PoolState, Seat
from proxy.binds.stalled_ways import PoolWay
from proxy.binds.steady_clock import steady_utc_us
from proxy.core.decision import Refusal
from proxy.core.records import Account
from proxy.core.snapshot import Snapshot
from proxy.judging.account_gate import AccountGate
from proxy.judging.confirmation import Confirmer
from proxy.judging.hearing import Hearing, Understood
from proxy.judging.in_force import InForce
from proxy.judging.journal import Journal
from proxy.judging.pool_books import PoolBooks
from proxy.judging.pool_names import PoolNames
from proxy.judging.pool_returns import PoolReturns
from proxy.judging.shared import Shared
from proxy.judging.tallies import Arrivals, Tallies
from proxy.pool.bind import PoolBind
from proxy.pool.deliveries import EsmeDeliveries
from proxy.pool.desk import Desk
from proxy.pool.dispatch import Dispatch, PoolRoute, our_id
from proxy.pool.ticket import TakenBack, Ticket
from proxy.pool_stores import PoolStores
from proxy.routing.choice import Route as RouteFacts
from proxy.routing.pace import Pace
from proxy.settings import Route, Smpp
from proxy.smpp.consts import (
    ESME_RBINDFAIL,
    ESME_RSYSERR,
    RESPONSE_BIT,
    SUBMIT_SM,
    TAG_SC_INTERFACE_VERSION,
)
from proxy.smpp.pdu import Pdu, response
from proxy.smpp.receipt_ids import likely_ids, rewritten
from proxy.smpp.session import Timers
from proxy.smpp.several import Several
from proxy.smpp.text import AlphabetTable, joint_table
from proxy.smpp.tlv import encode_tlvs
from proxy.smpp.withdrawal import Withdrawal
from proxy.telemetry.status import BindKind, BindRow
from proxy.trail.message import decision_of

_SYSTEM_ID: Final = b"tdgate\0"
_UNBIND_S: Final = 2.0
_EXPIRE_S: Final = 1.0
#: What stands for a message of tdgate's own in a bind's window: nobody asked for it.
_OWN_REQUEST: Final = Pdu(SUBMIT_SM, 0, 0, b"")


class Pools:
    """All pools. Their carriers' side is `pool_carriers.py`."""

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
        self._carrier_binds = PoolCarriers(settings, in_force, timers, self._touch, self._write_later, log)
        self._links = self._carrier_binds.links
        self._pools: dict[str, PoolState] = {}
        self._unwritten: set[PoolBind] = set()
        self._esmes: set[EsmeLink] = set()
        self._kept: set[str] = set()
        self._ways: list[PoolWay] = []
        self.seats: dict[EsmeLink, Seat] = {}
        self._seats_of: dict[str, dict[EsmeLink, Seat]] = {}
        #: The snapshot whose accounts the seats were last compared with.
        self._seen: Snapshot | None = None
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
                counted=partial(self._count_arrivals, name),
                parts_wait_s=self._settings.mo_parts_wait_ms / 1000,
                parts_quiet_s=self._settings.parts_quiet_ms / 1000,
                log=self._log,
            )
            names = PoolNames(self._trail, dispatch, self._in_force)
            state = self._pools[name] = PoolState(
                dispatch, returns, joint_table([routes[each].table for each in pool.routes]), names
            )
            for each in pool.routes:
                self._carrier_binds.begin(state, routes[each])

    def drain_route(self, name: str, draining: bool) -> None:
        """Lets a route of a pool run dry, or work again; nothing for a route of no pool."""
        for pool in self._pools.values():
            if name in pool.dispatch.routes:
                pool.dispatch.drain(name, draining, time.monotonic())
                self._write_later()

    def in_flight_on(self, route: str) -> int:
        """Requests that a route's carrier has not answered."""
        return self._carrier_binds.in_flight_on(route)

    async def drain(self, seconds: float) -> None:
        """Answers what comes with `internal.draining`, waits at most `seconds` for what is open, and unbinds."""
        self.draining = True
        await self._carrier_binds.stop_dialling()
        for seat in self.seats.values():
            seat.desk.draining = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._until(lambda: self._is_idle)
        for esme, seat in self.seats.items():
            esme.session.unbind(seat.desk.deliveries.next_sequence())
        self._carrier_binds.unbind()
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
        return is_sent and all(
            not seat.desk.in_flight and not seat.desk.deliveries.open for seat in self.seats.values()
        )

    # ---- what carriers' words lead to -----------------------------------------------------------------------------

    def _touch(self, bind: PoolBind) -> None:
        self._unwritten.add(bind)
        self._write_later()

    def _delivery_kept(self, account: str) -> None:
        self._kept.add(account)
        self._write_later()

    def _refused_meanwhile(self, dispatch: Dispatch, person: bytes) -> None:
        """A person refused: what waits for that person is judged anew, before anything of it is sent."""
        dispatch.refused(person, time.monotonic())

    def _count_arrivals(self, pool: str, account: str, arrivals: Arrivals) -> None:
        self._tallies.join(account, pool, arrivals, arrivals)

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

        def touched() -> None:
            # WHY written: what calls may be the disk, and a sender that waits for each answer would wait for the tick.
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
            EsmeDeliveries(
                account.id,
                link.session,
                gate,
                self._waiting,
                window=account.window,
                response_s=self._timers.response_s,
                later_s=self._settings.delivery_retry_s,
            ),
            quiet_s=self._settings.parts_quiet_ms / 1000,
            next_id=self._journal.next_id,
            touched=touched,
        )
        gate.holder, gate.named.names, gate.carrier_of = desk, pool.names, self._carriers.of
        gate.numbers.is_pooled = True
        desk.draining = self.draining
        kind: BindKind = "rx" if bind.state == "rx" else "tx" if bind.state == "tx" else "trx"
        self._tallies.join(account.id, account.route, gate, desk)
        seat = self.seats[link] = Seat(account, kind, gate, desk)
        self._seats_of.setdefault(account.id, {})[link] = seat
        tlvs = encode_tlvs(((TAG_SC_INTERFACE_VERSION, bytes((INTERFACE_VERSION,))),))
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
        return 1 if seat is None else seat.desk.deliveries.next_sequence()

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
                carrier_in_flight=seat.desk.deliveries.open,
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
        return self._carrier_binds.binds_of(route)

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
                seat.desk.deliveries.hand_out(now)
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

    def _end_seats_of_removed(self, snapshot: Snapshot) -> None:
        """Unbinds the ESMEs whose account is gone or went elsewhere; what waits for them stays in the spool."""
        for link, seat in self.seats.items():
            account = snapshot.accounts.get(seat.account.id)
            if account is None or account.route != seat.account.route:
                self._log("account.removed", account=seat.account.id)
                seat.desk.draining = True
                link.session.unbind(seat.desk.deliveries.next_sequence())
                self._esmes.add(link)

    def tick(self, now: float) -> None:
        """Drives the timers of carrier binds, desks and what waits."""
        if self._in_force.snapshot is not self._seen:
            self._seen = self._in_force.snapshot
            self._end_seats_of_removed(self._seen)
        self._carrier_binds.tick(now)
        for pool in self._pools.values():
            pool.dispatch.handle_deadline(now)
            pool.returns.handle_deadline(now)
        for esme, seat in tuple(self.seats.items()):
            try:
                seat.desk.handle_deadline(now)
            except Exception as error:  # noqa: BLE001  WHY: as above
                self._carrier_binds.failed(error)
                esme.abort()
            if has_to_be_looked_at(esme):
                self._esmes.add(esme)
        if now >= self._expired_at + _EXPIRE_S:
            self._expired_at = now
            try:
                self._trail.expire(steady_utc_us())
            except OSError:
                self._log("trail.failed")
            for account, count in self._spool.expire(steady_utc_us()).items():
                self._log("spool.expired", account=account, count=count)
        self.write()


def _pool_route(name: str, route: Route) -> PoolRoute:
    return PoolRoute(RouteFacts(name, route.carriers, route.priority, route.weight), Pace(route.rate_per_s))
