"""The writer of the log: takes records on the event loop, makes batches durable in one thread, says when.

Owns the outbox between the loop and the disk. Must never lose a record it has taken, or take one it cannot hold:
`append` then says False, the caller answers DEFER, and a Gap record counts what was not taken. One write is in flight
at a time; what queues meanwhile is the next batch. Encoding and hashing happen on the loop in small pieces (a CPU-bound
thread beside it would hold the GIL for up to 5 ms); the thread only writes and waits for the disk.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from proxy.disk import Directory, Disk
from proxy.evidence.batch import BatchBuilder, Sealed
from proxy.evidence.layout import Head, key_id_of, segment_name
from proxy.evidence.records import Gap, Record, Start, Stop, encode
from proxy.evidence.recovery import Recovered, recover

_logger: Final = logging.getLogger(__name__)

#: Called on the loop, once: None when the record is durable, else why it is not yet.
DurableCallback = Callable[[OSError | None], None]


class EvidenceFailedError(Exception):
    """The log was closed while records could not be written; the text says how many."""


class Limits(Struct, frozen=True):
    """When a batch is sealed, and how much may wait."""

    linger_ms: int = 100
    """The longest that a record waits for company."""
    durable_linger_ms: int = 0
    """The same for a record that somebody waits for; 0: until the end of this turn of the loop."""
    batch_records: int = 4096
    batch_octets: int = 1 << 20
    outbox_records: int = 65_536
    """Records taken and not yet durable. A record with a callback may use an eighth more."""
    outbox_octets: int = 16 << 20
    segment_octets: int = 64 << 20
    retry_first_ms: int = 100
    """Wait after the first failure to write; it doubles up to `retry_most_ms`."""
    retry_most_ms: int = 5_000


class _Job:
    """One write: a sealed batch, where it goes, and who waits for it."""

    __slots__ = ("callbacks", "name", "offset", "sealed")

    def __init__(self, sealed: Sealed, name: str, offset: int, callbacks: list[DurableCallback]) -> None:
        self.sealed: Final = sealed
        self.name: Final = name
        self.offset: Final = offset
        self.callbacks: Final = callbacks


def utc_us() -> int:
    """UTC now, microseconds since the epoch."""
    return time.time_ns() // 1000


class EvidenceLog:
    """An open log. All methods are called on the loop that was running at `open`."""

    def __init__(
        self,
        *,
        disk: Disk,
        builder: BatchBuilder,
        boot: int,
        name: str,
        used: int,
        head: Head,
        limits: Limits,
        clock: Callable[[], int],
        on_drain: Callable[[], None] | None,
    ) -> None:
        """Use `open`."""
        self.boot: Final = boot
        self.head = head
        self.error: OSError | None = None
        """Why the last write failed; None while all is well."""
        self._disk = disk
        self._builder = builder
        self._name = name
        self._used = used
        self._limits = limits
        self._clock = clock
        self._on_drain = on_drain
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._in_flight: _Job | None = None
        self._in_flight_records = 0
        self._in_flight_octets = 0
        self._callbacks: list[DurableCallback] = []
        self._timer: asyncio.TimerHandle | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._due = False
        self._flushing = False
        self._closing = False
        self._was_crowded = False
        self._quarter = limits.outbox_records >> 2
        self._retry_ms = limits.retry_first_ms
        self._missed = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._reserve = max(1, limits.outbox_records >> 3)
        self._measure_room()
        self._writer = Thread(target=self._write_jobs, name="evidence-writer", daemon=True)
        self._writer.start()

    @classmethod
    def open(
        cls,
        directory: Path,
        key: Ed25519PrivateKey,
        *,
        software: str,
        config_digest: bytes,
        rules: tuple[str, ...],
        former_keys: Iterable[Ed25519PublicKey] = (),
        limits: Limits | None = None,
        clock: Callable[[], int] = utc_us,
        on_drain: Callable[[], None] | None = None,
        disk: Disk | None = None,
    ) -> "EvidenceLog":
        """Opens or creates the log in a directory; blocks, and ends with a durable Start record (after a Gap, if any).

        `boot` of what it gives is new in this log. `former_keys`: keys that signed earlier segments. Raises
        EvidenceDamagedError, DirectoryLockedError, OSError.
        """
        limits = limits or Limits()
        disk = disk or Directory(directory)
        try:
            found = recover(disk, directory, {key_id_of(one): one for one in (key.public_key(), *former_keys)})
            boot = found.boot + 1
            builder = BatchBuilder(
                log_id=found.log_id,
                boot=boot,
                key=key,
                tree=found.tree,
                segment_used=found.used if found.key_id == key_id_of(key.public_key()) else None,
                segment_octets=limits.segment_octets,
            )
            now = clock()
            gap = _gap_of(found, now)
            if gap is not None:
                _logger.error(
                    "evidence: gap after record %d: %s, %d octets aside", gap.size, gap.reason, gap.torn_octets
                )
                builder.add(encode(gap))
            start = Start(at_us=now, boot=boot, software=software, config_digest=config_digest, rules=rules)
            builder.add(encode(start))
            sealed = builder.seal(now)
            name, offset = _place(sealed, found.name, found.used)
            disk.write(name, offset, sealed.pieces)
        except BaseException:
            disk.close()
            raise
        return cls(
            disk=disk,
            builder=builder,
            boot=boot,
            name=name,
            used=offset + sealed.octets,
            head=sealed.head,
            limits=limits,
            clock=clock,
            on_drain=on_drain,
        )

    @property
    def size(self) -> int:
        """Durable records."""
        return self.head.size

    @property
    def root(self) -> bytes:
        """The tree head over the durable records."""
        return self.head.root

    @property
    def failed(self) -> bool:
        """Whether the last write failed: nothing more is taken until a repetition succeeds."""
        return self.error is not None

    @property
    def room(self) -> bool:
        """Whether `append` would take a record now."""
        return self._left > 0

    @property
    def fill(self) -> float:
        """How full the outbox is: 0 empty, 1 full (a reserve for durable records goes beyond)."""
        return max(
            self.queued / self._limits.outbox_records,
            (self._builder.octets + self._in_flight_octets) / self._limits.outbox_octets,
        )

    @property
    def queued(self) -> int:
        """Records taken and not yet durable."""
        return self._builder.count + self._in_flight_records

    @property
    def crowded(self) -> bool:
        """Whether reading should slow down: three quarters full, or failed. `on_drain` is called when it is over."""
        # WHY not `fill`: asked at each chunk that is read; the room left says nearly the same for one comparison.
        return self._left <= self._quarter

    @property
    def missed(self) -> int:
        """Records not taken that no Gap record has counted yet."""
        return self._missed

    def _measure_room(self) -> None:
        """Sets how many more records `append` takes; 0 or less: none."""
        builder = self._builder
        open_for_records = (
            self.error is None
            and not self._closing
            and builder.octets + self._in_flight_octets < self._limits.outbox_octets
        )
        room = self._limits.outbox_records - builder.count - self._in_flight_records
        self._left = room if open_for_records else -self._reserve

    def append(self, record: Record) -> bool:
        """Takes a record for the next batch; False when there is no room: then the caller must DEFER.

        Raises what msgspec raises for fields that it cannot encode, and ValueError for a record that is too large.
        """
        return self.append_octets(encode(record))

    def append_octets(self, octets: bytes) -> bool:
        """As `append`, for a record that is encoded already, as `records.encode` does it."""
        left = self._left
        if left <= 0:
            self._missed += 1
            return False
        filled = self._builder.add(octets)
        self._left = left - 1
        if self._timer is None:
            self._timer = self._loop.call_later(self._limits.linger_ms / 1000, self._linger_is_over)
        if filled:
            self._chunk_filled()
        return True

    def append_durable(self, record: Record, callback: DurableCallback) -> bool:
        """Takes a record and calls back on the loop when it is on disk; False, and no call, when there is no room.

        After a failure to write, the callback gets the error at once; the record stays queued and is written when the
        disk takes it again.
        """
        return self.append_octets_durable(encode(record), callback)

    def append_octets_durable(self, octets: bytes, callback: DurableCallback, patience_ms: int = 0) -> bool:
        """As `append_durable`, for a record that is encoded already; it may wait so long for company."""
        if self._left <= -self._reserve:
            self._missed += 1
            return False
        filled = self._builder.add(octets)
        self._left -= 1
        self._callbacks.append(callback)
        if filled:
            self._chunk_filled()
        if not patience_ms:
            self.flush_soon()
        elif not self._flushing:
            self._flush_within(patience_ms)
        return True

    def _chunk_filled(self) -> None:
        if self._in_flight is None and self._is_large():
            self._submit()
        self._measure_room()

    def _is_large(self) -> bool:
        return self._builder.count >= self._limits.batch_records or self._builder.octets >= self._limits.batch_octets

    def flush_soon(self) -> None:
        """Makes what is queued durable without lingering."""
        if self._flushing:
            return
        self._flushing = True
        if self._limits.durable_linger_ms:
            self._loop.call_later(self._limits.durable_linger_ms / 1000, self._linger_is_over)
        else:
            self._loop.call_soon(self._linger_is_over)

    def _flush_within(self, patience_ms: int) -> None:
        """Makes what is queued durable in so long; whoever cannot wait does not wait for it."""
        if self._patience is None:
            self._patience = self._loop.call_later(patience_ms / 1000, self._linger_is_over)

    def _linger_is_over(self) -> None:
        self._due = True
        if self._in_flight is None:
            self._submit()

    def _submit(self) -> None:
        """Seals what is queued and hands it to the thread."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        self._due = self._flushing = False
        builder = self._builder
        if not builder.count:
            return
        sealed = builder.seal(self._clock())
        name, offset = _place(sealed, self._name, self._used)
        self._in_flight = _Job(sealed, name, offset, self._callbacks)
        self._in_flight_records = sealed.count
        self._in_flight_octets = sealed.octets
        self._callbacks = []
        self._idle.clear()
        self._jobs.put(self._in_flight)

    def _write_jobs(self) -> None:
        """The thread: writes, never encodes or hashes."""
        while (job := self._jobs.get()) is not None:
            try:
                self._disk.write(job.name, job.offset, job.sealed.pieces)
            except OSError as error:
                self._tell(self._write_failed, job, error)
            else:
                self._tell(self._written, job)

    def _tell(self, method: Callable[..., None], *arguments: object) -> None:
        # WHY: a loop that was closed before the log has nobody left to tell; what is on disk is sound either way.
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(method, *arguments)

    def _written(self, job: _Job) -> None:
        was_crowded = self._was_crowded or self.crowded
        self._in_flight = None
        self._in_flight_records = self._in_flight_octets = 0
        self._name = job.name
        self._used = job.offset + job.sealed.octets
        self.head = job.sealed.head
        if job.callbacks:
            self._loop.call_soon(self._call_back, job.callbacks)
        if self.error is not None:
            _logger.warning("evidence: writing works again")
            self.error = None
            self._retry_ms = self._limits.retry_first_ms
        if self._missed:
            self._count_missed()
        if self._due or self._flushing or self._closing or self._is_large():
            self._submit()
        self._was_crowded = was_crowded and self.fill > 0.5
        if was_crowded and not self._was_crowded and self._on_drain is not None:
            self._on_drain()
        self._measure_room()
        if not self._in_flight_records:
            self._idle.set()

    def _call_back(self, callbacks: list[DurableCallback]) -> None:
        # WHY one for all: a turn of the loop for each would cost more than most of them do.
        for callback in callbacks:
            try:
                callback(None)
            except Exception as error:  # noqa: BLE001  WHY: one that fails must not keep the others from being told
                self._loop.call_exception_handler({"message": "evidence: a callback has failed", "exception": error})

    def _count_missed(self) -> None:
        """A Gap record for what was not taken: a loss is never silent."""
        _logger.error("evidence: %d records were not taken", self._missed)
        gap = Gap(at_us=self._clock(), size=self._builder.size, reason="refused", torn_octets=0, missed=self._missed)
        self._missed = 0
        self._builder.add(encode(gap))
        self._due = True

    def _write_failed(self, job: _Job, error: OSError) -> None:
        if self.error is None:
            _logger.error("evidence: cannot write %s: %s", job.name, error.strerror)
        self.error = error
        self._measure_room()
        callbacks = job.callbacks + self._callbacks
        job.callbacks.clear()
        self._callbacks = []
        for callback in callbacks:
            self._loop.call_soon(callback, error)
        self._loop.call_later(self._retry_ms / 1000, self._jobs.put, job)
        self._retry_ms = min(2 * self._retry_ms, self._limits.retry_most_ms)

    async def close(self, reason: str = "stopped", timeout_s: float = 10.0) -> None:
        """Writes what is queued and a Stop record, and gives the directory free.

        Raises EvidenceFailedError when the disk did not take all of it in time.
        """
        if self._closing:
            return
        self._closing = True
        self._measure_room()
        if self._missed:
            self._count_missed()
        self._builder.add(encode(Stop(at_us=self._clock(), boot=self.boot, reason=reason)))
        self._linger_is_over()
        try:
            await asyncio.wait_for(self._idle.wait(), timeout_s)
        except TimeoutError as error:
            raise EvidenceFailedError(f"{self.queued} records could not be written") from error
        finally:
            self._jobs.put(None)
            if self._idle.is_set():
                self._writer.join()
                self._disk.close()


def _place(sealed: Sealed, name: str, used: int) -> tuple[str, int]:
    """The file and offset of a batch."""
    return (name, used) if sealed.new_segment is None else (segment_name(sealed.new_segment), 0)


def _gap_of(found: Recovered, at_us: int) -> Gap | None:
    if found.clean:
        return None
    reason = "torn" if found.torn_octets else "unclean"
    return Gap(at_us=at_us, size=found.tree.size, reason=reason, torn_octets=found.torn_octets, missed=0)
