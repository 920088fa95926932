"""Sections of what institutions submit: submissions, their claims, numbers that two claim (J19 J23). Data."""

from typing import Final, get_args

from proxy.core.records import CaseState, SubmissionState
from proxy.registry import fields
from proxy.registry.fields import Field, same
from proxy.registry.table import CHANNELS, INSTITUTION, OPERATOR, PURPOSES, SINCE, UNTIL, Column, Reference, Table

_STATE: Final = Field(fields.one_of(get_args(SubmissionState)), same)
_CASE_STATE: Final = Field(fields.one_of(get_args(CaseState)), same)

#: J19 J23: a list on its way from an institution's liaison officer into the merged list of an authority.
SUBMISSIONS: Final = Table(
    "submissions",
    (
        Column("id", fields.ID, zh="编号"),
        INSTITUTION,
        Column("department", fields.FILLED, zh="主管部门"),
        Column("state", _STATE, required=False, default="draft", zh="状态"),
        Column("numbers", fields.whole(0, 1 << 40), required=False, default=0, zh="号码数"),
        Column("digest", fields.HASH, required=False, zh="摘要"),
        Column("submitted", fields.MOMENT_NOTED, required=False, default=0, zh="提交时间"),
        Column("submitted_by", fields.TEXT, required=False, zh="提交人"),
        Column("receipt", fields.TEXT, required=False, zh="回执号"),
        Column("received", fields.MOMENT_NOTED, required=False, default=0, zh="接收时间"),
        Column("received_by", fields.TEXT, required=False, zh="接收人"),
        Column("decided", fields.MOMENT_NOTED, required=False, default=0, zh="处理时间"),
        Column("decided_by", fields.TEXT, required=False, zh="处理人"),
        Column("merged", fields.MOMENT_NOTED, required=False, default=0, zh="合并时间"),
        Column("merged_by", fields.TEXT, required=False, zh="合并人"),
        Column("reason", fields.TEXT, required=False, zh="原因"),
    ),
    ("id",),
    (Reference("institution", ("institutions",)),),
)
#: What a submission says: the columns of a number library, for the institution of the submission.
CLAIMS: Final = Table(
    "claims",
    (
        Column("submission", fields.ID, zh="提交编号"),
        Column("address", fields.SENDING_NUMBER, zh="发送号码", aliases=("number",)),
        OPERATOR,
        Column("telecom", fields.FILLED, zh="电信企业"),
        CHANNELS,
        PURPOSES,
        SINCE,
        UNTIL,
        Column("extensible", fields.FLAG, required=False, default=0, zh="可扩展"),
    ),
    ("submission", "address", "operator", "since"),
    (Reference("submission", ("submissions",)), Reference("operator", ("institutions", "partners"))),
)
CLAIM_CASES: Final = Table(
    "claim_cases",
    (
        Column("id", fields.ID, zh="编号"),
        Column("address", fields.SENDING_NUMBER, zh="发送号码"),
        Column("holder", fields.ID, zh="在先机构"),
        Column("claimant", fields.ID, zh="在后机构"),
        Column("submission", fields.ID, zh="提交编号"),
        Column("opened", fields.MOMENT, zh="立案时间"),
        Column("state", _CASE_STATE, required=False, default="open", zh="状态"),
        Column("settled", fields.MOMENT_NOTED, required=False, default=0, zh="结案时间"),
        Column("settled_by", fields.TEXT, required=False, zh="结案人"),
        Column("settled_for", fields.TEXT, required=False, zh="归属机构"),
        Column("reason", fields.TEXT, required=False, zh="原因"),
    ),
    ("id",),
    (
        Reference("holder", ("institutions",)),
        Reference("claimant", ("institutions",)),
        Reference("submission", ("submissions",)),
    ),
)
