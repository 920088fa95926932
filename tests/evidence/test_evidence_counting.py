"""Counting from the log: whatever a run did and wherever it was killed, the sums agree with what was really done."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.evidence.counting import count
from proxy.evidence.records import Gap, Outcome, Start, Stop, Tally

pytestmark = pytest.mark.unit

DAY_US = 86_400_000_000
NOON_US = 1_772_337_600_000_000  # 2026-03-01 12:00 in Asia/Shanghai
NAMES = ("submitted", "permitted", "refused", "deferred", "accepted", "rejected", "unknown")


class Play:
    """A process that keeps true books, and what its log holds of them."""

    def __init__(self, start: Start, decision: Any) -> None:
        self.records: list[Any] = []
        self.done: Counter[str] = Counter()
        self.at_us = NOON_US
        self._start, self._decision, self._number = start, decision, 0
        self._begin()

    def _begin(self) -> None:
        self.records.append(self._start)
        self._since, self._told, self._carried = self.at_us, Counter(self.done), 0
        self._open: list[int] = []
        self._write(first=True)

    def _write(self, *, first: bool = False) -> None:
        new = self.done - self._told
        self.records.append(
            Tally(
                at_us=self.at_us, since_us=self._since, account="jl", route="north", carried=self._carried,
                open=len(self._open), replies=0, receipts=0, **{name: 0 if first else new[name] for name in NAMES},
            )
        )  # fmt: skip
        self._told, self._carried, self._since = Counter(self.done), len(self._open), self.at_us

    def step(self, what: int) -> None:
        self.at_us += 1000
        if what <= 2:
            self._number += 1
            made = self._decision(self._number, account="jl", at_us=self.at_us, effect=what)
            self.records.append(made)
            self.done["submitted"] += 1
            self.done[("permitted", "refused", "deferred")[what]] += 1
            if what == 0:
                self._open.append(made.id)
        elif what <= 5 and self._open:
            one = self._open.pop(0)
            result = ("accepted", "rejected", "unknown")[what - 3]
            self.done[result] += 1
            if result != "accepted":
                self.records.append(Outcome(id=one, at_us=self.at_us, result=result, status=0))
        elif what == 6:
            self._write()
        elif what == 7:
            self.done["unknown"] += len(self._open)
            self._open = []
            self._write()
            self.records.append(Stop(at_us=self.at_us, boot=1, reason="stopped"))
            self._begin()
        elif what == 8:
            # Killed: nobody will ever know of these, nor of acceptances since the last tally.
            since = self.done["accepted"] - self._told["accepted"]
            self.done["accepted"] -= since
            self.done["unknown"] += since + len(self._open)
            self.records.append(Gap(at_us=self.at_us, size=0, reason="unclean", torn_octets=0, missed=0))
            self._begin()
        elif what == 9:
            # What is no message: in no count.
            self._number += 1
            self.records.append(self._decision(self._number, account="jl", at_us=self.at_us, effect=0, asks=1))
            # A call of the same account: its own record counts it, no tally does.
            self._number += 1
            self.records.append(self._decision(self._number, account="jl", at_us=self.at_us, effect=0, channel="voice"))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.integers(0, 9), max_size=60))
def test_the_sums_are_those_of_the_true_books(
    steps: list[int], make_log: Any, start_record: Start, decision: Any
) -> None:
    play = Play(start_record, decision)
    for what in steps:
        play.step(what)
    play.step(8)
    with TemporaryDirectory() as folder:
        make_log(Path(folder), [play.records])
        found = count(Path(folder))
        assert found.problems == []
        assert all(row.balanced for row in found.rows)
        assert {name: sum(getattr(row, name) for row in found.rows) for name in NAMES} == {
            name: play.done[name] for name in NAMES
        }
        assert {(row.account, row.route) for row in found.rows} == {("jl", "north")}
        assert found.gaps == sum(isinstance(one, Gap) for one in play.records)


def tally(at_us: int, carried: int = 0, pending: int = 0, **more: int) -> Tally:
    figures: dict[str, Any] = dict.fromkeys((*NAMES, "replies", "receipts"), 0) | more
    return Tally(
        at_us=at_us, since_us=at_us - 1_000_000, account="jl", route="north", carried=carried, open=pending, **figures
    )


def test_a_day_ends_at_midnight_in_shanghai_and_what_is_open_goes_on(
    tmp_path: Path, make_log: Any, start_record: Start
) -> None:
    midnight = NOON_US + DAY_US // 2
    records = [
        start_record,
        tally(NOON_US),
        tally(midnight, 0, 2, submitted=3, permitted=3, accepted=1),
        tally(midnight + 60_000_000, 2, 0, submitted=1, permitted=1, accepted=3),
        Stop(at_us=midnight + 61_000_000, boot=1, reason="stopped"),
    ]
    make_log(tmp_path, [records])
    first, second = count(tmp_path).rows
    assert (first.day, first.permitted, first.accepted, first.carried, first.open) == ("2026-03-01", 3, 1, 0, 2)
    assert (second.day, second.permitted, second.accepted, second.carried, second.open) == ("2026-03-02", 1, 3, 2, 0)
    assert count(tmp_path, "2026-03-02").rows == [second]
    assert count(tmp_path, account="yx").rows == []


@pytest.mark.parametrize(
    "wrong",
    [
        tally(NOON_US + 9, submitted=2, permitted=1, accepted=1),
        tally(NOON_US + 9, submitted=1, permitted=1),
        tally(NOON_US + 9, 1, 0, accepted=1),
    ],
    ids=["submitted", "permitted", "carried"],
)
def test_what_does_not_agree_is_said(wrong: Tally, tmp_path: Path, make_log: Any, start_record: Start) -> None:
    make_log(tmp_path, [[start_record, tally(NOON_US), wrong]])
    assert count(tmp_path).problems


def test_runs_from_before_there_were_tallies_are_not_counted(
    tmp_path: Path, make_log: Any, start_record: Start, decision: Any
) -> None:
    make_log(tmp_path, [[start_record, decision(1), decision(2)]])
    assert count(tmp_path).rows == []


def test_what_is_not_told_yet_of_a_run_that_goes_on_is_open(
    tmp_path: Path, make_log: Any, start_record: Start, decision: Any
) -> None:
    records = [start_record, tally(NOON_US), *(decision(one, account="jl", at_us=NOON_US, effect=0) for one in (1, 2))]
    make_log(tmp_path, [records])
    (row,) = count(tmp_path).rows
    assert (row.permitted, row.open, row.unknown, row.recovered) == (2, 2, 0, 0)
    assert row.balanced
