"""What the rows say that rules cite: one short sentence each, in English and Chinese.

Owns the wording of the requirement rows on the screen. Z rows stand for the Zhejiang notice, J rows for the Jiangsu
notice, C rows for counsel. The notices are known here by a press translation, so these are summaries: `official_zh`
is the place for the sentence as published, empty until somebody has it.
"""

from typing import Final

from msgspec import Struct


class Row(Struct, frozen=True):
    """One requirement row."""

    id: str
    says_en: str
    says_zh: str
    official_zh: str = ""


_ROWS: Final = (
    Row("Z2", "Marketing and collection only inside the licensed scope", "营销和催收须在许可的业务范围内"),
    Row("Z3", "Only lawful lending businesses collect", "仅依法从事贷款相关业务的机构可催收"),
    Row("Z4", "A local authority's licence holds in its province", "地方金融管理部门的许可限于其地域"),
    Row("Z5", "Institutions review the compliance of what they send", "金融机构须审核所发送内容的合规性"),
    Row("Z6", "Choose partners prudently, by contract", "审慎选择合作机构并以合同约定权责"),
    Row("Z7", "Telecom enterprises need a telecom licence", "提供服务的电信企业须持有电信业务经营许可证"),
    Row("Z8", "Documents are reviewed before service begins", "提供服务前须审核资质与委托材料"),
    Row("Z9", "Institutions keep a library of their numbers", "金融机构须建立号码库"),
    Row("Z10", "The library is complete, accurate and current", "号码库须全面、准确并及时更新"),
    Row("Z11", "The library covers entrusted units' numbers", "号码库须包含受托机构的号码"),
    Row("Z13", "Clues are collected on who acts in one's name", "收集冒用本机构名义的线索"),
    Row("Z14", "Unauthorised numbers are disposed of in time", "未经授权的号码须及时处置"),
    Row("Z15", "No marketing without consent or request", "未经消费者同意或请求不得营销"),
    Row("Z16", "No marketing after a clear refusal", "消费者明确拒绝后不得再营销"),
    Row("Z17", "Messages carry true identity, contact and product", "短信须标明真实身份、联系方式和产品信息"),
    Row("Z18", "Marketing SMS offers a way to refuse", "营销短信须提供拒收方式"),
    Row("Z19", "A refusal takes effect in good time, on SMS and calls", "拒绝须及时生效，短信与电话均不得再发"),
    Row("Z23", "Suspected telecom fraud is cracked down on", "涉嫌电信网络诈骗须依法打击"),
    Row("J3", "Only within the approved scope", "仅可在批准的范围内开展"),
    Row("J4", "No activity without written authorisation", "无书面授权，信息发布平台不得开展"),
    Row("J5", "Licence held; licences and entrustments reviewed", "持证经营并审核许可与委托"),
    Row("J6", "Respect what the person is willing to receive", "尊重用户的接收意愿"),
    Row("J7", "Collection is strictly regulated", "严格规范催收行为"),
    Row("J9", "Entrusted cooperation is standardised", "规范委托合作"),
    Row("J10", "Debtors are informed", "告知债务人委托事项"),
    Row("J11", "True identity and contact are marked", "标明真实身份和联系方式"),
    Row("J12", "Ways to refuse are provided", "提供拒收方式"),
    Row("J13", "Information is kept confidential", "信息保密，不得泄露或挪用个人信息"),
    Row("J14", "Calls respect registered willingness to answer", "外呼尊重用户登记的接听意愿"),
    Row("J17", "Numbers of own and entrusted units are counted", "统计本机构及受托机构的号码"),
    Row("J18", "Library rows name port, unit, telecom and period", "号码库须载明端口、使用单位、电信企业和合作期"),
    Row("J20", "Special segments for financial SMS and voice", "金融短信、语音专用号段"),
    Row("J22", "Numbers are used for the promised purpose only", "号码须按承诺用途使用"),
    Row("C1", "Excessive marketing and illegal collection are the harm", "过度营销和违规催收侵害用户权益"),
    Row("C4", "Avoid excessive disturbance", "避免过度打扰"),
)

ROWS: Final[dict[str, Row]] = {row.id: row for row in _ROWS}
