"""Numbers come into the library by application or report; attestations keep it fresh; every step is an event."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.core.bound import EMPTY_SHELF
from proxy.core.pack import Pack
from proxy.core.records import Segment
from proxy.registry.expiring import Ending, ending
from proxy.registry.ports import StaleError, VerbError
from proxy.registry.snapshots import build_snapshot
from proxy.registry.verb import VerbContext
from proxy.registry.verbs import perform
from proxy.store.sqlite import SqliteStore
from tests.store.open_store import BANK, LENDER, NOW_US, SECRET, owned, take_in
from tests.tools.words import reader

pytestmark = pytest.mark.unit

SHOP = {"id": "shop", "name": "示例商城（虚构）", "kind": "other"}
AGENCY = {"id": "agency", "name": "合作方（虚构）", "since": "2026-01-01", "until": "forever"}
SEGMENT = {
    "id": "finance",
    "first": "1069055",
    "last": "1069059",
    "channels": "sms",
    "purposes": "marketing",
    "department": "主管部门（虚构）",
    "since": "2026-01-01",
    "until": "forever",
}
NUMBER = {
    "address": "10690551",
    "principal": "bank",
    "telecom": "示例通信（虚构）",
    "channels": "sms",
    "purposes": "marketing",
    "since": "2026-01-01",
    "until": "2026-12-31",
}


class Desk:
    """Verbs on one store, as a person gives them."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.now_us = NOW_US

    async def __call__(self, verb: str, **args: Any) -> dict[str, Any]:
        context = VerbContext(self.store, self.store, SECRET, lambda: self.now_us, self.store.imports)
        return await perform(context, verb, args)

    async def refused(self, verb: str, **args: Any) -> str:
        with pytest.raises(VerbError) as caught:
            await self(verb, **args)
        return str(caught.value)

    async def addresses(self) -> list[str]:
        return [row["address"] for row in (await self("registry.numbers"))["rows"]]

    async def events(self) -> list[tuple[str, str, str]]:
        return [(one.verb, one.target, one.by) for one in await self.store.measures()]


def liaison(institution: str) -> dict[str, str]:
    return {
        "institution": institution,
        "name": "林一（虚构）",
        "contact": "0571-88880000",
        "since": "2026-01-01",
        "until": "forever",
    }


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with owned(tmp_path) as store:
        await take_in(
            store,
            {
                "institutions": [BANK, LENDER, SHOP],
                "partners": [AGENCY],
                "liaisons": [liaison("bank"), liaison("shop")],
                "segments": [SEGMENT],
            },
        )
        yield Desk(store)


@pytest.mark.parametrize(
    ("verb", "address", "path", "event"),
    [
        ("number.apply", "10690551", "application", "number.applied"),
        ("number.report", "10690001", "report", "number.reported"),
    ],
)
async def test_a_number_enters_the_library_when_somebody_else_accepts(
    desk: Desk, verb: str, address: str, path: str, event: str
) -> None:
    made = await desk(verb, **(NUMBER | {"address": address, "operator": "agency", "by": "甲"}))
    assert await desk.addresses() == []
    assert "waiting" in await desk.refused(verb, **(NUMBER | {"address": address, "by": "甲"}))
    assert "somebody else" in await desk.refused("intake.accept", id=made["id"], by="甲")
    await desk("intake.accept", id=made["id"], by="乙")
    assert "accepted already" in await desk.refused("intake.accept", id=made["id"], by="丙")
    ((row),) = (await desk("registry.numbers"))["rows"]
    assert (row["address"], row["principal"], row["operator"], row["until"]) == (
        address, "bank", "agency", "2026-12-31"
    )  # fmt: skip
    (intake,) = (await desk("registry.intakes"))["rows"]
    assert (intake["path"], intake["state"], intake["decided_by"]) == (path, "accepted", "乙")
    assert await desk.events() == [
        (event, f"{address} bank", "甲"),
        ("number.added", f"{address} bank ({path})", "乙"),
    ]


async def test_what_is_returned_enters_nothing_and_can_be_submitted_anew(desk: Desk) -> None:
    made = await desk("number.apply", **NUMBER, by="甲")
    assert "reason is missing" in await desk.refused("intake.return", id=made["id"], by="乙")
    await desk("intake.return", id=made["id"], by="乙", reason="材料不全")
    assert await desk.addresses() == []
    assert "returned already" in await desk.refused("intake.accept", id=made["id"], by="丙")
    desk.now_us += 1_000_000
    again = await desk("number.apply", **NUMBER, by="甲")
    assert again["id"] != made["id"]
    assert [event for event, _, _ in await desk.events()] == ["number.applied", "number.returned", "number.applied"]


@pytest.mark.parametrize(
    ("verb", "change", "says"),
    [
        ("number.apply", {"address": "10690001"}, "no special segment holds"),
        ("number.apply", {"address": "1.069E8"}, "exponent"),
        ("number.apply", {"principal": "nobody"}, "not registered"),
        ("number.apply", {"principal": "lender"}, "no liaison officer"),
        ("number.report", {"principal": "lender"}, "no liaison officer"),
        ("number.apply", {"principal": "shop"}, "no financial institution"),
        ("number.report", {"principal": "shop"}, "no financial institution"),
        ("number.apply", {"operator": "lender"}, "principal itself or a partner"),
        ("number.apply", {"until": "2025-01-01"}, "lies before since"),
        ("number.report", {"purposes": "spam"}, "unknown spam"),
    ],
)
async def test_what_cannot_be_submitted(desk: Desk, verb: str, change: dict[str, str], says: str) -> None:
    assert says in await desk.refused(verb, **(NUMBER | change), by="甲")
    assert await desk.events() == []


async def test_whoever_is_no_financial_institution_may_report_an_ordinary_number(desk: Desk) -> None:
    await desk("number.report", **(NUMBER | {"address": "10690001", "principal": "shop"}), by="甲")


async def test_a_number_that_another_holds_is_not_applied_for(desk: Desk) -> None:
    await take_in(desk.store, {"numbers": [NUMBER | {"principal": "lender", "operator": "lender"}]})
    assert "held by lender" in await desk.refused("number.apply", **NUMBER, by="甲")
    assert [event for event, _, _ in await desk.events()] == ["number.added"]


async def test_an_intake_does_not_overlap_what_the_library_holds(desk: Desk) -> None:
    made = await desk("number.report", **NUMBER, by="甲")
    await take_in(desk.store, {"numbers": [NUMBER | {"operator": "bank", "since": "2026-03-01"}]})
    assert "overlaps" in await desk.refused("intake.accept", id=made["id"], by="乙")


async def test_no_number_is_activated_after_the_liaison_officer_left(desk: Desk) -> None:
    made = await desk("number.apply", **NUMBER, by="甲")
    await take_in(desk.store, {"liaisons": [liaison("bank") | {"until": "2026-03-01"}]})
    assert "no liaison officer" in await desk.refused("intake.accept", id=made["id"], by="乙")


async def test_of_two_who_decide_the_second_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await desk("number.apply", **NUMBER, by="甲")
    amend = desk.store.amend

    async def late(*args: Any, **named: Any) -> None:
        monkeypatch.setattr(desk.store, "amend", amend)
        await desk("intake.return", id=made["id"], by="丙", reason="不符")
        await amend(*args, **named)

    monkeypatch.setattr(desk.store, "amend", late)
    assert "somebody changed it meanwhile" in await desk.refused("intake.accept", id=made["id"], by="乙")
    assert await desk.addresses() == []
    assert StaleError


async def test_segments_and_attestations_reach_the_policy(desk: Desk) -> None:
    await desk("library.attest", institution="bank", by="甲", reason="季度")
    desk.now_us += 86_400_000_000
    await desk("library.attest", institution="bank", by="乙")
    assert "not registered" in await desk.refused("library.attest", institution="nobody", by="甲")
    pack = Pack("test", 1, library_attest_days=30)
    snapshot = await build_snapshot(desk.store, SECRET.person_key, pack, reader())
    assert snapshot.shelf == EMPTY_SHELF
    assert snapshot.attested == {"bank": desk.now_us // 1_000_000}
    (one,) = snapshot.segments
    assert isinstance(one, Segment)
    assert (one.id, one.covers("10690551"), one.covers("10690601"), one.covers("106905")) == (
        "finance", True, False, False
    )  # fmt: skip
    assert (await desk.events())[-1] == ("library.attested", "bank, 0 numbers", "乙")
    until = desk.now_us // 1_000_000 + 30 * 86_400
    told = ending(snapshot, until - 86_400, 2)
    assert Ending("library", "bank", until) in told


async def test_a_library_is_counted_by_unit_and_channel(desk: Desk) -> None:
    def row(address: str, operator: str = "bank", **change: object) -> dict[str, object]:
        return NUMBER | {"address": address, "operator": operator} | change

    given = {"institution": "bank", "purposes": "marketing", "channels": "sms"}
    await take_in(
        desk.store,
        {
            "partners": [AGENCY | {"id": "other"}],
            "entrustments": [given | {"partner": "agency", "since": "2026-01-01", "until": "forever"}],
            "numbers": [
                row("10690001", channels="sms;voice"),
                row("10690002"),
                row("10690003", "agency"),
                row("10690004", "other", channels="voice"),
                row("10690005", until="2026-02-01"),
                row("10690006", since="2026-12-01"),
                row("10690007", disposed=True),
            ],
        },
    )
    await desk("library.attest", institution="bank", by="甲")
    found = {one["institution"]: one for one in (await desk("registry.libraries"))["rows"]}
    assert set(found) == {"bank", "lender", "shop"}
    counts = [value for name, value in found["bank"].items() if isinstance(value, int)]
    assert counts == [2, 1, 1, 1, 1, 2, 1]
    assert (found["bank"]["attested_by"], found["lender"]["attested"]) == ("甲", "")
    (only,) = (await desk("registry.libraries", institution="shop"))["rows"]
    assert only["own_sms"] == 0
