"""Peers that send anything at any time: no exception, one final response for each request, and nothing left behind."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.call_events import (
    BranchFailed,
    CallAsked,
    CallControl,
    CallEnded,
    InsideAsked,
    PlainAsked,
    UnwantedSaid,
)
from proxy.sip.error import SipError
from proxy.sip.framing import read_datagram
from proxy.sip.message import Limits, Message, SipRequest, SipResponse
from proxy.sip.reply import reply
from proxy.sip.screening import check_form, check_response
from tests.tools.sip_call_play import SDP_B, CallPlay
from tests.tools.sip_messages import SDP, a_request, a_response

pytestmark = pytest.mark.unit

STATUSES = (200, 180, 200, 100, 183, 200, 302, 408, 481, 486, 487, 491, 503, 603, 607)
INSIDE = ("ACK", "ACK", "BYE", "INVITE", "INFO", "CANCEL", "OPTIONS")
BODIES = (b"", SDP, SDP_B, SDP_B + b"m=text 1 RTP/AVP 98\r\n", b"nonsense")


class Storm:
    """One stack between two peers that follow no rule; whoever runs the calls decides by lot too."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.play = CallPlay(reliable=data.draw(st.booleans()))
        self.seen: list[tuple[str, Message]] = []
        #: When each was first sent.
        self.times: list[float] = []
        self.calls: list[CallControl] = []
        self.handled = 0
        self.number = 0

    def lot(self, most: int) -> int:
        return self.data.draw(st.integers(0, most))

    def one_of(self, choices: tuple[object, ...]) -> object:
        return choices[self.lot(len(choices) - 1)]

    def give(self, side: str, message: Message) -> None:
        self.seen.append((side, message))
        self.times.append(self.play.now)
        try:
            read = read_datagram(message.octets(), Limits())
            assert read is not None
            if isinstance(read, SipRequest):
                check_form(read)
            else:
                check_response(read)
            self.play.table.receive(read, self.play.flows[side], self.play.now)
        except SipError:
            return
        self.settle()

    def settle(self) -> None:
        self.play.note()
        while self.handled < len(self.play.events):
            event = self.play.events[self.handled]
            self.handled += 1
            now = self.play.now
            if isinstance(event, CallAsked):
                self.calls.append(event.call)
                self.decide(event.call)
            elif isinstance(event, BranchFailed):
                self.decide(event.call)
            elif isinstance(event, InsideAsked):
                if self.lot(3):
                    event.call.relay(event, now)
                else:
                    event.transaction.respond(reply(event.request, 200), now)
            elif isinstance(event, UnwantedSaid):
                (event.unanswered.kept if self.lot(2) else event.unanswered.lost)(now)
            elif isinstance(event, PlainAsked):
                event.transaction.respond(reply(event.request, 405, b"t"), now)
            self.play.note()

    def talk(self) -> None:
        """Begin with a call that both sides have answered."""
        self.calls.append(self.play.talking())
        self.handled = len(self.play.events)
        self.number = 10

    def decide(self, call: CallControl) -> None:
        if self.lot(7) == 7:
            call.refuse(403, [], self.play.now)
            return
        self.play.asked = a_request(body=BODIES[self.lot(1)])
        self.play.connect(call, patience_s=float(self.lot(self.lot(2))))

    def step(self) -> None:
        kind = self.lot(12)
        self.number += 1
        if kind == 0:
            self.give(
                "a",
                a_request(
                    call_id=f"c{self.number}",
                    via=f"SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK-s{self.number}",
                    body=SDP,
                    headers=("Content-Type: application/sdp",),
                ),
            )
        elif kind == 1:
            self.play.to(self.play.now - 5000 + (0.3, 1.0, 5.0, 33.0, 200.0)[self.lot(4)])
            self.settle()
        elif kind == 2 and self.seen:
            place = self.lot(len(self.seen) - 1)
            side, message = self.seen[place]
            # A request that comes again once its transaction has ended is another one.
            lives = self.play.now - self.times[place] < 4 and not self.play.flows["a"].reliable
            if lives or isinstance(message, SipResponse):
                self.give(side, message)
                self.times[-1] = self.times[place]
        elif kind == 3 and self.calls:
            self.calls[self.lot(len(self.calls) - 1)].end([("reason", b"Q.850;cause=31")], self.play.now)
            self.settle()
        elif kind in (4, 5, 6, 7):
            self.respond("b" if self.lot(4) else "a")
        else:
            self.inside("a" if self.lot(1) else "b")

    def respond(self, side: str) -> None:
        asked = [each for each in self.play.sent[side] if isinstance(each, SipRequest) and each.method != "ACK"]
        if asked:
            request = asked[-1 - self.lot(min(self.lot(3), len(asked) - 1))]
            body = BODIES[self.lot(self.lot(4))]
            typed = ("Content-Type: application/sdp",) if body else ()
            tag = "" if request.to.tag else f"t{self.lot(1)}"
            self.give(
                side,
                a_response(
                    request,
                    int(str(self.one_of(STATUSES))),
                    to_tag=tag,
                    contact="<sip:p@192.0.2.30>" if self.lot(3) else None,
                    headers=typed,
                    body=body,
                ),
            )

    def inside(self, side: str) -> None:
        """A request in a dialog that we have shown to this peer, or nearly."""
        shown = [each for each in self.play.sent[side] if each.has("from")]
        if not shown:
            return
        message = shown[-1 - self.lot(min(self.lot(5), len(shown) - 1))]
        method = str(self.one_of(INSIDE))
        ours, theirs = ("to", "from") if isinstance(message, SipResponse) else ("from", "to")
        remote = (message.first(theirs) or b"").decode()
        if ";tag=" not in remote:
            remote += f";tag=t{self.lot(1)}"
        body = BODIES[self.lot(4)]
        number = message.cseq.number if method in ("ACK", "CANCEL") else self.number
        self.give(
            side,
            a_request(
                method,
                caller=remote,
                called=(message.first(ours) or b"").decode(),
                call_id=message.call_id.decode(),
                cseq=f"{number} {method}",
                via=message.via.written.decode()
                if method == "CANCEL"
                else f"SIP/2.0/UDP h;branch=z9hG4bK-i{self.number}",
                headers=(
                    *(("Content-Type: application/sdp",) if body else ()),
                    *(("Reason: SIP;cause=607",) if method == "BYE" and self.lot(1) else ()),
                ),
                body=body,
            ),
        )

    def check(self) -> None:
        """Each request was answered once with a final response, and nothing of all that is left."""
        play = self.play
        finals: dict[tuple[str, bytes, str, bytes], set[int]] = defaultdict(set)
        for side in ("a", "b"):
            for message in play.sent[side]:
                if isinstance(message, SipResponse) and message.status >= 200:
                    finals[side, message.via.written, message.cseq.method, message.call_id].add(message.status)
        for (_, _, method, _), statuses in finals.items():
            # The CANCEL of an INVITE that has ended meanwhile is another transaction on streams, where none is kept.
            assert len(statuses) == 1 or (method == "CANCEL" and statuses == {200, 481})
        asked = {
            (side, message.via.written, message.cseq.method, message.call_id)
            for side, message in self.seen
            if isinstance(message, SipRequest) and message.method != "ACK"
        }
        unread = {each for each in asked if each not in finals}
        for side, message in self.seen:
            if (
                isinstance(message, SipRequest)
                and (side, message.via.written, message.cseq.method, message.call_id) in unread
            ):
                with pytest.raises(SipError):
                    check_form(message)
        assert len(play.calls) == 0
        assert play.calls.legs == {}
        assert len(play.table) == 0
        assert play.table.next_deadline() is None
        ends = [each.call for each in play.events if isinstance(each, CallEnded)]
        assert len(ends) == len({id(each) for each in ends})
        assert {id(each) for each in self.calls} == {id(each) for each in ends}


@given(st.data())
def test_whatever_peers_send_each_request_is_answered_once_and_nothing_stays(data: st.DataObject) -> None:
    storm = Storm(data)
    play = storm.play
    if data.draw(st.booleans()):
        storm.talk()
    for _ in range(data.draw(st.integers(1, 40))):
        storm.step()
    for _ in range(6):
        play.to(play.now - 5000 + 250)
        storm.settle()
        for call in storm.calls:
            call.end([], play.now)
        storm.settle()
    play.to(play.now - 5000 + 500)
    storm.check()
