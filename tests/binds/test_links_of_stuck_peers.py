"""What a link does with a peer that takes nothing any more."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from proxy.binds.links import EsmeLink
from proxy.core.pack import Pack
from proxy.core.persons import PersonKey
from proxy.core.snapshot import Snapshot
from proxy.judging.in_force import InForce
from proxy.smpp.session import Session, Timers

pytestmark = pytest.mark.unit


class Pipe(asyncio.Transport):
    """A transport that remembers what was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name in ("pause_reading", "resume_reading", "abort", "close"):
            return lambda: self.calls.append(name)
        return super().__getattribute__(name)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Any."""

    def is_closing(self) -> bool:
        return "close" in self.calls or "abort" in self.calls

    def write(self, data: Any) -> None:
        """Taken."""


class Nobody:
    """An owner that is told of a connection and does nothing."""

    def esme_came(self, came: EsmeLink) -> None:
        """Taken note of."""


def link(crowded: Callable[[], bool] = lambda: False) -> tuple[EsmeLink, Pipe]:
    snapshot = Snapshot(1, Pack("test", 1), PersonKey(b"k" * 32, 1))
    session = Session("esme", Timers(), 70_000, lambda _event: None, 0.0)
    made = EsmeLink(session, Nobody(), InForce(snapshot, None, None, 0.0), crowded)  # type: ignore[arg-type]
    pipe = Pipe()
    made.connection_made(pipe)
    return made, pipe


def test_who_does_not_read_is_not_read() -> None:
    made, pipe = link()
    made.pause_writing()
    assert pipe.calls == ["pause_reading"]
    made.resume_writing()
    assert pipe.calls == ["pause_reading", "resume_reading"]


class Relaying:
    """What a link asks of its relay before it reads."""

    congested = False
    crowded = False


@pytest.mark.parametrize("reason", ["congested", "evidence", "the other side"])
def test_the_timers_of_a_peer_that_is_not_read_for_anothers_sake_rest(reason: str) -> None:
    full: list[str] = []
    made, pipe = link(lambda: bool(full))
    other, _ = link()
    relay = Relaying()
    made.relay, made.other, other.other = relay, other, made  # type: ignore[assignment]

    def turn(on: bool) -> None:
        if reason == "congested":
            relay.congested = on
        elif reason == "evidence":
            full[:] = ["full"] * on
        elif on:
            other.pause_writing()
        else:
            other.resume_writing()
        made.set_reading()

    turn(True)
    assert (pipe.calls, made.session.resting) == (["pause_reading"], True)
    began = made.session.heard_at
    turn(False)
    assert (pipe.calls, made.session.resting) == (["pause_reading", "resume_reading"], False)
    assert made.session.heard_at > began


def test_the_timers_of_a_peer_that_does_not_read_itself_go_on() -> None:
    """Else two that are stuck, each on its side, would stand there for ever."""
    one, _ = link()
    two, _ = link()
    for made, other in ((one, two), (two, one)):
        made.relay, made.other = Relaying(), other  # type: ignore[assignment]
    one.pause_writing()
    assert (one.session.resting, two.session.resting) == (False, True)
    two.pause_writing()
    assert (one.session.resting, two.session.resting) == (False, False)
    one.resume_writing()
    assert (one.session.resting, two.session.resting) == (True, False)
    two.resume_writing()
    assert (one.session.resting, two.session.resting) == (False, False)


def test_an_ended_connection_that_swallows_nothing_is_dropped_after_a_while() -> None:
    made, pipe = link()
    made.abort_if_stuck(100.0)
    made.session.close("pdu.oversized")
    made.flush()
    for now in (200.0, 204.9):
        made.abort_if_stuck(now)
    assert pipe.calls == ["close"]
    made.abort_if_stuck(205.1)
    assert pipe.calls == ["close", "abort"]
