"""Calls from a carrier at the real socket: whom they reach, by which way, and who is not let in by it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.sip.message import SipRequest
from tests.tools.sip_house import PERSON, SipHouse
from tests.tools.sip_messages import a_response
from tests.tools.sip_peer import Peer, asking

pytestmark = pytest.mark.wire

CALLER = f'"Zhou" <sip:{PERSON}@carrier.example>;tag=carriers'
OURS = "sip:95500@127.0.0.1"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[SipHouse]:
    async with SipHouse(tmp_path) as made:
        yield made


class Sides:
    """A carrier's gateway at 127.0.0.3, and where a trunk takes calls at 127.0.0.1, with a second one."""

    def __init__(self) -> None:
        self.carrier, self.trunk, self.second = Peer("127.0.0.3"), Peer(), Peer()

    async def start(self, house: SipHouse, **trunk: Any) -> None:
        gateways = [{"port": each.port, "priority": place} for place, each in enumerate((self.trunk, self.second), 1)]
        taking = {"gateways": gateways, "options_s": 0.0, "no_answer_s": 1.0, "addresses": ["127.0.0.1/32"]}
        await house.start([{"host": "127.0.0.3", "port": self.carrier.port}], trunk={**taking, **trunk})

    def calls(self, house: SipHouse, branch: str = "1", **parts: Any) -> None:
        parts.setdefault("uri", OURS)
        parts.setdefault("caller", CALLER)
        self.carrier.send(asking(self.carrier, branch=branch, **parts), house.udp)

    def answer(self, house: SipHouse, peer: Peer, request: SipRequest, status: int) -> None:
        contact = f"<sip:pbx@127.0.0.1:{peer.port}>"
        peer.send(a_response(request, status, to_tag="pbx", contact=contact).octets(), house.udp)


async def test_a_person_calls_back_and_both_sides_can_hang_up(house: SipHouse) -> None:
    sides = Sides()
    await sides.start(house)
    for place, hangs_up in enumerate((sides.carrier, sides.trunk)):
        sides.calls(house, branch=f"call{place}", call_id=f"call{place}", headers=("Route: <sip:127.0.0.9;lr>",))
        invite = await sides.trunk.asked("INVITE")
        assert invite.uri == f"sip:95500@127.0.0.1:{sides.trunk.port};user=phone".encode()
        assert b"carrier.example" not in invite.octets()
        assert b"127.0.0.3" not in invite.octets()
        assert not invite.has("route")
        assert (invite.first("from") or b"").startswith(f'"Zhou" <sip:{PERSON}@127.0.0.1>'.encode())
        sides.answer(house, sides.trunk, invite, 180)
        await sides.carrier.answered(180)
        sides.answer(house, sides.trunk, invite, 200)
        answer = await sides.carrier.answered(200)
        assert str(sides.trunk.port).encode() not in answer.octets()
        called = (answer.first("to") or b"").decode()
        own: dict[str, Any] = {"uri": OURS, "caller": CALLER, "called": called, "call_id": f"call{place}"}
        sides.carrier.send(asking(sides.carrier, "ACK", branch=f"ack{place}", **own), house.udp)
        await sides.trunk.asked("ACK")
        if hangs_up is sides.carrier:
            sides.carrier.send(asking(sides.carrier, "BYE", branch=f"bye{place}", cseq="2 BYE", **own), house.udp)
            await sides.carrier.answered(200)
            sides.answer(house, sides.trunk, await sides.trunk.asked("BYE"), 200)
        else:
            theirs = {
                "caller": (invite.first("to") or b"").decode() + ";tag=pbx",
                "called": (invite.first("from") or b"").decode(),
                "call_id": invite.call_id.decode(),
                "uri": "sip:tdgate@127.0.0.1",
            }
            # Another address of the trunk's, as of a PBX with several.
            sides.second.send(asking(sides.second, "BYE", branch="theirs", cseq="1 BYE", **theirs), house.udp)
            await sides.second.answered(200)
            bye = await sides.carrier.asked("BYE")
            sides.carrier.send(a_response(bye, 200).octets(), house.udp)
        await house.event("call.ended", place + 1)
    await house.end()


async def test_a_pbx_that_is_silent_or_overloaded_leads_to_the_next_one(house: SipHouse) -> None:
    sides = Sides()
    await sides.start(house)
    sides.calls(house)
    await sides.trunk.asked("INVITE")
    asked = await sides.second.asked("INVITE")
    sides.answer(house, sides.second, asked, 503)
    answer = await sides.carrier.answered(480)
    assert answer.each("reason") == [b"SIP;cause=503"]
    await sides.second.asked("ACK")
    assert [line["status"] for line in await house.event("call.failed_over", 2)] == [408, 503]
    sides.carrier.send(asking(sides.carrier, "ACK", uri=OURS, caller=CALLER, called=_to(answer)), house.udp)
    await house.event("call.ended")
    await house.end()


async def test_a_number_of_nobody_and_a_trunk_that_takes_none(house: SipHouse) -> None:
    sides = Sides()
    await sides.start(house, gateways=[])
    sides.calls(house)
    await sides.carrier.answered(480)
    sides.calls(house, branch="2", call_id="second", uri=f"sip:{PERSON}@127.0.0.1")
    await sides.carrier.answered(404)
    assert [line["reason"] for line in await house.event("call.untaken", 2)] == ["untaken", "number"]


async def test_our_own_invite_that_comes_back_is_a_loop(house: SipHouse) -> None:
    """A carrier that is a proxy sends what we asked of it back to us, towards a number of ours."""
    sides = Sides()
    await sides.start(house)
    caller = sides.second
    caller.send(asking(caller), house.udp)
    ours = await sides.carrier.asked("INVITE")
    sides.calls(house, caller=(ours.first("from") or b"").decode(), call_id=ours.call_id.decode())
    await sides.carrier.answered(482)
    assert sides.trunk.nothing()
    # Each way through us costs a hop, so nothing goes round for ever.
    sides.carrier.send(
        asking(sides.carrier, branch="hops", call_id="hops", uri=OURS).replace(b"Max-Forwards: 70", b"Max-Forwards: 0"),
        house.udp,
    )
    await sides.carrier.answered(483)


async def test_text_and_replaces_are_refused_in_this_direction_too(house: SipHouse) -> None:
    sides = Sides()
    await sides.start(house)
    sides.calls(house, body=b"v=0\r\no=a 1 1 IN IP4 127.0.0.3\r\ns=-\r\nt=0 0\r\nm=message 9 TCP/MSRP *\r\n",
                headers=("Content-Type: application/sdp",))  # fmt: skip
    await sides.carrier.answered(488)
    sides.calls(house, branch="2", call_id="replaces", headers=("Replaces: a;to-tag=b;from-tag=c",))
    await sides.carrier.answered(481)
    assert sides.trunk.nothing()


async def test_a_pbx_that_only_takes_calls_may_make_none_and_is_in_no_other_call(house: SipHouse) -> None:
    """Where a trunk takes calls is not where it may call from, unless that is said."""
    sides, pbx = Sides(), Peer("127.0.0.4")
    await sides.start(house, gateways=[{"host": "127.0.0.4", "port": pbx.port}])
    pbx.send(asking(pbx), house.udp)
    await pbx.answered(403)
    sides.calls(house)
    invite = await pbx.asked("INVITE")
    sides.answer(house, pbx, invite, 180)
    ringing = await sides.carrier.answered(180)
    # The trunk's own address knows the carrier's dialog, and is not in it.
    stranger = asking(sides.second, "BYE", uri=OURS, caller=CALLER, called=_to(ringing), cseq="9 BYE")
    sides.second.send(stranger, house.udp)
    await sides.second.answered(481)
    assert house.logged("call.ended") == []


def _to(response: Any) -> str:
    return (response.first("to") or b"").decode()
