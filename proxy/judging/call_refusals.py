"""What a person refuses inside a call: by the keypad, by a 607, or by hanging up with one (Z19).

Owns what in a call counts as a refusal, whose it is and what it closes. Must never answer before it is on disk, and
never take what the sender's side says for the person's. How it works: one `CallEars` for each call hears what passes;
what it recognises goes to `Hearing` as every reply does, so it binds at once and on both channels.
"""

from collections.abc import Callable
from typing import Final, Literal

from proxy.core.purposes import Channel
from proxy.core.snapshot import Snapshot
from proxy.judging.call_gate import CallsInForce, PermittedCall
from proxy.judging.hearing import Hearing, Understood
from proxy.judging.keypad import Keypad, KeypadSettings
from proxy.judging.latest_messages import Answered
from proxy.optout_parser import Reading
from proxy.sip.dtmf import digits_in
from proxy.sip.message import SipRequest, SipResponse
from proxy.sip.unwanted import is_diverted, names_rule, says_unwanted

Leg = Literal["a", "b"]
_CHANNEL: Final[Channel] = "voice"
#: Called once when a refusal is on disk (True) or could not be put there (False).
Committed = Callable[[bool], None]


class Party:
    """The person in a call: canonical number, the number that called or was called back, and whose call it was."""

    __slots__ = ("answered", "decision", "leg", "number", "person")

    def __init__(self, person: str, number: str, answered: tuple[Answered, ...], decision: int, leg: Leg) -> None:
        self.person: Final = person
        self.number: Final = number
        self.answered: Final = answered
        self.decision: Final = decision
        self.leg: Final = leg


def party_of(call: PermittedCall) -> Party:
    """Who is called in a permitted call: its decision says exactly for whom and for what."""
    decision = call.decision
    answered = Answered(decision.principal, frozenset((decision.purpose,)))
    return Party(call.question.recipient or "", call.question.caller or "", (answered,), decision.id, "b")


class CallEars:
    """What is heard of one call, from whichever side the person is on. `end_user`: the route's signalling is the
    person's own, so that its 607 counts.

    One refusal a call: what says it again while it is on its way to disk waits for the same commit.
    """

    __slots__ = (
        "_answered_at",
        "_diverted",
        "_end_user",
        "_hearing",
        "_how",
        "_in_force",
        "_keypad",
        "_pads",
        "_party",
        "_state",
        "_waiting",
    )

    def __init__(
        self, party: Party, hearing: Hearing, in_force: CallsInForce, keypad: KeypadSettings, *, end_user: bool
    ) -> None:
        self._party: Final = party
        self._hearing: Final = hearing
        self._in_force: Final = in_force
        self._keypad: Final = keypad
        self._end_user: Final = end_user
        self._answered_at: float | None = None
        #: By how the keys are seen. WHY apart: one press that is seen twice is not two of a sequence.
        self._pads: dict[str, Keypad] = {}
        self._diverted = False
        self._state: Literal["none", "waiting", "kept"] = "none"
        self._how = ""
        self._waiting: list[Committed] = []

    def answered(self, now: float) -> None:
        """The call was answered; seconds of the clock that `info` and `pressed` are told."""
        if self._answered_at is None:
            self._answered_at = now
            for pad in self._pads.values():
                pad.answered(now)

    def info(self, request: SipRequest, leg: Leg, now: float, committed: Committed) -> bool:
        """An INFO of one leg. True where it refuses: answer it, or pass it on, when `committed` is called."""
        if not self._is_person(leg) or names_rule(request):
            return False
        return self._keys(digits_in(request), now, committed, "info")

    def pressed(self, key: str, leg: Leg, now: float, committed: Committed, seen: str = "rtp") -> bool:
        """A key that a media relay saw (RFC 4733); `seen` tells relays apart that see the same call."""
        return self._is_person(leg) and self._keys(key, now, committed, seen)

    def noted(self, response: SipResponse) -> None:
        """A response of leg B to the INVITE, of any status: it may say that the call was diverted."""
        self._diverted = self._diverted or is_diverted(response)

    def response(self, response: SipResponse, committed: Committed) -> bool:
        """A final response of leg B to the INVITE. True where it refuses."""
        self.noted(response)
        return self._counts("b") and says_unwanted(response) and self._refuse("607", committed)

    def bye(self, request: SipRequest, leg: Leg, committed: Committed) -> bool:
        """A BYE of one leg. True where it refuses."""
        return self._counts(leg) and says_unwanted(request) and self._refuse("607", committed)

    def again(self, committed: Committed) -> bool:
        """Say the refusal once more that could not be put on disk; False where it was, by now, or where none was."""
        return bool(self._how) and self._refuse(self._how, committed)

    def _is_person(self, leg: Leg) -> bool:
        """WHY not one to whom the call was diverted: his keys are no more the person's word than his 607 is."""
        return leg == self._party.leg and not (leg == "b" and self._diverted)

    def _counts(self, leg: Leg) -> bool:
        return leg == "b" and self._is_person(leg) and self._end_user

    def _keys(self, keys: str, now: float, committed: Committed, seen: str) -> bool:
        if not keys:
            return False
        pad = self._pads.get(seen)
        if pad is None:
            pad = self._pads[seen] = Keypad(self._keypad)
            if self._answered_at is not None:
                pad.answered(self._answered_at)
        refuses = False
        for key in keys:
            # WHY all of them: each key has to be seen, also after the one that refuses.
            refuses = pad.pressed(key, now) or refuses
        if refuses:
            return self._refuse("keypad", committed)
        if self._state == "waiting":
            # WHY it waits too: pressed in doubt, its answer may be taken for that of the first.
            self._waiting.append(committed)
            return True
        return False

    def _refuse(self, how: str, committed: Committed) -> bool:
        if self._state == "kept":
            return False
        self._waiting.append(committed)
        if self._state == "waiting":
            return True
        self._state = "waiting"
        self._how = how
        party = self._party
        understood = Understood(
            Reading("optout", "voice", how, 1.0),
            party.person,
            party.number,
            party.answered,
            channel=_CHANNEL,
            source=how,
            decision=party.decision,
        )
        self._hearing.act(understood, self._snapshot, self._done)
        return True

    @property
    def _snapshot(self) -> Snapshot:
        return self._in_force.snapshot

    def _done(self, ok: bool, _changed: bool) -> None:
        self._state = "kept" if ok else "none"
        if not ok:
            # The overlay stays, so it binds; a second press tries again to put it on disk.
            for pad in self._pads.values():
                pad.again()
        waiting, self._waiting = self._waiting, []
        for committed in waiting:
            committed(ok)
