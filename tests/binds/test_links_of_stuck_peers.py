"""What a link does with a peer that takes nothing any more."""

import asyncio
from typing import Any

import pytest

from proxy.binds.links import EsmeLink
from proxy.core.pack import Pack
from proxy.core.persons import PersonKey
from proxy.core.snapshot import Snapshot
from proxy.judging.account_gate import InForce
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


def link() -> tuple[EsmeLink, Pipe]:
    snapshot = Snapshot(1, Pack("test", 1), PersonKey(b"k" * 32, 1))
    session = Session("esme", Timers(), 70_000, lambda _event: None, 0.0)
    made = EsmeLink(session, Nobody(), InForce(snapshot, None, None, 0.0), lambda: False)  # type: ignore[arg-type]
    pipe = Pipe()
    made.connection_made(pipe)
    return made, pipe


def test_who_does_not_read_is_not_read() -> None:
    made, pipe = link()
    made.pause_writing()
    assert pipe.calls == ["pause_reading"]
    made.resume_writing()
    assert pipe.calls == ["pause_reading", "resume_reading"]


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
