"""The writer: batches, durability, a disk that fails, an outbox that is bounded, and what restarts leave."""

import asyncio
import errno
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proxy.disk import Directory, DirectoryLockedError
from proxy.evidence.log import EvidenceFailedError, EvidenceLog, Limits
from proxy.evidence.read import entries, last_head, tail
from proxy.evidence.records import Decision, Gap, Start, Stop, encode
from proxy.evidence.recovery import EvidenceDamagedError
from proxy.evidence.segments import batches_of, segment_paths
from proxy.evidence.verify import verify

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NEVER_MS = 3_600_000


def open_log(directory: Path, **more: Any) -> EvidenceLog:
    more.setdefault("key", KEY)
    return EvidenceLog.open(
        directory, more.pop("key"), software="0.1.0", config_digest=b"\7" * 32, rules=("hours.closed",), **more
    )


def kinds(directory: Path) -> list[str]:
    return [type(entry.record).__name__ for entry in entries(directory)]


def set_aside(directory: Path) -> list[bytes]:
    return [path.read_bytes() for path in directory.glob("*.torn*")]


class Waiter:
    """A durable callback that can be awaited."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[OSError | None] = asyncio.get_running_loop().create_future()

    def __call__(self, error: OSError | None) -> None:
        self.answer.set_result(error)


class FaultyDisk:
    """The real directory, behind a gate, with failures on demand."""

    def __init__(self, path: Path) -> None:
        self.inner = Directory(path)
        self.full = False
        self.partly = False
        self.gate = threading.Event()
        self.gate.set()
        self.writes = 0
        self.loop = asyncio.get_running_loop()
        self.wrote = asyncio.Event()
        """A batch of the thread is on disk."""

    def write(self, name: str, offset: int, pieces: Sequence[bytes]) -> None:
        assert self.gate.wait(10)
        if self.full:
            if self.partly:
                self.inner.write(name, offset, [b"".join(pieces)[:-7]])
            raise OSError(errno.ENOSPC, "No space left on device")
        self.writes += 1
        self.inner.write(name, offset, pieces)
        if self.writes > 1:
            self.loop.call_soon_threadsafe(self.wrote.set)

    def set_aside(self, name: str, offset: int, to: str) -> None:
        self.inner.set_aside(name, offset, to)

    def close(self) -> None:
        self.inner.close()


async def test_start_records_stop(tmp_path: Path, decision: Any) -> None:
    log = open_log(tmp_path)
    assert log.boot == 1
    assert log.size == 1
    assert log.append(decision(1))
    waiter = Waiter()
    assert log.append_durable(decision(2, effect=1), waiter)
    assert log.size == 1
    assert await waiter.answer is None
    assert log.size == 3
    assert last_head(tmp_path) == log.head
    await log.close("a test is over")
    assert kinds(tmp_path) == ["Start", "Decision", "Decision", "Stop"]
    report = verify(tmp_path, KEY.public_key())
    assert report.sound
    assert report.head == log.head
    again = open_log(tmp_path)
    assert again.boot == 2
    await again.close()
    assert kinds(tmp_path)[4:] == ["Start", "Stop"]
    assert verify(tmp_path, KEY.public_key(), report.head).outside_head_met


async def test_a_record_lingers_and_is_written_without_being_asked_for(tmp_path: Path, decision: Any) -> None:
    disk = FaultyDisk(tmp_path)
    log = open_log(tmp_path, disk=disk, limits=Limits(linger_ms=1))
    log.append(decision(1))
    await disk.wrote.wait()
    assert kinds(tmp_path) == ["Start", "Decision"]
    await log.close()


async def test_what_is_queued_shares_one_batch_and_one_sync(tmp_path: Path, decision: Any) -> None:
    disk = FaultyDisk(tmp_path)
    log = open_log(tmp_path, disk=disk, limits=Limits(linger_ms=NEVER_MS))
    waiters = [Waiter() for _ in range(50)]
    for number, waiter in enumerate(waiters):
        assert log.append_durable(decision(number), waiter)
    await asyncio.gather(*(waiter.answer for waiter in waiters))
    assert disk.writes == 2
    await log.close()


async def test_a_large_batch_is_sealed_at_once(tmp_path: Path, decision: Any) -> None:
    disk = FaultyDisk(tmp_path)
    log = open_log(tmp_path, disk=disk, limits=Limits(linger_ms=NEVER_MS, batch_records=128))
    for number in range(128):
        log.append(decision(number))
    await disk.wrote.wait()
    assert len(kinds(tmp_path)) == 129
    await log.close()


async def test_the_outbox_is_bounded_and_what_it_refused_is_counted(tmp_path: Path, decision: Any) -> None:
    disk = FaultyDisk(tmp_path)
    drained = asyncio.Event()
    limits = Limits(linger_ms=NEVER_MS, outbox_records=80, batch_records=64)
    log = open_log(tmp_path, disk=disk, on_drain=drained.set, limits=limits)
    disk.gate.clear()
    taken = [log.append(decision(number)) for number in range(100)]
    assert taken == [True] * 80 + [False] * 20
    assert not log.room
    assert log.fill == 1.0
    assert log.crowded
    assert log.missed == 20
    waiters = [Waiter() for _ in range(12)]
    reserve = [log.append_durable(decision(200 + n), waiter) for n, waiter in enumerate(waiters)]
    assert reserve == [True] * 10 + [False] * 2
    disk.gate.set()
    await drained.wait()
    assert log.room
    await asyncio.gather(*(waiter.answer for waiter in waiters[:10]))
    await log.close()
    gaps = [entry.record for entry in entries(tmp_path) if isinstance(entry.record, Gap)]
    assert [(gap.reason, gap.missed) for gap in gaps] == [("refused", 22)]
    assert kinds(tmp_path).count("Decision") == 90
    assert verify(tmp_path, KEY.public_key()).sound


async def test_the_outbox_is_bounded_in_octets(tmp_path: Path, decision: Any) -> None:
    disk = FaultyDisk(tmp_path)
    one = len(encode(decision(1)))
    log = open_log(
        tmp_path, disk=disk, limits=Limits(linger_ms=NEVER_MS, outbox_octets=one * 64 * 2, batch_records=1 << 20)
    )
    disk.gate.clear()
    taken = sum(log.append(decision(number)) for number in range(300))
    assert 128 <= taken <= 192
    disk.gate.set()
    await log.close()


@pytest.mark.parametrize("partly", [False, True])
async def test_a_full_disk(tmp_path: Path, decision: Any, partly: bool) -> None:
    disk = FaultyDisk(tmp_path)
    drained = asyncio.Event()
    log = open_log(tmp_path, disk=disk, on_drain=drained.set, limits=Limits(retry_first_ms=1, retry_most_ms=2))
    disk.full, disk.partly = True, partly
    told = Waiter()
    assert log.append(decision(1))
    assert log.append_durable(decision(2, effect=1), told)
    error = await told.answer
    assert error is not None
    assert error.errno == errno.ENOSPC
    assert log.failed
    assert log.crowded
    assert not log.room
    assert not log.append(decision(3))
    assert not log.append_durable(decision(4), told)
    disk.full = False
    await drained.wait()
    assert not log.failed
    after = Waiter()
    assert log.append_durable(decision(5), after)
    assert await after.answer is None
    await log.close()
    assert kinds(tmp_path) == ["Start", "Decision", "Decision", "Gap", "Decision", "Stop"]
    assert [entry.record.missed for entry in entries(tmp_path) if isinstance(entry.record, Gap)] == [2]
    assert verify(tmp_path, KEY.public_key()).sound


async def test_closing_on_a_full_disk_says_what_is_lost(tmp_path: Path, decision: Any) -> None:
    disk = FaultyDisk(tmp_path)
    log = open_log(tmp_path, disk=disk, limits=Limits(retry_first_ms=1))
    disk.full = True
    log.append(decision(1))
    with pytest.raises(EvidenceFailedError, match="2 records"):
        await log.close(timeout_s=0.05)
    assert not log.append(decision(2))
    disk.close()


async def test_segments_rotate(tmp_path: Path, decision: Any) -> None:
    log = open_log(tmp_path, limits=Limits(linger_ms=NEVER_MS, segment_octets=1000))
    for number in range(20):
        waiter = Waiter()
        log.append_durable(decision(number), waiter)
        await waiter.answer
    await log.close()
    assert len(segment_paths(tmp_path)) > 3
    assert verify(tmp_path, KEY.public_key()).sound
    log = open_log(tmp_path, limits=Limits(segment_octets=1000))
    await log.close()
    assert verify(tmp_path, KEY.public_key()).sound


async def test_a_new_key_begins_a_new_segment(tmp_path: Path) -> None:
    await open_log(tmp_path).close()
    other = Ed25519PrivateKey.generate()
    with pytest.raises(EvidenceDamagedError, match="not given"):
        open_log(tmp_path, key=other)
    log = open_log(tmp_path, key=other, former_keys=[KEY.public_key()])
    await log.close()
    assert len(segment_paths(tmp_path)) == 2
    assert verify(tmp_path, [KEY.public_key(), other.public_key()]).sound
    problem = verify(tmp_path, KEY.public_key()).problem
    assert problem is not None
    assert problem.code == "key"


async def test_a_second_writer_is_kept_out(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    with pytest.raises(DirectoryLockedError):
        open_log(tmp_path)
    await log.close()
    await open_log(tmp_path).close()


async def test_a_record_too_large_is_an_error_of_the_caller(tmp_path: Path, decision: Any) -> None:
    log = open_log(tmp_path)
    with pytest.raises(ValueError, match="does not fit"):
        log.append(Stop(at_us=0, boot=1, reason="x" * 70_000))
    await log.close()
    assert kinds(tmp_path) == ["Start", "Stop"]


async def _log_with_two_batches(directory: Path, decision: Any) -> None:
    """Start and Stop of boot 1, then a Start of boot 2 and two decisions in a batch; no Stop."""
    await open_log(directory).close()
    log = open_log(directory)
    waiter = Waiter()
    log.append(decision(1, boot=2))
    log.append_durable(decision(2, boot=2), waiter)
    await waiter.answer
    await log.close()
    # The Stop's batch is taken off: what a kill leaves.
    (path,) = segment_paths(directory)
    *_, stop = batches_of(path)
    path.write_bytes(path.read_bytes()[: stop.offset])


async def test_no_stop_record_gives_a_gap(tmp_path: Path, decision: Any) -> None:
    await _log_with_two_batches(tmp_path, decision)
    log = open_log(tmp_path)
    assert log.boot == 3
    await log.close()
    assert kinds(tmp_path)[-3:] == ["Gap", "Start", "Stop"]
    gap = tail(tmp_path, 3)[0].record
    assert isinstance(gap, Gap)
    assert (gap.reason, gap.size, gap.torn_octets) == ("unclean", 5, 0)


async def test_a_last_batch_cut_at_every_octet(tmp_path: Path, decision: Any) -> None:
    await _log_with_two_batches(tmp_path / "whole", decision)
    (whole,) = segment_paths(tmp_path / "whole")
    octets = whole.read_bytes()
    *_, before, last = batches_of(whole)
    for length in range(before.end, last.end):
        directory = tmp_path / f"cut{length}"
        directory.mkdir()
        (directory / whole.name).write_bytes(octets[:length])
        log = open_log(directory)
        assert log.boot == 3
        await log.close()
        report = verify(directory, KEY.public_key(), before.head)
        assert report.sound
        assert report.outside_head_met
        gap = next(entry.record for entry in entries(directory, before.head.size) if isinstance(entry.record, Gap))
        torn = length - before.end
        assert (gap.reason, gap.size, gap.torn_octets) == ("torn" if torn else "unclean", before.head.size, torn)
        assert set_aside(directory) == ([octets[before.end : length]] if torn else [])


async def test_a_segment_cut_in_its_first_batch(tmp_path: Path, decision: Any) -> None:
    log = open_log(tmp_path, limits=Limits(segment_octets=1))
    waiter = Waiter()
    log.append_durable(decision(1), waiter)
    await waiter.answer
    await log.close()
    *_, before, last = segment_paths(tmp_path)
    octets = last.read_bytes()
    for length in (0, 1, 39, 40, 70, len(octets) - 1):
        last.write_bytes(octets[:length])
        copy = tmp_path / f"cut{length}"
        copy.mkdir()
        for path in segment_paths(tmp_path):
            (copy / path.name).write_bytes(path.read_bytes())
        log = open_log(copy)
        await log.close()
        assert kinds(copy) == ["Start", "Decision", "Gap", "Start", "Stop"]
        assert verify(copy, KEY.public_key()).sound
    assert before.exists()


@pytest.mark.parametrize("where", ["first batch", "its magic", "header", "name"])
async def test_damage_that_no_kill_leaves_is_not_repaired(tmp_path: Path, decision: Any, where: str) -> None:
    await _log_with_two_batches(tmp_path, decision)
    (path,) = segment_paths(tmp_path)
    octets = bytearray(path.read_bytes())
    first = next(batches_of(path))
    if where == "name":
        path = path.rename(tmp_path / "00000000000000000007.seg")
    else:
        octets[{"first batch": first.offset + 40, "its magic": first.offset, "header": 3}[where]] ^= 1
        path.write_bytes(octets)
    with pytest.raises(EvidenceDamagedError):
        open_log(tmp_path)
    assert path.read_bytes() == bytes(octets)
    assert set_aside(tmp_path) == []


async def test_a_last_batch_with_garbage_in_it_is_torn(tmp_path: Path, decision: Any) -> None:
    await _log_with_two_batches(tmp_path, decision)
    (path,) = segment_paths(tmp_path)
    *_, last = batches_of(path)
    octets = path.read_bytes()
    path.write_bytes(octets[: last.offset + 60] + bytes(len(octets) - last.offset - 60))
    log = open_log(tmp_path)
    await log.close()
    gap = next(entry.record for entry in entries(tmp_path, last.header.first) if isinstance(entry.record, Gap))
    assert gap.torn_octets == len(octets) - last.offset
    assert verify(tmp_path, KEY.public_key()).sound


async def test_a_torn_batch_longer_than_what_is_written_after_it(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    waiter = Waiter()
    log.append_durable(Stop(at_us=0, boot=1, reason="x" * 9000), waiter)
    await waiter.answer
    await log.close()
    (path,) = segment_paths(tmp_path)
    _, long, _ = batches_of(path)
    path.write_bytes(path.read_bytes()[: long.end - 1])
    log = open_log(tmp_path)
    assert verify(tmp_path, KEY.public_key()).sound
    await log.close()


async def test_boot_numbers_and_starts(tmp_path: Path) -> None:
    for boot in range(1, 5):
        log = open_log(tmp_path)
        assert log.boot == boot
        await log.close()
    starts = [entry.record for entry in entries(tmp_path) if isinstance(entry.record, Start)]
    assert [start.boot for start in starts] == [1, 2, 3, 4]


async def test_order_is_kept_over_many_batches(tmp_path: Path, decision: Any) -> None:
    log = open_log(tmp_path, limits=Limits(batch_records=64, linger_ms=1))
    for number in range(1000):
        assert log.append(decision(number))
        if number % 50 == 0:
            await asyncio.sleep(0)
    await log.close()
    numbers = [entry.record.id & 0xFFFFFFFF for entry in entries(tmp_path) if isinstance(entry.record, Decision)]
    assert numbers == list(range(1000))
