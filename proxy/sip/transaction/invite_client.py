"""The INVITE client transaction: RFC 3261 §17.1.1 as RFC 6026 §7.2 mends it.

    state       1xx          2xx        3xx–6xx          timer                     transport error
    calling     proceeding   accepted   completed, ACK   A: again; B: end, told    end, told
    proceeding  (told)       accepted   completed, ACK   C: told; cancel: end      –
    completed   –            –          ACK again        D: end                    end, told
    accepted    –            (told)     –                M: end                    –

Must never acknowledge a 2xx: the user does, since each 2xx may be another dialog (§13.2.2.4). Nor a final response of
the status `holds`, until the user says so: whoever gave it repeats it until then (timer G), and that is kept from us.
"""

from proxy.sip.flow import Flow
from proxy.sip.headers import line_of
from proxy.sip.message import SipRequest, SipResponse
from proxy.sip.timers import Timer
from proxy.sip.transaction.base import ClientTransaction, Desk, ResponseReceived, SendingFailed, TimedOut


class InviteClient(ClientTransaction):
    """One INVITE on its way. `request` is there until a final response has come."""

    __slots__ = (
        "_ack",
        "_cancel_sent",
        "_gap_s",
        "_held",
        "_timer",
        "_until",
        "cancelled",
        "holds",
        "reason",
        "request",
    )

    def __init__(self, desk: Desk, key: bytes, flow: Flow, request: SipRequest, now: float) -> None:
        super().__init__(desk, key, flow, "calling")
        self.request: SipRequest | None = request
        self.cancelled = False
        #: The Reason that the CANCEL bears, where there is one (RFC 3326).
        self.reason: bytes | None = None
        #: The status whose ACK waits for `acknowledge`; 0: none does.
        self.holds = 0
        self._held = False
        self._cancel_sent = False
        self._ack = b""
        self._gap_s = desk.timing.t1_s
        #: A, and then C.
        self._timer: Timer | None = None if flow.reliable else self._start("A", self._gap_s, now)
        #: B, and then cancel, D or M.
        self._until: Timer | None = self._start("B", desk.give_up_s, now)
        self._send(request.octets())

    def expired(self, name: str, now: float) -> None:
        """Timers A, B, C, D, M, and the end of a cancelled INVITE (§9.1)."""
        if name == "A":
            if self.state == "calling" and self.request is not None:
                self._send(self.request.octets())
                self._gap_s *= 2
                self._timer = self._start("A", self._gap_s, now)
        elif name == "C":
            self.desk.events.append(TimedOut(self, name))
        else:
            told = self.state in ("calling", "proceeding")
            self._finish()
            if told:
                self.desk.events.append(TimedOut(self, name))

    def receive(self, response: SipResponse, now: float) -> None:
        """A response with our branch and CSeq method INVITE."""
        state = self.state
        if state in ("calling", "proceeding"):
            if response.status < 200:
                self._provisional(response, now)
            elif response.status < 300:
                self._accept(response, now)
            else:
                self._complete(response, now)
        elif state == "completed":
            if response.status >= 300 and not self._held:
                self._send(self._ack)
        elif state == "accepted" and 200 <= response.status < 300:
            self.desk.events.append(ResponseReceived(self, response))

    def _provisional(self, response: SipResponse, now: float) -> None:
        """§17.1.1.2: no repetitions and no timer B after a 1xx. §16.7: a 1xx other than 100 starts timer C anew."""
        if self.state == "calling":
            self.state = "proceeding"
            self._stop(self._until)
        if response.status > 100 or self._timer is None or self._timer.name != "C":
            self._stop(self._timer)
            self._timer = self._start("C", self.desk.timing.c_s, now)
        self.desk.events.append(ResponseReceived(self, response))

    def _accept(self, response: SipResponse, now: float) -> None:
        """RFC 6026 §7.2: the transaction stays for 64*T1, so that each 2xx finds it."""
        self._stop(self._timer)
        self._stop(self._until)
        self.state = "accepted"
        self.request = None
        self._until = self._start("M", self.desk.give_up_s, now)
        self.desk.events.append(ResponseReceived(self, response))

    def _complete(self, response: SipResponse, now: float) -> None:
        """§17.1.1.2: the ACK is the transaction's; timer D answers repeated responses, and is zero on reliable
        transports. One that is held ends with timer D everywhere.
        """
        self._stop(self._timer)
        self._stop(self._until)
        if self.request is not None:
            self._ack = _ack_of(self.request, response).octets()
            self._held = response.status == self.holds
            if not self._held:
                self._send(self._ack)
        self.state = "completed"
        self.request = None
        if self.flow.reliable and not self._held:
            self._finish()
        else:
            self._until = self._start("D", self.desk.timing.d_s, now)
        self.desk.events.append(ResponseReceived(self, response))

    def acknowledge(self) -> None:
        """Send the ACK that was held; nothing where none is, or where timer D has come."""
        if self._held and self.state == "completed":
            self._held = False
            self._send(self._ack)
            if self.flow.reliable:
                self._finish()

    def cancel(self, now: float) -> SipRequest | None:
        """The CANCEL of this INVITE, once, to be sent as a transaction of its own on the same flow; None where it may
        not be.

        Not before a 1xx has come (§9.1): the table asks again then, `cancelled` says so. Not after a final response.
        """
        self.cancelled = True
        if self.state != "proceeding" or self.request is None or self._cancel_sent:
            return None
        self._cancel_sent = True
        self._stop(self._until)
        self._until = self._start("cancel", self.desk.give_up_s, now)
        cancel = _cancel_of(self.request)
        if self.reason is not None:
            cancel.append("reason", self.reason)
        return cancel

    def failed(self, now: float) -> None:
        """The transport could not send the INVITE or the ACK."""
        if self.state in ("calling", "completed"):
            self._finish()
            self.desk.events.append(SendingFailed(self))

    def _stop(self, timer: Timer | None) -> None:
        if timer is not None:
            timer.end()

    def _finish(self) -> None:
        self._stop(self._timer)
        self._stop(self._until)
        self.request = None
        self._end()


_OF_THE_INVITE = frozenset(("from", "call-id", "route", "max-forwards"))


def _ack_of(invite: SipRequest, response: SipResponse) -> SipRequest:
    """The ACK of a final response that is no 2xx: §17.1.1.3, with the To of the response and the INVITE's topmost Via
    alone.
    """
    keys: list[str] = ["via"]
    lines: list[bytes] = [line_of("via", invite.via.written)]
    for index, key in enumerate(invite.keys):
        if key in _OF_THE_INVITE:
            keys.append(key)
            lines.append(invite.lines[index])
    to = response.first("to")
    keys.append("to")
    lines.append(line_of("to", to if to is not None else b""))
    return _closed("ACK", invite, keys, lines)


def _cancel_of(invite: SipRequest) -> SipRequest:
    """The CANCEL of an INVITE (§9.1): the same Request-URI, Call-ID, To, From, Route and CSeq number, the topmost Via
    alone.
    """
    keys: list[str] = ["via"]
    lines: list[bytes] = [line_of("via", invite.via.written)]
    for index, key in enumerate(invite.keys):
        if key in _OF_THE_INVITE or key == "to":
            keys.append(key)
            lines.append(invite.lines[index])
    return _closed("CANCEL", invite, keys, lines)


def _closed(method: str, invite: SipRequest, keys: list[str], lines: list[bytes]) -> SipRequest:
    keys += ("cseq", "content-length")
    lines += (b"CSeq: %d " % invite.cseq.number + method.encode("ascii"), b"Content-Length: 0")
    return SipRequest(method, invite.uri, keys, lines)
