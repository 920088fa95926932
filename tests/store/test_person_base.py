"""The base file: what is written is found, and what was touched, cut or taken from elsewhere is never used."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.persons import PersonIndex, directory_of
from proxy.store.person_base import BaseError, BaseIdentity, ValueCode, map_base, write_base

pytestmark = pytest.mark.unit

IDENTITY = BaseIdentity(bytes(range(16)), 7, "B")


def database_of(folder: Path, states: dict[int, int], position: int = 5) -> Path:
    path = folder / "states.db"
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER)")
        made.execute("INSERT INTO counters VALUES ('position', ?)", (position,))
        made.execute("CREATE TABLE state (key INTEGER PRIMARY KEY, value INTEGER)")
        made.executemany("INSERT INTO state VALUES (?, ?)", [(key - (1 << 63), value) for key, value in states.items()])
    made.close()
    return path


KEYS = st.integers(0, (1 << 64) - 1) | st.sampled_from([0, 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])


@given(states=st.dictionaries(KEYS, st.integers(0, 255), max_size=60), code=st.sampled_from(["B", "I"]), other=KEYS)
def test_every_entry_is_found_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, states: dict[int, int], code: ValueCode, other: int
) -> None:
    folder = tmp_path_factory.mktemp("base")
    identity = BaseIdentity(bytes(16), 1, code)
    count, checksum = write_base(database_of(folder, states), "state", identity, folder / "base")
    base = map_base(folder / "base", identity, 5, checksum)
    index = PersonIndex(base.keys, base.values, directory=base.directory)
    assert list(base.directory or ()) == list(directory_of(base.keys))
    assert count == sum(value != 0 for value in states.values())
    assert all(index.get(key) == value for key, value in states.items())
    assert index.get(other) == states.get(other, 0)


def test_wide_values_come_back(tmp_path: Path) -> None:
    identity = BaseIdentity(bytes(16), 1, "I")
    states = {3: (1 << 32) - 1, 1 << 63: 0x012345_01}
    _, checksum = write_base(database_of(tmp_path, states), "state", identity, tmp_path / "base")
    base = map_base(tmp_path / "base", identity, 5, checksum)
    assert dict(zip(base.keys, base.values, strict=True)) == states


@given(at=st.integers(0), flip=st.integers(1, 255))
def test_one_changed_octet_anywhere_is_noticed(tmp_path_factory: pytest.TempPathFactory, at: int, flip: int) -> None:
    folder = tmp_path_factory.mktemp("flip")
    path = folder / "base"
    _, checksum = write_base(database_of(folder, {n << 40: n for n in range(1, 40)}), "state", IDENTITY, path)
    octets = bytearray(path.read_bytes())
    octets[at % len(octets)] ^= flip
    path.write_bytes(octets)
    with pytest.raises(BaseError):
        map_base(path, IDENTITY, 5, checksum)


@pytest.mark.parametrize("octets", [b"", b"TDG", bytes(127), bytes(128), bytes(4096)])
def test_what_is_no_base_is_refused(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "base").write_bytes(octets)
    with pytest.raises(BaseError):
        map_base(tmp_path / "base", IDENTITY, 5, bytes(32))


def test_a_base_of_another_store_key_width_history_or_future_is_foreign(tmp_path: Path) -> None:
    path = tmp_path / "base"
    _, checksum = write_base(database_of(tmp_path, {1: 1, 2: 2}), "state", IDENTITY, path)
    map_base(path, IDENTITY, 5, checksum)
    wrong: list[tuple[BaseIdentity, int, bytes]] = [
        (BaseIdentity(bytes(16), 7, "B"), 5, checksum),
        (BaseIdentity(IDENTITY.store_id, 8, "B"), 5, checksum),
        (BaseIdentity(IDENTITY.store_id, 7, "I"), 5, checksum),
        (IDENTITY, 4, checksum),
        (IDENTITY, 5, bytes(32)),
    ]
    for identity, position, expected in wrong:
        with pytest.raises(BaseError):
            map_base(path, identity, position, expected)


def test_a_missing_file_and_a_cut_one_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "base"
    with pytest.raises(BaseError):
        map_base(path, IDENTITY, 5, bytes(32))
    _, checksum = write_base(database_of(tmp_path, {1: 1, 2: 2}), "state", IDENTITY, path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BaseError):
        map_base(path, IDENTITY, 5, checksum)
