"""Cancels at the carriers what a person who has refused was still to be sent.

Owns the way of a withdrawal from the refusal to a bind that can carry it, and the short waiting where none can. Must
never send anything but a cancel_sm, nor one for another institution's message. Opens no socket and sets no timer.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from proxy.binds.links import Link
from proxy.binds.pairs import Bound
from proxy.judging.hearing import Understood
from proxy.judging.in_force import InForce
from proxy.judging.journal import Journal
from proxy.judging.refused_lately import RefusedLately
from proxy.judging.shared import Shared
from proxy.smpp.gate import KEPT
from proxy.smpp.withdrawal import Withdrawal

#: How long a withdrawal waits for a bind of its account with room. After that the message has most likely gone out.
_WAITS_S: Final = 30.0
_WAITING_MOST: Final = 10_000


class Withdrawing:
    """Withdrawals of all accounts. `now` is monotonic seconds; whoever calls writes the links that come back."""

    def __init__(self, in_force: InForce, journal: Journal) -> None:
        self._in_force = in_force
        self._journal = journal
        self._lately: Final = RefusedLately()
        self._shared: Mapping[str, Shared] = {}
        #: (account, what to cancel, until when, whether a pool sent it), oldest first
        self._waiting: deque[tuple[str, Withdrawal, float, bool]] = deque()
        #: Sends a withdrawal of an account by the route of a pool that has the message; False where it cannot now.
        self.pooled: Callable[[str, Withdrawal, float], bool] | None = None

    def refused(
        self, understood: Understood, shared: Mapping[str, Shared], bounds: Iterable[Bound], now: float
    ) -> list[Link]:
        """A person refused: everything that those institutions have under way to them is cancelled."""
        institutions = tuple(answered.institution for answered in understood.answered)
        key = self._in_force.snapshot.person_key
        person = key.digest(understood.person)
        self._shared = shared
        answered = []
        # WHY both: what is under way may have been sent before the person was moved to another key.
        for each in (person, key.other(understood.person)) if key.is_rotating else (person,):
            self._lately.note(each, institutions, self._journal.last_id)
            answered += [bound.esme for bound in tuple(bounds) if bound.relay.refused(each, institutions)]
            self._take_back(each, institutions, now)
        return [link for link in answered if link is not None] + self.go_on(bounds, now)

    def _take_back(self, person: bytes, institutions: tuple[str, ...], now: float) -> None:
        for account, its in self._shared.items():
            for pending in (its.pending, its.pooled):
                pending.lately = self._lately
                for withdrawal in pending.take(person, institutions):
                    if len(self._waiting) >= _WAITING_MOST:
                        self._give_up(withdrawal)
                    else:
                        self._waiting.append((account, withdrawal, now + _WAITS_S, pending is its.pooled))

    def go_on(self, bounds: Iterable[Bound], now: float) -> list[Link]:
        """Sends what waits, as far as there is room; gives up what waited too long."""
        met = self._lately.met
        while met:
            # WHY only now: it had no answer when its person refused, and so no id by which to cancel it.
            person, institutions = met.popitem()
            self._take_back(person, tuple(institutions), now)
        if not self._waiting:
            return []
        by_account: dict[str, list[Bound]] = {}
        for bound in bounds:
            if bound.route.settings.withdraw and not bound.own:
                by_account.setdefault(bound.account.id, []).append(bound)
        written: list[Link] = []
        waiting, self._waiting = self._waiting, deque()
        for account, withdrawal, until, in_pool in waiting:
            if in_pool:
                sent = self.pooled is not None and self.pooled(account, withdrawal, now)
                self._went_on(account, withdrawal, until, in_pool, sent, now)
                continue
            sender = next((one for one in by_account.get(account, ()) if one.relay.withdraw(withdrawal, now)), None)
            self._went_on(account, withdrawal, until, in_pool, sender is not None, now)
            if sender is not None and sender.carrier is not None and sender.carrier not in written:
                written.append(sender.carrier)
        return written

    def _went_on(
        self, account: str, withdrawal: Withdrawal, until: float, in_pool: bool, sent: bool, now: float
    ) -> None:
        if sent:
            self._journal.counters.counts["withdrawal.sent"] += 1
        elif now >= until:
            self._give_up(withdrawal)
        else:
            self._waiting.append((account, withdrawal, until, in_pool))

    def _give_up(self, withdrawal: Withdrawal) -> None:
        self._journal.counters.counts["withdrawal.failed"] += 1
        self._journal.outcome(withdrawal.decision_id, KEPT, 0, b"")
