"""Tallies: what is told adds up to what was counted, whatever came between, and a kill can be seen from the opening."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.evidence.records import Tally
from proxy.judging.tallies import Tallies, pause_s

pytestmark = pytest.mark.unit

FIELDS = ("submitted", "permitted", "refused", "deferred", "replies", "accepted", "rejected", "unknown", "receipts")
MIDNIGHT = 1_772_380_800.0  # 2026-03-02 00:00 in Asia/Shanghai


class Bind(SimpleNamespace):
    """A gate and a relay in one; hashed by identity, as these are."""

    __hash__ = object.__hash__

    def __init__(self) -> None:
        super().__init__(**dict.fromkeys(FIELDS, 0), open_messages=0)

    def act(self, what: int) -> None:
        if what == 0:
            self.submitted += 1
            self.refused += 1
        elif what == 1:
            self.submitted += 1
            self.deferred += 1
        elif what == 2 or not self.open_messages:
            self.submitted += 1
            self.permitted += 1
            self.open_messages += 1
        else:
            self.open_messages -= 1
            name = ("accepted", "rejected", "unknown")[what - 3]
            setattr(self, name, getattr(self, name) + 1)


class Book:
    """Tallies over a log that takes nothing while `full`."""

    def __init__(self) -> None:
        self.told: list[Tally] = []
        self.full = False
        self.now_us = 0
        self.tallies = Tallies(self.take, self.clock, 60.0)

    def take(self, record: Any) -> bool:
        if not self.full:
            self.told.append(record)
        return not self.full

    def clock(self) -> int:
        self.now_us += 1
        return self.now_us


STEPS = st.lists(st.tuples(st.sampled_from(("act", "write", "full", "room", "join", "leave")), st.integers(0, 5)))


@given(STEPS)
def test_what_is_told_adds_up_to_what_was_counted(steps: list[tuple[str, int]]) -> None:
    book = Book()
    binds = [Bind()]
    book.tallies.join("jl", "default", binds[0], binds[0])
    standing = list(binds)
    gone: list[Bind] = []
    for kind, number in steps:
        if kind == "act":
            binds[number % len(binds)].act(number)
        elif kind == "write":
            book.tallies.write()
        elif kind in ("full", "room"):
            book.full = kind == "full"
        elif kind == "join":
            binds.append(Bind())
            standing.append(binds[-1])
            book.tallies.join("jl", "default", binds[-1], binds[-1])
        elif standing and not standing[0].open_messages:
            # Whoever left counts no more: what it had open is settled before.
            gone.append(standing.pop(0))
            book.tallies.leave("jl", "default", gone[-1])
            binds.remove(gone[-1])
            if not binds:
                binds.append(Bind())
                standing.append(binds[-1])
                book.tallies.join("jl", "default", binds[-1], binds[-1])
    book.full = False
    book.tallies.write()
    everyone = binds + gone
    for name in FIELDS:
        assert sum(getattr(one, name) for one in book.told) == sum(getattr(one, name) for one in everyone)
    opened, *rest = book.told
    assert not any(getattr(opened, name) for name in (*FIELDS, "carried", "open"))
    carried, since = 0, opened.at_us
    for one in rest:
        assert one.submitted == one.permitted + one.refused + one.deferred
        assert one.permitted + one.carried == one.accepted + one.rejected + one.unknown + one.open
        assert one.carried == carried
        assert since <= one.since_us < one.at_us
        carried, since = one.open, one.at_us
    assert carried == sum(one.open_messages for one in everyone)


def test_a_second_route_is_opened_behind_what_the_first_has_to_tell() -> None:
    book = Book()
    first, second = Bind(), Bind()
    book.tallies.join("jl", "default", first, first)
    first.act(0)
    book.tallies.join("jl", "second", second, second)
    assert [(one.route, one.submitted) for one in book.told] == [("default", 0), ("default", 1), ("second", 0)]


def test_a_bind_that_broke_is_counted_until_nothing_of_it_is_open() -> None:
    book = Book()
    bind = Bind()
    book.tallies.join("jl", "default", bind, bind)
    bind.act(2)
    book.tallies.leave("jl", "default", bind)
    book.tallies.write()
    bind.act(5)
    book.tallies.write()
    assert [(one.permitted, one.carried, one.unknown, one.open) for one in book.told] == [
        (0, 0, 0, 0),
        (1, 0, 0, 1),
        (0, 1, 1, 0),
    ]
    assert not book.tallies._strands["jl", "default"].binds


def test_where_nothing_happened_nothing_is_told() -> None:
    book = Book()
    bind = Bind()
    book.tallies.join("jl", "default", bind, bind)
    book.tallies.write()
    book.tallies.write()
    assert len(book.told) == 1


@pytest.mark.parametrize(
    ("now", "wanted"),
    [(MIDNIGHT, 60.0), (MIDNIGHT - 61, 60.0), (MIDNIGHT - 59, 59.0), (MIDNIGHT - 0.001, 0.01)],
)
def test_a_day_never_shares_an_interval_with_the_next(now: float, wanted: float) -> None:
    assert pause_s(now, 60.0) == pytest.approx(wanted)
