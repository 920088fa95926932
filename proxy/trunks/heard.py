"""What is heard of one call, in either direction: the desk's messages, brought to the call's ears.

Owns nothing but the way. Must never hear under a registry of yesterday: what is in force is looked up each time.
"""

from collections.abc import Callable
from typing import Final

from proxy.judging.call_refusals import CallEars
from proxy.sip.call_events import Side
from proxy.sip.message import SipMessage, SipRequest, SipResponse
from proxy.trunks.judge import Committed, Listening


class Heard(Listening):
    """What is heard of one call, while it lasts and after."""

    __slots__ = ("_ears", "_renew")

    def __init__(self, renew: Callable[[], None], ears: CallEars) -> None:
        self._renew: Final = renew
        self._ears: Final = ears

    def info(self, request: SipRequest, side: Side, now: float, committed: Committed) -> bool:
        self._renew()
        return self._ears.info(request, side, now, committed)

    def pressed(self, key: str, side: Side, now: float, seen: str, committed: Committed) -> bool:
        self._renew()
        return self._ears.pressed(key, side, now, committed, seen)

    def unwanted(self, message: SipMessage, side: Side, committed: Committed) -> bool:
        self._renew()
        if isinstance(message, SipResponse):
            return self._ears.response(message, committed)
        return isinstance(message, SipRequest) and self._ears.bye(message, side, committed)

    def again(self, committed: Committed) -> bool:
        self._renew()
        return self._ears.again(committed)
