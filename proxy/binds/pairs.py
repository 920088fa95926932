"""A bound pair: one ESME bind, its carrier bind, the relay between them and the gate it asks.

Owns the making of a pair and the counting of an account's receiver paths. Opens no socket and sets no timer.
"""

import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any, Literal

from msgspec import Struct

from proxy.binds.binding import BindRequest
from proxy.binds.holding import PartsOf
from proxy.binds.links import CarrierLink, EsmeLink, Link
from proxy.binds.trace import PduTrace, Side
from proxy.core.decision import Refusal
from proxy.core.records import Account
from proxy.judging.account_gate import AccountGate
from proxy.judging.hearing import Hearing, Understood
from proxy.judging.in_force import InForce
from proxy.judging.journal import Journal
from proxy.judging.pending import Pending
from proxy.judging.pooled_pending import PooledPending
from proxy.judging.rate import RateLimit
from proxy.judging.shared import Shared
from proxy.judging.tallies import Tallies
from proxy.settings import Route, Smpp
from proxy.smpp.concat import Reassembly
from proxy.smpp.consts import BIND_TRANSMITTER
from proxy.smpp.deliveries import Spooled
from proxy.smpp.long_messages import LongMessages
from proxy.smpp.message_ids import MessageIds
from proxy.smpp.pdu import Pdu
from proxy.smpp.relay import MirrorRelay
from proxy.smpp.several import Several
from proxy.smpp.text import AlphabetTable

_OWN_IDS_KEPT = 4096


class RouteState(Struct, eq=False):
    """A route while the process runs."""

    name: str
    settings: Route
    tls: ssl.SSLContext | None
    table: AlphabetTable
    draining: bool = False


class Bound(Struct, eq=False):
    """One pair. `esme` is None for a receiver of tdgate's own, `carrier` None while a lost one is dialled again."""

    account: Account
    bind: BindRequest
    route: RouteState
    gate: AccountGate
    relay: MirrorRelay
    esme: EsmeLink | None
    carrier: CarrierLink | None
    since: float
    kind: Literal["tx", "rx", "trx"]
    own: bool
    shared: Shared
    traces: dict[str, PduTrace]
    unbinding: bool = False
    counted: bool = False

    def count_receiver(self) -> None:
        """Notes whether replies to this account can come back through this pair now."""
        path = self.kind != "tx" and self.carrier is not None and (self.own or self.esme is not None)
        if path != self.counted:
            self.counted = path
            self.shared.receivers += 1 if path else -1

    def join(self) -> None:
        """Lets both links feed the relay."""
        if self.esme is not None:
            self.esme.relay, self.esme.other = self.relay, self.carrier
        if self.carrier is not None:
            self.carrier.relay, self.carrier.other = self.relay, self.esme
        self.count_receiver()
        self.tap()

    def tap(self) -> None:
        """Shows both links to the account's trace, if it has one, and to none if not."""
        trace = self.traces.get(self.account.id)
        sides: tuple[tuple[Side, Link | None], ...] = (("esme", self.esme), ("carrier", self.carrier))
        for side, link in sides:
            if link is not None:
                link.tap = None if trace is None else link.tap or trace.tap(side, link.session.unframed)


class Pairs:
    """Makes pairs; keeps what all binds of one account share."""

    def __init__(
        self,
        settings: Smpp,
        in_force: InForce,
        journal: Journal,
        hearing: Hearing,
        wake: Callable[..., None],
        confirm: Callable[[Bound, Understood], None],
        withdraw: Callable[[Understood], None],
        note: Callable[[str], None],
        tallies: Tallies,
    ) -> None:
        self._tallies = tallies
        self._settings = settings
        self._in_force = in_force
        self._journal = journal
        self._hearing = hearing
        self._wake = wake
        self._confirm = confirm
        self._withdraw = withdraw
        self._note = note
        #: By account.
        self.shared: dict[str, Shared] = {}
        #: Gives an account its room for stalled messages; None where these are refused.
        self.equip: Callable[[Account, Shared], None] | None = None
        #: What tdgate itself has for an account, where it keeps anything.
        self.spooled_for: Callable[[str], Spooled] | None = None
        #: The traces that are open, by account; every pair looks in here when it joins its links.
        self._traces: dict[str, PduTrace] = {}

    def make_own(self, account: Account, bind: BindRequest, route: RouteState) -> Bound:
        """A receiver of tdgate's own, still without its carrier link."""
        return self.make(account, bind, route, None, None)

    def make(
        self, account: Account, bind: BindRequest, route: RouteState, esme: EsmeLink | None, carrier: CarrierLink | None
    ) -> Bound:
        """A pair of two bound links; without an ESME it is a receiver of tdgate's own."""
        own = esme is None
        kind: Literal["tx", "rx", "trx"] = "rx" if own else _kind(bind)
        shared = self.shared_by(account)

        def refusal_durable(pdu: Pdu, refusal: Refusal) -> None:
            bound.relay.refusal_durable(pdu, refusal)
            self._wake(bound.esme)

        def several_durable(several: Several) -> None:
            bound.relay.several.durable(several)
            self._wake(bound.esme)

        def reply_durable(pdu: Pdu, ok: bool) -> None:
            bound.relay.reply_durable(pdu, ok, time.monotonic())
            self._wake(bound.esme, bound.carrier)

        gate = AccountGate(
            account,
            shared,
            self._in_force,
            self._journal,
            self._hearing,
            route.table,
            purpose_tag=self._settings.purpose_tag,
            transmitter=kind == "tx",
            interface_version=bind.interface_version,
            refusal_durable=refusal_durable,
            several_durable=several_durable,
            reply_durable=reply_durable,
            confirm=lambda understood: self._confirm(bound, understood),
            withdraw=self._withdraw,
            log=self._note,
        )
        relay = MirrorRelay(
            gate,
            esme.session if esme is not None else None,
            carrier.session if carrier is not None else None,
            carrier_window=route.settings.window,
            esme_window=route.settings.window,
            response_s=self._settings.response_timer_s,
            own=own,
            quiet_s=self._settings.parts_quiet_ms / 1000,
            reply_wait_s=self._settings.mo_parts_wait_ms / 1000,
            heard_parts=shared.heard_parts,
        )
        bound = Bound(account, bind, route, gate, relay, esme, carrier, time.time(), kind, own, shared, self._traces)
        gate.holder = PartsOf(bound, self._wake)
        if self.spooled_for is not None and not own:
            relay.deliveries.spooled = self.spooled_for(account.id)
        bound.join()
        self._tallies.join(account.id, route.name, gate, relay)
        return bound

    def trace(self, account: Account, trace: PduTrace | None, bounds: Iterable[Bound]) -> None:
        """Begins (or with None ends) the trace of an account on its links; later ones join it as they come."""
        if trace is None:
            self._traces.pop(account.id, None)
        else:
            self._traces[account.id] = trace
        for bound in bounds:
            if bound.account.id == account.id:
                bound.tap()

    def messages_under(self, message_id: str) -> list[dict[str, Any]]:
        """What accounts of mirror mode know of a message_id, with its decision and final state. Times are UTC µs."""
        found = []
        for account, shared in self.shared.items():
            known = shared.message_ids.find(message_id.encode())
            if known is not None:
                decision_id, state, at = known
                found.append(
                    {
                        "message": decision_id,
                        "mode": "mirror",
                        "account": account,
                        "esme_id": message_id,
                        "carrier_id": message_id,
                        "state": state,
                        "ended_at_us": at * 1_000_000,
                    }
                )
        return found

    def shared_by(self, account: Account) -> Shared:
        shared = self.shared.get(account.id)
        if shared is None:
            settings = self._settings
            ids = MessageIds(settings.message_ids_kept)
            pending = Pending(ids, settings.pending_most, settings.pending_s)
            long_messages = LongMessages(Reassembly(settings.parts_deadline_s, settings.parts_most_octets))
            pooled = PooledPending(settings.pending_most, settings.pending_s)
            own_ids = MessageIds(_OWN_IDS_KEPT)
            shared = self.shared[account.id] = Shared(
                None,
                ids,
                own_ids,
                pending,
                pooled,
                long_messages,
                heard_parts=self._hearing.heard_parts(account.id),
            )
            if self.equip is not None:
                self.equip(account, shared)
        # A changed rate counts from the next bind on.
        if account.rate_per_s == 0:
            shared.rate = None
        elif shared.rate is None or shared.rate.per_s != account.rate_per_s:
            shared.rate = RateLimit(account.rate_per_s)
        return shared


def _kind(bind: BindRequest) -> Literal["tx", "rx", "trx"]:
    if bind.state == "rx":
        return "rx"
    return "tx" if bind.command_id == BIND_TRANSMITTER else "trx"


def links_of(bound: Bound) -> tuple[Link, ...]:
    """The links of a pair that stand."""
    return tuple(link for link in (bound.esme, bound.carrier) if link is not None)
