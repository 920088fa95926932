"""What stands on disk: cut short, damaged, unreadable for others, and found again."""

import asyncio
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.disk import Directory
from proxy.spool.entry import Entry
from proxy.spool.errors import SpoolDamagedError, SpoolKeyError
from proxy.spool.layout import HEADER_OCTETS, RECORD_MAGIC, Keys
from proxy.spool.limits import Limits
from proxy.spool.recovery import Recovered, recover
from proxy.spool.spool import Spool
from tests.spool.disk_double import FaultyDisk, files_of

KEY = bytes(range(32))
ACCOUNT = "jianglan-01"
SECRET = "【江澜银行】回复 13800000000 TD".encode("utf-16-be")


async def write(directory: Path, batches: list[list[bytes]], done: list[int], **limits: int) -> list[int]:
    """Puts batches, ends the first entries of each number in `done` in a sweep of its own; gives the ids.

    The spool is left as a kill leaves it: `clean` is missing.
    """
    disk = FaultyDisk(directory)
    spool = Spool.open(directory, KEY, limits=Limits(done_linger_ms=1, **limits), disk=disk)
    loop = asyncio.get_running_loop()
    for batch in batches:
        durable = [loop.create_future() for _ in batch]
        for octets, future in zip(batch, durable, strict=True):
            assert spool.put(ACCOUNT, octets, future.set_result)
        assert await asyncio.gather(*durable) == [None] * len(batch)
    entries = spool.take(ACCOUNT, 1 << 20)
    ids = [entry.id for entry in entries]
    at = 0
    for count in done:
        writes = disk.done_writes()
        for entry in entries[at : at + count]:
            assert spool.done(entry)
        at += count
        await disk.until(lambda writes=writes: disk.done_writes() > writes)  # type: ignore[misc]
    await spool.close()
    (directory / "clean").unlink()
    return ids


def found_in(directory: Path, files: dict[str, bytes], key: bytes = KEY) -> Recovered:
    """What a start makes of these files."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    for name, octets in files.items():
        (directory / name).write_bytes(octets)
    disk = Directory(directory)
    try:
        return recover(disk, directory, Keys(key), 1 << 20)
    finally:
        disk.close()


def octets_of(entries: list[Entry]) -> list[bytes]:
    return [entry.octets for entry in entries]


@given(
    batches=st.lists(st.lists(st.binary(min_size=1, max_size=12), min_size=1, max_size=3), min_size=1, max_size=4),
    data=st.data(),
)
async def test_a_cut_in_the_last_record_loses_only_that(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[bytes]], data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("spool")
    await write(directory, batches, [])
    ((name, whole),) = files_of(directory).items()
    last = whole.rindex(RECORD_MAGIC)
    before = [octets for batch in batches[:-1] for octets in batch]
    at = data.draw(st.integers(0, len(whole) - 1))
    found = found_in(directory, {name: whole[:at]})
    survivors = octets_of(found.entries)
    assert survivors == [octets for batch in batches for octets in batch][: len(survivors)]
    if at >= last:
        assert survivors == before
        assert found.cut_octets == at - last
    # A second start finds the same, and nothing to cut.
    again = found_in(directory, files_of(directory))
    assert (octets_of(again.entries), again.cut_octets) == (survivors, 0)


async def test_a_cut_at_every_octet_of_the_last_record(tmp_path: Path) -> None:
    source = tmp_path / "source"
    await write(source, [[b"1", b"2"], [b"3"], [b"4", b"5"]], [])
    ((name, whole),) = files_of(source).items()
    last = whole.rindex(RECORD_MAGIC)
    for at in range(last, len(whole)):
        # Also with what a power cut may leave: a length without its content.
        for tail in (b"", bytes(len(whole) - at)):
            octets = whole[:at] + tail
            if octets == whole:
                continue
            found = found_in(tmp_path / "copy", {name: octets})
            assert octets_of(found.entries) == [b"1", b"2", b"3"]
            assert found.cut_octets == len(octets) - last


async def test_a_cut_at_every_octet_of_the_first_record_and_header(tmp_path: Path) -> None:
    source = tmp_path / "source"
    await write(source, [[b"1", b"2"]], [])
    ((name, whole),) = files_of(source).items()
    for at in range(len(whole)):
        found = found_in(tmp_path / "copy", {name: whole[:at]})
        assert (found.entries, found.segments) == ([], {})
        assert files_of(tmp_path / "copy") == {}
        assert found.cut_octets == max(0, at - HEADER_OCTETS)
        # Its number is not used for another segment at once, so that nothing old speaks of it.
        assert found.next_number == 2
    assert found_in(tmp_path / "copy", {name: bytes(HEADER_OCTETS)}).entries == []


async def test_a_cut_at_every_octet_of_the_done_file_brings_back_only_the_last(tmp_path: Path) -> None:
    source = tmp_path / "source"
    await write(source, [[b"1", b"2", b"3", b"4"]], [1, 2])
    files = files_of(source)
    (name,) = (name for name in files if name.endswith(".done"))
    whole = files[name]
    last = whole.rindex(RECORD_MAGIC)
    for at in range(len(whole)):
        found = found_in(tmp_path / "copy", {**files, name: whole[:at]})
        assert octets_of(found.entries) == ([b"2", b"3", b"4"] if at >= last else [b"1", b"2", b"3", b"4"])
        assert all(entry.again for entry in found.entries)
    assert octets_of(found_in(tmp_path / "copy", files).entries) == [b"4"]


async def test_every_flipped_octet_shows(tmp_path: Path) -> None:
    source = tmp_path / "source"
    await write(source, [[b"1", b"2"], [b"3"], [b"4"]], [1, 1])
    files = files_of(source)
    (segment,) = (name for name in files if name.endswith(".seg"))
    for name, whole in files.items():
        last = whole.rindex(RECORD_MAGIC)
        for at in range(len(whole)):
            flipped = whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :]
            if at < last:
                with pytest.raises((SpoolDamagedError, SpoolKeyError)):
                    found_in(tmp_path / "copy", {**files, name: flipped})
                assert files_of(tmp_path / "copy") == {**files, name: flipped}
            else:
                # WHY no error: a power cut may leave the last record so. It is told of.
                found = found_in(tmp_path / "copy", {**files, name: flipped})
                assert found.cut_octets == len(whole) - last
                assert octets_of(found.entries) == ([b"3"] if name == segment else [b"2", b"3", b"4"])


async def test_damage_in_an_earlier_segment_is_no_torn_end(tmp_path: Path) -> None:
    source = tmp_path / "source"
    await write(source, [[b"1" * 50], [b"2" * 50], [b"3" * 50]], [], segment_octets=100)
    files = files_of(source)
    first, second, third = sorted(files)
    for octets in (files[first][:-1], files[first][:20], files[first] + b"\0", b""):
        with pytest.raises(SpoolDamagedError):
            found_in(tmp_path / "copy", {**files, first: octets})
    assert octets_of(found_in(tmp_path / "copy", {**files, third: files[third][:-1]}).entries) == [b"1" * 50, b"2" * 50]
    # A segment under another's name, and a record in another's place.
    with pytest.raises(SpoolDamagedError):
        found_in(tmp_path / "copy", {first: files[second]})
    with pytest.raises(SpoolDamagedError):
        found_in(tmp_path / "copy", {**files, first: files[first][:HEADER_OCTETS] + files[second][HEADER_OCTETS:]})


async def test_a_record_counts_once_and_in_its_place(tmp_path: Path) -> None:
    source = tmp_path / "source"
    await write(source, [[b"one"], [b"two"]], [])
    ((name, whole),) = files_of(source).items()
    last = whole.rindex(RECORD_MAGIC)
    repeated = found_in(tmp_path / "copy", {name: whole + whole[last:]})
    assert (octets_of(repeated.entries), repeated.cut_octets) == ([b"one", b"two"], len(whole) - last)
    swapped = whole[:HEADER_OCTETS] + whole[last:] + whole[HEADER_OCTETS:last]
    assert found_in(tmp_path / "copy", {name: swapped}).entries == []


async def test_done_ids_of_another_segment_say_nothing(tmp_path: Path) -> None:
    source, other = tmp_path / "source", tmp_path / "other"
    await write(source, [[b"1", b"2"]], [1])
    await write(other, [[b"3"]], [])
    ((name, whole),) = files_of(other).items()
    done = {file: octets for file, octets in files_of(source).items() if file.endswith(".done")}
    found = found_in(tmp_path / "copy", {name: whole, **done})
    assert octets_of(found.entries) == [b"3"]


async def test_left_over_done_ids_go(tmp_path: Path) -> None:
    source = tmp_path / "source"
    await write(source, [[b"1", b"2"]], [1])
    done = {name: octets for name, octets in files_of(source).items() if name.endswith(".done")}
    found = found_in(tmp_path / "copy", done)
    assert files_of(tmp_path / "copy") == {}
    assert found.next_number == 2


async def test_nothing_can_be_read_on_disk(tmp_path: Path) -> None:
    batches = [[SECRET] * 3, [SECRET]]
    await write(tmp_path, batches, [1])
    for whole in files_of(tmp_path).values():
        assert SECRET not in whole
        assert SECRET[4:20] not in whole
        assert ACCOUNT.encode() not in whole
    assert all((tmp_path / name).stat().st_mode & 0o077 == 0 for name in files_of(tmp_path))


async def test_the_same_entry_never_makes_the_same_octets(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    for directory in (a, b):
        spool = Spool.open(directory, KEY, clock=lambda: 1)
        durable: list[asyncio.Future[OSError | None]] = []
        for _ in range(2):
            durable.append(asyncio.get_running_loop().create_future())
            assert spool.put(ACCOUNT, SECRET, durable[-1].set_result)
            await durable[-1]
        await spool.close()
    nonces: set[bytes] = set()
    for directory in (a, b):
        for whole in files_of(directory).values():
            at = whole.find(RECORD_MAGIC)
            while at >= 0:
                nonces.add(whole[at + 8 : at + 32])
                at = whole.find(RECORD_MAGIC, at + 1)
    # Two entries and the orderly end, twice: salt and counter are new each time.
    assert len(nonces) == 6


def test_no_nonce_comes_twice_whatever_becomes_of_the_write() -> None:
    keys = Keys(KEY)
    header = keys.new_header(1)
    sealed = [keys.seal(header, b"e", HEADER_OCTETS, b"the same") for _ in range(3)]
    assert len({octets[8:32] for octets in sealed}) == 3
    assert len({octets[32:] for octets in sealed}) == 3
