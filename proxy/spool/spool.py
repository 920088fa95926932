"""The spool: takes deliveries on the event loop, says when they are durable, hands them out in order.

Owns every delivery from `put` until its ESME has answered, or its age has ended it. Must never hand out what is not
durable, or forget what was told durable. What one turn of the loop puts (while much comes: what `linger_ms` bring)
becomes one sealed record, one write and one `fdatasync` in the writer's thread; one batch is in flight at a time.
What is done with is written down later, up to `done_linger_ms`, so a kill may bring it back: then it says `again`.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from proxy.disk import Directory
from proxy.spool.entry import AccountQueue, Entry
from proxy.spool.errors import SpoolDamagedError
from proxy.spool.jobs import DurableCallback
from proxy.spool.layout import Keys
from proxy.spool.limits import Limits
from proxy.spool.recovery import Recovered, SpoolDisk, recover
from proxy.spool.writer import Writer

_logger: Final = logging.getLogger(__name__)

#: The largest entry: many times a PDU.
MAX_ENTRY_OCTETS: Final = 1 << 20


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
        self._limits: Final = limits
        self._clock: Final = clock
        self._accounts: Final[dict[str, AccountQueue]] = {}
        self._next_id = max(found.highest + 1, clock())
        self._held = found.held
        self._closing = False
        self._writer: Final = Writer(disk, keys, found, limits, self._written, self._failed)
        for entry in found.entries:
            queue = self._queue_of(entry.account)
            queue.waiting.append(entry)
            queue.octets += entry.size
            self.octets += entry.size
        self.entries = len(found.entries)

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
        self.octets += size
        self.entries += 1
        queue.octets += size
        id_ = self._next_id
        self._next_id = id_ + 1
        self._writer.add(Entry(id_, self._clock(), account, octets, size, False), then)
        return True

    def _written(self, entries: list[Entry]) -> None:
        """These are durable: from now on they can be taken."""
        room = self._limits.memory_octets
        accounts = self._accounts
        for entry in entries:
            if self._held + entry.size <= room:
                self._held += entry.size
            else:
                entry.octets = b""
            accounts[entry.account].waiting.append(entry)

    def _failed(self, entries: list[Entry]) -> None:
        """These were never taken."""
        for entry in entries:
            self.octets -= entry.size
            self.entries -= 1
            self._accounts[entry.account].octets -= entry.size

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
                    entry.octets = self._writer.read(entry)
                except (OSError, SpoolDamagedError):
                    if not taken:
                        raise
                    break
                self._held += entry.size
            queue.in_hand[entry.id] = waiting.popleft()
            taken.append(entry)
        return taken

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
        self._writer.drop(entry)

    @property
    def error(self) -> OSError | None:
        """Why the last write failed; None while all is well."""
        return self._writer.error

    async def close(self, timeout_s: float = 10.0) -> None:
        """Writes what is queued and what is done with, and gives the directory free.

        After it, the next run knows which entries were handed out. Raises TimeoutError when the disk hangs.
        """
        if self._closing:
            return
        self._closing = True
        await self._writer.drain(timeout_s)
        handed_out: list[int] = []
        for queue in self._accounts.values():
            handed_out += queue.in_hand
            handed_out += [entry.id for entry in queue.waiting if entry.again]
        await self._writer.finish(self._next_id - 1, handed_out)
