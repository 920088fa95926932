"""All calls of one stack: which event of a transaction belongs to which leg.

Owns the tags of our dialogs, and what is answered for want of a call: 481, 482. Must never judge: a new call and a
request outside of calls are told, and nothing happens until somebody decides. How it works: `take` turns what the
transactions have told into what calls tell. A tag of ours names one leg; Call-ID and the peer's tag have to fit it. A
call that is over is kept for 64*T1, so that what is still under way finds its answer.
"""

from collections.abc import Callable
from typing import Final

from proxy.sip.call import Asker, Call
from proxy.sip.call_events import CallAsked, CallEvent, InsideAsked, PlainAsked, UnwantedSaid
from proxy.sip.dialog import answered_dialog
from proxy.sip.error import SipError
from proxy.sip.flow import Flow
from proxy.sip.hop import Hop
from proxy.sip.ids import Ids
from proxy.sip.leg import Branch, Exchange, Leg, LegOwner
from proxy.sip.message import SipRequest, SipResponse
from proxy.sip.reply import refuse, reply
from proxy.sip.sdp import OFFERS_TEXT, check_media
from proxy.sip.transaction.base import (
    AckMissing,
    AckReceived,
    CancelReceived,
    ClientTransaction,
    RequestReceived,
    ResponseReceived,
    SendingFailed,
    ServerTransaction,
    TimedOut,
)
from proxy.sip.transaction.invite_client import InviteClient
from proxy.sip.transaction.table import Transactions
from proxy.sip.unanswered import ByeUnanswered
from proxy.sip.unwanted import says_unwanted

#: Requests that make no sense outside of a dialog.
_INSIDE_ONLY: Final = frozenset(("BYE", "INFO", "PRACK", "UPDATE", "ACK"))


class Calls(Exchange):
    """`hop_of` says how we appear on a flow on which a call has come; `allow` is the value of Allow; `held_back` names
    header fields that never pass.
    """

    __slots__ = ("_events", "_hop_of", "calls", "legs", "table")

    def __init__(
        self,
        table: Transactions,
        ids: Ids,
        hop_of: Callable[[Flow], Hop],
        allow: bytes,
        held_back: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(table.timers, table.timing, ids, allow, held_back)
        self.table: Final = table
        self._hop_of: Final = hop_of
        #: Our tag → the leg whose dialogs bear it.
        self.legs: dict[bytes, Leg] = {}
        #: Calls that are not over.
        self.calls: set[LegOwner] = set()
        self._events: list[CallEvent] = []

    def __len__(self) -> int:
        return len(self.calls)

    # For calls and legs

    def tell(self, event: CallEvent) -> None:
        """Something happened that the user must know."""
        self._events.append(event)

    def send(self, flow: Flow, octets: bytes) -> None:
        """Send octets outside of transactions."""
        self.table.send(flow, octets)

    def ask(self, request: SipRequest, flow: Flow, user: object, now: float) -> ClientTransaction:
        """Send a request as a transaction that belongs to `user`."""
        client = self.table.ask(request, flow, now)
        client.user = user
        return client

    def cancel(self, client: InviteClient, reason: bytes | None, now: float) -> None:
        """Cancel an INVITE of ours, now or when its first 1xx comes."""
        self.table.cancel(client, reason, now)

    def enter(self, leg: Leg) -> None:
        """Requests with this leg's tag are its own from now on."""
        self.legs[leg.local_tag] = leg

    def forget(self, leg: Leg) -> None:
        """No request can come to this leg any more."""
        if self.legs.get(leg.local_tag) is leg:
            del self.legs[leg.local_tag]

    def closing(self, call: LegOwner, now: float) -> None:
        """A call is over. The tags of one that was answered are kept for a while, for what is still under way; one that
        was cancelled waits as long for what becomes of leg B's INVITE; others have nothing to come.
        """
        self.calls.discard(call)
        if not isinstance(call, Call):
            return
        if not call.answered:
            self.forget(call.a)
            if call.b is not None:
                self.forget(call.b)
            if call.let_go():
                return
        self.timers.start(_Forgetting(self, call), "forget", self.timing.give_up_s + self.timing.t4_s, now)

    # For who runs it

    def take(self, now: float) -> list[CallEvent]:
        """Carry out what the transactions have told since, and give what calls have to tell."""
        events = self.table.take_events()
        while events:
            for event in events:
                self._one(event, now)
            events = self.table.take_events()
        told = self._events
        if told:
            self._events = []
        return told

    def _one(self, event: object, now: float) -> None:
        if isinstance(event, ResponseReceived):
            self._response(event.transaction, event.response, now)
        elif isinstance(event, RequestReceived):
            self._request(event, now)
        elif isinstance(event, AckReceived):
            leg = self.legs.get(event.request.to.tag or b"")
            call = _call_of(leg) if leg is not None else None
            if leg is not None and call is not None and leg.dialog_of(event.request) is not None:
                call.acknowledged(leg, event.request, now)
        elif isinstance(event, CancelReceived):
            user = event.transaction.user
            if isinstance(user, Leg):
                call = _call_of(user)
                if call is not None:
                    call.cancelled(user, event.request, now)
            elif event.transaction.request is not None:
                event.transaction.respond(reply(event.transaction.request, 487, self.ids.next()), now)
        elif isinstance(event, TimedOut):
            self._unanswered(event.transaction, event.timer, now)
        elif isinstance(event, SendingFailed):
            if isinstance(event.transaction, ClientTransaction):
                self._unanswered(event.transaction, "sending", now)
            else:
                self._unsent(event.transaction, now)
        else:
            # WHY nothing: a refusal without ACK has ended, and so has what it refused (§17.2.1, timer H).
            assert isinstance(event, AckMissing)

    def _response(self, client: ClientTransaction, response: SipResponse, now: float) -> None:
        user = client.user
        if isinstance(user, Branch) and isinstance(client, InviteClient):
            call = _call_of(user.leg)
            if call is not None:
                call.branch_responded(user, client, response, now)
        elif isinstance(user, Leg) and isinstance(client, InviteClient):
            call = _call_of(user)
            if call is not None:
                call.responded(user, client, response, now)
        elif isinstance(user, Asker):
            user.responded(response, now)

    def _unanswered(self, client: ClientTransaction, timer: str, now: float) -> None:
        user = client.user
        if isinstance(client, InviteClient) and isinstance(user, Branch | Leg):
            call = _call_of(user.leg if isinstance(user, Branch) else user)
            if call is None:
                # WHY: timer C ends nothing by itself (§16.8), and whoever would cancel it is gone.
                if timer == "C":
                    self.cancel(client, None, now)
            elif isinstance(user, Branch):
                call.branch_unanswered(user, client, timer, now)
            else:
                call.unanswered(user, client, timer, now)
        elif isinstance(user, Asker):
            user.unanswered(now)

    def _unsent(self, server: object, now: float) -> None:
        """A response could not be sent: a call whose first INVITE cannot be answered any more ends."""
        if isinstance(server, ServerTransaction) and isinstance(server.user, Leg):
            leg = server.user
            leg.server = None
            leg.call.end([("reason", b"SIP;cause=503")], now, "503")

    def _request(self, event: RequestReceived, now: float) -> None:
        request = event.request
        tag = request.to.tag
        if tag is not None:
            self._inside(event, self.legs.get(tag), now)
        elif event.merged:
            event.transaction.respond(reply(request, 482, self.ids.next()), now)
        elif request.method == "INVITE":
            self._new(event, now)
        elif request.method in _INSIDE_ONLY:
            event.transaction.respond(reply(request, 481, self.ids.next()), now)
        else:
            self._events.append(PlainAsked(event.transaction, request, event.flow))

    def _new(self, event: RequestReceived, now: float) -> None:
        request = event.request
        tag = self.ids.next()
        offers_text = False
        try:
            dialog = answered_dialog(request, tag, "early")
            if request.body:
                try:
                    check_media(request.single("content-type"), request.body)
                except SipError as error:
                    if error.status != OFFERS_TEXT:
                        raise
                    # WHY it goes on: who asks for that is told by the policy, and it is on record.
                    offers_text = True
        except SipError as error:
            event.transaction.respond(refuse(request, error, tag), now)
            return
        call = Call(self, self._hop_of(event.flow), dialog, event.transaction)
        self.calls.add(call)
        self.legs[tag] = call.a
        self._events.append(CallAsked(call, request, event.flow, offers_text=offers_text))

    def _inside(self, event: RequestReceived, leg: Leg | None, now: float) -> None:
        request = event.request
        transaction = event.transaction
        dialog = leg.dialog_of(request) if leg is not None else None
        call = _call_of(leg) if leg is not None else None
        if leg is None or dialog is None or call is None:
            transaction.respond(reply(request, 481), now)
            return
        if dialog.state == "terminated":
            self._crossed(leg, request, transaction, now)
            return
        try:
            dialog.receive(request)
        except SipError as error:
            transaction.respond(refuse(request, error, b""), now)
            return
        if request.method == "BYE":
            self._bye(leg, request, transaction, now)
            call.ended_by(leg, dialog, request, now)
        elif request.method == "INVITE":
            call.asked_again(leg, transaction, request, now)
        else:
            self._events.append(InsideAsked(leg.call, leg.side, request, transaction))

    def _crossed(self, leg: Leg, request: SipRequest, transaction: ServerTransaction, now: float) -> None:
        """A request of a dialog that we have just ended: both sides may hang up at once, and a key may come too late
        for the call, but not for what it says.
        """
        if request.method == "BYE":
            self._bye(leg, request, transaction, now)
        elif request.method == "INFO" and leg.call.listener is not None:
            self._events.append(InsideAsked(leg.call, leg.side, request, transaction))
        else:
            transaction.respond(reply(request, 481), now)

    def _bye(self, leg: Leg, request: SipRequest, transaction: ServerTransaction, now: float) -> None:
        """The answer to a BYE: at once, but for one that is a person's refusal."""
        if says_unwanted(request):
            self._events.append(UnwantedSaid(leg.call, leg.side, request, ByeUnanswered(transaction)))
        else:
            transaction.respond(reply(request, 200), now)


def _call_of(leg: Leg) -> Call | None:
    """None where it was let go: nothing that comes matters any more."""
    call = leg.call
    return call if isinstance(call, Call) else None


class _Forgetting:
    """When the tags of a call that is over are given up."""

    __slots__ = ("_call", "_calls")

    def __init__(self, calls: Calls, call: Call) -> None:
        self._calls: Final = calls
        self._call: Final = call

    def expired(self, name: str, now: float) -> None:
        """The only timer it has."""
        self._call.listener = None
        a, b = self._call.a, self._call.b
        self._calls.forget(a)
        a.let_go()
        if b is not None:
            self._calls.forget(b)
            b.let_go()
