"""The key by which a person refuses inside a call, and the time in which it counts (Z19). Sans-IO.

Owns the window and the sequence of keys. Must never count a key of the sender's side: who runs the call tells whose it
was. A refusal counts once for a call, whichever way its keys were seen (INFO, or RFC 4733 as a media relay reports).
"""

from typing import Final

from msgspec import Struct

KEYS: Final = frozenset("0123456789*#ABCD")


class KeypadSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`keys` are pressed one after the other, each within `gap_s` of the one before; empty turns this off. The window
    opens `opens_s` after the answer and stays open for `open_s`, 0: to the end of the call. `early`: keys before the
    answer count too, for announcements in early media. `release`: the call ends with the refusal.
    """

    keys: str = "9"
    opens_s: float = 0.0
    open_s: float = 0.0
    gap_s: float = 3.0
    early: bool = False
    release: bool = False

    def faults(self) -> list[str]:
        """What is wrong with them, as `KEY: REASON`."""
        found = []
        if len(self.keys) > 4 or not KEYS.issuperset(self.keys):
            found.append("keys: at most four of 0-9 * # A-D")
        found += [f"{name}: 0 or more" for name in ("opens_s", "open_s") if not 0 <= getattr(self, name) < 86_400]
        if not 0 < self.gap_s <= 60:
            found.append("gap_s: more than 0, at most 60")
        return found


class Keypad:
    """The keypad of one call. `answered` opens its window, `pressed` takes each key."""

    __slots__ = ("_answered_at", "_at", "_done", "_pressed", "_settings")

    def __init__(self, settings: KeypadSettings) -> None:
        self._settings: Final = settings
        self._answered_at: float | None = None
        self._pressed = ""
        self._at = 0.0
        self._done = not settings.keys

    def answered(self, now: float) -> None:
        """The person took the call; the first time counts. Seconds of any clock."""
        if self._answered_at is None:
            self._answered_at = now

    def pressed(self, key: str, now: float) -> bool:
        """Whether this key completes a refusal: True once."""
        if self._done or not self._is_open(now):
            return False
        settings = self._settings
        before = self._pressed if now - self._at <= settings.gap_s else ""
        self._at = now
        self._pressed = (before + key)[-len(settings.keys) :]
        self._done = self._pressed == settings.keys
        return self._done

    def again(self) -> None:
        """The refusal could not be put on disk: the next press counts again."""
        self._done = not self._settings.keys
        self._pressed = ""

    def _is_open(self, now: float) -> bool:
        settings = self._settings
        if self._answered_at is None:
            return settings.early
        since = now - self._answered_at
        return settings.opens_s <= since and (not settings.open_s or since < settings.opens_s + settings.open_s)
