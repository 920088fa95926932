"""What a message says, held against what is on record of its sender."""

import pytest

from proxy.language.content import read_content
from proxy.language.on_record import held_against, on_record
from tests.tools.shipped import shipped_lexicon

pytestmark = pytest.mark.unit

LEXICON = shipped_lexicon()
RECORD = on_record(
    LEXICON,
    names=["江澜银行", "江澜"],
    partners=["元麓科技"],
    phones=["4000001001", "+8657100001234"],
    products=["安居贷", "信用卡"],
    domains=["jl.example"],
)


def against(text: str) -> list[tuple[str, str]]:
    content = read_content(text, LEXICON)
    found = held_against(text, content, RECORD, LEXICON, lambda word: word in ("t", "td"))
    assert all(0 <= one.start <= one.end <= len(text) for one in found)
    return [(one.rule, one.detail) for one in found]


@pytest.mark.parametrize(
    "text",
    [
        "【江澜银行】“安居贷”年化3.5%起，400-000-1001，回T退订",
        "【江 澜 银 行】安 居 贷 年化3.5%起，４００ ０００ １００１，回 T 退 订",
        "【元麓科技】受江澜银行委托推荐安居贷，年化3.5%起，0571-00001234，回TD退订",
        "【江澜银行】信用卡新户好礼，https://m.jl.example/a，400-000-1001，回T退订",
        "【江澜银行】您尾号7788信用卡已逾期，400-000-1001",
        "【泽禾银行】验证码410022，请勿泄露",
    ],
)
def test_what_is_on_record_passes(text: str) -> None:
    assert against(text) == []


@pytest.mark.parametrize(
    ("text", "rule", "detail"),
    [
        ("【泽禾银行】“安居贷”年化3.5%起，400-000-1001，回T退订", "content.spoof", "signature of nobody"),
        ("【江澜银行】【泽禾银行】安居贷优惠，400-000-1001，回T退订", "content.spoof", "signature of nobody"),
        ("【元麓科技】推荐安居贷，年化3.5%起，400-000-1001，回T退订", "content.identity", "partner without"),
        ("安居贷优惠，400-000-1001，回T退订", "content.identity", "no institution"),
        ("【江澜银行】安居贷优惠，400-000-9999，回T退订", "content.contact", "telephone not on record"),
        ("【江澜银行】安居贷优惠，回T退订", "content.contact", "no telephone"),
        ("【江澜银行】安居贷优惠，http://jl.example.top，400-000-1001，回T退订", "content.contact", "link not"),
        ("【江澜银行】“好时贷”优惠，400-000-1001，回T退订", "content.product", "product not on record"),
        ("【江澜银行】优惠多多，400-000-1001，回T退订", "content.product", "no product"),
        ("【江澜银行】安居贷优惠，400-000-1001", "content.refusal", "no way"),
        ("【江澜银行】安居贷优惠，400-000-1001，回XZ退订", "content.refusal", "not honoured"),
        ("【江澜银行】安居贷优惠，400-000-1001，24小时内回T退订", "content.refusal", "limited"),
        ("【江澜银行】安居贷优惠，400-000-1001，回T继续接收，退订回TD", "content.refusal", "another meaning"),
        ("【江澜银行】您的朋友何某信用卡逾期，请转告，400-000-1001", "content.disclosure", "another"),
        ("【江澜银行】你这个老赖，信用卡逾期还不还，400-000-1001", "content.threat", "insult"),
    ],
)
def test_what_is_not_is_found(text: str, rule: str, detail: str) -> None:
    found = against(text)
    assert any(one == rule and detail in why for one, why in found), found
