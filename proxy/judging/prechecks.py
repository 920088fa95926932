"""How many rows of a pre-check an institution may ask about, and the note that it did (J13).

Owns the allowance and the note: a count, who asked, for whom; never a number. What is asked is judged elsewhere, by the
same policy, in a process of its own; here nothing is counted as a contact.
"""

from collections.abc import Callable
from typing import Any, Final

from proxy.judging.journal import Journal

_DAY_S: Final = 86_400.0


class Prechecks:
    """`rows_per_day` for each institution, which come back evenly over the day; `clock` is monotonic, in seconds."""

    def __init__(self, journal: Journal, rows_per_day: int, clock: Callable[[], float]) -> None:
        self._journal = journal
        self._rows_per_day = rows_per_day
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def begin(self, args: dict[str, Any]) -> dict[str, Any]:
        """Allows a pre-check and notes it: `code` 200, or 429 with `wait_s`."""
        principal, rows = str(args["principal"]), max(1, int(args["rows"]))
        now = self._clock()
        left, seen = self._left.get(principal, (float(self._rows_per_day), now))
        left = min(float(self._rows_per_day), left + (now - seen) * self._rows_per_day / _DAY_S)
        if rows > self._rows_per_day:
            return {"code": 429, "error": f"more than {self._rows_per_day} rows a day for one institution"}
        if rows > left:
            wait_s = int((rows - left) * _DAY_S / self._rows_per_day) + 1
            reason = f"{int(left)} rows are left of the day's {self._rows_per_day}; again in {wait_s} s"
            return {"code": 429, "error": reason, "wait_s": wait_s}
        self._left[principal] = (left - rows, now)
        about = " ".join(f"{name} {args[name]}" for name in ("account", "channel", "purpose"))
        self._journal.note("precheck", str(args["by"]), f"principal {principal} {about} rows {rows}")
        return {"code": 200}
