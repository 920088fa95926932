"""The refusal keyword that a sender's text offers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.language.instructions import offered_keyword

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "keyword"),
    [
        ("【江澜银行】安居贷年化3.5%起，回T退订", "t"),
        ("拒收请回复R", "r"),
        ("退订回N【江澜银行】", "n"),
        ("不想接收回88", "88"),
        ("回复“T D”退订", "td"),
        ("如需退订，请回复ＴＤ", "td"),
        ("回复1了解详情，退订回2", "2"),
        ("回YL办理，拒收回R", "r"),
        ("回Y，拒收回R", "r"),
        ("回【R】拒收", "r"),
        ("Reply STOP to opt out", "stop"),
        ("To stop, reply END", "end"),
        ("Reply HELP for help, reply STOP to cancel", "stop"),
        ("请发送QXDY至10690001取消订阅", "qxdy"),
    ],
)
def test_the_offered_keyword_is_found(text: str, keyword: str) -> None:
    assert offered_keyword(text) == keyword


@pytest.mark.parametrize(
    "text",
    [
        "",
        "回复1了解详情",
        "点击回执",
        "拨打95588退订",
        "退订TD",
        "请回复10690001退订",
        "您已成功退订推广短信",
        "Text HELP for help",
        "回复Y办理",
    ],
)
def test_no_keyword_where_nothing_refuses(text: str) -> None:
    assert offered_keyword(text) is None


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_it_never_raises(text: str) -> None:
    offered_keyword(text + "回T退订" + text)
