"""The binds to a pool's carriers: dialled again whatever happens, and read no further than the disk keeps up."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from proxy.binds.binding import BindRefusedError
from proxy.binds.links import CarrierLink
from proxy.binds.pairs import RouteState
from proxy.binds.pool_carriers import PoolCarriers
from proxy.core.pack import Pack
from proxy.core.persons import PersonKey
from proxy.core.snapshot import Snapshot
from proxy.judging.in_force import InForce
from proxy.pool.bind import PoolBind
from proxy.settings import Route, Smpp
from proxy.smpp.session import Session, Timers
from proxy.smpp.text import DEFAULT_TABLE
from tests.binds.test_links_of_stuck_peers import Pipe

pytestmark = pytest.mark.unit

ROUTE = RouteState("one", Route(binds=1, backoff_first_s=0.001, backoff_most_s=0.002), None, DEFAULT_TABLE)


class Dialler:
    """Gives what a test wrote down, one after the other."""

    def __init__(self, *ends: Any) -> None:
        self.ends = list(ends)

    async def dial(self, *_: Any) -> tuple[Any, None]:
        end = self.ends.pop(0)
        if isinstance(end, Exception):
            raise end
        return end, None

    def lost(self, link: Any) -> None:
        """Nothing is waited for."""


class Place:
    def __init__(self, *ends: Any) -> None:
        in_force = InForce(Snapshot(1, Pack("test", 1), PersonKey(b"k" * 32, 1)), cast(Any, None), cast(Any, None), 0.0)
        self.in_force = in_force
        self.came = asyncio.Event()
        self.events: list[str] = []
        self.carriers = PoolCarriers(
            Smpp(), in_force, Timers(), lambda _: None, lambda: None, lambda event, **_: self.events.append(event)
        )
        cast(Any, self.carriers)._dialler = Dialler(*ends)
        self.came_to: list[PoolBind] = []
        self.broken = 0
        returns = SimpleNamespace(bind_lost=lambda bind: None)
        dispatch = SimpleNamespace(bind_came=self._came, bind_lost=lambda bind, now: None)
        self.pool: Any = SimpleNamespace(dispatch=dispatch, returns=returns)

    def _came(self, bind: PoolBind, now: float) -> None:
        if self.broken:
            self.broken -= 1
            raise RuntimeError("a defect")
        self.came_to.append(bind)
        self.came.set()

    def link(self) -> tuple[CarrierLink, Pipe]:
        session = Session("smsc", Timers(), 70_000, lambda _: None, 0.0)
        made = CarrierLink(session, self.carriers, self.in_force, lambda: False)
        pipe = Pipe()
        made.connection_made(pipe)
        session.enter("trx")
        return made, pipe


async def test_a_bind_is_dialled_again_after_refusals_defects_and_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
    place = Place()
    links = [place.link()[0] for _ in range(3)]
    defect = RuntimeError("in the dialler")
    place.carriers._dialler = Dialler(BindRefusedError(1, "no"), defect, links[0], links[1], links[2])  # type: ignore[assignment]
    # The first that stands meets a defect of its own, and is given up.
    place.broken = 1
    monkeypatch.setattr(links[0], "abort", lambda: place.carriers.carrier_gone(links[0]))
    place.carriers.begin(place.pool, ROUTE)
    await asyncio.wait_for(place.came.wait(), 60)
    assert [str(one) for one in told] == ["in the dialler", "a defect"]
    place.came.clear()
    place.carriers.carrier_gone(links[1])
    await asyncio.wait_for(place.came.wait(), 60)
    assert place.carriers.binds_of("one") == 1
    assert place.events == ["carrier.lost"] * 2
    await place.carriers.stop_dialling()


async def test_a_carrier_is_not_read_while_too_much_of_it_waits_for_the_disk() -> None:
    place = Place()
    link, pipe = place.link()
    place.carriers._dialler = Dialler(link)  # type: ignore[assignment]
    place.carriers.begin(place.pool, ROUTE)
    await asyncio.wait_for(place.came.wait(), 60)
    (bind,) = place.came_to
    bind.owed = 999
    link.set_reading()
    assert pipe.calls == []
    bind.owed = 1000
    link.set_reading()
    assert pipe.calls == ["pause_reading"]
    bind.owed = 999
    link.set_reading()
    assert pipe.calls == ["pause_reading", "resume_reading"]
    await place.carriers.stop_dialling()


async def test_timers_that_raise_end_their_bind_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
    place = Place()
    (bad, bad_pipe), (good, _) = place.link(), place.link()
    seen: list[float] = []
    for link in (bad, good):
        place.carriers.links[PoolBind("one", link.session, 10, 10.0)] = link
    monkeypatch.setattr(bad, "abort_if_stuck", lambda now: 1 / 0)
    monkeypatch.setattr(good, "abort_if_stuck", seen.append)
    place.carriers.tick(5.0)
    assert seen == [5.0]
    assert bad_pipe.calls == ["abort"]
    assert [type(one) for one in told] == [ZeroDivisionError]
