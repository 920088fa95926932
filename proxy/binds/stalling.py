"""Stalled messages of all accounts: made when an account first comes or its records are found, driven by the tick.

Owns the way of their parts to the carrier in either mode, and the handing out of their receipts in mirror mode. Must
never decide about a message. Opens no socket and sets no timer.
"""

import time
from collections.abc import Callable

from proxy.binds.pairs import Bound, RouteState
from proxy.binds.pools import Pools
from proxy.binds.stalled_ways import MirrorWay, PoolWay
from proxy.core.records import Account
from proxy.judging.account_gate import AccountGate, InForce, Shared
from proxy.judging.hearing import Hearing
from proxy.judging.journal import Journal
from proxy.judging.stalled_account import SpooledFor, StalledAccount, StalledDisk, recover, stalled_accounts
from proxy.judging.tallies import Tallies
from proxy.pool_stores import PoolStores
from proxy.settings import Smpp
from proxy.smpp.stalled import StalledLimits, StalledMessages
from proxy.smpp.text import DEFAULT_TABLE, AlphabetTable

_EXPIRE_S = 1.0


class Stalling:
    """Makes and drives what accounts keep of stalled messages. Whoever opens pools tells of them (`pools`)."""

    def __init__(
        self,
        settings: Smpp,
        in_force: InForce,
        journal: Journal,
        hearing: Hearing,
        stores: PoolStores,
        tallies: Tallies,
        routes: dict[str, RouteState],
        bounds: set[Bound],
        wake: Callable[..., None],
        log: Callable[..., None],
    ) -> None:
        self._settings = settings
        self._in_force = in_force
        self._journal = journal
        self._hearing = hearing
        self._stores = stores
        self._tallies = tallies
        self._routes = routes
        self._bounds = bounds
        self._wake = wake
        self._log = log
        stalled = settings.stalled
        self._limits = StalledLimits(
            parts=stalled.parts_most,
            octets=stalled.account_octets_most,
            deadline_s=stalled.deadline_s,
            age_s=stalled.age_most_s,
            retry_first_s=stalled.retry_first_s,
            retry_most_s=stalled.retry_most_s,
        )
        self._accounts: dict[str, StalledAccount] = {}
        self._ways: dict[str, PoolWay] = {}
        self._expired_at = 0.0
        self.pools: Pools | None = None

    def found(self) -> list[Account]:
        """The accounts of which an earlier run left something; of an account that is no more it stays where it is."""
        accounts = self._in_force.snapshot.accounts
        return [accounts[name] for name in stalled_accounts(self._stores.spool) if name in accounts]

    def equip(self, account: Account, shared: Shared) -> None:
        """Gives an account its room, and takes up what an earlier run left in it."""
        trail, pools = self._stores.trail, self.pools
        is_pooled = pools is not None and pools.serves(account)
        gate = AccountGate(
            account,
            shared,
            self._in_force,
            self._journal,
            self._hearing,
            self._table_of(account),
            purpose_tag=self._settings.purpose_tag,
            transmitter=not is_pooled,
            interface_version=0x34,
            refusal_durable=lambda pdu, refusal: None,
            several_durable=lambda several: None,
            reply_durable=lambda pdu, ok: None,
            confirm=lambda understood: None,
            withdraw=lambda understood: None,
            log=self._log,
        )
        way: MirrorWay | PoolWay
        if pools is not None and is_pooled:
            way = self._ways[account.id] = pools.way_of(account)
        else:
            way = MirrorWay(account.id, trail, self._bounds, self._wake, self._log)
        disk = StalledDisk(self._stores.spool, account.id, self._kept, self._log)
        messages = way.messages = StalledMessages(
            disk, gate, way, self._limits, clock=time.time, next_id=self._journal.next_id
        )
        shared.stalled = self._accounts[account.id] = StalledAccount(
            account.id,
            messages,
            trail,
            lambda: self._in_force.snapshot.person_key,
            self._log,
            is_pooled=is_pooled,
        )
        shared.long_messages.stalled = messages
        self._tallies.join(account.id, account.route, gate, messages)
        recover(disk, messages, gate, self._log)

    def _table_of(self, account: Account) -> AlphabetTable:
        if self.pools is not None and self.pools.serves(account):
            return self.pools.table_of(account)
        route = self._routes.get(account.route)
        return DEFAULT_TABLE if route is None else route.table

    def join(self, bound: Bound) -> None:
        """A pair of mirror mode stands: it hands out what tdgate itself has for its account."""
        if bound.kind != "tx" and bound.esme is not None:
            bound.relay.deliveries.spooled = SpooledFor(self._stores.spool, bound.account.id, self._log)
            bound.relay.deliveries.deliver_spooled(time.monotonic())

    def _kept(self, account: str) -> None:
        if self.pools is not None and account in self._ways:
            self.pools.delivery_kept(account)
            return
        for bound in self._bounds:
            if bound.account.id == account:
                bound.relay.deliveries.deliver_spooled(time.monotonic())
                self._wake(bound.esme)

    def drain(self) -> None:
        """The process ends: nothing more is sent over pools."""
        for way in self._ways.values():
            way.is_draining = True

    def tick(self, now: float) -> None:
        """Drives what waits for its time. `now` is monotonic seconds."""
        for account in self._accounts.values():
            account.messages.go_on()
        for bound in self._bounds:
            bound.relay.deliveries.deliver_spooled(now)
        if self.pools is None and now >= self._expired_at + _EXPIRE_S:
            # Otherwise pools do, to whom both belong as well.
            self._expired_at = now
            now_us = time.time_ns() // 1000
            try:
                self._stores.trail.expire(now_us)
            except OSError:
                self._log("trail.failed")
            for name, count in self._stores.spool.expire(now_us).items():
                self._log("spool.expired", account=name.partition("\0")[0], count=count)
