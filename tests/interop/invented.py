"""Rows of an invented registry: every institution, number and person. 所有机构、号码和人员均为虚构。"""

from __future__ import annotations

from typing import Any

SINCE, UNTIL = "2026-01-01", "2036-12-31"
TELECOM = "示例通信（虚构）"
KINDS = {
    "jianglan": ("江澜银行", "bank"),
    "yunxiu": ("云岫消费金融", "consumer_finance"),
    "xingqiao": ("星桥小贷", "microloan"),
    "zehe": ("泽禾农商银行", "bank"),
    "lanhai": ("澜海银行", "bank"),
    "dinglan": ("鼎澜人寿", "insurer"),
    "yuehu": ("越湖证券", "securities"),
    "rivervale": ("RiverVale Bank", "bank"),
}
PARTNERS = {"yuanlu": "元麓科技", "mingting": "明汀资产"}
PURPOSES = ["marketing", "collection", "service", "verification"]

Row = dict[str, Any]


def base() -> dict[str, list[Row]]:
    """Every institution and partner, with no sender yet. Licences: see `licence`."""
    return {
        "institutions": [
            {"id": key, "name": f"{name}（虚构）", "kind": kind, "short_names": [name]}
            for key, (name, kind) in KINDS.items()
        ],
        "licences": [],
        "partners": [
            {"id": key, "name": f"{name}（虚构）", "since": SINCE, "until": UNTIL} for key, name in PARTNERS.items()
        ],
        "entrustments": [],
        "numbers": [],
        "accounts": [],
        "consents": [],
        "suppressions": [],
        "holds": [],
    }


def licence(institution: str, purposes: list[str], *, since: str = SINCE, until: str = UNTIL) -> Row:
    return {"institution": institution, "purposes": purposes, "channels": ["sms"], "since": since, "until": until}


def entrustment(institution: str, partner: str, purposes: list[str], *, since: str = SINCE, until: str = UNTIL) -> Row:
    row = licence(institution, purposes, since=since, until=until)
    return {**row, "partner": partner, "document_hash": "invented"}


def number(
    address: str, principal: str, purposes: list[str], *, operator: str = "", since: str = SINCE, **further: Any
) -> Row:
    return {
        "address": address,
        "principal": principal,
        "operator": operator or principal,
        "telecom": TELECOM,
        "channels": ["sms"],
        "purposes": purposes,
        "since": since,
        "until": UNTIL,
        **further,
    }


def account(
    system_id: str, principal: str, purposes: list[str], *, operator: str = "", password: str = "secret", **further: Any
) -> Row:
    secret = {} if "password_hash" in further else {"password": password}
    return {
        "id": system_id,
        "principal": principal,
        "operator": operator or principal,
        "purposes": purposes,
        "reviewed_by": ["审核甲（虚构）", "审核乙（虚构）"],
        "telecom_licence_since": SINCE,
        "telecom_licence_until": UNTIL,
        "responsible": "责任人（虚构）",
        **secret,
        **further,
    }


def consent(recipient: str, institution: str) -> Row:
    return {
        "recipient": recipient,
        "institution": institution,
        "channels": ["sms"],
        "given": "2026-01-02",
        "source": "invented",
    }


def suppression(recipient: str, institution: str, purposes: list[str]) -> Row:
    return {"recipient": recipient, "institution": institution, "purposes": purposes, "at": "2026-01-03"}
