"""What is seen of persons: consents, refusals, preferences, debtors, and that nobody sees their numbers."""

from __future__ import annotations

import json

from proxy.evidence.records import Suppression
from tests.requirements.looking import Shelf
from tests.requirements.registry import BOTH, COLLECTS, DAY
from tests.requirements.stage import Ask, Stage
from tests.wire.house import reply
from tests.wire.people import PERSONS

PEOPLE = Shelf()


@PEOPLE.shows(
    "Z15 J6",
    "a consent that is recorded opens, its withdrawal closes, on the next PDU and INVITE; `tdgate consent list` shows "
    "basis, channels, source, date and end",
    "登记同意即放行、撤回即拒绝；`tdgate consent list` 显示依据、渠道、来源、日期与期限",
)
async def a_consent_opens_and_its_withdrawal_closes(stage: Stage) -> None:
    person = "8613900139002"
    ask = Ask("jl", "10690001", person)
    whose = ("--institution", "jianglan", "--channels", "sms,voice")
    statuses = [[(await stage.submit(ask)).status, (await stage.call(ask)).status]]
    await stage.done("consent", "add", person, *whose, "--source", "branch", "--basis", "consent")
    statuses.append([(await stage.submit(ask)).status, (await stage.call(ask)).status])
    await stage.done("consent", "withdraw", person, *whose, "--source", "branch")
    statuses.append([(await stage.submit(ask)).status, (await stage.call(ask)).status])
    assert statuses == [[0x0428, 603], [0, 0], [0x0428, 603]]
    rows = (await stage.told("consent", "list", "--institution", "jianglan"))["rows"]
    newest = max(rows, key=lambda row: row["id"])
    assert {"basis", "opens", "source", "given", "until", "withdrawn"} <= set(newest)
    assert newest["withdrawn"], newest


@PEOPLE.shows(
    "Z16",
    "an import of a newer consent lifts no refusal; the person's own message does; `tdgate suppress lifts` counts "
    "it for the institution",
    "导入更新的同意不解除拒收；仅本人来信可解除；`tdgate suppress lifts` 按机构计数",
)
async def only_the_person_lifts_a_refusal(stage: Stage) -> None:
    agreed = {
        "recipient": PERSONS[6],
        "institution": "jianglan",
        "channels": BOTH,
        "given": "2026-09-01",
        "source": "app",
    }
    code, said = await stage.take_in(consents=[agreed])
    assert code == 0, said
    ask = Ask("jl", "10690001", PERSONS[6])
    imported = [(await stage.submit(ask)).status, (await stage.call(ask)).status]
    assert (await stage.house.hear("jl", reply("START", "10690001", PERSONS[6]))).status == 0
    lifted = [(await stage.submit(ask)).status, (await stage.call(ask)).status]
    assert (imported, lifted) == ([0x0429, 607], [0, 0])
    rows = {row["institution"]: row for row in (await stage.told("suppress", "lifts"))["rows"]}
    assert (rows["jianglan"]["lifts"], rows["songtao"]["lifts"]) == (1, 0)


@PEOPLE.shows(
    "Z19",
    "event `suppression.recorded` with its latency, in the log and in the evidence, before the carrier got its answer",
    "事件 `suppression.recorded` 及其时延，在应答运营商之前已写入日志与证据",
)
async def a_reply_is_recorded_with_its_latency(stage: Stage) -> None:
    (line, *_) = await stage.house.event("suppression.recorded")
    assert [name for name in line if name.startswith("latency")], line
    (record, *_) = [one for one in stage.house.records() if isinstance(one, Suppression) and one.source == "reply"]
    assert record.latency_us > 0
    assert record.institutions == ("jianglan",)


@PEOPLE.shows(
    "Z15 Z16 J6",
    "what a hotline, branch or app is told: `POST /api/v1/consents`, `/preferences`, `/suppressions` answer 201 with a "
    "receipt when it is on disk and in the evidence, and it binds on the next PDU and INVITE",
    "热线、网点、App 登记：`POST /api/v1/consents`、`/preferences`、`/suppressions` 落盘并写入证据后返回 201 与回执，"
    "下一条短信、下一次呼叫即生效",
)
async def what_an_institution_tells_binds(stage: Stage) -> None:
    token = await stage.token("jianglan", "suppressions:write", "preferences:write", "consents:write")
    ask = Ask("jl", "10690001", "8613900139003")
    statuses = [[(await stage.submit(ask)).status, (await stage.call(ask)).status]]
    for path, more in (
        ("consents", {"channels": BOTH}),
        ("preferences", {"declines": ["marketing"]}),
        ("preferences", {}),
        ("suppressions", {}),
    ):
        body = {"recipient": "13900139003", "source": "hotline", **more}
        status, told = await stage.api(token, "POST", f"/api/v1/{path}", body)
        assert (status, bool(told["receipt"]), "13900139003" in str(told)) == (201, True, False), told
        statuses.append([(await stage.submit(ask)).status, (await stage.call(ask)).status])
    assert statuses == [[0x0428, 603], [0, 0], [0x042A, 603], [0, 0], [0x0429, 607]]


@PEOPLE.shows(
    "Z19 J12",
    "a refusal inside a call: the person presses 9, which is on disk before the INFO is answered; the next call and "
    "the next message are refused",
    "通话中按9拒收：落盘后才应答 INFO；下一次呼叫与下一条短信均被拒",
)
async def a_key_in_a_call_refuses(stage: Stage) -> None:
    ask = Ask("jl", "10690001", PERSONS[8])
    before = [(await stage.submit(ask)).status, (await stage.call(ask)).status]
    await stage.pressed(ask, "9")
    assert [one.source for one in stage.house.suppressions()].count("keypad") == 1
    after = [(await stage.submit(ask)).status, (await stage.call(ask)).status]
    assert (before, after) == ([0, 0], [0x0429, 607])


@PEOPLE.shows(
    "J6 J14",
    "`tdgate preference list` and `tdgate donotcall list` show what persons registered, and what a list closes",
    "`tdgate preference list` 与 `tdgate donotcall list` 显示用户登记的意愿与名单的适用范围",
)
async def what_persons_want_is_listed(stage: Stage) -> None:
    rows = (await stage.told("preference", "list"))["rows"]
    assert {row["institution"] for row in rows} == {"jianglan"}, rows
    assert ["marketing/sms", "marketing/voice"] in [row["declines"] for row in rows], rows
    (listed,) = (await stage.told("donotcall", "list"))["rows"]
    assert listed["name"] == "example", listed


@PEOPLE.shows(
    "J7 J10",
    "`tdgate debtor list` and `tdgate notice list`: role with the date of verification, when and how a debtor was "
    "told; a new record opens on the next PDU and INVITE",
    "`tdgate debtor list` 与 `tdgate notice list`：身份及核实日期、告知时间与方式；补登后即刻放行",
)
async def debtors_and_notices_are_records(stage: Stage) -> None:
    told = Ask("th-yl", "10690162", DAY[2], COLLECTS)
    liable = Ask("th", "10690161", DAY[1], COLLECTS)
    before = [(await stage.submit(one)).status for one in (told, liable)]
    before += [(await stage.call(one)).status for one in (told, liable)]
    whose = ("--institution", "taihu")
    await stage.done("notice", "add", f"+{DAY[2]}", *whose, "--partner", "yuanlu", "--way", "信函")
    await stage.done("debtor", "add", f"+{DAY[1]}", *whose, "--role", "guarantor")
    after = [(await stage.submit(one)).status for one in (told, liable)]
    after += [(await stage.call(one)).status for one in (told, liable)]
    assert (before, after) == ([0x042D, 0x042C, 603, 603], [0, 0, 0, 0])
    debtor = max((await stage.told("debtor", "list"))["rows"], key=lambda row: row["id"])
    assert (debtor["role"], bool(debtor["verified"])) == ("guarantor", True), debtor
    notice = max((await stage.told("notice", "list"))["rows"], key=lambda row: row["id"])
    assert (notice["partner"], notice["way"], bool(notice["at"])) == ("yuanlu", "信函", True), notice


@PEOPLE.shows(
    "J13",
    "numbers of persons: masked in each listing, a keyed hash in the evidence, sealed in the database; in clear in no "
    "file of the state folder; texts in neither log nor evidence; the key lies apart, for its owner only",
    "用户号码：列表中脱敏、证据中为带密钥哈希、库中密封；状态目录任何文件均无明文；日志与证据不含短信内容；"
    "密钥单独存放且仅属主可读",
)
async def nobody_sees_a_number(stage: Stage) -> None:
    for words in (("consent",), ("suppress",), ("preference",), ("debtor",), ("notice",), ("objection",)):
        said = await stage.done(*words, "list", "--json")
        assert json.loads(said)["rows"], words
        assert [person for person in (*PERSONS, *DAY) if person in said or person[2:] in said] == [], words
    for file in stage.house.state.rglob("*"):
        octets = file.read_bytes() if file.is_file() else b""
        assert [person for person in PERSONS if person[2:].encode() in octets] == [], file
    for file in (stage.house.folder / "tdgate.log", *(stage.house.state / "evidence").iterdir()):
        octets = file.read_bytes()
        assert [coding for coding in ("utf-8", "utf-16-be") if "太湖贷".encode(coding) in octets] == [], file
    key = stage.house.state / "keys" / "person.key"
    assert key.stat().st_mode & 0o077 == 0


@PEOPLE.shows(
    "J13",
    "the access log: each look at persons, by command, by export or over HTTP, stands in the evidence with who looked "
    "at what of which institution, before it is shown",
    "访问记录：命令、导出、接口对用户数据的每次查阅均先载入证据，注明何人查阅何机构的何种数据，再予显示",
)
async def each_look_at_persons_is_on_record(stage: Stage) -> None:
    await stage.done("debtor", "list", "--institution", "taihu")
    await stage.done("registry", "export", "--persons")
    looked = await stage.noted("persons.listed", "debtor.list all persons taihu")
    assert looked.actor.startswith("os user ")
    await stage.noted("persons.listed", "registry.export all persons all institutions")
    token = await stage.token("taihu", "preferences:read")
    status, told = await stage.api(token, "GET", "/api/v1/preferences")
    assert (status, told["rows"]) == (200, []), told
    assert (await stage.noted("preference.listed", "taihu")).actor.startswith("token ")
