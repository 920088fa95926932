"""Every row of `docs/requirements.md` is shown: by a pair of requests that differ in one field, or where it is seen.

One real process for all of it. The page of the manual is what such a run writes.
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from proxy.rules.table import RULE_IDS
from tests.requirements.demands import read
from tests.requirements.later import LATER
from tests.requirements.looking import Observable
from tests.requirements.observables import OBSERVABLES
from tests.requirements.page import page, without_ids
from tests.requirements.pairs import PAIRS, Kind, Pair
from tests.requirements.play import Played, play, play_without
from tests.requirements.registry import ABROAD, abroad

pytestmark = pytest.mark.wire

DEMANDS = read()
PAGE = Path(__file__).resolve().parents[2] / "docs" / "manual" / "requirements.md"
TRIES = [(pair, kind) for pair in PAIRS for kind in pair.kinds]
OF_CHANNEL = {"sms": {"submit", "bind"}, "voice": {"call"}}
LATER_SPANS = {(one.row, span) for one in LATER for span in one.spans}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return asyncio.run(play(tmp_path_factory.mktemp("requirements")))


@pytest.mark.parametrize(("pair", "kind"), TRIES, ids=lambda one: getattr(one, "name", one))
def test_one_field_decides_on_the_socket(pair: Pair, kind: Kind, played: Played) -> None:
    (shown,) = [one for one in played.shown if (one.pair, one.kind) == (pair, kind)]
    assert not shown.failure, shown.failure


@pytest.mark.soak
@pytest.mark.parametrize("rule", dict.fromkeys(pair.rule for pair in PAIRS))
def test_without_its_rule_no_pair_holds(rule: str, tmp_path: Path) -> None:
    without = asyncio.run(play_without(rule, tmp_path))
    assert without.shown
    assert [
        (one.pair.name, one.failure) for one in without.shown if "AssertionError: the refused" not in one.failure
    ] == []


@pytest.mark.parametrize("pair", PAIRS, ids=lambda one: one.name)
def test_the_log_tells_of_each_decision_by_its_id(pair: Pair, played: Played) -> None:
    for shown in (one for one in played.shown if one.pair == pair):
        assert shown.refused is not None
        assert shown.refused.decision is not None
        told = played.records[shown.refused.decision.id]
        assert (told["record"]["rule"], told["record"]["detail"]) == (pair.rule, pair.detail)
        refusing = [each["rule"] for each in told["rules"] if each["outcome"] == "refuse"]
        assert refusing[0] == pair.rule
        if shown.permitted is not None and shown.permitted.decision is not None:
            told = played.records[shown.permitted.decision.id]
            assert [each for each in told["rules"] if each["outcome"] == "refuse"] == []


@pytest.mark.parametrize("observable", OBSERVABLES, ids=lambda one: one.name)
def test_it_is_seen(observable: Observable, played: Played) -> None:
    assert not played.seen[observable], played.seen[observable]


def test_the_page_of_the_manual_is_what_a_run_writes(played: Played) -> None:
    same = without_ids(PAGE.read_text(encoding="utf-8")) == without_ids(page(played))
    assert same, "write it anew: python -m tests.requirements --write docs/manual/requirements.md"


@pytest.mark.parametrize("row", DEMANDS.rows)
def test_each_refusal_that_a_row_names_has_a_pair_on_each_channel(row: str) -> None:
    for rule in DEMANDS.rules_of(row):
        if (row, rule) in LATER_SPANS:
            continue
        own = {row, *DEMANDS.rows[row].like}
        kinds = {kind for pair in PAIRS if pair.rule == rule and own & {*pair.rows} for kind in pair.kinds}
        for channel in DEMANDS.refusals[rule].channels:
            assert kinds & OF_CHANNEL[channel], f"{rule} is not shown on {channel}"


@pytest.mark.parametrize("row", DEMANDS.rows)
def test_whatever_else_a_row_names_is_seen(row: str) -> None:
    said = " ".join(one.en for one in OBSERVABLES if row in one.rows)
    for span in re.findall("`([^`]+)`", DEMANDS.rows[row].observable):
        if span in DEMANDS.refusals or (row, span) in LATER_SPANS:
            continue
        assert re.search(
            "`" + re.escape(span).replace(r"\*", r"[a-z_.]+") + "`|`tdgate " + re.escape(span) + "`", said
        ), span


@pytest.mark.parametrize("row", DEMANDS.rows)
def test_no_row_is_left_out(row: str) -> None:
    own = {row, *DEMANDS.rows[row].like}
    shown = {name for pair in PAIRS for name in pair.rows} | {name for one in OBSERVABLES for name in one.rows}
    assert own & (shown | {one.row for one in LATER})


def test_nothing_is_put_off_that_shows() -> None:
    assert {one.row for one in LATER} <= set(DEMANDS.rows)
    for one in LATER:
        named = re.findall("`([^`]+)`", DEMANDS.rows[one.row].observable)
        behind = list(DEMANDS.rules_of(one.row))
        assert set(one.spans) <= {*named, *behind}, one
        assert not set(one.spans) & set(RULE_IDS), one


@pytest.mark.parametrize("month", [1, 4, 7, 10])
@pytest.mark.parametrize("hour", range(24))
def test_somewhere_it_is_day_and_somewhere_night(hour: int, month: int) -> None:
    """With an hour to spare on both sides of 8 and 22, since a run takes its time."""
    now = datetime(2026, month, 15, hour, 30, tzinfo=UTC)
    day, night = (
        next(now.astimezone(ZoneInfo(zone)).hour for zone, digits in ABROAD.items() if person.startswith(digits))
        for person in (abroad(13, now)[0], abroad(2, now)[0])
    )
    assert 9 <= day < 17
    assert night in (23, 0, 1, 2, 3, 4, 5, 6)


def test_rows_that_go_back_to_others_are_understood() -> None:
    """The checks above would be empty if the file were read wrongly."""
    assert len(DEMANDS.rows) == 52
    assert DEMANDS.rules_of("J3") == ("licence.scope", "licence.expired")
    assert DEMANDS.rows["J9"].like == ("Z6", "Z11")
    assert DEMANDS.refusals["preference.declined"].smpp == (0x042A,)
    assert DEMANDS.refusals["suppression.active"].sip == (607,)
