"""What is seen of who may send: packs, reviews, responsible persons, liaison officers."""

from __future__ import annotations

import json

from tests.requirements.looking import Shelf
from tests.requirements.registry import EVER, SAID
from tests.requirements.stage import Ask, Stage
from tests.wire.house import ROOT
from tests.wire.people import account, number

WHO = Shelf()
PACKS = {"cn-zhejiang": "CN-ZJ", "cn-jiangsu": "CN-JS"}


@WHO.shows(
    "Z1 J1",
    "`tdgate rules list` and `GET /api/v1/rules` show source, region and effective date of each pack",
    "`tdgate rules list` 与 `GET /api/v1/rules` 显示各规则包的来源、地区和生效日期",
)
async def packs_are_listed(stage: Stage) -> None:
    listed = await stage.told("rules", "list")
    for rows in (listed["packs"], (await stage.fetched("/api/v1/rules"))["packs"]):
        found = {row["id"]: row for row in rows}
        assert {name: found[name]["region"] for name in PACKS} == PACKS
        assert all("Notice on Regulating" in found[name]["source"] for name in PACKS), found
        assert all(row["effective"] for row in found.values()), found


@WHO.shows(
    "Z1 J1",
    "every decision names pack and version, and the pack of the institution's province beside them",
    "每条判定均载明规则包及版本，并注明机构所在省的规则包",
)
async def decisions_name_their_packs(stage: Stage) -> None:
    assert all(one.pack and one.pack_version for one in stage.decisions)
    named = {
        (one.principal, name)
        for one in stage.decisions
        for name in f"{one.pack}@{one.pack_version} {one.packs}".split()
    }
    assert {("zhijiang", "cn-zhejiang@1"), ("taihu", "cn-jiangsu@1")} <= named, named


@WHO.shows(
    "C3",
    "`tdgate rules diff` tells which recorded decisions of this run another pack would have refused",
    "`tdgate rules diff` 以另一规则包重判本次记录，列出将被新拒绝的判定",
)
async def another_pack_is_tried_on_recorded_decisions(stage: Stage) -> None:
    strict = (ROOT / "config/packs/cn-open.toml").read_text("utf-8").replace('closes = "24:00"', 'closes = "00:00"')
    pack = stage.folder / "strict.toml"
    pack.write_text(strict, encoding="utf-8")
    told = await stage.told("rules", "diff", "--pack", pack)
    same = await stage.told("rules", "diff", "--pack", ROOT / "config/packs/cn-open.toml")
    assert ("refused", "hours.closed") in {(row["change"], row["rule"]) for row in told["rows"]}, told
    # WHY this institution: the log has no numbers of persons, so whoever is abroad is asked anew in China's hours.
    assert [row for row in same["rows"] if row["institution"] == "jianglan"] == [], same


@WHO.shows(
    "C3",
    "a pack is tried in shadow: what it would refuse passes, and the decision says so; a reload enforces it again",
    "新规则包可先以影子方式试行：本应拒绝的予以放行并在判定中注明；重新加载后恢复执行",
)
async def a_pack_is_tried_in_shadow(stage: Stage) -> None:
    ask = Ask("lt", "10690171", said="【兰亭银行】未经审核的内容，拒收请回复TD")
    pack = stage.folder / "cn-example.toml"
    enforced = pack.read_text("utf-8")
    statuses, outcomes = [], []
    for text in (enforced.replace('basis = "product default; Z5"', 'mode = "shadow"\nbasis = "tried"'), enforced):
        pack.write_text(text, encoding="utf-8")
        await stage.reloaded()
        answer = await stage.submit(ask)
        assert answer.decision is not None
        told = (await stage.explained(answer.decision.id))["recorded"]
        statuses.append(answer.status)
        outcomes += [one["outcome"] for one in told["rules"] if one["rule"] == "template.unreviewed"]
    assert (statuses, outcomes) == ([0, 0x0420], ["shadow", "refuse"])


@WHO.shows(
    "C2",
    "a file with an account or a campaign without a responsible person is not imported; row and column are told",
    "账户或活动未填责任人时整份文件不予导入，并指出行与列",
)
async def a_responsible_person_is_asked_for(stage: Stage) -> None:
    one = account("jl-more", "jianglan", "marketing")
    campaign = {
        "id": "spring",
        "institution": "jianglan",
        "name": "虚构",
        "purposes": ["marketing"],
        "channels": ["sms"],
    }
    campaign |= {"responsible": "周明（虚构）", **EVER}
    for section, row in (("accounts", one), ("campaigns", campaign)):
        without = {name: value for name, value in row.items() if name != "responsible"}
        code, said = await stage.take_in("--json", **{section: [without]})
        told = json.loads(said)
        places = [(each["table"], each["row"], each["column"]) for each in told["problems"]]
        assert (code, told["imported"], places) == (1, False, [(section, 1, "responsible")]), told
        code, said = await stage.take_in(**{section: [row]})
        assert code == 0, said


@WHO.shows(
    "Z8 J5",
    "two different people approve, one alone cannot; event `onboarding.approved`; then the account binds, calls, sends",
    "须两人先后审核批准，一人不可兼任；事件 `onboarding.approved`；批准后该账户方可接入、呼叫和发送",
)
async def two_people_approve_an_account(stage: Stage) -> None:
    document = stage.folder / "licence.pdf"
    document.write_bytes(b"invented")
    verb = ("registry", "onboarding")
    await stage.done(*verb, "submit", "jl-new", f"licence={document}", "--by", "甲")
    await stage.done(*verb, "review", "jl-new", "--by", "乙")
    code, said = await stage.tdgate(*verb, "approve", "jl-new", "--by", "乙")
    assert code == 1, said
    before = await stage.bind(Ask("jl-new", ""))
    await stage.done(*verb, "approve", "jl-new", "--by", "丙")
    note = await stage.noted("onboarding.approved", "jl-new")
    assert note.actor == "丙"
    ask = Ask("jl-new", "10690001")
    answers = [await stage.bind(ask), await stage.submit(ask), await stage.call(ask)]
    assert [before.status, *(one.status for one in answers)] == [0x0D, 0, 0, 0]


@WHO.shows(
    "Z5",
    "the review queue: who submitted, who reviewed by which checklist; refused before, permitted after",
    "审核队列载明提交人、审核人及核对清单；审核前拒绝，审核后放行",
)
async def a_template_is_reviewed(stage: Stage) -> None:
    said = SAID.replace("3.5%", "3.6%")
    ask = Ask("lt", "10690171", said=said)
    draft = {"id": "autumn", "institution": "lanting", "purposes": ["marketing"], "text": said}
    code, told = await stage.take_in(templates=[draft])
    assert code == 0, told
    await stage.done("registry", "review", "submit", "template", "autumn", "--by", "甲")
    waiting = (await stage.told("registry", "review", "list", "--state", "submitted"))["rows"]
    assert [(row["id"], row["submitted_by"]) for row in waiting] == [("autumn", "甲")]
    before = await stage.submit(ask)
    alone, _ = await stage.tdgate(
        "registry", "review", "pass", "template", "autumn", "--checklist", "身份 产品 退订", "--by", "甲"
    )
    await stage.done("registry", "review", "pass", "template", "autumn", "--checklist", "身份 产品 退订", "--by", "乙")
    after = await stage.submit(ask)
    assert (before.status, alone, after.status) == (0x0420, 1, 0)


@WHO.shows(
    "J19",
    "where the pack asks for a liaison officer, numbers of an institution without one are wrong rows; with one they "
    "come in",
    "规则包要求联络员时，未指定联络员的机构号码为错误行；指定后方可入库",
)
async def without_a_liaison_no_number_comes_into_use(stage: Stage) -> None:
    rows = {
        "institutions": [{"id": "yangzi", "name": "扬子银行（虚构）", "kind": "bank", "region": "江苏"}],
        "numbers": [number("10690211", "yangzi", "marketing", channels=["sms"])],
    }
    code, said = await stage.take_in("--json", **rows)
    told = json.loads(said)
    assert (code, [each["table"] for each in told["problems"]]) == (1, ["numbers"]), told
    officer = {"institution": "yangzi", "name": "林三（虚构）", "contact": "025-88880000", **EVER}
    code, said = await stage.take_in(**rows, liaisons=[officer])
    assert code == 0, said
    listed = (await stage.told("registry", "liaison", "list"))["rows"]
    assert "林三（虚构）" in [row["name"] for row in listed]


@WHO.shows(
    "Z7",
    "what ends soon (licence, contract, entrustment, liaison) is told beforehand: event `registry.expiring`",
    "许可、合同、委托、联络员到期前预警：事件 `registry.expiring`",
)
async def what_ends_soon_is_told(stage: Stage) -> None:
    soon = {"kind": "telecom", "name": "soon"}
    await stage.house.until(
        lambda: [one for one in stage.house.logged("registry.expiring") if soon.items() <= one.items()]
    )
