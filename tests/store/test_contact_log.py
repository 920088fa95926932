"""Contacts on disk: a kill loses none, a torn one costs itself, a full disk closes, what is over is deleted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.core.contacts import Contacts, CountedCap, second_of
from proxy.core.pack import Cap
from proxy.core.purposes import COLLECTION_SMS
from proxy.store.contact_log import ADDED, TAKEN_BACK, ContactLog, count_from

NOW = 1_700_000_000.0
CAP = Cap("collection", frozenset(("sms",)), 3, 1000)
ASKED = CountedCap(3, 1000, (COLLECTION_SMS,), "p", 1, False)


def counted(folder: Path, key_id: int = 1, now: float = NOW) -> list[int]:
    """How often persons 1 to 5 count."""
    contacts = Contacts((CAP,))
    count_from(folder, key_id, contacts, now)
    return [len(contacts.tables[COLLECTION_SMS].seconds_of(person)) for person in range(1, 6)]


def test_a_kill_loses_nothing(tmp_path: Path) -> None:
    script = f"""
import os
from pathlib import Path
from proxy.core.contacts import Contacts, second_of
from proxy.core.pack import Cap
from proxy.store.contact_log import ContactLog
contacts = Contacts((Cap("collection", frozenset(("sms",)), 3, 1000),))
log = ContactLog.open(Path({str(tmp_path)!r}), 1, contacts, {NOW}, octets=64)
for person in (1, 2, 2, 3, 3, 3, 5):
    log.append({COLLECTION_SMS}, person, second_of({NOW}), {ADDED})
os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    assert counted(tmp_path) == [1, 2, 3, 0, 1]


def test_what_was_taken_back_does_not_count(tmp_path: Path) -> None:
    log = ContactLog.open(tmp_path, 1, Contacts((CAP,)), NOW)
    for kind in (ADDED, ADDED, TAKEN_BACK):
        log.append(COLLECTION_SMS, 1, second_of(NOW), kind)
    log.close()
    assert counted(tmp_path) == [1, 0, 0, 0, 0]


def test_a_torn_record_costs_itself_only(tmp_path: Path) -> None:
    log = ContactLog.open(tmp_path, 1, Contacts((CAP,)), NOW)
    for person in (1, 2, 3):
        log.append(COLLECTION_SMS, person, second_of(NOW), ADDED)
    log.close()
    (path,) = tmp_path.iterdir()
    with path.open("r+b") as file:
        file.seek(16 + 16 + 3)
        file.write(b"\xff")
    assert counted(tmp_path) == [1, 0, 1, 0, 0]


def test_hashes_under_another_key_are_nobody_s(tmp_path: Path) -> None:
    log = ContactLog.open(tmp_path, 1, Contacts((CAP,)), NOW)
    log.append(COLLECTION_SMS, 1, second_of(NOW), ADDED)
    log.close()
    assert counted(tmp_path, key_id=2) == [0, 0, 0, 0, 0]


def test_segments_out_of_every_window_are_deleted_and_others_kept(tmp_path: Path) -> None:
    for at in (NOW, NOW + 500):
        log = ContactLog.open(tmp_path, 1, Contacts((CAP,)), at)
        log.append(COLLECTION_SMS, 1, second_of(at), ADDED)
        log.close()
    assert counted(tmp_path, now=NOW + 999)[0] == 2
    # A restart within the last second of a window forgets nothing of it.
    ContactLog.open(tmp_path, 1, Contacts((CAP,)), NOW + 999.9).close()
    assert counted(tmp_path, now=NOW + 999.9)[0] == 2
    ContactLog.open(tmp_path, 1, Contacts((CAP,)), NOW + 1001).close()
    assert counted(tmp_path, now=NOW + 1001)[0] == 1
    # Those of a clock that was ahead stay as well: they count.
    ContactLog.open(tmp_path, 1, Contacts((CAP,)), NOW - 5000).close()
    assert counted(tmp_path, now=NOW - 5000)[0] == 1


def test_a_full_disk_closes_until_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contacts = Contacts((CAP,))
    log = ContactLog.open(tmp_path, 1, contacts, NOW, octets=32)
    log.append(COLLECTION_SMS, 1, second_of(NOW), ADDED)
    assert not contacts.failing
    with monkeypatch.context() as patched:

        def no_room(*_: object) -> None:
            raise OSError(28, "no space left")

        patched.setattr(os, "posix_fallocate", no_room)
        log.append(COLLECTION_SMS, 2, second_of(NOW), ADDED)
        log.append(COLLECTION_SMS, 3, second_of(NOW), ADDED)
        assert contacts.failing
        assert not log.retry(NOW)
    assert log.retry(NOW)
    assert not contacts.failing
    log.close()
    assert counted(tmp_path) == [1, 1, 1, 0, 0]


def test_a_restart_counts_on(tmp_path: Path) -> None:
    for run in range(4):
        contacts = Contacts((CAP,))
        log = ContactLog.open(tmp_path, 1, contacts, NOW + run)
        assert contacts.reached(ASKED, 1, NOW + run) == (run == 3)
        log.append(COLLECTION_SMS, 1, second_of(NOW + run), ADDED)
        log.close()


def test_a_full_segment_is_sealed_and_one_that_was_harmed_is_read_record_by_record(tmp_path: Path) -> None:
    log = ContactLog.open(tmp_path, 1, Contacts((CAP,)), NOW, octets=64)
    for person in range(1, 5):
        log.append(COLLECTION_SMS, person, second_of(NOW), ADDED)
    log.close()
    full = tmp_path / "0000000001.contacts"
    octets = bytearray(full.read_bytes())
    assert octets[12:16] != bytes(4)
    assert counted(tmp_path) == [1, 1, 1, 1, 0]
    octets[32 + 8] ^= 1  # the second record's second, and so its check
    full.write_bytes(octets)
    assert counted(tmp_path) == [1, 0, 1, 1, 0]
    octets[12:16] = bytes(4)  # what an older version left
    full.write_bytes(octets)
    assert counted(tmp_path) == [1, 0, 1, 1, 0]


def test_room_made_beforehand_changes_no_count(tmp_path: Path) -> None:
    for expected in (0, 1, 100_000):
        table = Contacts((CAP,)).tables[COLLECTION_SMS]
        table.expect(expected)
        for person in range(1, 2000):
            for second in range(1, 1 + person % 5):
                table.add(person << 40, second, 5)
        assert all(len(table.seconds_of(person << 40)) == min(person % 5, 3) for person in range(1, 2000))
        assert table.persons == sum(person % 5 > 0 for person in range(1, 2000))
