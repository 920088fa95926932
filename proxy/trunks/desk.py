"""The desk: what is done about each call, from the question to the record.

Owns the state of each attempt (which gateways were tried, when it was answered) for as long as the call lives. Must
never connect a call without a permit: `Outbound` is made of one and is the only thing that writes an INVITE. How it
works: sans-IO; `Calls` tells, the desk answers. Only configuration routes: no Route, Contact, maddr or host of a
Request-URI does.
"""

from collections.abc import Callable, Mapping
from typing import Final

from proxy.core.decision import PermitSpentError
from proxy.sip.call_events import (
    BranchFailed,
    CallAnswered,
    CallAsked,
    CallControl,
    CallEnded,
    CallEvent,
    CallRinging,
    InsideAsked,
    PlainAsked,
    UnwantedSaid,
)
from proxy.sip.calls import Calls
from proxy.sip.carried import NOTHING
from proxy.sip.error import SipError
from proxy.sip.message import SipRequest
from proxy.sip.reply import Headers, reply
from proxy.sip.sdp import OFFERS_TEXT
from proxy.sip.share import Shares
from proxy.sip.uri import Uri
from proxy.trunks.attempt import Attempt
from proxy.trunks.digit_reports import DigitReport
from proxy.trunks.door import ALLOW, Admitted
from proxy.trunks.gateways import Carrier
from proxy.trunks.inbound import Inbound
from proxy.trunks.judge import CallJudge, Refused
from proxy.trunks.outbound import HeaderRules, Outbound
from proxy.trunks.peers import Trunk, holder_of
from proxy.trunks.redirect import redirect_of
from proxy.trunks.refusing import Refusing, spoken
from proxy.trunks.trying import CHALLENGES, Reach, Trying

Log = Callable[..., None]

_FAIL_OVER: Final = frozenset((408, 503))
_RETRY_AFTER: Final = b"5"
_NO_TEXT: Final[Headers] = [("allow", ALLOW), ("reason", b'Q.850;cause=21;text="pdu.unsupported"')]
_OVERLOADED: Final[Headers] = [("retry-after", _RETRY_AFTER), ("reason", b"Q.850;cause=42")]
#: What a carrier is told where no gateway of a trunk lives: this number cannot be reached, while all others can.
_UNREACHED: Final[tuple[int, Headers]] = (480, [("reason", b"Q.850;cause=20")])


class _Refusing:
    """Brings a refusal to the call that it is of; where it comes later, the desk's `later` is told."""

    __slots__ = ("_call", "_desk", "_trunk")

    def __init__(self, desk: "CallDesk", call: CallControl, trunk: Trunk) -> None:
        self._desk: Final = desk
        self._call: Final = call
        self._trunk: Final = trunk

    def __call__(self, refused: Refused) -> None:
        self._desk.refused(self._call, self._trunk, refused)


class CallDesk:
    """One for all calls. `reach` gives a way to a gateway for so many octets, None where there is none; `clock` is
    monotonic; `later` is called where a call was refused when nobody had asked.
    """

    __slots__ = (
        "_attempts",
        "_calls",
        "_carriers",
        "_clock",
        "_held_back",
        "_inbound",
        "_judge",
        "_later",
        "_log",
        "_most",
        "_refusing",
        "_shares",
        "_trying",
        "draining",
    )

    def __init__(
        self,
        calls: Calls,
        carriers: Mapping[str, Carrier],
        judge: CallJudge,
        reach: Reach,
        held_back: frozenset[str],
        calls_most: int,
        log: Log,
        clock: Callable[[], float],
        later: Callable[[], None],
        inbound: Inbound,
    ) -> None:
        self._calls: Final = calls
        self._inbound: Final = inbound
        self._carriers: Final = {
            name: (each, HeaderRules(each.settings.header_remove, each.settings.header_add))
            for name, each in carriers.items()
        }
        self._judge: Final = judge
        self._held_back: Final = held_back
        self._most: Final = calls_most
        self._log: Final = log
        self._clock: Final = clock
        self._later: Final = later
        self._refusing: Final = Refusing(calls, clock, later)
        self._trying: Final = Trying(calls, reach, self._stopped, log)
        self._attempts: dict[CallControl, Attempt] = {}
        self._shares: Final = Shares()
        self.draining = False

    def __len__(self) -> int:
        return len(self._attempts)

    @property
    def keeping(self) -> int:
        """How many refusals of persons are on their way to disk; whoever gave them waits for an answer."""
        return len(self._refusing.under_way)

    def take(self, event: CallEvent, admitted: Admitted | None, now: float) -> None:
        """Act on one event; `admitted` is what the door said of the message that made it."""
        if isinstance(event, CallAsked):
            self._asked(event, admitted, now)
        elif isinstance(event, BranchFailed):
            self._failed(event, now)
        elif isinstance(event, CallRinging):
            attempt = self._attempts.get(event.call)
            if attempt is not None:
                _lives(attempt)
                attempt.followed.rang(event.response)
        elif isinstance(event, CallAnswered):
            self._answered(event, now)
        elif isinstance(event, CallEnded):
            self._ended(event, now)
        elif isinstance(event, InsideAsked):
            self._inside(event, now)
        elif isinstance(event, UnwantedSaid):
            attempt = self._attempts.get(event.call)
            declined = self._refusing.unwanted(event, attempt.followed if attempt is not None else None, now)
            if attempt is not None and declined is not None:
                attempt.declined = declined
        elif isinstance(event, PlainAsked):
            self._plain(event, now)

    def broken(self, event: CallEvent, now: float) -> None:
        """Acting on this event has raised: nobody stays without an answer, and nothing of it is kept."""
        if isinstance(event, PlainAsked | InsideAsked):
            event.transaction.respond(reply(event.request, 500, b"", [("retry-after", _RETRY_AFTER)]), now)
        elif isinstance(event, UnwantedSaid):
            event.unanswered.lost(now)
        elif isinstance(event, CallAsked | BranchFailed | CallRinging | CallAnswered | CallEnded):
            event.call.refuse(500, [("retry-after", _RETRY_AFTER)], now)
            event.call.end([("reason", b'Q.850;cause=41;text="defect"')], now, "defect")

    def end_all(self, now: float) -> None:
        """Release every call: the process ends."""
        for attempt in list(self._attempts.values()):
            attempt.call.end([("reason", b'Q.850;cause=41;text="shutdown"')], now, "shutdown")

    def refused(self, call: CallControl, trunk: Trunk, refused: Refused) -> None:
        """The judge's answer to a call: now, or once it is on disk."""
        self._log("call.refused", trunk=trunk.name, rule=refused.rule, status=refused.status)
        call.refuse(refused.status, refused.headers, self._clock(), NOTHING, refused.phrase)
        self._later()

    def recheck(self, now: float) -> None:
        """The registry has changed: end the calls that would be closed now, where configuration wants that."""
        for attempt in list(self._attempts.values()):
            rule = attempt.followed.closed_by()
            if rule:
                self._log("call.closed", trunk=attempt.trunk.name, rule=rule)
                attempt.call.end(attempt.followed.ending(rule), now, rule)

    def digits(self, reports: list[DigitReport], now: float) -> None:
        """A media relay has seen a key."""
        for report in reports:
            found = spoken(self._calls, report)
            if found is not None:
                call, side, seen = found
                attempt = self._attempts.get(call)
                listening = attempt.followed if attempt is not None else None
                self._refusing.pressed(call, listening, report.key, side, seen, now)
                return
        self._log("digits.unmatched")

    # A new call

    def _asked(self, event: CallAsked, admitted: Admitted | None, now: float) -> None:
        call = event.call
        if admitted is not None and admitted.carrier:
            self._called_back(event, admitted, now)
            return
        trunk = admitted.trunk if admitted is not None else None
        if admitted is None or trunk is None:
            call.refuse(403, [], now)
            return
        if self.draining or self._is_full(trunk.name):
            self._log("call.overload", trunk=trunk.name)
            rule = "internal.draining" if self.draining else "throughput.account"
            self._judge.put_off(trunk.account, event.request, admitted.uri, rule, _Refusing(self, call, trunk))
            return
        if event.offers_text:
            refusing = _Refusing(self, call, trunk)
            permitted = self._judge.judge(trunk.account, event.request, admitted.uri, refusing, offers_text=True)
            if permitted is not None:
                # WHY here too: whatever the rules say, no text passes in a call.
                permitted.ended("us", "media", OFFERS_TEXT, None)
                call.refuse(OFFERS_TEXT, [], now)
            return
        redirects = self._carriers[trunk.carrier][0].settings.follow_redirects
        self._judged(call, trunk, event.request, admitted.uri, now, redirects=redirects)

    def _judged(
        self, call: CallControl, trunk: Trunk, request: SipRequest, uri: Uri, now: float, *, redirects: bool
    ) -> None:
        """Ask for this call, and send it where it is permitted. `redirects`: a 3xx may have it asked about anew."""
        permitted = self._judge.judge(trunk.account, request, uri, _Refusing(self, call, trunk))
        if permitted is None:
            return
        carrier, rules = self._carriers[trunk.carrier]
        try:
            outbound = Outbound(permitted.permit, request, self._held_back)
        except (PermitSpentError, SipError, ValueError):
            # WHY ended: its place under the caps was taken, and nobody else would give it back.
            self._log("call.unwritten", trunk=trunk.name)
            call.refuse(500, [("retry-after", _RETRY_AFTER)], now)
            permitted.ended("us", "unwritten", 500, None)
            return
        attempt = Attempt(call, trunk, carrier, rules, outbound, permitted)
        if redirects:
            attempt.asked = request
        self._keep(attempt, trunk.name)
        self._try_next(attempt, None, now)

    def _called_back(self, event: CallAsked, admitted: Admitted, now: float) -> None:
        """A call from a carrier: towards the sender, so no permit is needed."""
        if event.offers_text:
            event.call.refuse(OFFERS_TEXT, [], now)
            return
        holder = holder_of("", admitted.carrier)
        if self.draining or self._is_full(holder):
            self._log("call.overload", carrier=admitted.carrier)
            event.call.refuse(503, _OVERLOADED, now)
            return
        attempt = self._inbound.begin(event, admitted.carrier, admitted.uri, now)
        if attempt is not None:
            self._keep(attempt, holder)
            self._try_next(attempt, None, now)

    def _is_full(self, holder: str) -> bool:
        """Whether there is no room for a call of this holder; it is among those that are kept already."""
        free = self._most + 1 - len(self._calls)
        return free <= 0 or self._shares.of(holder).is_spent(free)

    def _keep(self, attempt: Attempt, holder: str) -> None:
        self._attempts[attempt.call] = attempt
        share = attempt.share = self._shares.of(holder)
        share.held += 1

    def _drop(self, call: CallControl) -> Attempt | None:
        attempt = self._attempts.pop(call, None)
        if attempt is not None and attempt.share is not None:
            attempt.share.held -= 1
        return attempt

    def _try_next(self, attempt: Attempt, failed: BranchFailed | None, now: float) -> None:
        """The next gateway that lives, or the end."""
        if self._trying.next(attempt, now):
            return
        if failed is not None:
            self._give_up(attempt, failed, now)
        else:
            self._log("call.unroutable", trunk=attempt.trunk.name, carrier=attempt.carrier.name)
            status, headers = _UNREACHED if attempt.inward else (503, _OVERLOADED)
            attempt.refuse(status, headers, now)

    def _stopped(self, attempt: Attempt, refused: Refused) -> None:
        """It may not go on to a further gateway: refused or closed meanwhile."""
        self._log("call.refused", trunk=attempt.trunk.name, rule=refused.rule, status=refused.status)
        attempt.by = "us"
        attempt.cause = refused.rule
        attempt.refuse(refused.status, refused.headers, self._clock(), NOTHING, refused.phrase)
        self._later()

    # A way that failed

    def _failed(self, event: BranchFailed, now: float) -> None:
        attempt = self._attempts.get(event.call)
        if attempt is None or attempt.gateway is None:
            event.call.refuse(500, [], now)
            return
        if event.status in CHALLENGES and self._trying.prove(attempt, event, now):
            return
        declined = attempt.declined
        # WHY the caller waits too: whoever reads a 607 may take it for kept.
        if declined is not None and declined.wait(lambda later: self._give_up(attempt, event, later)):
            return
        gateway = attempt.gateway
        if event.response is not None:
            attempt.followed.failed(event.response)
        if event.response is None and not event.rang:
            self._trying.down(attempt, gateway)
        # INVARIANT: nobody is called twice: once it rang somewhere, or somebody declined for all, that is the answer.
        if event.status in _FAIL_OVER and not event.rang:
            self._log("call.failed_over", carrier=attempt.carrier.name, gateway=gateway.name, status=event.status)
            self._try_next(attempt, event, now)
            return
        self._give_up(attempt, event, now)

    def _give_up(self, attempt: Attempt, event: BranchFailed, now: float) -> None:
        status = event.status
        attempt.by = "us" if event.response is None else "b"
        if 300 <= status < 400 and self._redirected(attempt, event, now):
            return
        if 300 <= status < 400:
            # WHY never passed on: its Contacts are a way around us and around the policy.
            attempt.refuse(480, [("reason", b"SIP;cause=%d" % status)], now)
        elif status in CHALLENGES or status in (421, 494):
            attempt.refuse(500, [("reason", b"SIP;cause=%d" % status)], now)
        elif status == 503 and attempt.inward:
            # WHY not 503: one trunk that cannot serve would have the carrier give up all of us (RFC 3261 §21.5.4).
            attempt.refuse(480, [("reason", b"SIP;cause=503")], now)
        else:
            reason = event.response.reason if event.response is not None else None
            attempt.refuse(status, [], now, event.carried, reason)

    def _redirected(self, attempt: Attempt, event: BranchFailed, now: float) -> bool:
        """Ask about whom a 3xx names, once; he is another person, so that is another question with its own record."""
        asked, response = attempt.asked, event.response
        uri = redirect_of(response) if asked is not None and response is not None and not event.rang else None
        if asked is None or uri is None:
            return False
        self._drop(attempt.call)
        # WHY ended before: the place of this attempt is free for the next one.
        attempt.followed.ended("b", "redirected", event.status, None)
        self._log("call.redirected", trunk=attempt.trunk.name, carrier=attempt.carrier.name)
        self._judged(attempt.call, attempt.trunk, asked, uri, now, redirects=False)
        return True

    # A call that runs

    def _answered(self, event: CallAnswered, now: float) -> None:
        attempt = self._attempts.get(event.call)
        if attempt is not None:
            _lives(attempt)
            attempt.answered_at = now
            attempt.asked = None
            attempt.followed.answered(event.response, now)
            longest_s = attempt.followed.longest_s
            if longest_s > 0:
                attempt.longest = self._calls.timers.start(attempt, "duration", longest_s, now)

    def _ended(self, event: CallEnded, now: float) -> None:
        attempt = self._drop(event.call)
        if attempt is None:
            return
        if attempt.longest is not None:
            attempt.longest.end()
        answered = attempt.answered_at is not None
        seconds = now - attempt.answered_at if attempt.answered_at is not None else 0.0
        by = attempt.by if event.by == "us" else event.by
        status = attempt.status or (487 if event.by == "a" else 0)
        cause = attempt.cause or event.cause
        attempt.followed.ended(by, cause, 200 if answered else status, event.request)
        event.call.listener = attempt.followed.after()
        self._log(
            "call.ended",
            trunk=attempt.trunk.name,
            carrier=attempt.carrier.name,
            by=by,
            cause=cause,
            answered=answered,
            seconds=round(seconds, 3),
        )

    def _inside(self, event: InsideAsked, now: float) -> None:
        method = event.request.method
        if method == "INFO":
            attempt = self._attempts.get(event.call)
            listening = attempt.followed if attempt is not None else None
            answered = attempt is None or attempt.answered_at is not None
            self._refusing.info(event, listening, answered=answered, now=now)
        elif method == "OPTIONS":
            event.transaction.respond(reply(event.request, 200, b"", _capabilities()), now)
        elif method == "MESSAGE":
            self._text(event, b"", now)
        else:
            event.transaction.respond(reply(event.request, 501), now)

    def _plain(self, event: PlainAsked, now: float) -> None:
        request = event.request
        tag = self._calls.ids.next()
        if request.method == "OPTIONS":
            status = 503 if self.draining else 200
            event.transaction.respond(reply(request, status, tag, _capabilities()), now)
        elif request.method == "MESSAGE":
            self._text(event, tag, now)
        else:
            event.transaction.respond(reply(request, 405, tag, [("allow", ALLOW)]), now)

    def _text(self, event: InsideAsked | PlainAsked, tag: bytes, now: float) -> None:
        # WHY no question to the policy: text is not carried here (RFC 3428 §7), whatever it would say.
        self._log("call.text_refused")
        event.transaction.respond(reply(event.request, 405, tag, _NO_TEXT), now)


def _lives(attempt: Attempt) -> None:
    if attempt.gateway is not None:
        attempt.gateway.rang = True


def _capabilities() -> Headers:
    return [("allow", ALLOW), ("accept", b"application/sdp"), ("supported", b"")]
