"""The spool: takes deliveries on the event loop, says when they are durable, hands them out in order.

Owns every delivery from `put` until its ESME has answered, or its age has ended it. Must never hand out what is not
durable, or forget what was told durable. What one turn of the loop puts becomes one sealed record, one write and one
`fdatasync` in the writer's thread; one batch is in flight at a time, what comes meanwhile is the next. What is done
with is written down later, up to `done_linger_ms`, so a kill may bring it back: then it says `again`.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Final

from msgspec import Struct

from proxy.disk import Directory
from proxy.spool.entry import AccountQueue, Entry, Place, Segment
from proxy.spool.errors import SpoolDamagedError
from proxy.spool.jobs import Batch, DurableCallback, Mark, Sweep
from proxy.spool.layout import (
    CLEAN,
    CLEAN_NAME,
    DONE,
    ENTRIES,
    HEADER_OCTETS,
    Keys,
    decode_entries,
    encode_clean,
    encode_entries,
    encode_ids,
    segment_name,
)
from proxy.spool.recovery import Recovered, SpoolDisk, recover

_logger: Final = logging.getLogger(__name__)

#: The largest entry: many times a PDU.
MAX_ENTRY_OCTETS: Final = 1 << 20


class Limits(Struct, frozen=True):
    """How much may wait, for how long, and how it is written."""

    octets: int = 256 << 20
    """Of all entries, without what the format adds."""
    entries: int = 1_000_000
    """Each costs memory (about 0.3 kB) even where its octets are only on disk."""
    account_octets: int = 64 << 20
    """Of one account's entries, so that one absent ESME does not take all the room."""
    age_s: int = 72 * 3600
    memory_octets: int = 64 << 20
    """Of entries held in memory; beyond it they are read from disk when they are taken."""
    segment_octets: int = 16 << 20
    batch_octets: int = 256 << 10
    """Sealed at once; what one turn puts beyond it is the next batch."""
    done_linger_ms: int = 100
    retry_ms: int = 1_000
    """Wait before what is done with is written down again after a failure."""


def utc_us() -> int:
    """UTC now, microseconds since the epoch."""
    return time.time_ns() // 1000


class Spool:
    """An open spool. All methods are called on the loop that was running at `open`."""

    def __init__(self, disk: SpoolDisk, keys: Keys, found: Recovered, limits: Limits, clock: Callable[[], int]) -> None:
        """Use `open`."""
        self.octets = 0
        """Octets of all entries: waiting, in hand, and on their way to the disk."""
        self.entries = 0
        """How many those are."""
        self.cut_octets: Final = found.cut_octets
        """Octets of unfinished records that were cut off at the start."""
        self.error: OSError | None = None
        """Why the last write failed; None while all is well."""
        self._disk: Final = disk
        self._keys: Final = keys
        self._limits: Final = limits
        self._clock: Final = clock
        self._loop: Final = asyncio.get_running_loop()
        self._accounts: Final[dict[str, AccountQueue]] = {}
        self._segments: Final = found.segments
        self._next_number = found.next_number
        self._next_id = max(found.highest + 1, clock())
        self._held = found.held
        self._current: Segment | None = None
        self._queued: list[Entry] = []
        self._thens: list[DurableCallback] = []
        self._turn_us = 0
        self._flushing = False
        self._writing = False
        self._sweeping = False
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._closing = False
        self._idle: Final = asyncio.Event()
        self._read_place: Place | None = None
        self._read_octets: dict[int, bytes] = {}
        for entry in found.entries:
            queue = self._queue_of(entry.account)
            queue.waiting.append(entry)
            queue.octets += entry.size
            self.octets += entry.size
        self.entries = len(found.entries)
        self._jobs: Final[SimpleQueue[Batch | Sweep | None]] = SimpleQueue()
        self._writer: Final = Thread(target=self._run_jobs, name="spool-writer", daemon=True)
        self._writer.start()

    @classmethod
    def open(
        cls,
        directory: Path,
        key: bytes,
        *,
        limits: Limits | None = None,
        clock: Callable[[], int] = utc_us,
        disk: SpoolDisk | None = None,
    ) -> "Spool":
        """Opens or creates the spool in a directory; blocks while it reads what waits there.

        `key` has 32 octets. An unfinished record at the end is cut off and told of (`cut_octets`, a warning). Raises
        DirectoryLockedError, SpoolDamagedError, SpoolKeyError, OSError; ValueError for a key of another length.
        """
        limits = limits or Limits()
        keys = Keys(key)
        disk = disk or Directory(directory)
        try:
            found = recover(disk, directory, keys, limits.memory_octets)
        except BaseException:
            disk.close()
            raise
        if found.cut_octets:
            _logger.warning("spool: %d octets of an unfinished record were cut off", found.cut_octets)
        return cls(disk, keys, found, limits, clock)

    def _queue_of(self, account: str) -> AccountQueue:
        queue = self._accounts.get(account)
        if queue is None:
            queue = self._accounts[account] = AccountQueue()
        return queue

    def put(self, account: str, octets: bytes, then: DurableCallback) -> bool:
        """Takes a delivery for an account and calls back when it is durable; False, and no call: no room.

        After a failure the callback gets the error, and the spool has forgotten the entry. Raises ValueError for no
        octets, or more than MAX_ENTRY_OCTETS.
        """
        size = len(octets)
        if not 0 < size <= MAX_ENTRY_OCTETS:
            raise ValueError(f"an entry of {size} octets does not fit")
        limits = self._limits
        queue = self._queue_of(account)
        if (
            self._closing
            or self.octets + size > limits.octets
            or queue.octets + size > limits.account_octets
            or self.entries >= limits.entries
        ):
            return False
        if not self._flushing:
            self._flushing = True
            self._turn_us = self._clock()
            if not self._writing:
                self._loop.call_soon(self._flush)
        self.octets += size
        self.entries += 1
        queue.octets += size
        id_ = self._next_id
        self._next_id = id_ + 1
        self._queued.append(Entry(id_, self._turn_us, account, octets, size, False))
        self._thens.append(then)
        return True

    def take(self, account: str, most: int) -> list[Entry]:
        """The account's next entries, oldest first, now in hand until `done` or `give_back`.

        Raises OSError, SpoolDamagedError where the first one cannot be read from disk any more; it stays where it is.
        """
        taken: list[Entry] = []
        queue = self._accounts.get(account)
        if queue is None:
            return taken
        waiting = queue.waiting
        while waiting and len(taken) < most:
            entry = waiting[0]
            if not entry.octets:
                try:
                    self._load(entry)
                except (OSError, SpoolDamagedError):
                    if not taken:
                        raise
                    break
            queue.in_hand[entry.id] = waiting.popleft()
            taken.append(entry)
        return taken

    def _load(self, entry: Entry) -> None:
        """Gives an entry its octets back."""
        place = entry.place
        if place is None:
            raise SpoolDamagedError("an entry without a place")
        if place is not self._read_place:
            self._read_octets = self._read(place)
            self._read_place = place
        entry.octets = self._read_octets[entry.id]
        self._held += entry.size

    def _read(self, place: Place) -> dict[int, bytes]:
        name = segment_name(place.segment.number)
        octets = self._disk.read(name, place.offset, place.size)
        opened = self._keys.open(place.segment.header, ENTRIES, place.offset, octets, 0)
        if opened is None:
            raise SpoolDamagedError(f"{name} at octet {place.offset}: not as it was written")
        return {id_: entry_octets for id_, _, _, entry_octets in decode_entries(opened[0])}

    def done(self, entry: Entry) -> bool:
        """The ESME has answered it: it never comes again, but after a kill within `done_linger_ms`.

        False where it is not in hand: answered before, given back, or too old.
        """
        queue = self._accounts.get(entry.account)
        if queue is None or queue.in_hand.pop(entry.id, None) is None:
            return False
        self._forget(queue, entry)
        return True

    def give_back(self, account: str) -> None:
        """What the account has in hand returns to its place before what waits; it will say `again`."""
        queue = self._accounts.get(account)
        if queue is not None:
            queue.give_back_all()

    def give_back_entry(self, entry: Entry) -> bool:
        """The same for one entry; False where it is not in hand."""
        queue = self._accounts.get(entry.account)
        return queue is not None and queue.give_back(entry)

    def waiting(self, account: str) -> int:
        """How many entries `take` could give now; those in hand are not among them."""
        queue = self._accounts.get(account)
        return 0 if queue is None else len(queue.waiting)

    def accounts(self) -> list[str]:
        """Accounts with entries that wait or are in hand."""
        return [account for account, queue in self._accounts.items() if queue.waiting or queue.in_hand]

    def expire(self, now_us: int) -> dict[str, int]:
        """Drops what waits for longer than `age_s`; gives how many of each account. What is in hand is left."""
        before = now_us - self._limits.age_s * 1_000_000
        counts: dict[str, int] = {}
        for account, queue in self._accounts.items():
            waiting = queue.waiting
            count = 0
            while waiting and waiting[0].at_us < before:
                self._forget(queue, waiting.popleft())
                count += 1
            if count:
                counts[account] = count
        return counts

    def _forget(self, queue: AccountQueue, entry: Entry) -> None:
        """An entry has left its queue for good."""
        size = entry.size
        self.octets -= size
        self.entries -= 1
        queue.octets -= size
        if entry.octets:
            self._held -= size
        entry.gone = True
        place = entry.place
        if place is not None:
            segment = place.segment
            segment.live -= 1
            segment.gone.append(entry.id)
        if self._sweep_timer is None:
            self._sweep_later(self._limits.done_linger_ms)

    # -- batches of entries

    def _flush(self) -> None:
        if not self._writing and self._queued:
            self._submit()

    def _submit(self) -> None:
        """Seals what is queued, up to `batch_octets`, and hands it to the thread."""
        entries, thens = self._queued, self._thens
        most = self._limits.batch_octets
        octets = 0
        count = 0
        for entry in entries:
            octets += entry.size
            count += 1
            if octets >= most:
                break
        self._queued, self._thens = entries[count:], thens[count:]
        self._flushing = bool(self._queued)
        self._write(entries[:count], thens[:count], octets)

    def _write(self, entries: list[Entry], thens: list[DurableCallback], octets: int) -> None:
        segment = self._current
        if segment is None or segment.used >= self._limits.segment_octets:
            segment = self._begin_segment()
        body = encode_entries([(entry.id, entry.at_us, entry.account, entry.octets) for entry in entries])
        record = self._keys.seal(segment.header, ENTRIES, segment.used, body)
        self._writing = True
        self._jobs.put(Batch(segment, record, octets, entries, thens))

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
        if self.error is not None:
            _logger.warning("spool: writing works again")
            self.error = None
        segment = batch.segment
        place = Place(segment, segment.used, len(batch.record))
        segment.written = True
        segment.used += len(batch.record)
        segment.live += len(batch.entries)
        room = self._limits.memory_octets
        accounts = self._accounts
        for entry in batch.entries:
            entry.place = place
            if self._held + entry.size <= room:
                self._held += entry.size
            else:
                entry.octets = b""
            accounts[entry.account].waiting.append(entry)
        self._go_on()
        self._call(batch.thens, None)

    def _batch_failed(self, batch: Batch, error: OSError) -> None:
        self._writing = False
        if self.error is None:
            _logger.error("spool: cannot write %s: %s", segment_name(batch.segment.number), error.strerror)
        self.error = error
        for entry in batch.entries:
            self.octets -= entry.size
            self.entries -= 1
            self._accounts[entry.account].octets -= entry.size
        self._go_on()
        self._call(batch.thens, error)

    def _go_on(self) -> None:
        if self._queued:
            self._submit()
        elif not self._sweeping:
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
        if self._sweep_timer is None and not self._closing:
            self._sweep_timer = self._loop.call_later(after_ms / 1000, self._sweep)

    def _sweep(self) -> None:
        self._sweep_timer = None
        if self._sweeping:
            self._sweep_later(self._limits.done_linger_ms)
            return
        sweep = self._collect()
        if sweep is not None:
            self._sweeping = True
            self._jobs.put(sweep)

    def _collect(self) -> Sweep | None:
        """What a sweep has to do now; None for nothing."""
        marks: list[Mark] = []
        dead: list[Segment] = []
        for segment in self._segments.values():
            if not segment.live and (segment is not self._current or (self._closing and segment.written)):
                dead.append(segment)
            elif segment.gone:
                ids = segment.gone
                segment.gone = []
                record = self._keys.seal(segment.header, DONE, segment.done_used, encode_ids(ids))
                marks.append(Mark(segment, ids, record))
        for segment in dead:
            del self._segments[segment.number]
        return Sweep(marks, dead) if marks or dead else None

    def _swept(self, sweep: Sweep) -> None:
        self._sweeping = False
        for mark in sweep.marks:
            mark.segment.done_used += len(mark.record)
        if not self._writing:
            self._idle.set()

    def _sweep_failed(self, sweep: Sweep, error: OSError) -> None:
        self._sweeping = False
        if self.error is None:
            _logger.error("spool: cannot write down what is done with: %s", error.strerror)
        self.error = error
        for mark in sweep.marks:
            mark.segment.gone += mark.ids
        for segment in sweep.dead:
            self._segments[segment.number] = segment
        self._sweep_later(self._limits.retry_ms)
        if not self._writing:
            self._idle.set()

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

    async def close(self, timeout_s: float = 10.0) -> None:
        """Writes what is queued and what is done with, and gives the directory free.

        After it, the next run knows which entries were handed out. Raises TimeoutError when the disk hangs.
        """
        if self._closing:
            return
        self._closing = True
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
            self._sweep_timer = None
        async with asyncio.timeout(timeout_s):
            while self._writing or self._sweeping or self._queued:
                self._idle.clear()
                await self._idle.wait()
            self._jobs.put(None)
            await asyncio.to_thread(self._finish, self._collect(), self._clean_record())

    def _clean_record(self) -> bytes:
        """What the next run should know of what was handed out."""
        handed_out: list[int] = []
        for queue in self._accounts.values():
            handed_out += queue.in_hand
            handed_out += [entry.id for entry in queue.waiting if entry.again]
        return self._keys.seal(b"", CLEAN, 0, encode_clean(self._next_id - 1, handed_out))

    def _finish(self, sweep: Sweep | None, clean: bytes) -> None:
        """The last writes, in a thread that may block."""
        self._writer.join()
        try:
            if sweep is not None:
                sweep.run(self._disk)
            self._disk.write(CLEAN_NAME, 0, (clean,))
        except OSError as error:
            _logger.error("spool: closed with entries that may come again: %s", error.strerror)
        finally:
            self._disk.close()
