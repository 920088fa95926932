"""The registry of these tests: everybody and everything in it is invented. 全部机构、号码与人员均为虚构。"""

from __future__ import annotations

from typing import Any

#: Nine octets with its NUL: what SMPP has room for.
PASSWORD = "Wire-P4s"
PERSONS = tuple(f"86138001380{number:02}" for number in range(30))
IMPORTED = PERSONS[7]
"""Refused before any of this: by import."""
NOBODY = "8613900139001"
"""Never agreed to anything."""
TEXT = "【江澜银行】春季理财活动开始，详询柜台，拒收请回复TD"
SERVICE = "【江澜银行】您尾号7788卡支出66.00元，余额100.00元"
COLLECTION = "【江澜银行】您尾号7788信用卡已逾期2天，最低还款800元，400-000-1001"
#: What numbers say that are not of marketing.
TEXTS = {
    **dict.fromkeys(("10690002", "10690553"), SERVICE),
    **dict.fromkeys(("10690003", "10690022", "10690031"), COLLECTION),
}
#: Parts of texts that must not be found in any file.
SECRET_TEXTS = ("春季理财活动", "尾号7788", "quoted-by-receipt")

_EVER = {"since": "2026-01-01", "until": "2099-12-31"}
_REVIEWED = {"reviewed_by": ["审核甲（虚构）", "审核乙（虚构）"]}


def number(address: str, principal: str, *purposes: str, operator: str = "", **more: Any) -> dict[str, Any]:
    row = {"address": address, "principal": principal, "operator": operator or principal, "telecom": "示例通信（虚构）"}
    return row | {"channels": ["sms"], "purposes": list(purposes)} | _EVER | more


def account(name: str, principal: str, *purposes: str, operator: str = "", **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"id": name, "principal": principal, "operator": operator or principal}
    row |= {"purposes": list(purposes)}
    row |= {"password": PASSWORD, "responsible": "责任人（虚构）", "max_binds": 50} | _REVIEWED
    return row | {"telecom_licence_since": "2026-01-01", "telecom_licence_until": "2099-12-31"} | more


def registry(**more: Any) -> dict[str, Any]:
    """The registry, with other rows added to its sections."""
    whole: dict[str, Any] = {
        "institutions": [
            {"id": "jianglan", "name": "江澜银行（虚构）", "kind": "bank"},
            {"id": "yunxiu", "name": "云岫消费金融（虚构）", "kind": "consumer_finance"},
            {"id": "xingqiao", "name": "星桥小贷（虚构）", "kind": "microloan"},
            {"id": "zehe", "name": "泽禾农商银行（虚构）", "kind": "bank"},
        ],
        "licences": [
            {"institution": "jianglan", "purposes": ["marketing", "collection"], "channels": ["sms"], **_EVER},
            {"institution": "yunxiu", "purposes": ["marketing"], "channels": ["sms"], **_EVER},
            {"institution": "xingqiao", "purposes": ["marketing", "collection"], "channels": ["sms"], **_EVER},
            {"institution": "zehe", "purposes": ["marketing"], "channels": ["sms"], **_EVER},
        ],
        "partners": [{"id": "yuanlu", "name": "元麓科技（虚构）", **_EVER}],
        "entrustments": [
            {"institution": "jianglan", "partner": "yuanlu", "purposes": ["marketing"], "channels": ["sms"], **_EVER}
        ],
        "numbers": [
            number("10690001", "jianglan", "marketing", extensible=True),
            number("10690002", "jianglan", "service", "verification"),
            number("10690003", "jianglan", "collection"),
            number("10690009", "jianglan", "marketing", binary=True),
            number("10690011", "jianglan", "marketing", operator="yuanlu"),
            number("10690101", "yunxiu", "marketing"),
            number("10690202", "xingqiao", "marketing"),
            number("10690203", "xingqiao", "marketing", disposed=True),
            number("10690301", "zehe", "marketing"),
            # One port, two institutions: whose message a reply answers is to be found out.
            number("10690777", "jianglan", "marketing"),
            number("10690777", "yunxiu", "marketing"),
        ],
        "accounts": [
            account("jl", "jianglan", "marketing"),
            account("jl-two", "jianglan", "marketing"),
            account("jl-std", "jianglan", "marketing", code_map="standard"),
            account("jl-base", "jianglan", "marketing", vendor_base=0x0480, status_text=True),
            account("jl-svc", "jianglan", "service", "verification"),
            account("jl-col", "jianglan", "collection"),
            account("jl-bin", "jianglan", "marketing", binary=True),
            account("jl-win", "jianglan", "marketing", window=4),
            account("jl-rate", "jianglan", "marketing", rate_per_s=5),
            account("jl-max", "jianglan", "marketing", max_binds=2),
            account("jl-own", "jianglan", "marketing", own_receiver=True),
            account("jl-far", "jianglan", "marketing", addresses=["192.0.2.0/24"]),
            account("jl-near", "jianglan", "marketing", addresses=["127.0.0.0/8"]),
            account("jl-b", "jianglan", "marketing", route="second"),
            account("jl-noroute", "jianglan", "marketing", route="nowhere"),
            account("yl", "jianglan", "marketing", operator="yuanlu"),
            account("yx", "yunxiu", "marketing"),
            account("xq", "xingqiao", "marketing"),
            account("zh", "zehe", "marketing"),
            account("unreviewed", "jianglan", "marketing") | {"reviewed_by": []},
            account("expired", "jianglan", "marketing", telecom_licence_until="2026-01-02"),
        ],
        "consents": [
            {
                "recipient": person,
                "institution": institution,
                "channels": ["sms"],
                "given": "2026-03-01",
                "until": "2099-12-31",
                "source": "虚构",
            }
            for person in PERSONS
            for institution in ("jianglan", "yunxiu", "xingqiao", "zehe")
        ],
        "suppressions": [
            {"recipient": IMPORTED, "institution": "jianglan", "at": "2026-06-01", "source": "hotline", "label": "虚构"}
        ],
        "holds": [],
    }
    for section, rows in more.items():
        whole[section] = [*whole[section], *rows]
    return whole


REGISTRY = registry()
