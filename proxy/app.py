"""Composition root: builds the house from settings, starts it, reloads it, drains it. The only file that imports all.

Owns the order of starting (keys, evidence, store, snapshot, listeners, window) and of stopping (the reverse). Must
never hold traffic up: what is slow here happens before the listeners open, or in slices beside them.
"""

import asyncio
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from msgspec import to_builtins

from proxy.binds.tracing import TRACE_VERBS, Tracing
from proxy.call_warnings import address_warnings, call_warnings
from proxy.console_process import ConsoleProcess
from proxy.control import ControlServer
from proxy.core.snapshot import Snapshot
from proxy.core.timetable import SHANGHAI
from proxy.counting import Counting
from proxy.evidence import records
from proxy.evidence.keys import load_or_create_signing_key
from proxy.evidence.log import EvidenceLog, Limits
from proxy.header_faults import purpose_key_of
from proxy.judging.bypass import BypassDesk
from proxy.judging.bypass_verbs import BYPASS_VERBS, bypass_verb
from proxy.judging.call_tallies import CallTallies
from proxy.judging.confirmation import Confirmer
from proxy.judging.hearing import Hearing
from proxy.judging.in_force import InForce
from proxy.judging.journal import Journal
from proxy.judging.known_templates import TEMPLATES_VERB, templates_told
from proxy.judging.latest_messages import LatestMessages
from proxy.judging.prechecks import Prechecks
from proxy.judging.tallies import Tallies, utc_us
from proxy.judging.told import Told
from proxy.judging.uncertain import Review
from proxy.measures import Endings, Measures
from proxy.pool_stores import open_stores
from proxy.registry.calendars import calendar_warnings
from proxy.registry.dates import day_number
from proxy.registry.ports import StoreError
from proxy.registry.snapshots import SnapshotBuilder
from proxy.registry.verbs import Verbs
from proxy.rekeying import REKEYING_VERBS, Rekeying
from proxy.revisions import NotInForceError, Revisions, turn_days
from proxy.rule_files import RuleFiles, check
from proxy.rules.table import RULE_IDS
from proxy.settings import Settings, SettingsError, load
from proxy.sip_b2bua import SipServer
from proxy.smpp.reply_parts import KEPT_S
from proxy.smpp_server import SmppServer
from proxy.status_reporter import StatusReporter
from proxy.store.half_replies import HalfReplies
from proxy.store.key_state import files_under, secret_for
from proxy.store.opening import open_owner
from proxy.store.sqlite import SqliteStore
from proxy.telemetry.counters import Counters
from proxy.telemetry.events import BY_NAME
from proxy.telemetry.log import EventLog, configure
from proxy.telemetry.pack_rows import pack_rows
from proxy.telemetry.status import StatusFile, status_path
from proxy.trunks.gates import CallGates
from proxy.version import VERSION
from proxy.wire_faults import keypad_of

CONTROL_SOCKET: Final = "control.sock"
HALF_REPLIES: Final = "replies"
_SWITCH_S: Final = 0.0005
_DAY_CHECK_S: Final = 60.0
#: Verbs that begin so change no record and still are measures.
_NOTED: Final = ("token.", "persons.", "suppress.export", "doubt.")


def warnings_of(settings: Settings, rules: RuleFiles, config: Path) -> list[str]:
    """What may be so and is worth a look, as `FILE: KEY: REASON`; nothing is refused for it."""
    packs, today = (rules.pack, *rules.shelf.packs), datetime.now(SHANGHAI).date()
    found = (
        *call_warnings(settings.sip, rules.refusal_in_calls),
        *address_warnings(settings.sip),
        *calendar_warnings(packs, today),
    )
    return [f"{config}: {line}" for line in found]


def needing_restart(running: Settings, found: Settings) -> list[str]:
    """What of a configuration differs from the running one and is not applied by a reload: names of top-level keys."""
    # INVARIANT: a reload applies what [policy] names, and nothing else.
    names = [name for name in Settings.__struct_fields__ if name != "policy"]
    return [name for name in names if getattr(running, name) != getattr(found, name)]


def _today() -> int:
    return day_number(time.time())


class Application:
    """One running tdgate. `start`, then `stop`; `reload` between."""

    def __init__(self, settings: Settings, config: Path) -> None:
        Path(settings.state).mkdir(parents=True, exist_ok=True)
        self._settings = settings
        self._config = config
        self._counters = Counters()
        self._events = EventLog(self._counters)
        self._background: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._reloading = asyncio.Lock()

    def log(
        self, event: str, /, *, error: BaseException | None = None, **fields: str | int | float | bool | None
    ) -> None:
        """Counts an event of the catalogue and writes its line; `error` as `EventLog.emit`."""
        self._events.write(BY_NAME[event], error, fields)

    def _warn(self, settings: Settings, rules: RuleFiles) -> None:
        for line in warnings_of(settings, rules, self._config):
            self.log("config.warned", reason=line)

    async def start(self) -> None:
        """Everything up to open listeners; raises SettingsError, StoreError, OSError with what to mend.

        What was opened until then is closed again: a store left open would keep the process from its end.
        """
        self.log("process.started")
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._told_to_reload)
        # It waited, since it would have ended the process until now (`cli`).
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        # WHY the lock: who tells to reload while all this is read, and that takes seconds, is heard after it.
        async with self._reloading, AsyncExitStack() as opened:
            await self._open(opened)
            self._opened = opened.pop_all()
        self.log("process.ready")

    async def _open(self, opened: AsyncExitStack) -> None:
        """Opens everything in order; `opened` closes it in the reverse."""
        settings = self._settings
        rules = check(settings, self._config)
        self._warn(settings, rules)
        database = settings.path(settings.store.database)
        keys = settings.path(settings.store.person_key)
        secret = secret_for(database, keys)
        signing = load_or_create_signing_key(settings.path(settings.evidence.signing_key))
        # WHY before the store is opened, which settles the day's consents: loading a large one may pass midnight.
        today = _today()
        self._store: SqliteStore = await open_owner(database, secret)
        opened.push_async_callback(self._store.close)
        self._evidence = EvidenceLog.open(
            settings.path(settings.evidence.directory),
            signing,
            software=f"tdgate {VERSION}",
            config_digest=sha256(self._config.read_bytes()).digest(),
            rules=RULE_IDS,
            limits=Limits(
                linger_ms=settings.evidence.linger_ms,
                outbox_records=settings.evidence.outbox_most_records,
                segment_octets=settings.evidence.segment_octets,
            ),
            on_drain=self._evidence_drained,
        )
        opened.push_async_callback(self._evidence.close)
        opened.push_async_callback(self._end_background)
        self._rules = rules
        builder = self._builder = SnapshotBuilder(self._store, secret.person_key, rules.reader)
        self._counting = Counting(
            settings, secret.person_key, rules.pack, rules.shelf, time.time(), self._contacts_failed
        )
        opened.callback(self._counting.close)
        snapshot = self._counting.dress(await builder.build(rules.pack), rules.shelf)
        self._in_force = InForce(snapshot, rules.vocabulary, rules.codes, time.time())
        self._bypass = BypassDesk(self._in_force, self._evidence, time.time, self.log, settings.policy.bypass_most_min)
        opened.callback(self._bypass.close)
        self._revisions = Revisions(
            builder,
            self._in_force,
            swapped=self._swapped,
            failed=self._registry_failed,
            spawn=self._spawn,
            dress=self._bypass.dress,
        )
        self._journal = Journal(
            self._evidence, self._counters, secret.person_key.key_id, self._counting.book, secret.person_key
        )
        self._rekeying = Rekeying(
            self._store, keys, self._counting.horizon_of, partial(files_under, database), self._keys_changed, self.log
        )
        self._measures = Measures(self._store, self._journal, self.log)
        self._endings = Endings(settings.policy.expiry_warn_days, self.log)
        self._hearing = Hearing(
            self._store,
            self._journal,
            LatestMessages(),
            self.log,
            Review(settings.review.meanwhile, settings.review.most, settings.review.quoted_most),
            HalfReplies(settings.path(HALF_REPLIES), secret, KEPT_S, self._halves_failed),
        )
        self._told = Told(
            self._store,
            self._journal,
            lambda: self._in_force.snapshot.person_key,
            self.log,
            self._perform,
        )
        opened.push_async_callback(self._told.drain)
        self._prechecks = Prechecks(self._journal, settings.api.precheck_rows_per_day, time.monotonic)
        confirmer = Confirmer(settings.confirmation, self._in_force, self._journal)
        is_kept = settings.smpp.pools or settings.smpp.stalled.enabled
        stores = open_stores(settings, secret.person_key.ids) if is_kept else None
        if stores is not None:
            opened.push_async_callback(stores.close)
        self._tallies = Tallies(self._evidence.append, utc_us, settings.evidence.tally_s)
        opened.callback(self._tallies.write)
        self._smpp = SmppServer(
            settings.smpp, self._in_force, self._journal, self._hearing, confirmer, self.log, self._tallies, stores
        )
        self._call_tallies = CallTallies(self._evidence.append)
        self._gates = CallGates(
            self._in_force,
            rules.call_codes,
            self._journal,
            self._hearing,
            self._call_tallies.keep,
            self.log,
            time.time,
            keypad=keypad_of(settings.sip),
            purpose_key=purpose_key_of(settings.sip),
            end_user_carriers=frozenset(name for name, one in settings.sip.carriers.items() if one.end_user),
            ends=frozenset(settings.sip.ends_live_calls),
        )
        self._sip = SipServer(settings.sip, self._gates, self.log)
        self._tracing = Tracing(settings.path("traces"), self._in_force, self._journal, self._smpp.trace, self.log)
        opened.callback(self._tracing.close)
        self._verbs = Verbs(self._store, secret, self._revisions.follow)
        self._control = ControlServer(settings.path(CONTROL_SOCKET), self.dispatch)
        self._console = ConsoleProcess(self._config, self.log)
        opened.push_async_callback(self._console.stop)
        # WHY here: from the first listener on there is something to drain.
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stopping.set)
        opened.push_async_callback(self._control.stop)
        await self._control.start()
        opened.push_async_callback(self._smpp.drain, settings.smpp.drain_s)
        await self._smpp.start()
        opened.push_async_callback(self._sip.drain, settings.sip.drain_s)
        await self._sip.start()
        status_file = StatusFile(status_path(settings.state))
        self._reporter = StatusReporter(
            status_file,
            self._in_force,
            self._journal,
            self._smpp,
            self._evidence,
            self._tallies,
            self._bypass,
            self._sip,
            self._gates,
            self._call_tallies,
            lambda: self._store.ledger.doubts_open,
        )
        self._spawn(self._reporter.run())
        self._spawn(self._tallies.run())
        self._spawn(self._counting.run())
        self._spawn(self._store.folding.run(self._store_failed))
        self._spawn(self._measures.note())
        self._spawn(self._told.settle())
        self._spawn(self._rekeying.run())
        self._endings.look(self._in_force.snapshot, time.time())
        self._spawn(turn_days(today, _today, self._settle_day, failed=self._store_failed, pause_s=_DAY_CHECK_S))
        if settings.console.enabled:
            self._spawn(self._console.run())
        # WHY: what exists now lives as long as the process; the collector need never look at it again.
        gc.collect()
        gc.freeze()
        # WHY so: the young are what messages on their way hold, and 5,000 of them take 3 ms. What messages leave behind
        # for long is made so that the collector need not look at it (`gc=False`), so the middle stays small.
        gc.set_threshold(5_000, 20, 100)
        # WHY: each statement of a change waits in its thread for the interpreter, which the loop under load gives away
        # at the end of this interval only: at the usual 5 ms a change of twenty statements takes 100 ms.
        sys.setswitchinterval(_SWITCH_S)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _end_background(self) -> None:
        for task in list(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    def _evidence_drained(self) -> None:
        self._smpp.evidence_drained()

    @property
    def listening(self) -> list[tuple[str, int, bool]]:
        """(host, port, tls) of the SMPP listeners."""
        return self._smpp.listening

    @property
    def calls_listening(self) -> list[tuple[str, str, int]]:
        """(kind, host, port) of the SIP listeners."""
        return self._sip.listening

    # ---- changes while running ----------------------------------------------------------------------------------

    def _swapped(self, snapshot: Snapshot) -> None:
        digest = sha256(f"{snapshot.revision}".encode()).digest()
        self._evidence.append(
            records.Registry(at_us=time.time_ns() // 1000, revision=snapshot.revision, digest=digest, actor="registry")
        )
        self.log("registry.swapped", revision=snapshot.revision)
        self._spawn(self._measures.note())
        self._spawn(self._builder.release())
        self._spawn(self._endings.look_beside(snapshot, time.time()))
        self._sip.recheck()

    async def _settle_day(self) -> None:
        await self._store.settle_day()
        self._endings.look(self._in_force.snapshot, time.time())

    def _keys_changed(self) -> None:
        self._counting.keys_changed()
        self._journal.keys_changed()
        self._spawn(self._measures.note())

    def _registry_failed(self, error: StoreError) -> None:
        self._events.emit(BY_NAME["registry.failed"], error=error)

    def _contacts_failed(self, error: OSError) -> None:
        self._events.emit(BY_NAME["contacts.failed"], error=error)

    def _halves_failed(self, error: OSError) -> None:
        self._events.emit(BY_NAME["half.failed"], error=error)

    def _store_failed(self, error: StoreError) -> None:
        self._events.emit(BY_NAME["store.failed"], error=error)

    def _told_to_reload(self) -> None:
        if not self._stopping.is_set():
            self._spawn(self.reload())

    async def reload(self) -> None:
        """Reads configuration, pack, codes and vocabulary anew; keeps the old ones, and says so, if any is wrong."""
        async with self._reloading:
            try:
                settings = load(self._config)
                # WHY a thread: tables of words are read for some tenths of a second, in which messages pass.
                rules = await asyncio.to_thread(check, settings, self._config, self._rules)
            except SettingsError as error:
                for line in error.errors:
                    self.log("config.rejected", reason=line)
                return
            self._warn(settings, rules)
            self._in_force.codes = rules.codes
            self._gates.use(rules.call_codes)
            self._in_force.vocabulary = rules.vocabulary
            self._rules, self._builder.reader = rules, rules.reader
            self._bypass.most_min = settings.policy.bypass_most_min
            self._endings.days = settings.policy.expiry_warn_days
            try:
                await self._store.settle_day()
            except StoreError as error:
                self._store_failed(error)
            # WHY before the swap: what the new packs cap is counted from the first permit under them.
            self._counting.use(rules.pack, rules.shelf)
            self._journal.renew()
            # WHY suppressed: it is told already, and comes into force by itself.
            with suppress(NotInForceError):
                await self._revisions.use(rules.pack, rules.shelf)
            self.log("config.reloaded", needs_restart=",".join(needing_restart(self._settings, settings)))
            packs = " ".join([pack.name for pack in (rules.pack, *rules.shelf.packs)])
            self._journal.note("reload", "signal", f"packs {packs}")

    async def dispatch(self, verb: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """One operation from the control socket."""
        operation = self._operations().get(verb)
        if operation is not None:
            return operation(arguments)
        if verb in TRACE_VERBS:
            return self._tracing.verb(verb, arguments)
        if verb in REKEYING_VERBS:
            return await self._rekeying.verb(verb, arguments)
        if verb in BYPASS_VERBS:
            return await bypass_verb(self._bypass, verb, arguments)
        if verb in self._told.verbs:
            return await self._told.tell(verb, arguments)
        return await self._perform(verb, arguments)

    async def _perform(self, verb: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """A verb of the registry; what it did without a new revision is noted too."""
        result = await self._verbs.dispatch(verb, arguments)
        if verb.startswith(_NOTED):
            self._spawn(self._measures.note())
        return result

    def _operations(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        return {
            "route.drain": self._drain_route,
            "route.resume": self._resume_route,
            "route.list": self._list_routes,
            "message.find": self._find_message,
            "rules.list": self._list_rules,
            "precheck.begin": self._prechecks.begin,
            TEMPLATES_VERB: lambda asked: templates_told(self._rules.reader, asked),
        }

    def _list_rules(self, _arguments: dict[str, Any]) -> dict[str, Any]:
        """The packs in force, which may not be those of the file any more."""
        snapshot = self._in_force.snapshot
        return {"packs": to_builtins(pack_rows(snapshot.pack, snapshot.shelf, time.time()))}

    def _find_message(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Messages of mirror mode that a carrier knows by an id: as many as there are routes that gave it."""
        return {"messages": self._smpp.mirror.pairs.messages_under(str(arguments["id"]))}

    def _drain_route(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self._smpp.drain_route(str(arguments["route"]))
        self._journal.note("route.drain", str(arguments.get("by", "")), str(arguments["route"]))
        return self._list_routes(arguments)

    def _resume_route(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self._smpp.resume_route(str(arguments["route"]))
        self._journal.note("route.resume", str(arguments.get("by", "")), str(arguments["route"]))
        return self._list_routes(arguments)

    def _list_routes(self, _arguments: dict[str, Any]) -> dict[str, Any]:
        rows = [
            {
                "route": route.name,
                "draining": route.draining,
                "binds": self._smpp.binds_of(route.name),
                "in_flight": self._smpp.in_flight_on(route.name),
            }
            for route in self._smpp.routes.values()
        ]
        return {"routes": rows}

    # ---- running and stopping -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serves until SIGTERM or SIGINT, then drains."""
        await self._stopping.wait()
        await self.stop()

    async def stop(self) -> None:
        """Drains both sides, flushes evidence and store, ends the window."""
        self.log("process.draining")
        self._console.expect_end()
        await self._opened.aclose()
        self._reporter.remove()
        self.log("process.stopped")


def _say_where(application: Application) -> None:
    """Where it listens, on standard output."""
    lines = [f"listening {'smpp+tls' if tls else 'smpp'} {host}:{port}\n" for host, port, tls in application.listening]
    lines += [f"listening {kind} {host}:{port}\n" for kind, host, port in application.calls_listening]
    # WHY suppressed: the log has it too, and a disk that is full, or a reader that is gone, is no reason not to serve.
    # WHY not `write`: what it keeps because it cannot be written makes the end of the process a failure.
    with suppress(OSError):
        os.write(sys.stdout.fileno(), "".join(lines).encode())


async def serve(settings: Settings, config: Path) -> None:
    """`tdgate run`: starts, says on standard output where it listens, serves until told to stop."""
    application = Application(settings, config)
    await application.start()
    if sys.stdout is not None:
        _say_where(application)
    await application.run()


__all__ = ["CONTROL_SOCKET", "Application", "RuleFiles", "check", "configure", "serve"]
