"""The status file: how the wire process is, told to the rest of the world by one small file.

Owns the fields of `<state>/status.json` and how it is written and read. Must never hold a number of a person unmasked,
a text or a password. How it works: the wire builds a `Status`, `StatusFile.write` encodes it and renames it into place,
so a reader sees the old one or the new one and never half of one. Nothing is asked back: whoever looks costs the wire
nothing. The file is no record: it is not synced to disk, and a power cut may lose it.
"""

import errno
import os
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from proxy.core.ground import Effect
from proxy.core.purposes import Channel
from proxy.telemetry.loop_watch import Pause
from proxy.telemetry.pack_rows import PackRow

STATUS_FILE: Final = "status.json"
LATEST_MOST: Final = 50
#: At most four a second, at least one a second (seconds, monotonic).
WRITE_SOONEST_S: Final = 0.25
WRITE_LATEST_S: Final = 1.0
#: A status that is older than this belongs to a process that hangs or is gone.
FRESH_S: Final = 3.0

BindKind = Literal["tx", "rx", "trx"]


class ListenerRow(Struct, frozen=True):
    """An address that takes ESMEs (`kind` smpp), calls (sip, sip+tcp, sip+tls) or pressed keys (digits), with the port
    that was really given.
    """

    host: str
    port: int
    tls: bool
    kind: str = "smpp"


class BindRow(Struct, frozen=True):
    """One bind of an ESME, with its counts since it was made. `since_us` is UTC in microseconds."""

    account: str
    principal: str
    kind: BindKind
    state: str
    peer: str
    since_us: int
    route: str
    esme_in_flight: int
    carrier_in_flight: int
    submitted: int
    permitted: int
    refused: int
    deferred: int
    replies: int


class RouteRow(Struct, frozen=True):
    """A carrier's SMSC. `connected` counts the binds that stand."""

    name: str
    host: str
    port: int
    connected: int
    state: str
    draining: bool


class SipRow(Struct, frozen=True):
    """What the calls hold at this moment. `calls` that are not over, `attempts` of them that were permitted, `places`
    under the caps, `dialogs` whose tags are kept (37 s beyond an answered call), `transactions`, `timers` (ended ones
    stay until they would have come), `connections` of TCP and TLS. All of them are 0 once nothing is under way.
    """

    calls: int = 0
    attempts: int = 0
    places: int = 0
    dialogs: int = 0
    transactions: int = 0
    timers: int = 0
    connections: int = 0


class TrunkRow(Struct, frozen=True):
    """A trunk, with the counts of its account since the process began (two trunks of one account show the same).

    `now` and `most` are its own calls at once, those that were permitted; `asked` those it asked for. `answered`,
    `declined` (by the carrier's side or the person), `failed` and `cancelled` are the ends of permitted ones; `back`
    are calls from a carrier for it, however they ended.
    """

    name: str
    account: str
    principal: str
    now: int = 0
    most: int = 0
    asked: int = 0
    permitted: int = 0
    refused: int = 0
    deferred: int = 0
    answered: int = 0
    declined: int = 0
    failed: int = 0
    cancelled: int = 0
    back: int = 0


class GatewayRow(Struct, frozen=True):
    """A gateway of a carrier, or with `of_trunk` of a trunk that takes calls there; `group` is the name of either.
    `watched` says that OPTIONS ask whether it lives; `asked` is how many calls it was chosen for.
    """

    group: str
    host: str
    port: int
    transport: str
    priority: int
    weight: int
    up: bool
    watched: bool
    of_trunk: bool = False
    asked: int = 0


class EvidenceRow(Struct, frozen=True):
    """The evidence log: leaves on disk, the root over them (hex), records that wait, and whether writing fails."""

    size: int
    root: str
    queued: int
    failed: bool


class CountRow(Struct, frozen=True):
    """What an account sent over a route since the process began: the sums of `tdgate counts`, as they stand now."""

    account: str
    route: str
    submitted: int
    permitted: int
    refused: int
    deferred: int
    accepted: int
    rejected: int
    unknown: int
    replies: int
    receipts: int


class BypassRow(Struct, frozen=True):
    """A bypass that is open, or waits for a second person (`until_us` 0). `account` is empty for all."""

    id: str
    account: str
    asked_by: str
    approved_by: str
    reason: str
    minutes: int
    until_us: int


class DecisionRow(Struct, frozen=True):
    """One of the latest decisions. `id` and `outcomes` are hex, `recipient` is masked, `shadow` are the rules that
    would have refused; `rule` and `detail` are empty on an allow.
    """

    id: str
    at_us: int
    account: str
    sender: str
    recipient: str
    principal: str
    purpose: str
    effect: Effect
    rule: str
    detail: str
    shadow: tuple[str, ...]
    outcomes: str
    channel: Channel = "sms"


class RefusalRow(Struct, frozen=True):
    """One of the latest refusals of persons ("TD"): what was read, what it closes, and how long until it bound.

    `person` is masked; `matched` is the words of the vocabulary that were found, never the person's text; `closes` are
    `purpose/channel` strings.
    """

    at_us: int
    person: str
    institutions: tuple[str, ...]
    label: str
    matched: str
    closes: tuple[str, ...]
    latency_us: int


class Status(Struct, frozen=True):
    """Everything the wire says about itself. Times are UTC in microseconds; `latest` and `refusals` newest first.

    `doubts`: replies that wait for a verdict. `ready_reason` says what is missing, empty when ready. `pause` is the
    longest of the loop since the status before. `rules` are the ids that a decision's `outcomes` are read by.
    """

    at_us: int
    pid: int
    boot: int
    version: str
    revision: int
    pack: str
    pack_version: int
    ready: bool
    ready_reason: str
    draining: bool
    listeners: tuple[ListenerRow, ...]
    binds: tuple[BindRow, ...]
    routes: tuple[RouteRow, ...]
    decisions: tuple[tuple[Channel, Effect, str, int], ...]
    counters: dict[str, int]
    evidence: EvidenceRow
    latest: tuple[DecisionRow, ...]
    refusals: tuple[RefusalRow, ...]
    rules: tuple[str, ...] = ()
    counts: tuple[CountRow, ...] = ()
    bypasses: tuple[BypassRow, ...] = ()
    sip: SipRow = SipRow()
    trunks: tuple[TrunkRow, ...] = ()
    gateways: tuple[GatewayRow, ...] = ()
    packs: tuple[PackRow, ...] = ()
    pause: Pause = Pause()
    doubts: int = 0


class StatusUnreadableError(Exception):
    """There is no status file, or it cannot be read; the text says which and why."""


_encode: Final = msgspec.json.Encoder().encode_into
_decode: Final = msgspec.json.Decoder(Status).decode


class StatusFile:
    """The writer's end. One writer for each state folder; `write` may be called in the loop or in one thread."""

    __slots__ = ("_buffer", "_fresh", "_written", "path")

    def __init__(self, path: Path) -> None:
        """`path` is the file itself; what is written first stands beside it under `.new`."""
        self.path = path
        self._fresh = path.with_name(path.name + ".new")
        self._buffer = bytearray()
        self._written: float | None = None

    def due(self, now: float, *, changed: bool) -> bool:
        """Whether to write: `changed` ones four times a second, else once a second. `now` is monotonic seconds."""
        last = self._written
        return last is None or now - last >= (WRITE_SOONEST_S if changed else WRITE_LATEST_S)

    def write(self, status: Status, now: float | None = None) -> None:
        """Puts a status in place of the one before. `now` (monotonic) paces `due`. Raises OSError."""
        if now is not None:
            self._written = now
        _encode(status, self._buffer)
        target = os.open(self._fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        try:
            # WHY: a disk that is nearly full takes a part and says so only by the count.
            if os.write(target, self._buffer) != len(self._buffer):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._fresh))
        finally:
            os.close(target)
        os.replace(self._fresh, self.path)

    def remove(self) -> None:
        """Takes the file away at an orderly end, so that nobody takes it for a process that hangs."""
        self.path.unlink(missing_ok=True)


def status_path(state: str | Path) -> Path:
    """Where the status file of a state folder is."""
    return Path(state) / STATUS_FILE


def decode_status(octets: bytes) -> Status:
    """A status from its octets; raises StatusUnreadableError."""
    try:
        return _decode(octets)
    except msgspec.DecodeError as error:
        raise StatusUnreadableError(f"not a status: {error}") from error
