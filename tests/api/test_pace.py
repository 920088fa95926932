"""A token's pace: a burst, then one request for each part of a second that passed; others are not slowed by it."""

import pytest

from proxy.api.pace import Pace

pytestmark = pytest.mark.unit


def test_a_burst_then_the_steady_rate_each_token_for_itself() -> None:
    now = [100.0]
    pace = Pace(2.0, 3, lambda: now[0])
    assert [pace.wait_s("a") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert pace.wait_s("b") == 0.0
    now[0] += 0.5
    assert (pace.wait_s("a"), pace.wait_s("a")) == (0.0, 0.5)
    now[0] += 3600
    assert [pace.wait_s("a") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
