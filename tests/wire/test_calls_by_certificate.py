"""Trunks that are known by their certificate, with real TLS; and a trunk that has lost its connection in a call."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import DNSName, UniformResourceIdentifier

from tests.tools.sip_house import SipHouse
from tests.tools.sip_messages import a_response, request_octets
from tests.tools.sip_peer import Peer, asking
from tests.wire.certificates import Authority, Pair
from tests.wire.test_calls_on_streams import StreamGateway, StreamPeer, connected, invite

pytestmark = pytest.mark.wire

PBX = "pbx.jianglan.example"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[SipHouse]:
    async with SipHouse(tmp_path) as made:
        yield made


class Tls:
    """An authority, our listener, and trunks that show a certificate or none."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder / "ca")
        self.ours = self.authority.sign("tdgate")
        self.port = 0

    async def start(self, house: SipHouse, carrier: Peer, more: Any = None, **trunk: Any) -> None:
        tls = {"certificate": self.ours.certificate, "key": self.ours.key, "ca": self.authority.file}
        await house.start(
            [{"host": carrier.host, "port": carrier.port}],
            listeners=({"port": 0}, {"port": 0, "transport": "tls", "tls": tls}),
            trunk={"addresses": [], **trunk},
            more=more,
        )
        self.port = house.ports["sip+tls"]

    async def connected(self, pair: Pair) -> StreamPeer:
        context = ssl.create_default_context(cafile=str(self.authority.file))
        context.load_cert_chain(pair.certificate, pair.key)
        return await connected(self.port, context)


async def gone(peer: StreamPeer) -> bool:
    """It was hung up on, without an answer."""
    try:
        return await peer.ended()
    except ConnectionError:
        return True


async def refused(house: SipHouse, carrier: Peer, trunk: StreamPeer, number: int) -> None:
    trunk.send(invite(number, transport="TLS"))
    invited = await carrier.asked("INVITE")
    carrier.send(a_response(invited, 486, to_tag="b").octets(), house.udp)
    await carrier.asked("ACK")
    await trunk.answered(486)


async def test_a_trunk_is_known_by_a_domain_or_a_fingerprint_and_nobody_else_is_it(
    house: SipHouse, tmp_path: Path
) -> None:
    """Each certificate is of the right authority; who shows another one is not answered but hung up on."""
    tls, carrier = Tls(tmp_path), Peer("127.0.0.3")
    uri = tls.authority.sign("uri", UniformResourceIdentifier(f"sip:{PBX}"), DNSName("other.example"))
    dns = tls.authority.sign("dns", DNSName(PBX.upper()))
    printed = tls.authority.sign("printed")
    await tls.start(house, carrier, certificates=[PBX, "SHA256:" + printed.fingerprint.upper()])
    for number, pair in enumerate((uri, dns, printed)):
        trunk = await tls.connected(pair)
        await refused(house, carrier, trunk, number)
        trunk.close()
    for name, names in (
        (PBX, (DNSName("other.example"),)),
        ("wild", (DNSName("*.jianglan.example"),)),
        ("user", (UniformResourceIdentifier(f"sip:95500@{PBX}"),)),
        ("hidden", (UniformResourceIdentifier("sip:other.example"), DNSName(PBX))),
    ):
        other = await tls.connected(tls.authority.sign(name, *names))
        other.send(invite(9, transport="TLS"))
        assert await gone(other), name
    # Nor is somebody at the same address who shows none.
    plain = Peer()
    plain.send(invite(9, transport="UDP"), house.udp)
    await house.event("sip.stranger")
    assert plain.nothing()
    assert carrier.nothing()
    await house.end()


async def test_address_digest_and_certificate_must_all_hold(house: SipHouse, tmp_path: Path) -> None:
    tls, carrier = Tls(tmp_path), Peer("127.0.0.3")
    right, wrong = tls.authority.sign("right", DNSName(PBX)), tls.authority.sign("wrong", DNSName("other.example"))
    await tls.start(house, carrier, certificates=[PBX], addresses=["127.0.0.1/32"], username="u", password="p")
    trunk = await tls.connected(right)
    trunk.send(invite(1, transport="TLS"))
    await trunk.answered(407)
    other = await tls.connected(wrong)
    other.send(invite(1, transport="TLS"))
    assert await gone(other)
    assert carrier.nothing()
    await house.end()


async def test_a_certificate_of_another_trunk_is_in_no_call_of_this_one(house: SipHouse, tmp_path: Path) -> None:
    """Both are behind one address: whoever has lost his connection is found again by what he shows, nobody else is."""
    tls, carrier = Tls(tmp_path), Peer("127.0.0.3")
    mine, others = tls.authority.sign("mine", DNSName(PBX)), tls.authority.sign("others", DNSName("other.example"))
    await tls.start(house, carrier, {"other": {"certificates": ["other.example"]}}, certificates=[PBX])
    trunk = await tls.connected(mine)
    trunk.send(invite(1, transport="TLS"))
    invited = await carrier.asked("INVITE")
    contact = f"<sip:b@127.0.0.3:{carrier.port}>"
    carrier.send(a_response(invited, 200, to_tag="b", contact=contact).octets(), house.udp)
    called = ((await trunk.answered(200)).first("to") or b"").decode()
    await carrier.asked("ACK")
    ours: dict[str, Any] = {"call_id": "call-1", "called": called}
    trunk.send(request_octets("ACK", via=via("ack"), **ours))
    stranger = await tls.connected(others)
    stranger.send(request_octets("BYE", via=via("theirs"), cseq="7 BYE", **ours))
    await stranger.answered(481)
    await trunk.closed()
    back = await tls.connected(mine)
    back.send(request_octets("OPTIONS", via=via("options"), call_id="between"))
    await back.answered(200)
    stranger.send(request_octets("OPTIONS", via=via("later"), call_id="later"))
    await stranger.answered(200)
    theirs: dict[str, Any] = {
        "caller": (invited.first("to") or b"").decode() + ";tag=b",
        "called": (invited.first("from") or b"").decode(),
    }
    bye = request_octets(
        "BYE",
        via=f"SIP/2.0/UDP 127.0.0.3:{carrier.port};branch=z9hG4bK-bye",
        call_id=invited.call_id.decode(),
        **theirs,
    )
    carrier.send(bye, house.udp)
    await carrier.answered(200)
    back.send(a_response(await back.asked("BYE"), 200).octets())
    await house.event("call.ended")
    await house.end()


async def test_a_call_back_over_tls_and_a_trunk_that_goes_while_it_rings(house: SipHouse, tmp_path: Path) -> None:
    """The trunk takes calls by TLS, where it is verified as a carrier is; its own call ends with its connection."""
    tls, carrier = Tls(tmp_path), Peer("127.0.0.3")
    pbx = tls.authority.sign("pbx")
    async with StreamGateway() as taking:
        port = await taking.listen(tls.authority.server_context(pbx))
        gateways = [{"port": port, "transport": "tls"}]
        verified = {"ca": str(tls.authority.file)}
        await tls.start(house, carrier, certificates=[PBX], gateways=gateways, options_s=0.0, tls=verified)
        back = asking(carrier, uri="sip:95500@127.0.0.1", caller="<sip:13800138000@c.example>;tag=c")
        carrier.send(back, house.udp)
        trunk = await taking.next()
        invited = await trunk.asked("INVITE")
        assert invited.uri == f"sip:95500@127.0.0.1:{port};transport=tls;user=phone".encode()
        trunk.send(a_response(invited, 486, to_tag="pbx").octets())
        busy = await carrier.answered(486)
        carrier.send(
            asking(carrier, "ACK", uri="sip:95500@127.0.0.1", called=(busy.first("to") or b"").decode()), house.udp
        )
    calling = await tls.connected(tls.authority.sign("calls", DNSName(PBX)))
    calling.send(invite(5, transport="TLS"))
    invited = await carrier.asked("INVITE")
    carrier.send(a_response(invited, 180, to_tag="b", contact="<sip:b@127.0.0.3>").octets(), house.udp)
    await calling.answered(180)
    await calling.closed()
    cancelled = await carrier.asked("CANCEL")
    carrier.send(a_response(cancelled, 200).octets(), house.udp)
    carrier.send(a_response(invited, 487, to_tag="b").octets(), house.udp)
    await carrier.asked("ACK")
    await house.event("call.ended", 2)
    await house.end()


def via(branch: str) -> str:
    return f"SIP/2.0/TLS 127.0.0.1:5061;branch=z9hG4bK-{branch}"
