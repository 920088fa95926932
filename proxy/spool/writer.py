"""The writer of the spool: seals on the loop, writes in one thread, keeps the segments few.

Owns segments, batches and what is written down as done. Must never decide who gets an entry. One batch and one sweep
are in flight at a time. Sealing 256 KiB takes 0.2 ms on the loop; a thread that seals would hold the GIL beside it.
"""

import asyncio
import logging
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Final

from proxy.spool.entry import Entry, Place, Segment
from proxy.spool.errors import SpoolDamagedError
from proxy.spool.jobs import Batch, DurableCallback, Mark, Sweep
from proxy.spool.layout import (
    CLEAN,
    CLEAN_NAME,
    DONE,
    ENTRIES,
    HEADER_OCTETS,
    EntryRow,
    Keys,
    decode_entries,
    encode_clean,
    encode_entries,
    encode_ids,
    segment_name,
)
from proxy.spool.limits import Limits
from proxy.spool.recovery import Recovered, SpoolDisk

_logger: Final = logging.getLogger(__name__)

#: Entries in one batch from which on the next ones wait for company.
_BUSY_FROM: Final = 4


class Writer:
    """Writes for one spool; tells it on the loop, before those who wait, which entries were `written` or `failed`."""

    def __init__(
        self,
        disk: SpoolDisk,
        keys: Keys,
        found: Recovered,
        limits: Limits,
        written: Callable[[list[Entry]], None],
        failed: Callable[[list[Entry]], None],
    ) -> None:
        """Starts the thread; on a running loop."""
        self.error: OSError | None = None
        self._disk: Final = disk
        self._keys: Final = keys
        self._limits: Final = limits
        self._linger_s: Final = limits.linger_ms / 1000
        #: How many entries the latest batch had.
        self._latest_count = 0
        self._tell_written: Final = written
        self._tell_failed: Final = failed
        self._loop: Final = asyncio.get_running_loop()
        self._segments: Final = found.segments
        self._next_number = found.next_number
        self._current: Segment | None = None
        self._queued: list[Entry] = []
        self._thens: list[DurableCallback] = []
        self._flushing = False
        self._writing = False
        self._sweeping = False
        self._timer: asyncio.TimerHandle | None = None
        self._closing = False
        self._idle: Final = asyncio.Event()
        self._read_place: Place | None = None
        self._read_octets: dict[int, bytes] = {}
        self._jobs: Final[SimpleQueue[Batch | Sweep | None]] = SimpleQueue()
        self._runner: Final = Thread(target=self._run_jobs, name="spool-writer", daemon=True)
        self._runner.start()
        if any(segment.gone for segment in self._segments.values()):
            self._sweep_later(limits.done_linger_ms)

    def add(self, entry: Entry, then: DurableCallback) -> None:
        """Queues a new entry for the batch of this turn of the loop, or while there is much of the next `linger_ms`."""
        self._queued.append(entry)
        self._thens.append(then)
        if not self._flushing:
            self._flushing = True
            # WHY: a write, a sync and a word to the thread and back cost what many entries do; where entries come one
            # by one, each at once, since their carrier may wait for the answer.
            if self._latest_count >= _BUSY_FROM:
                self._loop.call_later(self._linger_s, self._flush)
            else:
                self._loop.call_soon(self._flush)

    def drop(self, entry: Entry) -> None:
        """Writes down, soon, that a durable entry is done with."""
        entry.gone = True
        place = entry.place
        if place is not None:
            segment = place.segment
            segment.drop(entry)
            segment.gone.append(entry.id)
        if self._timer is None:
            self._sweep_later(self._limits.done_linger_ms)

    def read(self, entry: Entry) -> bytes:
        """The octets of a durable entry; raises OSError, SpoolDamagedError."""
        place = entry.place
        if place is None:
            raise SpoolDamagedError("an entry without a place")
        if place is not self._read_place:
            name = segment_name(place.segment.number)
            octets = self._disk.read(name, place.offset, place.size)
            opened = self._keys.open(place.segment.header, ENTRIES, place.offset, octets, 0)
            if opened is None:
                raise SpoolDamagedError(f"{name} at octet {place.offset}: not as it was written")
            self._read_octets = {row[0]: row[3] for row in decode_entries(opened[0])}
            self._read_place = place
        return self._read_octets[entry.id]

    # -- batches of entries

    def _flush(self) -> None:
        self._flushing = False
        if not self._writing and self._queued:
            self._submit()

    def _submit(self) -> None:
        """Seals what is queued, up to `batch_octets`, and hands it to the thread."""
        entries = self._queued
        count = _count_within(entries, self._limits.batch_octets)
        thens = self._thens
        self._latest_count = count
        self._queued, self._thens = entries[count:], thens[count:]
        entries = entries[:count]
        self._write([(one.id, one.at_us, one.account, one.octets) for one in entries], entries, thens[:count], None)

    def _write(
        self, rows: list[EntryRow], entries: list[Entry], thens: list[DurableCallback], moved_from: Segment | None
    ) -> None:
        segment = self._current
        if segment is None or segment.used >= self._limits.segment_octets:
            segment = self._begin_segment()
        record = self._keys.seal(segment.header, ENTRIES, segment.used, encode_entries(rows))
        self._writing = True
        self._jobs.put(Batch(segment, record, entries, thens, moved_from))

    def _begin_segment(self) -> Segment:
        number = self._next_number
        self._next_number = number + 1
        segment = Segment(number, self._keys.new_header(number), used=HEADER_OCTETS, written=False)
        self._segments[number] = segment
        self._current = segment
        # WHY: nothing more comes into the segment before; it may be empty already.
        self._sweep_later(self._limits.done_linger_ms)
        return segment

    def _batch_written(self, batch: Batch) -> None:
        self._writing = False
        self._works()
        segment = batch.segment
        place = Place(segment, segment.used, len(batch.record))
        segment.written = True
        segment.used += len(batch.record)
        moved_from = batch.moved_from
        for entry in batch.entries:
            if moved_from is not None:
                moved_from.drop(entry)
            if entry.gone:
                # Done with while its copy was written: said of the copy too, before the other segment goes.
                segment.gone.append(entry.id)
            else:
                entry.place = place
                segment.add(entry)
        if moved_from is None:
            self._tell_written(batch.entries)
        self._go_on()
        self._call(batch.thens, None)

    def _batch_failed(self, batch: Batch, error: OSError) -> None:
        self._writing = False
        if self.error is None:
            _logger.error("spool: cannot write %s: %s", segment_name(batch.segment.number), error.strerror)
        self.error = error
        if batch.moved_from is None:
            self._tell_failed(batch.entries)
        self._go_on()
        self._call(batch.thens, error)

    def _works(self) -> None:
        if self.error is not None:
            _logger.warning("spool: writing works again")
            self.error = None

    def _go_on(self) -> None:
        if self._queued and not self._flushing:
            self._submit()
        elif not self._queued and self.error is None:
            self._move_some()
        self._tell_idle()

    def _tell_idle(self) -> None:
        if not self._writing and not self._sweeping and not self._queued:
            self._idle.set()

    def _call(self, thens: list[DurableCallback], error: OSError | None) -> None:
        """Calls those who wait; one that raises does not keep the others from being called."""
        rest = iter(thens)
        try:
            for then in rest:
                then(error)
        finally:
            left = list(rest)
            if left:
                self._loop.call_soon(self._call, left, error)

    # -- what is done with

    def _sweep_later(self, after_ms: int) -> None:
        if self._timer is None and not self._closing:
            self._timer = self._loop.call_later(after_ms / 1000, self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        if self._sweeping:
            self._sweep_later(self._limits.done_linger_ms)
            return
        sweep = self._collect()
        if sweep is not None:
            self._sweeping = True
            self._jobs.put(sweep)
        self._move_some()

    def _collect(self) -> Sweep | None:
        """What a sweep has to do now; None for nothing."""
        marks: list[Mark] = []
        dead: list[Segment] = []
        for segment in self._segments.values():
            is_dead = not segment.live and (segment is not self._current or (self._closing and segment.written))
            if is_dead:
                dead.append(segment)
            if segment.gone and (segment.stuck or not is_dead):
                ids = segment.gone
                segment.gone = []
                record = self._keys.seal(segment.header, DONE, segment.done_used, encode_ids(ids))
                marks.append(Mark(segment, ids, record))
        for segment in dead:
            del self._segments[segment.number]
        return Sweep(marks, dead) if marks or dead else None

    def _swept(self, sweep: Sweep) -> None:
        self._sweeping = False
        self._works()
        for mark in sweep.marks:
            mark.segment.done_used += len(mark.record)
        self._tell_idle()

    def _sweep_failed(self, sweep: Sweep, error: OSError) -> None:
        self._sweeping = False
        if self.error is None:
            _logger.error("spool: cannot write down what is done with: %s", error.strerror)
        self.error = error
        for mark in sweep.marks:
            mark.segment.gone += mark.ids
        for segment in sweep.dead:
            self._segments[segment.number] = segment
            # WHY: while it stays on disk, a kill must not bring back what is done with in it.
            segment.stuck = True
        self._sweep_later(self._limits.retry_ms)
        self._tell_idle()

    def _move_some(self) -> None:
        """Copies entries out of the emptiest segment where more than half of the disk's octets are done with."""
        if self._writing or self._closing or len(self._segments) <= self._limits.spare_segments:
            return
        old = [segment for segment in self._segments.values() if segment is not self._current and segment.live]
        used = sum(segment.used for segment in old)
        live = sum(segment.live_octets for segment in old)
        spare = self._limits.spare_segments * self._limits.segment_octets
        if used <= spare or used <= 2 * live:
            return
        source = min(old, key=_share_alive)
        entries = list(source.live.values())
        entries = entries[: _count_within(entries, self._limits.batch_octets)]
        try:
            rows = [(one.id, one.at_us, one.account, one.octets or self.read(one)) for one in entries]
        except (OSError, SpoolDamagedError) as error:
            _logger.error("spool: cannot move entries out of %s: %s", segment_name(source.number), error)
            return
        self._write(rows, entries, [], source)

    # -- the thread

    def _run_jobs(self) -> None:
        """The thread: writes, never encodes or seals."""
        while (job := self._jobs.get()) is not None:
            try:
                job.run(self._disk)
            except OSError as error:
                if isinstance(job, Batch):
                    self._undo(job)
                    self._tell(self._batch_failed, job, error)
                else:
                    self._tell(self._sweep_failed, job, error)
            else:
                if isinstance(job, Batch):
                    self._tell(self._batch_written, job)
                else:
                    self._tell(self._swept, job)

    def _undo(self, batch: Batch) -> None:
        try:
            batch.undo(self._disk)
        except OSError as error:
            # The next batch is written over it. A kill before that may bring what its carrier sends again too.
            _logger.warning("spool: what could not be written could not be cut off either: %s", error.strerror)

    def _tell(self, method: Callable[..., None], *arguments: object) -> None:
        # WHY: a loop that was closed before the spool has nobody left to tell; what is on disk is sound either way.
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(method, *arguments)

    async def drain(self, timeout_s: float) -> None:
        """Ends the thread once nothing is queued; raises TimeoutError when the disk hangs."""
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        async with asyncio.timeout(timeout_s):
            while self._writing or self._sweeping or self._queued:
                self._idle.clear()
                await self._idle.wait()
        self._jobs.put(None)

    async def finish(self, highest: int, handed_out: list[int]) -> None:
        """The last writes of an orderly end, after `drain`; a failure is told of: then more comes again."""
        clean = self._keys.seal(b"", CLEAN, 0, encode_clean(highest, handed_out))
        await asyncio.to_thread(self._finish, self._collect(), clean)

    def _finish(self, sweep: Sweep | None, clean: bytes) -> None:
        self._runner.join()
        try:
            if sweep is not None:
                sweep.run(self._disk)
            self._disk.write(CLEAN_NAME, 0, (clean,))
        except OSError as error:
            _logger.error("spool: closed with entries that may come again: %s", error.strerror)
        finally:
            self._disk.close()


def _count_within(entries: list[Entry], octets: int) -> int:
    """How many of the first entries come to so many octets, the one that reaches them included."""
    count = 0
    for entry in entries:
        octets -= entry.size
        count += 1
        if octets <= 0:
            break
    return count


def _share_alive(segment: Segment) -> float:
    return segment.live_octets / segment.used
