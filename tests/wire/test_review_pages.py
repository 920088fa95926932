"""The pages of review, served by the real process: who sees what, whose form counts, and that a verdict binds.

One process, one window. 全部机构、号码与人员均为虚构。
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from proxy.evidence.records import Decision, Note
from tests.tools.raw_http import HttpAnswer, request, send_octets
from tests.tools.wire import SUBMIT_SM, message_body
from tests.wire.api_house import ApiHouse
from tests.wire.house import ROOT, make_template
from tests.wire.people import PERSONS, REGISTRY

pytestmark = [pytest.mark.wire, pytest.mark.asyncio(loop_scope="module")]

WORDING = "【江澜银行】尊敬的{name}先生，“安居贷”额度{amount}元，咨询400-000-1001，回T退订"
THEIRS = "【云岫消费金融】“云岫贷”额度{amount}元，咨询400-000-2002，回T退订"
ONCE = "【江澜银行】李雷，您托柜台保管的{figures}号柜到期"
DOUBTFUL = "已举报"
REFUSED = 0x0420
TEMPLATES, REPLIES = "/review/templates", "/review/replies"


@pytest.fixture(scope="module")
def review_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [
        {"id": "theirs", "institution": "yunxiu", "purposes": ["marketing"], "text": THEIRS, "state": "submitted",
         "submitted_by": "丁（虚构）"},
    ]  # fmt: skip
    return make_template(tmp_path_factory.mktemp("review") / "template", {**REGISTRY, "templates": rows})


class Browser:
    """One browser: its cookie, and the secret of the forms that it was shown."""

    def __init__(self, house: ApiHouse) -> None:
        self._house = house
        self.cookie = ""
        self.form = ""

    async def open(self, path: str) -> HttpAnswer:
        answer = await self._exchange("GET", path)
        found = re.search(rb'name="form" value="([^"]+)"', answer.body)
        self.form = found[1].decode() if found else self.form
        return answer

    async def send(self, path: str, headers: dict[str, str] | None = None, **fields: Any) -> HttpAnswer:
        """A form of the page that was opened last; a redirection is followed."""
        body = urlencode({"form": self.form, "lang": "en"} | fields, doseq=True).encode()
        answer = await self._exchange("POST", path, body, headers)
        if cookie := answer.headers.get("set-cookie", ""):
            self.cookie = cookie.partition(";")[0]
        return await self.open(answer.headers["location"]) if answer.status == 303 else answer

    async def enter(self, token: str) -> HttpAnswer:
        return await self.send("/review/sign-in", token=token)

    async def _exchange(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> HttpAnswer:
        port = self._house.http_port
        sent = {"Host": f"127.0.0.1:{port}", "Connection": "close"}
        if body:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        if self.cookie:
            sent["Cookie"] = self.cookie
        (answer,) = await send_octets(port, request(method, path, sent | (headers or {}), body))
        return answer


def ucs2(said: str, place: int = 0) -> bytes:
    return message_body("10690001", PERSONS[8 + place % 20], said.encode("utf-16-be"), data_coding=8)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(review_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiHouse]:
    async with ApiHouse(review_template, tmp_path_factory.mktemp("pages")) as made:
        pack = made.folder / "asks.toml"
        asks = '\n[rules."template.unreviewed"]\nbasis = "product default"\n'
        pack.write_text((ROOT / "config/packs/cn-open.toml").read_text("utf-8") + asks, "utf-8")
        await made.open(policy={"pack": pack, "packs": []}, evidence={"linger_ms": 5})
        every = ("templates:submit", "templates:review", "doubts:review")
        for name, institution, scopes in (
            ("甲（虚构）", "jianglan", every),
            ("乙（虚构）", "jianglan", every),
            ("丁（虚构）", "yunxiu", every),
            ("热线", "jianglan", ("suppressions:write",)),
        ):
            await made.token(name, institution, *scopes)
        esme = await made.bind("jl")
        for place in range(8):
            said = WORDING.format(name="施", amount=str(35000 + place))
            assert (await esme.request(SUBMIT_SM, ucs2(said, place))).status == REFUSED
            # Eight times, and always to one person.
            await esme.request(SUBMIT_SM, ucs2(ONCE.format(figures=10 + place)))
        yield made
        await made.end()


async def entered(house: ApiHouse, *names: str) -> Browser:
    browser = Browser(house)
    for name in names:
        answer = await browser.enter(house.tokens[name])
        assert (answer.status, "Signed in." in answer.body.decode()) == (200, True)
    return browser


async def test_nobody_sees_anything_without_a_token_of_a_person(house: ApiHouse) -> None:
    browser = Browser(house)
    for path in (TEMPLATES, REPLIES):
        answer = await browser.open(path)
        assert answer.status == 401
        assert "安居贷" not in answer.body.decode()
    for token, told in (("x" * 47, "no valid token"), (house.tokens["热线"], "opens none")):
        answer = await browser.enter(token)
        assert answer.status == 403
        assert told in answer.body.decode()
        assert not browser.cookie
    for name, code in (("热线", 401), ("甲（虚构）", 200)):
        assert (await house.ask(name, "GET", "/api/v1/templates")).status == code


async def test_a_viewer_sees_their_institutions_and_no_words_of_one_person(house: ApiHouse) -> None:
    own = (await (await entered(house, "甲（虚构）")).open(f"{TEMPLATES}?lang=zh")).body.decode()
    assert '<span class="var"' in own
    assert "“安居贷”额度" in own
    assert "未登记" in own
    assert "<script" not in own
    for secret in ("李雷", "保管", "云岫", *PERSONS, *(one[2:] for one in PERSONS)):
        assert secret not in own, secret
    theirs = (await (await entered(house, "丁（虚构）")).open(f"{TEMPLATES}?lang=en")).body.decode()
    assert "云岫贷" in theirs
    assert "安居贷" not in theirs
    # 丁 submitted it, and is told that somebody else reviews it.
    assert "somebody else reviews it" in theirs
    assert 'value="pass"' not in theirs
    told = (await house.ask("甲（虚构）", "GET", "/api/v1/templates")).json
    shown = {one["wording"]: one for one in told["templates"]}
    wording = WORDING.replace("{amount}", "{figures}").replace("400-000-1001", "{phone}")
    assert set(shown) == {wording, None}
    assert (shown[wording]["accounts"], shown[None]["messages"]) == ({"jl": 7}, 7)
    assert told["records"] == []
    # The account of nobody is no account of this page.
    none = (await (await entered(house, "甲（虚构）")).open(f"{TEMPLATES}?lang=en&account=nobody")).body.decode()
    assert "No template fits" in none
    assert "安居贷" not in none


async def test_two_people_and_the_next_message(house: ApiHouse) -> None:
    esme = await house.bind("jl")
    one, other = await entered(house, "甲（虚构）"), await entered(house, "乙（虚构）")

    async def status(amount: str = "5000") -> int:
        return int((await esme.request(SUBMIT_SM, ucs2(WORDING.format(name="陈", amount=amount)))).status)

    mine = {"institution": "jianglan", "id": "spring"}
    await one.open(f"{TEMPLATES}?lang=en")
    record = {**mine, "do": "record", "text": WORDING, "purposes": ["marketing"]}
    assert "Submitted; somebody else" in (await one.send(TEMPLATES, **record)).body.decode()
    assert await status() == REFUSED
    checked = {"checked": ["identity", "refusal"]}
    assert "somebody else has to review" in (await one.send(TEMPLATES, **mine, do="pass", **checked)).body.decode()
    await other.open(f"{TEMPLATES}?lang=en")
    assert "Tick what was checked" in (await other.send(TEMPLATES, **mine, do="pass")).body.decode()
    assert await status() == REFUSED
    assert "Passed." in (await other.send(TEMPLATES, **mine, do="pass", **checked)).body.decode()
    assert await status() == 0
    page = (await one.open(f"{TEMPLATES}?lang=en&state=reviewed")).body.decode()
    assert "by 乙（虚构）" in page
    assert "发送主体 who it is from" in page
    await one.send(TEMPLATES, **mine, do="submit")
    assert "Say why" in (await other.send(TEMPLATES, **mine, do="reject")).body.decode()
    assert "Rejected." in (await other.send(TEMPLATES, **mine, do="reject", reason="利率不清")).body.decode()
    assert await status("7,000.50") == REFUSED
    await house.record(lambda one: isinstance(one, Decision) and one.detail == "rejected")
    # The verb that came second is told so, and changes nothing.
    assert "not submitted for review" in (await other.send(TEMPLATES, **mine, do="reject", reason="x")).body.decode()
    notes = await house.record(lambda one: isinstance(one, Note) and one.topic.startswith("review."), 4)
    assert [note.topic for note in notes] == [
        "review.submitted",
        "review.passed",
        "review.submitted",
        "review.rejected",
    ]


async def test_no_form_acts_beyond_its_session_and_its_institution(house: ApiHouse) -> None:
    browser = await entered(house, "乙（虚构）")
    await browser.open(f"{TEMPLATES}?lang=en")
    reject = {"do": "reject", "id": "theirs", "reason": "x"}
    for fields, headers, told in (
        ({"institution": "yunxiu"}, {}, "not one of your institutions"),
        ({"institution": "jianglan"}, {}, "no template theirs is registered"),
        ({"institution": "jianglan", "form": "0" * 32}, {}, "has run out"),
        ({"institution": "jianglan"}, {"Sec-Fetch-Site": "cross-site"}, "has run out"),
        ({"institution": "jianglan"}, {"Origin": "http://evil.example"}, "has run out"),
        ({"institution": "jianglan"}, {"Content-Type": "text/plain"}, "has run out"),
    ):
        answer = await browser.send(TEMPLATES, headers, **reject, **fields)
        assert told in answer.body.decode(), fields
    told = (await house.ask("丁（虚构）", "GET", "/api/v1/templates")).json
    assert [one["state"] for one in told["records"]] == ["submitted"]
    # With the token of a second institution, the same browser may; the cookie that it had before is worth nothing.
    former = Browser(house)
    former.cookie = browser.cookie
    await browser.enter(house.tokens["丁（虚构）"])
    assert (await former.open(TEMPLATES)).status == 401
    assert (
        "somebody else has to review" in (await browser.send(TEMPLATES, **reject, institution="yunxiu")).body.decode()
    )
    answer = await browser.open(f"{TEMPLATES}?lang=en")
    assert "form-action 'self'" in answer.headers["content-security-policy"]
    assert (await browser.send("/review/sign-out")).status == 200
    assert (await browser.open(TEMPLATES)).status == 401


async def test_a_revoked_token_ends_with_the_next_request(house: ApiHouse) -> None:
    made = await house.token("戊（虚构）", "jianglan", "templates:review")
    browser = await entered(house, "戊（虚构）")
    assert (await browser.open(REPLIES)).status == 403
    code, _, err = await house.command("token", "revoke", made["id"], "--by", "管理员（虚构）", "--reason", "离职")
    assert code == 0, err
    assert (await browser.open(TEMPLATES)).status == 401


async def test_a_doubtful_reply_is_read_for_a_reason_and_dismissed_by_two(house: ApiHouse) -> None:
    said = message_body(PERSONS[3], "10690001", DOUBTFUL.encode("utf-16-be"), data_coding=8, source_ton=1, dest_ton=0)
    assert (await house.hear("jl", said)).status == 0
    foreign, one = await entered(house, "丁（虚构）"), await entered(house, "甲（虚构）")
    assert "No reply waits" in (await foreign.open(f"{REPLIES}?lang=en")).body.decode()
    page = (await one.open(f"{REPLIES}?lang=en")).body.decode()
    assert "138******03" in page
    assert DOUBTFUL not in page
    (case,) = re.findall(r'data-case="(\d+)"', page)
    assert (
        "not one of your institutions" in (await foreign.send(REPLIES, do="read", case=case, reason="x")).body.decode()
    )
    assert "Say why" in (await one.send(REPLIES, do="read", case=case, reason=" ")).body.decode()
    assert DOUBTFUL in (await one.send(REPLIES, do="read", case=case, reason="weekly")).body.decode()
    (seen,) = await house.record(lambda one: isinstance(one, Note) and one.topic == "doubt.shown")
    assert "甲" in seen.actor
    assert house.suppressions()
    for second in ("", house.tokens["甲（虚构）"], house.tokens["丁（虚构）"], house.tokens["热线"]):
        answer = await one.send(REPLIES, do="dismissed", case=case, reason="x", second=second)
        assert "takes two people" in answer.body.decode()
    answer = await one.send(REPLIES, do="dismissed", case=case, reason="x", second=house.tokens["乙（虚构）"])
    assert "Dismissed" in answer.body.decode()
    code, out, _ = await house.command("optout", "review", "list", "--state", "dismissed", "--json")
    assert code == 0
    assert json.loads(out)["rows"][0]["decided_by"] == "甲（虚构）, 乙（虚构）"
