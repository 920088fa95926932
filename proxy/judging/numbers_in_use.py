"""Which numbers of one bind are used by others, too, so that it matters whose message a person got last from them.

Owns a memo of that by number, for one snapshot, and tells `LatestMessages` of the permits that matter. Must never be
asked under a newer snapshot without `clear`.
"""

from typing import Final

from proxy.core.decision import Decision
from proxy.core.snapshot import Snapshot
from proxy.judging.attribution import is_shared, is_used_by_several
from proxy.judging.latest_messages import LatestMessages, answered_of

_NUMBERS_KEPT: Final = 4096
USED_BY_ONE: Final = 0
_SHARED: Final = 1
_BY_ACCOUNTS: Final = 2


class NumbersInUse:
    """The numbers of one account; `is_pooled` says that replies to them have to find their account."""

    __slots__ = ("_account", "_latest", "is_pooled", "uses")

    def __init__(self, account: str, latest: LatestMessages) -> None:
        self._account: Final = account
        self._latest: Final = latest
        self.is_pooled = False
        #: By number: `_SHARED` by institutions or purposes, `_BY_ACCOUNTS` in a pool, both, or `USED_BY_ONE`.
        self.uses: Final[dict[str, int]] = {}

    def clear(self) -> None:
        """A new snapshot: who uses what may have changed."""
        self.uses.clear()

    def permitted(self, number: str, decision: Decision, snapshot: Snapshot) -> None:
        """A message from `number` was permitted; may be left out where `uses` says that only one uses it."""
        use = self.uses.get(number)
        if use is None:
            if len(self.uses) >= _NUMBERS_KEPT:
                # WHY: extension digits can be invented without end; the memo starts anew instead of growing.
                self.uses.clear()
            by_accounts = self.is_pooled and is_used_by_several(snapshot, number)
            use = self.uses[number] = is_shared(snapshot, number) * _SHARED + by_accounts * _BY_ACCOUNTS
        if use & _BY_ACCOUNTS:
            self._latest.sent(decision.person, number, self._account)
        if use & _SHARED:
            answered = answered_of(decision.principal, decision.purpose)
            self._latest.remember(decision.person, number, answered, decision.id)
