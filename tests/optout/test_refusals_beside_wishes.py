"""A wish to receive lifts a refusal, so none is read where another word of the reply refuses."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.optout_parser import parse
from tests.tools.shipped import shipped_vocabulary

pytestmark = pytest.mark.unit

VOCABULARY = shipped_vocabulary()

WISHES = [
    "恢复订阅", "START", "麻烦恢复短信提醒", "之前退了，现在想再收到", "手滑回了退订，麻烦恢复", "resubscribe me",
    "start sending messages please", "我又想订阅了", "还是继续发给我吧，我改主意了", "取消退订",
    "START\n发自我的iPhone", "UNSTOP", "可以继续给我发优惠", "quiero volver a recibir mensajes",
]  # fmt: skip
#: Each refuses by itself, or says what nobody says who wants more.
REFUSALS = [
    "别再发了", "不要再给我打电话", "请勿再联系我", "再发就投诉", "拉黑了", "stop texting me", "do not call me",
    "no more messages", "不想再收到短信", "别再骚扰我", "请勿打扰", "滚", "没兴趣", "不需要", "勿扰", "烦死了",
    "凭什么", "谁让你发的", "投诉你们", "deja de enviarme mensajes", "ne m'envoyez plus de sms",
    "bitte keine SMS mehr", "не пишите мне", "送らないで", "보내지 마세요", "đừng gửi nữa", "jangan kirim lagi",
    "मत भेजो", "لا ترسلوا", "อย่าส่ง", "não me mandem mais mensagens", "non scrivetemi", "唔好再發", "莫发了",
    "覅再发", "bie fa le", "b发了", "别fa了", "❌短信",
]  # fmt: skip
JOINTS = ["，", " ", "。", "\n", "！！", " 🙏 "]


def test_no_reply_that_also_refuses_lifts_a_refusal() -> None:
    assert all(parse(wish, VOCABULARY).label == "optin" for wish in WISHES)
    lifted = [
        text
        for wish, refusal, joint in itertools.product(WISHES, REFUSALS, JOINTS)
        for text in (f"{wish}{joint}{refusal}", f"{refusal}{joint}{wish}")
        if parse(text, VOCABULARY).label == "optin"
    ]
    assert lifted == []


@settings(max_examples=150, deadline=None)
@given(
    st.permutations([0, 1, 2, 3]),
    st.sampled_from(WISHES),
    st.sampled_from(REFUSALS),
    st.text(max_size=12),
    st.text("的了吧请我你们短信电话 a.!?\n", max_size=12),
    st.sampled_from(JOINTS),
)
def test_nor_with_anything_around(order: list[int], wish: str, refusal: str, noise: str, more: str, joint: str) -> None:
    pieces = [wish, refusal, noise, more]
    assert parse(joint.join(pieces[i] for i in order), VOCABULARY).label != "optin"


@pytest.mark.parametrize(
    "text",
    [
        "之前退了,现在想再收到", "以前退订过，现在麻烦重新发给我", "之前取消咗，而家想再收返", "手滑回了退订，麻烦恢复",
        "ignore my STOP, keep sending", "不小心退订了，还想收", "I opted out by mistake, put me back",
    ],
)  # fmt: skip
def test_a_refusal_that_is_taken_back_is_a_wish(text: str) -> None:
    assert parse(text, VOCABULARY).label == "optin"


@pytest.mark.parametrize(
    "text",
    ["以前退订过，你们继续发", "之前退订了，再次收到", "之前退订过，想再收到一条就投诉你们", "之前退了，谁想再收到啊"],
)
def test_a_refusal_that_is_told_of_is_none(text: str) -> None:
    assert parse(text, VOCABULARY).label != "optin"


@pytest.mark.parametrize(
    "text",
    [
        "您已恢复接收我行服务短信",
        "【江澜银行】您的账户已开通短信提醒服务",
        "【江澜银行】恢复订阅请回复START",
        "You have been resubscribed",
        "再次提醒：请还款",
        "I want these texts gone",
        "I'd like these messages over with",
        "撤销申请 拒收此号码短信",
        "继续申请，发我",
        "刚才发错了，我同意",
        "没有想取消退订",
    ],
)
def test_what_a_sender_confirms_or_who_wants_something_else_is_no_wish(text: str) -> None:
    assert parse(text, VOCABULARY).label != "optin"
