"""Reading replies: a keyword is a refusal however it is written, and letters inside anything else never are."""

import json
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from proxy.optout_parser import READ_LIMIT, Reading, parse
from tests.tools.shipped import shipped_vocabulary

pytestmark = pytest.mark.unit

VOCABULARY = shipped_vocabulary()
EXAMPLES = Path(__file__).parents[1] / "data" / "optout_examples.jsonl"


def read(text: str, *offered: str) -> Reading:
    return parse(text, VOCABULARY, offered)


FORMS = tomllib.loads((Path(__file__).parents[1] / "data" / "optout_forms.toml").read_text("utf-8"))


@pytest.mark.parametrize("text", FORMS["optout"])
def test_a_keyword_in_any_dress_is_a_refusal(text: str) -> None:
    reading = read(text)
    assert (reading.label, reading.scope) == ("optout", "sms")
    assert reading.matched is not None
    assert 0 < reading.confidence <= 1


@pytest.mark.parametrize("text", FORMS["none"])
def test_letters_inside_anything_else_say_nothing(text: str) -> None:
    reading = read(text)
    assert (reading.label, reading.scope) == ("none", None)


@pytest.mark.parametrize("text", FORMS["help"])
def test_a_question_is_help(text: str) -> None:
    reading = read(text)
    assert (reading.label, reading.scope) == ("help", None)


@pytest.mark.parametrize("text", FORMS["optin"])
def test_a_wish_to_receive_again_is_read(text: str) -> None:
    reading = read(text)
    assert (reading.label, reading.scope) == ("optin", "sms")


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("别打电话", "voice"), ("TD 别打电话", "voice"), ("stop calling me!", "voice"),
        ("别发短信，别打电话", "all"), ("请勿骚扰", "all"),
        ("别再给我发短信了", "sms"), ("stop, don't contact me", "all"), ("撤回授权", "all"),
    ],
)  # fmt: skip
def test_the_scope_is_what_the_text_names(text: str, scope: str) -> None:
    assert read(text) == Reading("optout", scope, read(text).matched, read(text).confidence)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("我不是要退订，我想问利息", "none"), ("我不是想拒绝", "none"), ("我不是要退订吗怎么还发", "optout"),
        ("我不是你们客户别发了", "optout"), ("我不是贵行客户请勿发送", "optout"), ("我的客户要退订", "none"),
    ],
)  # fmt: skip
def test_who_refuses_and_whether_is_read_from_the_whole_sentence(text: str, label: str) -> None:
    assert read(text).label == label


def test_what_the_number_offered_is_a_refusal_as_the_whole_reply_only() -> None:
    assert read("Y").label == read("88").label == "none"
    assert read("y。", "Y") == Reading("optout", "sms", "Y", 0.95)
    assert read("88谢谢", "88").label == "optout"
    assert read("回复88", "88").label == "optout"
    assert read("不约", "不约").label == "optout"
    for text in ("88元", "Y的", "188", "8.8", "yes", "88.00", "好的Y"):
        assert read(text, "Y", "88").label == "none", text


def test_an_offered_word_that_folds_to_nothing_changes_nothing() -> None:
    assert read("", "", "！").label == "none"
    assert read("TD", "！", "\ud83d").label == "optout"


def test_doubt_lowers_the_confidence() -> None:
    assert read("TD").confidence == 1.0
    assert read("TD谢谢").confidence > read("退订？").confidence
    assert read("STOP").confidence > read("STOOOP").confidence
    assert read("").confidence == 1.0
    assert read("尊敬的客户").confidence < 0.7


def test_a_reply_longer_than_any_keyword_is_left_unread() -> None:
    assert read("TD" + " " * READ_LIMIT).label == "optout"
    assert read("TD " * READ_LIMIT) == Reading("none", None, None, 0.0)


KEYWORD_NOTES = ("keyword", "full-width", "zero-width", "homoglyph", "reply wording", "typo")


def test_the_labelled_examples_of_keywords_are_read_and_none_is_misread() -> None:
    """Free sentences may be missed here (none), never misread."""
    read_as_labelled = 0
    for line in EXAMPLES.read_text("utf-8").splitlines():
        example = json.loads(line)
        if example["note"].startswith("ambig:"):
            continue
        reading = read(example["text"])
        if (reading.label, reading.scope) == (example["label"], example["scope"]):
            read_as_labelled += example["note"].startswith(KEYWORD_NOTES)
        else:
            assert reading.label == "none", example
            assert not example["note"].startswith(KEYWORD_NOTES), example
    assert read_as_labelled > 10


KEYWORDS = st.sampled_from(
    ["TD", "STOP", "退订", "拒收", "T", "R", "UNSUBSCRIBE", "取消订阅", "START", "恢复订阅", "HELP", "怎么退订", "QUIT"]
)
INVISIBLE = st.sampled_from(
    ["\u200b", "\u200d", "\u00ad", "\ufe0f", "\U000e0100", "\u202e", "\u2066", "\u0301", "\x07", "\u2060", "\u3164"]
)
PUNCTUATION = st.sampled_from([*"!.。！,，、~～;；:：…—-'\"“”‘’()（）【】[]《》 \n\t\u3000*#", "👍", "🙏🏽", "👨‍👩‍👧"])


def _dressed(char: str, how: int) -> str:
    if how == 1:
        return char.swapcase()
    if how == 2 and "!" <= char <= "~":
        return chr(ord(char) + 0xFEE0)
    if how == 3 and "A" <= char <= "Z":
        return chr(0x1D400 + ord(char) - 0x41)
    return char


@given(KEYWORDS, st.data())
def test_dress_never_changes_the_label(keyword: str, data: st.DataObject) -> None:
    parts = [data.draw(st.lists(PUNCTUATION, max_size=3).map("".join), "before")]
    for char in keyword:
        parts += [_dressed(char, data.draw(st.integers(0, 3))), "".join(data.draw(st.lists(INVISIBLE, max_size=2)))]
    parts.append(data.draw(st.lists(PUNCTUATION, max_size=3).map("".join), "after"))
    assert read("".join(parts)).label == read(keyword).label


@given(KEYWORDS, st.lists(st.sampled_from([" ", ".", "-", "、", " . ", "·", "\u3000"]), min_size=11, max_size=11))
def test_spelt_keywords_keep_their_label(keyword: str, gaps: list[str]) -> None:
    spelt = "".join(char + gap for char, gap in zip(keyword, gaps, strict=False))
    assert read(spelt).label == read(keyword).label


@given(
    st.text("abcdefghijklmnopqrstuvwxyz", max_size=6),
    st.sampled_from(["td", "t", "r", "n", "q", "stop", "end", "start"]),
    st.data(),
)
def test_words_that_contain_the_letters_stay_none(around: str, inside: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(around)))
    word = around[:at] + inside + around[at:]
    known = {key.replace(" ", "") for key in VOCABULARY.items}
    assume(word not in known)

    assume(all(a != b for a, b in pairwise(word)))  # held-down letters have a test of their own
    assert read(word).label == "none"


@given(st.sampled_from("TRNQ退停"), st.sampled_from("恤年级版台货款税市场车号股型"))
def test_a_letter_before_a_noun_says_nothing(letter: str, noun: str) -> None:
    assert read(letter + noun).label == "none"


@given(st.text(st.characters(exclude_categories=()), max_size=60), st.lists(st.text(max_size=4), max_size=3))
def test_any_text_is_read_without_an_error(text: str, offered: list[str]) -> None:
    reading = parse(text, VOCABULARY, offered)
    assert (reading.scope is None) == (reading.label in ("help", "none"))
