"""A playbook for the desk: `CallPlay` with a desk on top, a judge whose answers are the test's, gateways by name.

Leg A's peer is whoever called, leg B's whoever the desk chose; `reached` names the gateways in order.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from proxy.sip.message import SipRequest
from proxy.sip.uri import Uri, parse_uri
from proxy.sip_settings import SipCarrier, SipGateway, SipTrunk
from proxy.trunks.desk import CallDesk
from proxy.trunks.door import Admitted
from proxy.trunks.gateways import Carrier, Gateway
from proxy.trunks.inbound import Inbound
from proxy.trunks.judge import Answer, CallBack, NotTaken, Permitted, Refused
from proxy.trunks.peers import Trunk
from proxy.trunks.way import Local, Way
from tests.tools.sip_call_play import CallPlay
from tests.tools.sip_messages import SDP, a_request

TAKING = SipTrunk(
    account="jl-voice",
    addresses=["192.0.2.10/32"],
    gateways=[SipGateway("192.0.2.40"), SipGateway("192.0.2.41", priority=2)],
    options_s=0.0,
)


class Back(CallBack):
    """A call back whose end is kept."""

    def __init__(self, account: str, number: str) -> None:
        super().__init__(account, number)
        self.ends: list[tuple[Any, ...]] = []
        self.carriers: list[str] = []

    def tried(self, carrier: str) -> None:
        self.carriers.append(carrier)

    def ended(self, by: Any, cause: str, status: int, request: SipRequest | None) -> None:
        del request
        self.ends.append((by, cause, status))


class Judge:
    """Gives what the test has put there."""

    def __init__(self) -> None:
        self.permitted: Permitted | None = None
        #: What comes of a further question: a permit, or a refusal.
        self.next: Permitted | Refused | None = None
        self.asked: list[bytes] = []
        self.back: CallBack | NotTaken = Back("jl-voice", "95500")
        self.taking: Container[str] = ()

    def judge(
        self, account: str, request: SipRequest, uri: Uri, answer: Answer, *, offers_text: bool = False
    ) -> Permitted | None:
        del account, request, offers_text
        self.asked.append(uri.written)
        found = self.permitted if len(self.asked) == 1 else self.next
        if isinstance(found, Refused):
            answer(found)
            return None
        return found

    def put_off(self, account: str, request: SipRequest, uri: Uri, rule: str, answer: Answer) -> None:
        raise AssertionError(rule)

    def call_back(self, carrier: str, request: SipRequest, uri: Uri, taking: Container[str]) -> CallBack | NotTaken:
        del carrier, request, uri
        self.taking = taking
        return self.back


class DeskPlay(CallPlay):
    """One desk. `dead` names gateways that cannot be reached at all."""

    def __init__(
        self,
        trunk: SipTrunk = TAKING,
        most: int = 100,
        headers: frozenset[str] = frozenset(),
        *,
        follow_redirects: bool = False,
        gateways: int = 1,
        username: str = "",
    ) -> None:
        super().__init__()
        self.judge = Judge()
        self.logged: list[tuple[str, dict[str, Any]]] = []
        self.reached: list[str] = []
        self.dead: set[str] = set()
        self.trunk = Trunk("callcentre", trunk)
        carrier = Carrier(
            "default",
            SipCarrier(
                gateways=[SipGateway(f"192.0.2.{30 + place}", priority=place + 1) for place in range(gateways)],
                options_s=0.0,
                follow_redirects=follow_redirects,
                username=username,
            ),
        )
        takers = {"callcentre": Carrier("callcentre", trunk.taking(), of_trunk=True)} if trunk.gateways else {}
        inbound = Inbound(self.judge, [self.trunk], takers, headers, self._log)
        self.desk = CallDesk(
            *(self.calls, {"default": carrier}, self.judge, self._reach, headers, most, self._log),
            *(lambda: self.now, lambda: None, inbound),
        )
        self.admitted: Admitted | None = None

    def _log(self, event: str, **fields: Any) -> None:
        self.logged.append((event, fields))

    def _reach(self, gateway: Gateway, octets: int) -> Way | None:
        if gateway.settings.host in self.dead:
            return None
        if not octets:
            self.reached.append(gateway.settings.host)
        way = Way(Local(b"UDP", "192.0.2.20", 5060), gateway.settings.host, gateway.settings.port, reliable=False)
        way.flow, way.hop = self.flows["b"], self.hops["b"]
        return way

    def note(self) -> None:
        while True:
            known = len(self.events)
            super().note()
            for event in self.events[known:]:
                self.desk.take(event, self.admitted, self.now)
            if len(self.events) == known:
                return

    def comes_back(self, uri: str = "sip:95500@192.0.2.20", **parts: Any) -> None:
        """An INVITE of the carrier's."""
        parts.setdefault("caller", '"Zhou" <sip:13800138000@carrier.example>;tag=a-tag')
        self._begins(Admitted(None, parse_uri(uri.encode()), "default"), uri=uri, **parts)

    def calls_out(self, **parts: Any) -> None:
        """An INVITE of the trunk's."""
        self._begins(Admitted(self.trunk, parse_uri(b"sip:13800138000@192.0.2.20")), **parts)

    def _begins(self, admitted: Admitted, *, body: bytes = SDP, **parts: Any) -> None:
        self.admitted = admitted
        self.asked = a_request(body=body, headers=("Content-Type: application/sdp",), **parts)
        self.give("a", self.asked)
