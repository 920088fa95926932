"""Wordings of reviewed texts: what their variables may hold."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.rejections import Rejections, rejected_wording, skeleton_of
from proxy.core.wording import Wording, WordingError

pytestmark = pytest.mark.unit

WORDING = Wording("【江澜银行】尊敬的{name}，您尾号{digits}的账户于{date}入账{amount}元，验证码{code}。")


def test_variables_hold_what_they_are_for() -> None:
    text = "【江澜银行】尊敬的施某，您尾号7788的账户于11月22日 9:30入账1,280.50元，验证码410022。"
    spans = WORDING.match(text)
    assert spans is not None
    assert [text[start:end] for start, end in spans] == ["施某", "7788", "11月22日 9:30", "1,280.50", "410022"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("name", "施某某某某"),
        ("name", "施先生，请转告"),
        ("name", "13800138000"),
        ("name", "http"),
        ("name", ""),
        ("name", "【越湖证券】"),
        ("digits", "400-000-1001"),
        ("digits", "123456789012345678901"),
        ("digits", "１２"),
        ("amount", "1,280.50元，拒收请回复R"),
        ("amount", "1 280"),
        ("amount", "0571,8888,8888"),
        ("amount", "138.0013.8000"),
        ("amount", "007"),
        ("amount", ","),
        ("date", "明天"),
        ("date", "日"),
        ("date", "138.0013.8000"),
        ("date", "0571:8888:8888"),
        ("date", "1380年0138月000"),
        ("date", "95588"),
        ("code", "123"),
        ("code", "123456789"),
        ("code", "12a4"),
    ],
)
def test_variables_hold_nothing_else(variable: str, value: str) -> None:
    wording = Wording(f"【江澜银行】您的{{{variable}}}已到，请查收")
    found = wording.match(f"【江澜银行】您的{value}已到，请查收")
    assert found is None or (variable, value) == ("name", "http")


@pytest.mark.parametrize(
    "date",
    ["2026-01-02", "20260315", "202603151030", "2026年3月15日 9:30", "3月15日", "10:30-12:00", "2026.3.15 09:30:00",
     "11月22日0930", "2026-03-15 0930", "2026年-2027年", "1日"],
)  # fmt: skip
def test_dates_as_they_are_written(date: str) -> None:
    assert Wording("【江澜银行】您的{date}已到，请查收").match(f"【江澜银行】您的{date}已到，请查收") is not None


@pytest.mark.parametrize("text", ["{name}", "{name}{digits}尊敬的客户您好", "您好{anything}尊敬的客户", "您{name}好"])
def test_wordings_that_say_nothing_are_refused(text: str) -> None:
    with pytest.raises(WordingError):
        Wording(text)


def test_a_text_without_variables_is_its_own_wording() -> None:
    assert Wording("R").match("R") == []
    assert Wording("R").match("RR") is None


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="1,.{}", max_size=60))
def test_ambiguous_wordings_end(value: str) -> None:
    # Each variable and place is tried once, however many ways there are to share figures among variables.
    wording = Wording("尊敬的客户" + ",".join(["{amount}"] * 12) + "您好")
    wording.match(f"尊敬的客户{value * 4}您好")
    wording.match("尊敬的客户" + "1," * 60 + "您")


WORDINGS = (
    ("whole", "【江澜银行】额度{amount}元，回T退订"),
    ("named", "【江澜银行】尊敬的{name}先生，额度{amount}元"),
    ("dated", "【江澜银行】{date}前到店，{name}先生，有礼"),
)


@given(st.sampled_from(WORDINGS), st.text("江澜银行额度元先生尊敬的有礼T1，", max_size=8), st.data())
def test_where_no_name_can_be_rejected_none_is(wording: tuple[str, str], name: str, data: st.DataObject) -> None:
    """`may_be_of` may err on one side only: what it denies is denied of every text between that head and tail."""
    made = [rejected_wording(id, text, str) for id, text in WORDINGS]
    rejections = Rejections(tuple([one for one in made if one is not None]))
    text = wording[1].format(name=name or "施", amount="35", date="3月5日")
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    other = text[:start] + name + text[end:]
    if rejections.of(skeleton_of(other)):
        assert rejections.may_be_of(skeleton_of(text[:start]), skeleton_of(text[end:]))


def test_what_begins_or_ends_otherwise_is_of_no_rejected_wording() -> None:
    one = rejected_wording(*WORDINGS[1], str)
    assert one is not None
    rejections = Rejections((one,))
    assert rejections.may_be_of("江澜银行尊敬的", "先生额度0元")
    assert not rejections.may_be_of("江澜银行亲爱的", "先生额度0元")
    assert not rejections.may_be_of("江澜银行尊敬的", "先生利息0元")
