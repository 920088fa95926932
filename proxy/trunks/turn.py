"""The turn: what came in goes through the door to the transactions, what calls tell goes to the desk, what lies in
`out` is sent.

Owns that order, and that nothing is left to tell and nothing to send when it ends. Must never wait, nor hold a socket.
How it works: sans-IO; whoever reads a socket brings every message that is there and calls `ended` once behind the last,
since what follows all of them (a timer, whether a drain is over) need be asked only then.
"""

from collections.abc import Callable
from typing import Final

from proxy.sip.calls import Calls
from proxy.sip.error import SipError
from proxy.sip.framing import read_datagram, via_of_ack
from proxy.sip.message import Limits, MalformedRequest, SipRequest, SipResponse
from proxy.sip.transaction.table import Transactions
from proxy.sip.via import parse_via
from proxy.trunks.desk import CallDesk
from proxy.trunks.door import Admitted, Door
from proxy.trunks.udp import UdpWay
from proxy.trunks.way import Way, way_of

Log = Callable[..., None]
_DEFAULT_PORT: Final = 5060


class Turn:
    """One for all sockets. `sent_anew` sends where a connection was lost, False where there is none; `ended` is called
    when a turn is over, with the time.
    """

    __slots__ = ("_calls", "_desk", "_door", "_ended", "_limits", "_log", "_sent_anew", "_table", "_turning")

    def __init__(
        self,
        table: Transactions,
        calls: Calls,
        desk: CallDesk,
        door: Door,
        limits: Limits,
        log: Log,
        sent_anew: Callable[[Way, bytes], bool],
        ended: Callable[[float], None],
    ) -> None:
        self._table: Final = table
        self._calls: Final = calls
        self._desk: Final = desk
        self._door: Final = door
        self._limits: Final = limits
        self._log: Final = log
        self._sent_anew: Final = sent_anew
        self._ended: Final = ended
        self._turning = False

    @property
    def under_way(self) -> bool:
        """Whether what is answered now goes out without being asked for."""
        return self._turning

    def datagram(self, way: UdpWay, data: bytes, now: float) -> None:
        """One datagram; `ended` is for who brings it to call."""
        if data[:4] == b"ACK " and self._acknowledged(way, data, now):
            return
        try:
            message = read_datagram(data, self._limits)
        except SipError as error:
            self._door.malformed(error, way.flow, len(data))
            self._carry_on(now, None)
            return
        if message is not None:
            self.message(message, way, now, len(data))

    def _acknowledged(self, way: UdpWay, data: bytes, now: float) -> bool:
        """Whether a datagram is the ACK of a refusal. WHY before it is read: half of what a refused call brings is this
        one, and nothing in it but its Via matters.
        """
        value = via_of_ack(data)
        if value is None:
            return False
        try:
            return self._door.acknowledged(parse_via(value), way.flow, now)
        except SipError:
            return False

    def message(self, message: SipRequest | SipResponse, way: Way, now: float, size: int) -> None:
        """One message, a datagram of so many octets or 0; `ended` is for who brings it to call."""
        admitted: Admitted | None = None
        flow = way.flow
        try:
            if isinstance(message, SipRequest):
                if message.method == "ACK" and self._door.acknowledged(message.via, flow, now):
                    return
                message.stamp(flow.peer, way.port)
                if isinstance(way, UdpWay):
                    flow = _back(message, way).flow
                admitted = self._door.admit(message, flow, now, size)
                if admitted is None:
                    self._carry_on(now, None)
                    return
            elif not self._door.admit_response(message, flow):
                return
            self._table.receive(message, flow, now, admitted.share if admitted is not None else None)
        except SipError as error:
            wrong = MalformedRequest(error, message) if isinstance(message, SipRequest) else error
            self._door.malformed(wrong, flow, size)
        self._carry_on(now, admitted)

    def go_on(self, now: float) -> None:
        """A turn of its own: a timer came, or somebody was answered."""
        if not self._turning:
            self._carry_on(now, None)
            self._ended(now)

    def ended(self, now: float) -> None:
        """The last message is in."""
        if not self._turning:
            self._ended(now)

    def _carry_on(self, now: float, admitted: Admitted | None) -> None:
        """Carry on until nothing is left to tell and nothing to send."""
        if self._turning:
            # WHY: sending may end a connection, which is told while we send; the outer turn goes on with it.
            return
        self._turning = True
        table, desk = self._table, self._desk
        try:
            while True:
                events = self._calls.take(now)
                for event in events:
                    try:
                        desk.take(event, admitted, now)
                    except Exception as error:  # noqa: BLE001  WHY: a defect met by one call must not cost another's
                        self._log("call.defect", error=error)
                        desk.broken(event, now)
                out = table.data_to_send()
                for flow, octets in out:
                    way = way_of(flow)
                    if not (way.send(octets) or self._sent_anew(way, octets)):
                        table.flow_failed(flow, now)
                if not events and not out:
                    break
        finally:
            self._turning = False


def _back(request: SipRequest, way: UdpWay) -> Way:
    """The way of the answer: the source, but for a peer without rport the port that its Via names (RFC 3261 §18.2.2,
    RFC 3581 §4). Never another host.
    """
    port = request.via.answer_port or _DEFAULT_PORT
    return way if port == way.port else way.beside(port)
