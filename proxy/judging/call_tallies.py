"""What became of calls, counted by account: for the window, beside the records that bill them.

Owns the counts of this run. Must never keep a record back: it counts what goes into the evidence, as it goes.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Final

from proxy.evidence.records import CALL_RESULTS, Call


class CallTallies:
    """Counts of (account, direction, result); `append` puts a record into the evidence."""

    __slots__ = ("_append", "_counts")

    def __init__(self, append: Callable[[Call], object]) -> None:
        self._append: Final = append
        self._counts: Final[defaultdict[tuple[str, str, str], int]] = defaultdict(int)

    def keep(self, record: Call) -> None:
        """A call is over."""
        self._counts[record.account, record.direction, record.result] += 1
        self._append(record)

    def ended(self, account: str, direction: str, result: str) -> int:
        """How many calls of an account ended so."""
        return self._counts.get((account, direction, result), 0)

    def back(self, account: str) -> int:
        """How many calls from carriers an account had, however they ended."""
        return sum(self.ended(account, "in", result) for result in CALL_RESULTS)
