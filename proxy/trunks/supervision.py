"""OPTIONS towards each gateway, to know which ones live (RFC 3261 §11).

Owns the rhythm and the verdict. Must never judge by what the answer says of itself: whatever answers lives, but for a
503, which says that it does not want to, and a 408, which says that nobody is behind it. One that is silent to OPTIONS
and rings or answers calls meanwhile lives too.
"""

from collections.abc import Callable
from typing import Final

from proxy.sip.call import Asker
from proxy.sip.calls import Calls
from proxy.sip.headers import line_of
from proxy.sip.message import SipRequest, SipResponse
from proxy.trunks.gateways import Gateway
from proxy.trunks.way import Way

Log = Callable[..., None]
_DEAD: Final = frozenset((408, 503))


class Probe(Asker):
    """The supervision of one gateway; `way` gives the way to it."""

    __slots__ = ("_calls", "_every_s", "_gateway", "_log", "_way", "stopped")

    def __init__(
        self, gateway: Gateway, every_s: float, calls: Calls, way: Callable[[Gateway, int], Way | None], log: Log
    ) -> None:
        self._gateway: Final = gateway
        self._every_s: Final = every_s
        self._calls: Final = calls
        self._way: Final = way
        self._log: Final = log
        self.stopped = False

    def expired(self, name: str, now: float) -> None:
        """Ask, and again after the pause."""
        del name
        if self.stopped:
            return
        self._calls.timers.start(self, "options", self._every_s, now)
        way = self._way(self._gateway, 0)
        if way is None:
            self._tell(up=False)
        else:
            self._calls.ask(self._options(way), way.flow, self, now)

    def responded(self, response: SipResponse, now: float) -> None:
        del now
        if response.status >= 200:
            self._tell(up=response.status not in _DEAD)

    def unanswered(self, now: float) -> None:
        """Nobody has answered. WHY calls count then: some answer no OPTIONS, and still put everybody through."""
        del now
        lives, self._gateway.rang = self._gateway.rang, False
        self._tell(up=lives)

    def _tell(self, *, up: bool) -> None:
        gateway = self._gateway
        if up == gateway.up:
            return
        gateway.up = up
        self._log("gateway.up" if up else "gateway.down", carrier=gateway.carrier, gateway=gateway.name)

    def _options(self, way: Way) -> SipRequest:
        ids = self._calls.ids
        uri = b"sip:" + self._gateway.name.encode()
        if self._gateway.settings.transport != "udp":
            uri += b";transport=" + self._gateway.settings.transport.encode()
        lines = [
            ("via", way.hop.via(ids.branch())),
            ("max-forwards", b"70"),
            ("from", b"<" + way.local.contact + b">;tag=" + ids.next()),
            ("to", b"<" + uri + b">"),
            ("call-id", ids.next()),
            ("cseq", b"1 OPTIONS"),
            ("contact", way.hop.contact),
            ("accept", b"application/sdp"),
            ("content-length", b"0"),
        ]
        keys = [key for key, _ in lines]
        return SipRequest("OPTIONS", uri, keys, [line_of(key, value) for key, value in lines])
