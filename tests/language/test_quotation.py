"""The sender's own text inside a reply is not what the person says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.language.quotation import own_words
from proxy.optout_parser import parse
from tests.tools.shipped import shipped_vocabulary

pytestmark = pytest.mark.unit

VOCABULARY = shipped_vocabulary()
SENT = "【江澜银行】您有一笔专享额度待领取（虚构示例），拒收请回复88"
UNSIGNED = "Jianglan Bank (invented): 2.9% APR until Sunday. Reply BYE to opt out"


@pytest.mark.parametrize("reply", [SENT, f"转发：{SENT}", f"“{SENT}”", f"> {SENT}", SENT[:30], UNSIGNED])
def test_a_quotation_without_own_words_says_nothing(reply: str) -> None:
    sent = UNSIGNED if reply == UNSIGNED else SENT
    assert own_words(reply, sent) == ""
    assert parse(reply, VOCABULARY, message=sent).label == "none"


@pytest.mark.parametrize(
    "reply", [f"别再发了\n{SENT}", f"{SENT}\n别再发了", f"别再发了 // 转：{SENT}", f"TD {UNSIGNED}"]
)
def test_own_words_beside_a_quotation_count(reply: str) -> None:
    sent = UNSIGNED if UNSIGNED in reply else SENT
    assert parse(reply, VOCABULARY, message=sent).label == "optout"


def test_a_signature_marks_a_quotation_where_the_message_is_not_known() -> None:
    assert parse(f"转发：{SENT}", VOCABULARY).label == "none"
    assert parse(f"别再发了 {SENT}", VOCABULARY).label == "optout"


@pytest.mark.parametrize(
    "reply", ["【TD】", "【退订】谢谢", "别再发了", "[自动回复]休假中", "拒收请回复88", "【江澜银行】别再给我发短信了"]
)
def test_emphasis_and_keywords_of_the_message_are_no_quotation(reply: str) -> None:
    assert own_words(reply, SENT) is None


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        ("Please do not share your code. Reply BYE to opt out", "Please do not text me again"),
        ("Do not call this number back. Reply BYE to opt out", "Do not call me again"),
        ("STOP texting while driving! Reply BYE to opt out", "STOP texting me"),
    ],
)
def test_a_few_words_that_the_message_begins_with_are_the_persons_own(message: str, reply: str) -> None:
    assert parse(reply, VOCABULARY, message=message).label == "optout"
    assert parse(message[:30], VOCABULARY, message=message).label == "none"


def test_the_keyword_that_the_message_offers_is_a_refusal_of_it() -> None:
    assert parse("88", VOCABULARY, message=SENT).label == "optout"
    assert parse("88", VOCABULARY).label == "none"
    assert parse("88元", VOCABULARY, message=SENT).label == "none"


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_and_no_message_make_an_error(text: str, message: str) -> None:
    own = own_words(text, message)
    assert own is None or len(own) <= len(text) + 1
