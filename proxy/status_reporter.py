"""Builds what the wire says about itself, and has it written: the only thing the window ever sees of this process.

Owns the pace (at most four times a second). Must never make the wire wait for a reader.
"""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec

from proxy.binds.pairs import Bound
from proxy.evidence.log import EvidenceLog
from proxy.judging.bypass import BypassDesk
from proxy.judging.call_tallies import CallTallies
from proxy.judging.in_force import InForce
from proxy.judging.journal import Journal
from proxy.judging.tallies import Tallies
from proxy.rules.table import RULE_IDS
from proxy.sip_b2bua import SipServer
from proxy.smpp_server import SmppServer
from proxy.telemetry.loop_watch import LoopWatch, Pause
from proxy.telemetry.pack_rows import pack_rows
from proxy.telemetry.rows import decision_row, refusal_row
from proxy.telemetry.status import BindRow, BypassRow, CountRow, EvidenceRow, ListenerRow, RouteRow, Status, StatusFile
from proxy.trunks.gates import CallGates
from proxy.trunks.rows import gateway_rows, trunk_rows
from proxy.version import VERSION

_BINDS_SHOWN: Final = 500
_PAUSE_S: Final = 0.25
#: Accounts and routes of which the window is told; the evidence has all.
_COUNTS_MOST: Final = 500


class StatusReporter:
    """Writes the status file until cancelled."""

    def __init__(
        self,
        file: StatusFile,
        in_force: InForce,
        journal: Journal,
        smpp: SmppServer,
        evidence: EvidenceLog,
        tallies: Tallies,
        bypass: BypassDesk,
        sip: SipServer,
        gates: CallGates,
        call_tallies: CallTallies,
        doubts_open: Callable[[], int],
    ) -> None:
        self._doubts_open = doubts_open
        self._call_tallies = call_tallies
        self._sip = sip
        self._gates = gates
        self._bypass = bypass
        self._tallies = tallies
        self._file = file
        self._in_force = in_force
        self._journal = journal
        self._smpp = smpp
        self._evidence = evidence
        self._watch: LoopWatch | None = None

    async def run(self) -> None:
        """Writes whenever it is due."""
        counts = self._journal.counters.counts
        self._watch = LoopWatch(asyncio.get_running_loop())
        try:
            while True:
                now = time.monotonic()
                if self._file.due(now, changed=self._journal.changed):
                    self._journal.changed = False
                    try:
                        await self._write(now)
                    except OSError:
                        counts["status.failed"] += 1
                await asyncio.sleep(_PAUSE_S)
        finally:
            self._watch.stop()

    async def _write(self, now: float) -> None:
        # WHY in a thread: a disk that is busy with an import would hold the wire until its journal is written.
        writing = asyncio.get_running_loop().run_in_executor(None, self._file.write, self.status(), now)
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            # INVARIANT: nothing is written after `remove`.
            with suppress(OSError):
                await writing
            raise

    def remove(self) -> None:
        self._file.remove()

    def status(self) -> Status:
        """Everything, as of now."""
        snapshot, smpp, evidence, journal = self._in_force.snapshot, self._smpp, self._evidence, self._journal
        reason = self._not_ready()
        journal.settle()
        return Status(
            at_us=time.time_ns() // 1000,
            pid=os.getpid(),
            boot=evidence.boot,
            version=VERSION,
            revision=snapshot.revision,
            pack=snapshot.pack.id,
            pack_version=snapshot.pack.version,
            packs=pack_rows(snapshot.pack, snapshot.shelf, time.time()),
            ready=not reason,
            ready_reason=reason,
            draining=smpp.draining,
            listeners=self._listeners(),
            binds=tuple([*(_bind_row(bound) for bound in smpp.mirror.bounds), *smpp.seat_rows()][:_BINDS_SHOWN]),
            routes=self._routes(),
            decisions=journal.counters.decided(),
            counters=journal.counters.counted(),
            evidence=EvidenceRow(evidence.size, evidence.root.hex(), evidence.queued, evidence.failed),
            latest=tuple(
                decision_row(
                    decision,
                    at_us=int(request.received_at * 1e6),
                    account=request.account.id,
                    sender=request.sender,
                    recipient=request.recipient,
                    rules=RULE_IDS,
                    channel=request.channel,
                )
                for request, decision in reversed(journal.latest)
            ),
            refusals=tuple(
                refusal_row(
                    at_us=int(heard.at * 1e6),
                    person=heard.person,
                    institutions=heard.institutions,
                    label=heard.label,
                    matched_words=heard.matched,
                    closes=heard.closes,
                    latency_us=heard.latency_us,
                )
                for heard in reversed(journal.heard)
            ),
            doubts=self._doubts_open(),
            rules=RULE_IDS,
            counts=self._counts(),
            bypasses=tuple(
                BypassRow(one.id, one.account, one.by, one.approved_by, one.reason, one.minutes, int(one.until * 1e6))
                for one in self._bypass.standing()
            ),
            sip=msgspec.structs.replace(self._sip.held(), places=self._gates.places()),
            trunks=trunk_rows(self._sip.trunks, self._gates, self._call_tallies, snapshot),
            gateways=gateway_rows(self._sip.groups),
            pause=self._watch.take() if self._watch is not None else Pause(),
        )

    def _listeners(self) -> tuple[ListenerRow, ...]:
        calls = [ListenerRow(host, port, kind == "sip+tls", kind) for kind, host, port in self._sip.listening]
        return (*(ListenerRow(*each) for each in self._smpp.listening), *calls)

    def _counts(self) -> tuple[CountRow, ...]:
        return tuple(
            CountRow(account, route, *msgspec.structs.astuple(sums))
            for account, route, sums in self._tallies.totals()[:_COUNTS_MOST]
        )

    def _not_ready(self) -> str:
        if self._smpp.draining:
            return "draining"
        if self._evidence.failed:
            return "evidence cannot be written"
        if not self._in_force.snapshot.accounts:
            return "no account is registered"
        return ""

    def _routes(self) -> tuple[RouteRow, ...]:
        rows = []
        for route in self._smpp.routes.values():
            connected = self._smpp.binds_of(route.name)
            state = "connected" if connected else "idle"
            rows.append(
                RouteRow(route.name, route.settings.host, route.settings.port, connected, state, route.draining)
            )
        return tuple(rows)


def _bind_row(bound: Bound) -> BindRow:
    gate, relay, account = bound.gate, bound.relay, bound.account
    return BindRow(
        account=account.id,
        principal=account.principal,
        kind=bound.kind,
        state=_state(bound),
        peer=bound.esme.peer_address if bound.esme is not None else "",
        since_us=int(bound.since * 1e6),
        route=bound.route.name,
        esme_in_flight=relay.in_flight,
        carrier_in_flight=relay.delivering,
        submitted=gate.submitted,
        permitted=gate.permitted,
        refused=gate.refused,
        deferred=gate.deferred,
        replies=gate.replies,
    )


def _state(bound: Bound) -> str:
    if bound.unbinding:
        return "unbinding"
    if bound.carrier is None:
        return "carrier lost"
    if bound.esme is None:
        return "own receiver" if bound.own else "esme gone"
    return "bound"
