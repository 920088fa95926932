"""Ways around the policy, tried on real sockets: who is not in a call, who is nobody, who says where it should go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.tools.sip_house import PERSON, SipHouse
from tests.tools.sip_messages import SDP, a_response
from tests.tools.sip_peer import Peer, asking

pytestmark = pytest.mark.wire


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[SipHouse]:
    async with SipHouse(tmp_path) as made:
        yield made


async def alive(house: SipHouse, peer: Peer) -> None:
    """Whatever came before has been looked at: an OPTIONS behind it is answered."""
    peer.send(asking(peer, "OPTIONS", branch="alive", call_id="alive"), house.udp)
    await peer.answered(200)


@pytest.mark.parametrize(
    "headers",
    [
        ("Route: <sip:127.0.0.1:{other};lr>",),
        ("Route: <sip:127.0.0.1:{other}>, <sip:127.0.0.1:{other};lr>",),
    ],
)
@pytest.mark.parametrize("uri", ["sip:{person}@127.0.0.1:{other}", "sip:{person}@x.example;maddr=127.0.0.1"])
async def test_no_route_and_no_host_of_a_caller_leads_anywhere(
    house: SipHouse, headers: tuple[str, ...], uri: str
) -> None:
    caller, carrier, other = Peer(), Peer(), Peer()
    await house.start([carrier.port])
    named = {"other": str(other.port), "person": PERSON}
    lines = tuple(each.format(**named) for each in headers)
    caller.send(asking(caller, uri=uri.format(**named), headers=lines), house.udp)
    invite = await carrier.asked("INVITE")
    assert not invite.has("route")
    assert invite.uri == f"sip:{PERSON}@127.0.0.1:{carrier.port};user=phone".encode()
    assert other.nothing()


async def test_a_stranger_in_a_call_is_not_in_it(house: SipHouse) -> None:
    """He knows all of the dialog, yet is at another address: BYE, re-INVITE and INFO of his do nothing."""
    caller, carrier = Peer(), Peer()
    elsewhere = Peer("127.0.0.2")
    await house.start([carrier.port], trunk={"addresses": ["127.0.0.1/32"]})
    caller.send(asking(caller), house.udp)
    invite = await carrier.asked("INVITE")
    carrier.send(
        a_response(invite, 200, to_tag="b", contact=f"<sip:b@127.0.0.1:{carrier.port}>", body=b"").octets(), house.udp
    )
    answer = await caller.answered(200)
    await carrier.asked("ACK")
    called = (answer.first("to") or b"").decode()
    caller.send(asking(caller, "ACK", branch="ack", called=called), house.udp)
    for place, method in enumerate(("BYE", "INFO", "INVITE")):
        elsewhere.send(
            asking(elsewhere, method, branch=method, called=called, cseq=f"{20 + place} {method}"), house.udp
        )
    await alive(house, caller)
    assert elsewhere.nothing()
    assert carrier.nothing()
    caller.send(asking(caller, "BYE", branch="bye", called=called, cseq="30 BYE"), house.udp)
    await caller.answered(200)
    bye = await carrier.asked("BYE")
    carrier.send(a_response(bye, 200).octets(), house.udp)
    await house.event("call.ended")
    await house.end()


async def test_a_carrier_is_no_trunk_and_a_trunk_in_another_call_is_not_in_this_one(house: SipHouse) -> None:
    """Both are known here, and still neither may end a call of somebody else."""
    caller, carrier = Peer(), Peer("127.0.0.3")
    other = Peer("127.0.0.2")
    gateway = {"host": "127.0.0.3", "port": carrier.port}
    await house.start([gateway], trunk={"addresses": ["127.0.0.1/32"]}, more={"other": ["127.0.0.2/32"]})
    caller.send(asking(caller), house.udp)
    invite = await carrier.asked("INVITE")
    carrier.send(a_response(invite, 180, to_tag="b", contact=f"<sip:b@127.0.0.3:{carrier.port}>").octets(), house.udp)
    ringing = await caller.answered(180)
    called = (ringing.first("to") or b"").decode()
    other.send(asking(other, "BYE", called=called, cseq="20 BYE"), house.udp)
    await other.answered(481)
    # A CANCEL that knows everything, from another trunk.
    via = f"SIP/2.0/UDP 127.0.0.1:{caller.port};branch=z9hG4bK-{caller.port}-1"
    other.send(asking(other, "CANCEL", via=via, cseq="1 CANCEL"), house.udp)
    # An INVITE of the carrier's begins no call towards itself: that number is no trunk's.
    carrier.send(asking(carrier, "INVITE", call_id="loop"), house.udp)
    await carrier.answered(404)
    await alive(house, caller)
    assert house.logged("call.ended") == []


async def test_nobody_gets_no_answer(house: SipHouse) -> None:
    caller, nobody = Peer(), Peer("127.0.0.9")
    await house.start([caller.port])
    for method in ("INVITE", "OPTIONS", "REGISTER", "BYE"):
        nobody.send(asking(nobody, method, branch=method), house.udp)
    nobody.send(b"INVITE sip:a@b SIP/2.0\r\nVia: x\r\n\r\n", house.udp)
    await alive(house, caller)
    assert nobody.nothing()
    await house.end()


async def test_nobody_is_refused_where_configuration_wants_that(house: SipHouse) -> None:
    nobody = Peer("127.0.0.9")
    await house.start([nobody.port], sip={"strangers": "refuse"})
    octets = asking(nobody, "INVITE")
    nobody.send(octets, house.udp)
    refusal = await nobody.answered(403)
    assert len(refusal.octets()) <= len(octets)
    await house.end()


async def test_an_answer_never_goes_to_another_host(house: SipHouse) -> None:
    """Via names a victim: the answer goes to where the request came from (RFC 3261 §18.2.2, RFC 3581)."""
    caller, victim = Peer(), Peer("127.0.0.7")
    await house.start([caller.port])
    for more in ("", ";maddr=127.0.0.7", ";received=127.0.0.7"):
        via = f"SIP/2.0/UDP 127.0.0.7:{victim.port};rport;branch=z9hG4bK-{len(more)}{more}"
        caller.send(asking(caller, "OPTIONS", via=via, call_id=f"v{len(more)}"), house.udp)
        answer = await caller.answered(200)
        assert b"received=127.0.0.1" in (answer.first("via") or b"")
    assert victim.nothing()
    await house.end()


async def test_text_inside_a_call_is_refused(house: SipHouse) -> None:
    caller, carrier = Peer(), Peer()
    await house.start([carrier.port])
    caller.send(asking(caller), house.udp)
    invite = await carrier.asked("INVITE")
    carrier.send(a_response(invite, 200, to_tag="b", contact=f"<sip:b@127.0.0.1:{carrier.port}>").octets(), house.udp)
    answer = await caller.answered(200)
    await carrier.asked("ACK")
    called = (answer.first("to") or b"").decode()
    caller.send(asking(caller, "ACK", branch="ack", called=called), house.udp)
    text = {"headers": ("Content-Type: text/plain",), "body": "您好".encode()}
    caller.send(asking(caller, "MESSAGE", branch="m", called=called, cseq="20 MESSAGE", **text), house.udp)
    await caller.answered(405)
    offer = SDP + b"m=message 7394 TCP/MSRP *\r\na=accept-types:text/plain\r\n"
    typed = {"headers": ("Content-Type: application/sdp",), "body": offer}
    caller.send(asking(caller, "INVITE", branch="i", called=called, cseq="21 INVITE", **typed), house.udp)
    await caller.answered(488)
    assert carrier.nothing()


async def test_a_gateway_that_does_not_answer_options_gets_no_call(house: SipHouse) -> None:
    caller, carrier = Peer(), Peer()
    await house.start([carrier.port], carrier={"options_s": 0.4}, sip={"t1_s": 0.02})
    (down,) = await house.event("gateway.down")
    assert down["carrier"] == "default"
    caller.send(asking(caller), house.udp)
    refused = await caller.answered(503)
    assert refused.has("retry-after")
    while True:
        options = await carrier.asked("OPTIONS")
        carrier.send(a_response(options, 404, to_tag="b").octets(), house.udp)
        if house.logged("gateway.up"):
            break
    caller.send(asking(caller, branch="2", call_id="second"), house.udp)
    while (await carrier.heard()).cseq.method != "INVITE":
        pass


async def test_a_challenge_to_anybody_is_no_longer_than_what_he_sent(house: SipHouse) -> None:
    """A trunk by digest alone is challenged wherever it is; so is a victim whose address somebody wrote."""
    anybody = Peer("127.0.0.9")
    trunk = {"addresses": [], "username": "roaming", "password": "Wire-P4s"}
    await house.start([anybody.port], trunk=trunk)
    anybody.send(asking(anybody, branch="0", call_id="short", body=b"", headers=()), house.udp)
    octets = asking(anybody, body=b"", headers=("X-Long: " + "x" * 150,))
    anybody.send(octets, house.udp)
    challenge = await anybody.answered(407)
    assert 1 <= len(challenge.each("proxy-authenticate")) < 3
    assert challenge.call_id != b"short"
    assert len(challenge.octets()) <= len(octets)
    long = asking(anybody, branch="2", call_id="long", headers=("X-Long: " + "x" * 600,), body=b"")
    anybody.send(long, house.udp)
    assert len((await anybody.answered(407)).each("proxy-authenticate")) == 3
    await house.end()
