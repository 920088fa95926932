"""A playbook for calls: two peers that are told what to send, a clock of its own, and what we sent to whom.

Lines are `a< 180 INVITE` (sent to leg A's peer), `b< BYE` (to leg B's), `! CallAnswered` (told to who runs the calls).
"""

from proxy.sip.call_events import CallAsked, CallControl, CallEvent, InsideAsked
from proxy.sip.calls import Calls
from proxy.sip.flow import Flow
from proxy.sip.framing import read_datagram
from proxy.sip.hop import Hop
from proxy.sip.ids import Ids
from proxy.sip.message import Limits, Message, SipRequest, SipResponse
from proxy.sip.screening import check_form, check_response
from proxy.sip.timers import Timers
from proxy.sip.transaction.table import Transactions
from proxy.sip.transaction.timing import Timing
from tests.tools.sip_messages import SDP, a_request, a_response
from tests.tools.sip_play import BEGIN, in_words

SDP_B = SDP.replace(b"192.0.2.10", b"192.0.2.30")


class CallPlay:
    """One stack. `sent` holds what each peer got, read again and checked as a peer would."""

    def __init__(self, *, reliable: bool = False) -> None:
        self.now = BEGIN
        self.table = Transactions(Timing(), Timers(), 10_000)
        self.flows = {"a": Flow("a", b"192.0.2.10", reliable), "b": Flow("b", b"192.0.2.30", reliable)}
        self.hops = {
            side: Hop(flow, b"TCP" if reliable else b"UDP", b"192.0.2.20", 5060, b"sip:%s@192.0.2.20" % side.encode())
            for side, flow in self.flows.items()
        }
        self.calls = Calls(self.table, Ids(b"t" * 32), lambda flow: self.hops[str(flow.key)], b"INVITE, ACK, BYE")
        self.sent: dict[str, list[Message]] = {"a": [], "b": []}
        self.events: list[CallEvent] = []
        self.lines: list[tuple[float, str]] = []
        self.branches = 0

    def note(self) -> None:
        second = round(self.now - BEGIN, 3)
        for event in self.calls.take(self.now):
            self.events.append(event)
            self.lines.append((second, f"! {type(event).__name__}"))
        for flow, octets in self.table.data_to_send():
            message = read_datagram(octets, Limits())
            assert message is not None
            if isinstance(message, SipRequest):
                check_form(message)
            else:
                check_response(message)
            side = str(flow.key)
            self.sent[side].append(message)
            self.lines.append((second, f"{side}< {in_words(message)}"))

    def to(self, second: float) -> None:
        until = BEGIN + second
        while (deadline := self.table.next_deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.table.expire(self.now)
            self.note()
        self.now = until

    def taken(self) -> list[tuple[float, str]]:
        lines, self.lines = self.lines, []
        return lines

    def words(self) -> list[str]:
        return [what for _, what in self.taken()]

    def give(self, side: str, message: Message) -> None:
        self.table.receive(message, self.flows[side], self.now)
        self.note()

    # Leg A's peer begins

    def invite(self, *, body: bytes = SDP, headers: tuple[str, ...] = (), **parts: str) -> CallControl:
        typed = ("Content-Type: application/sdp",) if body else ()
        self.asked = a_request(body=body, headers=(*headers, *typed), **parts)
        self.give("a", self.asked)
        event = self.events[-1]
        assert isinstance(event, CallAsked)
        return event.call

    def connect(
        self, call: CallControl, *, body: bytes | None = None, patience_s: float = 0.0, tag: str | None = None
    ) -> SipRequest:
        """Leg B goes out, as who holds a permit would build it; gives what leg B's peer got."""
        from_tag = tag or self.calls.ids.next().decode()
        typed = ("Content-Type: application/sdp",) if (self.asked.body if body is None else body) else ()
        invite = a_request(
            via=self.hops["b"].via(self.calls.ids.branch()).decode(),
            caller=f"<sip:95500@192.0.2.20>;tag={from_tag}",
            called="<sip:13800138000@192.0.2.30>",
            uri="sip:13800138000@192.0.2.30",
            call_id=self.calls.ids.next().decode(),
            contact="<sip:b@192.0.2.20>",
            headers=typed,
            body=self.asked.body if body is None else body,
        )
        call.connect(self.hops["b"], invite, self.now, patience_s)
        self.note()
        return self.last("b", "INVITE")

    def last(self, side: str, method: str) -> SipRequest:
        found = [each for each in self.sent[side] if isinstance(each, SipRequest) and each.method == method]
        return found[-1]

    def last_answer(self, side: str) -> SipResponse:
        return [each for each in self.sent[side] if isinstance(each, SipResponse)][-1]

    # What peers send

    def answer(
        self,
        side: str,
        request: SipRequest,
        status: int,
        *,
        tag: str = "b-tag",
        body: bytes = b"",
        headers: tuple[str, ...] = (),
        contact: str | None = None,
    ) -> None:
        typed = (
            ("Content-Type: application/sdp",) if body and not any("Content-Type" in each for each in headers) else ()
        )
        where = {"a": "<sip:95500@192.0.2.10:5060>", "b": "<sip:b@192.0.2.30>"}[side]
        known = request.to.tag is not None
        self.give(
            side,
            a_response(
                request,
                status,
                to_tag="" if known or status == 100 else tag,
                contact=contact or where,
                headers=(*headers, *typed),
                body=body,
            ),
        )

    def ask(
        self,
        side: str,
        method: str,
        number: int,
        *,
        tag: str = "b-tag",
        body: bytes = b"",
        headers: tuple[str, ...] = (),
        branch: str | None = None,
        contact: str | None = None,
    ) -> SipRequest:
        """A request inside the call from one of the peers."""
        self.branches += 1
        host = {"a": "192.0.2.10", "b": "192.0.2.30"}[side]
        via = f"SIP/2.0/UDP {host}:5060;branch={branch or f'z9hG4bK-{side}{self.branches}'};rport"
        typed = (
            ("Content-Type: application/sdp",) if body and not any("Content-Type" in each for each in headers) else ()
        )
        if side == "a":
            ours = self.last_answer("a")
            first = self.asked
            parts = {
                "caller": (first.first("from") or b"").decode(),
                "called": next(
                    (each.first("to") or b"").decode()
                    for each in self.sent["a"]
                    if isinstance(each, SipResponse) and each.to.tag is not None
                ),
                "call_id": first.call_id.decode(),
            }
            assert ours is not None
        else:
            invite = next(
                each
                for each in reversed(self.sent["b"])
                if isinstance(each, SipRequest) and each.method == "INVITE" and each.to.tag is None
            )
            parts = {
                "caller": (invite.first("to") or b"").decode() + f";tag={tag}",
                "called": (invite.first("from") or b"").decode(),
                "call_id": invite.call_id.decode(),
            }
        request = a_request(
            method,
            uri=f"sip:{side}@192.0.2.20",
            via=via,
            cseq=f"{number} {method}",
            contact=contact or f"<sip:{side}@{host}>",
            headers=(*headers, *typed),
            body=body,
            **parts,
        )
        self.give(side, request)
        return request

    # Whole stretches

    def ringing(self) -> tuple[CallControl, SipRequest]:
        call = self.invite()
        invite = self.connect(call)
        self.answer("b", invite, 180)
        self.taken()
        return call, invite

    def talking(self) -> CallControl:
        """A call that both sides have answered and acknowledged."""
        call, invite = self.ringing()
        self.answer("b", invite, 200, body=SDP_B)
        self.ask("a", "ACK", 1)
        self.taken()
        return call

    def inside(self) -> InsideAsked:
        event = self.events[-1]
        assert isinstance(event, InsideAsked)
        return event
