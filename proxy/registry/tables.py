"""The sections of a registry file: their columns, which are mandatory, and what names a row.

One description serves import, export, staging and the store, so that they cannot drift apart. Column names are those of
`core.records`; `zh` is the heading that a Chinese spreadsheet may use instead (J18). Pure data.
"""

from typing import Final

from proxy.registry import content_fields, fields
from proxy.registry.content_tables import DOMAINS, PRODUCTS, SERVICE_PHONES, SIGNATURES
from proxy.registry.debtor_tables import DEBTOR_NOTICES, DEBTORS, OBJECTIONS
from proxy.registry.library_tables import ATTESTATIONS, INTAKES, SEGMENTS
from proxy.registry.review_tables import CAMPAIGNS, LIAISONS, ONBOARDINGS, TEMPLATES
from proxy.registry.submission_tables import CLAIM_CASES, CLAIMS, SUBMISSIONS
from proxy.registry.table import (
    CALL_CAPS,
    CHANNELS,
    INSTITUTION,
    OPERATOR,
    PRINCIPAL,
    PURPOSES,
    REGION,
    SINCE,
    UNTIL,
    Column,
    Reference,
    Table,
)

INSTITUTIONS: Final = Table(
    "institutions",
    (
        Column("id", fields.ID, zh="编号"),
        Column("name", fields.FILLED, zh="名称"),
        Column("kind", fields.INSTITUTION_KIND, zh="类型"),
        Column("short_names", fields.NAMES, required=False, zh="简称"),
        *CALL_CAPS,
        REGION,
        Column("page", fields.PAGE, required=False, zh="官方页面"),
    ),
    ("id",),
)
#: Z4: a local authority's licence holds in its province.
LICENCES: Final = Table(
    "licences",
    (
        INSTITUTION,
        PURPOSES,
        CHANNELS,
        SINCE,
        UNTIL,
        Column("issuer", fields.TEXT, required=False, zh="发证机关"),
        Column("issuer_level", fields.ISSUER_LEVEL, required=False, default="central", zh="发证层级"),
        REGION,
    ),
    ("institution", "purposes", "channels", "since", "region"),
    (Reference("institution", ("institutions",)),),
)
#: Z7 J5: since and until are those of the telecom licence.
TELECOMS: Final = Table(
    "telecoms",
    (
        Column("id", fields.ID, zh="编号"),
        Column("name", fields.FILLED, zh="名称"),
        Column("kind", fields.TELECOM_KIND, zh="类型"),
        Column("licence_no", fields.FILLED, zh="许可证号"),
        SINCE,
        UNTIL,
        REGION,
    ),
    ("id",),
)
#: Z6: since and until are those of the contract.
PARTNERS: Final = Table(
    "partners",
    (
        Column("id", fields.ID, zh="编号"),
        Column("name", fields.FILLED, zh="名称"),
        SINCE,
        UNTIL,
        Column("document_hash", fields.HASH, required=False, zh="合同哈希"),
        Column("duties", fields.NAMES, required=False, zh="职责"),
        Column("due_diligence", fields.SINCE, required=False, default=0, zh="尽职调查日期"),
    ),
    ("id",),
)
ENTRUSTMENTS: Final = Table(
    "entrustments",
    (
        INSTITUTION,
        Column("partner", fields.ID, zh="合作机构"),
        PURPOSES,
        CHANNELS,
        SINCE,
        UNTIL,
        Column("document_hash", fields.TEXT, required=False, zh="委托书哈希"),
        Column("regions", fields.REGION_SET, required=False, zh="地区"),
        Column("parent", fields.ID, required=False, zh="转委托方"),
    ),
    ("institution", "partner", "purposes", "channels", "since", "regions", "parent"),
    (
        Reference("institution", ("institutions",)),
        Reference("partner", ("partners",)),
        Reference("parent", ("partners",)),
    ),
)
#: J18: sending number, institution served, unit that uses it, telecom enterprise and cooperation period are mandatory.
NUMBERS: Final = Table(
    "numbers",
    (
        Column("address", fields.SENDING_NUMBER, zh="发送号码", aliases=("number",)),
        PRINCIPAL,
        OPERATOR,
        Column("telecom", fields.FILLED, zh="电信企业"),
        CHANNELS,
        PURPOSES,
        SINCE,
        UNTIL,
        Column("extensible", fields.FLAG, required=False, default=0, zh="可扩展"),
        Column("binary", fields.FLAG, required=False, default=0, zh="二进制"),
        Column("disposed", fields.FLAG, required=False, default=0, zh="已处置"),
        Column("refusal_keywords", content_fields.KEYWORDS, required=False, zh="退订关键词"),
    ),
    ("address", "principal", "operator", "since"),
    (
        Reference("principal", ("institutions",)),
        Reference("operator", ("institutions", "partners")),
        Reference("telecom", ("telecoms",), by_name=True),
    ),
)
ACCOUNTS: Final = Table(
    "accounts",
    (
        Column("id", fields.SYSTEM_ID, zh="账户", aliases=("system_id",)),
        PRINCIPAL,
        OPERATOR,
        PURPOSES,
        Column("password_hash", fields.TEXT, required=False, secret=True),
        Column("reviewed_by", fields.NAMES, required=False, zh="审核人"),
        Column("telecom_licence_since", fields.SINCE, required=False, default=0, zh="电信许可起始日期"),
        Column("telecom_licence_until", fields.UNTIL, required=False, default=0, zh="电信许可截止日期"),
        Column("responsible", fields.FILLED, zh="责任人"),
        Column("route", fields.FILLED, required=False, default="default", zh="路由"),
        Column("addresses", fields.NETWORKS, required=False, zh="IP地址"),
        Column("max_binds", fields.whole(1, 1000), required=False, default=4),
        Column("rate_per_s", fields.whole(0, 1_000_000), required=False, default=0),
        Column("window", fields.whole(1, 100_000), required=False, default=500),
        Column("code_map", fields.CODE_MAP, required=False, default="vendor"),
        Column("vendor_base", fields.whole(0x0400, 0x049F), required=False, default=0x0400),
        Column("status_text", fields.FLAG, required=False, default=0),
        Column("binary", fields.FLAG, required=False, default=0),
        Column("own_receiver", fields.FLAG, required=False, default=0),
        Column("replace_sm", fields.FLAG, required=False, default=0, zh="允许替换"),
        Column("client_certificate", fields.TEXT, required=False),
        *CALL_CAPS,
        Column("call_map", fields.CALL_MAP, required=False, default="precise"),
        Column("asserts_identity", fields.FLAG, required=False, default=0, zh="可断言主叫"),
        Column("telecoms", fields.IDS, required=False, zh="电信企业"),
    ),
    ("id",),
    (
        Reference("principal", ("institutions",)),
        Reference("operator", ("institutions", "partners")),
        Reference("telecoms", ("telecoms",), listed=True),
    ),
)
HOLDS: Final = Table(
    "holds",
    (
        Column("kind", fields.HOLD_KIND, zh="类型"),
        Column("target", fields.FILLED, zh="对象"),
        Column("reason", fields.TEXT, required=False, zh="原因"),
    ),
    ("kind", "target"),
)
CONSENTS: Final = Table(
    "consents",
    (
        Column("recipient", fields.RECIPIENT, zh="用户号码"),
        INSTITUTION,
        Column("purposes", fields.PURPOSES, required=False, default="marketing", zh="用途"),
        CHANNELS,
        Column("given", fields.MOMENT, zh="同意时间"),
        Column("until", fields.UNTIL, required=False, default=None, zh="截止日期"),
        Column("basis", fields.BASIS, required=False, default="consent", zh="依据"),
        Column("product", fields.TEXT, required=False, zh="产品"),
        Column("source", fields.FILLED, zh="来源"),
        Column("proof_hash", fields.TEXT, required=False, zh="证明哈希"),
        # A consent that has ended: an export says so, and an import of it opens nothing.
        Column("withdrawn", fields.MOMENT_NOTED, required=False, default=0, zh="撤回时间"),
        Column("withdrawn_source", fields.TEXT, required=False, zh="撤回来源"),
    ),
    (),
    (Reference("institution", ("institutions",)),),
)
SUPPRESSIONS: Final = Table(
    "suppressions",
    (
        Column("recipient", fields.RECIPIENT, zh="用户号码"),
        INSTITUTION,
        Column("purposes", fields.PURPOSES, required=False, default="marketing", zh="用途"),
        Column("channels", fields.CHANNEL_SET, required=False, default="sms,voice", zh="渠道"),
        Column("at", fields.MOMENT, zh="拒绝时间"),
        Column("source", fields.FILLED, required=False, default="import", zh="来源"),
        Column("label", fields.TEXT, required=False, zh="说明"),
    ),
    (),
    (Reference("institution", ("institutions",)),),
)
#: J6: of a person's rows for one institution (or, where none is named, for all) the one with the latest `at` counts.
PREFERENCES: Final = Table(
    "preferences",
    (
        Column("recipient", fields.RECIPIENT, zh="用户号码"),
        Column("institution", fields.ID, required=False, zh="金融机构", aliases=("服务机构",)),
        Column("declines", fields.PURPOSES, required=False, zh="谢绝用途"),
        Column("channels", fields.CHANNEL_SET, required=False, default="sms,voice", zh="渠道"),
        Column("opens", fields.CLOCK, required=False, zh="可接收起"),
        Column("closes", fields.CLOCK, required=False, zh="可接收止"),
        Column("at", fields.MOMENT, zh="登记时间"),
        Column("source", fields.FILLED, required=False, default="import", zh="来源"),
    ),
    (),
    (Reference("institution", ("institutions",)),),
)

#: Records: what the policy reads of institutions and senders. A transaction that changes one raises the revision.
RECORD_TABLES: Final = (
    INSTITUTIONS,
    LICENCES,
    TELECOMS,
    PARTNERS,
    ENTRUSTMENTS,
    LIAISONS,
    NUMBERS,
    ACCOUNTS,
    ONBOARDINGS,
    CAMPAIGNS,
    TEMPLATES,
    SIGNATURES,
    SERVICE_PHONES,
    PRODUCTS,
    DOMAINS,
    SEGMENTS,
    ATTESTATIONS,
    INTAKES,
    SUBMISSIONS,
    CLAIMS,
    CLAIM_CASES,
    HOLDS,
)
#: The table of other houses' rows, beside the tables of records.
FOLLOWED: Final = "followed_numbers"
#: Tables whose ids other tables refer to.
KNOWN_TABLES: Final = ("institutions", "telecoms", "partners", "accounts", "campaigns", "submissions")
#: Persons: ledgers that only grow.
PERSON_TABLES: Final = (CONSENTS, SUPPRESSIONS, DEBTORS, DEBTOR_NOTICES, OBJECTIONS, PREFERENCES)
#: In the order of a file, so that what is referred to comes first.
TABLES: Final[dict[str, Table]] = {table.name: table for table in (*RECORD_TABLES, *PERSON_TABLES)}
