"""What of the rows does not show yet, and why. Data only.

A refusal leaves by itself as soon as its rule is in the table: then a pair of requests has to show it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from proxy.rules.table import RULE_IDS


@dataclass(frozen=True)
class Later:
    """`spans` are the words of the row's observable column (between backticks) that cannot be seen yet."""

    row: str
    spans: tuple[str, ...]
    en: str
    zh: str


def _later(row: str, spans: str, en: str, zh: str) -> Later:
    return Later(row, tuple(spans.split()), en, zh)


CONTENT = ("texts are not refused for what they say yet", "尚不因内容拒绝")
_ALL = (
    _later("Z12", "", "daily reports of institutions come with the work of compliance people", "机构日报尚未提供"),
    _later("Z13", "clue.opened", "clues have no cases yet", "线索案件尚未提供"),
    _later("Z14", "disposal.applied", "the evidence notes `number.dispose`; disposals with a deadline come later",
           "证据中记为 `number.dispose`；限期处置尚未提供"),
    _later("Z17", "content.identity content.contact content.product content.spoof", *CONTENT),
    _later("Z18", "content.refusal", *CONTENT),
    _later("Z20", "appeal.*", "appeals have no cases yet", "申诉案件尚未提供"),
    _later("Z21", "complaint.*", "complaints have no cases yet", "投诉案件尚未提供"),
    _later("Z22", "", "bundles for authorities come with cases", "证据包尚未提供"),
    _later("Z23", "fraud.referred", "holds stand; referral comes with cases", "可冻结；移送尚未提供"),
    _later("J7", "content.threat content.disclosure", *CONTENT),
    _later("J8", "", "self-inspections come with reports", "自查尚未提供"),
    _later("J11", "content.identity content.contact content.product content.spoof", *CONTENT),
    _later("J12", "content.refusal", *CONTENT),
    _later("J13", "content.disclosure", *CONTENT),
    _later("J15", "determination.made", "determinations have no cases yet", "认定案件尚未提供"),
    _later("C1", "content.threat content.disclosure", *CONTENT),
    _later("C5", "", "advisory figures come with reports", "建议性指标尚未提供"),
)  # fmt: skip


def _outstanding() -> Iterator[Later]:
    for one in _ALL:
        spans = tuple(span for span in one.spans if span not in RULE_IDS)
        if spans or not one.spans:
            yield replace(one, spans=spans)


LATER = tuple(_outstanding())
