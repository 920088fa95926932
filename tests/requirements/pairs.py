"""For each refusal that a row names: a permitted request and a refused one that differ in one field. Data only.

One entry is tried on both channels, where its rule has an answer on both: `source` is source_addr of a submit_sm and
the user of From of an INVITE, `person` destination_addr and Request-URI, `declared` a TLV and a header, `who` system_id
of a bind and the trunk. The rows are those of `docs/requirements.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tests.requirements.registry import (
    COLLECTS,
    DAY,
    FUZHOU,
    NANCHANG,
    NEVER_ASKED,
    NIGHT,
    OF_DANXIA,
    OF_LIHE,
    OF_ZHIJIANG,
    REJECTED,
)
from tests.requirements.stage import Ask, but
from tests.wire.people import PERSONS

Kind = Literal["submit", "bind", "call"]
BOTH: tuple[Kind, ...] = ("submit", "call")


@dataclass(frozen=True)
class Pair:
    """`permitted` with `field` set to `other` is refused by `rule`; `because` says why, in English and Chinese."""

    rows: tuple[str, ...]
    rule: str
    detail: str
    permitted: Ask
    field: str
    other: str
    because: tuple[str, str]
    kinds: tuple[Kind, ...] = BOTH

    @property
    def name(self) -> str:
        return f"{self.rule}/{self.detail} {'+'.join(self.rows)}"


TEXT: tuple[Kind, ...] = ("submit",)
MINE = Ask("jl", "10690001")
MARKETS = Ask("zj", "10690151", DAY[9], OF_ZHIJIANG)
OWES = Ask("th", "10690161", DAY[9], COLLECTS)


def _pair(rows: str, rule: str, permitted: Ask, other: str, en: str, zh: str, kinds: tuple[Kind, ...] = BOTH) -> Pair:
    """`rule` is `id/detail`, `other` is `field=value`."""
    rule_id, _, detail = rule.partition("/")
    field, _, value = other.partition("=")
    return Pair(tuple(rows.split()), rule_id, detail, permitted, field, value, (en, zh), kinds)


PAIRS = (
    # What the institution may do at all.
    _pair("Z2 J3", "licence.scope/purpose", Ask("st", "10690111"), "source=10690112",
          "a number for collection; the institution is licensed for marketing only", "催收号码，而该机构仅获营销许可"),
    _pair("Z2 J3", "licence.expired/period", Ask("qh", "10690121"), "source=10690122",
          "a number for collection; the licence for collection is over", "催收号码，而催收许可已到期"),
    _pair("Z3", "licence.scope/kind", Ask("hy", "10690131"), "source=10690132",
          "a fund house collects, whatever its licence says", "基金公司发起催收"),
    _pair("Z4", "licence.region/recipient", Ask("lh", "10690141", FUZHOU, OF_LIHE), f"person={NANCHANG}",
          "a local licence of Fujian; a fixed line in Jiangxi", "福建地方许可，江西固定电话"),
    _pair("Z5", "template.unreviewed/unknown", Ask("lt", "10690171"), "said=【兰亭银行】未经审核的内容，拒收请回复TD",
          "a text that nobody reviewed, where the pack asks for it", "规则包要求审核而该内容未经审核", ("submit",)),
    _pair("Z5", "template.unreviewed/rejected", MINE, f"said={REJECTED.replace('{amount}', '0.02')}",
          "a wording that was reviewed and rejected, with another figure", "经审核未通过的内容，仅数字不同", TEXT),
    # Partners and telecom enterprises.
    _pair("Z6", "account.unreviewed/contract", Ask("yl", "10690021"), "who=zy",
          "the account of a partner whose contract is over", "合作机构的合同已到期", ("bind",)),
    _pair("Z6", "account.unreviewed/contract", Ask("yl", "10690021"), "who=zy",
          "the trunk of a partner whose contract is over", "合作机构（中继）的合同已到期", ("call",)),
    _pair("Z7 J5", "telecom.licence/chain", MINE, "who=jl-lapsed",
          "an account through a telecom enterprise whose licence is over", "账户所经电信企业的许可证已到期",
          ("bind", "call")),
    _pair("Z7 J5", "telecom.licence/carrier", MINE, "source=10690005",
          "a number of a telecom enterprise whose licence is over", "号码所属电信企业的许可证已到期"),
    _pair("Z8 J5", "account.unreviewed/account", MINE, "who=jl-none",
          "an account whose documents nobody approved", "账户资料未经双人审核", ("bind", "call")),
    _pair("Z11", "entrustment.missing/number", Ask("yl", "10690021"), "source=10690001",
          "a number that another operator uses", "号码登记的使用单位不是发送方"),
    _pair("J4 Z11", "entrustment.missing/document", Ask("yl", "10690021"), "source=10690022",
          "no written entrustment for legal notices", "没有该用途（法律文书）的书面委托"),
    _pair("J4", "entrustment.expired/period", Ask("yl", "10690021"), "source=10690023",
          "the entrustment for collection is over", "催收委托已到期"),
    _pair("J9", "entrustment.depth/level", Ask("sy", "10690031"), "source=10690032",
          "collection was passed on by another partner", "催收系由另一合作机构转委托"),
    # The number library.
    _pair("Z9 J17", "number.unregistered/unknown", MINE, "source=10690009",
          "a number in no library", "号码不在号码库中"),
    _pair("Z9 J17 J18", "number.expired/over", MINE, "source=10690004",
          "a number whose cooperation period is over", "号码合作期已过"),
    _pair("Z10", "library.stale/never", Ask("dx", "10690182", said=OF_DANXIA), "source=10690181",
          "a number for marketing; nobody attested this library, and the pack asks for it",
          "营销号码，而号码库从未确认"),
    _pair("J20", "segment.misuse/institution", Ask("jk", "10690191"), "source=10690551",
          "a shop sends from the segment for finance", "非金融机构使用金融专用号段"),
    _pair("J22", "purpose.mismatch/promised", Ask("jl", "10690001", declared="marketing"), "declared=collection",
          "collection declared on a number that was promised for marketing", "营销号码上声明为催收"),
    _pair("Z14", "number.disposed/closed", MINE, "source=10690007",
          "a number that was disposed of", "号码已被处置"),
    _pair("Z23", "fraud.hold/number", MINE, "source=10690006",
          "a number that is held", "号码涉嫌诈骗已被冻结"),
    # What the person wants.
    _pair("Z15 J6", "consent.missing/none", MINE, f"person={NEVER_ASKED}",
          "a person who never agreed", "用户从未同意"),
    _pair("Z16 J6", "suppression.active/refused", MINE, f"person={PERSONS[5]}",
          "a person who refused", "用户已明确拒绝"),
    _pair("Z19 Z16", "suppression.active/refused", MINE, f"person={PERSONS[6]}",
          "a person who answered TD a moment ago", "用户刚刚回复TD"),
    _pair("J6", "preference.declined/purpose", MINE, f"person={PERSONS[2]}",
          "a person who declined marketing of this institution", "用户偏好不接收该机构营销"),
    _pair("J14", "preference.donotcall/listed", MINE, f"person={PERSONS[3]}",
          "a person on a do-not-call list", "用户在谢绝来电名单中"),
    # Collection.
    _pair("J7", "debtor.unknown/role", Ask("th", "10690161", DAY[0], COLLECTS), f"person={DAY[1]}",
          "somebody whom the debtor named as a contact", "仅为债务人的联系人"),
    _pair("J10", "debtor.uninformed/notice", Ask("th-yl", "10690162", DAY[3], COLLECTS), f"person={DAY[2]}",
          "a debtor who was not told of this partner", "债务人未被告知该合作机构"),
    _pair("J7 Z16", "collection.objection/open", Ask("th", "10690161", DAY[4], COLLECTS), f"person={DAY[5]}",
          "a debtor whose objection is not settled", "债务人的异议未处理完毕"),
    _pair("J7", "hours.closed/hour", Ask("th", "10690161", DAY[6], COLLECTS), f"person={NIGHT[0]}",
          "a debtor for whom it is night now", "对方当地时间为夜间"),
    _pair("C4 J7", "hours.closed/hour", Ask("zj", "10690151", DAY[0], OF_ZHIJIANG), f"person={NIGHT[0]}",
          "marketing to a person for whom it is night now", "营销，对方当地时间为夜间"),
    _pair("J7 C1 C4", "frequency.cap/window", Ask("th", "10690161", DAY[7], COLLECTS), f"person={DAY[8]}",
          "a debtor with three contacts today, one of them by a partner", "当日已联系三次（含合作机构一次）"),
    # Who calls.
    _pair("J11", "caller.identity/number", MINE, "caller=anonymous",
          "From names no number", "主叫不是号码", ("call",)),
    # What texts say: marketing of a bank in Zhejiang, collection of one in Jiangsu.
    _pair("Z17 J11", "content.identity/none", MARKETS, "said=“之江贷”年化3.5%起，咨询400-000-1004，回T退订",
          "a text without the name of the institution", "未标明机构身份", TEXT),
    _pair("Z17 J11", "content.contact/none", MARKETS, "said=【之江银行】“之江贷”年化3.5%起，回T退订",
          "a text without a telephone", "未标明联系方式", TEXT),
    _pair("Z17 J11", "content.contact/other", MARKETS, "said=【之江银行】“之江贷”年化3.5%起，咨询400-000-1001，回T退订",
          "the telephone of another institution", "使用其他机构的联系电话", TEXT),
    _pair("Z17 J11", "content.product/none", MARKETS, "said=【之江银行】诚邀您选购本行新品，咨询400-000-1004，回T退订",
          "a text without the name of a product", "未标明产品信息", TEXT),
    _pair("Z17 J11", "content.spoof/other", MARKETS, "said=【江澜银行】“之江贷”年化3.5%起，咨询400-000-1004，回T退订",
          "the signature of another institution", "冒用其他机构签名", TEXT),
    _pair("Z18", "content.refusal/none", MARKETS, "said=【之江银行】“之江贷”年化3.5%起，咨询400-000-1004",
          "marketing without a way to refuse", "营销短信未提供拒收方式", TEXT),
    _pair("Z18", "content.refusal/keyword", MARKETS, "said=【之江银行】“之江贷”年化3.5%起，咨询400-000-1004，回XZ退订",
          "a keyword that replies do not honour", "所列退订关键词无法识别为拒收", TEXT),
    _pair("J11", "content.identity/none", OWES, "said=您的“太湖贷”已逾期，请尽快还款，咨询400-000-1003，回T退订",
          "a collection without the name of the institution", "催收短信未标明机构身份", TEXT),
    _pair("J12", "content.refusal/none", OWES, "said=【太湖银行】您的“太湖贷”已逾期，请尽快还款，咨询400-000-1003",
          "a collection without a way to refuse, which Jiangsu asks for too", "江苏：催收短信亦须提供拒收方式", TEXT),
    _pair("J7 C1", "content.threat/threat", but(OWES, "person", DAY[10]),
          "said=【太湖银行】您的“太湖贷”已逾期，再不还款就上门，咨询400-000-1003，回T退订",
          "a threat", "威胁", TEXT),
    _pair("J7 J13 C1", "content.disclosure/third", but(OWES, "person", DAY[11]),
          "said=【太湖银行】请转告张某，其“太湖贷”已逾期，请尽快还款，咨询400-000-1003，回T退订",
          "another person's debt", "向他人泄露债务信息", TEXT),
    _pair("Z23", "content.fraud/text", MINE, "said=【安全中心】您的账户涉嫌洗钱，请将资金转入安全账户，点击http://a.example/x",
          "a text that reads as fraud", "内容疑似诈骗", TEXT),
    _pair("J22", "purpose.mismatch/marketing", Ask("dx", "10690182", said=OF_DANXIA),
          "said=【丹霞银行】“丹霞贷”年化3.5%起，咨询400-000-1005，回T退订",
          "marketing from a number that was promised for service notices", "服务通知号码发送营销内容", TEXT),
)  # fmt: skip
