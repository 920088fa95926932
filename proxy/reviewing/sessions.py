"""Who has signed in: sessions in memory, each with the tokens that were shown and a secret for its forms.

Owns how long a session lasts. Must never hold what a token allows: it is looked up for each request, so that a revoked
one ends with the next. A restart of the window ends all sessions.
"""

from collections.abc import Callable
from hmac import compare_digest
from secrets import token_urlsafe
from typing import Final

_IDLE_S: Final = 1_800.0
_LONGEST_S: Final = 8 * 3_600.0
_MOST: Final = 256
_TOKENS_MOST: Final = 32


class Session:
    """One browser. `notice` is what the next page tells: (is it good, key of the words, what was said)."""

    __slots__ = ("began", "form", "notice", "seen", "tokens")

    def __init__(self, now: float) -> None:
        self.form: Final = token_urlsafe(24)
        self.tokens: list[str] = []
        self.began: Final = now
        self.seen = now
        self.notice: tuple[bool, str, str] | None = None

    def add(self, token: str) -> None:
        """One more token; the oldest goes where there are too many."""
        if token not in self.tokens:
            self.tokens = [*self.tokens, token][-_TOKENS_MOST:]

    def is_own(self, secret: str) -> bool:
        """Whether a form was made for this session."""
        return compare_digest(secret.encode(), self.form.encode())


class Sessions:
    """All of them. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: dict[str, Session] = {}

    def begin(self) -> tuple[str, Session]:
        """A new session and the secret of its cookie."""
        self._drop_old()
        if len(self._kept) >= _MOST:
            del self._kept[min(self._kept, key=lambda each: self._kept[each].seen)]
        secret, session = token_urlsafe(32), Session(self._clock())
        self._kept[secret] = session
        return secret, session

    def find(self, secret: str) -> Session | None:
        """The session of a cookie, if it lasts; it was seen now."""
        self._drop_old()
        found = self._kept.get(secret)
        if found is not None:
            found.seen = self._clock()
        return found

    def end(self, secret: str) -> None:
        self._kept.pop(secret, None)

    def _drop_old(self) -> None:
        now = self._clock()
        self._kept = {
            secret: one
            for secret, one in self._kept.items()
            if now - one.seen < _IDLE_S and now - one.began < _LONGEST_S
        }
