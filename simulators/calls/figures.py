"""What a run of calls counted, at either side.

Owns the counters. Must never keep a call, nor a number of anybody.
"""

from collections import Counter
from typing import Any

from simulators.figures import Latencies


class CallFigures:
    """Counters; they only grow, but for `now`."""

    def __init__(self) -> None:
        self.calls = 0
        """INVITEs that begin a call, repeated ones and those with credentials not counted again."""
        self.now = 0
        self.most = 0
        """Most calls under way at once."""
        self.ended = 0
        self.statuses: Counter[int] = Counter()
        """Final responses."""
        self.rules: Counter[str] = Counter()
        """Refusals by the text of their Reason: with tdgate, the rule."""
        self.unanswered = 0
        """Calls without any final response (timer B, or the limit)."""
        self.lost = 0
        """Calls whose connection failed."""
        self.challenged = 0
        self.cancelled = 0
        self.late_answers = 0
        """2xx to an INVITE that was cancelled, or of a second fork."""
        self.ended_by: Counter[str] = Counter()
        """Answered calls: us, peer, lost (our 2xx was never acknowledged, or BYE never answered)."""
        self.end_reasons: Counter[str] = Counter()
        """Reasons of the BYEs that came."""
        self.pressed = 0
        """Keys of ours that were answered 200."""
        self.refused_keys = 0
        self.heard = 0
        """Keys of the other side."""
        self.reinvited: Counter[str] = Counter()
        """INVITEs inside calls: ours (with a 2xx), theirs, failed."""
        self.options = 0
        self.sent_again = 0
        """Retransmissions of ours."""
        self.came_again = 0
        """Retransmissions of the other side's."""
        self.dropped = 0
        """Messages that faults threw away."""
        self.ack_missing = 0
        self.malformed = 0
        self.strays = 0
        """Messages that belong to nothing."""
        self.first = Latencies()
        """INVITE to the first response but 100."""
        self.final = Latencies()
        """INVITE to the final response."""
        self.seconds = 0.0

    @property
    def answered(self) -> int:
        """Calls with a 2xx."""
        return sum(count for status, count in self.statuses.items() if status < 300)

    def begun(self) -> None:
        """A call began."""
        self.calls += 1
        self.now += 1
        self.most = max(self.most, self.now)

    def as_dict(self) -> dict[str, Any]:
        """Give what `--json` shows."""
        first, final = (each.quantiles_ms(0.5, 0.9, 0.99) for each in (self.first, self.final))
        return {
            "calls": self.calls,
            "answered": self.answered,
            "refused": self.statuses.total() - self.answered,
            "unanswered": self.unanswered,
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "rules": dict(sorted(self.rules.items())),
            "ended_by": dict(sorted(self.ended_by.items())),
            "end_reasons": dict(sorted(self.end_reasons.items())),
            "most_at_once": self.most,
            "challenged": self.challenged,
            "cancelled": self.cancelled,
            "late_answers": self.late_answers,
            "pressed": self.pressed,
            "refused_keys": self.refused_keys,
            "heard": self.heard,
            "reinvited": dict(sorted(self.reinvited.items())),
            "options": self.options,
            "lost": self.lost,
            "ack_missing": self.ack_missing,
            "retransmissions": {"sent": self.sent_again, "received": self.came_again},
            "dropped": self.dropped,
            "malformed": self.malformed,
            "strays": self.strays,
            "seconds": round(self.seconds, 3),
            "per_second": round(self.calls / self.seconds, 1) if self.seconds else 0.0,
            "first_ms": {"p50": first[0], "p90": first[1], "p99": first[2], "max": self.first.largest_ms},
            "final_ms": {"p50": final[0], "p90": final[1], "p99": final[2], "max": self.final.largest_ms},
        }

    def line(self) -> str:
        """Give one line for a person: what a terminal shows while it runs."""
        p50, p99 = self.final.quantiles_ms(0.5, 0.99)
        parts = [f"calls {self.calls}", f"now {self.now}", f"answered {self.answered}"]
        parts += [f"{status}={count}" for status, count in self.statuses.most_common() if status >= 300]
        parts += [f"{rule}={count}" for rule, count in self.rules.most_common(3)]
        parts += [f"unanswered {self.unanswered}"] if self.unanswered else []
        return "  ".join([*parts, f"again {self.sent_again}", f"p50 {p50:.2f} ms", f"p99 {p99:.2f} ms"])
