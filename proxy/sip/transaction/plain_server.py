"""The non-INVITE server transaction: RFC 3261 §17.2.2.

state       request again    user: 1xx     user: final  timer   transport error
trying      –                proceeding    completed    –       –
proceeding  last 1xx again   sent          completed    –       end, told
completed   response again   –             –            J: end  end, told
"""

from proxy.sip.flow import Flow
from proxy.sip.message import SipRequest, SipResponse
from proxy.sip.timers import Timer
from proxy.sip.transaction.base import Desk, SendingFailed, ServerTransaction


class PlainServer(ServerTransaction):
    """One request that is no INVITE, to be answered."""

    __slots__ = ("_last", "_until")

    def __init__(self, desk: Desk, key: bytes, flow: Flow, request: SipRequest, now: float) -> None:
        super().__init__(desk, key, flow, "trying", request)
        self._last = b""
        self._until: Timer | None = None

    def expired(self, name: str, now: float) -> None:
        """Timer J."""
        self._finish()

    def again(self, now: float) -> None:
        """The request came again: the last response, if there is one, answers it."""
        if self._last:
            self._send(self._last)

    def respond(self, response: SipResponse, now: float) -> bool:
        """Send what the user answers. A 1xx is the user's to keep back until the final response is late (RFC 4320
        §4.1).
        """
        if self.state not in ("trying", "proceeding"):
            return False
        self._last = response.octets()
        self._send(self._last)
        if response.status < 200:
            self.state = "proceeding"
            return True
        self.request = None
        self.state = "completed"
        if self.flow.reliable:
            self._finish()
        else:
            self._until = self._start("J", self.desk.give_up_s, now)
        return True

    def failed(self, now: float) -> None:
        """The transport could not send a response."""
        if self.state in ("proceeding", "completed"):
            self._finish()
            self.desk.events.append(SendingFailed(self))

    def _finish(self) -> None:
        if self._until is not None:
            self._until.end()
        self.request = None
        self._last = b""
        self._end()
