"""What the four machines share: where they send, whom they tell, and their end.

Owns the events and the desk on which machines lay them. Must never decide a transition: those are in the four files
beside. How it works: a machine has a key, a flow and a state; what it sends collects in the desk's `out`, what it tells
in `events`.
"""

from typing import Final, Literal

from proxy.sip.flow import Flow
from proxy.sip.message import SipRequest, SipResponse
from proxy.sip.share import Share
from proxy.sip.timers import Timer, Timers
from proxy.sip.transaction.timing import Timing

State = Literal["calling", "trying", "proceeding", "completed", "confirmed", "accepted", "terminated"]


class Event:
    """Something that the user of the transactions must know."""

    __slots__ = ()


class Desk:
    """What machines share. `out` holds (flow, octets) in the order in which they are to be sent."""

    __slots__ = ("events", "give_up_s", "live", "out", "timers", "timing")

    def __init__(self, timing: Timing, timers: Timers) -> None:
        self.timing: Final = timing
        self.give_up_s: Final = timing.give_up_s
        self.timers: Final = timers
        self.out: list[tuple[Flow, bytes]] = []
        self.events: list[Event] = []
        #: Key → machine: what is not here is terminated.
        self.live: dict[bytes, Transaction] = {}


class Transaction:
    """One machine. `state` is that of the RFC; "terminated" is the end, and the table has forgotten it then.

    `user` is whoever it belongs to above, never looked into here.
    """

    __slots__ = ("desk", "flow", "key", "state", "user")

    def __init__(self, desk: Desk, key: bytes, flow: Flow, state: State) -> None:
        self.desk: Final = desk
        self.key: Final = key
        self.flow: Final = flow
        self.state: State = state
        self.user: object = None
        desk.live[key] = self

    def _send(self, octets: bytes) -> None:
        self.desk.out.append((self.flow, octets))

    def _start(self, name: str, delay_s: float, now: float) -> Timer:
        return self.desk.timers.start(self, name, delay_s, now)

    def _end(self) -> None:
        self.state = "terminated"
        live = self.desk.live
        if live.get(self.key) is self:
            del live[self.key]

    def expired(self, name: str, now: float) -> None:
        """One of its timers has come."""
        raise NotImplementedError

    def failed(self, now: float) -> None:
        """The transport could not send (§17.1.4, §17.2.4)."""
        raise NotImplementedError


class ServerTransaction(Transaction):
    """The side that answers. `request` is there until the final response is given; then it is let go, to keep little
    for long.
    """

    __slots__ = ("_share", "request")

    def __init__(self, desk: Desk, key: bytes, flow: Flow, state: State, request: SipRequest) -> None:
        super().__init__(desk, key, flow, state)
        self.request: SipRequest | None = request
        self._share: Share | None = None

    def counts_for(self, share: Share) -> None:
        """It takes a place of this share, until it ends."""
        self._share = share
        share.held += 1

    def _end(self) -> None:
        Transaction._end(self)
        share = self._share
        if share is not None:
            self._share = None
            share.held -= 1

    def again(self, now: float) -> None:
        """The request came again."""
        raise NotImplementedError

    def respond(self, response: SipResponse, now: float) -> bool:
        """Send a response; False where it may not be sent any more, and was not."""
        raise NotImplementedError


class ClientTransaction(Transaction):
    """The side that asks."""

    __slots__ = ()

    def receive(self, response: SipResponse, now: float) -> None:
        """A response has come that belongs to this request."""
        raise NotImplementedError


class RequestReceived(Event):
    """A new request. Answer it through `transaction.respond`: every one, once with a final response."""

    __slots__ = ("flow", "merged", "request", "transaction")

    def __init__(self, transaction: ServerTransaction, request: SipRequest, flow: Flow, merged: bool) -> None:
        self.transaction: Final = transaction
        self.request: Final = request
        self.flow: Final = flow
        self.merged: Final = merged
        """The same request came another way already: to be answered 482 (§8.2.2.2)."""


class AckReceived(Event):
    """An ACK that no transaction took: the one of a 2xx, for a dialog; or one that belongs to nothing, and is
    dropped.
    """

    __slots__ = ("flow", "request")

    def __init__(self, request: SipRequest, flow: Flow) -> None:
        self.request: Final = request
        self.flow: Final = flow


class CancelReceived(Event):
    """The INVITE is to end: answer it 487. The CANCEL is answered already."""

    __slots__ = ("request", "transaction")

    def __init__(self, transaction: ServerTransaction, request: SipRequest) -> None:
        self.transaction: Final = transaction
        self.request: Final = request
        """The CANCEL, for its Reason."""


class ResponseReceived(Event):
    """A response that counts: every 1xx, the final one once, and every 2xx of an INVITE, repeated and forked ones
    included.
    """

    __slots__ = ("response", "transaction")

    def __init__(self, transaction: ClientTransaction, response: SipResponse) -> None:
        self.transaction: Final = transaction
        self.response: Final = response


class TimedOut(Event):
    """Nobody answered: `timer` is B or F (the request has ended, as if with 408), C (it rings too long: cancel it), or
    cancel (no final response to a cancelled INVITE: it has ended, as if with 487)."""

    __slots__ = ("timer", "transaction")

    def __init__(self, transaction: ClientTransaction, timer: str) -> None:
        self.transaction: Final = transaction
        self.timer: Final = timer


class AckMissing(Event):
    """The ACK of a final response that was no 2xx did not come (timer H)."""

    __slots__ = ("transaction",)

    def __init__(self, transaction: ServerTransaction) -> None:
        self.transaction: Final = transaction


class SendingFailed(Event):
    """The transport could not send what this transaction had to say: for a client as if with 503 (§8.1.3.1)."""

    __slots__ = ("transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self.transaction: Final = transaction
