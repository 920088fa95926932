"""What verbs did is noted in the evidence, at least once; what ends soon is told, once a day."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from proxy.core.pack import Pack
from proxy.core.persons import PersonKey
from proxy.core.records import FOREVER, Liaison, Partner, Period, Telecom
from proxy.core.snapshot import Snapshot
from proxy.measures import Endings, Measures
from proxy.registry.ports import StoreError
from proxy.store.sqlite import SqliteStore
from tests.store.open_store import owned

pytestmark = pytest.mark.unit

DAY_S = 86_400
NOW = 1_780_000_000.0


class Heard:
    """What was noted and logged."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, str, str]] = []
        self.events: list[tuple[str, dict[str, Any]]] = []

    def note(self, topic: str, actor: str, text: str) -> None:
        self.notes.append((topic, actor, text))

    def log(self, event: str, **fields: Any) -> None:
        self.events.append((event, fields))


async def test_what_was_done_without_a_proxy_is_noted_later_and_once(tmp_path: Path) -> None:
    heard = Heard()
    async with owned(tmp_path) as store:
        for number in range(3):
            await store.hold("account", f"acct{number}", "fraud", "officer")
    async with owned(tmp_path) as store:
        measures = Measures(store, heard, heard.log)
        await measures.note()
        await measures.note()
        assert heard.notes == [("hold.add", "officer", f"account acct{n} (fraud) [{n + 1}]") for n in range(3)]
        assert heard.events == []
        await store.amend("onboarding.approved", "acct", [], reason="", by="丙")
        await measures.note()
        assert heard.notes[3:] == [("onboarding.approved", "丙", "acct [4]")]
        assert heard.events == [("onboarding.approved", {"target": "acct"})]


async def test_a_store_that_fails_is_told_and_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Heard()

    async def fails(*_: object, **__: object) -> None:
        raise StoreError("disk")

    async with owned(tmp_path) as store:
        await store.hold("account", "acct", "fraud", "officer")
        measures = Measures(store, heard, heard.log)
        with monkeypatch.context() as broken:
            broken.setattr(SqliteStore, "measures", fails)
            await measures.note()
        assert heard.events == [("measure.failed", {})]
        await measures.note()
        assert len(heard.notes) == 1


def snapshot(**records: Any) -> Snapshot:
    return replace(Snapshot(1, Pack("test", 1), PersonKey(bytes(16), 1)), **records)


def telecom(name: str, days: float) -> Telecom:
    return Telecom(name, name, "carrier", Period(0, int(NOW + days * DAY_S)), "1")


def test_what_ends_soon_is_told_once_a_day() -> None:
    heard = Heard()
    endings = Endings(30, heard.log)
    soon = {
        one.id: one for one in (telecom("now", -0.5), telecom("soon", 29), telecom("late", 31), telecom("gone", -2))
    }
    soon["ever"] = replace(soon["late"], id="ever", licence=Period(0, FOREVER))
    found = snapshot(telecoms=soon, liaisons={"bank": (Liaison("bank", "林一", Period(0, int(NOW) + 60)),)})
    endings.look(found, NOW)
    told = [(fields["kind"], fields["name"]) for _, fields in heard.events]
    assert told == [("telecom", "now"), ("liaison", "bank"), ("telecom", "soon")]
    endings.look(found, NOW + 1)
    assert len(heard.events) == 3
    endings.look(snapshot(telecoms={"soon": soon["soon"]}), NOW + DAY_S)
    assert len(heard.events) == 4
    endings.days = 0
    endings.look(found, NOW + 5 * DAY_S)
    assert len(heard.events) == 4


async def test_beside_the_wire_the_same_is_told_in_turns_and_of_the_newest_records() -> None:
    heard, beside = Heard(), Heard()
    partners = {f"p{place}": Partner(f"p{place}", "示例（虚构）", Period(0, int(NOW) + 60)) for place in range(1200)}
    found = snapshot(partners=partners, telecoms={"soon": telecom("soon", 29)})
    Endings(30, heard.log).look(found, NOW)
    endings = Endings(30, beside.log)
    first = asyncio.ensure_future(endings.look_beside(found, NOW))
    await asyncio.sleep(0)
    assert beside.events == []
    await first
    assert beside.events == heard.events
    assert len(beside.events) == 1201


async def test_records_that_come_while_somebody_looks_are_looked_at_as_well() -> None:
    heard = Heard()
    endings = Endings(30, heard.log)
    partners = {f"p{place}": Partner(f"p{place}", "示例（虚构）", Period()) for place in range(1200)}
    first = asyncio.ensure_future(endings.look_beside(snapshot(partners=partners), NOW))
    await asyncio.sleep(0)
    await endings.look_beside(snapshot(partners=partners, telecoms={"soon": telecom("soon", 29)}), NOW)
    assert heard.events == []
    await first
    assert [fields["name"] for _, fields in heard.events] == ["soon"]
