"""Warnings, confirmations and notices beside an advertisement: it stays one, and true warnings are none."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.messages.corpus import Message, read
from proxy.language.content import read_content
from proxy.language.views import view
from proxy.registry.content_words import read_lexicon
from tests.tools.example_budget import examples

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
LEXICON = read_lexicon(ROOT / "config" / "content.toml")
WORDS = tomllib.loads((ROOT / "tests" / "data" / "warnings.toml").read_text("utf-8"))
HEAD = re.compile(r"【[^】]*】|\[[^\]]*\]\s*|[A-Z][\w ]+: ")
#: What makes an advertisement no notice: it is one, or something worse.
STERN = ("marketing", "fraud")


def category(text: str) -> str:
    return read_content(text, LEXICON).category


def behind_the_head(text: str, words: str) -> str:
    head = HEAD.match(text)
    at = head.end() if head else 0
    return text[:at] + words + text[at:]


def one_of_each_family() -> list[str]:
    chosen: dict[str, Message] = {}
    for part in ("train", "blind"):
        for message in read(part):
            if message.category == "marketing" and message.evasion == "none":
                chosen.setdefault(message.family, message)
    return [message.text for message in chosen.values()]


ADVERTISEMENTS = [text for text in [*WORDS["advertisements"], *one_of_each_family()] if category(text) == "marketing"]


def test_there_are_advertisements_to_try() -> None:
    assert len(ADVERTISEMENTS) > 60


@pytest.mark.parametrize("ending", WORDS["endings"])
def test_nothing_behind_an_advertisement_makes_it_another_thing(ending: str) -> None:
    assert [text for text in ADVERTISEMENTS if category(text + ending) not in STERN] == []


@pytest.mark.parametrize("beginning", WORDS["beginnings"])
def test_nothing_before_an_advertisement_makes_it_another_thing(beginning: str) -> None:
    assert [text for text in ADVERTISEMENTS if category(behind_the_head(text, beginning)) not in STERN] == []


@given(
    text=st.sampled_from(ADVERTISEMENTS),
    before=st.lists(st.sampled_from(WORDS["beginnings"]), max_size=2),
    behind=st.lists(st.sampled_from(WORDS["endings"]), max_size=3),
    between=st.sampled_from(("。", "！", "\n", "，", " | ")),
)
@settings(max_examples=examples(2), deadline=None)
def test_however_much_is_said_around_an_advertisement(
    text: str, before: list[str], behind: list[str], between: str
) -> None:
    whole = behind_the_head(text, "".join(before)) + between + between.join(behind)
    assert category(whole) in STERN


@pytest.mark.parametrize("text", WORDS["notices"])
def test_true_warnings_confirmations_and_notices_are_service(text: str) -> None:
    assert category(text) == "service"


@pytest.mark.parametrize(
    "text",
    [
        "【江澜银行】不是骗局，安居贷年化3.5%起，欢迎办理",
        "【江澜银行】无套路、无陷阱，安居贷利率优惠等您来",
        "【江澜银行】我行承诺低息免抵押，冒充者太多，认准我们，安居贷随借随还",
        "【江澜银行】以回馈客户为由，即日起安居贷利率8折，400-000-1001",
        "【江澜银行】警惕高利贷！选安居贷，利率低至3.5%",
        "【江澜银行】近期有人冒充我行，请致电400-000-1001办理低息贷款，额度最高50万",
        "【江澜银行】谨防诈骗安居贷年化3.5%起轻松办理",
        "【江澜银行】安居贷年化3.5%起轻松办理谨防诈骗",
        "【江澜银行】机会将不再，安居贷限时优惠，快来申请",
        "Jianglan Bank: Not a scam! Personal loans from 3.5% APR, apply today",
        "Jianglan Bank: Beware of high rates. Our auto loans start at 3.5% APR, apply today",
    ],
)
def test_words_of_warnings_in_an_advertisement_set_nothing_aside(text: str) -> None:
    assert category(text) == "marketing"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("【江澜银行】您尾号7788信用卡已逾期2天，最低还款800元，谨防诈骗", "collection"),
        ("【江澜银行】谨防冒充。您的贷款已逾期，请速还款", "collection"),
        ("【江澜银行】账户异常，请登录 http://jl.example 认证，请勿相信陌生来电", "fraud"),
        ("请把收到的验证码发给我，谨防诈骗", "fraud"),
        ("【征信修复】逾期记录包删，联系13900000011，已退订", "fraud"),
    ],
)
def test_what_else_is_asked_stays_what_it_is(text: str, kind: str) -> None:
    assert category(text) == kind


def test_a_warning_is_cited_by_what_is_set_aside() -> None:
    text = "【江澜银行】警惕信用卡提额诈骗，请勿转账"
    found = read_content(text, LEXICON)
    cited = [(one.text, one.why) for one in found.evidence["category"]]
    assert cited == [("警惕信用卡提额诈骗", "set aside"), ("请勿转账", "set aside")]
    assert found.confidence == 1.0


@given(
    st.lists(
        st.sampled_from(
            ("警惕", "，", "“", "”", "是骗局", "冒充", "为由", "凡是", "不再收到", "安居贷", " a", "3%", "。")
        ),
        max_size=40,
    )
)
@settings(max_examples=examples(2), deadline=None)
def test_every_place_that_is_cited_stands_in_the_text(pieces: list[str]) -> None:
    text = "".join(pieces)
    for held in read_content(text, LEXICON).evidence.values():
        assert all(text[one.start : one.end] == one.text for one in held)
    assert len(view(text, LEXICON.parts).bare) <= len(text)
