"""The ways of stalled messages to the carrier: on an account's own binds, or over a pool.

Owns the translation between `smpp/stalled.py` and what each mode sends with. Must never decide about a message. Opens
no socket and sets no timer.
"""

import time
from collections.abc import Callable, Iterable
from typing import Final

from proxy.binds.pairs import Bound
from proxy.core.decision import Decision, Permit
from proxy.pool.dispatch import Dispatch
from proxy.pool.ticket import Ticket
from proxy.smpp.asked import AskedKept
from proxy.smpp.concat import Part
from proxy.smpp.consts import ESME_RUNKNOWNERR, GENERIC_NACK
from proxy.smpp.stalled import StalledMessages
from proxy.trail.trail import Trail

_NACK: Final = GENERIC_NACK.to_bytes(4)
#: How long an account that has just bound may take until its receiver binds, before it counts as one without any.
_RECEIVER_S: Final = 10.0
_CARRIER_ID_OCTETS_MOST: Final = 64


class _Way:
    """What both ways share: the trail, and the messages that are told of answers, which are made after their way."""

    messages: StalledMessages

    def stands_still(self, id_: int) -> bool:
        """Whether a part that had to wait would be permitted now as well; where not, it is told as unsent."""
        if self.messages.stands(id_):
            return True
        self.messages.unsent(id_, "suppression.active")
        return False

    def __init__(self, account: str, trail: Trail) -> None:
        self.account: str = account
        self._trail = trail

    def took(self, id_: int) -> bool:
        found = self._trail.by_ours(id_)
        return found is not None and found.account == self.account


class MirrorWay(_Way):
    """The way on the binds of an account in mirror mode. Also the `KeptTeller` of the parts that it sends."""

    def __init__(
        self,
        account: str,
        trail: Trail,
        bounds: Iterable[Bound],
        wake: Callable[..., None],
        log: Callable[..., None],
    ) -> None:
        super().__init__(account, trail)
        self._bounds = bounds
        self._wake = wake
        self._log = log
        self._route = ""
        self._turn = 0
        #: The binds by which messages are about to go.
        self._reserved: dict[int, Bound] = {}

    def _senders(self) -> list[Bound]:
        return [
            one
            for one in self._bounds
            if one.account.id == self.account
            and one.esme is not None
            and not one.unbinding
            and one.kind != "rx"
            and not one.relay.unable()
        ]

    def is_open(self) -> bool:
        senders = self._senders()
        if not senders:
            return False
        # WHY: after a restart the transmitter may bind before the receiver, without which nothing is permitted.
        return senders[0].shared.receivers > 0 or time.time() >= min(one.since for one in senders) + _RECEIVER_S

    def reserve(self, message: int) -> None:
        # WHY: its sender may unbind as soon as it has its last answer, and the mark is still on its way to the disk.
        senders = self._senders()
        if senders:
            self._turn += 1
            bound = self._reserved[message] = senders[self._turn % len(senders)]
            bound.relay.parts.reserved += 1

    def release(self, message: int) -> None:
        bound = self._reserved.pop(message, None)
        if bound is not None:
            bound.relay.parts.release()
            self._wake(bound.esme, bound.carrier)

    def send(self, message: int, going: list[tuple[int, Part, Permit]]) -> bool:
        bound = self._reserved.get(message)
        if bound is None or bound.unbinding or bound.relay.unable():
            return False
        self._route = bound.route.name
        for id_, part, permit in going:
            asked = AskedKept(part.pdu, permit.decision, id_, self)
            bound.relay.parts.send_kept(asked, permit, time.monotonic())
        self._wake(bound.carrier)
        return True

    def taken(self, id_: int, carrier_id: bytes, decision: Decision) -> None:
        known = carrier_id if len(carrier_id) <= _CARRIER_ID_OCTETS_MOST else b""
        self._trail.accepted(id_, self.account, self._route, known, decision.person)
        try:
            self._trail.flush()
        except OSError:
            # WHY told and no more: the next flush writes it; a kill before that costs its receipt, and repeats nothing.
            self._log("trail.failed")
        self.messages.taken(id_)

    def rejected_by_carrier(self, id_: int, status: int) -> None:
        self.messages.rejected_by_carrier(id_, status)

    def left_unknown(self, id_: int) -> None:
        self.messages.left_unknown(id_)

    def unsent(self, id_: int, rule: str) -> None:
        self.messages.unsent(id_, rule)


class PoolWay(_Way):
    """The way over the routes of a pool. Also the `Asker` of its tickets; books and trail are the pool's."""

    def __init__(
        self,
        account: str,
        trail: Trail,
        dispatch: Dispatch,
        carrier_of: Callable[[str, bytes], str],
        written: Callable[[], None],
        keep: Callable[[bytes, bytes, Decision], None],
    ) -> None:
        super().__init__(account, trail)
        self._dispatch = dispatch
        self._carrier_of = carrier_of
        self._written = written
        self._keep = keep
        self._parts: dict[int, Part] = {}
        self.is_draining = False

    def is_open(self) -> bool:
        return not self.is_draining and any(route.facts.open for route in self._dispatch.routes.values())

    def reserve(self, message: int) -> None:
        """Nothing to reserve: a pool's binds do not end with an ESME's."""

    def release(self, message: int) -> None: ...

    def send(self, message: int, going: list[tuple[int, Part, Permit]]) -> bool:
        now = time.monotonic()
        for id_, part, permit in going:
            carrier = self._carrier_of(part.request.recipient or "", permit.decision.person)
            self._dispatch.send(Ticket(self, part.pdu, permit, carrier, now, id_), now)
        self._written()
        return True

    def answered(self, ticket: Ticket, octets: bytes) -> None:
        status = int.from_bytes(octets[8:12])
        if not status and octets[4:8] != _NACK:
            self._keep(octets[16:32], ticket.pdu.raw, ticket.permit.decision)
            self.messages.taken(ticket.message)
        else:
            self.messages.rejected_by_carrier(ticket.message, status or ESME_RUNKNOWNERR)

    def left_unknown(self, ticket: Ticket) -> None:
        self.messages.left_unknown(ticket.message)

    def unroutable(self, ticket: Ticket) -> None:
        self.messages.unsent(ticket.message, "internal.upstream")

    def stands(self, ticket: Ticket) -> bool:
        return self.stands_still(ticket.message)

    def called_back(self, ticket: Ticket) -> None:
        # WHY as unsent: its sender asks `StalledMessages`, which cancels nothing that is on its way.
        self.messages.unsent(ticket.message, "internal.upstream")
