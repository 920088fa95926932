"""Time that passes and does not jump."""

from __future__ import annotations

import time

import pytest

from proxy.binds.steady_clock import steady_utc_s, steady_utc_us

pytestmark = pytest.mark.unit


def test_a_clock_that_is_set_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = steady_utc_s()
    assert abs(before - time.time()) < 3600
    monkeypatch.setattr(time, "time", lambda: 0.0)
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    after = steady_utc_us()
    assert before * 1_000_000 - 1 <= after < (before + 3600) * 1_000_000
