"""Refusals are handed over for suppressing, page by page, to who may have them, and each page is noted before."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.evidence.records import Note
from tests.wire.api_house import ApiHouse
from tests.wire.house import reply
from tests.wire.people import IMPORTED, PERSONS

pytestmark = pytest.mark.wire

EXPORT = "/api/v1/suppressions/export?purpose=suppress"


@pytest.fixture
async def house(template: Path, tmp_path: Path) -> AsyncIterator[ApiHouse]:
    async with ApiHouse(template, tmp_path) as made:
        yield made


def bare(person: str) -> str:
    return person.removeprefix("86")


async def test_new_refusals_go_to_who_may_have_them_and_are_noted_before(house: ApiHouse) -> None:
    await house.open()
    await house.token("jl", "jianglan", "suppressions:write", "export")
    await house.token("yx", "yunxiu", "suppressions:write", "export")
    await house.bind("jl")
    assert (await house.hear("jl", reply("TD", person=PERSONS[1]))).status == 0
    told = {"recipient": bare(PERSONS[2]), "source": "app"}
    assert (await house.ask("yx", "POST", "/api/v1/suppressions", told)).status == 201

    mark, out = house.folder / "mark", house.folder / "new.csv"
    asked = ("suppress", "export", "--institution", "jianglan", "--purpose", "suppress", "--by", "李四（虚构）")
    asked += ("--mark-file", str(mark), "--json")
    code, shown, err = await house.command(*asked, "--receiver", "yuanlu", "--out", out)
    assert (code, err) == (0, "")
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["number"] for row in rows] == [IMPORTED, PERSONS[1]]
    assert list(rows[0]) == ["number", "closes", "at"]
    assert rows[1]["closes"] == "marketing/sms;marketing/voice"
    assert (out.stat().st_mode & 0o777, json.loads(shown)["rows_written"]) == (0o600, 2)
    # From the mark on nothing is new; one more refusal is; another's never; what was lifted is left out.
    code, shown, _ = await house.command(*asked, "--out", house.folder / "none.csv")
    assert (code, json.loads(shown)["rows_written"]) == (0, 0)
    for person in PERSONS[3:6]:
        assert (await house.hear("jl", reply("TD", person=person))).status == 0
    assert (await house.hear("jl", reply("START", person=PERSONS[4]))).status == 0
    first = await house.ask("jl", "GET", f"{EXPORT}&after={int(mark.read_text())}&most=1")
    assert [row["number"] for row in first.json["rows"]] == [PERSONS[3]]
    rest = await house.ask("jl", "GET", f"{EXPORT}&after={first.json['mark']}&receiver=yuanlu")
    assert ([row["number"] for row in rest.json["rows"]], rest.json["more"]) == ([PERSONS[5]], False)
    assert [row["number"] for row in (await house.ask("yx", "GET", EXPORT)).json["rows"]] == [PERSONS[2]]

    # For nothing else, to nobody else, not twice into one file; a mark that is none is not taken for 0.
    for change, field in (("purpose=sell", "purpose"), ("purpose=suppress&receiver=yunxiu", "receiver")):
        answer = await house.ask("jl", "GET", f"/api/v1/suppressions/export?{change}")
        assert (answer.status, answer.json["field"]) == (400, field)
    for wrong in ("after=-1", "most=0", "most=501", "after=1&after=2", "after=%D9%A3"):
        assert (await house.ask("jl", "GET", f"{EXPORT}&{wrong}")).status == 400
    assert (await house.command(*asked, "--out", out))[0] == 2
    mark.write_text("1e3")
    assert (await house.command(*asked, "--out", house.folder / "again.csv"))[0] == 1
    assert not (house.folder / "again.csv").exists()

    notes = await house.record(lambda one: isinstance(one, Note) and one.topic == "suppressions.exported", 5)
    assert notes[0].text.startswith("jianglan to yuanlu, rows 2, marks 0 to ")
    assert notes[0].actor == "李四（虚构）"
    assert notes[2].actor.startswith("token ")
    # Where who gets them cannot be noted, no number leaves.
    holding = sqlite3.connect(house.state / "registry.db", isolation_level=None)
    holding.execute("BEGIN IMMEDIATE")
    assert (await house.ask("jl", "GET", EXPORT)).status == 503
    holding.execute("ROLLBACK")
    holding.close()
    await house.end()
