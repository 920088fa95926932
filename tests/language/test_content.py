"""What a sender wrote: category by content, marks, disclosure; each finding with its place in the text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.language import marks, views
from proxy.language.content import READ_LIMIT, Content, read_content
from proxy.language.views import view
from tests.tools.shipped import shipped_lexicon

pytestmark = pytest.mark.unit

LEXICON = shipped_lexicon()


def read(text: str) -> Content:
    return read_content(text, LEXICON)


def cited(text: str, finding: str) -> list[str]:
    found = read(text).evidence.get(finding, [])
    assert all(text[one.start : one.end] == one.text for one in found)
    return [one.text for one in found]


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("【江澜银行】“安居贷”年化3.5%起，400-000-1001，回T退订", "marketing"),
        ("【江澜银行】您尾号7788卡入账300.00元，顺便告知：安居贷3.5%起", "marketing"),
        ("【江澜银行】验证码410022，另有“安居贷”年化3.5%起等您", "marketing"),
        ("【江澜银行】验证码410022，请勿泄露", "verification"),
        ("【云岫消费金融】校验码：0098，请勿告知他人", "verification"),
        ("【江澜银行】您尾号7788信用卡已逾期2天，最低还款800元", "collection"),
        ("【江澜银行】您尾号7788信用卡账单将于后天到期，应还1500元，以免逾期", "service"),
        ("【江澜银行】我行不会以任何理由索要验证码，谨防诈骗，95000", "service"),
        ("【云岫消费金融】您已成功退订推广短信", "service"),
        ("【江澜银行】账户异常，请登录 http://jl.example 认证", "fraud"),
        ("【征信修复】逾期记录包删，联系13900000011", "fraud"),
        ("【江澜银行】请转告施某致电400-000-1001", "collection"),
    ],
)
def test_category_goes_by_content(text: str, category: str) -> None:
    assert read(text).category == category


@pytest.mark.parametrize(
    "overdue", ["逾期", "逾 期", "逾·期", "逾\u200b期", "yq", "YuQi", "yu期", "余期", "辶俞其月", "ｙｑ"]
)
def test_disguised_words_are_read(overdue: str) -> None:
    text = f"【云岫消费金融】您的轻享借已{overdue}3天，应还600元"
    assert read(text).category == "collection"
    assert overdue in "".join(cited(text, "category"))


def test_initials_are_words_only_beside_han() -> None:
    assert read("Lanhai Bank: your yq order HK 12 has shipped").category == "service"


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        ("【江 澜\u3000银行】您好", "江澜银行"),
        ("您好[越湖证券]", "越湖证券"),
        ("您好［越湖证券］【江澜银行】", "越湖证券"),
        ("江澜银行：您好", None),
        ("【】您好", None),
        ("【江澜银行您好", None),
    ],
)
def test_signature_is_the_first_in_brackets(text: str, signature: str | None) -> None:
    assert read(text).signature == signature


def test_places_and_further_signatures_are_told() -> None:
    found = read("您好，验证码410022【江澜银行】").evidence["signature"][0]
    assert (found.why, found.text) == ("at the end", "【江澜银行】")
    assert cited("【江澜银行】【元麓科技】您好", "other_signature") == ["【元麓科技】"]
    assert cited("【江澜银行】您好【江澜银行】", "other_signature") == []


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("【江澜银行】您好", True),
        ("江澜银行提醒您", True),
        ("Lanhai Bank: hello", True),
        ("Tell your sister she is late on her Lanhai loan", True),
        ("Reminder: your Lanhai car loan is 30 days past due", True),
        ("Update: your car loan is 30 days past due", False),
        ("【贷款专员】您好", False),
        ("【银行客服】您好", False),
        ("请提供银行卡，我是银行工作人员", False),
        ("Reminder: your bank account is due", False),
    ],
)
def test_an_institution_is_named(text: str, there: bool) -> None:
    assert read(text).has_identity is there


@pytest.mark.parametrize(
    ("text", "contact"),
    [
        ("详询400-000-1001", ["400-000-1001"]),
        ("详询４００ ０００ １００１", ["４００ ０００ １００１"]),
        ("致电四零零零零零一零零一", ["四零零零零零一零零一"]),
        ("客服95000", ["95000"]),
        ("Call (212) 555-0101", ["(212) 555-0101"]),
        ("余额95000.00元", []),
        ("到账95000元", []),
        ("尾号95000", []),
        ("QQ10001，微信13900000010", []),
        ("验证码950001", []),
        ("点 https://y.example/13900000010", []),
        ("SMS STOP to 127000", []),
        ("发送TD至950001", []),
    ],
)
def test_a_telephone_is_a_contact(text: str, contact: list[str]) -> None:
    assert cited(text, "has_contact") == contact


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("“悦享添利”开售", True),
        ("您的薪 享 贷", True),
        ("您的信用卡", True),
        ("您的轻享借已到期", True),
        ("student loans", True),
        ("贷款最高20万，借款快，额度高", False),
        ("随借随还，想借就借", False),
        ("尾号7788卡", False),
        ("请在“我的”页面点击“同意”", False),
    ],
)
def test_a_product_is_named(text: str, there: bool) -> None:
    assert read(text).has_product is there


@pytest.mark.parametrize(
    ("text", "keyword"),
    [
        ("拒收请回复R", "r"),
        ("退订回TD", "td"),
        ("回 TD 退 订", "td"),
        ("回复１办理，回复２退订", "2"),
        ("TD退订", "td"),
        ("Reply STOP to opt out", "stop"),
        ("To opt out SMS STOP to 127000", "stop"),
        ("Home loans from 8.4%. SMS STOP to 127000", "stop"),
        ("Home loans from 8.4%. Reply STOP", "stop"),
    ],
)
def test_a_refusal_line_and_its_keyword(text: str, keyword: str) -> None:
    found = read(text)
    assert (found.has_refusal, found.refusal_keyword) == (True, keyword)


@pytest.mark.parametrize("text", ["退订：https://t.example/u", "退订请拨打400-000-1001"])
def test_a_link_or_a_telephone_to_refuse(text: str) -> None:
    assert read(text).has_refusal
    assert read(text).refusal_keyword is None


@pytest.mark.parametrize(
    "text",
    [
        "回T继续接收",
        "TD",
        "推丁回T",
        "不回复视为同意",
        "退订请登录APP",
        "本短信无法退订，回T也不行",
        "回复1办理",
        "您已退订",
    ],
)
def test_what_only_looks_like_a_way_to_refuse(text: str) -> None:
    assert not read(text).has_refusal


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("【星桥小贷】您的朋友何某欠款逾期，请转告", True),
        ("吕某的同事您好，吕某轻享借逾期未还，请督促", True),
        ("您儿子的借款已逾期，联系不到本人", True),
        ("Tell your sister Ann she is late on her Lanhai loan", True),
        ("老赖曝光：何某，欠款5000元至今不还，欢迎转发", True),
        ("【江澜银行】请转告施某致电400-000-1001", False),
        ("您担保的何某贷款已逾期，请履行担保责任", False),
        ("您是何某的担保人，他的贷款已逾期，请转告并代偿", False),
        ("何某您好，您的借款已逾期3天", False),
        ("再不还款，就让你亲戚朋友都知道", False),
        ("【江澜银行】推荐亲友办信用卡，奖励100元", False),
    ],
)
def test_another_persons_debt_is_disclosed(text: str, told: bool) -> None:
    assert read(text).discloses_debtor is told


def test_threats_and_insults_are_cited() -> None:
    assert cited("你这个老赖，再不还钱就爆你通讯录", "threat") == ["爆你通讯录"]
    assert cited("你这个老赖，再不还钱就爆你通讯录", "insult") == ["老赖"]
    assert not read("【江澜银行】您的信用卡已逾期，请尽快还款").threatens


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_and_every_finding_is_where_it_says(text: str) -> None:
    for name, found in read(text).evidence.items():
        for one in found:
            assert 0 <= one.start < one.end <= len(text), name
            assert one.text == text[one.start : one.end].encode("utf-8", "replace").decode()


@given(st.text(alphabet="贷 ·\u200b①㍿ﬁab,.。【】\ud83d4亻责", max_size=60))
@settings(max_examples=150, deadline=None)
def test_views_know_where_everything_comes_from(text: str) -> None:
    seen = view(text, LEXICON.parts)
    assert len(seen.bare) == len(seen.bare_at)
    assert seen.bare_at == sorted(seen.bare_at)
    assert all(0 <= at < len(text) for at in seen.bare_at)


@pytest.mark.parametrize(
    "piece", ["贷", "1-", "回", "[", "4 0 0 ", "退订", "a.", '"', "您的朋友", "代贝", "一", "https://", "0", "Bank "]
)
def test_the_work_grows_with_the_length_only(piece: str) -> None:
    """No assertion on time: a pattern that backtracks without bound does not end."""
    read(piece * (READ_LIMIT // len(piece)))


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="0123456789568-. ()+|至号元a/万幺零", max_size=40))
def test_telephones_are_found_where_a_plain_search_finds_them(text: str) -> None:
    # Only places where one can begin are tried, and only where there are digits enough.
    seen = view(text, LEXICON.parts)
    digits = marks._HAN_DIGITS.sub(marks._as_digits, seen.marked)
    plain = [match.span() for match in marks.PHONE.finditer(digits) if marks.is_phone(digits, match)]
    assert marks.phones(seen) == plain


def test_the_table_of_kinds_is_what_each_character_is() -> None:
    assert bytes(map(views._kind, map(chr, range(0x10000)))) == views._KINDS
