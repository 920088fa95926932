"""Segments in which little lives are freed: what lives there is copied on, and stays what it was."""

import asyncio
import errno
import random
from collections.abc import Sequence
from pathlib import Path

from proxy.spool.entry import Entry
from proxy.spool.layout import DONE, ENTRIES, Keys, encode_entries, encode_ids
from proxy.spool.limits import Limits
from proxy.spool.spool import Spool
from tests.spool.disk_double import FaultyDisk, files_of

KEY = bytes(range(32))
ABSENT = "jianglan-01"
PRESENT = "yuanlu-02"
LIMITS = Limits(segment_octets=1_000, spare_segments=3, done_linger_ms=1, retry_ms=1, batch_octets=400)


class KeepingDisk(FaultyDisk):
    """Removes nothing while it keeps: as if the process had been killed before."""

    keeping = False

    def remove(self, names: Sequence[str]) -> None:
        if self.keeping:
            self.failures += 1
            self._tell()
            raise OSError(errno.EIO, "Input/output error")
        super().remove(names)


async def put(spool: Spool, account: str, octets: bytes) -> None:
    durable: asyncio.Future[OSError | None] = asyncio.get_running_loop().create_future()
    assert spool.put(account, octets, durable.set_result)
    assert await durable is None


async def fill(spool: Spool, rounds: int, *, answer: bool = True) -> list[bytes]:
    """The absent account gets one small entry where the present one gets and answers much; gives the former."""
    absent: list[bytes] = []
    for number in range(rounds):
        absent.append(b"absent %d" % number)
        await put(spool, ABSENT, absent[-1])
        await put(spool, PRESENT, b"present %04d " % number * 30)
        if answer:
            answer_all(spool)
    return absent


def answer_all(spool: Spool) -> None:
    for entry in spool.take(PRESENT, 1 << 20):
        assert spool.done(entry)


def octets_of(entries: list[Entry]) -> list[bytes]:
    return [entry.octets for entry in entries]


def segment_octets(directory: Path) -> int:
    return sum(len(octets) for name, octets in files_of(directory).items() if name.endswith(".seg"))


async def test_an_absent_account_does_not_keep_the_disk_full(tmp_path: Path) -> None:
    disk = KeepingDisk(tmp_path)
    spool = Spool.open(tmp_path, KEY, limits=LIMITS, disk=disk)
    absent = await fill(spool, 60)
    # 60 rounds wrote 30 segments; what lives would fill three.
    await disk.until(lambda: segment_octets(tmp_path) < 8 * LIMITS.segment_octets)
    assert octets_of(spool.take(ABSENT, 20)) == absent[:20]
    spool.give_back(ABSENT)
    await spool.close()
    again = Spool.open(tmp_path, KEY, limits=LIMITS)
    entries = again.take(ABSENT, 1 << 20)
    assert octets_of(entries) == absent
    assert [entry.again for entry in entries] == [True] * 20 + [False] * 40
    assert again.entries == 60
    await again.close()


async def test_a_kill_between_copy_and_removal_doubles_nothing(tmp_path: Path) -> None:
    disk = KeepingDisk(tmp_path)
    spool = Spool.open(tmp_path, KEY, limits=LIMITS, disk=disk)
    disk.keeping = True
    absent = await fill(spool, 40)
    await disk.until(lambda: disk.failures > 5)
    for entry in spool.take(ABSENT, 10):
        assert spool.done(entry)
    # Each sweep ends with one failure: the second from now began after these were done.
    failures = disk.failures
    await disk.until(lambda: disk.failures > failures + 1)
    copy = tmp_path / "copy"
    copy.mkdir()
    with disk.lock:
        for name, octets in files_of(tmp_path).items():
            (copy / name).write_bytes(octets)
    again = Spool.open(copy, KEY, limits=LIMITS)
    assert octets_of(again.take(ABSENT, 1 << 20)) == absent[10:]
    assert again.accounts() == [ABSENT]
    await again.close()
    disk.keeping = False
    await spool.close()


async def test_what_is_answered_while_it_is_copied_stays_answered(tmp_path: Path) -> None:
    """Chance decides what is answered when; the files as they are at any write must give no more and no less."""
    chance = random.Random(7)
    disk = KeepingDisk(tmp_path)
    spool = Spool.open(tmp_path, KEY, limits=LIMITS, disk=disk)
    expected: list[bytes] = []
    in_hand: list[Entry] = []
    for number in range(150):
        expected.append(b"absent %d" % number)
        await put(spool, ABSENT, expected[-1])
        await put(spool, PRESENT, b"present %04d " % number * 30)
        answer_all(spool)
        in_hand += spool.take(ABSENT, chance.randrange(3))
        while in_hand and chance.random() < 0.4:
            entry = in_hand.pop(chance.randrange(len(in_hand)))
            assert spool.done(entry)
            expected.remove(entry.octets)
    await spool.close()
    assert any(name.endswith(".seg") for name in disk.removed)
    again = Spool.open(tmp_path, KEY, limits=LIMITS)
    assert octets_of(again.take(ABSENT, 1 << 20)) == expected
    await again.close()


async def test_a_copy_stays_answered_when_its_source_has_gone(tmp_path: Path) -> None:
    """A kill has left: copied from segment 1 to segment 2, answered meanwhile, marked beside segment 1 only."""
    keys = Keys(KEY)
    first, second = keys.new_header(1), keys.new_header(2)
    one, two = (1, 1, ABSENT, b"one"), (2, 1, ABSENT, b"two")
    files = {
        "00000000000000000001.seg": first + keys.seal(first, ENTRIES, 56, encode_entries([one])),
        "00000000000000000001.done": keys.seal(first, DONE, 0, encode_ids([1])),
        "00000000000000000002.seg": second + keys.seal(second, ENTRIES, 56, encode_entries([one, two])),
    }
    for name, octets in files.items():
        (tmp_path / name).write_bytes(octets)
    disk = FaultyDisk(tmp_path)
    spool = Spool.open(tmp_path, KEY, limits=LIMITS, disk=disk)
    assert "00000000000000000001.done" in files_of(tmp_path)
    await disk.until(lambda: "00000000000000000001.done" in disk.removed)
    await spool.close()
    for _ in range(2):
        again = Spool.open(tmp_path, KEY, limits=LIMITS)
        assert octets_of(again.take(ABSENT, 9)) == [b"two"]
        await again.close()
