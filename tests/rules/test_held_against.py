"""What a message says, held against what is on record: places in the text, disguises, several readings."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.content import Against, Category, Evidence
from proxy.core.own_marks import Asked, telephone_digits, without_legal_form
from proxy.core.records import Number
from proxy.core.snapshot import Snapshot
from proxy.language.content import READ_LIMIT
from proxy.policy import lane_facts
from proxy.rules.content import CONTENT_RULES
from proxy.rules.held_against import held_against, reads_as
from proxy.rules.sender_record import asked_of
from tests.rules.scene import YEAR, Scene, build
from tests.rules.texts import COLLECTING, GOOD, NOTICE, OVERDUE, READ, SERVING
from tests.tools.words import reader

pytestmark = pytest.mark.unit


def lane_of(scene: Scene) -> tuple[Asked, Snapshot]:
    request, snapshot, now = build(scene)
    facts, _ = lane_facts(request.account, request.sender, request.purpose, "sms", snapshot, now)
    asked = asked_of(facts, CONTENT_RULES)
    assert asked is not None
    return asked, snapshot


MARKETING, COLLECTION, SERVICE = lane_of(READ), lane_of(COLLECTING), lane_of(SERVING)


def against(*readings: str, lane: tuple[Asked, Snapshot] = MARKETING) -> tuple[Against, ...]:
    found = held_against(readings, *lane, reader())
    longest = max(map(len, readings), default=0)
    assert all(0 <= one.start <= one.end <= longest and one.rule in CONTENT_RULES for one in found)
    return found


def shown(text: str, lane: tuple[Asked, Snapshot] = MARKETING) -> list[tuple[str, str, str]]:
    return [(one.rule, one.detail, text[one.start : one.end]) for one in against(text, lane=lane)]


@pytest.mark.parametrize(
    ("text", "lane", "found"),
    [
        (GOOD.replace("江澜银行", "澜海银行"), MARKETING, ("content.spoof", "other", "【澜海银行】")),
        (GOOD.replace("1001", "7007"), MARKETING, ("content.contact", "other", "400-000-7007")),
        (GOOD.replace("安居贷", "税易贷"), MARKETING, ("content.product", "other", "税易贷")),
        (GOOD.replace("回T退订", "回XZ退订"), MARKETING, ("content.refusal", "keyword", "回XZ退订")),
        (GOOD + "，回T继续接收", MARKETING, ("content.refusal", "meaning", "T")),
        (OVERDUE + "，您的朋友何某逾期", COLLECTION, ("content.disclosure", "third", "您的朋友")),
        (GOOD, SERVICE, ("purpose.mismatch", "marketing", GOOD[11:])),
    ],
)
def test_a_finding_has_its_place(text: str, lane: tuple[Asked, Snapshot], found: tuple[str, str, str]) -> None:
    same = [one for one in shown(text, lane) if one[:2] == found[:2]]
    assert same
    assert found[0] == "purpose.mismatch" or same == [found]


@pytest.mark.parametrize(
    "text",
    [
        "【江 澜 银 行】安 居 贷 年化3.5%起，４００ ０００ １００１，回 T 退 订",
        "【江澜銀行】“安居貸”年化3.5%起，400-000-1001，回T退訂",
        "【江澜\u200b银行】“安居贷”年化3.5%起，四零零-零零零-一零零一，回Ｔ退订",
    ],
)
def test_what_is_legible_passes_however_it_is_written(text: str) -> None:
    assert shown(text) == []


LIMITS = ["24小时内回T退订", "限今日回T退订", "回T退订，3日内有效", "Within 24 hours reply T to stop"]


@pytest.mark.parametrize("limit", LIMITS)
def test_a_way_to_refuse_that_ends_is_none(limit: str) -> None:
    assert [one[:2] for one in shown(GOOD.replace("回T退订", limit))] == [("content.refusal", "limited")]


@pytest.mark.parametrize("said", ["7天内回复1领取优惠，回T退订", "回复Y确认开通，回T退订", "今日办理，回T退订"])
def test_other_terms_spoil_no_way_to_refuse(said: str) -> None:
    assert shown(GOOD.replace("回T退订", said)) == []


def test_every_reading_that_markets_has_to_be_in_order() -> None:
    spoilt, noise = GOOD.replace("回T退订", ""), "ÃÂ½Ã­Ã¤"
    assert against(GOOD, noise) == against(noise, GOOD) == ()
    assert {one.rule for one in against(GOOD, spoilt)} == {"content.refusal"}
    # Where no reading says anything in particular, the best of them counts.
    neutral = "【江澜银行】详询安居贷400-000-1001，回T退订"
    assert reads_as(neutral, reader().read(neutral)) in ("", "service", "marketing")
    assert against(neutral, noise) == ()
    assert against() == ()
    # What is there and must not be is found in whichever reading says it.
    others = NOTICE.replace("江澜银行", "澜海银行")
    assert [one.rule for one in against(noise, others, lane=SERVICE)] == ["content.spoof"]


def test_a_text_of_nothing_in_particular_is_asked_what_its_number_asks() -> None:
    assert {one.rule for one in against("hello")} == {
        "content.identity",
        "content.contact",
        "content.product",
        "content.refusal",
    }
    assert against("hello", lane=SERVICE) == ()
    assert against(NOTICE) == ()


@given(st.text(max_size=200))
def test_any_text_has_an_answer(text: str) -> None:
    for lane in (MARKETING, COLLECTION, SERVICE):
        against(text, lane=lane)


@pytest.mark.parametrize(
    ("written", "digits"),
    [("400-000-1001", "4000001001"), ("0571-00001234", "57100001234"), ("+86 571 0000 1234", "57100001234")],
)
def test_a_telephone_is_its_digits(written: str, digits: str) -> None:
    assert telephone_digits(written) == digits


def test_a_signature_may_leave_out_the_legal_form() -> None:
    assert without_legal_form("江澜银行股份有限公司") == "江澜银行"
    assert without_legal_form("江澜银行（虚构）") == "江澜银行"
    assert without_legal_form("公司") == "公司"


#: Phrases without sense, which nothing reads surely. WHY several: what each weighs changes with the words and weights.
STERN_AND_WEAK = (
    *("收到yz码告诉，逾期会，加威信办理", "经营性代款，不要输入，协助转g", "有效期和验证m，最高检，做zjin"),
    *("已激活，中签率，先付后办", "债w，勿denglu，告诉我一下yzhengm", "不还，新户，折优会", "还我，协商停息，就上门"),
)
SELLING_AND_WEAK = (
    *("稳赚不赔，包xiakuan，以免y期", "可申请临时edu，验证m报给，指定zhanghu", "验证环款能力，甄选客户，0首付"),
    *("有效期和验zheng码，保证责任，免五", "fkuan快，防止愈期，点赞员"),
)


def test_a_stern_piece_that_is_not_sure_hides_no_surer_one_of_a_long_text() -> None:
    known = reader()
    weak = [text for text in STERN_AND_WEAK if known.read(text).category in ("fraud", "collection")]
    weak = [text for text in weak if reads_as(text, known.read(text)) == ""]
    assert weak
    for piece in weak:
        for text in (piece + "。" * READ_LIMIT + GOOD, GOOD + "。" * READ_LIMIT + piece):
            assert ("purpose.mismatch", "marketing") in [one[:2] for one in shown(text, SERVICE)]
            assert reads_as(text, known.read(text)) == "marketing"


def test_a_doubtful_advertisement_in_a_long_text_is_no_notice() -> None:
    known = reader()
    weak = [text for text in SELLING_AND_WEAK if known.read(text).category == "marketing"]
    weak = [text for text in weak if reads_as(text, known.read(text)) == ""]
    assert weak
    for piece in weak:
        text = piece + "。" * READ_LIMIT + NOTICE
        assert reads_as(text, known.read(text)) == ""


@pytest.mark.parametrize("text", [OVERDUE + GOOD, GOOD + OVERDUE])
def test_two_messages_in_one_are_for_no_number_of_one_of_them(text: str) -> None:
    assert reads_as(text, reader().read(text)) == ""
    for lane, others in (
        (SERVICE, {"collection", "marketing"}),
        (COLLECTION, {"marketing"}),
        (MARKETING, {"collection"}),
    ):
        assert others & {detail for rule, detail, *_ in shown(text, lane) if rule == "purpose.mismatch"}


@pytest.mark.parametrize("ending", ["，已退订", "，今后不再发送", "，已为您关闭", ", no more marketing"])
@pytest.mark.parametrize("text", [GOOD, GOOD.replace("3.5%起", "优惠"), GOOD.replace("，回T退订", "")])
def test_an_advertisement_is_no_confirmation_of_a_refusal(text: str, ending: str) -> None:
    assert ("purpose.mismatch", "marketing") in [one[:2] for one in shown(text + ending, SERVICE)]


def test_a_confirmation_of_a_refusal_is_a_notice() -> None:
    for text in (
        "【江澜银行】您已退订信用卡优惠活动，今后不再发送",
        "【江澜银行】已为您退订“安居贷”优惠信息，不再发送营销短信",
    ):
        assert shown(text, SERVICE) == []


@pytest.mark.parametrize(
    ("category", "confidence", "by_words", "text", "read"),
    [
        ("marketing", 0.6, True, "x", "marketing"),
        ("marketing", 0.59, True, "x", ""),
        ("collection", 0.6, True, "x", "collection"),
        ("marketing", 0.75, False, "x" * 8, "marketing"),
        ("marketing", 0.74, False, "x" * 8, ""),
        ("marketing", 0.99, False, "x" * 7, ""),
        ("fraud", 0.9, True, "x", "fraud"),
        ("fraud", 0.89, True, "x", ""),
        ("fraud", 1.0, False, "x" * 8, ""),
        ("service", 0.8, True, "x", "service"),
        ("verification", 0.79, True, "x", ""),
        ("service", 1.0, False, "x" * 8, ""),
    ],
)
def test_from_where_on_a_reading_counts(
    category: Category, confidence: float, by_words: bool, text: str, read: str
) -> None:
    evidence = {"category": [Evidence(0, 1, "x", "offer")]} if by_words else {}
    content = msgspec.structs.replace(reader().read(""), category=category, confidence=confidence, evidence=evidence)
    assert reads_as(text, content) == read


@pytest.mark.parametrize(
    ("address", "written", "principal", "channels", "found"),
    [
        ("057188880000", "0571-88880000", "jianglan", ("voice",), []),
        ("95001", "95001", "jianglan", ("sms", "voice"), []),
        ("95001", "95001", "jianglan", ("sms",), ["unknown"]),
        ("95001", "95001", "lanhai", ("voice",), ["unknown"]),
    ],
)
def test_a_number_from_which_the_sender_calls_is_its_own_telephone(
    address: str, written: str, principal: str, channels: tuple[str, ...], found: list[str]
) -> None:
    text = GOOD.replace("400-000-1001", written)
    row = Number(address, principal, principal, frozenset(channels), frozenset(("service",)), YEAR)  # type: ignore[arg-type]
    told = against(text, lane=lane_of(READ.but("others", (row,))))
    assert [one.detail for one in told if one.rule == "content.contact"] == found
