"""One leg of a call: a dialog, the INVITEs that run in it, and the 2xx that must be acknowledged.

Owns what RFC 3261 asks of a user agent beyond its transactions: repeating a 2xx until the ACK comes (§13.3.1.4),
acknowledging each 2xx (§13.2.2.4), never two INVITEs at once (§14), no BYE before the ACK (§15). Must never look at the
other leg: it tells the call. How it works: a leg is the same for both sides once it is answered; before, leg A has
`server` and leg B has `client` and `branch`.
"""

from typing import Final

from proxy.sip.call_events import CallControl, CallEvent, Side
from proxy.sip.carried import NOTHING, Carried
from proxy.sip.dialog import Dialog, Forks
from proxy.sip.flow import Flow
from proxy.sip.hop import Hop
from proxy.sip.ids import Ids
from proxy.sip.message import SipRequest, SipResponse
from proxy.sip.reply import Headers, reply
from proxy.sip.timers import Timer, Timers
from proxy.sip.transaction.base import ClientTransaction, ServerTransaction
from proxy.sip.transaction.invite_client import InviteClient
from proxy.sip.transaction.timing import Timing


class Exchange:
    """What legs and calls need of the whole: to send, to ask, to wait, to tell. `Calls` is it."""

    __slots__ = ("allow", "held_back", "ids", "timers", "timing")

    def __init__(self, timers: Timers, timing: Timing, ids: Ids, allow: bytes, held_back: frozenset[str]) -> None:
        self.timers: Final = timers
        self.timing: Final = timing
        self.ids: Final = ids
        self.allow: Final = allow
        self.held_back: Final = held_back

    def tell(self, event: CallEvent) -> None:
        """Something happened that the user must know."""
        raise NotImplementedError

    def send(self, flow: Flow, octets: bytes) -> None:
        """Send octets that belong to no transaction."""
        raise NotImplementedError

    def ask(self, request: SipRequest, flow: Flow, user: object, now: float) -> ClientTransaction:
        """Send a request as a transaction that belongs to `user`."""
        raise NotImplementedError

    def cancel(self, client: InviteClient, reason: bytes | None, now: float) -> None:
        """Cancel an INVITE of ours, now or when its first 1xx comes."""
        raise NotImplementedError

    def enter(self, leg: "Leg") -> None:
        """Requests with this leg's tag are its own from now on."""
        raise NotImplementedError

    def forget(self, leg: "Leg") -> None:
        """No request can come to this leg any more."""
        raise NotImplementedError

    def closing(self, call: "LegOwner", now: float) -> None:
        """A call is over."""
        raise NotImplementedError


class LegOwner(CallControl):
    """A call, as its legs see it."""

    __slots__ = ()

    def ack_missing(self, leg: "Leg", now: float) -> None:
        """The 2xx of this leg was never acknowledged."""
        raise NotImplementedError

    def silent(self, leg: "Leg", now: float) -> None:
        """Nobody has answered the first INVITE of this leg in time, not with a 1xx either."""
        raise NotImplementedError


class _Nobody(LegOwner):
    """The call of a leg whose call is over: whatever comes too late does nothing."""

    __slots__ = ()

    def refuse(
        self, status: int, headers: Headers, now: float, carried: Carried = NOTHING, reason: bytes | None = None
    ) -> None:
        """It is over."""

    def end(self, headers: Headers, now: float, cause: str = "ended") -> None:
        """It is over."""

    def ack_missing(self, leg: "Leg", now: float) -> None:
        """It is over."""

    def silent(self, leg: "Leg", now: float) -> None:
        """It is over."""


_NOBODY: Final = _Nobody()


class Leg:
    """`side` is which one it is; `over` means that nothing is sent in its dialog any more."""

    __slots__ = (
        "_ack",
        "_ack_number",
        "_again",
        "_answer",
        "_answer_number",
        "_bye",
        "_gap_s",
        "_patience",
        "_until",
        "ack_due",
        "branch",
        "call",
        "client",
        "dialog",
        "exchange",
        "gave_up",
        "hop",
        "local_tag",
        "offered",
        "over",
        "rang",
        "server",
        "side",
    )

    def __init__(self, exchange: Exchange, call: LegOwner, side: Side, hop: Hop, local_tag: bytes) -> None:
        self.exchange: Final = exchange
        #: Whose leg it is, and nobody's once it is let go.
        self.call = call
        self.side: Final[Side] = side
        self.hop = hop
        self.local_tag: Final = local_tag
        self.dialog: Dialog | None = None
        #: An INVITE of the peer's without a final response, first or later.
        self.server: ServerTransaction | None = None
        #: An INVITE of ours without a final response, first or later.
        self.client: InviteClient | None = None
        #: Whether that is the first one, whose responses make dialogs.
        self.branch: Branch | None = None
        #: Whether the INVITE under way had a body: its 2xx is acknowledged at once then, else with what the other leg's
        #: ACK brings.
        self.offered = False
        #: The number of a 2xx that waits for the other leg's ACK, 0 where none does.
        self.ack_due = 0
        self.rang = False
        #: Given up by timer C: what follows counts as no answer.
        self.gave_up = False
        self._patience: Timer | None = None
        self.over = False
        #: Our 2xx that is repeated, and the number of its INVITE.
        self._answer: SipResponse | None = None
        self._answer_number = 0
        self._gap_s = 0.0
        self._again: Timer | None = None
        self._until: Timer | None = None
        #: What a repeated 2xx is answered with.
        self._ack = b""
        self._ack_number = 0
        #: A BYE that waits for the ACK of our 2xx: its header lines, None where none waits.
        self._bye: Headers | None = None

    # A 2xx of ours

    def answer(self, response: SipResponse, number: int, now: float) -> None:
        """Give the 2xx to the INVITE under way, and repeat it until its ACK comes, T1 doubled up to T2, for 64*T1
        (§13.3.1.4).
        """
        server = self.server
        if server is None:
            return
        self.server = None
        self._answer = response
        self._answer_number = number
        self._gap_s = self.exchange.timing.t1_s
        timers = self.exchange.timers
        server.user = None
        server.respond(response, now)
        # WHY also on streams: a hop further on may lose it (§13.3.1.4).
        self._again = timers.start(self, "2xx", self._gap_s, now)
        self._until = timers.start(self, "ack", self.exchange.timing.give_up_s, now)

    def expired(self, name: str, now: float) -> None:
        """The 2xx again, or no ACK."""
        if name == "2xx":
            response = self._answer
            if response is not None:
                self.exchange.send(self.hop.flow, response.octets())
                timing = self.exchange.timing
                self._gap_s = min(self._gap_s * 2, timing.t2_s)
                self._again = self.exchange.timers.start(self, "2xx", self._gap_s, now)
        elif name == "ack":
            self._stop_repeating()
            bye = self._bye
            self._bye = None
            if bye is not None:
                self._send_bye(bye, now)
            else:
                self.call.ack_missing(self, now)
        elif name == "silent":
            self.call.silent(self, now)

    def wait(self, patience_s: float, now: float) -> None:
        """Give the first INVITE of this leg so long for any 1xx; `heard` ends it."""
        if patience_s > 0:
            self._patience = self.exchange.timers.start(self, "silent", patience_s, now)

    def heard(self) -> None:
        """A response has come, or none matters any more."""
        if self._patience is not None:
            self._patience.end()
            self._patience = None

    def acknowledged(self, request: SipRequest, now: float) -> bool:
        """An ACK came; True where it is the one of the 2xx that is being repeated."""
        if self._answer is None or request.cseq.number != self._answer_number:
            return False
        self._stop_repeating()
        bye = self._bye
        if bye is not None:
            self._bye = None
            self._send_bye(bye, now)
        return True

    @property
    def unacknowledged(self) -> bool:
        """Whether our 2xx still waits for its ACK."""
        return self._answer is not None

    def _stop_repeating(self) -> None:
        self._answer = None
        if self._again is not None:
            self._again.end()
        if self._until is not None:
            self._until.end()

    # A 2xx of the peer's

    def acknowledge(self, number: int, carried: Carried, now: float) -> None:
        """Send the ACK of the peer's 2xx, and keep it for repetitions of that 2xx."""
        dialog = self.dialog
        self.ack_due = 0
        if dialog is None:
            return
        exchange = self.exchange
        ack = dialog.ack(number, self.hop.via(exchange.ids.branch()), None, carried.body)
        carried.into(ack)
        self._ack = ack.octets()
        self._ack_number = number
        exchange.send(self.hop.flow, self._ack)

    def acknowledge_again(self, number: int) -> None:
        """The same 2xx came again."""
        if self._ack and number == self._ack_number:
            self.exchange.send(self.hop.flow, self._ack)

    def turn_away(self, dialog: Dialog, number: int, now: float) -> None:
        """A 2xx that nobody wants, of a fork or after a CANCEL: acknowledge it and end its dialog (§13.2.2.4, §9.1)."""
        exchange = self.exchange
        exchange.send(self.hop.flow, dialog.ack(number, self.hop.via(exchange.ids.branch())).octets())
        if dialog.state != "terminated":
            dialog.end()
            exchange.ask(dialog.request("BYE", self.hop.via(exchange.ids.branch())), self.hop.flow, None, now)

    # The end

    def bye(self, headers: Headers, now: float) -> None:
        """End the dialog with a BYE; where our 2xx waits for its ACK, then after that (§15), where the peer's waits for
        ours, after an empty one.
        """
        if self.over:
            return
        self.over = True
        if self.ack_due:
            self.acknowledge(self.ack_due, NOTHING, now)
        if self._answer is not None:
            self._bye = headers
        else:
            self._send_bye(headers, now)

    def _send_bye(self, headers: Headers, now: float) -> None:
        dialog = self.dialog
        if dialog is None or dialog.state == "terminated":
            return
        exchange = self.exchange
        dialog.end()
        exchange.ask(dialog.request("BYE", self.hop.via(exchange.ids.branch()), headers), self.hop.flow, None, now)

    def ended_by_peer(self, now: float) -> None:
        """The peer's BYE has come: nothing more is sent, and an INVITE of its that is under way is answered 487
        (§15.1.2).
        """
        self.over = True
        self._bye = None
        self._stop_repeating()
        if self.ack_due:
            self.acknowledge(self.ack_due, NOTHING, now)
        if self.dialog is not None:
            self.dialog.end()
        self.refuse_open(487, now)

    def let_go(self) -> None:
        """Nothing that comes can matter any more: the call and its legs no longer hold each other.

        WHY: two that hold each other are left to the collector, which runs seldom here, so that memory would grow with
        every call.
        """
        self.call = _NOBODY
        self.branch = None
        self.client = None

    def refuse_open(self, status: int, now: float) -> None:
        """Answer an INVITE of the peer's that is under way with this status."""
        server = self.server
        if server is not None and server.request is not None:
            self.server = None
            server.respond(reply(server.request, status, self.local_tag), now)

    def speaker(self, call_id: bytes, tag: bytes) -> Side | None:
        """Whose tag that is in the dialogs of this leg, seen from the whole call: what comes from our own side of this
        leg is what the other one says. None where it is nobody's here.
        """
        dialog = self.dialog
        forks = self.branch.forks if self.branch is not None else None
        if dialog is not None:
            ours, theirs = dialog.call_id, tag == dialog.remote_tag
        elif forks is not None:
            ours, theirs = forks.request.call_id, tag in forks.dialogs
        else:
            return None
        if call_id != ours:
            return None
        if tag == self.local_tag:
            return "b" if self.side == "a" else "a"
        return self.side if theirs else None

    def dialog_of(self, request: SipRequest) -> Dialog | None:
        """The dialog of this leg that a request belongs to, those of forks included."""
        dialog = self.dialog
        if dialog is not None and dialog.belongs(request):
            return dialog
        if self.branch is not None:
            found = self.branch.forks.dialogs.get(request.from_.tag or b"")
            if found is not None and found.belongs(request):
                return found
        return None


class Branch:
    """The first INVITE of a leg B and the dialogs it makes; it lives as long as its transaction, so that late 2xx find
    it.
    """

    __slots__ = ("forks", "leg")

    def __init__(self, leg: Leg, forks: Forks) -> None:
        self.leg: Final = leg
        self.forks: Final = forks
