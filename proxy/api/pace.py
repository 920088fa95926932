"""How often a token may ask: a bucket each, filled at a steady rate. Pure but for the clock that it is given."""

from collections.abc import Callable


class Pace:
    """`per_s` requests a second in the long run, `burst` at once. `clock` is monotonic, in seconds."""

    def __init__(self, per_s: float, burst: int, clock: Callable[[], float]) -> None:
        self._per_s = per_s
        self._burst = float(burst)
        self._clock = clock
        #: Token → what is left, and when that was so. Tokens that exist only: never more than there are rows.
        self._left: dict[str, tuple[float, float]] = {}

    def wait_s(self, token: str) -> float:
        """0 where it may ask now, which is counted; else after how many seconds it may."""
        now = self._clock()
        left, seen = self._left.get(token, (self._burst, now))
        left = min(self._burst, left + (now - seen) * self._per_s)
        if left < 1.0:
            self._left[token] = (left, now)
            return (1.0 - left) / self._per_s
        self._left[token] = (left - 1.0, now)
        return 0.0
