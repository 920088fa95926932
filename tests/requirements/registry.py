"""One registry for all rows: everybody and everything in it is invented. 全部机构、号码与人员均为虚构。

Each pair of requests finds here two numbers, two persons or two accounts that differ in what its rule looks at.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.wire.people import PERSONS, account, number

EVER = {"since": "2026-01-01", "until": "2099-12-31"}
OVER = {"since": "2025-01-01", "until": "2026-01-02"}
BOTH = ["sms", "voice"]
SAID = "【江澜银行】“安居贷”年化3.5%起，咨询400-000-1001，回T退订"
OF_ZHIJIANG = "【之江银行】“之江贷”年化3.5%起，咨询400-000-1004，回T退订"
OF_DANXIA = "【丹霞银行】您尾号1234的账户已完成登记，如有疑问请致电400-000-1005"
"""A service notice: it may go out from a number for marketing too."""
COLLECTS = "【太湖银行】您的“太湖贷”已逾期，请尽快还款，咨询400-000-1003，回T退订"
OF_LIHE = "【里禾小贷】您的“里禾贷”已逾期，请尽快还款，咨询400-000-1006，回T退订"
#: What somebody reviewed and rejected.
REJECTED = "【江澜银行】“安居贷”日息低至{amount}%，咨询400-000-1001，回T退订"
REVIEWED = {"state": "reviewed", "submitted_by": "甲", "reviewed": "2026-01-02", "reviewed_by": "乙"}
FUZHOU, NANCHANG = "8659188880000", "8679188880000"
"""Fixed lines in two provinces of which no pack is at hand."""
NEVER_ASKED = "8613900139001"
#: Subscribers of fixed lines abroad; two digits follow. WHY: packs of provinces close at night, in the person's own
#: time, and tests run at any hour: somewhere it is noon, and somewhere else it is night.
ABROAD = {
    "Pacific/Auckland": "64931234",
    "Australia/Sydney": "612912345",
    "Asia/Tokyo": "813123456",
    "Asia/Kolkata": "9111234567",
    "Europe/Moscow": "749512345",
    "Europe/London": "4420712345",
    "America/Sao_Paulo": "5511234567",
    "America/New_York": "121255501",
    "America/Los_Angeles": "121355501",
}


def abroad(hour: float, now: datetime) -> tuple[str, ...]:
    """Persons in the zone whose local time is nearest to this hour."""

    def away(zone: str) -> float:
        local = now.astimezone(ZoneInfo(zone))
        return abs((local.hour + local.minute / 60 - hour + 12) % 24 - 12)

    return tuple(f"{ABROAD[min(ABROAD, key=away)]}{place:02}" for place in range(12))


_NOW = datetime.now(UTC)
_SOON = (_NOW + timedelta(days=9)).date().isoformat()
DAY = abroad(13, _NOW + timedelta(minutes=2))
NIGHT = abroad(2, _NOW + timedelta(minutes=2))


def _of(principal: str, **numbers: str) -> list[dict[str, Any]]:
    """Numbers of an institution by their purpose: `n10690001="marketing"`."""
    return [number(name[1:], principal, purpose, channels=BOTH) for name, purpose in numbers.items()]


def _licence(institution: str, *purposes: str, **more: Any) -> dict[str, Any]:
    return {"institution": institution, "purposes": list(purposes), "channels": BOTH, **EVER} | more


def _entrusted(institution: str, partner: str, *purposes: str, **more: Any) -> dict[str, Any]:
    row = {"institution": institution, "partner": partner, "purposes": list(purposes), "channels": BOTH}
    return row | EVER | more


def _consents() -> list[dict[str, Any]]:
    wanted = dict.fromkeys(("jianglan", "songtao", "qinghe", "huayi", "lanting", "danxia", "juke"), PERSONS)
    wanted["zhijiang"] = (*DAY, *NIGHT)
    given = {"channels": BOTH, "given": "2026-03-01", "source": "app"}
    return [
        {"recipient": f"+{one}", "institution": name, **given} for name, persons in wanted.items() for one in persons
    ]


def _debtors() -> list[dict[str, Any]]:
    roles = dict.fromkeys((*DAY, *NIGHT), "debtor") | {DAY[1]: "contact"}
    return [
        {"recipient": f"+{person}", "institution": "taihu", "role": role, "verified": "2026-03-01"}
        for person, role in roles.items()
    ]


MARKS = {
    "jianglan": ("江澜银行", "400-000-1001", "安居贷"),
    "zhijiang": ("之江银行", "400-000-1004", "之江贷"),
    "taihu": ("太湖银行", "400-000-1003", "太湖贷"),
    "lihe": ("里禾小贷", "400-000-1006", "里禾贷"),
}
"""Signature, telephone and product on record."""
BY_ACCOUNT = ("marketing", "collection", "service", "legal")

REGISTRY: dict[str, Any] = {
    "institutions": [
        {"id": "jianglan", "name": "江澜银行（虚构）", "kind": "bank"},
        {"id": "songtao", "name": "松涛银行（虚构）", "kind": "bank"},
        {"id": "qinghe", "name": "青禾银行（虚构）", "kind": "bank"},
        {"id": "huayi", "name": "华颐基金（虚构）", "kind": "fund"},
        {"id": "lihe", "name": "里禾小贷（虚构）", "kind": "microloan"},
        {"id": "zhijiang", "name": "之江银行（虚构）", "kind": "bank", "region": "浙江"},
        {"id": "taihu", "name": "太湖银行（虚构）", "kind": "bank", "region": "江苏"},
        {"id": "lanting", "name": "兰亭银行（虚构）", "kind": "bank", "region": "广东"},
        {"id": "danxia", "name": "丹霞银行（虚构）", "kind": "bank", "region": "广东"},
        {"id": "juke", "name": "聚客商城（虚构）", "kind": "other"},
    ],
    "licences": [
        _licence("jianglan", "marketing", "collection"),
        _licence("songtao", "marketing"),
        _licence("qinghe", "marketing"),
        _licence("qinghe", "collection", **OVER),
        _licence("huayi", "marketing", "collection"),
        _licence("lihe", "collection", issuer="省局（虚构）", issuer_level="local", region="福建"),
        *(_licence(name, "marketing", "collection") for name in ("zhijiang", "taihu", "lanting", "danxia")),
        _licence("juke", "marketing"),
    ],
    "telecoms": [
        {"id": "tong", "name": "示例通信（虚构）", "kind": "carrier", "licence_no": "A2-虚构", **EVER},
        {"id": "platform", "name": "示例短信平台（虚构）", "kind": "sms_platform", "licence_no": "B2-虚构", **EVER},
        {"id": "soon", "name": "将满通信（虚构）", "kind": "carrier", "licence_no": "A4-虚构"}
        | EVER
        | {"until": _SOON},
        {"id": "lapsed", "name": "逾期通信（虚构）", "kind": "carrier", "licence_no": "A3-虚构", **OVER},
    ],
    "partners": [
        *({"id": name, "name": f"{name}（虚构）", **EVER} for name in ("yuanlu", "mingting", "suiyuan")),
        {"id": "zhiyuan", "name": "zhiyuan（虚构）", **OVER},
    ],
    "entrustments": [
        _entrusted("jianglan", "yuanlu", "marketing"),
        _entrusted("jianglan", "yuanlu", "collection", **OVER),
        _entrusted("jianglan", "mingting", "collection"),
        _entrusted("jianglan", "suiyuan", "marketing"),
        _entrusted("jianglan", "suiyuan", "collection", parent="mingting"),
        _entrusted("jianglan", "zhiyuan", "marketing"),
        _entrusted("taihu", "yuanlu", "collection"),
    ],
    "liaisons": [
        {"institution": name, "name": "林一（虚构）", "contact": "0571-88880000", **EVER}
        for name in ("jianglan", "taihu")
    ],
    "numbers": [
        *_of("jianglan", n10690001="marketing", n10690002="collection", n10690003="service"),
        number("10690004", "jianglan", "marketing", channels=BOTH) | OVER,
        number("10690005", "jianglan", "marketing", channels=BOTH, telecom="lapsed"),
        *_of("jianglan", n10690006="marketing", n10690007="marketing"),
        number("10690021", "jianglan", "marketing", channels=BOTH, operator="yuanlu"),
        number("10690022", "jianglan", "legal", channels=BOTH, operator="yuanlu"),
        number("10690023", "jianglan", "collection", channels=BOTH, operator="yuanlu"),
        number("10690031", "jianglan", "marketing", channels=BOTH, operator="suiyuan"),
        number("10690032", "jianglan", "collection", channels=BOTH, operator="suiyuan"),
        number("10690041", "jianglan", "marketing", channels=BOTH, operator="zhiyuan"),
        *_of("songtao", n10690111="marketing", n10690112="collection"),
        *_of("qinghe", n10690121="marketing", n10690122="collection"),
        *_of("huayi", n10690131="marketing", n10690132="collection"),
        *_of("lihe", n10690141="collection"),
        *_of("zhijiang", n10690151="marketing"),
        *_of("taihu", n10690161="collection"),
        number("10690162", "taihu", "collection", channels=BOTH, operator="yuanlu"),
        *_of("lanting", n10690171="marketing"),
        *_of("danxia", n10690181="marketing", n10690182="service"),
        *_of("juke", n10690191="marketing", n10690551="marketing"),
    ],
    "accounts": [
        *(
            account(name, principal, *BY_ACCOUNT, telecoms=["tong", "platform"])
            for name, principal in {
                "jl": "jianglan", "st": "songtao", "qh": "qinghe", "hy": "huayi", "lh": "lihe",
                "zj": "zhijiang", "th": "taihu", "lt": "lanting", "dx": "danxia", "jk": "juke",
            }.items()
        ),
        account("yl", "jianglan", *BY_ACCOUNT, operator="yuanlu"),
        account("sy", "jianglan", *BY_ACCOUNT, operator="suiyuan"),
        account("zy", "jianglan", *BY_ACCOUNT, operator="zhiyuan"),
        account("th-yl", "taihu", *BY_ACCOUNT, operator="yuanlu"),
        account("jl-new", "jianglan", *BY_ACCOUNT) | {"reviewed_by": []},
        account("jl-none", "jianglan", *BY_ACCOUNT) | {"reviewed_by": []},
        account("jl-lapsed", "jianglan", *BY_ACCOUNT, telecoms=["tong", "lapsed"]),
    ],
    "templates": [
        {"id": name, "institution": name, "purposes": ["marketing"], "text": text, **REVIEWED}
        for name, text in {"lanting": SAID, "danxia": OF_DANXIA}.items()
    ] + [
        {"id": "jl-rejected", "institution": "jianglan", "purposes": ["marketing"], "text": REJECTED,
         **REVIEWED, "state": "rejected", "reason": "虚构"}
    ],
    "signatures": [{"owner": name, "signature": signature} for name, (signature, _, _) in MARKS.items()],
    "service_phones": [{"owner": name, "phone": phone, "label": "虚构"} for name, (_, phone, _) in MARKS.items()],
    "products": [{"institution": name, "name": product} for name, (_, _, product) in MARKS.items()],
    "attestations": [
        {"institution": "lanting", "attested": _NOW.date().isoformat(), "attested_by": "林一（虚构）", "numbers": 1}
    ],
    "segments": [
        {"id": "finance", "first": "1069055", "last": "1069059", "channels": BOTH, "purposes": ["marketing"],
         "department": "示例主管部门（虚构）", **EVER}
    ],
    "holds": [{"kind": "number", "target": "10690006", "reason": "虚构"}],
    "consents": _consents(),
    "suppressions": [
        {"recipient": PERSONS[5], "institution": "jianglan", "at": "2026-06-01", "source": "hotline", "label": "虚构"}
    ],
    "debtors": _debtors(),
    "objections": [
        {"recipient": f"+{DAY[5]}", "institution": "taihu", "at": "2026-06-01", "source": "hotline", "label": "虚构"}
    ],
    "debtor_notices": [
        {"recipient": f"+{person}", "institution": "taihu", "partner": "yuanlu", "at": "2026-03-01", "way": "信函"}
        for person in DAY if person != DAY[2]
    ],
}  # fmt: skip
"""Whoever is reached by which pair: persons are taken once each where contacts are counted."""

OWN_PACK = """
[pack]
id = "cn-example"
version = 1
region = "CN-GD"
source = "product default; an invented province for tests"
effective = "2026-01-01"

[rules."template.unreviewed"]
basis = "product default; Z5"

[library]
attest_days = 30
basis = "product default; Z10"

[validity]
cap_s = 86400
basis = "product default"

[collection_refusal]
closes_channel = true
basis = "product default"
"""
