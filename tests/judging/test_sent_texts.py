"""What was said last to whom: the latest text of each number, and never more than two generations."""

import pytest

from proxy.judging.sent_texts import SentTexts

pytestmark = pytest.mark.unit


def test_the_latest_text_from_that_very_number_is_found() -> None:
    sent = SentTexts(10)
    sent.keep(b"a", "10690001", "一")
    sent.keep(b"a", "106900011", "二")
    sent.keep(b"a", "10690001", "三")
    assert sent.find(b"a", "10690001") == "三"
    assert sent.find(b"a", "106900011") == "二"
    assert sent.find(b"b", "10690001") is None
    assert sent.find(b"a", "10690002") is None


def test_at_least_the_latest_and_at_most_two_generations_are_kept() -> None:
    sent = SentTexts(10)
    for number in range(95):
        sent.keep(bytes((number,)), f"1069{number % 7}", str(number))
        assert len(sent) <= 20
    for number in range(85, 95):
        assert sent.find(bytes((number,)), f"1069{number % 7}") == str(number)
    assert sent.find(bytes((70,)), "10690") is None


def test_nothing_is_kept_where_nothing_may_be() -> None:
    sent = SentTexts()
    sent.keep(b"a", "10690001", "一")
    assert len(sent) == 0
    assert sent.find(b"a", "10690001") is None
