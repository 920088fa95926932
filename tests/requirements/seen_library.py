"""What is seen of the number library: listings, reconciliation, submissions, intake, segments, disposal."""

from __future__ import annotations

import json

from tests.requirements.looking import Shelf
from tests.requirements.registry import BOTH, EVER, OF_DANXIA
from tests.requirements.stage import Ask, Stage
from tests.wire.people import number

LIBRARY = Shelf()
OFFICER, TELECOM = "林一（虚构）", "示例通信（虚构）"


@LIBRARY.shows(
    "Z9 J17",
    "`tdgate registry numbers` lists channel, purpose, period, principal, operator and telecom of each number",
    "`tdgate registry numbers` 列出每个号码的渠道、用途、合作期、服务机构、使用单位和电信企业",
)
async def numbers_are_listed(stage: Stage) -> None:
    rows = (await stage.told("registry", "numbers", "--institution", "jianglan"))["rows"]
    found = {row["address"]: row for row in rows}
    assert {"10690001", "10690021"} <= set(found)
    assert found["10690021"]["operator"] == "yuanlu"
    wanted = {"channels", "purposes", "since", "until", "principal", "operator", "telecom", "state"}
    assert wanted <= set(found["10690001"])
    assert (found["10690001"]["state"], found["10690004"]["state"]) == ("valid", "over")


@LIBRARY.shows(
    "Z9",
    "the API: `GET /api/v1/numbers` lists an institution's own library to its token, and nobody else's",
    "接口 `GET /api/v1/numbers` 仅向机构列出其本机构号码库",
)
async def an_institution_reads_its_own_library(stage: Stage) -> None:
    listed = []
    for institution in ("taihu", "jianglan"):
        token = await stage.token(institution, "numbers:read")
        status, told = await stage.api(token, "GET", "/api/v1/numbers?most=1000")
        assert status == 200, told
        assert {row["principal"] for row in told["rows"]} == {institution}
        listed.append({row["address"]: row["state"] for row in told["rows"]})
    assert listed[0] == {"10690161": "valid", "10690162": "valid"}
    assert (listed[1]["10690001"], listed[1]["10690004"]) == ("valid", "over")
    first = (await stage.api(token, "GET", "/api/v1/numbers?most=1"))[1]["rows"]
    rest = (await stage.api(token, "GET", f"/api/v1/numbers?most=1000&after={first[0]['id']}"))[1]["rows"]
    assert [row["address"] for row in (*first, *rest)] == list(listed[1])
    other = await stage.token("jianglan", "preferences:read")
    assert (await stage.api(other, "GET", "/api/v1/numbers"))[0] == 403


@LIBRARY.shows(
    "Z9",
    "a number that is added sends at once, by SMS and by call; event `number.added`",
    "号码入库后短信与电话即刻可用；事件 `number.added`",
)
async def an_added_number_works_at_once(stage: Stage) -> None:
    ask = Ask("jl", "10690012")
    before = [(await stage.submit(ask)).status, (await stage.call(ask)).status]
    code, said = await stage.take_in(numbers=[number("10690012", "jianglan", "marketing", channels=BOTH)])
    assert code == 0, said
    after = [(await stage.submit(ask)).status, (await stage.call(ask)).status]
    assert (before, after) == ([0x0418, 403], [0, 0])
    await stage.noted("number.added")


@LIBRARY.shows(
    "Z10",
    "`tdgate registry reconcile`: senders that the wire saw against those declared, and declared ones never seen",
    "`tdgate registry reconcile`：比对线上实际使用与已申报的号码，并列出未使用的号码",
)
async def the_wire_is_reconciled_with_the_library(stage: Stage) -> None:
    told = await stage.told("registry", "reconcile")
    states = {(row["account"], row["sender"], row["channel"]): row["state"] for row in told["seen"]}
    for channel in BOTH:
        assert states["jl", "10690001", channel] == "declared"
        assert states["jl", "10690009", channel] == "unregistered"
        assert states["jl", "10690004", channel] == "over"
    assert "10690003" in {row["address"] for row in told["unused"]}


@LIBRARY.shows(
    "Z10",
    "somebody attests the library: event `library.attested`, and its marketing is open again by SMS and by call",
    "号码库确认后（事件 `library.attested`）营销短信与电话恢复",
)
async def an_attestation_opens(stage: Stage) -> None:
    ask = Ask("dx", "10690181", said=OF_DANXIA)
    before = [(await stage.submit(ask)).status, (await stage.call(ask)).status]
    await stage.done("registry", "attest", "danxia", "--by", OFFICER)
    assert (await stage.noted("library.attested", "danxia")).actor == OFFICER
    after = [(await stage.submit(ask)).status, (await stage.call(ask)).status]
    assert (before, after) == ([0x041D, 403], [0, 0])


@LIBRARY.shows(
    "J17 Z11",
    "`tdgate registry libraries` counts SMS and voice numbers of the institution's own and entrusted units",
    "`tdgate registry libraries` 分别统计本机构与受托机构的短信、语音号码",
)
async def own_and_entrusted_numbers_are_counted(stage: Stage) -> None:
    rows = {row["institution"]: row for row in (await stage.told("registry", "libraries"))["rows"]}
    one = rows["taihu"]
    counts = [one[name] for name in ("own_sms", "own_voice", "entrusted_sms", "entrusted_voice")]
    assert counts == [1, 1, 1, 1], one


@LIBRARY.shows(
    "J18",
    "a CSV with a wrong row and one without a mandatory column: each told by line and column, nothing imported; "
    "`--partial` takes the right row",
    "CSV 中的错误行与缺失必填列逐行逐列报告，整份不导入；`--partial` 仅导入正确的行",
)
async def wrong_rows_are_told(stage: Stage) -> None:
    file = stage.folder / "numbers.csv"
    heading = "发送号码,服务机构,使用单位,电信企业,渠道,用途,起始日期,截止日期"
    rows = (
        f"10690221,jianglan,jianglan,{TELECOM},sms,marketing,2026-01-01,2099-12-31",
        f"1.069E+07,jianglan,jianglan,{TELECOM},sms,marketing,2026-01-01,2099-12-31",
        "10690223,jianglan,jianglan,,sms,marketing,2026-01-01,2099-12-31",
    )
    file.write_text("\n".join((heading, *rows)), encoding="gb18030")
    words = ("registry", "import", file, "--table", "numbers", "--json")
    code, said = await stage.tdgate(*words)
    told = json.loads(said)
    places = [(each["row"], each["column"]) for each in told["problems"]]
    assert (code, told["imported"]) == (1, False)
    assert places == [(3, "address"), (4, "telecom")], told
    sent = Ask("jl", "10690221")
    before = await stage.submit(sent)
    code, said = await stage.tdgate(*words, "--partial")
    assert code == 0, said
    assert (before.status, (await stage.submit(sent)).status) == (0x0418, 0)


@LIBRARY.shows(
    "J19 J23",
    "the liaison officer submits: events `submission.submitted`, `submission.received`, `submission.accepted`, "
    "`submission.merged`; another list comes back with reasons: `submission.returned`",
    "联络员报送，事件 `submission.submitted`、`submission.received`、`submission.accepted`、`submission.merged`；"
    "另一份附理由退回：`submission.returned`",
)
async def a_list_is_submitted(stage: Stage) -> None:
    verb = ("registry", "submission")

    async def drafted(institution: str) -> str:
        return str((await stage.told(*verb, "draft", institution, "--department", "主管部门（虚构）"))["id"])

    one = await drafted("jianglan")
    code, said = await stage.tdgate(*verb, "submit", one, "--by", "路人（虚构）")
    assert code == 1, said
    await stage.done(*verb, "submit", one, "--by", OFFICER)
    await stage.done(*verb, "receive", one, "--receipt", "R-1", "--by", "乙")
    await stage.done(*verb, "accept", one, "--by", "丙")
    await stage.done(*verb, "merge", one, "--by", "丁")
    other = await drafted("taihu")
    await stage.done(*verb, "submit", other, "--by", OFFICER)
    await stage.done(*verb, "return", other, "--reason", "用途不全", "--by", "乙")
    for step in ("submitted", "received", "accepted", "merged"):
        await stage.noted(f"submission.{step}", one)
    await stage.noted("submission.returned", other)


@LIBRARY.shows(
    "J23 J20",
    "`tdgate registry summary`: the merged list by department and segment, with messages and calls used; a number that "
    "two claim is a case",
    "`tdgate registry summary`：按部门和号段汇总并附使用量；两家申报同一号码形成争议",
)
async def lists_are_summed_up(stage: Stage) -> None:
    rows = (await stage.told("registry", "summary"))["rows"]
    merged = [row for row in rows if row["department"] == "主管部门（虚构）"]
    assert sum(row["numbers"] for row in merged) > 0, rows
    assert sum(row["permitted"] for row in rows) > 0, rows
    segments = {row["segment"]: row for row in rows}
    assert segments["finance"]["refused"] >= 2, rows
    claimed: dict[str, object] = {
        "submission": "theirs",
        "address": "10690001",
        "operator": "songtao",
        "telecom": TELECOM,
    }
    claimed |= {"channels": ["sms"], "purposes": ["marketing"], **EVER}
    officer = {"institution": "songtao", "name": OFFICER, "contact": "0571-88880001", **EVER}
    theirs = {"id": "theirs", "institution": "songtao", "department": "主管部门（虚构）"}
    code, said = await stage.take_in(submissions=[theirs], claims=[claimed], liaisons=[officer])
    assert code == 0, said
    verb = ("registry", "submission")
    await stage.done(*verb, "submit", "theirs", "--by", OFFICER)
    await stage.done(*verb, "receive", "theirs", "--receipt", "R-2", "--by", "乙")
    await stage.done(*verb, "accept", "theirs", "--by", "丙")
    await stage.done(*verb, "merge", "theirs", "--by", "丁")
    (case,) = (await stage.told("registry", "case", "list"))["rows"]
    assert (case["address"], {case["holder"], case["claimant"]}) == ("10690001", {"jianglan", "songtao"}), case


@LIBRARY.shows(
    "J21",
    "a segment number is applied for, one in use reported; somebody else accepts: events `number.applied`, "
    "`number.reported`, `number.added`; the number sends and calls only then",
    "专用号段号码申请、在用号码报备，由他人受理：事件 `number.applied`、`number.reported`、`number.added`；"
    "受理后方可使用",
)
async def numbers_come_in_by_two_ways(stage: Stage) -> None:
    what = ("--principal", "jianglan", "--telecom", TELECOM, "--channels", "sms,voice", "--purposes", "marketing")
    period = ("--since", "2026-01-01", "--until", "2099-12-31")
    for verb, event, address in (("apply", "number.applied", "10690559"), ("report", "number.reported", "10690558")):
        ask = Ask("jl", address)
        intake = (await stage.told("registry", "number", verb, address, *what, *period, "--by", OFFICER))["id"]
        before = [(await stage.submit(ask)).status, (await stage.call(ask)).status]
        alone, _ = await stage.tdgate("registry", "intake", "accept", intake, "--by", OFFICER)
        await stage.done("registry", "intake", "accept", intake, "--by", "乙")
        after = [(await stage.submit(ask)).status, (await stage.call(ask)).status]
        assert (before, alone, after) == ([0x0418, 403], 1, [0, 0])
        await stage.noted(event)
    await stage.noted("number.added", "10690559")


@LIBRARY.shows(
    "Z14",
    "a number is disposed of and restored, with who and why in the evidence; both bind on the next PDU and INVITE",
    "号码被处置与恢复，处置人与原因载入证据；下一条短信、下一次呼叫即生效",
)
async def a_number_is_disposed_of(stage: Stage) -> None:
    ask = Ask("jl", "10690001")
    statuses = []
    for verb in ("dispose", "restore"):
        await stage.done("registry", verb, "10690001", "--reason", "虚构", "--by", "主管部门（虚构）")
        statuses.append([(await stage.submit(ask)).status, (await stage.call(ask)).status])
    assert statuses == [[0x041A, 403], [0, 0]]
    assert (await stage.noted("number.dispose", "10690001")).actor == "主管部门（虚构）"
