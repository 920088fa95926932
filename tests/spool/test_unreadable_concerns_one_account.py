"""A delivery that cannot be read back keeps waiting, is told of, and raises nowhere."""

from __future__ import annotations

from typing import Any, cast

import pytest

from proxy.binds.deliveries import WaitingDeliveries
from proxy.spool.errors import SpoolDamagedError
from proxy.spool.spool import Spool

pytestmark = pytest.mark.unit


class Broken:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def take(self, account: str, most: int) -> list[Any]:
        raise self._error


@pytest.mark.parametrize("error", [OSError("disk"), SpoolDamagedError("not as it was written")])
def test_what_cannot_be_read_is_told_of_and_raises_nowhere(error: Exception) -> None:
    told: list[tuple[str, str]] = []
    waiting = WaitingDeliveries(cast(Spool, Broken(error)), lambda event, account: told.append((event, account)))
    assert waiting.take("jl", 4) == []
    assert told == [("spool.unreadable", "jl")]
