"""Two sockets and a relay: the asyncio protocols of the ESME side and of the SMSC side.

Owns transports, the pausing of reading, and the moment of writing: once per chunk that was read. Must never look into
a PDU. Everything that is decided is decided in `smpp/`; here octets go in and out.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol, cast

from proxy.binds.trace import Tap
from proxy.judging.in_force import InForce
from proxy.smpp.pdu import Pdu
from proxy.smpp.relay import MirrorRelay
from proxy.smpp.session import Session

_HIGH_WATER_OCTETS: Final = 256 * 1024
#: How long an ended connection may take to swallow the last answers.
_LINGER_S: Final = 5.0


class EsmeOwner(Protocol):
    """What an ESME's link tells whoever made it. `esme_said` brings what no relay takes; `now` is monotonic seconds."""

    def esme_came(self, link: "EsmeLink") -> None: ...

    def esme_said(self, link: "EsmeLink", pdus: list[Pdu], now: float) -> None: ...

    def esme_gone(self, link: "EsmeLink") -> None: ...


class CarrierOwner(Protocol):
    """What a carrier's link tells whoever made it, as `EsmeOwner`."""

    def carrier_said(self, link: "CarrierLink", pdus: list[Pdu], now: float) -> None: ...

    def carrier_gone(self, link: "CarrierLink") -> None: ...


class Link(asyncio.Protocol):
    """What both ends have in common. Methods of asyncio.Protocol are called on the loop."""

    def __init__(self, session: Session, in_force: InForce, crowded: Callable[[], bool]) -> None:
        self.session = session
        self.relay: MirrorRelay | None = None
        self.transport: asyncio.Transport | None = None
        self.in_force = in_force
        self.other: Link | None = None
        self._crowded = crowded
        #: Set while the account of this link is traced.
        self.tap: Tap | None = None
        self._cannot_write = False
        self._reading = True
        #: Whether nothing holds reading up: neither side is stuck, no timer rests.
        self._at_ease = True
        self._ended_at: float | None = None
        self.gone = False
        #: Asked before anything is written, where what is said has to wait for something else (pool mode: the trail).
        self.may_write: Callable[[], bool] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # WHY a cast: uvloop's transports do what asyncio.Transport does without being one.
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=_HIGH_WATER_OCTETS)

    @property
    def peer_address(self) -> str:
        """The peer's address without its port."""
        name = self.transport.get_extra_info("peername") if self.transport is not None else None
        return str(name[0]) if name else ""

    def pause_writing(self) -> None:
        """The peer does not read: nothing more is read that would make more to be sent to it, from either side."""
        self._cannot_write = True
        self._at_ease = False
        self._set_reading_of_both()

    def resume_writing(self) -> None:
        self._cannot_write = False
        self._set_reading_of_both()

    def _set_reading_of_both(self) -> None:
        self.set_reading()
        if self.other is not None:
            self.other.set_reading()

    def _may_read(self) -> bool:
        raise NotImplementedError

    def set_reading(self) -> None:
        """Reads or stops reading, as the other side and the evidence log can take more."""
        may = self._may_read()
        if may and self._at_ease:
            # WHY first: nearly always nothing changed, and this is asked of both sides at each chunk.
            return
        if self.transport is None or self.transport.is_closing():
            return
        # WHY not for a peer that does not read itself: then it is the one that its timers are to find.
        resting = not (may or self._cannot_write)
        if resting != self.session.resting:
            if resting:
                self.session.rest()
            else:
                self.session.go_on(time.monotonic())
        reading = may and not self._cannot_write
        self._at_ease = reading
        if reading != self._reading:
            self._reading = reading
            if reading:
                self.transport.resume_reading()
            else:
                self.transport.pause_reading()

    def flush(self) -> None:
        """Writes what the session has to say; closes once it said its last."""
        session, transport = self.session, self.transport
        if transport is None or (self.may_write is not None and not self.may_write()):
            return
        if session.out:
            octets = session.out.take()
            if self.tap is not None:
                self.tap.goes(octets)
            transport.write(octets)
        if session.ending and not transport.is_closing():
            transport.close()

    def flush_both(self) -> None:
        """Writes both sides and looks anew at who may be read."""
        self.flush()
        self.set_reading()
        other = self.other
        if other is not None:
            other.flush()
            other.set_reading()

    def abort_if_stuck(self, now: float) -> None:
        """Drops an ended connection whose peer does not take what is left to say; `now` is monotonic seconds."""
        if self.session.ending:
            if self._ended_at is None:
                self._ended_at = now
            elif now - self._ended_at > _LINGER_S:
                self.abort()

    def abort(self) -> None:
        """Drops the connection with whatever was not sent."""
        if self.transport is not None:
            self.transport.abort()


class EsmeLink(Link):
    """A connection that an ESME made."""

    def __init__(self, session: Session, owner: EsmeOwner, in_force: InForce, crowded: Callable[[], bool]) -> None:
        super().__init__(session, in_force, crowded)
        self.owner = owner

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.owner.esme_came(self)

    def data_received(self, data: bytes) -> None:
        if self.tap is not None:
            self.tap.came(data)
        now = time.monotonic()
        self.in_force.now = time.time()
        pdus = self.session.receive(data, now)
        if pdus:
            self._take(pdus, now)
        self.flush_both()

    def _take(self, pdus: list[Pdu], now: float) -> None:
        if self.relay is not None:
            self.relay.from_esme(pdus, now)
        else:
            self.owner.esme_said(self, pdus, now)

    def resume(self) -> None:
        """Takes what came behind the bind, now that it is answered."""
        now = time.monotonic()
        self.in_force.now = time.time()
        pdus = self.session.resume(now)
        if pdus:
            self._take(pdus, now)
        self.flush_both()

    def _may_read(self) -> bool:
        relay = self.relay
        if relay is None:
            # WHY: a bind is being decided; what comes behind it need not fill memory meanwhile.
            return (not self.session.held or self.session.backlog < 65_536) and not self._crowded()
        other = self.other
        return not (relay.congested or (other is not None and other._cannot_write) or self._crowded())

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        self.owner.esme_gone(self)


class CarrierLink(Link):
    """A connection that tdgate made to a carrier's SMSC. `awaits` is the command_id that answers its bind."""

    awaits = 0

    def __init__(self, session: Session, owner: CarrierOwner, in_force: InForce, crowded: Callable[[], bool]) -> None:
        super().__init__(session, in_force, crowded)
        self.owner = owner
        #: Asked before more is read, where no relay says whether there is room (pool mode).
        self.has_room: Callable[[], bool] | None = None

    def data_received(self, data: bytes) -> None:
        if self.tap is not None:
            self.tap.came(data)
        now = time.monotonic()
        self.in_force.now = time.time()
        pdus = self.session.receive(data, now)
        if pdus:
            if self.relay is None:
                self.owner.carrier_said(self, pdus, now)
            else:
                self.relay.from_carrier(pdus, now)
        self.flush_both()

    def resume(self) -> None:
        """Takes what the carrier sent right behind its answer to the bind."""
        now = time.monotonic()
        pdus = self.session.resume(now)
        if pdus:
            if self.relay is None:
                self.owner.carrier_said(self, pdus, now)
            else:
                self.relay.from_carrier(pdus, now)
        self.flush_both()

    def _may_read(self) -> bool:
        if self.relay is None:
            return self.has_room is None or self.has_room()
        other = self.other
        return not (self.relay.crowded or (other is not None and other._cannot_write))

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        self.owner.carrier_gone(self)


def has_to_be_looked_at(link: Link) -> bool:
    """Whether a link has something to say, or rests: the reason may be gone without anybody having looked at it."""
    session = link.session
    return bool(session.out) or bool(session.ending) or session.resting
