"""Trying: which gateway an attempt is brought to next, and the INVITE that it gets.

Owns the way out of a call: the choice among its gateways, the answer to their challenges, and the question before each
further INVITE whether the call may still be made. Must never bring one that may not: what was permitted a while ago may
be refused by now, by the person or the registry. How it works: sans-IO; `first` of the attempt writes each INVITE.
"""

from collections.abc import Callable
from typing import Final

from proxy.sip.call_events import BranchFailed
from proxy.sip.calls import Calls
from proxy.sip.digest_client import DigestClient
from proxy.sip.message import SipRequest
from proxy.trunks.attempt import Attempt
from proxy.trunks.door import ALLOW
from proxy.trunks.gateways import Gateway
from proxy.trunks.judge import Refused
from proxy.trunks.way import Way

Log = Callable[..., None]
Reach = Callable[[Gateway, int], Way | None]
#: Told that an attempt may not go on any more, at once or when that is on disk.
Stopped = Callable[[Attempt, Refused], None]

#: What a carrier asks of us, and nobody else can answer.
CHALLENGES: Final = {401: ("www-authenticate", "authorization"), 407: ("proxy-authenticate", "proxy-authorization")}


class _Stopping:
    """Brings the refusal of a further INVITE to whoever ends the attempt."""

    __slots__ = ("_attempt", "_stopped")

    def __init__(self, attempt: Attempt, stopped: Stopped) -> None:
        self._attempt: Final = attempt
        self._stopped: Final = stopped

    def __call__(self, refused: Refused) -> None:
        self._stopped(self._attempt, refused)


class Trying:
    """One for all calls. `reach` gives a way to a gateway for so many octets, None where there is none."""

    __slots__ = ("_calls", "_log", "_reach", "_stopped")

    def __init__(self, calls: Calls, reach: Reach, stopped: Stopped, log: Log) -> None:
        self._calls: Final = calls
        self._reach: Final = reach
        self._stopped: Final = stopped
        self._log: Final = log

    def next(self, attempt: Attempt, now: float) -> bool:
        """Bring it to the next gateway that lives; False where none is left. True too where it may not go on."""
        further = bool(attempt.tried)
        while (gateway := attempt.carrier.choose(attempt.tried)) is not None:
            if further and not self._may_go_on(attempt):
                return True
            # WHY once: what follows happens in the same moment.
            further = False
            attempt.tried.append(gateway)
            attempt.gateway = gateway
            attempt.call_id = self._calls.ids.next()
            attempt.tag = self._calls.ids.next()
            attempt.number = 1
            attempt.challenged = False
            attempt.followed.tried(attempt.carrier.name)
            if self._send(attempt, gateway, None, now):
                return True
            self.down(attempt, gateway)
        return False

    def prove(self, attempt: Attempt, event: BranchFailed, now: float) -> bool:
        """Answer a carrier's challenge: the same attempt, the next number (RFC 3261 §8.1.3.5). False where there is no
        answer to it; True too where it may not go on.
        """
        settings = attempt.carrier.settings
        asked, answered = CHALLENGES[event.status]
        gateway, way = attempt.gateway, attempt.way
        if event.response is None or not settings.username or attempt.challenged or gateway is None or way is None:
            return False
        client = DigestClient(settings.username.encode(), settings.password.encode())
        if not client.challenged(event.response.each(asked), answered=False):
            return False
        if not self._may_go_on(attempt):
            return True
        attempt.challenged = True
        attempt.number += 1
        plain = self._written(attempt, gateway, way, None)
        credentials = client.credentials("INVITE", plain.uri, plain.body, self._calls.ids.next())
        return self._send(attempt, gateway, (answered, credentials), now)

    def down(self, attempt: Attempt, gateway: Gateway) -> None:
        """A gateway that was silent is left alone until it answers OPTIONS; without supervision it is tried again."""
        if gateway.up and attempt.carrier.settings.options_s > 0:
            gateway.up = False
            self._log("gateway.down", carrier=gateway.carrier, gateway=gateway.name)

    def _may_go_on(self, attempt: Attempt) -> bool:
        return attempt.followed.may_go_on(_Stopping(attempt, self._stopped))

    def _send(self, attempt: Attempt, gateway: Gateway, credentials: tuple[str, bytes] | None, now: float) -> bool:
        way = attempt.way = self._reach(gateway, 0)
        if way is None:
            return False
        request = self._written(attempt, gateway, way, credentials)
        if not way.flow.reliable:
            octets = len(request.octets())
            larger = self._reach(gateway, octets)
            if larger is not None and larger is not way:
                way = attempt.way = larger
                request = self._written(attempt, gateway, way, credentials)
        attempt.call.connect(way.hop, request, now, attempt.carrier.settings.no_answer_s)
        return True

    def _written(
        self, attempt: Attempt, gateway: Gateway, way: Way, credentials: tuple[str, bytes] | None
    ) -> SipRequest:
        settings = attempt.carrier.settings
        return attempt.first.invite(
            gateway,
            settings,
            attempt.rules,
            way.hop,
            way.hop.via(self._calls.ids.branch()),
            settings.domain.encode() or way.local.host,
            ALLOW,
            attempt.call_id,
            attempt.tag,
            attempt.number,
            credentials,
        )
