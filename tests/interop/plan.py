"""Who sends each line of the example messages, from where, to whom, and what the registry must make of it.

The texts are data of their own (`tests/data/message_examples.jsonl`), labelled by content. Content is not judged yet:
the purpose is that of account and number, so each line is sent as the institution in it would send it, or as somebody
who should not. All institutions, numbers and people are invented. 所有机构、号码和人员均为虚构。
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tests.interop import invented
from tests.interop.invented import Row, account, consent, entrustment, licence, number, suppression

EXAMPLES = Path(__file__).resolve().parents[1] / "data/message_examples.jsonl"
PERMIT = ""
ALPHANUMERIC = "RVBANK"
HELD = "10690029"


@dataclass(frozen=True)
class Line:
    """One message. `refused` is the rule that refuses it, PERMIT where none does; `reply` what the person answers."""

    account: str
    source: str
    refused: str = PERMIT
    reply: str = ""
    coding: int = 0
    closes: bool = False
    destination: str | None = None


#: In the order of the examples.
LINES = (
    Line("jl-mkt", "10690001", reply="TD", closes=True),
    Line("yx-mkt", "10690101", reply="退订", coding=8, closes=True),
    Line("xq-mkt", "10690202", reply="拒收", coding=15, closes=True),
    Line("zh-mkt", "10690301", reply="Ｎ", coding=8, closes=True),
    Line("lh-mkt", "10690401", "hours.closed"),
    Line("jl-mkt", "10690001", "suppression.active"),
    Line("yl-yx", "10690111", "entrustment.expired"),
    Line("jl-mkt", "10690999", "number.unregistered"),
    Line("dl-ins", "10690501", "licence.scope"),
    Line("yx-mkt", "13900000009", "number.unregistered"),
    Line("jl-mkt", "1069000188", "consent.missing"),
    Line("xq-mkt", "10690401", "entrustment.missing"),
    Line("jl-svc", "10690001", "purpose.mismatch"),
    Line("yl-zh", "10690311", reply="ＴＤ", coding=8, closes=True),
    Line("jl-col", "10690003", reply="td", closes=True),
    Line("yx-col", "10690102"),
    Line("mt-xq", "10690201", reply="退订", coding=8, closes=True),
    Line("mt-jl", "10690031", "entrustment.missing"),
    Line("mt-xq", "10690203", "number.disposed"),
    Line("yx-col", "10690103", "number.expired"),
    Line("jl-col", "10690003"),
    Line("jl-svc", "10690002"),
    Line("jl-svc", "10690002", reply="TD"),
    Line("yh-svc", "10690601", reply="请问是谁", coding=8),
    Line("dl-ins", "10690502"),
    Line("yx-col", "10690104"),
    Line("jl-svc", "10690002"),
    Line("xq-svc", "10690204"),
    Line("xq-svc", "", "address.invalid"),
    Line("jl-mkt", HELD, "fraud.hold"),
    Line("xq-mkt", "10690205", "number.disposed"),
    Line("yx-mkt", "10690101", "address.invalid", destination="86138001"),
    Line("zh-mkt", "110", "number.unregistered"),
    Line("lh-mkt", "10690401", "hours.closed"),
    Line("lh-mkt", "10690402", "hours.closed"),
    Line("jl-svc", "10690002"),
    Line("rv-mkt", ALPHANUMERIC, reply="STOP", closes=True),
    Line("lh-mkt", "10690402", "hours.closed"),
    Line("lh-mkt", "10690401", "hours.closed"),
    Line("yh-svc", "10690601"),
)


@dataclass(frozen=True)
class Sent:
    """A line with its text and the person it goes to."""

    line: Line
    text: str
    person: str

    @property
    def destination(self) -> str:
        return self.line.destination or self.person


def messages() -> list[Sent]:
    """Every example with its line; AssertionError where the examples and the lines are not as many."""
    texts = [json.loads(one)["text"] for one in EXAMPLES.read_text(encoding="utf-8").splitlines()]
    assert len(texts) == len(LINES)
    return [
        Sent(line, text, f"86138001380{place:02}") for place, (line, text) in enumerate(zip(LINES, texts, strict=True))
    ]


def registry() -> dict[str, list[Row]]:
    """Everything that makes the lines come out as they say."""
    rows = invented.base()
    both = ["marketing", "collection"]
    rows["licences"] = [
        *(licence(institution, both) for institution in ("jianglan", "yunxiu", "xingqiao", "lanhai")),
        *(licence(institution, ["marketing"]) for institution in ("zehe", "rivervale")),
        licence("dinglan", ["service"]),
    ]
    rows["entrustments"] = [
        entrustment("zehe", "yuanlu", ["marketing"]),
        entrustment("yunxiu", "yuanlu", ["marketing"], since="2025-01-01", until="2025-12-31"),
        entrustment("xingqiao", "mingting", ["collection"]),
        # Marketing is not collection: this one does not cover what is sent.
        entrustment("jianglan", "mingting", ["marketing"]),
    ]
    rows["numbers"] = [
        number("10690001", "jianglan", ["marketing"], extensible=True),
        number("10690002", "jianglan", ["service", "verification"]),
        number("10690003", "jianglan", ["collection"]),
        number(HELD, "jianglan", ["marketing"]),
        number("10690031", "jianglan", ["collection"], operator="mingting"),
        number("10690101", "yunxiu", ["marketing"]),
        number("10690102", "yunxiu", ["collection"]),
        {**number("10690103", "yunxiu", ["collection"]), "until": "2026-01-31"},
        number("10690104", "yunxiu", ["service"]),
        number("10690111", "yunxiu", ["marketing"], operator="yuanlu"),
        number("10690201", "xingqiao", ["collection"], operator="mingting"),
        number("10690202", "xingqiao", ["marketing"]),
        number("10690203", "xingqiao", ["collection"], operator="mingting", disposed=True),
        number("10690204", "xingqiao", ["verification"]),
        number("10690205", "xingqiao", ["marketing"], disposed=True),
        number("10690301", "zehe", ["marketing"]),
        number("10690311", "zehe", ["marketing"], operator="yuanlu"),
        number("10690401", "lanhai", ["marketing"]),
        number("10690402", "lanhai", ["collection"]),
        number("10690501", "dinglan", ["marketing"]),
        number("10690502", "dinglan", ["service"]),
        number("10690601", "yuehu", ["service"]),
        number(ALPHANUMERIC, "rivervale", ["marketing"]),
    ]
    standard = {"code_map": "standard"}
    rows["accounts"] = [
        account("jl-mkt", "jianglan", ["marketing"]),
        account("jl-col", "jianglan", ["collection"]),
        account("jl-svc", "jianglan", ["service", "verification"], **standard),
        account("yx-mkt", "yunxiu", ["marketing"]),
        account("yx-col", "yunxiu", ["collection", "service"], **standard),
        account("xq-mkt", "xingqiao", ["marketing"]),
        account("xq-svc", "xingqiao", ["service", "verification"]),
        account("zh-mkt", "zehe", ["marketing"]),
        account("lh-mkt", "lanhai", both, **standard),
        account("dl-ins", "dinglan", ["marketing", "service"]),
        account("yh-svc", "yuehu", ["service"]),
        account("rv-mkt", "rivervale", ["marketing"]),
        account("yl-zh", "zehe", ["marketing"], operator="yuanlu"),
        account("yl-yx", "yunxiu", ["marketing"], operator="yuanlu"),
        account("mt-xq", "xingqiao", ["collection"], operator="mingting"),
        account("mt-jl", "jianglan", ["collection"], operator="mingting", **standard),
    ]
    principal = {row["id"]: row["principal"] for row in rows["accounts"]}
    for sent in messages():
        institution = principal[sent.line.account]
        if sent.line.refused != "consent.missing":
            rows["consents"].append(consent(sent.person, institution))
        if sent.line.refused == "suppression.active":
            rows["suppressions"].append(suppression(sent.person, institution, ["marketing"]))
    rows["holds"] = [{"kind": "number", "target": HELD, "reason": "invented"}]
    return rows
