"""The closed catalogue of refusals: every rule id the product knows, and no others.

The id is the same string in log, API, console, metrics and manual. Wire codes are data in `config/codes.toml`; here
stands what the policy itself needs to know: whether a refusal is final, whether it belongs to the floor that is never
in shadow, and what to tell a person.
"""

from typing import Final, Literal

from msgspec import Struct

Kind = Literal["final", "temporary"]


class Entry(Struct, frozen=True):
    """One refusal: `floor` ones are enforced even where everything else runs in shadow."""

    id: str
    kind: Kind
    floor: bool
    text_en: str
    text_zh: str
    next_en: str
    next_zh: str


def _final(rule: str, en: str, zh: str, next_en: str, next_zh: str, *, floor: bool = False) -> Entry:
    return Entry(rule, "final", floor, en, zh, next_en, next_zh)


def _temporary(rule: str, en: str, zh: str, next_en: str, next_zh: str, *, floor: bool = False) -> Entry:
    return Entry(rule, "temporary", floor, en, zh, next_en, next_zh)


_ENTRIES: Final = (
    _final(
        "account.unreviewed",
        "the account has not been reviewed and approved by two people",
        "账户未经双人审核批准",
        "have the account's documents reviewed, then activate it",
        "请完成账户资料审核后再启用",
        floor=True,
    ),
    _final(
        "telecom.licence",
        "a telecom enterprise in the chain has no valid telecom licence",
        "链路中的电信企业没有有效的电信业务经营许可证",
        "register a licence that is valid today for this telecom enterprise",
        "请登记该电信企业当前有效的许可证",
        floor=True,
    ),
    _final(
        "licence.scope",
        "the institution's licence does not cover this purpose on this channel",
        "金融机构许可范围不包含该用途或渠道",
        "register a licence of the institution that covers it",
        "请登记覆盖该用途的业务许可",
    ),
    _final(
        "licence.expired",
        "the institution's licence is outside its validity",
        "金融机构许可不在有效期内",
        "register the renewed licence",
        "请登记续期后的许可",
    ),
    _final(
        "licence.region",
        "a local licence is used outside its region",
        "地方许可超出地域范围",
        "send only to the licensed region, or register a central licence",
        "请仅在许可地域内发送，或登记中央许可",
    ),
    _final(
        "entrustment.missing",
        "no written entrustment from the institution for this sender, purpose and channel",
        "没有金融机构对该发送方、用途和渠道的书面委托",
        "register the entrustment, or send from a number of one's own principal",
        "请登记委托书，或改用本委托方的号码",
    ),
    _final(
        "entrustment.expired",
        "the entrustment is outside its period",
        "委托不在有效期内",
        "register the renewed entrustment",
        "请登记续期后的委托",
    ),
    _final(
        "entrustment.depth",
        "sub-entrustment is deeper than allowed",
        "转委托层级超限",
        "entrust directly",
        "请直接委托",
    ),
    _final(
        "number.unregistered",
        "the sending number is not in the number library",
        "发送号码不在号码库中",
        "register the number in the institution's library",
        "请在号码库中登记该号码",
    ),
    _final(
        "number.expired",
        "the sending number is outside its cooperation period",
        "发送号码不在合作期内",
        "extend the number's period in the library",
        "请在号码库中延长合作期",
    ),
    _final(
        "number.disposed",
        "the sending number was suspended or closed",
        "发送号码已被处置（暂停或关停）",
        "appeal against the disposal",
        "可对处置提出申诉",
        floor=True,
    ),
    _final(
        "segment.misuse",
        "a number of the special segment is not used for finance",
        "专用号段未用于金融业务",
        "use an ordinary number",
        "请使用普通号码",
    ),
    _final(
        "purpose.mismatch",
        "the purpose is not the one promised for this number and account",
        "用途与该号码及账户承诺的用途不符",
        "use a number that is registered for this purpose",
        "请使用登记为该用途的号码",
    ),
    _final(
        "library.stale",
        "the number library was not attested in time",
        "号码库未按期确认",
        "attest the library",
        "请确认号码库",
    ),
    _final(
        "template.unreviewed",
        "the template has not been reviewed",
        "模板未经审核",
        "submit the template for review",
        "请提交模板审核",
    ),
    _final(
        "consent.missing",
        "the person has not consented to marketing by this institution on this channel",
        "该用户未同意接收该机构此渠道的营销",
        "obtain and register consent",
        "请取得并登记用户同意",
    ),
    _final(
        "suppression.active",
        "the person refused",
        "该用户已明确拒绝",
        "do not send; only the person can lift it",
        "请勿发送；仅用户本人可解除",
        floor=True,
    ),
    _final(
        "preference.declined",
        "the person's preferences decline this",
        "与用户接收偏好不符",
        "respect the preference",
        "请尊重用户偏好",
    ),
    _final(
        "preference.donotcall",
        "the person is on a do-not-call list",
        "该用户在谢绝来电名单中",
        "do not call",
        "请勿呼叫",
    ),
    _final(
        "debtor.unknown",
        "nothing shows that the person is liable for the debt",
        "没有记录表明该用户为债务相关人",
        "register and verify the debtor record",
        "请登记并核实债务人记录",
    ),
    _final(
        "debtor.uninformed",
        "the debtor was not informed of the entrustment",
        "债务人未被告知委托事项",
        "inform the debtor and register the notice",
        "请告知债务人并登记",
    ),
    _final(
        "collection.objection",
        "an objection of the person is open",
        "该用户的异议未处理完毕",
        "settle the objection case",
        "请先处理异议",
    ),
    _final(
        "content.identity",
        "the text does not say who sends it",
        "内容未标明真实身份",
        "sign with the registered name",
        "请标明登记名称",
    ),
    _final(
        "content.contact",
        "the text has no contact of the institution",
        "内容未标明联系方式",
        "add a registered telephone number",
        "请添加登记的联系电话",
    ),
    _final(
        "content.product",
        "the text does not name the product",
        "内容未标明产品信息",
        "name the registered product",
        "请标明登记的产品",
    ),
    _final(
        "content.refusal",
        "the text offers no way to refuse",
        "内容未提供拒收方式",
        "add a refusal line such as 回T退订",
        "请添加退订方式，如“回T退订”",
    ),
    _final(
        "content.spoof",
        "the text claims another institution's identity",
        "内容冒用其他机构身份",
        "use one's own identity",
        "请使用本机构身份",
    ),
    _final(
        "content.disclosure",
        "the text discloses a debt to others",
        "内容向他人泄露债务信息",
        "write to the debtor only",
        "仅可告知债务人本人",
    ),
    _final(
        "content.threat",
        "the text threatens or insults",
        "内容含威胁或侮辱",
        "rewrite the text",
        "请修改内容",
    ),
    _final(
        "content.undecodable",
        "the text cannot be decoded",
        "内容无法解码",
        "send in GSM 03.38, UCS-2 or GB18030 with the matching data_coding, or register for binary",
        "请使用与data_coding一致的编码，或登记二进制用途",
    ),
    _final(
        "content.fraud",
        "the text reads as fraud",
        "内容疑似诈骗",
        "appeal if this is wrong",
        "如有异议可申诉",
        floor=True,
    ),
    _final(
        "content.link",
        "a link in the text is not allowed",
        "内容中的链接不被允许",
        "use a registered domain",
        "请使用登记的域名",
    ),
    _final(
        "caller.identity",
        "the caller's identity is not the registered one",
        "主叫身份与登记不符",
        "present a registered number",
        "请使用登记的主叫号码",
    ),
    _final(
        "address.invalid",
        "an address has no canonical form",
        "地址无法规范化",
        "write the sender as it is registered, and the person as 13800138000 or 8613800138000",
        "发送号码请按登记填写，用户号码形如13800138000或8613800138000",
        floor=True,
    ),
    _final(
        "pdu.unsupported",
        "the command or option is closed here",
        "该命令或选项不被支持",
        "use a plain submit_sm",
        "请使用普通submit_sm",
        floor=True,
    ),
    _final(
        "pdu.ambiguous",
        "the PDU can be read in two ways",
        "PDU存在歧义",
        "send each field once and consistently",
        "请保证字段唯一且一致",
        floor=True,
    ),
    _final(
        "account.oneway",
        "no receiver path of the account runs through here, refusals could not come back",
        "该账户没有经由本系统的接收通道，用户拒收无法返回",
        "bind as transceiver, or add a receiver bind",
        "请使用transceiver绑定，或增加receiver绑定",
        floor=True,
    ),
    _final(
        "message.partial",
        "a part of a long message, not the whole",
        "长短信分段不完整",
        "send all parts",
        "请发送全部分段",
        floor=True,
    ),
    _final(
        "message.foreign",
        "the message_id is not one of this account's",
        "该message_id不属于本账户",
        "use an id that this account was given",
        "请使用本账户收到的message_id",
        floor=True,
    ),
    _final(
        "outcome.unknown",
        "the carrier was lost before it answered: the message may or may not be sent",
        "运营商应答前连接中断，结果未知",
        "do not retry; wait for a receipt",
        "请勿重发；请等待状态报告",
        floor=True,
    ),
    _final(
        "hours.closed",
        "closed at this hour for this purpose",
        "当前时段不允许该用途",
        "send in the open hours",
        "请在允许的时段发送",
    ),
    _final(
        "frequency.cap",
        "the person was contacted often enough",
        "联系频次已达上限",
        "wait until the window has passed",
        "请在频次窗口过后再联系",
    ),
    _final(
        "fraud.hold",
        "held on suspicion of fraud",
        "涉嫌诈骗已被冻结",
        "appeal against the hold",
        "可对冻结提出申诉",
        floor=True,
    ),
    _temporary(
        "throughput.account",
        "the account is over its agreed rate or window",
        "超出账户约定的速率或窗口",
        "slow down and retry",
        "请降速后重试",
    ),
    _temporary(
        "internal.rule",
        "a rule failed, so nothing could be decided",
        "规则执行失败，无法判定",
        "retry; the operator sees an error",
        "请稍后重试；运维已收到告警",
        floor=True,
    ),
    _temporary(
        "internal.snapshot",
        "no registry is loaded, or it is too old",
        "注册数据未加载或过旧",
        "retry; the operator sees an error",
        "请稍后重试",
        floor=True,
    ),
    _temporary(
        "internal.outbox",
        "decisions cannot be recorded fast enough",
        "证据写入拥塞",
        "retry",
        "请稍后重试",
        floor=True,
    ),
    _temporary(
        "internal.store",
        "the store does not answer",
        "存储不可用",
        "retry",
        "请稍后重试",
        floor=True,
    ),
    _temporary(
        "internal.upstream",
        "the carrier is not connected",
        "运营商连接中断",
        "retry",
        "请稍后重试",
        floor=True,
    ),
    _temporary(
        "internal.draining",
        "the gateway or the route is draining",
        "系统或路由正在排空",
        "retry on another bind",
        "请在其他连接上重试",
        floor=True,
    ),
    _temporary(
        "internal.gap",
        "decisions of the last batch before a crash are not in the log",
        "崩溃前最后一批判定未入日志",
        "none: seen by operators only",
        "无需操作",
        floor=True,
    ),
)

CATALOGUE: Final[dict[str, Entry]] = {entry.id: entry for entry in _ENTRIES}
