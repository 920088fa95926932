"""Pictures, insisting letters, syllables between characters, dictation, sending beside a number."""

import pytest

from proxy.language.pictures import spoken
from tests.tools.shipped import read_reply

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("❌短信", "sms"), ("短信❌❌", "sms"), ("🙅🏻‍♀️短信", "sms"), ("别📩了", "sms"),
        ("🚫📞", "voice"), ("×短信", "sms"), ("📵", "sms"), ("T❌D", "sms"),
    ],
)  # fmt: skip
def test_pictures_refuse(text: str, scope: str) -> None:
    assert read_reply(text) == ("optout", scope)


@pytest.mark.parametrize(
    "text",
    ["没收到短信❌", "链接打不开❌", "📱坏了❌", "3×12期利息多少", "📞400-000-1001", "收到📩", "不要停❌", "📱换号了"],
)
def test_pictures_beside_other_words_decorate_them(text: str) -> None:
    assert read_reply(text) == ("none", None)


def test_a_cross_between_letters_or_digits_says_nothing() -> None:
    assert spoken("3×12") is None
    assert spoken("短信×") == "短信⛔"
    assert spoken("😀") is None


@pytest.mark.parametrize("text", ["Q Q Q", "N.N.N", "T。T。T。", "q！q！q！"])
def test_a_letter_said_three_times_is_that_letter(text: str) -> None:
    assert read_reply(text) == ("optout", "sms")


@pytest.mark.parametrize("text", ["T.T", "Q Q", "QQQ", "NNN", "K K K"])
def test_a_face_a_messenger_and_an_assent_are_no_letter(text: str) -> None:
    assert read_reply(text) == ("none", None)


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("退tǐng", "sms"), ("b fa le", "sms"), ("b要再发了", "sms"), ("别在法了", "sms"),
        ("别fa了", "sms"), ("拜託麥擱寄簡訊來", "sms"),
        ("麥擱卡電話來", "voice"),
        ("踢滴", "sms"), ("N\nSent from Yahoo Mail on Android", "sms"),
        ("T，因为我已经有房贷了", "sms"), ("就回个T", "sms"),
        ("您再发一次试试", "sms"),
        ("上周就回T了，怎么还来", "sms"), ("我换工作了不要发了", "sms"),
        ("好的\n发自我的iPhone，别再发了", "sms"),
    ],
)  # fmt: skip
def test_refusals_in_unusual_letters(text: str, scope: str) -> None:
    assert read_reply(text) == ("optout", scope)


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("lose my number and stop texting", "sms"), ("删掉我的号码,别再发了", "sms"),
        ("lose my number", "all"), ("把我号删了", "all"),
        ("别再联系我，别发短信", "all"), ("删号码，别打了", "all"),
    ],
)  # fmt: skip
def test_where_sending_and_a_number_both_stand_sending_wins(text: str, scope: str) -> None:
    assert read_reply(text) == ("optout", scope)
