"""Mirror mode's binds: pairs of an ESME's bind and a carrier bind of its own, from the dialling to the last answer.

Owns which links belong to which pair, and what becomes of a pair when a side is lost, a route drains or a refusal is
heard. Must never decide about a message. The pairs themselves are made by `pairs.py`; what passes between their links
is `smpp/relay.py`'s.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable

from proxy.binds.binding import BindRefusedError, BindRequest, Dialler, backoff_s, for_carrier
from proxy.binds.links import CarrierLink, EsmeLink, has_to_be_looked_at
from proxy.binds.pairs import Bound, Pairs, RouteState, links_of
from proxy.binds.trace import PduTrace
from proxy.binds.withdrawing import Withdrawing
from proxy.core.records import Account
from proxy.judging.confirmation import Confirmer
from proxy.judging.hearing import Hearing, Understood
from proxy.judging.in_force import InForce
from proxy.judging.journal import Journal
from proxy.judging.tallies import Tallies
from proxy.settings import Smpp
from proxy.smpp.consts import BIND_RECEIVER, ESME_RBINDFAIL, ESME_RSYSERR
from proxy.smpp.pdu import Pdu
from proxy.smpp.session import Timers


class Mirror:
    """All pairs. Also the `CarrierOwner` of their carrier links (see `links.py`). `now` is monotonic seconds.

    `wake` has links written once the loop turn is over; `failed` is told of a defect that a pair met.
    """

    def __init__(
        self,
        settings: Smpp,
        in_force: InForce,
        journal: Journal,
        hearing: Hearing,
        confirmer: Confirmer,
        timers: Timers,
        log: Callable[..., None],
        tallies: Tallies,
        wake: Callable[..., None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._confirmer = confirmer
        self._log = log
        self._tallies = tallies
        self._wake = wake
        self._failed = failed
        self._dialler = Dialler(self, in_force, timers, settings.command_length_most_octets, log)
        self.pairs = Pairs(settings, in_force, journal, hearing, wake, self._confirm, self.withdraw, log, tallies)
        self.withdrawing = Withdrawing(in_force, journal)
        self._by_esme: dict[EsmeLink, Bound] = {}
        self._by_carrier: dict[CarrierLink, Bound] = {}
        self._opening: Counter[str] = Counter()
        self._redialling: set[asyncio.Task[None]] = set()
        self._empty = asyncio.Event()
        self.bounds: set[Bound] = set()
        self.draining = False

    # ---- draining and tracing ------------------------------------------------------------------------------------

    async def drain(self, seconds: float) -> None:
        """Waits until every pair has ended, at most `seconds`: its routes drain already (`drain_route`)."""
        self.draining = True
        for task in self._redialling:
            task.cancel()
        await asyncio.gather(*self._redialling, return_exceptions=True)
        if self.bounds:
            self._empty.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), seconds)

    def abort(self) -> None:
        """Drops what is left, with what can still be written of it."""
        for bound in tuple(self.bounds):
            for link in links_of(bound):
                link.flush()
                link.abort()

    def drain_route(self, name: str, draining: bool) -> None:
        """Lets the pairs of a route run dry, or work again."""
        for bound in self.bounds:
            if bound.route.name == name and (draining or not bound.unbinding):
                bound.relay.draining = draining

    def in_flight_on(self, route: str) -> int:
        """Requests of a route's ESMEs that are not answered."""
        return sum(bound.relay.in_flight for bound in self.bounds if bound.route.name == route)

    def binds_of(self, route: str) -> int:
        """How many carrier binds of a route stand."""
        return sum(bound.route.name == route and bound.carrier is not None for bound in self.bounds)

    def trace(self, account: Account, trace: PduTrace | None) -> None:
        """Begins the trace of an account, or ends it with None."""
        self.pairs.trace(account, trace, self.bounds)

    # ---- binding -------------------------------------------------------------------------------------------------

    async def open(self, link: EsmeLink, account: Account, bind: BindRequest, route: RouteState | None) -> None:
        """Asks the carrier, and passes its answer on; raises BindRefusedError."""
        if route is None or route.draining:
            raise BindRefusedError(ESME_RSYSERR, "route draining" if route else "route unknown")
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
        bound = self.pairs.make(account, bind, route, link, carrier)
        bound.relay.draining = route.draining
        self.bounds.add(bound)
        self._by_esme[link] = self._by_carrier[carrier] = bound
        self._log("bind.accepted", account=account.id, kind=bound.kind, peer=link.peer_address, route=route.name)
        link.session.out.append_as(answer.raw, bind.sequence)
        link.session.enter(bind.state)
        link.resume()
        carrier.resume()
        if bound.kind == "tx" and account.own_receiver:
            self._want_own_receiver(bound)

    # ---- losing links, dialling again ---------------------------------------------------------------------------

    def esme_gone(self, link: EsmeLink) -> None:
        """The ESME of a pair, if it was of one, is gone."""
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
        bound = self.pairs.make_own(account, transmitter.bind, transmitter.route)
        self.bounds.add(bound)
        self._redial(bound)

    # ---- time ---------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Drives the timers of all pairs and of what waits to be withdrawn."""
        for shared in self.pairs.shared.values():
            shared.pending.age(now)
            shared.pooled.age(now)
            shared.replaceable.age(now)
        written = self.withdrawing.go_on(self.bounds, now)
        if written:
            self._wake(*written)
        for bound in tuple(self.bounds):
            try:
                self._tick_pair(bound, now)
            except Exception as error:  # noqa: BLE001  WHY: a defect met by one pair must not stop all others' timers
                self._failed(error)
                self._give_up(bound)

    def sequence_to(self, link: EsmeLink) -> int | None:
        """A sequence_number for a link request to the ESME of a pair; None for one that is of none."""
        bound = self._by_esme.get(link)
        return None if bound is None else bound.relay.esme_sequence()

    def broke(self, link: EsmeLink) -> bool:
        """A defect was met at this ESME's end: its pair is given up; False where it is of none."""
        bound = self._by_esme.get(link)
        if bound is not None:
            self._give_up(bound)
        return bound is not None

    def _give_up(self, bound: Bound) -> None:
        """WHY given up: the timers of what met a defect would raise again with each tick."""
        bound.unbinding = True
        self._forget(bound)
        for link in links_of(bound):
            link.abort()

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
            if has_to_be_looked_at(link):
                link.flush()
                link.set_reading()
        self._settle(bound)

    # ---- what is heard ------------------------------------------------------------------------------------------

    def withdraw(self, understood: Understood) -> None:
        """Cancels at the carriers, those of pools too, what a person who refused was still to be sent."""
        self._wake(*self.withdrawing.refused(understood, self.pairs.shared, self.bounds, time.monotonic()))

    def _confirm(self, heard_on: Bound, understood: Understood) -> None:
        """Sends the optional confirmation on whatever bind of the account can send."""
        permit = self._confirmer.permit(heard_on.account, understood, time.time())
        if permit is None:
            return
        for bound in (heard_on, *self.bounds):
            if bound.account.id == heard_on.account.id and bound.relay.send_own(permit, time.monotonic()):
                self._log("confirmation.sent", account=bound.account.id)
                self._wake(bound.carrier)
                return


def _is_done(bound: Bound) -> bool:
    """Whether a pair has nothing left to do: its ESME is gone or its route drains, and nothing is open."""
    relay = bound.relay
    if bound.esme is None and not bound.own:
        # WHY deliveries too: a "TD" that is on its way to the disk is answered before we unbind.
        return not relay.in_flight and not relay.delivering
    return relay.draining and not relay.in_flight and not relay.delivering
