"""The one tick that drives all timers: a defect that one bind meets costs that bind, and no other its timers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest

from proxy.binds.binding import BindRequest
from proxy.binds.links import CarrierLink, EsmeLink
from proxy.binds.pairs import Bound, RouteState
from proxy.judging.hearing import Hearing
from proxy.judging.in_force import InForce
from proxy.judging.latest_messages import LatestMessages
from proxy.judging.tallies import Tallies
from proxy.settings import Route, Smpp
from proxy.smpp.consts import BIND_TRANSCEIVER
from proxy.smpp.session import Session, Timers
from proxy.smpp.text import DEFAULT_TABLE
from proxy.smpp_server import SmppServer
from tests.binds.test_links_of_stuck_peers import Pipe
from tests.judging.evidence_double import LogDouble, journal_over
from tests.rules.scene import ACCOUNT, BASE, build

pytestmark = pytest.mark.unit

#: Long before any clock began: every timer of such a session is due.
LONG_AGO = -1e9
BIND = BindRequest(BIND_TRANSCEIVER, 1, "jl", b"", 0x34, b"")


class Defect(Exception):
    """What should never be raised."""


class Broken:
    """A session or relay in which whatever is asked raises."""

    ending = ""

    def __getattr__(self, name: str) -> NoReturn:
        raise Defect(name)


class Served:
    """A server without sockets, and what the loop was told of defects."""

    def __init__(self) -> None:
        self.faults: list[BaseException] = []
        self.logged: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.faults.append(context["exception"]))
        self.in_force = InForce(build(BASE)[1], None, None, 0.0)  # type: ignore[arg-type]
        nobody: Any = None
        journal = journal_over(LogDouble())
        tallies = Tallies(lambda _: True, lambda: 0, 60.0)
        hearing = Hearing(nobody, journal, LatestMessages(), self.log)
        self.server = SmppServer(Smpp(), self.in_force, journal, hearing, nobody, self.log, tallies)

    def log(self, event: str, **_: Any) -> None:
        self.logged.append(event)

    def comes(self) -> EsmeLink:
        """An ESME that has been silent for ever."""
        link = EsmeLink(
            Session("esme", Timers(), 70_000, self.log, LONG_AGO), self.server, self.in_force, lambda: False
        )
        link.connection_made(Pipe())
        return link

    def binds(self) -> Bound:
        """A pair of two ends that have been silent for ever."""
        session = Session("smsc", Timers(), 70_000, self.log, LONG_AGO)
        carrier = CarrierLink(session, self.server.mirror, self.in_force, lambda: False)
        carrier.connection_made(Pipe())
        esme = self.comes()
        for link in (esme, carrier):
            link.session.enter("trx")
        route = RouteState("default", Route(), None, DEFAULT_TABLE)
        bound = self.server.mirror.pairs.make(ACCOUNT, BIND, route, esme, carrier)
        self.server.mirror.bounds.add(bound)
        self.server.mirror._by_esme[esme] = self.server.mirror._by_carrier[carrier] = bound
        return bound

    def ticks(self) -> None:
        """Once by hand; and once more is under way."""
        self.server._tick()
        assert self.server._ticker is not None
        assert not self.server._ticker.cancelled()
        assert self.server._ticker.when() > asyncio.get_running_loop().time()


@pytest.fixture
async def served() -> Iterator[Served]:  # type: ignore[misc]
    made = Served()
    yield made
    if made.server._ticker is not None:
        made.server._ticker.cancel()
    made.server._credentials.close()


def calls(link: Any) -> list[str]:
    assert isinstance(link.transport, Pipe)
    return link.transport.calls


async def test_a_broken_connection_is_dropped_and_all_others_keep_their_timers(served: Served) -> None:
    links = [served.comes() for _ in range(5)]
    links[2].session = Broken()  # type: ignore[assignment]
    served.ticks()
    assert [calls(link) for link in links] == [["close"], ["close"], ["abort"], ["close"], ["close"]]
    assert served.logged.count("connection.unbound") == 4
    assert [str(fault) for fault in served.faults] == ["next_deadline"]


async def test_a_broken_pair_is_dropped_with_both_its_ends_and_forgotten(served: Served) -> None:
    bounds = [served.binds() for _ in range(5)]
    broken = bounds[2]
    broken.relay = Broken()  # type: ignore[assignment]
    served.server.mirror._empty.clear()
    served.ticks()
    # Its ESME's enquire_link needs a sequence_number of the relay; then its carrier's end was met.
    assert calls(broken.esme) == calls(broken.carrier) == ["abort"]
    assert {type(fault) for fault in served.faults} == {Defect}
    assert served.server.mirror.bounds == set(bounds) - {broken}
    for bound in bounds:
        if bound is not broken:
            assert calls(bound.esme) == calls(bound.carrier) == []
    # A second turn says nothing more of it.
    told = len(served.faults)
    served.server._links.discard(broken.esme)  # type: ignore[arg-type]
    served.ticks()
    assert len(served.faults) == told


async def test_a_path_for_replies_that_broke_counts_no_more(served: Served) -> None:
    """Else its account could go on sending to persons whose refusals nobody hears."""
    bound = served.binds()
    assert bound.shared.receivers == 1
    bound.relay = Broken()  # type: ignore[assignment]
    served.ticks()
    assert bound.esme is not None
    with pytest.raises(Defect):
        bound.esme.connection_lost(None)
    assert bound.shared.receivers == 0


async def test_a_link_that_rests_is_looked_at_until_its_reason_is_gone(served: Served) -> None:
    bound = served.binds()
    esme, carrier = bound.esme, bound.carrier
    assert esme is not None
    assert carrier is not None
    esme.pause_writing()
    assert carrier.session.resting
    esme._cannot_write = False
    served.ticks()
    assert not carrier.session.resting
    assert "resume_reading" in calls(carrier)


async def test_a_carrier_whose_esme_got_stuck_and_died_is_read_again(served: Served) -> None:
    bound = served.binds()
    carrier = bound.carrier
    assert bound.esme is not None
    assert carrier is not None
    bound.esme.pause_writing()
    bound.esme.connection_lost(None)
    assert calls(carrier) == ["pause_reading", "resume_reading"]
    assert carrier.session.state == "unbinding"
