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
from proxy.sip.call_events import EndedBy, Side
from proxy.sip.message import SipRequest, SipResponse
from proxy.sip.read_invite import ReadInvite, read_invite
from proxy.sip.reply import Headers
from proxy.sip.uri import Uri
from proxy.trunks.judge import Answer, Committed, Permitted, Refused

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

    def judge(self, account: str, request: SipRequest, uri: Uri, answer: Answer) -> Permitted | None:
        """See `CallJudge`."""
        gate, question = self._question(account, request, uri)
        verdict = gate.judge(question, _Answering(answer))
        if not isinstance(verdict, PermittedCall):
            return None
        return _Followed(self, gate, verdict)

    def put_off(self, account: str, request: SipRequest, uri: Uri, rule: str, answer: Answer) -> None:
        """See `CallJudge`."""
        gate, question = self._question(account, request, uri)
        gate.put_off(question, rule, _Answering(answer))

    def places(self) -> int:
        """How many places under the caps are taken."""
        return self._limits.places()

    def use(self, codes: CallCodes) -> None:
        """Another code table, from the next call on."""
        self.calls.codes = codes

    def renew(self) -> None:
        """Look at what is in force now."""
        self.calls.snapshot = self._in_force.snapshot
        self.calls.now = self.clock()

    def _question(self, account: str, request: SipRequest, uri: Uri) -> tuple[CallGate, ReadInvite]:
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
        return gate, read_invite(request, uri, asserts_identity=asserts, purpose_key=self._purpose_key)


class _Answering:
    """Brings a refusal in the words of the wire."""

    __slots__ = ("_answer",)

    def __init__(self, answer: Answer) -> None:
        self._answer: Final = answer

    def __call__(self, said: CallAnswer) -> None:
        self._answer(Refused(said.status, said.phrase, said.headers, _rule_of(said.headers)))


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

    def rang(self, response: SipResponse) -> None:
        self._course.rang(self._gates.clock())
        self._ears.response(response, _ignored)

    def answered(self, response: SipResponse, now: float) -> None:
        self._course.taken(self._gates.clock())
        self._ears.response(response, _ignored)
        self._ears.answered(now)

    def failed(self, response: SipResponse) -> None:
        self._gates.renew()
        self._ears.response(response, _ignored)

    def info(self, request: SipRequest, side: Side, now: float, committed: Committed) -> bool:
        self._gates.renew()
        return self._ears.info(request, side, now, committed)

    def closed_by(self) -> str:
        self._gates.renew()
        return self._gate.closed_now(self._call, self._gates.ends)

    def ending(self, rule: str) -> Headers:
        return self._gate.ending(rule)

    def ended(self, by: EndedBy, cause: str, status: int, request: SipRequest | None) -> None:
        self._call.place.give_back()
        gates = self._gates
        if request is not None and request.method == "BYE" and by == "b":
            gates.renew()
            self._ears.bye(request, "b", _ignored)
        record = self._course.ended(by, cause, gates.clock(), status)
        if record is not None:
            gates.keep(record)


def _ignored(on_disk: bool) -> None:
    """WHY nothing: there is nobody to answer any more; that it could not be kept is told by the hearing."""
    del on_disk


def _rule_of(headers: Headers) -> str:
    """The rule that a Reason names, for the log."""
    for key, value in headers:
        if key == "reason":
            return value.partition(b'text="')[2].partition(b'"')[0].decode("ascii", "replace")
    return ""


def _unknown(account: str) -> Account:
    """An account that the registry does not know: nobody approved it."""
    return Account(account, "", "", frozenset(), "", reviewed=False, telecom_licence=_NEVER, responsible="")
