"""What was said last to whom: the latest text of each number, and never more than two generations."""

import pytest
from msgspec.structs import replace

from proxy.core.number_library import NumberLibrary
from proxy.judging.sent_texts import SentTexts
from proxy.policy import evaluate
from tests.rules.scene import BASE, build
from tests.tools.slotted import changed

pytestmark = pytest.mark.unit


def test_the_latest_text_from_that_very_number_is_found() -> None:
    sent = SentTexts(10)
    sent.keep(b"a", "10690001", "一")
    sent.keep(b"a", "106900011", "二")
    sent.keep(b"a", "10690001", "三")
    assert sent.find(b"a", "10690001") == ("三", "一")
    assert sent.find(b"a", "106900011") == ("二", "")
    assert sent.find(b"b", "10690001") == ("", "")
    assert sent.find(b"a", "10690002") == ("", "")


def test_the_text_before_is_another_one_across_generations_too() -> None:
    sent = SentTexts(4)
    for text in ("一", "二", "二", "三"):
        sent.keep(b"a", "1", text)
    assert sent.find(b"a", "1") == ("三", "二")
    sent.keep(b"a", "1", "三")
    assert sent.find(b"a", "1") == ("三", "二")
    sent.keep(b"a", "1", "四")
    assert sent.find(b"a", "1") == ("四", "三")


def test_at_least_the_latest_and_at_most_two_generations_are_kept() -> None:
    sent = SentTexts(10)
    for number in range(95):
        sent.keep(bytes((number,)), f"1069{number % 7}", str(number))
        assert len(sent) <= 20
    for number in range(85, 95):
        assert sent.find(bytes((number,)), f"1069{number % 7}") == (str(number), "")
    assert sent.find(bytes((70,)), "10690") == ("", "")


def test_nothing_is_kept_where_nothing_may_be() -> None:
    sent = SentTexts()
    request, snapshot, now = build(BASE)
    decision = evaluate(request, snapshot, now).decision
    sent.permitted(request, decision, snapshot)
    assert len(sent) == 0
    assert sent.find(b"a", "10690001") == ("", "")


def test_a_text_from_an_extension_is_that_of_its_number_too_as_long_as_it_is_one() -> None:
    sent = SentTexts(10)
    request, snapshot, now = build(BASE)
    number = request.sender or ""
    longer = changed(request, sender=f"{number}77", readings=("一",))
    decision = evaluate(longer, snapshot, now).decision
    sent.permitted(longer, decision, snapshot)
    sent.permitted(longer, decision, snapshot)
    assert sent.find(decision.person, f"{number}77") == ("一", "")
    assert sent.find(decision.person, number) == ("一", "")
    gone = replace(snapshot, numbers=NumberLibrary([]))
    sent.permitted(changed(longer, readings=("二",)), decision, gone)
    assert sent.find(decision.person, f"{number}77") == ("二", "一")
    assert sent.find(decision.person, number) == ("一", "")
