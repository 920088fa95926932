"""Special segments: numbers that an authority set apart serve finance only, as the segment says (J20)."""

from typing import Final

from proxy.core.records import FINANCIAL_KINDS, Segment
from proxy.rules.rule import LaneFacts, LaneRule


def _segments(facts: LaneFacts) -> tuple[Segment, ...]:
    if facts.sender is None:
        return ()
    return tuple([one for one in facts.snapshot.segments if one.period.holds(facts.now) and one.covers(facts.sender)])


def _within(facts: LaneFacts) -> bool:
    return bool(_segments(facts))


def _misused(facts: LaneFacts) -> str | None:
    if facts.institution is None or facts.institution.kind not in FINANCIAL_KINDS:
        return "institution"
    found = _segments(facts)
    if not all(facts.channel in one.channels for one in found):
        return "channel"
    return None if all(facts.purpose in one.purposes for one in found) else "purpose"


MISUSE: Final = LaneRule("segment.misuse", ("J20",), _misused, _within)
