"""The sending number: is it in the library, in its period, not disposed of, and used for what was promised?"""

from typing import Final

from proxy.rules.content import any_finding, is_read, reads_otherwise
from proxy.rules.rule import LaneFacts, LaneRule


def _has_sender(facts: LaneFacts) -> bool:
    return facts.sender is not None


def _unregistered(facts: LaneFacts) -> str | None:
    if not facts.listed:
        return "unknown"
    row = facts.row
    return "channel" if row is not None and facts.channel not in row.channels else None


def _expired(facts: LaneFacts) -> str | None:
    row = facts.row
    if row is None or row.period.holds(facts.now):
        return None
    return "not_yet" if facts.now < row.period.since else "over"


def _disposed(facts: LaneFacts) -> str | None:
    # WHY: any row, and the ports above: what one telecom enterprise closed is closed for whoever shares it, and
    # registering an extension of it opens nothing (Z14).
    above = facts.snapshot.numbers.above(facts.sender or "")
    return "closed" if any(row.disposed for row in (*facts.listed, *above)) else None


def _mismatch(facts: LaneFacts) -> str | None:
    return None if facts.row is None or facts.promised else "promised"


UNREGISTERED: Final[LaneRule] = LaneRule("number.unregistered", ("Z9", "Z10", "J17"), _unregistered, _has_sender)
EXPIRED: Final[LaneRule] = LaneRule("number.expired", ("Z9", "J18"), _expired, _has_sender)
DISPOSED: Final[LaneRule] = LaneRule("number.disposed", ("Z14",), _disposed, _has_sender)
MISMATCH: Final[LaneRule] = LaneRule(
    "purpose.mismatch",
    ("J22",),
    _mismatch,
    _has_sender,
    each=reads_otherwise,
    each_applies=is_read,
    gate=any_finding,
)
