"""A route's pace: never above its cap, halved once by a burst of refusals, and back in the time it is given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.routing.pace import ESME_RMSGQFUL, ESME_RTHROTTLED, Pace

pytestmark = pytest.mark.unit

START = 1000.0
STEPS = st.lists(
    st.tuples(st.sampled_from(("take", "wait", "refused")), st.floats(0.0, 0.7, allow_nan=False)), max_size=150
)


def taken_within(pace: Pace, start: float, seconds: float, at_once: int = 1) -> int:
    """Asks `at_once` times every millisecond."""
    return sum(pace.take(start + tick / 1000) for tick in range(round(seconds * 1000)) for _ in range(at_once))


def most_in_a_second(moments: list[float]) -> int:
    return max((sum(1 for other in moments if 0 <= other - one < 1.0 - 1e-4) for one in moments), default=0)


@given(cap=st.integers(1, 60), steps=STEPS)
def test_no_second_sees_more_than_the_cap(cap: int, steps: list[tuple[str, float]]) -> None:
    pace, now = Pace(float(cap)), START
    taken: list[float] = []
    for action, seconds in steps:
        if action == "refused":
            pace.refused(now, ESME_RTHROTTLED)
        elif action == "wait":
            now += seconds
        else:
            for _ in range(30):
                if not pace.take(now):
                    now = pace.next_time(now)
                    continue
                taken.append(now)
        assert pace.rate_per_s <= cap
    assert most_in_a_second(taken) <= cap


@given(cap=st.floats(0.5, 5000.0), now=st.floats(0.0, 1e6), refusals=st.integers(0, 5))
def test_what_next_time_says_is_true_and_not_late(cap: float, now: float, refusals: int) -> None:
    pace = Pace(cap)
    for number in range(refusals):
        pace.refused(now + 2 * number, ESME_RTHROTTLED)
    now += 2 * refusals
    while pace.take(now):
        pass
    then = pace.next_time(now)
    assert now < then <= now + 1.0 / min(pace.rate_per_s, cap) + 1.1
    assert pace.take(then)


@pytest.mark.parametrize("cap", [1, 7, 50, 1000, 5000])
def test_a_cap_is_used_up_but_for_the_slack_of_its_bucket(cap: int) -> None:
    pace = Pace(float(cap))
    taken = taken_within(pace, START, 10.0, at_once=6)
    assert cap * 10 * 0.97 - 1 <= taken <= cap * 10


def test_a_route_without_cap_is_never_held() -> None:
    pace = Pace()
    assert all(pace.take(START) for _ in range(100_000))
    assert pace.next_time(START) == START
    assert not pace.slowed


@pytest.mark.parametrize("status", [ESME_RTHROTTLED, ESME_RMSGQFUL])
def test_a_burst_of_refusals_cuts_once(status: int) -> None:
    pace = Pace(1000.0)
    taken_within(pace, START, 1.5)
    assert pace.refused(START + 1.5, status)
    rate = pace.rate_per_s
    assert 400.0 < rate <= 500.0
    assert not any(pace.refused(START + 1.5 + tick / 1000, status) for tick in range(500))
    assert pace.rate_per_s >= rate
    assert pace.slowed


def test_what_was_sent_before_a_cut_never_cuts_again() -> None:
    pace = Pace(1000.0)
    taken_within(pace, START, 1.0)
    assert pace.refused(START + 1.0, ESME_RTHROTTLED, sent=START + 0.9)
    taken_within(pace, START + 1.0, 4.0)
    assert not pace.refused(START + 5.0, ESME_RTHROTTLED, sent=START + 0.95)
    assert pace.refused(START + 5.0, ESME_RTHROTTLED, sent=START + 4.0)


@pytest.mark.parametrize("status", [0x00, 0x08, 0x45, 0x0400])
def test_other_refusals_slow_nothing(status: int) -> None:
    pace = Pace(100.0)
    assert not pace.refused(START, status)
    assert pace.rate_per_s == 100.0
    assert not pace.slowed


def test_the_cut_is_of_what_really_went() -> None:
    pace = Pace(1000.0)
    for tick in range(100):
        assert pace.take(START + tick / 100)
    pace.refused(START + 1.0, ESME_RTHROTTLED)
    assert pace.rate_per_s == 50.0


@given(refusals=st.integers(1, 40))
def test_it_climbs_back_to_its_cap_in_time_whatever_came(refusals: int) -> None:
    pace = Pace(200.0, recover_s=30.0)
    for number in range(refusals):
        pace.take(START + 2 * number)
        pace.refused(START + 2 * number, ESME_RTHROTTLED)
    end = START + 2 * refusals
    before = pace.rate_per_s
    assert before >= 1.0
    pace.next_time(end + 10.0)
    assert before < pace.rate_per_s < 200.0 or before == 200.0
    pace.next_time(end + 31.0)
    assert pace.rate_per_s == 200.0
    assert not pace.slowed


def test_a_route_without_cap_is_limited_until_it_has_proved_itself() -> None:
    pace = Pace(recover_s=30.0)
    taken_within(pace, START, 2.0)
    assert pace.refused(START + 2.0, ESME_RMSGQFUL)
    assert 490.0 <= pace.rate_per_s <= 500.0
    assert pace.slowed
    assert taken_within(pace, START + 2.0, 1.0) <= 550
    pace.next_time(START + 2.0 + 44.0)
    assert pace.slowed
    pace.next_time(START + 2.0 + 46.0)
    assert not pace.slowed
    assert pace.rate_per_s == 0.0
    assert all(pace.take(START + 50.0) for _ in range(5000))


def test_a_refusal_never_stops_a_route_for_good() -> None:
    pace = Pace(100.0, floor_per_s=2.0)
    now = START
    for _ in range(100):
        pace.refused(now, ESME_RTHROTTLED)
        now = pace.next_time(now)
        assert pace.take(now)
    assert now < START + 100 * 0.51


def test_time_that_goes_back_gives_nothing() -> None:
    pace = Pace(10.0)
    taken = sum(pace.take(START - tick) for tick in range(100))
    assert taken == 1


@pytest.mark.parametrize(
    "wrong", [{"rate_per_s": -1.0}, {"floor_per_s": 0.0}, {"cut": 1.0}, {"cut": 0.0}, {"recover_s": 0.0}]
)
def test_wrong_values_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="a pace has"):
        Pace(**wrong)
