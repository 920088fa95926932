"""Calls from a carrier to a number of ours: people who call back.

Owns which trunk takes such a call. Must never route by anything but configuration and registry: the called number is
one of the library, the account that owns it has a trunk, and that trunk has gateways. How it works: the judge says
whose the number is; what follows is an attempt like every other, towards the trunk's gateways.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from proxy.sip.call_events import CallAsked
from proxy.sip.carried import NOTHING
from proxy.sip.error import SipError
from proxy.sip.uri import Uri
from proxy.trunks.attempt import Attempt
from proxy.trunks.gateways import Carrier
from proxy.trunks.inward import Inward
from proxy.trunks.judge import CallJudge, NotTaken
from proxy.trunks.outbound import HeaderRules
from proxy.trunks.peers import Trunk

Log = Callable[..., None]
_NO_RULES: Final = HeaderRules([], {})


class Inbound:
    """One for all calls. `takers` are the trunks that take calls, by name; of several of one account the first does."""

    __slots__ = ("_by_account", "_held_back", "_judge", "_log")

    def __init__(
        self,
        judge: CallJudge,
        trunks: Iterable[Trunk],
        takers: Mapping[str, Carrier],
        held_back: frozenset[str],
        log: Log,
    ) -> None:
        self._judge: Final = judge
        self._held_back: Final = held_back
        self._log: Final = log
        self._by_account: Final[dict[str, tuple[Trunk, Carrier]]] = {}
        for trunk in trunks:
            if trunk.name in takers:
                self._by_account.setdefault(trunk.account, (trunk, takers[trunk.name]))

    def begin(self, event: CallAsked, carrier: str, uri: Uri, now: float) -> Attempt | None:
        """The attempt that follows from a carrier's INVITE; None where nobody takes it, and then it is answered."""
        call, request = event.call, event.request
        taken = self._judge.call_back(carrier, request, uri, self._by_account)
        if isinstance(taken, NotTaken):
            self._log("call.untaken", carrier=carrier, status=taken.status, reason=taken.cause)
            call.refuse(taken.status, taken.headers, now)
            return None
        trunk, group = self._by_account[taken.account]
        try:
            first = Inward(request, taken.number, self._held_back)
        except SipError as error:
            self._log("call.untaken", carrier=carrier, status=error.status, reason=error.detail)
            call.refuse(error.status, [], now, NOTHING)
            taken.ended("us", error.detail, error.status, None)
            return None
        taken.tried(carrier)
        return Attempt(call, trunk, group, _NO_RULES, first, taken, inward=True)
