"""Who stands in the chain, on the socket: for each record a permitted request and a refused one that differ in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.evidence.records import Note
from tests.tools.wire import SUBMIT_SM
from tests.wire.house import ROOT, House, make_template, text
from tests.wire.people import PASSWORD, PERSONS, TEXT, account, number, registry

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
    entrustments=[passed_on("mingting"), passed_on("suiyuan", "mingting"), passed_on("zhiyuan", "yuanlu", **OVER)],
    numbers=[
        number("10690021", "jianglan", "marketing", telecom="lapsed"),
        number("10690022", "lihe", "collection"),
        number("10690023", "jianglan", "marketing", operator="mingting"),
        number("10690024", "jianglan", "marketing", operator="suiyuan"),
        number("10690025", "jianglan", "marketing", operator="zhiyuan"),
    ],
    accounts=[
        account("jl-tong", "jianglan", "marketing", telecoms=["tong", "platform"]),
        account("jl-lapsed", "jianglan", "marketing", telecoms=["tong", "lapsed"]),
        account("lh", "lihe", "collection", telecoms=["tong"]),
        account("lh-js", "lihe", "collection", telecoms=["tong", "elsewhere"]),
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
    "templates": [
        {"id": "jl", "institution": "jianglan", "purposes": ["marketing"], "text": TEXT, **REVIEWED},
        {"id": "lh", "institution": "lihe", "purposes": ["collection"], "text": TEXT, **REVIEWED},
    ],
}


@pytest.fixture(scope="module")
def chain_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("chain") / "template", CHAIN)


@pytest.fixture
async def house(chain_template: Path, tmp_path: Path) -> AsyncIterator[House]:
    async with House(chain_template, tmp_path) as made:
        yield made


async def test_each_record_decides(house: House) -> None:
    pack = house.folder / "asks.toml"
    asks = '\n[rules."template.unreviewed"]\nbasis = "product default"\n'
    pack.write_text((ROOT / "config/packs/cn-open.toml").read_text("utf-8") + asks, "utf-8")
    await house.start(policy={"pack": pack})
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
