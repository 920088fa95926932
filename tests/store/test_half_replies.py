"""Parts of replies outlive a restart: sealed, in order, for their time and no longer, whatever the disk does."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from proxy.registry.keys import PersonSecret
from proxy.store import half_replies
from proxy.store.half_replies import HalfReplies

pytestmark = pytest.mark.unit

SECRET = PersonSecret(b"h" * 32, b"s" * 32)
AGE_S = 300.0


class Kept:
    """The files of one folder, opened anew by each `open`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 1000.0
        self.failed: list[OSError] = []

    def open(self, secret: PersonSecret = SECRET) -> HalfReplies:
        return HalfReplies(self.folder, secret, AGE_S, self.failed.append, lambda: self.now)

    def octets(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.folder.iterdir()))


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "replies")


def test_what_was_kept_is_found_after_a_restart_in_order_and_once(kept: Kept) -> None:
    first = kept.open()
    for place, octets in enumerate((b"one", b"two", b"three")):
        kept.now = 1000.0 + place
        first.keep("a bank" if octets == b"two" else "jl", octets)
    assert first.found("jl") == []
    kept.now = 1100.0
    second = kept.open()
    assert second.found("jl") == [(100.0, b"one"), (98.0, b"three")]
    assert second.found("jl") == []
    assert second.found("a bank") == [(99.0, b"two")]
    assert b"two" not in kept.octets()
    assert b"two".hex().encode() not in kept.octets()


def test_what_is_too_old_is_found_no_more_and_its_file_goes(kept: Kept) -> None:
    kept.open().keep("jl", b"one")
    kept.now += AGE_S + 1
    assert kept.open().found("jl") == []
    assert list(kept.folder.iterdir()) == []


def test_what_was_torn_or_sealed_with_another_key_is_passed_over(kept: Kept) -> None:
    first = kept.open()
    first.keep("jl", b"one")
    first.keep("jl", b"two")
    (file,) = kept.folder.iterdir()
    file.write_bytes(file.read_bytes()[:-5])
    assert [octets for _, octets in kept.open().found("jl")] == [b"one"]
    assert kept.open(PersonSecret(b"h" * 32, b"t" * 32)).found("jl") == []


def test_both_files_stay_small_and_hold_all_of_its_time(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(half_replies, "_MOST_OCTETS", 1 << 40)
    running = kept.open()
    for place in range(40):
        kept.now = 1000.0 + 50 * place
        running.keep("jl", b"%d" % place)
    assert [octets for _, octets in kept.open().found("jl")] == [b"%d" % place for place in range(33, 40)]
    assert len(kept.octets()) < 16 * 100
    monkeypatch.setattr(half_replies, "_MOST_OCTETS", 1000)
    for _ in range(100):
        running.keep("jl", b"octets")
    assert len(kept.octets()) < 2 * 1100


def test_a_full_disk_is_told_once_and_leaves_nothing_torn(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    running = kept.open()
    running.keep("jl", b"one")
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, octets: write(file, octets[:10]))
    running.keep("jl", b"two")
    running.keep("jl", b"three")
    assert [error.errno for error in kept.failed] == [errno.ENOSPC]
    monkeypatch.setattr(os, "write", write)
    running.keep("jl", b"four")
    assert [octets for _, octets in kept.open().found("jl")] == [b"one", b"four"]
