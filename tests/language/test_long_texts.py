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
