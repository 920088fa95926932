"""Faulty wires: TCP proxies that harm their connections at a seeded octet of a seeded PDU.

Owns the octets between two ends and nothing else. Each connection draws its fate when it is made: after so many PDUs of
one direction it is reset, closed, half-closed or stalled, at a PDU's end, inside its header, inside its body, or before
the next part of a long message; or its octets dribble in segments of one to seven. What was not harmed passes as it
came. `heal` ends all harm for good.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

from tests.chaos.books import Line

How = Literal["reset", "close", "half_close", "stall", "dribble"]
Where = Literal["boundary", "header", "body", "parts"]
HOWS: tuple[How, ...] = ("reset", "close", "half_close", "stall", "dribble")
WHERES: tuple[Where, ...] = ("boundary", "header", "body", "parts")
_HEADER = 16
_DRIBBLED_OCTETS = 2000


@dataclass(slots=True)
class Fate:
    """What happens to one direction of one connection, once."""

    after_pdus: int
    where: Where
    how: How
    offset: int
    for_s: float


def is_further_part(pdu: bytes) -> bool:
    """Whether a PDU is a submit_sm that carries a part, but not the first, by an 8-bit UDH; for cuts between parts."""
    at = pdu.find(b"\x05\x00\x03", _HEADER)
    return pdu[4:8] == b"\0\0\0\x04" and 0 < at <= len(pdu) - 6 and pdu[at + 5] > 1


class _End(asyncio.Protocol):
    """One side of a connection through a wire."""

    def __init__(self, wire: Wire, pair: _Pair, is_near: bool) -> None:
        self.wire, self.pair, self.is_near = wire, pair, is_near
        self.transport: asyncio.Transport | None = None
        self.fate: Fate | None = None
        self.dribble = 0
        self.stalled = False
        self.cut = False
        self.waiting = b""
        self._rest = b""
        self._pdus = 0
        self._eof = False

    @property
    def other(self) -> _End:
        return self.pair.far if self.is_near else self.pair.near

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        raw = self.transport.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.is_near:
            self.wire.opened(self.pair)
        else:
            self.wire.known(self.pair, self.transport.get_extra_info("sockname")[1])
            self.other.go_on()

    def data_received(self, data: bytes) -> None:
        if self.cut:
            return
        if self.stalled or self.other.transport is None:
            self.waiting += data
            return
        self._carry(data)

    def _carry(self, data: bytes) -> None:
        """Passes octets on as far as their fate allows."""
        fate = self.fate
        if fate is None:
            self._put(data)
            return
        at = self._limit(data, fate)
        if at is None:
            self._put(data)
            return
        self.fate = None
        if at:
            self._put(data[:at])
        self.pair.line_harm(f"{fate.how}/{fate.where}")
        self.wire.harms[f"{fate.how}/{fate.where}"] += 1
        rest = data[at:]
        if fate.how == "stall":
            self.stalled = True
            self.waiting = rest
            self.fate, self._pdus = self.wire.drawn(), 0
            self._pause(True)
            asyncio.get_running_loop().call_later(fate.for_s, self.go_on)
        elif fate.how == "dribble":
            self.dribble = _DRIBBLED_OCTETS
            self.fate, self._pdus = self.wire.drawn(), 0
            if rest:
                self._carry(rest)
        elif fate.how == "half_close":
            self.cut = True
            with contextlib.suppress(OSError, RuntimeError):
                assert self.other.transport is not None
                self.other.transport.write_eof()
        else:
            self.pair.end(reset=fate.how == "reset")

    def _limit(self, data: bytes, fate: Fate) -> int | None:
        """The octet of `data` at which the fate comes, None where it does not come in it."""
        whole = self._rest + data
        at = 0
        while len(whole) - at >= 4:
            length = max(int.from_bytes(whole[at : at + 4]), _HEADER)
            if self._pdus >= fate.after_pdus:
                if fate.where == "parts":
                    if len(whole) - at < length:
                        break
                    # WHY a bound: a connection on which no long message comes is harmed all the same.
                    if is_further_part(whole[at : at + length]) or self._pdus > fate.after_pdus + 60:
                        return self._cut_at(whole, at, at)
                else:
                    within = {"boundary": 0, "header": fate.offset % 15 + 1}.get(
                        fate.where, min(_HEADER + fate.offset, length - 1)
                    )
                    if len(whole) - at > within or within == 0:
                        return self._cut_at(whole, at, at + within)
                    break
            if len(whole) - at < length:
                break
            at += length
            self._pdus += 1
        self._rest = whole[at:]
        return None

    def _cut_at(self, whole: bytes, start: int, cut: int) -> int:
        """The place in the latest octets for a cut in the PDU that begins at `start`; what passed before has passed."""
        passed = len(self._rest)
        self._rest = whole[start : max(cut, passed)]
        return max(cut - passed, 0)

    def _put(self, data: bytes) -> None:
        transport = self.other.transport
        if transport is None or transport.is_closing() or not data:
            return
        if self.dribble <= 0:
            transport.write(data)
            return
        at = 0
        while at < len(data) and self.dribble > 0:
            size = self.wire.random.randint(1, 7)
            transport.write(data[at : at + size])
            at += size
            self.dribble -= size
        if at < len(data):
            transport.write(data[at:])

    def go_on(self) -> None:
        """A stall is over, or there is somebody to carry to."""
        self.stalled = False
        data, self.waiting = self.waiting, b""
        self._pause(False)
        if data and not self.cut:
            self._carry(data)
        if self._eof and not self.stalled:
            self._pass_eof()

    def _pause(self, paused: bool) -> None:
        if self.transport is not None and not self.transport.is_closing():
            if paused:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def eof_received(self) -> bool:
        self._eof = True
        if not self.stalled and self.other.transport is not None:
            self._pass_eof()
        return True

    def _pass_eof(self) -> None:
        transport = self.other.transport
        if self.other._eof:
            self.pair.end(reset=False)
        elif transport is not None and not transport.is_closing():
            with contextlib.suppress(OSError, RuntimeError):
                transport.write_eof()

    def pause_writing(self) -> None:
        self.other._pause(True)

    def resume_writing(self) -> None:
        if not self.other.stalled:
            self.other._pause(False)

    def connection_lost(self, exc: Exception | None) -> None:
        self.pair.end(reset=exc is not None)


class _Pair:
    """Both sides of one connection. `near` is who connected, `far` who was connected to."""

    def __init__(self, wire: Wire) -> None:
        self.near = _End(wire, self, True)
        self.far = _End(wire, self, False)
        self.wire = wire
        self.harms: list[str] = []
        self.lines: list[Line] = []
        self.ended = False

    def line_harm(self, what: str) -> None:
        self.harms.append(what)
        for line in self.lines:
            line.harms.append(what)

    def end(self, *, reset: bool) -> None:
        if self.ended:
            return
        self.ended = True
        self.wire.pairs.discard(self)
        for side in (self.near, self.far):
            transport = side.transport
            if transport is None:
                continue
            if reset:
                with contextlib.suppress(OSError):
                    linger = struct.pack("ii", 1, 0)
                    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                transport.abort()
            else:
                transport.close()


class Wire:
    """Listens on a free port of 127.0.0.1 and leads to `target_port`, which may change. `fates` draws harm."""

    def __init__(self, name: str, seed: int, target_port: int, draw: Callable[[random.Random], Fate | None]) -> None:
        self.name = name
        self.port = 0
        self.target_port = target_port
        self.random = random.Random(f"{seed}/{name}")
        self.harms: Counter[str] = Counter()
        self.pairs: set[_Pair] = set()
        self._by_port: dict[int, _Pair] = {}
        self._lines: dict[int, Line] = {}
        self._draw = draw
        self._healed = False
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Pair(self).near, "127.0.0.1", 0, backlog=256)
        self.port = self._server.sockets[0].getsockname()[1]

    def opened(self, pair: _Pair) -> None:
        """Somebody connected: the other half is dialled."""
        self.pairs.add(pair)
        pair.near.fate, pair.far.fate = self.drawn(), self.drawn()
        assert pair.near.transport is not None
        self.known(pair, pair.near.transport.get_extra_info("peername")[1])
        task = asyncio.get_running_loop().create_task(self._dial(pair))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _dial(self, pair: _Pair) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: pair.far, "127.0.0.1", self.target_port)
        except OSError:
            pair.end(reset=True)
            return
        if pair.ended:
            pair.far.transport.abort() if pair.far.transport is not None else None
            return

    def drawn(self) -> Fate | None:
        """What is to happen to a direction; nothing once all is healed."""
        return None if self._healed else self._draw(self.random)

    def known(self, pair: _Pair, port: int) -> None:
        """A connection has this port at an end."""
        self._by_port[port] = pair
        line = self._lines.pop(port, None)
        if line is not None:
            self.belongs(port, line)

    def belongs(self, port: int, line: Line) -> None:
        """Tells whose connection it is that an end sees under this port: harm is noted on its line."""
        pair = self._by_port.get(port)
        # WHY kept: an end may know of its connection before this wire does; and ports come again.
        if pair is None or pair.ended:
            self._lines[port] = line
            return
        pair.lines.append(line)
        line.harms += pair.harms

    def heal(self) -> None:
        """No more harm: neither to what stands nor to what comes."""
        self._healed = True
        for pair in tuple(self.pairs):
            for end in (pair.near, pair.far):
                end.fate = None
                end.dribble = 0
                if end.stalled:
                    end.go_on()
                if end.cut:
                    pair.end(reset=False)

    def drop_all(self) -> None:
        for pair in tuple(self.pairs):
            pair.end(reset=True)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self.drop_all()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def drawing(mean_pdus: int, stall_s: float) -> Callable[[random.Random], Fate | None]:
    """Fates in which three of four directions of connections are harmed, after `mean_pdus` PDUs on average."""

    def draw(chance: random.Random) -> Fate | None:
        if chance.random() < 0.25:
            return None
        how = chance.choices(HOWS, (3, 2, 2, 2, 3))[0]
        return Fate(
            after_pdus=1 + int(chance.expovariate(1 / mean_pdus)),
            where=chance.choice(WHERES),
            how=how,
            offset=chance.randrange(200),
            # Some stalls are shorter than every timer, some longer than all.
            for_s=chance.choice((0.1, 0.3, 0.7, 1.5)) * stall_s,
        )

    return draw
