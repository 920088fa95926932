"""The non-INVITE client transaction: RFC 3261 §17.1.2.

state       1xx          final      timer                             transport error
trying      proceeding   completed  E: again, doubled; F: end, told   end, told
proceeding  (told)       completed  E: again, every T2; F: end, told  end, told
completed   –            –          K: end                            –
"""

from proxy.sip.flow import Flow
from proxy.sip.message import SipRequest, SipResponse
from proxy.sip.timers import Timer
from proxy.sip.transaction.base import ClientTransaction, Desk, ResponseReceived, SendingFailed, TimedOut


class PlainClient(ClientTransaction):
    """One request that is no INVITE, on its way."""

    __slots__ = ("_gap_s", "_octets", "_timer", "_until", "method")

    def __init__(self, desk: Desk, key: bytes, flow: Flow, request: SipRequest, now: float) -> None:
        super().__init__(desk, key, flow, "trying")
        self.method = request.method
        self._octets = request.octets()
        self._gap_s = desk.timing.t1_s
        self._timer: Timer | None = None if flow.reliable else self._start("E", self._gap_s, now)
        self._until: Timer = self._start("F", desk.give_up_s, now)
        self._send(self._octets)

    def expired(self, name: str, now: float) -> None:
        """Timers E, F, K."""
        if name == "E":
            if self.state in ("trying", "proceeding"):
                self._send(self._octets)
                t2_s = self.desk.timing.t2_s
                self._gap_s = min(self._gap_s * 2, t2_s) if self.state == "trying" else t2_s
                self._timer = self._start("E", self._gap_s, now)
            return
        told = self.state != "completed"
        self._finish()
        if told:
            self.desk.events.append(TimedOut(self, name))

    def receive(self, response: SipResponse, now: float) -> None:
        """A response with our branch and method."""
        if self.state not in ("trying", "proceeding"):
            return
        if response.status < 200:
            self.state = "proceeding"
        else:
            self._finish_asking()
            if self.flow.reliable:
                self._finish()
            else:
                self.state = "completed"
                self._until = self._start("K", self.desk.timing.t4_s, now)
        self.desk.events.append(ResponseReceived(self, response))

    def failed(self, now: float) -> None:
        """The transport could not send the request."""
        if self.state in ("trying", "proceeding"):
            self._finish()
            self.desk.events.append(SendingFailed(self))

    def _finish_asking(self) -> None:
        if self._timer is not None:
            self._timer.end()
        self._until.end()
        self._octets = b""

    def _finish(self) -> None:
        self._finish_asking()
        self._end()
