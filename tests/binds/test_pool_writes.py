"""What the desks of a pool have to say is written with the next write, however many there were before."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from proxy.binds.pools import Pools

pytestmark = pytest.mark.unit


class Link:
    """An ESME's connection that counts how often it was written."""

    def __init__(self) -> None:
        self.flushed = 0

    def flush(self) -> None:
        self.flushed += 1

    def set_reading(self) -> None:
        """Nobody reads here."""


class Trail:
    def flush(self) -> None:
        """Everything is on disk."""


def test_an_answer_is_written_at_once_and_not_only_after_the_first() -> None:
    pools: Any = object.__new__(Pools)
    pools._writing, pools._kept, pools._pools, pools._links = False, set(), {}, {}
    pools._unwritten, pools._esmes, pools._trail, pools._wrote = set(), set(), Trail(), asyncio.Event()
    link = Link()
    # As a desk holds it from the moment on at which its ESME sat down.
    touched = partial(pools._esmes.add, link)
    for count in (1, 2, 3):
        touched()
        pools.write()
        assert link.flushed == count
    pools.write()
    assert link.flushed == 3
