"""Caps of calls: taken before anything else, given back once, whatever comes at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from proxy.judging.call_limits import CallLimits, CallPlace
from tests.rules.scene import ACCOUNT, JIANGLAN

pytestmark = pytest.mark.unit

TWO = replace(ACCOUNT, calls_most=2)


def detail(place: CallPlace) -> str:
    return place.over.detail if place.over is not None else ""


def test_no_more_at_once_than_agreed() -> None:
    limits = CallLimits()
    places = [limits.take(TWO, JIANGLAN, 0.0) for _ in range(3)]
    assert [detail(place) for place in places] == ["", "", "calls"]
    places[2].give_back()
    last = limits.take(TWO, JIANGLAN, 0.0)
    assert detail(last) == "calls"
    last.give_back()
    places[0].give_back()
    places[0].give_back()
    assert limits.calls(TWO.id) == limits.places() == 1, "a place is given back once"
    assert detail(limits.take(TWO, JIANGLAN, 0.0)) == ""


def test_the_most_at_once_are_of_calls_that_stay() -> None:
    limits = CallLimits()
    assert (limits.calls(ACCOUNT.id), limits.most(ACCOUNT.id)) == (0, 0)
    kept = [limits.take(ACCOUNT, JIANGLAN, 0.0) for _ in range(3)]
    for place in kept[:2]:
        place.stays()
    assert limits.most(ACCOUNT.id) == 3, "a place counts all that were taken by then"
    for place in kept:
        place.give_back()
    limits.take(ACCOUNT, JIANGLAN, 0.0).stays()
    assert (limits.calls(ACCOUNT.id), limits.most(ACCOUNT.id)) == (1, 3)


def test_no_more_a_second_than_agreed() -> None:
    limits, account = CallLimits(), replace(ACCOUNT, calls_per_s=2)
    assert [detail(limits.take(account, JIANGLAN, 100.0)) for _ in range(3)] == ["", "", "rate"]
    assert [detail(limits.take(account, JIANGLAN, 100.5)) for _ in range(2)] == ["", "rate"]


def test_an_institution_is_capped_over_all_its_trunks() -> None:
    limits, institution = CallLimits(), replace(JIANGLAN, calls_most=2)
    trunks = [replace(ACCOUNT, id=f"trunk-{place}") for place in range(3)]
    places = [limits.take(trunk, institution, 0.0) for trunk in trunks]
    assert [detail(place) for place in places] == ["", "", "institution_calls"]
    places[2].give_back()
    places[1].give_back()
    assert detail(limits.take(trunks[2], institution, 0.0)) == ""
    slow = replace(JIANGLAN, id="other", calls_per_s=1)
    assert [detail(limits.take(trunk, slow, 0.0)) for trunk in trunks[:2]] == ["", "institution_rate"]


def test_trunks_do_not_count_for_each_other() -> None:
    limits = CallLimits()
    for trunk in (TWO, replace(TWO, id="another")):
        assert [detail(limits.take(trunk, None, 0.0)) for _ in range(2)] == ["", ""]


def test_a_changed_cap_binds_the_next_call() -> None:
    limits = CallLimits()
    first = limits.take(ACCOUNT, JIANGLAN, 0.0)
    assert detail(limits.take(replace(ACCOUNT, calls_most=1), JIANGLAN, 0.0)) == "calls"
    assert detail(limits.take(replace(ACCOUNT, calls_per_s=1), JIANGLAN, 0.0)) == ""
    assert detail(limits.take(replace(ACCOUNT, calls_per_s=1), JIANGLAN, 0.0)) == "rate"
    assert detail(limits.take(replace(ACCOUNT, calls_per_s=5), JIANGLAN, 0.0)) == ""
    assert detail(limits.take(ACCOUNT, JIANGLAN, 0.0)) == ""
    assert first.over is None


def test_the_shorter_duration_counts() -> None:
    limits = CallLimits()
    assert limits.take(ACCOUNT, JIANGLAN, 0.0).s_most == 0
    assert limits.take(replace(ACCOUNT, call_s_most=60), JIANGLAN, 0.0).s_most == 60
    assert limits.take(ACCOUNT, replace(JIANGLAN, call_s_most=90), 0.0).s_most == 90
    assert limits.take(replace(ACCOUNT, call_s_most=60), replace(JIANGLAN, call_s_most=90), 0.0).s_most == 60


@given(st.lists(st.integers(0, 5), max_size=60), st.integers(1, 4))
def test_never_more_at_once_whatever_the_order(steps: list[int], most: int) -> None:
    """0 to 3: a new call, given back at once where it is over; 4 and 5: the oldest ends."""
    limits, account = CallLimits(), replace(ACCOUNT, calls_most=most)
    running: list[CallPlace] = []
    for step in steps:
        if step < 4:
            place = limits.take(account, JIANGLAN, 0.0)
            assert (place.over is None) is (len(running) < most)
            if place.over is None:
                running.append(place)
            else:
                place.give_back()
        elif running:
            running.pop(0).give_back()
        assert limits.calls(account.id) == len(running) <= most


def test_trunks_that_are_gone_leave_nothing_behind() -> None:
    limits = CallLimits()
    held = limits.take(replace(ACCOUNT, id="held"), None, 0.0)
    for place in range(5000):
        limits.take(replace(ACCOUNT, id=f"trunk-{place}"), None, 0.0).give_back()
    assert len(limits._trunks) <= 4096
    assert limits.calls("held") == 1
    held.give_back()
