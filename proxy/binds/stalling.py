"""Stalled messages of all accounts: made when an account first comes or its records are found, driven by the tick.

Owns the way of their parts to the carrier in either mode, and the handing out of their receipts in mirror mode. Must
never decide about a message. Opens no socket and sets no timer.
"""

import time
from collections.abc import Callable

from proxy.binds.mirror import Mirror
from proxy.binds.pairs import RouteState
from proxy.binds.pools import Pools
from proxy.binds.stalled_ways import MirrorWay, PoolWay
from proxy.binds.steady_clock import steady_utc_s, steady_utc_us
from proxy.core.records import Account
from proxy.judging.account_gate import AccountGate
from proxy.judging.hearing import Hearing
from proxy.judging.in_force import InForce
from proxy.judging.journal import Journal
from proxy.judging.shared import Shared
from proxy.judging.stalled_account import SpooledFor, StalledAccount, StalledDisk, recover, stalled_accounts
from proxy.judging.tallies import Tallies
from proxy.pool_stores import PoolStores
from proxy.settings import Smpp
from proxy.smpp.stalled import StalledMessages
from proxy.smpp.stalled_ports import StalledLimits
from proxy.smpp.text import DEFAULT_TABLE, AlphabetTable

_EXPIRE_S = 1.0


class Stalling:
    """Makes and drives what accounts keep of stalled messages."""

    def __init__(
        self,
        settings: Smpp,
        in_force: InForce,
        journal: Journal,
        hearing: Hearing,
        stores: PoolStores,
        tallies: Tallies,
        mirror: Mirror,
        pools: Pools | None,
        wake: Callable[..., None],
        log: Callable[..., None],
    ) -> None:
        self._settings = settings
        self._in_force = in_force
        self._journal = journal
        self._hearing = hearing
        self._stores = stores
        self._tallies = tallies
        self._routes: dict[str, RouteState] = {}
        self._mirror = mirror
        self._pools = pools
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
        mirror.pairs.equip = self._equip
        mirror.pairs.spooled_for = lambda account: SpooledFor(stores.spool, account, log)

    def start(self, routes: dict[str, RouteState]) -> None:
        """Takes up what an earlier run left. An account that is no more: what is left of it stays where it is."""
        self._routes = routes
        accounts = self._in_force.snapshot.accounts
        for name in stalled_accounts(self._stores.spool):
            if name in accounts:
                self._mirror.pairs.shared_by(accounts[name])

    def _equip(self, account: Account, shared: Shared) -> None:
        """Gives an account its room, and takes up what an earlier run left in it."""
        trail, pools = self._stores.trail, self._pools
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
            way = self._ways[account.id] = pools.way_of(account, shared)
        else:
            way = MirrorWay(account.id, trail, self._mirror.bounds, self._wake, self._log)
        disk = StalledDisk(self._stores.spool, account.id, self._kept, self._log)
        messages = way.messages = StalledMessages(
            disk, gate, way, self._limits, clock=steady_utc_s, next_id=self._journal.next_id
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
        self._tallies.join(account.id, account.route, gate, messages.tries)
        recover(disk, messages, gate, self._log)

    def _table_of(self, account: Account) -> AlphabetTable:
        if self._pools is not None and self._pools.serves(account):
            return self._pools.table_of(account)
        route = self._routes.get(account.route)
        return DEFAULT_TABLE if route is None else route.table

    def _kept(self, account: str) -> None:
        if self._pools is not None and account in self._ways:
            self._pools.delivery_kept(account)
            return
        for bound in self._mirror.bounds:
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
        spool = self._stores.spool
        waiting = {name for name in spool.accounts() if spool.waiting(name)}
        if waiting:
            for bound in self._mirror.bounds:
                if bound.account.id in waiting:
                    bound.relay.deliveries.deliver_spooled(now)
        if self._pools is None and now >= self._expired_at + _EXPIRE_S:
            # Otherwise pools do, to whom both belong as well.
            self._expired_at = now
            now_us = steady_utc_us()
            try:
                self._stores.trail.expire(now_us)
            except OSError:
                self._log("trail.failed")
            for name, count in self._stores.spool.expire(now_us).items():
                self._log("spool.expired", account=name.partition("\0")[0], count=count)
