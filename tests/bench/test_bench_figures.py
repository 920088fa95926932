"""The bench's own arithmetic: bounds, shares and loads. A bench that cannot say "missed" proves nothing."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from bench import report
from bench.bound_figures import Figure, all_met, told
from bench.cases import PERSON_DIGITS, PERSONS, Load, person, suppressed_persons
from bench.run import Row
from bench.verdict import BOUNDS, judge

pytestmark = pytest.mark.unit


def _rows(case: str, ours: float) -> list[Row]:
    rows = []
    for bound in BOUNDS:
        rows.append(Row(case, bound.peer, bound.load, {bound.figure: 2.0}))
        rows.append(Row(case, "tdgate", bound.load, {bound.figure: 2.0 * bound.factor * ours}))
    return rows


def test_figures_at_their_bound_are_met_and_above_it_missed() -> None:
    assert [v.met for v in judge(_rows("plain", 1.0))] == [True] * len(BOUNDS)
    assert [v.met for v in judge(_rows("plain", 1.001))] == [False] * len(BOUNDS)


def test_what_was_not_measured_or_failed_is_missed() -> None:
    rows = [row for row in _rows("page", 0.5) if row.hop == "tdgate"]
    assert [v.met for v in judge(rows)] == [False] * len(BOUNDS)
    rows = _rows("plain", 0.5)
    for row in rows:
        if row.hop == "tdgate":
            row.errors.append("20% refused")
    assert [v.ratio for v in judge(rows)] == [None] * len(BOUNDS)


def test_only_bound_cases_are_judged() -> None:
    assert judge(_rows("tls", 9.0)) == []


@pytest.mark.parametrize("text", ["1x1", "10x100", "10x10@1000"])
def test_loads_read_as_they_are_written(text: str) -> None:
    assert str(Load.parse(text)) == text


@pytest.mark.parametrize("text", ["10", "x10", "10x10@fast", ""])
def test_what_is_no_load_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):
        Load.parse(text)


def test_a_fifth_of_the_persons_is_suppressed_and_each_is_a_destination() -> None:
    assert sum(1 for _ in suppressed_persons(0.2)) == PERSONS // 5
    assert list(suppressed_persons(0.0)) == []
    assert {len(p) for p in itertools.islice(suppressed_persons(0.2), 100)} == {PERSON_DIGITS}
    assert person(PERSONS - 1) == "8613800999999"


def test_tables_go_between_the_marks_of_a_readme_and_replace_the_former(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- bench -->\n<!-- /bench -->\nafter\n")
    report.into(readme, "one")
    report.into(readme, "two")
    assert readme.read_text() == "before\n<!-- bench -->\ntwo\n<!-- /bench -->\nafter\n"
    readme.write_text("no marks")
    with pytest.raises(ValueError, match="bench"):
        report.into(readme, "three")
    assert readme.read_text() == "no marks"


def _beside(ours: float, theirs: float) -> list[Row]:
    return [
        Row("plain", "tdgate", "10x10", {"cpu_s_per_1k": theirs}),
        Row("parts", "tdgate", "10x30", {"cpu_s_per_1k": ours}),
    ]


@pytest.mark.parametrize(("ours", "met"), [(2.5, True), (2.51, False)])
def test_a_message_of_three_parts_is_held_against_a_plain_one(ours: float, met: bool) -> None:
    (verdict,) = [one for one in judge(_beside(ours, 1.0)) if one.case == "parts"]
    assert verdict.met is met
    assert ("met" if met else "MISSED") in str(verdict)
    assert "plain 10x10" in str(verdict)


def test_a_bound_beside_a_case_that_was_not_run_is_not_judged_and_one_that_failed_is_missed() -> None:
    assert [one for one in judge(_beside(1.0, 1.0)[1:]) if one.case == "parts"] == []
    rows = _beside(1.0, 1.0)
    rows[0].errors.append("it ended")
    assert [one.met for one in judge(rows) if one.case == "parts"] == [False]


def test_a_figure_of_the_process_is_met_up_to_its_bound() -> None:
    assert Figure("resident", 200.0, "MB", 200.0).met
    assert not Figure("resident", 200.1, "MB", 200.0).met
    assert Figure("resident", 1e9, "MB").met
    assert not all_met([Figure("one", 1.0, "s"), Figure("two", 3.0, "s", 2.0)])
    assert told([Figure("one", 3.0, "s", 2.0)]).startswith("MISSED")
