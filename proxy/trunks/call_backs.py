"""Calls from carriers, followed: whose they are, their record, and the refusal key pressed in them.

Owns what is kept of a call back. Must never keep the caller's number in a record: persons are digests there. How it
works: no rule is asked, since the call goes towards the sender and its person wants it; the number says which account
it is for. The person is leg A now. A record of it is written at its end, as of every attempt.
"""

from collections.abc import Callable, Container
from typing import Final

from proxy.core.records import Account
from proxy.evidence.records import Call
from proxy.judging.attribution import attribute
from proxy.judging.call_backs import HELD, closed, number_called, owners, person_calling, voice_rows
from proxy.judging.call_course import CallCourse
from proxy.judging.call_gate import CallsInForce
from proxy.judging.call_refusals import CallEars, Party
from proxy.judging.hearing import Hearing
from proxy.judging.journal import Journal
from proxy.judging.keypad import KeypadSettings
from proxy.judging.latest_messages import LatestMessages
from proxy.sip.call_events import EndedBy, Side
from proxy.sip.message import SipRequest, SipResponse
from proxy.sip.reply import Headers
from proxy.sip.uri import Uri
from proxy.trunks.heard import Heard
from proxy.trunks.judge import Answer, CallBack, Committed, Listening, NotTaken, Refused

Keep = Callable[[Call], object]

#: Q.850: unallocated number, subscriber absent, temporary failure.
_UNKNOWN: Final[Headers] = [("reason", b"Q.850;cause=1")]
_ABSENT: Final[Headers] = [("reason", b"Q.850;cause=20")]
#: The rule that stands in the way of the next call.
_REFUSED: Final = "suppression.active"
_FULL: Final[Headers] = [("retry-after", b"5"), ("reason", b"Q.850;cause=41")]


class CallBacks:
    """All calls from carriers. `renew` looks at what is in force now; `latest` remembers who called whom from numbers
    that several use; `keep` puts a record into the evidence; `clock` is UTC seconds.
    """

    __slots__ = ("_clock", "_ends", "_force", "_hearing", "_journal", "_keep", "_keypad", "_latest", "renew")

    def __init__(
        self,
        in_force: CallsInForce,
        renew: Callable[[], None],
        journal: Journal,
        hearing: Hearing,
        latest: LatestMessages,
        keep: Keep,
        clock: Callable[[], float],
        *,
        keypad: KeypadSettings,
        ends: Container[str],
    ) -> None:
        self._force: Final = in_force
        self.renew: Final = renew
        self._journal: Final = journal
        self._hearing: Final = hearing
        self._latest: Final = latest
        self._keep: Final = keep
        self._clock: Final = clock
        self._keypad: Final = keypad
        self._ends: Final = ends

    def take(self, carrier: str, request: SipRequest, uri: Uri, taking: Container[str]) -> CallBack | NotTaken:
        """See `CallJudge.call_back`."""
        self.renew()
        snapshot, now = self._force.snapshot, self._force.now
        number = number_called(uri)
        rows = voice_rows(snapshot, number, now) if number is not None else ()
        may = owners(snapshot, rows)
        if number is None or not may:
            return NotTaken(404, _UNKNOWN, "number")
        if not self._journal.room:
            # WHY not taken: what cannot be recorded does not go on, in this direction too.
            return NotTaken(500, _FULL, "internal.outbox")
        person = person_calling(request)
        digest = snapshot.person_key.digest(person) if person is not None else b""
        account = self._chosen(may, digest, number, taking)
        course = CallCourse(
            self._journal.next_id(),
            account.id,
            now,
            direction="in",
            person=digest,
            key_id=snapshot.person_key.id_for(person) if person is not None else 0,
            number=number,
        )
        course.came(carrier)
        why = closed(snapshot, number, rows) or (HELD if account.id in snapshot.held_accounts else "")
        if why or account.id not in taking:
            self.record(course.ended("us", why or "untaken", self._clock(), 480))
            return NotTaken(480, _ABSENT, why or "untaken")
        ears = None
        if person is not None:
            answered = attribute(snapshot, self._latest, account, digest, number)
            party = Party(person, number, answered, course.id, "a")
            ears = CallEars(party, self._hearing, self._force, self._keypad, end_user=False)
        return _Back(self, account.id, number, course, ears)

    def _chosen(self, may: list[Account], digest: bytes, number: str, taking: Container[str]) -> Account:
        able = [each for each in may if each.id in taking] or may
        latest = self._latest.sender(digest, number) if digest and len(able) > 1 else None
        return next((each for each in able if each.id == latest), able[0])

    # For the calls

    @property
    def now(self) -> float:
        """UTC seconds."""
        return self._clock()

    def closed(self, account: str, number: str) -> str:
        """The rule that closes this number or account now; empty for none."""
        self.renew()
        snapshot = self._force.snapshot
        rows = snapshot.numbers.find(number)
        return HELD if account in snapshot.held_accounts else closed(snapshot, number, rows)

    def ends(self, account: str, number: str) -> str:
        """The rule that closes this number or account now, where calls that run are ended for it."""
        why = self.closed(account, number)
        return why if why in self._ends else ""

    def ending(self, account: str, rule: str) -> Headers:
        """The Reason headers with which a call is ended for a rule."""
        record = self._force.snapshot.accounts.get(account)
        return self._force.codes.ending(record, rule) if record is not None else []

    def leaving(self, account: str) -> Headers | None:
        """The Reason with which a call is released for a refusal in it; None: it goes on."""
        return self.ending(account, _REFUSED) if self._keypad.release else None

    def record(self, record: Call | None) -> None:
        """The end of a call: into the evidence."""
        if record is not None:
            self._keep(record)


class _Back(CallBack):
    """One call that an account takes."""

    def __init__(self, backs: CallBacks, account: str, number: str, course: CallCourse, ears: CallEars | None) -> None:
        super().__init__(account, number)
        self._backs: Final = backs
        self._course: Final = course
        self._ears: Final = ears
        self._heard: Final = Heard(backs.renew, ears) if ears is not None else None

    def tried(self, carrier: str) -> None:
        del carrier
        self._course.attempted()

    def may_go_on(self, answer: Answer) -> bool:
        why = self._backs.closed(self.account, self.number)
        if why:
            answer(Refused(480, b"Temporarily Unavailable", _ABSENT, why))
        return not why

    def rang(self, response: SipResponse) -> None:
        del response
        self._course.rang(self._backs.now)

    def answered(self, response: SipResponse, now: float) -> None:
        del response
        self._course.taken(self._backs.now)
        if self._ears is not None:
            self._ears.answered(now)

    def info(self, request: SipRequest, side: Side, now: float, committed: Committed) -> bool:
        return self._heard is not None and self._heard.info(request, side, now, committed)

    def pressed(self, key: str, side: Side, now: float, seen: str, committed: Committed) -> bool:
        return self._heard is not None and self._heard.pressed(key, side, now, seen, committed)

    def again(self, committed: Committed) -> bool:
        return self._heard is not None and self._heard.again(committed)

    def leaving(self) -> Headers | None:
        return self._backs.leaving(self.account)

    def after(self) -> Listening | None:
        # WHY only where it was answered: a key that meets the BYE counts, and before the answer there is none.
        return self._heard if self._course.answered else None

    def closed_by(self) -> str:
        return self._backs.ends(self.account, self.number)

    def ending(self, rule: str) -> Headers:
        return self._backs.ending(self.account, rule)

    def ended(self, by: EndedBy, cause: str, status: int, request: SipRequest | None) -> None:
        del request
        backs = self._backs
        backs.record(self._course.ended(by, cause, backs.now, status))
