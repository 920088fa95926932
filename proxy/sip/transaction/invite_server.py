"""The INVITE server transaction: RFC 3261 §17.2.1 as RFC 6026 §7.1 mends it.

    state       INVITE again    user: 1xx  user: 2xx  user: 3xx–6xx  ACK        timer                    transport error
    proceeding  last 1xx again  sent       accepted   completed      –          trying: 100              end, told
    completed   response again  –          –          –              confirmed  G: again; H: end, told   end, told
    confirmed   –               –          –          –              –          I: end                   –
    accepted    –               –          sent       –              (told)     L: end                   told

Must never repeat a 2xx: the user does, until the ACK comes (§13.3.1.4).
"""

from proxy.sip.flow import Flow
from proxy.sip.message import SipRequest, SipResponse
from proxy.sip.reply import reply
from proxy.sip.timers import Timer
from proxy.sip.transaction.base import AckMissing, Desk, SendingFailed, ServerTransaction


class InviteServer(ServerTransaction):
    """One INVITE that has come."""

    __slots__ = ("_gap_s", "_last", "_timer", "_to", "_until")

    def __init__(self, desk: Desk, key: bytes, flow: Flow, request: SipRequest, now: float) -> None:
        super().__init__(desk, key, flow, "proceeding", request)
        #: The To of the first response but a 100.
        self._to = b""
        #: The octets of the last response.
        self._last = b""
        self._gap_s = desk.timing.t1_s
        #: trying, then G.
        self._timer: Timer | None = self._start("trying", desk.timing.trying_s, now)
        #: H, I or L.
        self._until: Timer | None = None

    def expired(self, name: str, now: float) -> None:
        """The 100 that nobody gave; timers G, H, I, L."""
        if name == "trying":
            if self.state == "proceeding" and not self._last and self.request is not None:
                self._last = reply(self.request, 100).octets()
                self._send(self._last)
        elif name == "G":
            if self.state == "completed":
                self._send(self._last)
                self._gap_s = min(self._gap_s * 2, self.desk.timing.t2_s)
                self._timer = self._start("G", self._gap_s, now)
        else:
            self._finish()
            if name == "H":
                self.desk.events.append(AckMissing(self))

    @property
    def to_tag(self) -> bytes:
        """The tag of the responses given, for the 200 of a CANCEL (§9.2); empty before the first."""
        # WHY read when asked for: few are cancelled.
        return SipResponse(200, b"", ["to"], [self._to]).to.tag or b"" if self._to else b""

    def again(self, now: float) -> None:
        """The INVITE came again: the last response answers it, a 2xx apart."""
        if self._last and self.state in ("proceeding", "completed"):
            self._send(self._last)

    def respond(self, response: SipResponse, now: float) -> bool:
        """Send what the user answers; a 2xx as often as the user repeats it."""
        status = response.status
        if self.state == "proceeding":
            self._stop(self._timer)
            self._last = response.octets()
            self._send(self._last)
            if status > 100 and not self._to and "to" in response.keys:
                self._to = response.lines[response.keys.index("to")]
            if status >= 300:
                self._complete(now)
            elif status >= 200:
                self.state = "accepted"
                self._last = b""
                self.request = None
                self._until = self._start("L", self.desk.give_up_s, now)
            return True
        if self.state == "accepted" and 200 <= status < 300:
            self._send(response.octets())
            return True
        return False

    def _complete(self, now: float) -> None:
        self.state = "completed"
        self.request = None
        self._until = self._start("H", self.desk.give_up_s, now)
        self._timer = None if self.flow.reliable else self._start("G", self._gap_s, now)

    def ack(self, now: float) -> bool:
        """An ACK with this branch; True where it was one of ours, False where it is for the user (§17.2.1, RFC 6026
        §7.1).
        """
        if self.state == "completed":
            self._stop(self._timer)
            self._stop(self._until)
            self.state = "confirmed"
            self._last = b""
            if self.flow.reliable:
                self._finish()
            else:
                self._until = self._start("I", self.desk.timing.t4_s, now)
            return True
        return self.state != "accepted"

    def failed(self, now: float) -> None:
        """The transport could not send a response; a 2xx may still get through another way (RFC 6026 §7.1)."""
        if self.state in ("proceeding", "completed"):
            self._finish()
            self.desk.events.append(SendingFailed(self))
        elif self.state == "accepted":
            self.desk.events.append(SendingFailed(self))

    def _stop(self, timer: Timer | None) -> None:
        if timer is not None:
            timer.end()

    def _finish(self) -> None:
        self._stop(self._timer)
        self._stop(self._until)
        self.request = None
        self._last = b""
        self._end()
