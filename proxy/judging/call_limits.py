"""How many calls a trunk and an institution may make, and for how long: `throughput.account` on calls. Sans-IO.

Owns the counts. A place is taken before anything is judged and given back when the call fails or ends, so that
INVITEs that come at once cannot pass a cap together. Caps are read of the registry's records at each call, so a change
binds the next one; what runs is not ended by it. What one process counts, another does not see.
"""

from typing import Final

from proxy.core.finding import Finding
from proxy.core.records import Account, Institution
from proxy.judging.rate import RateLimit

_RULE: Final = "throughput.account"
_IDLE_KEPT: Final = 4096


class _Use:
    """What one trunk or one institution uses: calls at once, the most there were of permitted ones, and the rate of new
    ones.
    """

    __slots__ = ("calls", "most", "rate")

    def __init__(self) -> None:
        self.calls = 0
        self.most = 0
        self.rate: RateLimit | None = None

    def over(self, per_s: int, most: int, now: float) -> str:
        """Takes a place whatever the caps; which of them it passes, empty for none."""
        self.calls += 1
        if per_s == 0:
            self.rate = None
        elif self.rate is None or self.rate.per_s != per_s:
            self.rate = RateLimit(per_s)
        over_rate = self.rate is not None and not self.rate.take(now)
        if most and self.calls > most:
            return "calls"
        return "rate" if over_rate else ""


class CallPlace:
    """A place of one call. `over` says what it passes, None where it is within every cap; `s_most` how many seconds the
    call may last, 0 without a cap. Whoever took it gives it back once the call is over, however it ends.
    """

    __slots__ = ("_uses", "over", "s_most")

    def __init__(self, uses: tuple[_Use, ...], over: Finding | None, s_most: int) -> None:
        self._uses = uses
        self.over: Final = over
        self.s_most: Final = s_most

    def stays(self) -> None:
        """The call is permitted: its place counts among the most there were."""
        for use in self._uses:
            if use.calls > use.most:
                use.most = use.calls

    def give_back(self) -> None:
        """Ends the use of this place; a second time does nothing."""
        uses, self._uses = self._uses, ()
        for use in uses:
            use.calls -= 1


class CallLimits:
    """The counts of all trunks and institutions of this process."""

    __slots__ = ("_institutions", "_trunks")

    def __init__(self) -> None:
        self._trunks: dict[str, _Use] = {}
        self._institutions: dict[str, _Use] = {}

    def take(self, account: Account, institution: Institution | None, now: float) -> CallPlace:
        """A place for a new call; `now` is seconds of any clock. Given back by whoever takes it, also where `over`."""
        trunk = _use_of(self._trunks, account.id)
        over = trunk.over(account.calls_per_s, account.calls_most, now)
        if institution is None:
            return CallPlace((trunk,), Finding(_RULE, over) if over else None, account.call_s_most)
        all_trunks = _use_of(self._institutions, institution.id)
        of_all = all_trunks.over(institution.calls_per_s, institution.calls_most, now)
        if not over and of_all:
            over = "institution_" + of_all
        one_s, all_s = account.call_s_most, institution.call_s_most
        s_most = min(one_s, all_s) if one_s and all_s else one_s or all_s
        return CallPlace((trunk, all_trunks), Finding(_RULE, over) if over else None, s_most)

    def places(self) -> int:
        """How many places are taken, those of all trunks together."""
        return sum(use.calls for use in self._trunks.values())

    def calls(self, account: str) -> int:
        """How many calls a trunk has now."""
        use = self._trunks.get(account)
        return 0 if use is None else use.calls

    def most(self, account: str) -> int:
        """How many permitted calls a trunk had at most at once."""
        use = self._trunks.get(account)
        return 0 if use is None else use.most


def _use_of(uses: dict[str, _Use], name: str) -> _Use:
    use = uses.get(name)
    if use is None:
        if len(uses) >= _IDLE_KEPT:
            # WHY: accounts that are gone leave no count behind; whoever has calls now keeps his.
            for each in [each for each, used in uses.items() if not used.calls]:
                del uses[each]
        use = uses[name] = _Use()
    return use
