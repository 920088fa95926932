"""A token bucket: so many a second, and no more than a second's worth at once. Sans-IO."""


class RateLimit:
    """`per_s` requests a second; a burst may use what one second saved up."""

    __slots__ = ("_at", "_tokens", "per_s")

    def __init__(self, per_s: float) -> None:
        self.per_s = per_s
        self._tokens = per_s
        self._at = 0.0

    def take(self, now: float) -> bool:
        """Uses one token at `now` (seconds of any clock); False where none is left. A step back in time adds none."""
        if now > self._at:
            self._tokens = min(self.per_s, self._tokens + (now - self._at) * self.per_s)
        self._at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
