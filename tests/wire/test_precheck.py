"""A list checked beforehand tells what a send then meets, notes that it was asked, and counts nobody as contacted."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.evidence.records import Note
from tests.tools.wire import SUBMIT_SM
from tests.wire.api_house import ApiHouse
from tests.wire.house import reply, text
from tests.wire.people import IMPORTED, NOBODY, PERSONS, TEXT

pytestmark = pytest.mark.wire

CODES = {0: "permitted", 0x0428: "consent.missing", 0x0429: "suppression.active", 0x0441: "frequency.cap"}
ROOT = Path(__file__).resolve().parents[2]
CAP = """
[[frequency]]
purposes = ["collection"]
channels = ["sms", "voice"]
most = 2
hours = 24
basis = "product default"
"""


@pytest.fixture
async def house(template: Path, tmp_path: Path) -> AsyncIterator[ApiHouse]:
    async with ApiHouse(template, tmp_path) as made:
        yield made


def bare(person: str) -> str:
    return person.removeprefix("86")


async def test_a_list_meets_what_a_send_meets(house: ApiHouse) -> None:
    await house.open(api={"precheck_rows_per_day": 40, "precheck_rows_most": 12})
    await house.token("jl", "jianglan", "precheck")
    await house.token("yx", "yunxiu", "precheck", "suppressions:write")
    esme = await house.bind("jl")
    assert (await esme.request(SUBMIT_SM, text(to=PERSONS[1]))).status == 0
    assert (await house.hear("jl", reply("TD", person=PERSONS[1]))).status == 0
    persons = [PERSONS[0], PERSONS[1], IMPORTED, NOBODY, PERSONS[2]]

    # A spreadsheet of GB18030 with a Chinese heading, and one with a mark and quotes: the same answer.
    written = "序号,手机号码\r\n" + "".join(f"{at},{bare(person)}\r\n" for at, person in enumerate(persons))
    list_cn, list_utf = house.folder / "名单.csv", house.folder / "list.csv"
    list_cn.write_bytes(written.encode("gb18030"))
    list_utf.write_bytes(b"\xef\xbb\xbf" + written.replace("手机号码", "number").encode())
    asked = ("--account", "jl", "--channel", "sms", "--purpose", "marketing", "--from", "10690001", "--json")
    told = []
    for file in (list_cn, list_utf):
        code, out, err = await house.command("precheck", file, *asked)
        assert code == 0, err
        told.append(json.loads(out)["rows"])
        assert not any(bare(person) in out + err for person in persons)
    assert told[0] == told[1]
    assert [row["row"] for row in told[0]] == [2, 3, 4, 5, 6]
    body: dict[str, Any] = {"channel": "sms", "purpose": "marketing", "account": "jl", "from": "10690001"}
    answer = await house.ask("jl", "POST", "/api/v1/precheck", body | {"recipients": [bare(one) for one in persons]})
    results = [row["result"] for row in told[0]]
    assert (answer.status, answer.json["results"]) == (200, results)
    sent = [CODES[(await esme.request(SUBMIT_SM, text(to=person, said=TEXT))).status] for person in persons]
    assert results == sent == ["permitted", "suppression.active", "suppression.active", "consent.missing", "permitted"]

    # Without a number one of the library is taken; a wrong one is refused for all, whoever the person is.
    answer = await house.ask("jl", "POST", "/api/v1/precheck", body | {"from": "", "recipients": [bare(IMPORTED)]})
    assert answer.json["results"] == ["suppression.active"]
    answer = await house.ask(
        "jl", "POST", "/api/v1/precheck", body | {"from": "10690999", "recipients": [bare(IMPORTED)]}
    )
    assert answer.json["results"] == ["number.unregistered"]
    # Rows that are wrong have their place; another's account is none; nobody speaks for others.
    answer = await house.ask(
        "jl", "POST", "/api/v1/precheck", body | {"recipients": [bare(PERSONS[0]), "１３８００１３８０００", "10086"]}
    )
    assert answer.json["results"] == ["permitted", "invalid", "invalid"]
    assert [one["row"] for one in answer.json["problems"]] == [1, 2]
    answer = await house.ask("yx", "POST", "/api/v1/precheck", body | {"recipients": [bare(PERSONS[0])]})
    assert (answer.status, answer.json["field"]) == (400, "account")
    answer = await house.ask("yx", "POST", "/api/v1/precheck", body | {"institution": "jianglan", "recipients": ["1"]})
    assert answer.status == 403
    for few in ([], ["1"] * 13):
        assert (await house.ask("jl", "POST", "/api/v1/precheck", body | {"recipients": few})).status == 400
    wrong = house.folder / "wrong.csv"
    wrong.write_text("number\n1.38E+10\n13800138000\n\n13800138001,1\n١٣٨٠٠١٣٨٠٠٠\n")
    code, out, err = await house.command("precheck", wrong, *asked)
    assert (code, [one["row"] for one in json.loads(out)["problems"]]) == (1, [2, 5, 6])

    # Noted, with a count and no number; more than the day's rows are not checked.
    notes = [one for one in house.records() if isinstance(one, Note) and one.topic == "precheck"]
    assert notes[0].text == "principal jianglan account jl channel sms purpose marketing rows 5"
    assert (notes[2].actor.startswith("token "), notes[0].actor) == (True, "command")
    many = {"recipients": [bare(one) for one in PERSONS[:12]]}
    codes = [(await house.ask("jl", "POST", "/api/v1/precheck", body | many)) for _ in range(3)]
    assert codes[-1].status == 429
    assert int(codes[-1].headers["retry-after"]) > 100
    await house.kill_all()
    code, _, err = await house.command("precheck", list_cn, *asked)
    assert (code, "not running" in err) == (1, True)


async def test_a_check_is_no_contact_and_tells_of_a_cap_what_a_send_meets(house: ApiHouse) -> None:
    pack = house.folder / "own.toml"
    pack.write_text((ROOT / "config/packs/cn-open.toml").read_text("utf-8") + CAP, "utf-8")
    await house.open(policy={"pack": str(pack), "packs": []})
    esme = await house.bind("jl-col")
    file = house.folder / "list.csv"
    file.write_text(f"number\n{bare(PERSONS[0])}\n{bare(PERSONS[1])}\n")
    asked = ("--principal", "jianglan", "--channel", "sms", "--purpose", "collection", "--json")
    seen = []
    for _ in range(4):
        code, out, err = await house.command("precheck", file, *asked)
        assert code == 0, err
        seen.append([row["result"] for row in json.loads(out)["rows"]])
        status = (await esme.request(SUBMIT_SM, text("10690003", PERSONS[0]))).status
        assert CODES[status] == seen[-1][0]
    assert [one for one, _ in seen] == ["permitted", "permitted", "frequency.cap", "frequency.cap"]
    assert {other for _, other in seen} == {"permitted"}
    await house.end()
