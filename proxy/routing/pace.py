"""How fast a route may go: a configured cap, and less of it where the carrier says that it is too much.

Owns one route's rate. Must never exceed the cap, and never stop a route for good. How it works: additive increase,
multiplicative decrease. A refusal for congestion (ESME_RTHROTTLED, ESME_RMSGQFUL; SMPP v3.4 §5.1.3) halves the rate at
which the route really went; then the rate climbs in a straight line back to the cap. A carrier that has throttled
refuses everything that was on its way to it, too: of such a burst only the first counts. A route without a cap is
limited from the first refusal on until twice the rate at which it was refused has been reached again.

Messages are let through by a bucket that holds at most 20 ms worth, and fills so much slower than the rate that no
second, wherever it begins, sees more messages than the rate. Times are seconds of any clock that does not go back.
"""

from typing import Final

ESME_RMSGQFUL: Final = 0x14
ESME_RTHROTTLED: Final = 0x58

#: Not told: `sent` of `refused`.
UNTOLD: Final = -1.0
#: What a bucket holds, in seconds. WHY: an event loop wakes every few ms, and must find several messages' worth.
_BUCKET_S: Final = 0.02
#: A route without cap that was refused at a low rate climbs as if it had been refused at this one.
_CEILING_LEAST: Final = 50.0
#: WHY not 1: a clock's reading is rounded, and at the time that `next_time` named there must be a message's worth.
_ALMOST_ONE: Final = 1.0 - 1e-5


class Pace:
    """The rate of one route, messages per second.

    `rate_per_s` is the cap (0: none), `floor_per_s` what is left at least, `cut` what a refusal leaves of the rate,
    `recover_s` how long the climb from nothing to the cap takes, `settle_s` how long after a cut nothing cuts again.
    """

    __slots__ = (
        "_at", "_before", "_ceiling", "_count", "_cut", "_cut_at", "_floor", "_rate", "_recover_s", "_second",
        "_settle_s", "_tokens", "cap_per_s",
    )  # fmt: skip

    def __init__(
        self,
        rate_per_s: float = 0.0,
        floor_per_s: float = 1.0,
        cut: float = 0.5,
        recover_s: float = 30.0,
        settle_s: float = 1.0,
    ) -> None:
        if rate_per_s < 0.0 or floor_per_s <= 0.0 or not 0.0 < cut < 1.0 or recover_s <= 0.0 or settle_s < 0.0:
            raise ValueError("a pace has a cap of 0 or more, a floor and a recovery over 0, and a cut between 0 and 1")
        self.cap_per_s: Final = rate_per_s
        self._floor: Final = min(floor_per_s, rate_per_s) if rate_per_s else floor_per_s
        self._cut: Final = cut
        self._recover_s: Final = recover_s
        self._settle_s: Final = settle_s
        #: Where the climb ends; 0 while there is no limit at all.
        self._ceiling = rate_per_s
        self._rate = rate_per_s
        self._tokens = max(1.0, rate_per_s * _BUCKET_S)
        self._at = 0.0
        self._cut_at = UNTOLD
        # Messages let through in the second that runs since `_second`, and in the one before it.
        self._second = 0.0
        self._count = 0
        self._before = 0

    @property
    def rate_per_s(self) -> float:
        """What the route may do as of the last call; 0 where nothing limits it."""
        return self._rate

    @property
    def slowed(self) -> bool:
        """Whether the carrier's refusals hold it below its cap."""
        return self._rate < self._ceiling or (self._ceiling > 0.0 and self.cap_per_s == 0.0)

    def take(self, now: float) -> bool:
        """Lets one message through at `now`, or says that it has to wait."""
        self._go_on(now)
        if self._ceiling > 0.0:
            if self._tokens < _ALMOST_ONE:
                return False
            self._tokens -= 1.0
        self._count += 1
        return True

    def next_time(self, now: float) -> float:
        """When `take` will let a message through: `now` where it would at once."""
        self._go_on(now)
        if self._ceiling == 0.0 or self._tokens >= _ALMOST_ONE:
            return now
        return self._at + (1.0 - self._tokens) / _filling(self._rate)

    def refused(self, now: float, status: int, sent: float = UNTOLD) -> bool:
        """Hears a command_status other than 0 from the carrier; whether it slowed the route.

        `sent` is when the refused message was let through: one that was on its way before the last cut never counts.
        """
        if status not in (ESME_RTHROTTLED, ESME_RMSGQFUL):
            return False
        self._go_on(now)
        if self._cut_at != UNTOLD and (
            self._at < self._cut_at + self._settle_s or (sent != UNTOLD and sent <= self._cut_at)
        ):
            return False
        # WHY the real rate: half of a cap that is far above it would change nothing for several cuts.
        real = float(max(self._count, self._before))
        if self._ceiling == 0.0:
            self._ceiling = 2.0 * max(real, _CEILING_LEAST)
            self._rate = real
        self._rate = max(self._floor, min(self._rate, real) * self._cut)
        self._tokens = 0.0
        self._cut_at = self._at
        return True

    def _go_on(self, now: float) -> None:
        """Brings rate and bucket to `now`."""
        passed = now - self._at
        if passed <= 0.0:
            return
        self._at = now
        if now - self._second >= 1.0:
            self._before = self._count if now - self._second < 2.0 else 0
            self._count = 0
            self._second = now
        if self._ceiling == 0.0:
            return
        # WHY the rate before it climbs: then `next_time` is never too early.
        filled = self._tokens + passed * _filling(self._rate)
        self._rate = min(self._ceiling, self._rate + passed * self._climb())
        if self.cap_per_s == 0.0 and self._rate >= self._ceiling:
            self._ceiling = self._rate = 0.0
            return
        self._tokens = min(filled, _depth(self._rate))

    def _climb(self) -> float:
        """Messages per second that the rate gains each second."""
        return (self._ceiling if self.cap_per_s else self._ceiling / 2.0) / self._recover_s


def _depth(rate: float) -> float:
    """What the bucket holds: never less than the one message it is there for."""
    return max(1.0, rate * _BUCKET_S)


def _filling(rate: float) -> float:
    """How fast the bucket fills: a full one and a second's filling make less than one message more than the rate."""
    return rate + 1.0 - _depth(rate)
