"""The world of the demonstration: its invented registry, with dates that suit the day it runs on, and its people.

Owns what is invented. `demo_registry.json` is written as if today were NOMINAL_DAY; every date in it moves with the
calendar, so that what is valid stays valid and what has expired stays expired.
"""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec

REGISTRY: Final = Path(__file__).with_name("demo_registry.json")
NOMINAL_DAY: Final = date(2026, 9, 1)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


class Words(msgspec.Struct, frozen=True):
    """One thing said in both languages."""

    en: str
    zh: str

    def of(self, lang: str) -> str:
        """In a language: `zh`, or English for all else."""
        return self.zh if lang == "zh" else self.en


class Person(msgspec.Struct, frozen=True):
    """Somebody with a handset: an invented number and a name for the table."""

    number: str
    name: Words


A: Final = Person("13800138000", Words("A", "甲"))
B: Final = Person("13800138001", Words("B", "乙"))
C: Final = Person("13800138002", Words("C", "丙"))
STRANGER: Final = Person("13900139000", Words("D, no consent", "丁，未同意"))
"""Never agreed to anything."""
IMPORTED: Final = Person("13800138007", Words("E, refused by phone", "戊，来电拒收"))
"""Refused on the telephone: the refusal was imported."""
PRESSES: Final = Person("13800138003", Words("F, presses the key", "己，按拒绝键"))
"""Refuses in a call, by key."""
PEOPLE: Final = (A, B, C, STRANGER, IMPORTED, PRESSES)

SENDERS: Final[dict[str, Words]] = {
    "jianglan-mkt": Words("Jianglan Bank", "江澜银行"),
    "jianglan-svc": Words("Jianglan Bank, services", "江澜银行（服务）"),
    "yuanlu-jl": Words("Yuanlu for Jianglan Bank", "元麓科技代江澜银行"),
    "yuanlu-yx": Words("Yuanlu for Yunxiu", "元麓科技代云岫"),
    "yunxiu-mkt": Words("Yunxiu Consumer Finance", "云岫消费金融"),
    "xingqiao-mkt": Words("Xingqiao Microloan", "星桥小贷"),
    "zehe-mkt": Words("Zehe Rural Bank", "泽禾农商银行"),
    "jianglan-call": Words("Jianglan Bank, calls", "江澜银行（外呼）"),
    "zehe-call": Words("Zehe Rural Bank, calls", "泽禾农商银行（外呼）"),
    "unreviewed": Words("an account nobody reviewed", "未审核账户"),
}
CALLING: Final = ("jianglan-call", "zehe-call")
"""Accounts with a trunk for calls."""
JIANGLAN_NUMBERS: Final = ("10690001*", "10690002", "10690003", "10690011")
"""Every number of 江澜银行 in the registry, its partner's too."""


def registry_for(today: date) -> dict[str, Any]:
    """The sections of the registry file as of `today`."""
    shift = today - NOMINAL_DAY
    document: dict[str, Any] = json.loads(REGISTRY.read_text("utf-8"))

    def moved(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: moved(each) for key, each in value.items()}
        if isinstance(value, list):
            return [moved(each) for each in value]
        if isinstance(value, str) and _DATE.fullmatch(value):
            return (date.fromisoformat(value) + shift).isoformat()
        return value

    made: dict[str, Any] = moved(document)
    return made


def passwords() -> dict[str, str]:
    """system_id → password of the invented accounts."""
    document = json.loads(REGISTRY.read_text("utf-8"))
    return {account["id"]: account["password"] for account in document["accounts"]}
