"""What calls tell the one who runs them, and what he may ask of a call; a small, closed vocabulary both ways."""

from typing import Final, Literal

from proxy.sip.carried import NOTHING, Carried
from proxy.sip.flow import Flow
from proxy.sip.hop import Hop
from proxy.sip.message import SipMessage, SipRequest, SipResponse
from proxy.sip.reply import Headers
from proxy.sip.transaction.base import ServerTransaction
from proxy.sip.unanswered import Unanswered

Side = Literal["a", "b"]
"""Leg A is who called, leg B who is called."""

EndedBy = Literal["a", "b", "us"]


class CallEvent:
    """Something about a call, or a request outside of all calls."""

    __slots__ = ()


class CallControl:
    """A call, as who runs it sees it. Whatever comes too late does nothing.

    `listener` is whoever still listens once the call is over, never looked into here; where there is one, an INFO that
    crossed our BYE is told too.
    """

    __slots__ = ("listener",)

    def __init__(self) -> None:
        self.listener: object = None

    def trying(self, now: float) -> None:
        """Answer 100 at once, so that the INVITE is not sent again while somebody decides."""
        raise NotImplementedError

    def connect(self, hop: Hop, invite: SipRequest, now: float, patience_s: float = 0.0) -> None:
        """Send this INVITE as leg B. It has a From tag, a Call-ID and a Via of its own (credentials for the same
        attempt: the same tag and Call-ID, the next number), the user's permit for its octets, and our Contact. An
        attempt before it is given up.

        `patience_s`: how long to wait for any 1xx before the attempt counts as failed; 0 waits for timer B.
        """
        raise NotImplementedError

    def refuse(
        self, status: int, headers: Headers, now: float, carried: Carried = NOTHING, reason: bytes | None = None
    ) -> None:
        """Give leg A a final response of 300 or more, and end what runs on leg B."""
        raise NotImplementedError

    def end(self, headers: Headers, now: float, cause: str = "ended") -> None:
        """End the call from here: BYE on both sides once it is answered, 480 and CANCEL before; `headers` hold the
        Reason.
        """
        raise NotImplementedError

    def relay(self, inside: "InsideAsked", now: float) -> None:
        """Pass a request inside the call to the other leg, and its final response back."""
        raise NotImplementedError


class CallAsked(CallEvent):
    """A new INVITE: judge it, then `call.connect` or `call.refuse`. Until then nothing leaves towards leg B.

    `offers_text`: its body describes text or message media; it must be refused. A body that is text itself never gets
    here.
    """

    __slots__ = ("call", "flow", "offers_text", "request")

    def __init__(self, call: CallControl, request: SipRequest, flow: Flow, *, offers_text: bool = False) -> None:
        self.call: Final = call
        self.request: Final = request
        self.flow: Final = flow
        self.offers_text: Final = offers_text


class CallRinging(CallEvent):
    """A 18x of leg B was passed on: `response`."""

    __slots__ = ("call", "response")

    def __init__(self, call: CallControl, response: SipResponse) -> None:
        self.call: Final = call
        self.response: Final = response


class CallAnswered(CallEvent):
    """Leg B answered with `response`, and leg A was told so."""

    __slots__ = ("call", "response")

    def __init__(self, call: CallControl, response: SipResponse) -> None:
        self.call: Final = call
        self.response: Final = response


class BranchFailed(CallEvent):
    """The way to leg B failed before it was answered: `call.connect` again another way, or `call.refuse`.

    `status` is that of the final response, 408 where nobody answered, 502 where a 2xx named nowhere to go, 503 where
    nothing could be sent. `rang` says that a 18x has come from there: no other way is tried then, nor after a 6xx.
    `carried` is what may be passed on with the refusal; a 3xx's Contacts stand in `response` and are never passed on.
    """

    __slots__ = ("call", "carried", "rang", "response", "status")

    def __init__(
        self, call: CallControl, status: int, response: SipResponse | None, carried: Carried, rang: bool
    ) -> None:
        self.call: Final = call
        self.status: Final = status
        self.response: Final = response
        self.carried: Final = carried
        self.rang: Final = rang


class CallEnded(CallEvent):
    """The call is over, however far it came. `by` says who ended it; `cause` is a word or a status; `request` the BYE
    or CANCEL.
    """

    __slots__ = ("by", "call", "cause", "request")

    def __init__(self, call: CallControl, by: EndedBy, cause: str, request: SipRequest | None) -> None:
        self.call: Final = call
        self.by: Final[EndedBy] = by
        self.cause: Final = cause
        self.request: Final = request


class InsideAsked(CallEvent):
    """A request inside a call that is neither INVITE nor BYE: `call.relay` it, or answer `transaction` yourself. A
    digit comes this way.
    """

    __slots__ = ("call", "request", "side", "transaction")

    def __init__(self, call: CallControl, side: Side, request: SipRequest, transaction: ServerTransaction) -> None:
        self.call: Final = call
        self.side: Final[Side] = side
        self.request: Final = request
        self.transaction: Final = transaction


class UnwantedSaid(CallEvent):
    """A 607 to a first INVITE, or a BYE whose Reason is one: `unanswered` waits for `kept` or `lost`. It comes before
    the event that says what follows (`BranchFailed`, `CallEnded`), and also where the call is over by then: `listener`
    may want to know.
    """

    __slots__ = ("call", "message", "side", "unanswered")

    def __init__(self, call: CallControl, side: Side, message: SipMessage, unanswered: Unanswered) -> None:
        self.call: Final = call
        self.side: Final[Side] = side
        self.message: Final = message
        self.unanswered: Final = unanswered


class PlainAsked(CallEvent):
    """A request outside of all calls that is no INVITE: OPTIONS, MESSAGE, REGISTER. Answer `transaction`."""

    __slots__ = ("flow", "request", "transaction")

    def __init__(self, transaction: ServerTransaction, request: SipRequest, flow: Flow) -> None:
        self.transaction: Final = transaction
        self.request: Final = request
        self.flow: Final = flow
