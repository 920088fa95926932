"""What SIP costs before any socket: a parse, a response, a transaction, a whole call through two legs, a call held.

`python -m bench.sip_core`: one line a figure, in microseconds of CPU time, the best of several rounds, and kB. Nothing
is judged, logged or sent here; the peers of a call are octets made beforehand or cut out of what was sent, outside of
what is timed.
"""

import gc
import time
import tracemalloc
from collections.abc import Callable
from typing import Final

from proxy.sip.call_events import CallAsked
from proxy.sip.calls import Calls
from proxy.sip.carried import carried_from
from proxy.sip.flow import Flow
from proxy.sip.framing import read_datagram
from proxy.sip.hop import Hop
from proxy.sip.ids import Ids
from proxy.sip.message import Limits, SipRequest, SipResponse
from proxy.sip.reply import reply
from proxy.sip.screening import Capabilities, check_form, check_response, check_support, max_forwards
from proxy.sip.timers import Timers
from proxy.sip.transaction.base import RequestReceived
from proxy.sip.transaction.table import Transactions
from proxy.sip.transaction.timing import Timing

ROUNDS: Final = 5
LIMITS: Final = Limits()
ABLE: Final = Capabilities(
    methods=("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO"), bodies={"INVITE": frozenset((b"application/sdp",))}
)
SDP: Final = (
    b"v=0\r\no=user1 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 6000 RTP/AVP 8 0 18 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:18 G729/8000\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
)
A: Final = Flow("a", b"127.0.0.1", False)
B: Final = Flow("b", b"127.0.0.1", False)
HOP_A: Final = Hop(A, b"UDP", b"127.0.0.1", 5060, b"sip:127.0.0.1:5060")
HOP_B: Final = Hop(B, b"UDP", b"127.0.0.1", 5060, b"sip:127.0.0.1:5060")


def invite(number: int) -> bytes:
    """An INVITE of about 800 octets, unlike any other."""
    return (
        b"INVITE sip:13800138000@127.0.0.1:5060 SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-%d-1-0;rport\r\n"
        b'From: "Call Centre" <sip:95500@127.0.0.1:5070>;tag=1234tag00%d\r\n'
        b"To: <sip:13800138000@127.0.0.1:5060>\r\nCall-ID: %d-1234@127.0.0.1\r\nCSeq: 1 INVITE\r\n"
        b"Contact: <sip:95500@127.0.0.1:5070>\r\nMax-Forwards: 70\r\n"
        b"Allow: INVITE, ACK, CANCEL, BYE, INFO, OPTIONS, UPDATE\r\nUser-Agent: a call centre\r\n"
        b"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n" % (number, number, number, len(SDP))
    ) + SDP


def best(work: Callable[[], object], times: int) -> float:
    """Microseconds of CPU time of one `work`."""
    found = float("inf")
    for _ in range(ROUNDS):
        begun = time.process_time_ns()
        for _ in range(times):
            work()
        found = min(found, (time.process_time_ns() - begun) / times / 1000)
    return found


def line_of(octets: bytes, name: bytes) -> bytes:
    """The first header line of this name."""
    start = octets.index(b"\r\n" + name + b": ") + 2
    return octets[start : octets.index(b"\r\n", start) + 2]


def answer(request: bytes, status: int, tag: bytes, body: bytes = b"") -> bytes:
    """What leg B's peer answers."""
    to = line_of(request, b"To")[:-2] + (b";tag=" + tag if tag else b"") + b"\r\n"
    lines = [line_of(request, each) for each in (b"Via", b"From", b"Call-ID", b"CSeq")]
    typed = b"Content-Type: application/sdp\r\n" if body else b""
    contact = b"Contact: <sip:127.0.0.1:5080>\r\n"
    start = b"SIP/2.0 %d X\r\n" % status
    return start + b"".join(lines) + to + contact + typed + b"Content-Length: %d\r\n\r\n" % len(body) + body


class Stack:
    """One stack whose user lets every call through.

    `inputs` is what it got, with the time: ids are made by a running number under a fixed key, so that another stack
    that gets the same answers the same, without the peers.
    """

    def __init__(self) -> None:
        self.table = Transactions(Timing(), Timers(), 10**7)
        self.calls = Calls(self.table, Ids(b"k" * 32), lambda flow: HOP_A, b"INVITE, ACK, CANCEL, BYE, OPTIONS, INFO")
        self.now = 0.0
        self.inputs: list[tuple[float, bytes, Flow]] = []
        self.messages = 0

    def receive(self, octets: bytes, flow: Flow) -> list[bytes]:
        """Take a datagram; gives the datagrams that go out."""
        self.inputs.append((self.now, octets, flow))
        sent = self.handle(octets, flow)
        self.messages += 1 + len(sent)
        return [each for _, each in sent]

    def handle(self, octets: bytes, flow: Flow) -> list[tuple[Flow, bytes]]:
        """What a shell would do with a datagram."""
        message = read_datagram(octets, LIMITS)
        assert message is not None
        if isinstance(message, SipRequest):
            check_form(message)
            check_support(message, ABLE, forwards=message.method == "INVITE")
        else:
            check_response(message)
        self.table.receive(message, flow, self.now)
        for event in self.calls.take(self.now):
            if isinstance(event, CallAsked):
                event.call.trying(self.now)
                event.call.connect(HOP_B, self.forwarded(event.request), self.now)
        sent = self.table.data_to_send()
        self.table.next_deadline()
        return sent

    def forwarded(self, request: SipRequest) -> SipRequest:
        """The INVITE of leg B."""
        carried = carried_from(request, frozenset())
        ids = self.calls.ids
        keys = ["via", "max-forwards", "from", "to", "call-id", "cseq", "contact", *carried.keys, "content-length"]
        lines = [
            b"Via: " + HOP_B.via(ids.branch()),
            b"Max-Forwards: %d" % (max_forwards(request) - 1),
            b"From: <sip:95500@127.0.0.1>;tag=" + ids.next(),
            b"To: <sip:13800138000@127.0.0.1:5080>",
            b"Call-ID: " + ids.next(),
            b"CSeq: 1 INVITE",
            b"Contact: " + HOP_B.contact,
            *carried.lines,
            b"Content-Length: %d" % len(carried.body),
        ]
        return SipRequest("INVITE", b"sip:13800138000@127.0.0.1:5080", keys, lines, carried.body)

    def begin(self, number: int) -> bytes:
        """INVITE, 100, 180, 200, ACK on both legs; gives leg A's ACK."""
        self.now += 0.001
        asked = invite(number)
        passed = next(each for each in self.receive(asked, A) if each.startswith(b"INVITE"))
        self.receive(answer(passed, 100, b""), B)
        self.receive(answer(passed, 180, b"t%d" % number), B)
        sent = self.receive(answer(passed, 200, b"t%d" % number, SDP), B)
        given = next(each for each in sent if each.startswith(b"SIP/2.0 200"))
        ack = (
            b"ACK sip:127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-%d-1-5;rport\r\n"
            % number
            + line_of(asked, b"From")
            + line_of(given, b"To")
            + line_of(asked, b"Call-ID")
            + b"CSeq: 1 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        self.receive(ack, A)
        return ack

    def end(self, ack: bytes) -> None:
        """BYE and 200 on both legs."""
        bye = ack.replace(b"ACK", b"BYE").replace(b"-1-5", b"-1-7").replace(b"CSeq: 1", b"CSeq: 2")
        passed = next(each for each in self.receive(bye, A) if each.startswith(b"BYE"))
        self.receive(answer(passed, 200, b""), B)

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        self.table.expire(self.now)


def whole_calls(count: int) -> tuple[float, float]:
    """Microseconds of CPU time of a whole call, timers and their end included, and messages of a call."""
    played = Stack()
    for number in range(1000, 1000 + count):
        played.end(played.begin(number))
    stack = Stack()
    # WHY once around all: reading the clock of the process can cost more than a message does.
    begun = time.process_time_ns()
    for now, octets, flow in played.inputs:
        stack.now = now
        stack.handle(octets, flow)
    stack.pause(100.0)
    cpu_ns = time.process_time_ns() - begun
    assert len(stack.table) == 0
    assert len(stack.calls) == 0
    return cpu_ns / count / 1000, played.messages / count


def held_calls(count: int) -> tuple[float, float]:
    """kB of a call just answered, and of one that has been held for a minute."""
    stack = Stack()
    for number in range(100):
        stack.begin(number)
    stack.pause(60.0)
    stack.inputs.clear()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(1000, 1000 + count):
        stack.begin(number)
    stack.inputs.clear()
    fresh = tracemalloc.get_traced_memory()[0]
    stack.pause(60.0)
    gc.collect()
    later = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (fresh - before) / count / 1024, (later - before) / count / 1024


def server_transactions(count: int) -> float:
    """Microseconds of CPU time of an INVITE that is read and answered 100 and 403, through its transaction."""
    octets = [invite(number) for number in range(count)]
    table = Transactions(Timing(), Timers(), 10**7)
    begun = time.process_time_ns()
    for each in octets:
        message = read_datagram(each, LIMITS)
        assert message is not None
        table.receive(message, A, 1.0)
        for event in table.take_events():
            assert isinstance(event, RequestReceived)
            event.transaction.respond(reply(event.request, 100), 1.0)
            event.transaction.respond(reply(event.request, 403, b"tag"), 1.0)
        table.data_to_send()
    return (time.process_time_ns() - begun) / count / 1000


def main() -> None:
    """Measure and print."""
    octets = invite(1)
    read = read_datagram(octets, LIMITS)
    assert isinstance(read, SipRequest)
    given = reply(read, 180, b"tag", [("contact", HOP_A.contact)])
    assert isinstance(given, SipResponse)
    gc.freeze()

    def checked() -> None:
        message = read_datagram(octets, LIMITS)
        assert isinstance(message, SipRequest)
        check_form(message)
        check_support(message, ABLE, forwards=True)

    rows = [
        (f"parse of an INVITE of {len(octets)} octets, µs", best(lambda: read_datagram(octets, LIMITS), 2000)),
        ("the same with every check of RFC 3261 §8, µs", best(checked, 2000)),
        ("write it again, µs", best(read.octets, 5000)),
        ("build a 180 and write it, µs", best(lambda: reply(read, 180, b"tag").octets(), 2000)),
        ("INVITE read, 100 and 403 given, µs", min(server_transactions(2000) for _ in range(ROUNDS))),
    ]
    call = min(whole_calls(500) for _ in range(ROUNDS))
    rows.append((f"a whole call, {call[1]:.0f} messages, µs", call[0]))
    fresh, later = held_calls(2000)
    rows.append(("a call just answered, kB", fresh))
    rows.append(("a call held for a minute, kB", later))
    for name, figure in rows:
        print(f"{name:60} {figure:8.2f}")


if __name__ == "__main__":
    main()
