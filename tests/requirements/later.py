"""What of the rows does not show yet, and why. Data only.

A test holds it: whatever stands here and shows, or is enforced, has to leave this file.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Later:
    """`spans` are the words of the row's observable column (between backticks) that cannot be seen yet."""

    row: str
    spans: tuple[str, ...]
    en: str
    zh: str


def _later(row: str, spans: str, en: str, zh: str) -> Later:
    return Later(row, tuple(spans.split()), en, zh)


LATER = (
    _later("Z12", "", "daily reports of institutions come with the work of compliance people", "机构日报尚未提供"),
    _later("Z13", "clue.opened", "clues have no cases yet", "线索案件尚未提供"),
    _later("Z14", "disposal.applied", "the evidence notes `number.dispose`; disposals with a deadline come later",
           "证据中记为 `number.dispose`；限期处置尚未提供"),
    _later("Z20", "appeal.*", "appeals have no cases yet", "申诉案件尚未提供"),
    _later("Z21", "complaint.*", "complaints have no cases yet", "投诉案件尚未提供"),
    _later("Z22", "", "bundles for authorities come with cases", "证据包尚未提供"),
    _later("Z23", "fraud.referred", "holds stand; referral comes with cases", "可冻结；移送尚未提供"),
    _later("J8", "", "self-inspections come with reports", "自查尚未提供"),
    _later("J15", "determination.made", "determinations have no cases yet", "认定案件尚未提供"),
    _later("C5", "", "advisory figures come with reports", "建议性指标尚未提供"),
)  # fmt: skip
