"""A playbook for transactions: a clock of its own, and what was sent and told at which second of it."""

from proxy.sip.flow import Flow
from proxy.sip.framing import read_datagram
from proxy.sip.message import Limits, Message, SipResponse
from proxy.sip.timers import Timers
from proxy.sip.transaction.base import Event, ResponseReceived, TimedOut
from proxy.sip.transaction.table import Transactions
from proxy.sip.transaction.timing import Timing

BEGIN = 5000.0
"""Monotonic time of second 0."""


def in_words(message: Message) -> str:
    """`INVITE`, `200 INVITE`."""
    return f"{message.status} {message.cseq.method}" if isinstance(message, SipResponse) else message.method


def event_in_words(event: Event) -> str:
    name = type(event).__name__
    if isinstance(event, ResponseReceived):
        return f"told {in_words(event.response)}"
    return f"told {name} {event.timer}" if isinstance(event, TimedOut) else f"told {name}"


class Play:
    """`lines` is what happened: (second, what). Octets are read again as a peer would read them."""

    def __init__(self, *, reliable: bool = False, most: int = 100, timing: Timing | None = None) -> None:
        self.now = BEGIN
        self.table = Transactions(timing or Timing(), Timers(), most)
        self.flow = Flow("a", b"192.0.2.10", reliable)
        self.lines: list[tuple[float, str]] = []
        self.sent: list[Message] = []
        self.events: list[Event] = []

    def note(self) -> None:
        second = round(self.now - BEGIN, 3)
        for _, octets in self.table.data_to_send():
            message = read_datagram(octets, Limits())
            assert message is not None
            self.sent.append(message)
            self.lines.append((second, in_words(message)))
        for event in self.table.take_events():
            self.events.append(event)
            self.lines.append((second, event_in_words(event)))

    def receive(self, message: Message, flow: Flow | None = None) -> None:
        self.table.receive(message, flow or self.flow, self.now)
        self.note()

    def to(self, second: float) -> None:
        """Let the clock run to this second, from deadline to deadline."""
        until = BEGIN + second
        while (deadline := self.table.next_deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.table.expire(self.now)
            self.note()
        self.now = until

    def taken(self) -> list[tuple[float, str]]:
        """The lines since the last look."""
        lines, self.lines = self.lines, []
        return lines

    def words(self) -> list[str]:
        return [what for _, what in self.taken()]
