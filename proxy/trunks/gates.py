"""The judge of calls: trunks' gates, and what is heard and recorded of each call that they permit.

Owns the joining of `judging` with the desk. Must never let a call of an account go on that the registry does not know:
its gate then judges an account that nobody approved. Clocks: the desk is monotonic, records and rules are UTC.
"""

from collections.abc import Callable, Container
from typing import Final

from proxy.core.call_codes import CallAnswer, CallCodes
from proxy.core.records import Account, Period
from proxy.evidence.records import Call
from proxy.judging.call_course import CallCourse
from proxy.judging.call_gate import CallGate, CallsInForce, PermittedCall
from proxy.judging.call_limits import CallLimits
from proxy.judging.call_refusals import CallEars, party_of
from proxy.judging.hearing import Hearing
from proxy.judging.in_force import InForce
from proxy.judging.journal import Journal
from proxy.judging.keypad import KeypadSettings
from proxy.judging.latest_messages import LatestMessages
from proxy.judging.numbers_in_use import USED_BY_ONE, NumbersInUse
from proxy.sip.call_events import EndedBy, Side
from proxy.sip.message import SipMessage, SipRequest, SipResponse
from proxy.sip.read_invite import ReadInvite, read_invite
from proxy.sip.reply import Headers
from proxy.sip.uri import Uri
from proxy.trunks.call_backs import CallBacks
from proxy.trunks.heard import Heard
from proxy.trunks.judge import Answer, CallBack, Committed, Listening, NotTaken, Permitted, Refused

#: The rule that stands in the way of the next call.
_REFUSED: Final = "suppression.active"
_NEVER: Final = Period(0, 0)
Log = Callable[..., None]
Keep = Callable[[Call], object]


class CallGates:
    """The `CallJudge` of the house. `keep` puts a call's record into the evidence; `clock` is UTC seconds."""

    def __init__(
        self,
        in_force: InForce,
        codes: CallCodes,
        journal: Journal,
        hearing: Hearing,
        keep: Keep,
        log: Log,
        clock: Callable[[], float],
        *,
        keypad: KeypadSettings,
        purpose_key: str,
        end_user_carriers: Container[str],
        ends: Container[str],
    ) -> None:
        self._in_force: Final = in_force
        self.calls: Final = CallsInForce(in_force.snapshot, codes, clock())
        self._journal: Final = journal
        self.hearing: Final = hearing
        self.keep: Final = keep
        self._log: Final = log
        self.clock: Final = clock
        self.keypad: Final = keypad
        self.ends: Final = ends
        self.end_user_carriers: Final = end_user_carriers
        self._purpose_key: Final = purpose_key
        self._limits: Final = CallLimits()
        self._gates: Final[dict[str, CallGate]] = {}
        #: Who called whom last, of numbers that several use: that is who a call back is for.
        self._latest: Final = LatestMessages()
        self._numbers: Final[dict[str, NumbersInUse]] = {}
        self._backs: Final = CallBacks(
            self.calls, self.renew, journal, hearing, self._latest, keep, clock, keypad=keypad, ends=ends
        )

    def judge(
        self, account: str, request: SipRequest, uri: Uri, answer: Answer, *, offers_text: bool = False
    ) -> Permitted | None:
        """See `CallJudge`."""
        gate, question = self._question(account, request, uri, offers_text=offers_text)
        verdict = gate.judge(question, _Answering(answer))
        if not isinstance(verdict, PermittedCall):
            return None
        self._remember(account, question.caller or "", verdict)
        return _Followed(self, gate, verdict)

    def put_off(self, account: str, request: SipRequest, uri: Uri, rule: str, answer: Answer) -> None:
        """See `CallJudge`."""
        gate, question = self._question(account, request, uri)
        gate.put_off(question, rule, _Answering(answer))

    def call_back(self, carrier: str, request: SipRequest, uri: Uri, taking: Container[str]) -> CallBack | NotTaken:
        """See `CallJudge`."""
        return self._backs.take(carrier, request, uri, taking)

    def places(self) -> int:
        """How many places under the caps are taken."""
        return self._limits.places()

    def asked_of(self, account: str) -> tuple[int, int, int, int]:
        """How often an account asked for a call, and how many were permitted, refused and deferred."""
        gate = self._gates.get(account)
        return (0, 0, 0, 0) if gate is None else (gate.asked, gate.permitted, gate.refused, gate.deferred)

    def calls_of(self, account: str) -> tuple[int, int]:
        """How many calls of an account there are now, and were at most at once."""
        return self._limits.calls(account), self._limits.most(account)

    def use(self, codes: CallCodes) -> None:
        """Another code table, from the next call on."""
        self.calls.codes = codes

    def reached_nobody(self, decision_id: int) -> None:
        """A permitted call never rang: it is no contact."""
        self._journal.reached_nobody(decision_id)

    def renew(self) -> None:
        """Look at what is in force now."""
        snapshot = self._in_force.snapshot
        if snapshot is not self.calls.snapshot:
            self.calls.snapshot = snapshot
            # WHY: who uses which number may have changed.
            self._numbers.clear()
        self.calls.now = self.clock()

    def _remember(self, account: str, number: str, call: PermittedCall) -> None:
        numbers = self._numbers.get(account)
        if numbers is None:
            numbers = self._numbers[account] = NumbersInUse(account, self._latest)
            numbers.is_pooled = True
        if numbers.uses.get(number) != USED_BY_ONE:
            numbers.permitted(number, call.decision, self.calls.snapshot)

    def _question(
        self, account: str, request: SipRequest, uri: Uri, *, offers_text: bool = False
    ) -> tuple[CallGate, ReadInvite]:
        self.renew()
        gate = self._gates.get(account)
        record = self.calls.snapshot.accounts.get(account)
        if gate is None:
            gate = CallGate(
                record or _unknown(account), self.calls, self._journal, self._limits, lambda event: self._log(event)
            )
            if record is not None:
                # WHY only then: a gate is made of a record, and one that comes later must be seen.
                self._gates[account] = gate
        asserts = record is not None and record.asserts_identity
        return gate, read_invite(
            request, uri, asserts_identity=asserts, purpose_key=self._purpose_key, offers_text=offers_text
        )


class _Answering:
    """Brings a refusal in the words of the wire."""

    __slots__ = ("_answer",)

    def __init__(self, answer: Answer) -> None:
        self._answer: Final = answer

    def __call__(self, said: CallAnswer) -> None:
        self._answer(Refused(said.status, said.phrase, said.headers, said.rule))


class _Followed(Permitted):
    """A permitted call with its place, its record and what is heard in it."""

    def __init__(self, gates: CallGates, gate: CallGate, call: PermittedCall) -> None:
        super().__init__(call.permit, float(call.place.s_most))
        self._gates: Final = gates
        self._gate: Final = gate
        self._call: Final = call
        self._course: Final = CallCourse(call.decision.id, gate.account.id, gates.calls.now)
        self._carrier = ""
        self._heard: CallEars | None = None

    @property
    def _listening(self) -> Heard:
        return Heard(self._gates.renew, self._ears)

    @property
    def _ears(self) -> CallEars:
        """WHY made when first needed: most calls are heard nothing of, and the carrier is known by then."""
        heard = self._heard
        if heard is None:
            gates = self._gates
            end_user = self._carrier in gates.end_user_carriers
            heard = CallEars(party_of(self._call), gates.hearing, gates.calls, gates.keypad, end_user=end_user)
            self._heard = heard
        return heard

    def tried(self, carrier: str) -> None:
        self._carrier = carrier
        self._course.tried(carrier)

    def may_go_on(self, answer: Answer) -> bool:
        self._gates.renew()
        return self._gate.may_go_on(self._call, _Answering(answer))

    def rang(self, response: SipResponse) -> None:
        self._course.rang(self._gates.clock())
        self._ears.noted(response)

    def answered(self, response: SipResponse, now: float) -> None:
        self._course.taken(self._gates.clock())
        self._ears.noted(response)
        self._ears.answered(now)

    def failed(self, response: SipResponse) -> None:
        self._ears.noted(response)

    def info(self, request: SipRequest, side: Side, now: float, committed: Committed) -> bool:
        return self._listening.info(request, side, now, committed)

    def pressed(self, key: str, side: Side, now: float, seen: str, committed: Committed) -> bool:
        return self._listening.pressed(key, side, now, seen, committed)

    def unwanted(self, message: SipMessage, side: Side, committed: Committed) -> bool:
        return self._listening.unwanted(message, side, committed)

    def again(self, committed: Committed) -> bool:
        return self._listening.again(committed)

    def leaving(self) -> Headers | None:
        return self._gate.ending(_REFUSED) if self._gates.keypad.release else None

    def after(self) -> Listening | None:
        # WHY not always: it is kept for as long as the tags of a call that is over.
        gates = self._gates
        heard = self._carrier in gates.end_user_carriers or (gates.keypad.keys and self._course.answered)
        return self._listening if heard else None

    def closed_by(self) -> str:
        self._gates.renew()
        return self._gate.closed_now(self._call, self._gates.ends)

    def ending(self, rule: str) -> Headers:
        return self._gate.ending(rule)

    def ended(self, by: EndedBy, cause: str, status: int, request: SipRequest | None) -> None:
        self._call.place.give_back()
        gates = self._gates
        record = self._course.ended(by, cause, gates.clock(), status)
        if record is not None:
            if not record.rang_us and not record.answered_us:
                gates.reached_nobody(record.id)
            gates.keep(record)


def _unknown(account: str) -> Account:
    """An account that the registry does not know: nobody approved it."""
    return Account(account, "", "", frozenset(), "", reviewed=False, telecom_licence=_NEVER, responsible="")
