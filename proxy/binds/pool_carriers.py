"""The carriers' side of pool mode: binds that are dialled, kept up, read and ticked, each for its pool.

Owns the links to carriers and when they are dialled again. Must never decide about a message, nor write: it says what
has something to say, and `pools.py` writes it in the order that keeps ids safe.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from proxy.binds.binding import BindRefusedError, Dialler, backoff_s
from proxy.binds.links import CarrierLink, has_to_be_looked_at
from proxy.binds.pairs import RouteState
from proxy.binds.seats import PoolState
from proxy.judging.in_force import InForce
from proxy.pool.bind import PoolBind
from proxy.pool.dispatch import message_id
from proxy.settings import Smpp
from proxy.smpp.codec import encode
from proxy.smpp.consts import (
    BIND_TRANSCEIVER,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK_RESP,
    ESME_ROK,
    RESPONSE_BIT,
    UNBIND,
    UNBIND_RESP,
)
from proxy.smpp.pdu import Pdu
from proxy.smpp.session import Timers

INTERFACE_VERSION: Final = 0x34
#: Deliveries of one bind that may wait for the disk before its carrier is read no further.
_OWED_MOST: Final = 1000


class PoolCarriers:
    """All carrier binds of all pools: the `CarrierOwner` of their links (see `links.py`).

    `touched` is told of a bind that has something to say, `write_later` that somebody has. `now` is monotonic seconds.
    """

    def __init__(
        self,
        settings: Smpp,
        in_force: InForce,
        timers: Timers,
        touched: Callable[[PoolBind], None],
        write_later: Callable[[], None],
        log: Callable[..., None],
    ) -> None:
        self._timers = timers
        self._touched = touched
        self._write_later = write_later
        self._log = log
        self._dialler = Dialler(self, in_force, timers, settings.command_length_most_octets, log)
        self._binds: dict[CarrierLink, tuple[PoolBind, PoolState]] = {}
        self._gone: dict[PoolBind, asyncio.Event] = {}
        self._keeping: set[asyncio.Task[None]] = set()
        #: The binds that stand.
        self.links: dict[PoolBind, CarrierLink] = {}
        self.draining = False

    def begin(self, pool: PoolState, route: RouteState) -> None:
        """Begins to dial the binds of a route, and keeps them up from now on."""
        for _ in range(route.settings.binds):
            task = asyncio.get_running_loop().create_task(self._keep_up(pool, route))
            self._keeping.add(task)
            task.add_done_callback(self._keeping.discard)

    async def stop_dialling(self) -> None:
        """What is lost from now on is not dialled again."""
        self.draining = True
        for task in self._keeping:
            task.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)

    def unbind(self) -> None:
        """Asks every carrier for the end of its bind."""
        for bind, link in self.links.items():
            link.session.unbind(bind.next_sequence())

    async def _keep_up(self, pool: PoolState, route: RouteState) -> None:
        """Dials one bind of a route, and again whenever it is lost, with growing pauses."""
        attempt = 0
        settings = route.settings
        while not self.draining:
            try:
                await self._stay_up(pool, route)
            except BindRefusedError:
                attempt += 1
            except Exception as error:  # noqa: BLE001  WHY: a defect that one bind meets must not leave it down for good
                self.failed(error)
                attempt += 1
            else:
                attempt = 0
            await asyncio.sleep(backoff_s(settings, max(0, attempt - 1)))

    async def _stay_up(self, pool: PoolState, route: RouteState) -> None:
        """Dials one bind and returns when it is lost; raises BindRefusedError where there is none to be had."""
        settings = route.settings
        fields: dict[str, bytes | int] = {
            "system_id": settings.system_id.encode(),
            "password": settings.password.encode(),
            "interface_version": INTERFACE_VERSION,
        }
        link, _ = await self._dialler.dial(settings, route.tls, encode(BIND_TRANSCEIVER, 0, 1, fields), "trx")
        bind = PoolBind(route.name, link.session, settings.window, self._timers.response_s)
        gone = self._gone[bind] = asyncio.Event()
        self.links[bind] = link
        self._binds[link] = bind, pool
        link.has_room = partial(_has_room, bind)
        try:
            pool.dispatch.bind_came(bind, time.monotonic())
            link.resume()
        except Exception:
            # What met a defect is not left standing beside the next one.
            link.abort()
            raise
        self._touched(bind)
        await gone.wait()

    def failed(self, error: Exception) -> None:
        """Tells of a defect."""
        asyncio.get_running_loop().call_exception_handler({"message": "a bind of a pool failed", "exception": error})

    def carrier_gone(self, link: CarrierLink) -> None:
        self._dialler.lost(link)
        found = self._binds.pop(link, None)
        if found is None:
            return
        bind, pool = found
        del self.links[bind]
        if not self.draining:
            self._log("carrier.lost", route=bind.route)
        pool.dispatch.bind_lost(bind, time.monotonic())
        pool.returns.bind_lost(bind)
        self._gone.pop(bind).set()
        self._write_later()

    def carrier_said(self, link: CarrierLink, pdus: list[Pdu], now: float) -> None:
        """Takes what a carrier said on one of its binds, or its answer to a bind."""
        found = self._binds.get(link)
        if found is None:
            for pdu in pdus:
                self._dialler.answered(link, pdu)
            return
        bind, pool = found
        for pdu in pdus:
            if pdu.command_id & RESPONSE_BIT:
                if pdu.command_id == UNBIND_RESP:
                    link.session.unbound()
                elif pdu.command_id != ENQUIRE_LINK_RESP:
                    pool.dispatch.from_carrier(bind, pdu, now)
                    pool.returns.message_known(bind, message_id(pdu.raw))
            elif pdu.command_id in (DELIVER_SM, DATA_SM):
                pool.returns.take(bind, pdu, now)
            elif pdu.command_id == UNBIND:
                link.session.respond(pdu, ESME_ROK)
                link.session.close("unbound")
        self._write_later()

    def tick(self, now: float) -> None:
        """Drives the timers of every bind that stands."""
        for bind, link in tuple(self.links.items()):
            try:
                if now >= link.session.next_deadline():
                    link.session.handle_deadline(now, bind.next_sequence())
                link.abort_if_stuck(now)
                if has_to_be_looked_at(link):
                    self._touched(bind)
            except Exception as error:  # noqa: BLE001  WHY: a defect met by one bind must not stop all others' timers
                self.failed(error)
                link.abort()

    def in_flight_on(self, route: str) -> int:
        """Requests that a route's carrier has not answered."""
        return sum(bind.in_flight for bind in self.links if bind.route == route)

    def binds_of(self, route: str) -> int:
        """How many binds of a route stand."""
        return sum(bind.route == route for bind in self.links)


def _has_room(bind: PoolBind) -> bool:
    """Whether more is to be read from a carrier: not while what it delivered waits for the disk."""
    return bind.owed < _OWED_MOST
