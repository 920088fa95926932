"""A text that is longer than one reading: no part of it goes unread."""

from __future__ import annotations

import pytest

from proxy.language.content import READ_LIMIT, read_content
from proxy.language.long_texts import read_any_length
from tests.tools.shipped import shipped_lexicon

pytestmark = pytest.mark.unit

LEXICON = shipped_lexicon()
NOTICE = "【江澜银行】您尾号7788卡支出66.00元，余额100.00元。"
SELLS = "“安居贷”年化3.5%起，利率优惠，咨询400-000-1001，回T退订"
FILLING = "您尾号7788卡支出66.00元。"


@pytest.mark.parametrize("before", [0, 1, READ_LIMIT - 40, READ_LIMIT, READ_LIMIT + 300, 3 * READ_LIMIT])
def test_what_stands_behind_a_filling_is_read(before: int) -> None:
    filling = (FILLING * (before // len(FILLING) + 1))[:before]
    text = NOTICE + filling + SELLS + FILLING * 20
    content = read_any_length(text, LEXICON)
    assert (content.category, content.has_refusal, content.refusal_keyword) == ("marketing", True, "t")
    assert content.signature == "江澜银行"
    for mark in ("has_contact", "has_refusal", "has_product"):
        assert [text[one.start : one.end] for one in content.evidence[mark]] == [
            one.text for one in content.evidence[mark]
        ]
    assert "400-000-1001" in [one.text for one in content.evidence["has_contact"]]


def test_a_text_of_one_piece_is_read_as_ever() -> None:
    for text in ("", NOTICE, (NOTICE * 200)[:READ_LIMIT]):
        assert read_any_length(text, LEXICON) == read_content(text, LEXICON)


def test_a_long_notice_stays_one() -> None:
    content = read_any_length(NOTICE + FILLING * 600, LEXICON)
    assert (content.category, content.has_contact, content.has_refusal) == ("service", False, False)


OVERDUE = "您的贷款已逾期，最低还款800元，请尽快还款，400-000-1001"
NO_WORDS = "好" * (READ_LIMIT + 300)


def test_the_reasons_are_those_of_the_piece_that_decided_and_stand_where_they_are_said_to() -> None:
    text = NOTICE + FILLING * (READ_LIMIT // len(FILLING) + 20) + SELLS
    reasons = read_any_length(text, LEXICON).evidence["category"]
    assert all(one.start > READ_LIMIT - 300 and text[one.start : one.end] == one.text for one in reasons)


@pytest.mark.parametrize(
    ("text", "category"),
    [
        (NO_WORDS + SELLS, "marketing"),
        (SELLS + NO_WORDS, "marketing"),
        (SELLS + NO_WORDS + OVERDUE, "collection"),
        (OVERDUE + NO_WORDS + SELLS, "collection"),
        (NOTICE + NO_WORDS + SELLS, "marketing"),
    ],
)
def test_words_count_before_none_and_the_stern_before_the_rest(text: str, category: str) -> None:
    content = read_any_length(text, LEXICON)
    assert (content.category, bool(content.evidence["category"])) == (category, True)
