"""A spool as its callers see it: order, limits, age, giving back, what comes again, and a disk that fails."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from proxy.disk import DirectoryLockedError
from proxy.spool.entry import Entry
from proxy.spool.errors import SpoolDamagedError, SpoolKeyError
from proxy.spool.limits import Limits
from proxy.spool.spool import MAX_ENTRY_OCTETS, Spool
from tests.spool.disk_double import FaultyDisk, files_of

KEY = bytes(range(32))
ACCOUNT = "jianglan-01"
OTHER = "yuanlu-02"
SECOND = 1_000_000


class Clock:
    def __init__(self) -> None:
        self.now_us = 1_700_000_000 * SECOND

    def __call__(self) -> int:
        return self.now_us


Opener = Callable[..., Spool]


@pytest.fixture
async def open_spool(tmp_path: Path) -> AsyncIterator[Opener]:
    opened: list[Spool] = []

    def open_one(**more: Any) -> Spool:
        limits = Limits(**more.pop("limits", {}))
        spool = Spool.open(tmp_path, more.pop("key", KEY), limits=limits, **more)
        opened.append(spool)
        return spool

    yield open_one
    for spool in opened:
        await spool.close()


async def put_all(spool: Spool, *deliveries: bytes, account: str = ACCOUNT) -> list[OSError | None]:
    """Puts them in one turn of the loop and waits until each was called back."""
    answers: list[asyncio.Future[OSError | None]] = []
    for octets in deliveries:
        answer: asyncio.Future[OSError | None] = asyncio.get_running_loop().create_future()
        assert spool.put(account, octets, answer.set_result)
        answers.append(answer)
    return list(await asyncio.gather(*answers))


def octets_of(entries: list[Entry]) -> list[bytes]:
    return [entry.octets for entry in entries]


def names(directory: Path, suffix: str) -> list[str]:
    return sorted(path.name for path in directory.glob(f"*.{suffix}"))


async def test_entries_come_in_the_order_of_their_account(open_spool: Opener) -> None:
    spool = open_spool()
    for number in range(20):
        await put_all(spool, b"a%d" % number, b"A%d" % number)
        await put_all(spool, b"b%d" % number, account=OTHER)
    assert spool.waiting(ACCOUNT) == 40
    assert sorted(spool.accounts()) == [ACCOUNT, OTHER]
    first = spool.take(ACCOUNT, 3)
    assert octets_of(first) == [b"a0", b"A0", b"a1"]
    assert [entry.again for entry in first] == [False] * 3
    assert octets_of(spool.take(ACCOUNT, 2)) == [b"A1", b"a2"]
    assert octets_of(spool.take(OTHER, 99)) == [b"b%d" % number for number in range(20)]
    assert spool.take(OTHER, 1) == []
    assert spool.take("nobody", 1) == []
    assert spool.waiting(ACCOUNT) == 35
    assert spool.entries == 60


async def test_nothing_is_handed_out_before_it_is_durable(open_spool: Opener, tmp_path: Path) -> None:
    disk = FaultyDisk(tmp_path)
    spool = open_spool(disk=disk)
    disk.gate.clear()
    told: list[object] = []
    assert spool.put(ACCOUNT, b"one", told.append)
    await asyncio.sleep(0.01)
    assert (told, spool.take(ACCOUNT, 9), spool.waiting(ACCOUNT)) == ([], [], 0)
    assert spool.octets == 3
    disk.gate.set()
    await put_all(spool, b"two")
    assert told == [None]
    assert octets_of(spool.take(ACCOUNT, 9)) == [b"one", b"two"]


async def test_one_turn_is_one_record(open_spool: Opener, tmp_path: Path) -> None:
    disk = FaultyDisk(tmp_path)
    spool = open_spool(disk=disk)
    await put_all(spool, *(b"%d" % number for number in range(50)))
    # The header is durable by itself, before the first record.
    assert len(disk.writes) == 2
    await put_all(spool, b"another", b"and one more")
    assert len(disk.writes) == 3


async def test_a_large_turn_is_several_records(open_spool: Opener, tmp_path: Path) -> None:
    disk = FaultyDisk(tmp_path)
    spool = open_spool(disk=disk, limits={"batch_octets": 100})
    deliveries = [bytes([number]) * 40 for number in range(10)]
    assert await put_all(spool, *deliveries) == [None] * 10
    assert len(disk.writes) == 1 + 4
    assert octets_of(spool.take(ACCOUNT, 99)) == deliveries


async def test_a_full_spool_takes_nothing_more_until_something_is_done(open_spool: Opener) -> None:
    spool = open_spool(limits={"octets": 100, "account_octets": 60})
    await put_all(spool, b"x" * 50)
    assert not spool.put(ACCOUNT, b"x" * 11, pytest.fail)
    await put_all(spool, b"y" * 50, account=OTHER)
    assert not spool.put(OTHER, b"y", pytest.fail)
    assert not spool.put("third", b"z", pytest.fail)
    assert spool.octets == 100
    assert spool.done(spool.take(ACCOUNT, 1)[0])
    assert spool.octets == 50
    await put_all(spool, b"z" * 50, account="third")


async def test_the_number_of_entries_is_limited_too(open_spool: Opener) -> None:
    spool = open_spool(limits={"entries": 2})
    await put_all(spool, b"1", b"2")
    assert not spool.put(ACCOUNT, b"3", pytest.fail)
    assert spool.done(spool.take(ACCOUNT, 1)[0])
    await put_all(spool, b"3")


@pytest.mark.parametrize("size", [0, MAX_ENTRY_OCTETS + 1])
async def test_what_is_no_delivery_is_not_taken(open_spool: Opener, size: int) -> None:
    spool = open_spool()
    with pytest.raises(ValueError):
        spool.put(ACCOUNT, b"x" * size, pytest.fail)
    assert spool.entries == 0


async def test_what_is_given_back_comes_first_and_again(open_spool: Opener) -> None:
    spool = open_spool()
    await put_all(spool, b"1", b"2", b"3", b"4", b"5")
    one, two, three = spool.take(ACCOUNT, 3)
    assert spool.done(two)
    spool.give_back(ACCOUNT)
    assert spool.waiting(ACCOUNT) == 4
    taken = spool.take(ACCOUNT, 9)
    assert [(entry.octets, entry.again) for entry in taken] == [
        (b"1", True),
        (b"3", True),
        (b"4", False),
        (b"5", False),
    ]
    assert taken[0].id == one.id
    # Twice answered is once done.
    assert spool.done(one)
    assert not spool.done(one)
    assert spool.entries == 3
    assert three in taken


async def test_single_entries_given_back_keep_their_order(open_spool: Opener) -> None:
    spool = open_spool()
    await put_all(spool, b"1", b"2", b"3", b"4", b"5")
    one, two, three, four = spool.take(ACCOUNT, 4)
    for entry in (three, one, four):
        assert spool.give_back_entry(entry)
    assert not spool.give_back_entry(one)
    assert octets_of(spool.take(ACCOUNT, 9)) == [b"1", b"3", b"4", b"5"]
    assert spool.done(two)


async def test_what_is_given_back_is_not_done(open_spool: Opener) -> None:
    spool = open_spool()
    await put_all(spool, b"1")
    entry = spool.take(ACCOUNT, 1)[0]
    spool.give_back(ACCOUNT)
    assert not spool.done(entry)
    assert spool.waiting(ACCOUNT) == 1


async def test_what_is_too_old_is_dropped_and_counted(open_spool: Opener) -> None:
    clock = Clock()
    spool = open_spool(clock=clock, limits={"age_s": 60})
    await put_all(spool, b"in hand", b"old", b"old too")
    await put_all(spool, b"old", account=OTHER)
    spool.take(ACCOUNT, 1)
    clock.now_us += 60 * SECOND
    await put_all(spool, b"young")
    assert spool.expire(clock.now_us) == {}
    clock.now_us += 1
    assert spool.expire(clock.now_us) == {ACCOUNT: 2, OTHER: 1}
    assert spool.expire(clock.now_us) == {}
    assert octets_of(spool.take(ACCOUNT, 9)) == [b"young"]
    assert spool.octets == len(b"in handyoung")
    await spool.close()
    again = open_spool(clock=clock)
    assert octets_of(again.take(ACCOUNT, 9)) == [b"in hand", b"young"]
    assert again.accounts() == [ACCOUNT]


async def test_a_restart_keeps_what_is_not_done(open_spool: Opener) -> None:
    clock = Clock()
    spool = open_spool(clock=clock)
    await put_all(spool, b"1", b"2", b"3", b"4", b"5")
    one, two, *_ = spool.take(ACCOUNT, 3)
    assert spool.done(two)
    spool.give_back_entry(one)
    await spool.close()
    clock.now_us += 5
    again = open_spool(clock=clock)
    assert (again.octets, again.entries, again.cut_octets) == (4, 4, 0)
    await put_all(again, b"6")
    # 1 was given back, 3 was in hand: only these two had been handed out.
    taken = again.take(ACCOUNT, 9)
    assert [(entry.octets, entry.again) for entry in taken] == [
        (b"1", True),
        (b"3", True),
        (b"4", False),
        (b"5", False),
        (b"6", False),
    ]
    assert [entry.at_us - one.at_us for entry in taken] == [0, 0, 0, 0, 5]
    assert sorted({entry.id for entry in taken}) == [entry.id for entry in taken]


async def test_a_run_that_was_not_closed_makes_all_come_again(open_spool: Opener, tmp_path: Path) -> None:
    spool = open_spool()
    await put_all(spool, b"1", b"2")
    await spool.close()
    (tmp_path / "clean").unlink()
    assert [entry.again for entry in open_spool().take(ACCOUNT, 9)] == [True, True]


async def test_an_orderly_end_speaks_once(open_spool: Opener, tmp_path: Path) -> None:
    spool = open_spool()
    await put_all(spool, b"1")
    await spool.close()
    clean = (tmp_path / "clean").read_bytes()
    spool = open_spool()
    assert not (tmp_path / "clean").exists()
    await put_all(spool, b"2")
    await spool.close()
    # One that is older than the entries is no word about them.
    (tmp_path / "clean").write_bytes(clean)
    assert [entry.again for entry in open_spool().take(ACCOUNT, 9)] == [True, True]


async def test_segments_are_limited_and_go_when_all_is_done(open_spool: Opener, tmp_path: Path) -> None:
    disk = FaultyDisk(tmp_path)
    spool = open_spool(disk=disk, limits={"segment_octets": 300, "done_linger_ms": 1})
    for number in range(12):
        await put_all(spool, b"%03d" % number * 30)
    before = names(tmp_path, "seg")
    assert len(before) > 3
    entries = spool.take(ACCOUNT, 99)
    kept = entries.pop(5)
    for entry in entries:
        assert spool.done(entry)
    await disk.until(lambda: len(names(tmp_path, "seg")) <= 2)
    # What is left: the segment of the one that is not done, and the one that is being written.
    assert before[-1] in names(tmp_path, "seg")
    await spool.close()
    assert len(names(tmp_path, "seg")) == 1
    again = open_spool()
    assert [entry.id for entry in again.take(ACCOUNT, 99)] == [kept.id]


async def test_done_is_written_down_without_a_close(open_spool: Opener, tmp_path: Path) -> None:
    disk = FaultyDisk(tmp_path)
    spool = open_spool(disk=disk, limits={"done_linger_ms": 1})
    await put_all(spool, b"1", b"2", b"3")
    one, two, _ = spool.take(ACCOUNT, 3)
    assert spool.done(one)
    await disk.until(lambda: disk.done_writes() > 0)
    assert spool.done(two)
    await disk.until(lambda: disk.done_writes() > 1)
    copy = tmp_path / "copy"
    copy.mkdir()
    for name, octets in files_of(tmp_path).items():
        (copy / name).write_bytes(octets)
    other = Spool.open(copy, KEY)
    assert octets_of(other.take(ACCOUNT, 9)) == [b"3"]
    await other.close()


async def test_an_emptied_spool_leaves_no_segment(open_spool: Opener, tmp_path: Path) -> None:
    spool = open_spool()
    await put_all(spool, b"1")
    assert spool.done(spool.take(ACCOUNT, 1)[0])
    await spool.close()
    assert names(tmp_path, "seg") + names(tmp_path, "done") == []
    assert open_spool().entries == 0


async def test_beyond_the_memory_entries_are_read_when_they_are_taken(open_spool: Opener, tmp_path: Path) -> None:
    disk = FaultyDisk(tmp_path)
    deliveries = [b"%02d" % number * 10 for number in range(30)]
    spool = open_spool(disk=disk, limits={"memory_octets": 100})
    await put_all(spool, *deliveries[:10])
    await put_all(spool, *deliveries[10:])
    assert octets_of(spool.take(ACCOUNT, 5)) == deliveries[:5]
    assert disk.reads == 0
    taken = spool.take(ACCOUNT, 25)
    assert octets_of(taken) == deliveries[5:]
    # Two records, each read once.
    assert disk.reads == 2
    spool.give_back(ACCOUNT)
    assert spool.done(spool.take(ACCOUNT, 1)[0])
    await spool.close()
    again = open_spool(limits={"memory_octets": 100})
    assert octets_of(again.take(ACCOUNT, 99)) == deliveries[1:]


async def test_an_entry_that_cannot_be_read_back_stays(open_spool: Opener, tmp_path: Path) -> None:
    spool = open_spool(limits={"memory_octets": 3})
    await put_all(spool, b"one", b"two")
    path = tmp_path / names(tmp_path, "seg")[0]
    sound = path.read_bytes()
    path.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    assert octets_of(spool.take(ACCOUNT, 9)) == [b"one"]
    with pytest.raises(SpoolDamagedError):
        spool.take(ACCOUNT, 9)
    path.write_bytes(sound)
    assert octets_of(spool.take(ACCOUNT, 9)) == [b"two"]


@pytest.mark.parametrize("partly", [0, 30, 60, 100])
@pytest.mark.parametrize("uncuttable", [False, True])
async def test_a_failed_write_is_told_and_forgotten(
    open_spool: Opener, tmp_path: Path, partly: int, uncuttable: bool
) -> None:
    disk = FaultyDisk(tmp_path)
    spool = open_spool(disk=disk)
    disk.full, disk.partly, disk.uncuttable = True, partly, uncuttable
    first = await put_all(spool, b"lost", b"lost too")
    assert [type(error) for error in first] == [OSError, OSError]
    assert spool.error is first[0]
    assert (spool.octets, spool.entries, spool.take(ACCOUNT, 9)) == (0, 0, [])
    disk.full = False
    assert await put_all(spool, b"kept") == [None]
    disk.full = True
    assert (await put_all(spool, b"lost again" * 20))[0] is not None
    disk.full = False
    assert await put_all(spool, b"k2") == [None]
    assert spool.error is None
    assert octets_of(spool.take(ACCOUNT, 9)) == [b"kept", b"k2"]
    await spool.close()
    assert octets_of(open_spool().take(ACCOUNT, 9)) == [b"kept", b"k2"]


async def test_what_was_told_lost_does_not_come_after_a_kill(open_spool: Opener, tmp_path: Path) -> None:
    disk = FaultyDisk(tmp_path)
    spool = open_spool(disk=disk)
    await put_all(spool, b"kept")
    # All of it is written, and then the disk says that it failed.
    disk.full, disk.partly = True, 1 << 20
    assert await put_all(spool, b"lost") != [None]
    copy = tmp_path / "copy"
    copy.mkdir()
    for name, octets in files_of(tmp_path).items():
        (copy / name).write_bytes(octets)
    disk.full = False
    other = Spool.open(copy, KEY)
    assert octets_of(other.take(ACCOUNT, 9)) == [b"kept"]
    await other.close()


async def test_done_is_written_when_the_disk_takes_it_again(open_spool: Opener, tmp_path: Path) -> None:
    disk = FaultyDisk(tmp_path)
    spool = open_spool(disk=disk, limits={"done_linger_ms": 1, "retry_ms": 1})
    await put_all(spool, b"1", b"2")
    disk.full = True
    assert spool.done(spool.take(ACCOUNT, 1)[0])
    await disk.until(lambda: disk.failures > 1)
    assert spool.error is not None
    disk.full = False
    await disk.until(lambda: disk.done_writes() > 0)
    await spool.close()
    assert octets_of(open_spool().take(ACCOUNT, 9)) == [b"2"]


async def test_one_caller_that_raises_does_not_silence_the_others(open_spool: Opener) -> None:
    spool = open_spool()
    loop = asyncio.get_running_loop()
    raised: list[object] = []
    loop.set_exception_handler(lambda _, context: raised.append(context["exception"]))

    def fails(_: OSError | None) -> None:
        raise RuntimeError("a caller's mistake")

    assert spool.put(ACCOUNT, b"1", fails)
    assert await put_all(spool, b"2", b"3") == [None, None]
    assert [type(one) for one in raised] == [RuntimeError]


async def test_a_closed_spool_takes_nothing(open_spool: Opener) -> None:
    spool = open_spool()
    told: list[object] = []
    assert spool.put(ACCOUNT, b"1", told.append)
    await spool.close()
    assert told == [None]
    assert not spool.put(ACCOUNT, b"2", pytest.fail)


async def test_one_process_at_a_time(open_spool: Opener, tmp_path: Path) -> None:
    open_spool()
    with pytest.raises(DirectoryLockedError):
        Spool.open(tmp_path, KEY)


async def test_another_key_opens_nothing(open_spool: Opener, tmp_path: Path) -> None:
    spool = open_spool()
    await put_all(spool, b"1")
    await spool.close()
    before = files_of(tmp_path)
    with pytest.raises(SpoolKeyError):
        Spool.open(tmp_path, bytes(32))
    with pytest.raises(ValueError):
        Spool.open(tmp_path, KEY[:16])
    assert files_of(tmp_path) == before
    assert open_spool().waiting(ACCOUNT) == 1
