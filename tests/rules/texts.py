"""The corpus of texts: for every rule that reads texts, a permitted message and a refused one that differ in one thing.

All institutions, products, numbers and people are invented.
"""

from __future__ import annotations

from proxy.core.own_marks import Mark
from proxy.core.pack import ASKED_FOR, RuleSetting
from proxy.core.records import Period
from proxy.rules.content import CONTENT_RULES
from tests.rules.case import Case, permitting, refusing
from tests.rules.scene import BASE, DAY_S, NOON, YEAR, Scene, value_of

GOOD = "【江澜银行】“安居贷”年化3.5%起，咨询400-000-1001，回T退订"
OVERDUE = "【江澜银行】您的安居贷已逾期，最低还款800元，400-000-1001"
NOTICE = "【江澜银行】您尾号7788卡支出66.00元，余额100.00元"
CODE = "【江澜银行】验证码410022，请勿泄露"
MARKS = (
    ("signatures", Mark("jianglan", ("江澜银行信用卡中心", "江澜卡中心"), YEAR)),
    ("service_phones", Mark("jianglan", ("4000001001",), YEAR)),
    ("service_phones", Mark("lanhai", ("4000007007",), YEAR)),
    ("products", Mark("jianglan", ("安居贷", "薪享贷"), YEAR)),
    ("products", Mark("lanhai", ("税易贷",), YEAR)),
    ("domains", Mark("jianglan", ("jianglan-bank.example", "jl.example"), YEAR)),
    ("domains", Mark("lanhai", ("lh.example",), YEAR)),
)
_ASKED = {rule: RuleSetting() for rule in ASKED_FOR if rule in CONTENT_RULES}
_TODAY = int((NOON + 8 * 3600) // DAY_S)
_only = frozenset

READ = BASE.but("reads", True).but("marks", MARKS).but("pack.rules", _ASKED)
COLLECTING = READ.but("row.purposes", _only(("collection",))).but("request.readings", (OVERDUE,))
SERVING = READ.but("row.purposes", _only(("service",))).but("request.readings", (NOTICE,))
LEGAL = COLLECTING.but("row.purposes", _only(("legal",)))
PARTNER = (
    READ.but("account.operator", "yuanlu")
    .but("row.operator", "yuanlu")
    .but("request.readings", ("【元麓科技】受江澜银行委托推荐“安居贷”，年化4.9%，400-000-1001，回T退订",))
)
BARE = READ.but("marks", ())

TEXT_CASES: list[Case] = []


def _deny(base: Scene, text: str, rule: str, detail: str, note: str = "") -> None:
    TEXT_CASES.append(refusing(base, "request.readings", (text,), rule, detail, note or text))


def _allow(base: Scene, text: str) -> None:
    promised = "+".join(sorted(base.row.purposes)) if base.row else ""
    TEXT_CASES.append(permitting(base, "request.readings", (text,), f"{text} {promised}"))


def _field(base: Scene, path: str, value: object, rule: str, detail: str, note: str) -> None:
    TEXT_CASES.append(refusing(base, path, value, rule, detail, note))


# Purpose: by what the text says, whatever was declared.
_deny(SERVING, GOOD, "purpose.mismatch", "marketing")
_deny(SERVING, NOTICE + "，安居贷3.5%起，400-000-1001，回T退订", "purpose.mismatch", "marketing")
_deny(SERVING, OVERDUE, "purpose.mismatch", "collection")
_deny(COLLECTING, GOOD, "purpose.mismatch", "marketing", "from a number of collection")
_deny(READ, OVERDUE + "，回T退订", "purpose.mismatch", "collection")
_deny(READ, CODE, "purpose.mismatch", "verification")
_deny(LEGAL, GOOD, "purpose.mismatch", "marketing", "as a legal notice")
_allow(LEGAL, OVERDUE)
_allow(SERVING, CODE)
_allow(READ, NOTICE)
_allow(READ.but("row.purposes", _only(("marketing", "service"))), CODE)
_allow(BASE.but("reads", True), "【江澜银行】好礼相送")
# Where nobody reads, no rule of texts says that it passed.
_allow(BASE.but("pack.rules", _ASKED), "【江澜银行】好礼相送，而无人识别")

# Fraud, whatever was promised.
for _base, _name in ((READ, "marketing"), (SERVING, "service"), (COLLECTING, "collection")):
    _deny(_base, "【江澜银行】账户异常，请登录 http://jl.example 认证", "content.fraud", "text", _name)
_deny(BASE.but("reads", True), "征信修复，逾期记录包删，联系13900000011", "content.fraud", "text", "where no pack asks")

# Whose signature it is.
_deny(READ, GOOD.replace("江澜银行", "澜海银行"), "content.spoof", "other")
_deny(SERVING, NOTICE.replace("江澜银行", "澜海银行"), "content.spoof", "other")
_deny(READ, GOOD.replace("江澜银行", "泽禾农商银行"), "content.spoof", "unknown")
_deny(READ, GOOD + "【泽禾农商银行】", "content.spoof", "unknown")
_field(
    READ.but("request.readings", PARTNER.request.readings),
    "entrustment",
    None,
    "content.spoof",
    "other",
    "of a partner that is not entrusted",
)
_allow(READ, GOOD.replace("江澜银行", "江澜卡中心"))
_allow(READ, "“安居贷”年化3.5%起，咨询400-000-1001，回T退订【江 澜 银 行】")
_allow(SERVING, NOTICE.replace("江澜银行", "泽禾农商银行"))
_field(
    READ.but("request.readings", (GOOD.replace("江澜银行", "江澜卡中心"),)),
    "marks",
    (("signatures", Mark("jianglan", ("江澜卡中心",), Period(0, int(NOON)))), *MARKS[1:]),
    "content.spoof",
    "other",
    "a signature whose period is over",
)

# Who sends it.
_deny(READ, GOOD.replace("江澜银行", "贷款专员"), "content.identity", "none")
_deny(READ, GOOD.replace("【江澜银行】", ""), "content.identity", "none")
_deny(PARTNER, "【元麓科技】推荐“安居贷”，年化4.9%，400-000-1001，回T退订", "content.identity", "principal")
_allow(READ, "江澜银行“安居贷”年化3.5%起，咨询400-000-1001，回T退订")

# How to reach it.
_deny(READ, GOOD.replace("咨询400-000-1001", "点 https://jl.example/9"), "content.contact", "none")
_deny(READ, GOOD.replace("400-000-1001", "400-000-7007"), "content.contact", "other")
_deny(READ, GOOD.replace("400-000-1001", "400-000-1009"), "content.contact", "unknown")
_allow(READ, GOOD.replace("400-000-1001", "４００ ０００ １００１"))
_allow(BARE, GOOD.replace("400-000-1001", "400-000-1009"))
_field(
    BARE, "pack.unrecorded_passes", False, "content.contact", "unknown", "nothing on record, and the pack asks for it"
)

# What it is about.
_deny(READ, "【江澜银行】好礼相送，详询400-000-1001，回T退订", "content.product", "none")
_deny(READ, GOOD.replace("安居贷", "税易贷"), "content.product", "other")
_deny(READ, GOOD.replace("安居贷", "好时贷"), "content.product", "unknown")
_deny(COLLECTING, OVERDUE.replace("您的安居贷已逾期", "您已逾期"), "content.product", "none", "of a debt")
_allow(READ, GOOD.replace("“安居贷”", "信用卡新户"))
_allow(COLLECTING, "【江澜银行】请转告施某致电400-000-1001")

# Links.
_deny(READ, GOOD.replace("咨询", "http://10.2.3.4/a 咨询"), "content.link", "address")
_deny(READ, GOOD.replace("咨询", "http://m.lh.example/a 咨询"), "content.link", "other")
_deny(READ, GOOD.replace("咨询", "http://any.example/a 咨询"), "content.link", "unknown")
_deny(READ, GOOD.replace("咨询", "http://t.cn/a 咨询"), "content.link", "short")
_deny(READ, GOOD.replace("咨询", "http://jianglan-bank.example.top/a 咨询"), "content.link", "imitation")
_deny(SERVING, NOTICE + " http://www.jiang1an-bank.example/a", "content.link", "imitation")
_deny(SERVING, NOTICE + " http://10.2.3.4/a", "content.link", "address", "in a notice")
_allow(SERVING, NOTICE + " http://any.example/a")
_allow(READ, GOOD.replace("咨询", "http://m.jl.example/a 咨询"))

# How to refuse.
_deny(READ, GOOD.replace("，回T退订", ""), "content.refusal", "none")
_deny(READ, GOOD.replace("回T退订", "回T推丁"), "content.refusal", "none")
_deny(READ, GOOD.replace("回T退订", "回XZ退订"), "content.refusal", "keyword")
_deny(READ, GOOD.replace("回T退订", "退订回TD，回T继续接收"), "content.refusal", "meaning")
_deny(READ, GOOD.replace("回T退订", "24小时内回T退订"), "content.refusal", "limited")
_allow(READ, GOOD.replace("回T退订", "回 Ｔ 退 订"))
_allow(READ, GOOD.replace("回T退订", "回复Y确认开通，回T退订"))
_allow(COLLECTING, OVERDUE)
_LINKED = READ.but("request.readings", (GOOD.replace("回T退订", "退订请点 https://jl.example/t"),))
_field(_LINKED, "pack.refusal_by_link", False, "content.refusal", "link", "a link, and the pack asks for more")
_ASKS_MORE = READ.but("pack.refusal_by_link", False)
_allow(_ASKS_MORE, GOOD.replace("回T退订", "拒收请致电400-000-1001"))
_allow(_ASKS_MORE, GOOD.replace("回T退订", "回T或点击jl.example/t退订"))
_allow(SERVING, NOTICE + " t.cn/abc")
_allow(BARE, GOOD.replace("咨询", "http://any.example/a 咨询"))
_field(
    COLLECTING,
    "pack.refusal_in_texts",
    _only(("marketing", "collection")),
    "content.refusal",
    "none",
    "in a collection, and the pack asks",
)
_OFFERED = READ.but("row.refusal_keywords", ("XZ",)).but("request.readings", (GOOD.replace("回T退订", "回XZ退订"),))
_field(_OFFERED, "row.refusal_keywords", (), "content.refusal", "keyword", "that the number offers no more")

# Whom it tells.
_deny(COLLECTING, "【江澜银行】您的朋友何某安居贷逾期，请转告，400-000-1001", "content.disclosure", "third")
_GUARANTOR = COLLECTING.but("debt", value_of("guarantor", _TODAY))
_allow(_GUARANTOR, "【江澜银行】您的朋友何某安居贷逾期，400-000-1001")
_field(COLLECTING, "debt", value_of("contact", _TODAY), "content.disclosure", "contact", "the debt told to a contact")

# How it speaks.
_deny(COLLECTING, OVERDUE.replace("最低还款800元", "再不还就上门找你"), "content.threat", "threat")
_deny(COLLECTING, OVERDUE.replace("您的", "你这个老赖，"), "content.threat", "insult")
