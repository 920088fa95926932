"""What is done about what a person refuses inside a call: kept first, answered then.

Owns the order: nothing that refuses is answered before it is on disk, be it an INFO, a BYE or a 607. Must never decide
what is a refusal: who listens does. How it works: `info` and `unwanted` ask whoever listens to the call; what is none
goes on at once, in the same turn.
"""

from collections.abc import Callable
from typing import Final

from proxy.sip.call_events import CallControl, InsideAsked, Side, UnwantedSaid
from proxy.sip.calls import Calls
from proxy.sip.message import SipResponse
from proxy.sip.reply import reply
from proxy.sip.unanswered import Unanswered
from proxy.trunks.digit_reports import DigitReport
from proxy.trunks.judge import Listening
from proxy.trunks.keeping import Keeping, Kept

Step = Callable[[float], None]
_RETRY_AFTER: Final = b"5"
_NOBODY: Final = Listening()


class Declined:
    """A 607 that is on its way to disk. What follows of it for the caller comes after that: `wait`."""

    __slots__ = ("_next", "_unanswered", "over")

    def __init__(self, unanswered: Unanswered) -> None:
        self._unanswered: Final = unanswered
        self._next: Step | None = None
        self.over = False

    def wait(self, step: Step) -> bool:
        """Do this then; False where nothing is waited for any more."""
        if not self.over:
            self._next = step
        return not self.over

    def __call__(self, kept: bool, now: float) -> None:
        self.over = True
        _answer(self._unanswered, kept, now)
        if self._next is not None:
            self._next(now)


class Refusing:
    """One for all calls. `clock` is monotonic; `told` is called where something was answered when nobody had asked.

    `under_way` are the refusals that are not on disk yet.
    """

    __slots__ = ("_calls", "_clock", "_told", "under_way")

    def __init__(self, calls: Calls, clock: Callable[[], float], told: Callable[[], None]) -> None:
        self._calls: Final = calls
        self._clock: Final = clock
        self._told: Final = told
        self.under_way: Final[set[Keeping]] = set()

    def info(self, event: InsideAsked, listening: Listening | None, *, answered: bool, now: float) -> None:
        """An INFO: passed on, once what it refuses is on disk. `answered`: whether the call is."""
        listener = listening or listener_of(event.call)
        keeping = self._keeping(listener, lambda kept, then: self._informed(event, listener, answered, kept, then))
        if listener.info(event.request, event.side, now, keeping):
            self._begin(keeping, now)
        else:
            event.call.relay(event, now)

    def pressed(
        self, call: CallControl, listening: Listening | None, key: str, side: Side, seen: str, now: float
    ) -> None:
        """A key that a media relay saw: nobody waits for an answer, but the call may end with it."""
        listener = listening or listener_of(call)
        keeping = self._keeping(listener, lambda kept, then: _released(call, listener, kept, then))
        if listener.pressed(key, side, now, seen, keeping):
            self._begin(keeping, now)

    def unwanted(self, event: UnwantedSaid, listening: Listening | None, now: float) -> Declined | None:
        """A 607, or a BYE with one: answered once it is on disk. What waits for it, where it is a response."""
        listener = listening or listener_of(event.call)
        declined = Declined(event.unanswered)
        keeping = self._keeping(listener, declined)
        if not listener.unwanted(event.message, event.side, keeping):
            event.unanswered.kept(now)
            return None
        self._begin(keeping, now)
        return declined if isinstance(event.message, SipResponse) else None

    def _keeping(self, listener: Listening, then: Kept) -> Keeping:
        def ended(kept: bool, now: float) -> None:
            self.under_way.discard(keeping)
            then(kept, now)

        keeping = Keeping(listener.again, ended, self._calls.timers, self._calls.timing, self._clock, self._told)
        return keeping

    def _begin(self, keeping: Keeping, now: float) -> None:
        if not keeping.over:
            self.under_way.add(keeping)
            keeping.begin(now)

    def _informed(self, event: InsideAsked, listener: Listening, answered: bool, kept: bool, now: float) -> None:
        request = event.transaction.request
        if request is None:
            return
        if not kept:
            event.transaction.respond(reply(request, 500, b"", [("retry-after", _RETRY_AFTER)]), now)
            return
        leaving = listener.leaving()
        # WHY not passed on then: the caller is told by the BYE, and its answer to an INFO would come too late.
        if leaving is not None or not answered:
            event.transaction.respond(reply(request, 200), now)
        else:
            event.call.relay(event, now)
        if leaving is not None:
            event.call.end(leaving, now, "refused")


def _released(call: CallControl, listener: Listening, kept: bool, now: float) -> None:
    leaving = listener.leaving()
    if kept and leaving is not None:
        call.end(leaving, now, "refused")


def spoken(calls: Calls, report: DigitReport) -> tuple[CallControl, Side, str] | None:
    """In which call a key was pressed, on which side, and on which leg the relay saw it. A relay may stand on either:
    it sees the Call-ID and tags of that leg, one of which is ours.
    """
    for tag in (report.tag, *report.tags):
        leg = calls.legs.get(tag)
        side = leg.speaker(report.call_id, report.tag) if leg is not None else None
        if leg is not None and side is not None:
            return leg.call, side, "rtp " + leg.side
    return None


def listener_of(call: CallControl) -> Listening:
    """Who still listens to a call that is over."""
    found = call.listener
    return found if isinstance(found, Listening) else _NOBODY


def _answer(unanswered: Unanswered, kept: bool, now: float) -> None:
    if kept:
        unanswered.kept(now)
    else:
        unanswered.lost(now)
