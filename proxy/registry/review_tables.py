"""Sections of what people review: liaisons, onboarding, campaigns, templates (J19 Z8 C2 Z5). Pure data."""

from typing import Final

from proxy.registry import fields
from proxy.registry.table import CHANNELS, INSTITUTION, PURPOSES, SINCE, UNTIL, Column, Reference, Table

#: J19: who submits for an institution; one without a liaison in force activates no number where the pack asks for it.
LIAISONS: Final = Table(
    "liaisons",
    (
        INSTITUTION,
        Column("name", fields.FILLED, zh="联络员"),
        Column("contact", fields.FILLED, zh="联系方式"),
        Column("deputy", fields.TEXT, required=False, zh="候补联络员"),
        SINCE,
        UNTIL,
    ),
    ("institution", "name", "since"),
    (Reference("institution", ("institutions",)),),
)
#: Z8: what was submitted for an account, and who reviewed and approved it.
ONBOARDINGS: Final = Table(
    "onboardings",
    (
        Column("account", fields.SYSTEM_ID, zh="账户"),
        Column("submitted", fields.MOMENT, zh="提交时间"),
        Column("submitted_by", fields.FILLED, zh="提交人"),
        Column("documents", fields.DOCUMENTS, zh="材料哈希"),
        Column("state", fields.ONBOARDING_STATE, required=False, default="submitted", zh="状态"),
        Column("reviewed", fields.MOMENT_NOTED, required=False, default=0, zh="审核时间"),
        Column("reviewed_by", fields.TEXT, required=False, zh="审核人"),
        Column("approved", fields.MOMENT_NOTED, required=False, default=0, zh="批准时间"),
        Column("approved_by", fields.TEXT, required=False, zh="批准人"),
        Column("rejected", fields.MOMENT_NOTED, required=False, default=0, zh="退回时间"),
        Column("rejected_by", fields.TEXT, required=False, zh="退回人"),
        Column("reason", fields.TEXT, required=False, zh="原因"),
    ),
    ("account", "submitted"),
    (Reference("account", ("accounts",)),),
)
_REVIEW: Final = (
    Column("state", fields.REVIEW_STATE, required=False, default="draft", zh="状态"),
    Column("submitted_by", fields.TEXT, required=False, zh="提交人"),
    Column("reviewed", fields.MOMENT_NOTED, required=False, default=0, zh="审核时间"),
    Column("reviewed_by", fields.TEXT, required=False, zh="审核人"),
    Column("checklist", fields.NAMES, required=False, zh="审核清单"),
    Column("reason", fields.TEXT, required=False, zh="原因"),
)
#: Z5 C2: what an institution sends together, and who answers for it.
CAMPAIGNS: Final = Table(
    "campaigns",
    (
        Column("id", fields.ID, zh="编号"),
        INSTITUTION,
        Column("name", fields.FILLED, zh="名称"),
        Column("responsible", fields.FILLED, zh="责任人"),
        PURPOSES,
        CHANNELS,
        SINCE,
        UNTIL,
        *_REVIEW,
    ),
    ("id",),
    (Reference("institution", ("institutions",)),),
)
TEMPLATES: Final = Table(
    "templates",
    (
        Column("id", fields.ID, zh="编号"),
        INSTITUTION,
        Column("campaign", fields.ID, required=False, zh="活动"),
        PURPOSES,
        Column("text", fields.WORDED, zh="内容"),
        *_REVIEW,
    ),
    ("id",),
    (Reference("institution", ("institutions",)), Reference("campaign", ("campaigns",))),
)
