"""What a person refuses inside a call: by the keypad, by a 607, or by hanging up with one (Z19).

Owns what in a call counts as a refusal, whose it is and what it closes. Must never answer before it is on disk, and
never take what the sender's side says for the person's. How it works: one `CallEars` for each call hears what passes;
what it recognises goes to `Hearing` as every reply does, so it binds at once and on both channels.
"""

from collections.abc import Callable
from typing import Final, Literal

from proxy.core.purposes import Channel
from proxy.core.snapshot import Snapshot
from proxy.judging.attribution import Answered
from proxy.judging.call_gate import CallsInForce, PermittedCall
from proxy.judging.hearing import Done, Hearing, Understood
from proxy.judging.keypad import Keypad, KeypadSettings
from proxy.optout_parser import Reading
from proxy.sip.dtmf import digits_in
from proxy.sip.message import SipRequest, SipResponse
from proxy.sip.unwanted import is_diverted, says_unwanted

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
    """What is heard of one call. `end_user`: the route's signalling is the person's own, so that its 607 counts."""

    __slots__ = ("_diverted", "_end_user", "_hearing", "_in_force", "_keypad", "_party", "_refused")

    def __init__(
        self, party: Party, hearing: Hearing, in_force: CallsInForce, keypad: KeypadSettings, *, end_user: bool
    ) -> None:
        self._party: Final = party
        self._hearing: Final = hearing
        self._in_force: Final = in_force
        self._keypad: Final = Keypad(keypad)
        self._end_user: Final = end_user
        self._diverted = False
        self._refused = False

    def answered(self, now: float) -> None:
        """The call was answered; seconds of the clock that `info` and `pressed` are told."""
        self._keypad.answered(now)

    def info(self, request: SipRequest, leg: Leg, now: float, committed: Committed) -> bool:
        """An INFO of one leg. True where it refuses: answer it, or pass it on, when `committed` is called."""
        if leg != self._party.leg:
            return False
        # WHY all of them: each key has to be seen, also after the one that refuses.
        found = [self._keypad.pressed(key, now) for key in digits_in(request)]
        return any(found) and self._refuse("keypad", committed)

    def pressed(self, key: str, leg: Leg, now: float, committed: Committed) -> bool:
        """A key that a media relay saw (RFC 4733)."""
        return leg == self._party.leg and self._keypad.pressed(key, now) and self._refuse("keypad", committed)

    def response(self, response: SipResponse, committed: Committed) -> bool:
        """A response of the person's side to the INVITE, provisional ones too. True where it refuses."""
        self._diverted = self._diverted or is_diverted(response)
        return self._counts("b") and says_unwanted(response) and self._refuse("607", committed)

    def bye(self, request: SipRequest, leg: Leg, committed: Committed) -> bool:
        """A BYE of one leg. True where it refuses."""
        return self._counts(leg) and says_unwanted(request) and self._refuse("607", committed)

    def _counts(self, leg: Leg) -> bool:
        return leg == "b" == self._party.leg and self._end_user and not self._diverted

    def _refuse(self, how: str, committed: Committed) -> bool:
        if self._refused:
            return False
        self._refused = True
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
        self._hearing.act(understood, self._snapshot, self._done(committed))
        return True

    @property
    def _snapshot(self) -> Snapshot:
        return self._in_force.snapshot

    def _done(self, committed: Committed) -> Done:
        def done(ok: bool, _changed: bool) -> None:
            if not ok:
                # The overlay stays, so it binds; a second press tries again to put it on disk.
                self._refused = False
                self._keypad.again()
            committed(ok)

        return done
