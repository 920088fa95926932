"""The token bucket against a naive count in exact fractions, and against clocks that step back."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.judging.rate import RateLimit

pytestmark = pytest.mark.unit

# Ticks of 1/1024 s and these rates are exact in binary, so that both counts must agree to the last token.
_TICK = Fraction(1, 1024)
_rates = st.integers(1, 2000)
_moments = st.lists(st.integers(0, 20 * 1024), max_size=300)


def naive(rate: int, moments: list[Fraction]) -> list[bool]:
    tokens, at, given_out = Fraction(rate), Fraction(0), []
    for now in moments:
        tokens = min(Fraction(rate), tokens + max(now - at, Fraction(0)) * rate)
        at = now
        given_out.append(tokens >= 1)
        tokens -= given_out[-1]
    return given_out


@given(_rates, _moments)
def test_gives_what_a_naive_count_gives_whatever_the_clock_does(rate: int, ticks: list[int]) -> None:
    limit = RateLimit(rate)
    moments = [tick * _TICK for tick in ticks]
    assert [limit.take(float(now)) for now in moments] == naive(rate, moments)


@given(_rates, _moments.map(sorted), st.integers(0, 20 * 1024), st.integers(0, 5 * 1024))
def test_no_span_of_time_gets_more_than_its_rate_and_one_burst(
    rate: int, ticks: list[int], begin: int, length: int
) -> None:
    limit = RateLimit(rate)
    taken = [tick for tick in ticks if limit.take(tick / 1024)]
    within = [tick for tick in taken if begin <= tick <= begin + length]
    assert len(within) <= rate + rate * length * _TICK


def test_a_step_back_in_time_adds_nothing_and_blocks_nobody_for_ever() -> None:
    limit = RateLimit(2)
    assert [limit.take(1_000_000.0) for _ in range(3)] == [True, True, False]
    assert not limit.take(500_000.0)
    assert limit.take(500_000.5)
    assert not limit.take(500_000.5)


def test_a_second_of_rest_saves_up_one_second_and_no_more() -> None:
    limit = RateLimit(3)
    assert [limit.take(10.0) for _ in range(4)] == [True, True, True, False]
    assert [limit.take(10_000.0) for _ in range(4)] == [True, True, True, False]
