"""Readers of a log that grows: by index, by id, the latest, and what comes next."""

from pathlib import Path
from typing import Any

import pytest

from proxy.evidence.read import Follower, entries, find, last_head, outcomes_of, records_of, rule_table, tail
from proxy.evidence.records import Decision, Note, Outcome, RuleTable, encode, rules_hash
from proxy.evidence.segments import segment_paths

pytestmark = pytest.mark.unit

NOTE = Note(at_us=0, topic="drain", actor="test", text="")


@pytest.fixture
def log(tmp_path: Path, make_log: Any, decision: Any, start_record: Any) -> Path:
    """Start, then 60 decisions 10, 20, … in batches of 1 to 5 with notes between and batches of notes only."""
    batches: list[list[Any]] = [[start_record]]
    number = 0
    while number < 60:
        batch: list[Any] = []
        for _ in range(1 + number % 5):
            number += 1
            batch.append(decision(10 * number))
            batch.append(NOTE)
        batches += [batch, [NOTE], [NOTE, NOTE]]
    make_log(tmp_path / "log", batches, segment_octets=1500)
    assert len(segment_paths(tmp_path / "log")) > 5
    return tmp_path / "log"


def test_every_decision_is_found_and_no_other(log: Path) -> None:
    decisions = [entry for entry in entries(log) if isinstance(entry.record, Decision)]
    assert len(decisions) >= 60
    for entry in decisions:
        assert isinstance(entry.record, Decision)
        assert find(log, entry.record.id) == entry
    for missing in (0, 1 << 32, 1 << 32 | 5, 1 << 32 | 15, 1 << 32 | 100_000, 2 << 32 | 10):
        assert find(log, missing) is None


def test_a_decision_out_of_order_is_found_all_the_same(tmp_path: Path, make_log: Any, decision: Any) -> None:
    make_log(tmp_path, [[decision(n)] for n in (5, 4, 9, 1, 7, 3)], segment_octets=300)
    for number in (5, 4, 9, 1, 7, 3):
        found = find(tmp_path, 1 << 32 | number)
        assert found is not None
        assert isinstance(found.record, Decision)
        assert found.record.id == 1 << 32 | number


def test_ranges_and_tail(log: Path) -> None:
    everything = list(entries(log))
    head = last_head(log)
    assert head is not None
    assert [entry.index for entry in everything] == list(range(head.size))
    for start, end in ((0, 1), (7, 30), (29, 29), (100, head.size), (head.size - 1, head.size + 9)):
        assert list(entries(log, start, end)) == everything[start:end]
    assert tail(log, 11) == everything[-11:]
    assert tail(log, head.size + 5) == everything
    assert list(records_of(log, 9)) == [entry.octets for entry in everything[:9]]


def test_an_empty_directory(tmp_path: Path) -> None:
    assert list(entries(tmp_path)) == []
    assert tail(tmp_path, 3) == []
    assert last_head(tmp_path) is None
    assert find(tmp_path, 1 << 32) is None
    assert Follower(tmp_path).poll() == []


def test_outcomes_of_a_decision(tmp_path: Path, make_log: Any, decision: Any) -> None:
    wanted, other = 1 << 32 | 1, 1 << 32 | 2
    unknown = Outcome(id=wanted, at_us=1, result="unknown", status=0)
    late = Outcome(id=wanted, at_us=2, result="late", status=0)
    accepted = Outcome(id=other, at_us=1, result="accepted", status=0)
    make_log(tmp_path, [[decision(1), decision(2)], [accepted, unknown], [NOTE, late]])
    assert [entry.record for entry in outcomes_of(tmp_path, wanted, 0)] == [unknown, late]


def test_rule_tables(tmp_path: Path, make_log: Any, decision: Any, start_record: Any) -> None:
    reloaded = ("a", "b")
    table = RuleTable(at_us=0, pack="p", pack_version=2, rules_hash=rules_hash(reloaded), rules=reloaded)
    make_log(tmp_path, [[start_record, decision(1)], [table], [decision(2)]])
    first, second = (entry.record for entry in entries(tmp_path) if isinstance(entry.record, Decision))
    assert isinstance(first, Decision)
    assert isinstance(second, Decision)
    assert rule_table(tmp_path, first, 1) == start_record.rules
    later = Decision(
        **{name: getattr(second, name) for name in second.__struct_fields__} | {"rules_hash": rules_hash(reloaded)}
    )
    assert rule_table(tmp_path, later, 3) == reloaded
    assert rule_table(tmp_path, later, 2) == ()


def test_a_follower_sees_each_batch_once_as_it_becomes_whole(tmp_path: Path, log: Path) -> None:
    """The log is copied octet by octet, so to speak, and polled in between."""
    grown = tmp_path / "grown"
    grown.mkdir()
    follower = Follower(grown)
    late = Follower(grown, size=20)
    seen: list[bytes] = []
    seen_late: list[int] = []
    for path in segment_paths(log):
        octets = path.read_bytes()
        for end in range(0, len(octets) + 1, 97):
            (grown / path.name).write_bytes(octets[:end])
            for batch in follower.poll():
                seen += batch.records
            seen_late += [batch.header.first for batch in late.poll()]
        (grown / path.name).write_bytes(octets)
    for batch in follower.poll():
        seen += batch.records
    assert seen == [entry.octets for entry in entries(log)]
    assert follower.poll() == []
    assert seen_late
    assert min(seen_late) <= 20
    assert seen_late == sorted(set(seen_late))


def test_a_batch_being_written_is_not_given(tmp_path: Path, make_log: Any, decision: Any) -> None:
    make_log(tmp_path, [[decision(1)], [decision(2)]])
    (path,) = segment_paths(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    assert [entry.octets for entry in entries(tmp_path)] == [encode(decision(1))]
    head = last_head(tmp_path)
    assert head is not None
    assert head.size == 1
