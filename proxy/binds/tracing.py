"""Opening and closing traces of accounts, for whoever operates the process.

Owns which accounts are traced now, until when, and the record of it: a Note at the opening and at the end. Must never
let a trace outlast its time, or the process open more than a few.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec
from msgspec import Struct

from proxy.binds.trace import PduTrace
from proxy.core.records import Account
from proxy.judging.in_force import InForce
from proxy.judging.journal import Journal
from proxy.registry.ports import VerbError
from proxy.telemetry.redaction import redacted

_SECONDS_MOST: Final = 3600
_OCTETS_MOST: Final = 64 << 20
_AT_ONCE: Final = 4
_NAME_MOST: Final = 100


class _Open(Struct, frozen=True, forbid_unknown_fields=True):
    account: str
    seconds: int
    by: str


class _Close(Struct, frozen=True, forbid_unknown_fields=True):
    account: str
    by: str


class _List(Struct, frozen=True, forbid_unknown_fields=True):
    pass


TRACE_VERBS: Final[dict[str, type[Struct]]] = {"trace.open": _Open, "trace.close": _Close, "trace.list": _List}


class _Running(Struct):
    trace: PduTrace
    until_us: int
    timer: asyncio.TimerHandle


class Tracing:
    """The traces of one process. `attach(account, trace)` gives all links of an account, also later ones, a trace.

    Used on the loop only. Files stand in `folder`, one for each trace.
    """

    def __init__(
        self,
        folder: Path,
        in_force: InForce,
        journal: Journal,
        attach: Callable[[Account, PduTrace | None], None],
        log: Callable[..., None],
        octets_most: int = _OCTETS_MOST,
    ) -> None:
        self._folder = folder
        self._in_force = in_force
        self._journal = journal
        self._attach = attach
        self._log = log
        self._octets_most = octets_most
        self._running: dict[str, _Running] = {}
        self._accounts: dict[str, Account] = {}

    def verb(self, verb: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """`trace.open`, `trace.close`, `trace.list`; raises VerbError."""
        try:
            asked = msgspec.convert(arguments, TRACE_VERBS[verb])
        except msgspec.ValidationError as error:
            raise VerbError(f"{verb}: {error}", usage=True) from error
        if isinstance(asked, _Open):
            return {"traces": [self._open(asked.account, asked.seconds, _name(asked.by))]}
        if isinstance(asked, _Close):
            if asked.account not in self._running:
                raise VerbError(f"{asked.account} is not traced")
            return {"traces": [self._end(asked.account, "closed", _name(asked.by))]}
        return {"traces": [self._shown(account) for account in sorted(self._running)]}

    def close(self) -> None:
        """Ends all, as the process ends."""
        for account in tuple(self._running):
            self._end(account, "stopped", "")

    def _open(self, account: str, seconds: int, by: str) -> dict[str, Any]:
        snapshot = self._in_force.snapshot
        found = snapshot.accounts.get(account)
        if found is None:
            raise VerbError(f"account: there is no {account}", usage=True)
        if not 1 <= seconds <= _SECONDS_MOST:
            raise VerbError(f"seconds: 1 to {_SECONDS_MOST}", usage=True)
        if account in self._running:
            raise VerbError(f"{account} is traced already")
        if len(self._running) >= _AT_ONCE:
            raise VerbError(f"{_AT_ONCE} accounts are traced already: close one")
        now_us = time.time_ns() // 1000
        path = self._folder / f"{quote(account, safe='')}-{now_us}.jsonl"
        loop = asyncio.get_running_loop()

        def full(why: str) -> None:
            # WHY later: this is told in the middle of a read.
            loop.call_soon(self._full, account, path, why)

        try:
            trace = PduTrace(path, snapshot.person_key, self._octets_most, full)
        except OSError as error:
            raise VerbError(f"{path.name}: {error.strerror}") from error
        timer = loop.call_later(seconds, self._end, account, "expired", "")
        self._running[account] = _Running(trace, now_us + seconds * 1_000_000, timer)
        self._accounts[account] = found
        self._journal.note("trace", by, f"opened for {account}, {seconds} s, {path.name}")
        self._log("trace.opened", account=account, seconds=seconds, by=by)
        self._attach(found, trace)
        return self._shown(account)

    def _full(self, account: str, path: Path, why: str) -> None:
        running = self._running.get(account)
        if running is not None and running.trace.path == path:
            self._end(account, why, "")

    def _end(self, account: str, why: str, by: str) -> dict[str, Any]:
        shown = self._shown(account)
        running = self._running.pop(account)
        running.timer.cancel()
        self._attach(self._accounts.pop(account), None)
        trace = running.trace
        trace.close()
        self._journal.note(
            "trace", by, f"ended for {account} ({why}): {trace.lines} PDUs, {trace.octets} octets, {trace.path.name}"
        )
        self._log("trace.ended", account=account, why=why, pdus=trace.lines, by=by)
        return shown

    def _shown(self, account: str) -> dict[str, Any]:
        running = self._running[account]
        trace = running.trace
        return {
            "account": account,
            "file": str(trace.path),
            "until_us": running.until_us,
            "pdus": trace.lines,
            "octets": trace.octets,
        }


def _name(by: str) -> str:
    name = redacted(" ".join(by.split()))
    if not name or len(name) > _NAME_MOST:
        raise VerbError(f"by: the name of a person, at most {_NAME_MOST} characters", usage=True)
    return name
