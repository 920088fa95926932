"""Lists go from the liaison officer to the department and into the merged list; a number that two claim is a case."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.core.purposes import Channel, Purpose
from proxy.core.records import Number, Period, Segment
from proxy.registry.claim_summary import Merged, Summary
from proxy.registry.claims import contested, digest_of
from proxy.registry.ports import VerbError
from proxy.registry.verb import VerbContext
from proxy.registry.verbs import perform
from proxy.store.sqlite import SqliteStore
from tests.store.open_store import BANK, LENDER, NOW_US, SECRET, owned, take_in

pytestmark = pytest.mark.unit

OFFICER = "林一（虚构）"
DEPUTY = "林二（虚构）"
EVER = {"since": "2026-01-01", "until": "2026-12-31"}


def liaison(institution: str, **change: str) -> dict[str, str]:
    row = {"institution": institution, "name": OFFICER, "contact": "0571-88880000", "deputy": DEPUTY}
    return row | {"since": "2026-01-01", "until": "forever"} | change


def submission(name: str, institution: str, department: str = "部门（虚构）") -> dict[str, str]:
    return {"id": name, "institution": institution, "department": department}


def claim(name: str, address: str, operator: str, **change: object) -> dict[str, object]:
    row = {"submission": name, "address": address, "operator": operator, "telecom": "通（虚构）"}
    return row | {"channels": "sms", "purposes": "marketing"} | EVER | change


class Desk:
    """Verbs on one store, as a person gives them."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.now_us = NOW_US

    async def __call__(self, verb: str, **args: Any) -> dict[str, Any]:
        self.now_us += 1
        context = VerbContext(self.store, self.store, SECRET, lambda: self.now_us, self.store.imports)
        return await perform(context, verb, args)

    async def refused(self, verb: str, **args: Any) -> str:
        with pytest.raises(VerbError) as caught:
            await self(verb, **args)
        return str(caught.value)

    async def accepted(self, name: str) -> None:
        await self("submission.submit", id=name, by=OFFICER)
        await self("submission.receive", id=name, receipt="R-1", by="乙")
        await self("submission.accept", id=name, by="丙")

    async def states(self) -> dict[str, str]:
        return {row["id"]: row["state"] for row in (await self("registry.submissions"))["rows"]}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with owned(tmp_path) as store:
        document: dict[str, list[dict[str, Any]]] = {
            "institutions": [BANK, LENDER],
            "liaisons": [liaison("bank"), liaison("lender")],
            "submissions": [submission("one", "bank"), submission("two", "lender"), submission("next", "bank")],
            "claims": [
                claim("one", "10690001", "bank", extensible=True),
                claim("one", "10690002", "bank"),
                claim("two", "10690001", "lender"),
                claim("two", "1069000177", "lender"),
                claim("two", "10690003", "lender"),
                claim("two", "10690002", "lender", since="2027-01-01", until="forever"),
                claim("next", "10690002", "bank"),
            ],
        }
        await take_in(store, document)
        yield Desk(store)


async def test_a_list_goes_its_way_and_each_step_is_an_event(desk: Desk) -> None:
    assert "liaison officer or deputy submits" in await desk.refused("submission.submit", id="one", by="甲")
    await desk("submission.submit", id="one", by=DEPUTY)
    assert "nothing to accept" in await desk.refused("submission.accept", id="one", by="丙")
    await desk("submission.receive", id="one", receipt="R-7", by="乙")
    assert "submitted it" in await desk.refused("submission.accept", id="one", by=DEPUTY)
    await desk("submission.accept", id="one", by="丙")
    await desk("submission.merge", id="one", by="丁")
    (row,) = [one for one in (await desk("registry.submissions"))["rows"] if one["id"] == "one"]
    assert (row["state"], row["numbers"], row["receipt"], row["submitted_by"], row["merged_by"]) == (
        "merged", 2, "R-7", DEPUTY, "丁"
    )  # fmt: skip
    events = [(one.verb, one.target) for one in await desk.store.measures()]
    assert events == [
        ("submission.submitted", "one bank, 2 numbers"),
        ("submission.received", "one bank, 2 numbers"),
        ("submission.accepted", "one bank, 2 numbers"),
        ("submission.merged", "one bank, 2 numbers, 0 cases"),
    ]


async def test_a_list_is_returned_with_a_reason_only(desk: Desk) -> None:
    await desk("submission.submit", id="one", by=OFFICER)
    assert "reason is missing" in await desk.refused("submission.return", id="one", by="乙")
    await desk("submission.return", id="one", by="乙", reason="用途不全")
    assert "nothing to receive" in await desk.refused("submission.receive", id="one", receipt="R", by="乙")
    assert (await desk.states())["one"] == "returned"


async def test_nobody_submits_for_an_institution_without_a_liaison_officer(desk: Desk) -> None:
    await take_in(desk.store, {"liaisons": [liaison("bank", until="2026-03-01")]})
    assert "no liaison officer today" in await desk.refused("submission.submit", id="one", by=OFFICER)


async def test_a_list_that_was_changed_since_goes_no_further(desk: Desk) -> None:
    await desk("submission.submit", id="one", by=OFFICER)
    await take_in(desk.store, {"claims": [claim("one", "10690009", "bank")]})
    assert "changed since it was submitted" in await desk.refused("submission.receive", id="one", receipt="R", by="乙")
    await desk("submission.return", id="one", by="乙", reason="已变更")


async def test_a_file_does_not_take_a_list_back_to_its_draft(desk: Desk) -> None:
    await desk("submission.submit", id="one", by=OFFICER)
    await take_in(desk.store, {"submissions": [submission("one", "bank")]})
    assert (await desk.states())["one"] == "submitted"


async def test_a_number_of_two_claimants_is_a_case_until_it_is_settled(desk: Desk) -> None:
    await desk.accepted("one")
    await desk.accepted("two")
    await desk("submission.merge", id="one", by="丁")
    made = await desk("submission.merge", id="two", by="丁")
    cases = (await desk("registry.claim_cases"))["rows"]
    assert {(one["address"], one["holder"], one["claimant"], one["state"]) for one in cases} == {
        ("10690001", "bank", "lender", "open"),
        ("1069000177", "bank", "lender", "open"),
    }
    assert set(made["cases"]) == {one["id"] for one in cases}
    case = cases[0]["id"]
    assert "must be bank, lender or both" in await desk.refused("case.settle", id=case, whose="x", by="丁", reason="-")
    await desk("case.settle", id=case, whose="bank", by="丁", reason="在先")
    assert "settled for bank already" in await desk.refused("case.settle", id=case, whose="both", by="丁", reason="-")


async def test_the_next_list_of_an_institution_takes_the_place_of_its_former(desk: Desk) -> None:
    await desk.accepted("one")
    await desk("submission.merge", id="one", by="丁")
    await desk.accepted("next")
    assert (await desk("submission.merge", id="next", by="丁"))["replaced"] == ["one"]
    assert await desk.states() == {"next": "merged", "one": "replaced", "two": "draft"}
    await desk.accepted("two")
    assert (await desk("submission.merge", id="two", by="丁"))["cases"] == []


@pytest.mark.parametrize(
    ("mine", "held", "found"),
    [
        ({"address": "10690001"}, {"address": "10690001"}, {"10690001"}),
        ({"address": "10690001"}, {"address": "10690002"}, set()),
        ({"address": "1069000177"}, {"address": "10690001", "extensible": 1}, {"1069000177"}),
        ({"address": "1069000177"}, {"address": "10690001"}, set()),
        ({"address": "10690001", "extensible": 1}, {"address": "1069000177"}, {"1069000177"}),
        ({"address": "10690001"}, {"address": "1069000177"}, set()),
        ({"address": "10690001", "since": 10}, {"address": "10690001", "until": 10}, set()),
        ({"address": "10690001", "since": 9}, {"address": "10690001", "until": 10}, {"10690001"}),
        ({"address": "JLBANK"}, {"address": "JLB", "extensible": 1}, set()),
    ],
)
def test_which_claims_are_of_one_number(mine: dict[str, Any], held: dict[str, Any], found: set[str]) -> None:
    blank = {"extensible": 0, "since": 0, "until": 20}
    assert {
        address for address, whose in contested([blank | mine], [("bank", blank | held)]) if whose == "bank"
    } == found


def test_a_digest_is_of_what_is_claimed_and_not_of_its_order() -> None:
    rows = [{"submission": "a", "address": "1", "until": 2}, {"submission": "a", "address": "2", "until": 2}]
    assert digest_of(rows) == digest_of([row | {"submission": "b"} for row in reversed(rows)])
    assert digest_of(rows) != digest_of(rows[:1])
    assert digest_of(rows) != digest_of([rows[0], rows[1] | {"until": 3}])


def test_a_summary_counts_by_department_and_segment() -> None:
    channels: frozenset[Channel] = frozenset(("sms",))
    purposes: frozenset[Purpose] = frozenset(("marketing",))
    segment = Segment("finance", "10690", "10691", channels, purposes, Period())

    def merged(department: str, address: str, principal: str, *, extensible: bool = False) -> Merged:
        return Merged(department, Number(address, principal, principal, channels, purposes, Period(), extensible))

    rows = [
        merged("一局", "10690001", "bank", extensible=True),
        merged("一局", "10690002", "bank"),
        merged("一局", "95533", "lender"),
        merged("二局", "10690002", "lender"),
        merged("二局", "10690009", "fund"),
    ]
    summary = Summary(rows, [segment], {("10690009", "fund"): "bank"})
    summary.case("10690002", "bank")
    summary.use("1069000177", "bank", 3, 1)
    summary.use("10690002", "lender", 2, 0)
    summary.use("10690555", "bank", 0, 5)
    told = {(row.pop("department"), row.pop("segment")): list(row.values()) for row in summary.rows}
    assert told == {
        ("一局", "finance"): [1, 2, 1, 1, 3, 1],
        ("一局", "-"): [1, 1, 0, 0, 0, 0],
        ("二局", "finance"): [1, 1, 0, 1, 2, 0],
        ("-", "finance"): [0, 0, 0, 1, 0, 5],
    }


async def test_the_same_two_do_not_make_the_same_case_again(desk: Desk) -> None:
    await take_in(
        desk.store,
        {"submissions": [submission("again", "bank")], "claims": [claim("again", "10690001", "bank", extensible=True)]},
    )
    for name in ("one", "two", "again"):
        await desk.accepted(name)
        await desk("submission.merge", id=name, by="丁")
    assert len((await desk("registry.claim_cases"))["rows"]) == 2
