"""Calls whose messages are changed at random places on their way, from both sides: nothing raises, nothing stays.

The seed is fixed, so that a failure comes again; `make soak` goes on for longer, with others.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from proxy.sip.error import SipError
from proxy.sip.framing import read_datagram
from proxy.sip.message import Limits, SipRequest, SipResponse
from tests.tools.sip_house import SipHouse
from tests.tools.sip_messages import a_response
from tests.tools.sip_peer import Peer, asking

pytestmark = pytest.mark.wire

PIECES = tuple(
    each.encode("latin-1")
    for each in (
        *("(", ")", '"', "\\", "<", ">", ",", ";", "=", "%", "@", ":", " ", "\t", "\r\n ", "\r\n", "\n"),
        *("\0", "[", "]", "\xff", "", "-1", "99999999999999999999", ";tag=x", ";tag=", ";branch=z9hG4bKz", ";lr"),
        *("sip:", "tel:+", "INVITE", "BYE", "CANCEL", "ACK", "INFO", "SIP/2.0", "m=text 1 x 1\r\n"),
        "Reason: SIP;cause=607\r\n",
    )
)  # fmt: skip
STATUSES = (100, 180, 183, 200, 200, 302, 401, 481, 486, 487, 503, 607)
INSIDE = ("BYE", "INFO", "INVITE", "ACK", "ACK", "CANCEL")


class Noise:
    """Two peers that say what they must, and say it wrong."""

    def __init__(self, house: SipHouse, seed: int) -> None:
        self.house = house
        self.lot = random.Random(seed)
        self.a, self.b = Peer(), Peer("127.0.0.3")
        self.asked: list[SipRequest] = []
        self.answers: list[SipResponse] = []

    def changed(self, octets: bytes) -> bytes:
        found = bytearray(octets)
        for _ in range(self.lot.choice((0, 0, 1, 1, 2, 4))):
            start = self.lot.randrange(len(found) + 1)
            found[start : start + self.lot.choice((0, 1, 1, 2, 8))] = self.lot.choice(PIECES)
        return bytes(found)

    def say(self, number: int) -> None:
        """One message of one of the two."""
        kind = self.lot.random()
        if kind < 0.35 or not (self.answers and self.asked):
            self.a.send(self.changed(asking(self.a, branch=f"n{number}", call_id=f"c{number}")), self.house.udp)
        elif kind < 0.55:
            to, method = self.lot.choice(self.answers), self.lot.choice(INSIDE)
            parts = {"called": (to.first("to") or b"").decode("latin-1"), "call_id": to.call_id.decode("latin-1")}
            cseq = f"{1 if method == 'ACK' else number} {method}"
            self.a.send(self.changed(asking(self.a, method, branch=f"n{number}", cseq=cseq, **parts)), self.house.udp)
        else:
            request, status = self.lot.choice(self.asked), self.lot.choice(STATUSES)
            tag = "" if request.to.tag else self.lot.choice(("b", "c"))
            answer = a_response(request, status, to_tag=tag, contact=f"<sip:b@127.0.0.3:{self.b.port}>")
            self.b.send(self.changed(answer.octets()), self.house.udp)

    def listen(self) -> None:
        """Whatever has come by now."""
        for peer in (self.a, self.b):
            while True:
                try:
                    message = read_datagram(peer.socket.recv(65_535), Limits())
                except BlockingIOError:
                    break
                except SipError:
                    continue  # An answer repeats what was wrong in the request.
                if isinstance(message, SipRequest):
                    self.asked = [*self.asked[-30:], message]
                elif isinstance(message, SipResponse):
                    self.answers = [*self.answers[-30:], message]


async def run(folder: Path, seed: int, messages: int) -> None:
    async with SipHouse(folder) as house:
        noise = Noise(house, seed)
        gateways = [{"host": "127.0.0.3", "port": noise.b.port}]
        await house.start(gateways, sip={"t1_s": 0.02}, trunk={"addresses": ["127.0.0.1/32"]})
        for number in range(1, messages + 1):
            try:
                noise.say(number)
            except SipError:
                continue  # Of what was wrong there is no answer to be made.
            noise.listen()
            if number % 20 == 0:
                # The process has read what came before: an OPTIONS behind it is answered.
                last = Peer()
                last.send(asking(last, "OPTIONS", branch=f"o{number}", call_id=f"o{number}"), house.udp)
                await last.answered(200)
                last.socket.close()
        assert await house.event("call.ended")
        await asyncio.wait_for(house.end(), 60)


async def test_messages_that_were_changed_leave_nothing_behind(tmp_path: Path) -> None:
    await run(tmp_path, 1, 1200)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 6))
async def test_many_more_of_them_do_not_either(tmp_path: Path, seed: int) -> None:
    await run(tmp_path, seed, 20_000)
