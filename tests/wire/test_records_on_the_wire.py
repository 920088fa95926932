"""Who stands in the chain, on the socket: for each record a permitted request and a refused one that differ in it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.evidence.records import Note
from tests.tools.wire import SUBMIT_SM
from tests.wire.house import ROOT, House, make_template, reply, text
from tests.wire.people import PASSWORD, PERSONS, TEXT, TEXTS, account, number, registry

pytestmark = pytest.mark.wire

EVER = {"since": "2026-01-01", "until": "2099-12-31"}
OVER = {"since": "2025-01-01", "until": "2026-01-02"}
MARKETING = {"purposes": ["marketing"], "channels": ["sms"]}
COLLECTION = {"purposes": ["collection"], "channels": ["sms"]}
HANGZHOU, NANJING = "057188880000", "02588880000"
REVIEWED = {"state": "reviewed", "submitted_by": "甲", "reviewed": "2026-01-02", "reviewed_by": "乙"}


def telecom(id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "name": f"{id}（虚构）", "kind": "carrier", "licence_no": "A2", **EVER} | more


def passed_on(partner: str, parent: str = "", **more: Any) -> dict[str, Any]:
    return {"institution": "jianglan", "partner": partner, **MARKETING, **EVER, "parent": parent} | more


CHAIN = registry(
    institutions=[{"id": "lihe", "name": "里禾小贷（虚构）", "kind": "microloan", "region": "浙江"}],
    licences=[
        {
            "institution": "lihe",
            **COLLECTION,
            **EVER,
            "issuer": "省局（虚构）",
            "issuer_level": "local",
            "region": "浙江",
        }
    ],
    partners=[{"id": name, "name": f"{name}（虚构）", **EVER} for name in ("mingting", "suiyuan", "zhiyuan")],
    entrustments=[
        passed_on("yuanlu", **COLLECTION),
        passed_on("mingting"),
        passed_on("suiyuan", "mingting"),
        passed_on("zhiyuan", "yuanlu", **OVER),
    ],
    numbers=[
        number("10690021", "jianglan", "marketing", telecom="lapsed"),
        number("10690022", "lihe", "collection"),
        number("10690031", "jianglan", "collection", operator="yuanlu"),
        number("10690023", "jianglan", "marketing", operator="mingting"),
        number("10690024", "jianglan", "marketing", operator="suiyuan"),
        number("10690025", "jianglan", "marketing", operator="zhiyuan"),
    ],
    accounts=[
        account("jl-tong", "jianglan", "marketing", telecoms=["tong", "platform"]),
        account("jl-lapsed", "jianglan", "marketing", telecoms=["tong", "lapsed"]),
        account("lh", "lihe", "collection", telecoms=["tong"]),
        account("lh-js", "lihe", "collection", telecoms=["tong", "elsewhere"]),
        account("yl-col", "jianglan", "collection", operator="yuanlu"),
        account("mt", "jianglan", "marketing", operator="mingting"),
        account("sy", "jianglan", "marketing", operator="suiyuan"),
        account("zy", "jianglan", "marketing", operator="zhiyuan"),
    ],
) | {
    "telecoms": [
        telecom("tong", name="示例通信（虚构）"),
        telecom("platform", kind="sms_platform"),
        telecom("elsewhere", kind="sms_platform", region="江苏"),
        telecom("lapsed", **OVER),
    ],
    "debtors": [
        {"recipient": person, "institution": "jianglan", "role": role, "verified": "2026-03-01"}
        for person, role in zip(PERSONS[:4], ("debtor", "guarantor", "contact", "debtor"), strict=True)
    ],
    "debtor_notices": [
        {"recipient": PERSONS[1], "institution": "jianglan", "partner": "yuanlu", "at": "2026-03-01", "way": "信函"}
    ],
    "templates": [
        {"id": "jl", "institution": "jianglan", "purposes": ["marketing"], "text": TEXT, **REVIEWED},
        {"id": "lh", "institution": "lihe", "purposes": ["collection"], "text": TEXTS["10690022"], **REVIEWED},
    ],
}


@pytest.fixture(scope="module")
def chain_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("chain") / "template", CHAIN)


@pytest.fixture
async def house(chain_template: Path, tmp_path: Path) -> AsyncIterator[House]:
    async with House(chain_template, tmp_path) as made:
        yield made


def asking(house: House, *rules: str) -> dict[str, Any]:
    """The settings of a pack that names these rules."""
    pack = house.folder / "asks.toml"
    asks = "".join(f'\n[rules."{rule}"]\nbasis = "product default"\n' for rule in rules)
    pack.write_text((ROOT / "config/packs/cn-open.toml").read_text("utf-8") + asks, "utf-8")
    # WHY alone: packs of provinces close at night, and a test runs at any hour.
    return {"pack": pack, "packs": []}


async def test_collection_reaches_the_right_person_who_was_told_and_does_not_object(house: House) -> None:
    await house.start(policy=asking(house, "debtor.unknown", "debtor.uninformed", "collection.objection"))
    own, partner = await house.bind("jl-col"), await house.bind("yl-col")

    async def asked(by: Any, source: str, person: str) -> int:
        return int((await by.request(SUBMIT_SM, text(source, person))).status)

    assert await asked(own, "10690003", PERSONS[0]) == 0
    assert await asked(own, "10690003", PERSONS[2]) == 0x042C
    assert await asked(own, "10690003", PERSONS[4]) == 0x042C
    assert (await house.command("debtor", "add", PERSONS[4], "--institution", "jianglan", "--role", "debtor"))[0] == 0
    assert await asked(own, "10690003", PERSONS[4]) == 0
    assert await asked(partner, "10690031", PERSONS[1]) == 0
    assert await asked(partner, "10690031", PERSONS[0]) == 0x042D
    told = ("--institution", "jianglan", "--partner", "yuanlu", "--way", "信函")
    assert (await house.command("notice", "add", PERSONS[0], *told))[0] == 0
    assert await asked(partner, "10690031", PERSONS[0]) == 0
    # Refused for calls only: what is open is the objection.
    closing = ("--institution", "jianglan", "--purposes", "collection", "--channels", "voice", "--source", "hotline")
    assert (await house.command("suppress", "add", PERSONS[3], *closing))[0] == 0
    assert await asked(own, "10690003", PERSONS[3]) == 0x042E
    settled = ("--institution", "jianglan", "--outcome", "虚构", "--by", "甲")
    assert (await house.command("objection", "settle", PERSONS[3], *settled))[0] == 0
    assert await asked(own, "10690003", PERSONS[3]) == 0
    # A TD to a collection closes the channel it came on, and opens an objection besides.
    assert (await house.hear("jl-col", reply("TD", "10690003", PERSONS[0]))).status == 0
    assert await asked(own, "10690003", PERSONS[0]) == 0x0429
    _, listed, _ = await house.command("objection", "list", "--json")
    assert [row["number_to"] for row in json.loads(listed)["rows"]] == ["10690003"]
    await house.end()


async def test_each_record_decides(house: House) -> None:
    await house.start(policy=asking(house, "template.unreviewed"))
    binds = {name: await house.bind(name) for name in ("jl-tong", "lh", "lh-js", "mt", "sy", "zy")}
    for name, body, status, rule in (
        ("jl-tong", text(), 0, ""),
        ("jl-tong", text("10690021"), 0x0401, "telecom.licence"),
        ("jl-tong", text(said=TEXT + "！"), 0x0420, "template.unreviewed"),
        ("lh", text("10690022", HANGZHOU), 0, ""),
        ("lh", text("10690022", NANJING), 0x0412, "licence.region"),
        ("lh", text("10690022", PERSONS[0]), 0, ""),
        ("lh-js", text("10690022", HANGZHOU), 0x0412, "licence.region"),
        ("mt", text("10690023"), 0, ""),
        ("sy", text("10690024"), 0x0416, "entrustment.depth"),
        ("zy", text("10690025"), 0x0415, "entrustment.expired"),
    ):
        answer = await binds[name].request(SUBMIT_SM, body)
        assert answer.status == status, (name, rule)
        if rule:
            assert house.refused_by()[-1] == rule
    lapsed = await house.connect()
    assert (await lapsed.bind("jl-lapsed", PASSWORD)).status == 0x0D
    await house.event("bind.refused", reason="telecom.licence")
    await house.end()


async def test_nothing_of_an_account_works_before_two_people_approved_it(house: House) -> None:
    await house.start()
    document = house.folder / "licence.pdf"
    document.write_bytes(b"invented")
    onboarding = ("registry", "onboarding")

    async def bound() -> int:
        return (await (await house.connect()).bind("unreviewed", PASSWORD)).status

    assert (await house.command(*onboarding, "submit", "unreviewed", f"licence={document}", "--by", "甲"))[0] == 0
    assert (await house.command(*onboarding, "review", "unreviewed", "--by", "乙"))[0] == 0
    assert await bound() == 0x0D
    code, _, said = await house.command(*onboarding, "approve", "unreviewed", "--by", "乙")
    assert (code, "somebody else" in said) == (1, True)
    assert await bound() == 0x0D
    assert (await house.command(*onboarding, "approve", "unreviewed", "--by", "丙"))[0] == 0
    assert await bound() == 0
    (note,) = await house.record(lambda one: isinstance(one, Note) and one.topic == "onboarding.approved")
    assert (note.actor, note.text.split(" ")[0]) == ("丙", "unreviewed")
    await house.event("onboarding.approved", target="unreviewed")
    # What was approved can be ended, and that binds on the next PDU.
    esme = await house.bind("unreviewed")
    assert (await esme.request(SUBMIT_SM, text())).status == 0
    assert (await house.command(*onboarding, "reject", "unreviewed", "--reason", "虚构", "--by", "丁"))[0] == 0
    assert (await esme.request(SUBMIT_SM, text())).status == 0x0400
    await house.end()
