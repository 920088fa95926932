"""One trunk's way to the policy: has its INVITEs judged, and sees that each answer is recorded.

Owns the joining of a call's question, its place under the caps, the policy and the journal. Must never change a
verdict. What is in force (snapshot, codes) is looked up at each call, so a reload binds the next one. A final refusal
is answered once it is on disk, a deferral at once.
"""

import math
from collections.abc import Callable, Container
from typing import Final

import msgspec

from proxy.core.call_codes import CallAnswer, CallCodes
from proxy.core.decision import Decision, Permit, Refusal
from proxy.core.finding import Finding
from proxy.core.ground import OUTCOME_REFUSE
from proxy.core.purposes import Purpose
from proxy.core.records import Account
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot
from proxy.judging.call_limits import CallLimits, CallPlace
from proxy.judging.journal import Journal
from proxy.policy import evaluate, unanswerable
from proxy.rules.binding import retry_after_s
from proxy.rules.table import RULE_IDS
from proxy.sip.read_invite import ReadInvite

#: How long a refusal waits for others to go to the disk with: few enough for nobody to notice, and far less than the
#: 200 ms after which the caller's side is told that we are at it.
_PATIENCE_MS: Final = 80
#: What ends a call that is under way, unless configuration says otherwise: a hold, and a number that was closed.
ENDS_LIVE_CALLS: Final = frozenset(("fraud.hold", "number.disposed"))


class CallsInForce:
    """What is in force for calls now; whoever reloads swaps these references. `now` is UTC seconds."""

    __slots__ = ("codes", "now", "snapshot")

    def __init__(self, snapshot: Snapshot, codes: CallCodes, now: float) -> None:
        self.snapshot = snapshot
        self.codes = codes
        self.now = now


class PermittedCall:
    """A call that may go on. `permit` holds a `JudgedCall`'s octets, `place` is given back once the call is over,
    `question` is what was judged, for `CallGate.closed_now`.
    """

    __slots__ = ("permit", "place", "question")

    def __init__(self, permit: Permit, place: CallPlace, question: ReadInvite) -> None:
        self.permit: Final = permit
        self.place: Final = place
        self.question: Final = question

    @property
    def decision(self) -> Decision:
        return self.permit.decision

    @property
    def principal(self) -> str:
        return self.permit.decision.principal

    @property
    def purpose(self) -> Purpose:
        return self.permit.decision.purpose


class CallGate:
    """The gate of one trunk. `log(event)` counts what an operator must see."""

    def __init__(
        self, account: Account, in_force: CallsInForce, journal: Journal, limits: CallLimits, log: Callable[[str], None]
    ) -> None:
        self.account = account
        self._in_force = in_force
        self._journal = journal
        self._limits = limits
        self._log = log
        self._snapshot: Snapshot | None = None
        self.asked = self.permitted = self.refused = self.deferred = 0

    def judge(self, question: ReadInvite, answer: Callable[[CallAnswer], None]) -> PermittedCall | Refusal:
        """May this call be made? `answer` is called once where not: at once for a deferral, else when it is on disk."""
        force = self._in_force
        snapshot, now, account = force.snapshot, force.now, self._account()
        place = self._limits.take(account, snapshot.institutions.get(account.principal), now)
        kept = False
        try:
            findings = question.findings if place.over is None else (*question.findings, place.over)
            request = self._request(question, self._journal.next_id(), findings)
            self.asked += 1
            verdict = evaluate(request, snapshot, now)
            if isinstance(verdict, Refusal):
                return self._refused(request, verdict, answer)
            if not self._journal.decided(request, verdict.decision):
                # The permit is dropped unspent: what cannot be recorded does not go on.
                return self._refused(request, unanswerable(request, snapshot, "internal.outbox"), answer)
            self.permitted += 1
            place.stays()
            kept = True
            return PermittedCall(verdict, place, question)
        finally:
            if not kept:
                # WHY here too: whatever raises must not keep a place that nobody would give back.
                place.give_back()

    def put_off(self, question: ReadInvite, rule: str, answer: Callable[[CallAnswer], None]) -> Refusal:
        """Refuses a call for a reason outside the rules: `internal.draining`, `internal.upstream`, `internal.store`."""
        request = self._request(question, self._journal.next_id(), question.findings)
        self.asked += 1
        return self._refused(request, unanswerable(request, self._in_force.snapshot, rule), answer)

    def may_go_on(self, call: PermittedCall, answer: Callable[[CallAnswer], None]) -> bool:
        """May a permitted call still be made? Asked before each further INVITE of it, in the place that it has.

        Where not, that is a decision of its own, with its record, and `answer` is called as by `judge`.
        """
        self._account()
        question, snapshot = call.question, self._in_force.snapshot
        request = self._request(question, self._journal.next_id(), question.findings)
        request.counted = True
        verdict = evaluate(request, snapshot, self._in_force.now)
        if not isinstance(verdict, Refusal):
            return True
        self.asked += 1
        self._refused(request, verdict, answer)
        return False

    def closed_now(self, call: PermittedCall, ends: Container[str] = ENDS_LIVE_CALLS) -> str:
        """Which rule of `ends` would refuse a call that is under way, asked anew; empty for none. Records nothing."""
        snapshot = self._in_force.snapshot
        request = self._request(call.question, call.decision.id, call.question.findings)
        request.counted = True
        decision = evaluate(request, snapshot, self._in_force.now).decision
        for rule, outcome in zip(RULE_IDS, decision.outcomes, strict=True):
            if outcome == OUTCOME_REFUSE and rule in ends:
                return rule
        return ""

    def ending(self, rule: str) -> list[tuple[str, bytes]]:
        """The Reason headers with which a call is ended for a rule."""
        return self._in_force.codes.ending(self.account, rule)

    def _request(self, question: ReadInvite, request_id: int, findings: tuple[Finding, ...]) -> Request:
        # The name and the page that are shown are the registry's, whatever the sender wrote (J11).
        institution = self._in_force.snapshot.institutions.get(self.account.principal)
        shown = (institution.name, institution.page) if institution is not None else ("", "")
        return Request(
            id=request_id,
            channel="voice",
            account=self.account,
            sender=question.caller,
            recipient=question.recipient,
            readings=(),
            octets=question.judged(*shown),
            received_at=self._in_force.now,
            findings=findings,
            purpose=question.purpose,
        )

    def _account(self) -> Account:
        """The trunk's record of now; one that is gone is not approved any more."""
        snapshot = self._in_force.snapshot
        if snapshot is not self._snapshot:
            self._snapshot = snapshot
            found = snapshot.accounts.get(self.account.id)
            self.account = found or msgspec.structs.replace(self.account, reviewed=False)
        return self.account

    def _refused(self, request: Request, refusal: Refusal, answer: Callable[[CallAnswer], None]) -> Refusal:
        decision = refusal.decision
        if decision.rule == "internal.rule":
            self._log("rule.failed")
        if decision.detail == "emergency":
            self._log("call.emergency")
        if decision.effect == "defer":
            self.deferred += 1
            self._journal.decided(request, decision)
            answer(self._answer(request, decision))
            return refusal
        said = self._answer(request, decision)
        # Even where the disk fails the answer is the refusal: the record stays queued, and nothing was let through.
        if self._journal.decided_durably(request, decision, lambda _: answer(said), _PATIENCE_MS):
            self.refused += 1
            return refusal
        return self._refused(request, unanswerable(request, self._in_force.snapshot, "internal.outbox"), answer)

    def _answer(self, request: Request, decision: Decision) -> CallAnswer:
        force = self._in_force
        seconds = math.ceil(retry_after_s(request, decision, force.snapshot, force.now))
        return force.codes.answer(self.account, decision.rule, decision.detail, seconds)
