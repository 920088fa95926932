"""One side of one SMPP connection: framing, bind states, timers. Sans-IO.

Owns what octets may mean in which state (SMPP v3.4 §2.2, §7.2). Must never look into a body, and never sends a message
towards the carrier: that is `forward.py`. How it works: `receive` takes octets and gives the PDUs that the state
allows; everything else is answered here, with the right status, noted and counted. What is to be sent collects in
`out`; `ending` says that the connection is to be closed once `out` is written.
"""

import math
from collections.abc import Callable
from typing import Final, Literal

from msgspec import Struct

from proxy.smpp.consts import (
    ALERT_NOTIFICATION,
    BIND_COMMANDS,
    BIND_RECEIVER,
    BIND_TRANSMITTER,
    BROADCAST_COMMANDS,
    CANCEL_SM,
    COMMAND_NAMES,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    ENQUIRE_LINK_RESP,
    ESME_RALYBND,
    ESME_RINVBNDSTS,
    ESME_RINVCMDID,
    ESME_RINVCMDLEN,
    ESME_RX_T_APPN,
    OUTBIND,
    QUERY_SM,
    REPLACE_SM,
    RESPONSE_BIT,
    SUBMIT_MULTI,
    SUBMIT_SM,
    UNBIND,
    UNBIND_RESP,
    VENDOR_FIRST,
    VENDOR_LAST,
)
from proxy.smpp.outbox import Outbox
from proxy.smpp.pdu import HEADER, Pdu, generic_nack, response

#: In "unbinding" we asked for the end, in "leaving" the peer did and waits for what is open.
State = Literal["open", "binding", "tx", "rx", "trx", "unbinding", "leaving", "closed"]
Side = Literal["esme", "smsc"]
Note = Callable[[str], None]

BOUND_STATES: Final[dict[int, State]] = {BIND_TRANSMITTER: "tx", BIND_RECEIVER: "rx"}

#: Closed for good, yet let through where a sender may send them: the policy refuses them, so that it stands on record.
_NACKED: Final = frozenset(
    (*range(VENDOR_FIRST, VENDOR_LAST + 1), *(each for each in BROADCAST_COMMANDS if not each & RESPONSE_BIT))
)
_SUBMITTING: Final = frozenset((SUBMIT_SM, SUBMIT_MULTI, DATA_SM, QUERY_SM, CANCEL_SM, REPLACE_SM)) | _NACKED
_DELIVERING: Final = frozenset((DELIVER_SM, DATA_SM, ALERT_NOTIFICATION))
_NONE: Final[frozenset[int]] = frozenset()

#: Requests that a peer may send, by who the peer is and the state it is in; enquire_link, unbind and responses apart.
_ALLOWED: Final[dict[tuple[Side, State], frozenset[int]]] = {
    ("esme", "open"): BIND_COMMANDS,
    ("esme", "tx"): _SUBMITTING,
    ("esme", "trx"): _SUBMITTING,
    ("smsc", "rx"): _DELIVERING,
    ("smsc", "trx"): _DELIVERING,
}
_KNOWN: Final = frozenset(COMMAND_NAMES) - _NACKED
#: What leads out of "open" and "binding": the ESME's bind, or the SMSC's answer to one.
_DECIDING: Final[dict[Side, frozenset[int]]] = {
    "esme": BIND_COMMANDS,
    "smsc": frozenset(each | RESPONSE_BIT for each in BIND_COMMANDS),
}

_unpack = HEADER.unpack_from


class Timers(Struct, frozen=True):
    """Seconds of monotonic time (SMPP v3.4 §7.2)."""

    session_init_s: float = 10.0
    pdu_s: float = 10.0
    enquire_link_s: float = 30.0
    inactivity_s: float = 600.0
    response_s: float = 30.0


class Session:
    """The state machine of one connection. `peer` is who sits at the other end; `note` counts events by name."""

    __slots__ = (
        "_allowed",
        "_asked_at",
        "_deciding",
        "_most_octets",
        "_note",
        "_now",
        "_part_since",
        "_rest",
        "_timers",
        "_unbound_by",
        "active_at",
        "ending",
        "heard_at",
        "held",
        "out",
        "outbind_closes",
        "peer",
        "resting",
        "since",
        "state",
    )

    def __init__(self, peer: Side, timers: Timers, most_octets: int, note: Note, now: float) -> None:
        self.peer: Side = peer
        self.state: State = "open"
        self._allowed = _ALLOWED.get((peer, "open"), _NONE)
        self._deciding = _DECIDING[peer]
        self._timers = timers
        self._most_octets = most_octets
        self._note = note
        self._rest = b""
        self._part_since: float | None = None
        self._asked_at: float | None = None
        self._unbound_by: float | None = None
        self._now = now
        self.since = self.heard_at = self.active_at = now
        #: Octets to be written, in order.
        self.out = Outbox()
        #: Why the connection is to be closed after `out` was written; empty while it lives.
        self.ending = ""
        #: While set, octets collect and nothing is framed: a bind is being decided.
        self.held = False
        #: Whether an outbind of this peer ends the connection; else it is noted and ignored.
        self.outbind_closes = False
        #: While set, no timer runs: nothing is read by our own wish; what the peer says in time waits in our socket.
        self.resting = False

    def enter(self, state: State) -> None:
        """Moves to a state; what the peer may send changes with it."""
        self.state = state
        self._allowed = _ALLOWED.get((self.peer, state), _NONE)

    def receive(self, data: bytes, now: float) -> list[Pdu]:
        """Frames octets into the PDUs that the state allows, in order; answers all others into `out`."""
        self._now = self.heard_at = now
        self._asked_at = None
        if self._rest:
            data = self._rest + data
            self._rest = b""
        if self.held or self.ending:
            self._rest = b"" if self.ending else data
            return []
        at, end, most, allowed = 0, len(data), self._most_octets, self._allowed
        found: list[Pdu] = []
        while end - at >= 16:
            length, command_id, status, sequence = _unpack(data, at)
            if length < 16 or length > most:
                self._lost_framing()
                return found
            after = at + length
            if after > end:
                break
            raw = data[at:after]
            at = after
            if command_id in allowed or (command_id & RESPONSE_BIT and self.state != "open"):
                found.append(Pdu(command_id, status, sequence, raw))
                if command_id in self._deciding and self.state in ("open", "binding"):
                    # WHY: what comes behind a bind, or its answer, is judged in the state that it leads to.
                    self.enter("binding")
                    self.held = True
                    break
            elif self._out_of_state(command_id, status, sequence, raw, found):
                return found
            else:
                allowed = self._allowed
        if found:
            self.active_at = now
        if at < end:
            self._rest = data[at:]
            # WHY: an unusable length is answered at once, not when sixteen octets have come: an old client that sends
            # eight would otherwise hold the connection until the timer.
            if not self.held and end - at >= 4 and not 16 <= int.from_bytes(self._rest[:4]) <= most:
                self._lost_framing()
            elif at or self._part_since is None:
                # WHY `at`: where a PDU ended in this chunk, what is left is another one's beginning.
                self._part_since = now
        else:
            self._part_since = None
        return found

    def resume(self, now: float) -> list[Pdu]:
        """Frames what collected while `held` was set."""
        self.held = False
        self._part_since = None
        return self.receive(b"", now)

    @property
    def unframed(self) -> bytes:
        """The beginning of a PDU that has not come whole."""
        return self._rest

    @property
    def backlog(self) -> int:
        """Octets that are not framed yet."""
        return len(self._rest)

    def respond(self, pdu: Pdu, status: int, body: bytes = b"") -> None:
        """Answers a request of the peer; `body` is empty where the status is not zero (SMPP v3.4 §4)."""
        self.out.append(response(pdu.command_id | RESPONSE_BIT, status, pdu.sequence, body))

    def close(self, reason: str) -> None:
        """Ends the connection after what is in `out` was written."""
        if not self.ending:
            self.ending = reason
            self.enter("closed")

    def unbind(self, sequence: int) -> None:
        """Asks the peer to end the session; the shell closes when the answer comes or its time is up."""
        if self.state in ("tx", "rx", "trx"):
            self.enter("unbinding")
            self.out.append(response(UNBIND, 0, sequence))

    def unbound(self) -> None:
        """The peer answered our unbind."""
        if self.state == "unbinding":
            self.close("unbound")

    def rest(self) -> None:
        """Stops the timers: the shell stopped reading for a reason that does not lie in this peer."""
        self.resting = True

    def go_on(self, now: float) -> None:
        """Reading goes on, and the timers that rested begin anew."""
        if not self.resting:
            return
        self.resting = False
        self.heard_at = self.active_at = now
        if self._part_since is not None:
            self._part_since = now
        if self._asked_at is not None:
            self._asked_at = now
        if self._unbound_by is not None:
            self._unbound_by = now + self._timers.response_s

    def next_deadline(self) -> float:
        """Monotonic time of the next `handle_deadline`."""
        timers = self._timers
        if self.ending or self.resting:
            return math.inf
        if self.state == "open":
            deadline = self.since + timers.session_init_s
        elif self.state == "binding":
            # Whoever decides a bind, or waits for the carrier's answer to one, has a limit of its own.
            deadline = math.inf
        elif self.state == "unbinding":
            # WHY at once: no clock is read when we ask; the answer's time counts from the next `handle_deadline`.
            deadline = self._now if self._unbound_by is None else self._unbound_by
        elif self._asked_at is not None:
            deadline = self._asked_at + timers.response_s
        else:
            deadline = min(self.heard_at + timers.enquire_link_s, self.active_at + timers.inactivity_s)
        if self._part_since is not None and not self.held:
            deadline = min(deadline, self._part_since + timers.pdu_s)
        return deadline

    def handle_deadline(self, now: float, sequence: int) -> None:
        """Acts on timers that are due; `sequence` is for an enquire_link or unbind that this may send."""
        self._now = now
        timers = self._timers
        if self.ending or self.resting:
            return
        if self._part_since is not None and not self.held and now >= self._part_since + timers.pdu_s:
            self._end("connection.stalled")
        elif self.state == "open":
            if now >= self.since + timers.session_init_s:
                self._end("connection.unbound")
        elif self.state == "binding":
            return
        elif self.state == "unbinding":
            if self._unbound_by is None:
                self._unbound_by = now + timers.response_s
            elif now >= self._unbound_by:
                self._end("connection.silent")
        elif self._asked_at is not None:
            if now >= self._asked_at + timers.response_s:
                self._end("connection.silent")
        elif now >= self.active_at + timers.inactivity_s:
            if self.state == "leaving":
                self._end("connection.inactive")
                return
            self._note("connection.inactive")
            self.unbind(sequence)
            self._unbound_by = now + timers.response_s
        elif now >= self.heard_at + timers.enquire_link_s:
            self._asked_at = now
            self.out.append(response(ENQUIRE_LINK, 0, sequence))

    def _end(self, event: str) -> None:
        self._note(event)
        self.close(event)

    def _lost_framing(self) -> None:
        """A command_length that cannot be: nothing after it can be framed (SMPP v3.4 §3.3)."""
        self._note("pdu.oversized")
        self._rest = b""
        self._part_since = None
        self.out.append(generic_nack(ESME_RINVCMDLEN, 0))
        self.close("pdu.oversized")

    def _out_of_state(self, command_id: int, status: int, sequence: int, raw: bytes, found: list[Pdu]) -> bool:
        """Link requests, and what is unknown or not allowed in this state; tells whether the session ends."""
        if command_id & RESPONSE_BIT:
            self._note("response.unsolicited")
        elif command_id == ENQUIRE_LINK:
            self.active_at = self._now
            self.out.append(response(ENQUIRE_LINK_RESP, 0, sequence))
        elif command_id == UNBIND:
            if self.state in ("tx", "rx", "trx"):
                # Whoever has requests open answers it; nothing that comes behind it is taken any more.
                self.enter("leaving")
                found.append(Pdu(command_id, status, sequence, raw))
            elif self.state == "leaving":
                self._note("pdu.unexpected")
                self.out.append(response(UNBIND_RESP, ESME_RINVBNDSTS, sequence))
            else:
                self.out.append(response(UNBIND_RESP, 0, sequence))
                self.close("unbound")
        elif command_id not in _KNOWN:
            self._note("pdu.unknown")
            self.out.append(generic_nack(ESME_RINVCMDID, sequence))
        elif command_id == OUTBIND:
            self._note("outbind.received")
            # WHY on a new connection too: whoever sends it there is an SMSC that waits for our bind, which never comes:
            # tdgate dials its carriers itself (SMPP v3.4 §2.2.1).
            if self.outbind_closes or self.state == "open":
                self.close("outbind.received")
        elif command_id == ALERT_NOTIFICATION:
            self._note("pdu.unexpected")
        else:
            again = command_id in BIND_COMMANDS and self.state in ("tx", "rx", "trx")
            self._note("bind.repeated" if again else "pdu.unexpected")
            status = ESME_RALYBND if again else ESME_RINVBNDSTS
            if self.peer == "smsc" and self.state == "unbinding" and command_id in _DELIVERING:
                # WHY: it was under way when we asked for the end; at many carriers 0x04 throws it away for good.
                status = ESME_RX_T_APPN
            self.out.append(response(command_id | RESPONSE_BIT, status, sequence))
        return bool(self.ending)
