"""What texts say, judged on the socket: enforced and in shadow, in each alphabet, whole, in parts, to many, replaced.

Two institutions with the same records: the pack of one's province enforces the rules of texts, the other's are in
shadow. 全部机构、号码与人员均为虚构。
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from proxy.core.codes import load_codes
from proxy.evidence.records import Decision
from proxy.settings import read_toml
from tests.rules.scene import ACCOUNT
from tests.tools.raw_esme import RawEsme
from tests.tools.wire import (
    DATA_SM,
    REPLACE_SM,
    RESP,
    SUBMIT_MULTI,
    SUBMIT_SM,
    Frame,
    cstring,
    data_sm_body,
    message_body,
    tlv,
)
from tests.wire.multi import sme, unsuccess
from tests.wire.people import PERSONS, account, number, registry
from tests.wire.pool_house import PoolHouse, id_of

pytestmark = [pytest.mark.wire, pytest.mark.asyncio(loop_scope="module")]

ROOT = Path(__file__).resolve().parents[2]
CODES = load_codes(read_toml(ROOT / "config" / "codes.toml"))
RULES = ("spoof", "identity", "contact", "product", "link", "refusal", "disclosure", "threat")
MODES = "\n".join(f'[rules."content.{rule}"]\nmode = "{{mode}}"\nbasis = "product default"\n' for rule in RULES)
EVER = {"since": "2026-01-01", "until": "2099-12-31"}
#: The same house twice: `on` lies in a province whose pack enforces, `off` in none.
HOUSES = {"on": "之江银行", "off": "江畔银行"}
MARKETING = "【{name}】“安居贷”年化3.5%起，咨询400-000-1001，回T退订"
OVERDUE = "【{name}】您的安居贷已逾期，最低还款800元，400-000-1001"
NOTICE = "【{name}】您尾号7788卡支出66.00元，余额100.00元"
ENGLISH = "[Zhijiang Bank] Auto loan from 3.5% APR, call 400-000-1001. Reply STOP to opt out"
#: Number of each purpose, by the last digit.
SENDS = {"marketing": "1", "collection": "2", "service": "3"}
DEBTOR, CONTACT = PERSONS[1], PERSONS[2]


def _rows(place: str, name: str) -> dict[str, list[dict[str, Any]]]:
    port = "1069100" if place == "on" else "1069200"
    phone = "400-000-1001"
    return {
        "institutions": [
            {"id": place, "name": f"{name}（虚构）", "kind": "bank", "region": "浙江" if place == "on" else ""}
        ],
        "licences": [{"institution": place, "purposes": ["marketing", "collection"], "channels": ["sms"], **EVER}],
        "numbers": [number(port + digit, place, purpose) for purpose, digit in SENDS.items()],
        "accounts": [
            account(place, place, *SENDS, route="default"),
            account(f"{place}-pool", place, *SENDS, route="pool"),
            account(f"{place}-re", place, *SENDS, replace_sm=True),
        ],
        "consents": [
            {"recipient": one, "institution": place, "channels": ["sms"], "given": "2026-03-01", "source": "虚构", **_U}
            for one in PERSONS
        ],
        "signatures": [{"owner": place, "signature": "Zhijiang Bank"}] if place == "on" else [],
        "service_phones": [{"owner": place, "phone": phone}],
        "products": [{"institution": place, "name": "安居贷"}],
        "domains": [{"owner": place, "domain": f"{place}.example"}],
        "debtors": [
            {"recipient": person, "institution": place, "role": role, "verified": "2026-03-01"}
            for person, role in ((DEBTOR, "debtor"), (CONTACT, "contact"))
        ],
    }


_U = {"until": "2099-12-31"}


def everything() -> dict[str, Any]:
    whole = registry()
    for place, name in HOUSES.items():
        for section, rows in _rows(place, name).items():
            whole[section] = [*whole.get(section, []), *rows]
    whole["service_phones"].append({"owner": "jianglan", "phone": "400-000-7007"})
    return whole


class Texts(PoolHouse):
    """The house, and a bind of each account that is asked for."""

    async def open_texts(self) -> Texts:
        opened = (ROOT / "config/packs/cn-open.toml").read_text(encoding="utf-8")
        base, strict = self.folder / "base.toml", self.folder / "strict.toml"
        base.write_text(opened + MODES.format(mode="shadow"), encoding="utf-8")
        strict.write_text(
            opened.replace('"cn-open"', '"cn-strict"').replace('region = "CN"', 'region = "CN-ZJ"')
            + MODES.format(mode="enforce"),
            encoding="utf-8",
        )
        await self.open(
            smpp={"parts_quiet_ms": 15_000},
            tables={"policy": {"pack": base, "packs": [str(strict)]}, "evidence": {"linger_ms": 5}},
        )
        self.esmes: dict[str, RawEsme] = {}
        self.seen = 0
        return self

    async def esme(self, name: str) -> RawEsme:
        if name not in self.esmes:
            self.esmes[name] = await self.bind(name)
        return self.esmes[name]

    async def ask(self, name: str, body: bytes, command: int = SUBMIT_SM) -> Frame:
        return await (await self.esme(name)).request(command, body)

    async def latest(self) -> Decision:
        """The decision of the request that was answered last."""
        found = await self.record(lambda one: isinstance(one, Decision) and one.id > self.seen)
        self.seen = max(one.id for one in found)
        decision: Decision = found[-1]
        return decision


@pytest.fixture(scope="session")
def texts_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.wire.house import make_template

    return make_template(tmp_path_factory.mktemp("texts") / "template", everything())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def texts(texts_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Texts]:
    async with Texts(texts_template, tmp_path_factory.mktemp("judged")) as made:
        yield await made.open_texts()
        await made.end()


def source(place: str, purpose: str) -> str:
    return ("1069100" if place == "on" else "1069200") + SENDS[purpose]


def ucs2(place: str, purpose: str, said: str, person: str = DEBTOR, **fields: Any) -> bytes:
    octets = said.format(name=HOUSES[place]).encode("utf-16-be")
    return message_body(source(place, purpose), person, octets, data_coding=8, **fields)


def status_of(rule: str) -> int:
    return CODES.status(ACCOUNT, rule, "")


#: Rule and detail, the purpose of the number, what is permitted, what is refused: they differ in one thing.
PAIRS = [
    ("content.spoof", "other", "marketing", MARKETING, MARKETING.replace("{name}", "云岫消费金融")),
    ("content.spoof", "unknown", "marketing", MARKETING, MARKETING + "【泽禾农信银行】"),
    ("content.identity", "none", "marketing", MARKETING, MARKETING.replace("{name}", "贷款专员")),
    ("content.contact", "none", "marketing", MARKETING, MARKETING.replace("，咨询400-000-1001", "")),
    ("content.contact", "other", "marketing", MARKETING, MARKETING.replace("1001", "7007")),
    ("content.contact", "unknown", "marketing", MARKETING, MARKETING.replace("1001", "1009")),
    (
        "content.product",
        "none",
        "marketing",
        MARKETING,
        MARKETING.replace("“安居贷”", ""),
    ),
    ("content.product", "unknown", "marketing", MARKETING, MARKETING.replace("安居贷", "好时贷")),
    ("content.link", "unknown", "marketing", MARKETING + " on.example", MARKETING + " http://any.example/a"),
    ("content.refusal", "none", "marketing", MARKETING, MARKETING.replace("，回T退订", "")),
    ("content.refusal", "none", "marketing", MARKETING.replace("回T", "回 Ｔ "), MARKETING.replace("退订", "推丁")),
    ("content.refusal", "keyword", "marketing", MARKETING, MARKETING.replace("回T", "回XZ")),
    ("content.refusal", "meaning", "marketing", MARKETING, MARKETING.replace("回T", "回T继续接收，回TD")),
    ("content.refusal", "limited", "marketing", MARKETING, MARKETING.replace("回T", "24小时内回T")),
    ("content.disclosure", "third", "collection", OVERDUE, OVERDUE + "，请转告您的朋友何某"),
    ("content.threat", "threat", "collection", OVERDUE, OVERDUE.replace("最低还款800元", "再不还就上门找你")),
    ("content.threat", "insult", "collection", OVERDUE, OVERDUE.replace("您的", "你这个老赖，")),
    ("content.identity", "none", "collection", OVERDUE, OVERDUE.replace("【{name}】", "")),
]
#: Enforced whatever packs say: the texts are of another purpose, or read as fraud.
EVERYWHERE = [
    ("purpose.mismatch", "marketing", "service", NOTICE, NOTICE + "，安居贷3.5%起，400-000-1001，回T退订"),
    ("purpose.mismatch", "collection", "service", NOTICE, OVERDUE),
    ("purpose.mismatch", "marketing", "collection", OVERDUE, MARKETING),
    ("content.fraud", "text", "service", NOTICE, "【{name}】账户异常，请登录 http://jl.example 认证"),
]


@pytest.mark.parametrize(("rule", "detail", "purpose", "good", "bad"), PAIRS)
async def test_one_thing_in_the_text_decides(
    texts: Texts, rule: str, detail: str, purpose: str, good: str, bad: str
) -> None:
    for said, refused in ((good, False), (bad, True)):
        for place in HOUSES:
            if place == "off" and "on.example" in said:
                continue
            answer = await texts.ask(place, ucs2(place, purpose, said))
            decision = await texts.latest()
            enforced = refused and place == "on"
            assert answer.status == (status_of(rule) if enforced else 0), decision
            assert (decision.rule, decision.detail) == ((rule, detail) if enforced else ("", ""))
            named = [one for one in decision.findings if one.startswith(f"{rule}/{detail}@")]
            assert bool(named) == refused, decision.findings
            text = said.format(name=HOUSES[place])
            assert all(0 <= int(end) <= len(text) for one in named for end in one.rsplit("@")[1].split("-"))


@pytest.mark.parametrize(("rule", "detail", "purpose", "good", "bad"), EVERYWHERE)
async def test_another_purpose_and_fraud_are_refused_everywhere(
    texts: Texts, rule: str, detail: str, purpose: str, good: str, bad: str
) -> None:
    for place in HOUSES:
        assert (await texts.ask(place, ucs2(place, purpose, good))).status == 0
        assert (await texts.ask(place, ucs2(place, purpose, bad))).status == status_of(rule)
        decision = await texts.latest()
        assert (decision.rule, decision.detail) == (rule, detail)


GOOD, BAD = MARKETING.format(name=HOUSES["on"]), MARKETING.format(name=HOUSES["on"]).replace("，回T退订", "")
ENGLISH_BAD = ENGLISH.replace(" Reply STOP to opt out", "")
MISSING = "content.refusal"
ALPHABETS = [
    ("UCS-2", 8, GOOD.encode("utf-16-be"), BAD.encode("utf-16-be")),
    ("GB 18030", 15, GOOD.encode("gb18030"), BAD.encode("gb18030")),
    ("UTF-8 under the default", 0, GOOD.encode(), BAD.encode()),
    ("GSM 03.38", 0, ENGLISH.encode().replace(b"[", b"\x1b<").replace(b"]", b"\x1b>"), ENGLISH_BAD.encode()),
    ("ASCII", 1, ENGLISH.encode(), ENGLISH_BAD.encode()),
    ("Latin-1", 3, (ENGLISH + " é").encode("latin-1"), (ENGLISH_BAD + " é").encode("latin-1")),
]


@pytest.mark.parametrize(("name", "coding", "good", "bad"), ALPHABETS)
async def test_the_same_in_each_alphabet(texts: Texts, name: str, coding: int, good: bytes, bad: bytes) -> None:
    port = source("on", "marketing")
    for octets, expected in ((good, 0), (bad, status_of(MISSING))):
        payload = tlv(0x0424, octets)
        assert (await texts.ask("on", message_body(port, DEBTOR, octets, data_coding=coding))).status == expected, name
        assert (
            await texts.ask("on", message_body(port, DEBTOR, b"", data_coding=coding, tlvs=payload))
        ).status == expected
        data = data_sm_body(port, DEBTOR, octets, data_coding=coding)
        assert (await texts.ask("on", data, DATA_SM)).status == expected
        texts.seen = max((await texts.latest()).id, texts.seen)


async def test_what_nobody_can_read_is_refused(texts: Texts) -> None:
    octets = message_body(source("on", "marketing"), DEBTOR, GOOD.encode("utf-16-be"), data_coding=4)
    assert (await texts.ask("on", octets)).status == status_of("content.undecodable")


#: Without punctuation and ASCII, and without 回 (U+56DE), which would stop octets that are out of step.
OFFER = "恭喜您获得贷款额度年化利率低至百分之三立即申请发送退订即可"
#: An advertisement as a service message: what handsets show, written so that a reader may miss it.
AROUND = [
    ("letters apart", 0, ".".join(ENGLISH).encode()),
    ("UCS-2 under the default", 0, ENGLISH.encode("utf-16-be")),
    ("little-endian with its mark", 8, ("\ufeff" + ENGLISH).encode("utf-16-le")),
    ("little-endian without", 8, ENGLISH.encode("utf-16-le")),
    ("behind notices", 8, (NOTICE * 110 + GOOD).encode("utf-16-be")),
    ("before nothing visible", 0x18, (GOOD + "\u200b" * 9000).encode("utf-16-be")),
    ("with a wrong octet", 0, OFFER.encode("gb18030") + b"\xff"),
    ("a flash message", 0xF0, ENGLISH.encode()),
    ("a message that waits", 0xE0, GOOD.encode("utf-16-be")),
]


@pytest.mark.parametrize(("name", "coding", "octets"), AROUND, ids=[one[0] for one in AROUND])
async def test_no_writing_hides_an_advertisement(texts: Texts, name: str, coding: int, octets: bytes) -> None:
    body = message_body(source("on", "service"), DEBTOR, b"", data_coding=coding, tlvs=tlv(0x0424, octets))
    assert (await texts.ask("on", body)).status == status_of("purpose.mismatch"), name


def parts(said: str, port: str, ref: int, *, sar: bool = False) -> list[bytes]:
    octets = said.encode("utf-16-be")
    size = -(-len(octets) // 6) * 2
    pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
    if sar:
        return [
            message_body(
                port,
                DEBTOR,
                piece,
                data_coding=8,
                tlvs=tlv(0x020C, bytes([0, ref])) + tlv(0x020E, bytes([3])) + tlv(0x020F, bytes([place])),
            )
            for place, piece in enumerate(pieces, 1)
        ]
    return [
        message_body(port, DEBTOR, bytes([5, 0, 3, ref, 3, place]) + piece, data_coding=8, esm_class=0x40)
        for place, piece in enumerate(pieces, 1)
    ]


@pytest.mark.parametrize("sar", [False, True])
@pytest.mark.parametrize("name", ["on", "on-pool"])
async def test_parts_are_judged_as_the_whole(texts: Texts, name: str, sar: bool) -> None:
    esme = await texts.esme(name)
    for ref, (said, expected) in enumerate(((GOOD, 0), (BAD, status_of(MISSING)))):
        bodies = parts(said, source("on", "marketing"), 40 + ref, sar=sar)
        for body in bodies:
            await esme.submit(SUBMIT_SM, body)
        assert [(await esme.expect(SUBMIT_SM | RESP)).status for _ in bodies] == [expected] * 3


async def test_parts_that_are_out_of_step_hide_nothing(texts: Texts) -> None:
    esme = await texts.esme("on")
    for ref, coding, first, second in (
        (50, 15, "您好".encode("gb18030") + b"\xb0", OFFER.encode("gb18030") + b"A"),
        (51, 0, "您好".encode("gb18030") + b"\xb0", OFFER.encode("gb18030") + b"A"),
        (52, 8, "您好".encode("utf-16-be"), ("\ufeff" + OFFER).encode("utf-16-le")),
    ):
        for place, octets in enumerate((first, second), 1):
            head = bytes([5, 0, 3, ref, 2, place])
            body = message_body(source("on", "service"), DEBTOR, head + octets, data_coding=coding, esm_class=0x40)
            await esme.submit(SUBMIT_SM, body)
        statuses = [(await esme.expect(SUBMIT_SM | RESP)).status for _ in range(2)]
        assert statuses == [status_of("purpose.mismatch")] * 2, coding


async def test_to_many_replaced_and_in_a_pool(texts: Texts) -> None:
    def many(said: str) -> bytes:
        octets = said.encode("utf-16-be")
        head = (
            cstring("")
            + bytes([0, 0])
            + cstring(source("on", "marketing"))
            + bytes([2])
            + sme(DEBTOR)
            + sme(PERSONS[3])
        )
        return head + bytes(3) + cstring("") + cstring("") + bytes([0, 0, 8, 0, len(octets)]) + octets

    wrong = status_of(MISSING)
    assert (await texts.ask("on", many(GOOD), SUBMIT_MULTI)).status == 0
    refused = await texts.ask("on", many(BAD), SUBMIT_MULTI)
    assert refused.status == wrong or {status for _, status in unsuccess(refused)} == {wrong}
    assert (await texts.ask("on-pool", ucs2("on", "marketing", MARKETING))).status == 0
    assert (await texts.ask("on-pool", ucs2("on", "marketing", BAD))).status == wrong
    sent = id_of(await texts.ask("on-re", ucs2("on", "marketing", MARKETING)))
    octets = BAD.encode("utf-16-be")
    replaced = cstring(sent) + bytes([0, 0]) + cstring(source("on", "marketing")) + cstring("") + cstring("")
    assert (await texts.ask("on-re", replaced + bytes([0, 0, len(octets)]) + octets, REPLACE_SM)).status == wrong


async def test_a_debt_told_to_a_contact_is_a_disclosure(texts: Texts) -> None:
    assert (await texts.ask("on", ucs2("on", "collection", OVERDUE, DEBTOR))).status == 0
    assert (await texts.ask("on", ucs2("on", "collection", OVERDUE, CONTACT))).status == status_of("content.disclosure")
    assert (await texts.latest()).detail == "contact"


async def test_explain_shows_the_places_and_the_log_holds_no_text(texts: Texts) -> None:
    said = MARKETING.format(name=HOUSES["on"]).replace("1001", "7007")
    assert (await texts.ask("on", ucs2("on", "marketing", said))).status == status_of("content.contact")
    decision = await texts.latest()
    at = said.index("400-000-7007")
    assert decision.findings == (f"content.contact/other@{at}-{at + 12}",)
    code, out, _ = await texts.command(
        "explain",
        "sms",
        "--account",
        "on",
        "--from",
        source("on", "marketing"),
        "--to",
        DEBTOR,
        "--text",
        said,
        "--json",
    )
    (row,) = [one for one in json.loads(out)["rows"] if one["rule"] == "content.contact"]
    assert code == 1
    assert row["spans"] == [{"start": at, "end": at + 12, "kind": "other", "text": "400-000-7007"}]
    for file in (texts.state / "evidence").iterdir():
        octets = file.read_bytes()
        assert "安居贷".encode() not in octets
        assert b"400-000-7007" not in octets


async def test_a_record_that_is_imported_counts_for_the_next_message(texts: Texts) -> None:
    said = MARKETING.replace("1001", "1888")
    assert (await texts.ask("on", ucs2("on", "marketing", said))).status == status_of("content.contact")
    file = texts.folder / "more.json"
    file.write_text(json.dumps({"service_phones": [{"owner": "on", "phone": "400-000-1888"}]}), encoding="utf-8")
    code, out, err = await texts.command("registry", "import", file)
    assert code == 0, out + err
    assert (await texts.ask("on", ucs2("on", "marketing", said))).status == 0
