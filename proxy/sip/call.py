"""A call: two legs that know nothing of each other, and what passes between them.

Owns the coupling. Must never pass a message on: what crosses is what happened (ringing, answered, offered again, ended)
with the opaque header lines and the body that came with it (`carried`), and never a dialog identifier, a route or an
identity. Must never send the first INVITE towards leg B by itself: `connect` is given it, by whoever holds a permit for
its octets. How it works: `Calls` brings each event of a transaction to the leg it belongs to, and the methods here say
what follows on the other one.
"""

from typing import Final

from proxy.sip.call_events import BranchFailed, CallAnswered, CallEnded, CallRinging, EndedBy, InsideAsked, UnwantedSaid
from proxy.sip.carried import NOTHING, Carried, carried_from
from proxy.sip.dialog import Dialog, Forks
from proxy.sip.error import SipError
from proxy.sip.hop import Hop
from proxy.sip.leg import Branch, Exchange, Leg, LegOwner
from proxy.sip.message import SipMessage, SipRequest, SipResponse
from proxy.sip.reply import Headers, refuse, reply
from proxy.sip.sdp import check_media
from proxy.sip.transaction.base import ServerTransaction
from proxy.sip.transaction.invite_client import InviteClient
from proxy.sip.unanswered import FinalUnanswered
from proxy.sip.unwanted import UNWANTED

_NO_HEADERS: Final[Headers] = []


class Call(LegOwner):
    """One call. `a` is there from the beginning, `b` from `connect` on; `over` means that it has ended, though answers
    may still be under way.
    """

    __slots__ = ("a", "answered", "b", "calls", "over")

    def __init__(self, calls: Exchange, hop: Hop, dialog: Dialog, server: ServerTransaction) -> None:
        super().__init__()
        self.calls: Final = calls
        self.a: Final = Leg(calls, self, "a", hop, dialog.local_tag)
        self.a.dialog = dialog
        self.a.server = server
        server.user = self.a
        self.b: Leg | None = None
        self.answered = False
        self.over = False

    # What its user decides

    def trying(self, now: float) -> None:
        """Tell leg A at once that the INVITE has come, so that it is not sent again."""
        server = self.a.server
        if server is not None and server.request is not None:
            server.respond(reply(server.request, 100), now)

    def refuse(
        self, status: int, headers: Headers, now: float, carried: Carried = NOTHING, reason: bytes | None = None
    ) -> None:
        """Give leg A a final response that is no 2xx, and end what runs on leg B."""
        if self.answered or self.over:
            return
        self._respond(self.a, status, headers, carried, reason, now)
        self._abandon(self.b, headers, now)
        self._finish("us", str(status), None, now)

    def connect(self, hop: Hop, invite: SipRequest, now: float, patience_s: float = 0.0) -> None:
        """Send this INVITE as leg B."""
        if self.answered or self.over:
            return
        if self.b is not None:
            self._abandon(self.b, _NO_HEADERS, now)
            self.calls.forget(self.b)
        leg = Leg(self.calls, self, "b", hop, invite.from_.tag or b"")
        leg.branch = Branch(leg, Forks(invite))
        leg.offered = bool(invite.body)
        self.b = leg
        self.calls.enter(leg)
        client = self.calls.ask(invite, hop.flow, leg.branch, now)
        if isinstance(client, InviteClient):
            client.holds = UNWANTED
            leg.client = client
        leg.wait(patience_s, now)

    def end(self, headers: Headers, now: float, cause: str = "ended") -> None:
        """End an answered call from here, with a BYE to both sides; `headers` hold the Reason. Before the answer: 480
        and CANCEL.
        """
        if self.over:
            return
        if not self.answered:
            self._respond(self.a, 480, headers, NOTHING, None, now)
            self._abandon(self.b, headers, now)
        else:
            self._hang_up(headers, headers, now)
        self._finish("us", cause, None, now)

    def relay(self, inside: InsideAsked, now: float) -> None:
        """Pass a request inside the call to the other leg, and its final response back."""
        source = self.a if inside.side == "a" else self.b
        peer = self._peer(source)
        if self.over or peer is None or peer.over or peer.dialog is None or peer.dialog.state != "confirmed":
            inside.transaction.respond(reply(inside.request, 481), now)
            return
        try:
            carried = self._passing(inside.request)
        except SipError as error:
            inside.transaction.respond(refuse(inside.request, error, b""), now)
            return
        via = peer.hop.via(self.calls.ids.branch())
        request = peer.dialog.request(inside.request.method, via, None, carried.body)
        carried.into(request)
        self.calls.ask(request, peer.hop.flow, Relayed(self, inside.transaction), now)

    def let_go(self) -> bool:
        """It is over: see `Leg.let_go`. Not while an INVITE towards leg B is under way, whose 2xx or a person's 607 may
        come: False then.
        """
        b = self.b
        if b is not None and b.client is not None:
            return False
        self.a.let_go()
        if b is not None:
            b.let_go()
        return True

    # What comes from the transactions

    def cancelled(self, leg: Leg, request: SipRequest, now: float) -> None:
        """A CANCEL of an INVITE under way: the first one ends the call, a later one only itself."""
        peer = self._peer(leg)
        reason: Headers = [("reason", each) for each in request.each("reason")]
        leg.refuse_open(487, now)
        if leg is self.a and not self.answered:
            self._abandon(self.b, reason, now)
            self._finish("a", "cancelled", request, now)
        elif peer is not None and peer.client is not None:
            self.calls.cancel(peer.client, reason[0][1] if reason else None, now)

    def asked_again(self, leg: Leg, server: ServerTransaction, request: SipRequest, now: float) -> None:
        """An INVITE inside the call (§14.2): 491 while one of ours is under way there, 500 while one of theirs is, else
        passed on.
        """
        peer = self._peer(leg)
        if (
            leg.client is not None
            or leg.ack_due
            or (peer is not None and (peer.server is not None or peer.unacknowledged))
        ):
            server.respond(reply(request, 491, leg.local_tag), now)
            return
        if leg.server is not None or leg.unacknowledged:
            server.respond(reply(request, 500, leg.local_tag, [("retry-after", b"3")]), now)
            return
        if self.over or peer is None or peer.over or peer.dialog is None or not self.answered:
            server.respond(reply(request, 481 if self.over else 491, leg.local_tag), now)
            return
        try:
            carried = self._passing(request)
        except SipError as error:
            server.respond(refuse(request, error, leg.local_tag), now)
            return
        server.user = leg
        leg.server = server
        server.respond(reply(request, 100), now)
        headers: Headers = [("contact", peer.hop.contact), ("allow", self.calls.allow)]
        invite = peer.dialog.request("INVITE", peer.hop.via(self.calls.ids.branch()), headers, carried.body)
        carried.into(invite)
        peer.offered = bool(carried.body)
        client = self.calls.ask(invite, peer.hop.flow, peer, now)
        if isinstance(client, InviteClient):
            peer.client = client

    def acknowledged(self, leg: Leg, request: SipRequest, now: float) -> None:
        """The ACK of our 2xx: with it an answer may come that the other leg's 2xx waits for."""
        if not leg.acknowledged(request, now):
            return
        peer = self._peer(leg)
        if peer is None or not peer.ack_due:
            return
        try:
            carried = self._passing(request)
        except SipError:
            self.end([("reason", b"Q.850;cause=79")], now, "media")
            return
        peer.acknowledge(peer.ack_due, carried, now)

    def branch_responded(self, branch: Branch, client: InviteClient, response: SipResponse, now: float) -> None:
        """A response to a first INVITE."""
        leg = branch.leg
        leg.heard()
        if response.status == UNWANTED:
            self.calls.tell(UnwantedSaid(self, leg.side, response, FinalUnanswered(client)))
        if response.status < 200:
            self._progress(branch, response, now)
        elif response.status < 300:
            self._first_accepted(branch, response, now)
        elif client is leg.client:
            self._branch_failed(leg, 408 if leg.gave_up else response.status, response)
        elif response.status >= 600 and leg is not self.b:
            self._declined_late(response, now)

    def responded(self, leg: Leg, client: InviteClient, response: SipResponse, now: float) -> None:
        """A response to an INVITE inside the call."""
        number = response.cseq.number
        first = client is leg.client
        if 200 <= response.status < 300:
            if first:
                leg.client = None
                self._offer_accepted(leg, response, number, now)
            else:
                leg.acknowledge_again(number)
        elif response.status >= 300 and first:
            leg.client = None
            self._offer_refused(leg, response.status, response, now)

    def branch_unanswered(self, branch: Branch, client: InviteClient, timer: str, now: float) -> None:
        """No final response to a first INVITE: timer B, C, or a CANCEL that led nowhere; or it could not be sent."""
        leg = branch.leg
        if timer == "C":
            leg.gave_up = True
            self.calls.cancel(client, None, now)
        elif client is leg.client:
            self._branch_failed(leg, 503 if timer == "sending" else 408, None)

    def unanswered(self, leg: Leg, client: InviteClient, timer: str, now: float) -> None:
        """No final response to an INVITE inside the call."""
        if timer == "C":
            self.calls.cancel(client, None, now)
        elif client is leg.client:
            leg.client = None
            self._offer_refused(leg, 503 if timer == "sending" else 408, None, now)

    def silent(self, leg: Leg, now: float) -> None:
        """The patience for a first 1xx is over: this attempt is given up, and another may follow."""
        if leg is self.b and leg.client is not None and not self.over:
            client = leg.client
            self._branch_failed(leg, 408, None)
            self.calls.cancel(client, None, now)

    def ended_by(self, leg: Leg, dialog: Dialog, request: SipRequest, now: float) -> None:
        """A BYE, answered by whoever took it: the other leg gets one too, with what came along. A fork's BYE ends that
        fork alone.
        """
        if dialog is not leg.dialog:
            dialog.end()
            return
        leg.ended_by_peer(now)
        if self.over:
            return
        peer = self._peer(leg)
        reason: Headers = [("reason", each) for each in request.each("reason")]
        if peer is not None:
            if self.answered:
                peer.refuse_open(487, now)
                peer.bye(reason, now)
            else:
                self._abandon(peer, reason, now)
        self._finish(leg.side, "bye", request, now)

    def ack_missing(self, leg: Leg, now: float) -> None:
        """Our 2xx was never acknowledged: the session ends (§13.3.1.4)."""
        leg.bye([("reason", b"Q.850;cause=102")], now)
        self.end([("reason", b"Q.850;cause=102")], now, "ack")

    # What follows

    def _peer(self, leg: Leg | None) -> Leg | None:
        return self.b if leg is self.a else self.a if leg is not None and leg is self.b else None

    def _carried(self, message: SipMessage) -> Carried:
        return carried_from(message, self.calls.held_back)

    def _passing(self, message: SipMessage) -> Carried:
        """What passes; raises SipError where the body may not."""
        if message.body:
            check_media(message.single("content-type"), message.body)
        return self._carried(message)

    def _respond(
        self, leg: Leg, status: int, headers: Headers, carried: Carried, reason: bytes | None, now: float
    ) -> None:
        server = leg.server
        if server is None or server.request is None:
            return
        response = reply(server.request, status, leg.local_tag, headers, carried.body, reason)
        carried.into(response)
        if status >= 200:
            leg.server = None
        server.respond(response, now)

    def _wanted(self, leg: Leg) -> bool:
        """Whether leg A still waits for this attempt."""
        return not self.over and leg is self.b and not leg.over

    def _progress(self, branch: Branch, response: SipResponse, now: float) -> None:
        leg = branch.leg
        if response.status == 100 or not self._wanted(leg) or self.answered:
            return
        try:
            branch.forks.receive(response)
            carried = self._passing(response)
        except SipError:
            carried = NOTHING
        leg.rang = True
        headers: Headers = [("contact", self.a.hop.contact)]
        self._respond(self.a, response.status, headers, carried, response.reason, now)
        self.calls.tell(CallRinging(self, response))

    def _first_accepted(self, branch: Branch, response: SipResponse, now: float) -> None:
        leg = branch.leg
        number = branch.forks.request.cseq.number
        try:
            dialog = branch.forks.receive(response)
        except SipError:
            # WHY no ACK and no BYE: without a route or Contact that can be read there is nowhere to send them to.
            if leg.dialog is None:
                self._branch_failed(leg, 502, None)
            return
        if dialog is None:
            return
        if dialog is leg.dialog:
            leg.acknowledge_again(number)
            return
        if leg.dialog is not None:
            # A fork that answers late, while an INVITE inside the call may be under way: that one stays.
            leg.turn_away(dialog, number, now)
            return
        if not self._wanted(leg):
            leg.client = None
            leg.turn_away(dialog, number, now)
            return
        leg.client = None
        leg.branch = None
        try:
            carried = self._passing(response)
        except SipError as error:
            leg.turn_away(dialog, number, now)
            self.refuse(error.status, [], now)
            return
        leg.dialog = dialog
        self.answered = True
        if self.a.dialog is not None:
            self.a.dialog.state = "confirmed"
        self._pass_2xx(self.a, response, carried, now)
        self._acknowledge_or_wait(leg, number, now)
        self.calls.tell(CallAnswered(self, response))

    def _pass_2xx(self, leg: Leg, response: SipResponse, carried: Carried, now: float) -> None:
        server = leg.server
        if server is None or server.request is None:
            return
        request = server.request
        headers: Headers = [("contact", leg.hop.contact), ("allow", self.calls.allow)]
        answer = reply(request, response.status, leg.local_tag, headers, carried.body, response.reason)
        carried.into(answer)
        leg.answer(answer, request.cseq.number, now)

    def _acknowledge_or_wait(self, leg: Leg, number: int, now: float) -> None:
        if leg.offered:
            leg.acknowledge(number, NOTHING, now)
        else:
            leg.ack_due = number

    def _offer_accepted(self, leg: Leg, response: SipResponse, number: int, now: float) -> None:
        """The 2xx of an INVITE inside the call: both targets are refreshed, and the other leg gets its 2xx."""
        peer = self._peer(leg)
        try:
            if leg.dialog is not None:
                leg.dialog.refresh(response)
            carried = self._passing(response)
        except SipError as error:
            leg.acknowledge(number, NOTHING, now)
            if peer is not None:
                peer.refuse_open(error.status, now)
            self.end([("reason", b"Q.850;cause=79")], now, "media")
            return
        if self.over or peer is None or peer.server is None:
            # WHY an ACK all the same: whoever asked for it is gone, but the 2xx was given.
            leg.acknowledge(number, NOTHING, now)
            return
        request = peer.server.request
        if request is not None and peer.dialog is not None:
            peer.dialog.refresh(request)
        self._pass_2xx(peer, response, carried, now)
        self._acknowledge_or_wait(leg, number, now)

    def _offer_refused(self, leg: Leg, status: int, response: SipResponse | None, now: float) -> None:
        """An INVITE inside the call was refused: so is the other leg's; after 408 and 481 the call is over
        (§12.2.1.2).
        """
        peer = self._peer(leg)
        if peer is not None:
            if response is not None:
                carried = self._carried(response)
                self._respond(peer, status, [], carried, response.reason, now)
            else:
                peer.refuse_open(status, now)
        # WHY not a 503 of the peer's: it is busy, and the session goes on; one of ours means that it cannot be reached.
        if status in (408, 481) or response is None:
            self.end([("reason", b"SIP;cause=%d" % status)], now, str(status))

    def _branch_failed(self, leg: Leg, status: int, response: SipResponse | None) -> None:
        wanted = self._wanted(leg)
        leg.heard()
        leg.client = None
        leg.branch = None
        leg.over = True
        self.calls.forget(leg)
        if self.over:
            self.let_go()
        if wanted:
            carried = NOTHING if response is None else self._carried(response)
            self.calls.tell(BranchFailed(self, status, response, carried, leg.rang))

    def _declined_late(self, response: SipResponse, now: float) -> None:
        """Somebody declines for all where the way to him was given up before: what is tried instead ends too."""
        b = self.b
        if self.over or self.answered or b is None:
            return
        self._abandon(b, [("reason", b"SIP;cause=%d" % response.status)], now)
        self.calls.tell(BranchFailed(self, response.status, response, self._carried(response), b.rang))

    def _abandon(self, leg: Leg | None, headers: Headers, now: float) -> None:
        """Give up a leg B that has not been answered: CANCEL now, or when its first 1xx comes; a 2xx that comes all the
        same is turned away.
        """
        if leg is None or leg.dialog is not None:
            return
        leg.over = True
        leg.heard()
        client = leg.client
        if client is not None:
            reason = [value for key, value in headers if key == "reason"]
            self.calls.cancel(client, reason[0] if reason else None, now)

    def _hang_up(self, to_a: Headers, to_b: Headers, now: float) -> None:
        self.a.refuse_open(487, now)
        self.a.bye(to_a, now)
        if self.b is not None:
            self.b.refuse_open(487, now)
            self.b.bye(to_b, now)

    def _finish(self, by: EndedBy, cause: str, request: SipRequest | None, now: float) -> None:
        if self.over:
            return
        self.over = True
        self.calls.closing(self, now)
        self.calls.tell(CallEnded(self, by, cause, request))


class Asker:
    """Whoever sent a request that is no INVITE, and waits for what becomes of it."""

    __slots__ = ()

    def responded(self, response: SipResponse, now: float) -> None:
        """A response came, provisional or final."""
        raise NotImplementedError

    def unanswered(self, now: float) -> None:
        """None came in time, or the request could not be sent."""
        raise NotImplementedError


class Relayed(Asker):
    """A request that was passed on inside a call: where its response goes."""

    __slots__ = ("call", "transaction")

    def __init__(self, call: Call, transaction: ServerTransaction) -> None:
        self.call: Final = call
        self.transaction: Final = transaction

    def responded(self, response: SipResponse, now: float) -> None:
        """Pass a final response back, with what it carries; 408 and 481 end the call (§12.2.1.2)."""
        request = self.transaction.request
        if response.status < 200 or request is None:
            return
        carried = carried_from(response, self.call.calls.held_back)
        answer = reply(request, response.status, b"", None, carried.body, response.reason)
        carried.into(answer)
        self.transaction.respond(answer, now)
        if response.status in (408, 481):
            self.call.end([("reason", b"SIP;cause=%d" % response.status)], now, str(response.status))

    def unanswered(self, now: float) -> None:
        """Nobody answered: 408, and the call is over."""
        request = self.transaction.request
        if request is not None:
            self.transaction.respond(reply(request, 408), now)
        self.call.end([("reason", b"SIP;cause=408")], now, "408")
