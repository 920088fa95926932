"""What a run counted, at either side: totals, statuses, receipts, latencies.

Owns the counters and the histogram. Must never keep a message. Latencies are kept to three significant digits, which
bounds memory for a run of any length.
"""

from array import array
from collections import Counter
from typing import Any

from proxy.smpp import consts

_FOLD_AT = 65536


class Latencies:
    """A histogram of times in microseconds."""

    def __init__(self) -> None:
        self._fresh = array("Q")
        self._folded: Counter[int] = Counter()
        self._largest = 0

    def add(self, seconds: float) -> None:
        """Take one time."""
        fresh = self._fresh
        fresh.append(round(seconds * 1e6) if seconds > 0 else 0)
        if len(fresh) >= _FOLD_AT:
            self._fold()

    def _fold(self) -> None:
        folded = self._folded
        for micros, count in Counter(self._fresh).items():
            shift = max(0, micros.bit_length() - 10)
            folded[micros >> shift << shift] += count
            self._largest = max(self._largest, micros)
        self._fresh = array("Q")

    def quantiles_ms(self, *shares: float) -> list[float]:
        """Give the times below which these shares lie, in ms; zeros where nothing was counted."""
        self._fold()
        total, found, seen = self._folded.total(), [], 0
        ranks = sorted((max(1, -int(-share * total // 1)), index) for index, share in enumerate(shares))
        found = [0.0] * len(shares)
        items = iter(sorted(self._folded.items()))
        micros = 0
        for rank, index in ranks:
            while seen < min(rank, total):
                micros, count = next(items)
                seen += count
            found[index] = micros / 1000
        return found

    @property
    def largest_ms(self) -> float:
        """The longest time, in ms."""
        self._fold()
        return self._largest / 1000


def status_key(status: int) -> str:
    """Write a command_status the way reports and scenarios do."""
    return f"0x{status:08X}"


class Figures:
    """Counters of an ESME's run; they only grow."""

    def __init__(self) -> None:
        self.binds = 0
        self.sent = 0
        """PDUs with a message in them; a long text counts once a part."""
        self.answered = 0
        self.statuses: Counter[int] = Counter()
        self.nacks = 0
        """generic_nack among the answers."""
        self.strays = 0
        """Responses that nothing waited for: late, doubled, or with a wrong sequence_number."""
        self.unanswered = 0
        self.lost = 0
        """Connections that ended before they were meant to."""
        self.replies = 0
        self.malformed = 0
        self.receipts: Counter[str] = Counter()
        """By state."""
        self.latency = Latencies()
        self.seconds = 0.0
        """From the first message to the last answer."""

    @property
    def accepted(self) -> int:
        """Messages answered with status 0."""
        return self.statuses[0]

    def as_dict(self) -> dict[str, Any]:
        """Give what `--json` shows."""
        p50, p90, p99 = self.latency.quantiles_ms(0.5, 0.9, 0.99)
        return {
            "binds": self.binds,
            "sent": self.sent,
            "answered": self.answered,
            "accepted": self.accepted,
            "refused": self.answered - self.accepted,
            "unanswered": self.unanswered,
            "statuses": {status_key(status): count for status, count in sorted(self.statuses.items())},
            "generic_nacks": self.nacks,
            "strays": self.strays,
            "lost": self.lost,
            "replies": self.replies,
            "receipts": dict(sorted(self.receipts.items())),
            "malformed": self.malformed,
            "seconds": round(self.seconds, 3),
            "per_second": round(self.answered / self.seconds, 1) if self.seconds else 0.0,
            "latency_ms": {"p50": p50, "p90": p90, "p99": p99, "max": self.latency.largest_ms},
        }

    def line(self) -> str:
        """Give one line for a person: what a terminal shows while it runs."""
        p50, p99 = self.latency.quantiles_ms(0.5, 0.99)
        refused = " ".join(
            f"{consts.STATUS_NAMES.get(status, status_key(status))}={count}"
            for status, count in self.statuses.most_common()
            if status
        )
        receipts = " ".join(f"{state}={count}" for state, count in sorted(self.receipts.items()))
        parts = [f"sent {self.sent}", f"answered {self.answered}", f"ok {self.accepted}"]
        parts += [refused] if refused else []
        parts += [f"receipts {receipts}"] if receipts else []
        parts += [f"replies {self.replies}"] if self.replies else []
        return "  ".join([*parts, f"p50 {p50:.2f} ms", f"p99 {p99:.2f} ms"])


class SmscCounts:
    """What an SMSC has seen and sent; only ever grows."""

    def __init__(self) -> None:
        self.binds = 0
        self.refused_binds = 0
        self.submits = 0
        self.malformed = 0
        self.receipts = 0
        self.replies = 0
        self.statuses: Counter[int] = Counter()
        """What messages were answered with."""
        self.delivery_answers: Counter[int] = Counter()
        """What receipts and replies were answered with."""
