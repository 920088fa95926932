"""Calls over TCP and TLS: framing, reuse of connections, what does not fit a datagram, slow and lost peers."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from proxy.sip.framing import StreamFraming
from proxy.sip.message import Limits, Message, SipRequest, SipResponse
from tests.tools.sip_house import PERSON, SipHouse
from tests.tools.sip_messages import SDP, a_response, request_octets
from tests.tools.sipp import free_port
from tests.wire.certificates import Authority

pytestmark = pytest.mark.wire

#: Against waiting for ever; nothing is judged by it.
LIMIT_S = 60.0


class StreamPeer:
    """One connection of a peer's."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clock: Callable[[], float]) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._framing = StreamFraming(Limits(), 10.0)
        self._found: list[Message] = []

    def send(self, octets: bytes) -> None:
        self._writer.write(octets)

    async def heard(self) -> Message:
        while not self._found:
            data = await asyncio.wait_for(self._reader.read(65_536), LIMIT_S)
            assert data, "the connection has ended"
            for each in self._framing.receive(data, self._clock()):
                assert isinstance(each, SipRequest | SipResponse)
                self._found.append(each)
        return self._found.pop(0)

    async def answered(self, status: int) -> SipResponse:
        while True:
            message = await self.heard()
            assert isinstance(message, SipResponse), message.octets()
            if message.status != 100:
                assert message.status == status, message.octets()
                return message

    async def asked(self, method: str) -> SipRequest:
        message = await self.heard()
        assert isinstance(message, SipRequest)
        assert message.method == method
        return message

    async def ended(self) -> bool:
        return await asyncio.wait_for(self._reader.read(), LIMIT_S) == b""

    def close(self) -> None:
        self._writer.close()

    async def closed(self) -> None:
        """It is closed, and the other side has been told."""
        self._writer.close()
        await self._writer.wait_closed()


class StreamGateway:
    """A carrier's gateway on TCP or TLS. `accepted` are the connections that came."""

    def __init__(self) -> None:
        self.accepted: asyncio.Queue[StreamPeer] = asyncio.Queue()
        self.count = 0
        self.port = 0

    async def __aenter__(self) -> StreamGateway:
        return self

    async def listen(self, tls: ssl.SSLContext | None = None, port: int = 0) -> int:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.count += 1
        await self.accepted.put(StreamPeer(reader, writer, asyncio.get_running_loop().time))

    async def next(self) -> StreamPeer:
        return await asyncio.wait_for(self.accepted.get(), LIMIT_S)

    async def __aexit__(self, *raised: object) -> None:
        self._server.close()


async def connected(port: int, tls: ssl.SSLContext | None = None) -> StreamPeer:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    return StreamPeer(reader, writer, asyncio.get_running_loop().time)


def invite(number: int, *, transport: str = "TCP", headers: tuple[str, ...] = (), uri: str = "") -> bytes:
    return request_octets(
        uri=uri or f"sip:{PERSON}@127.0.0.1",
        via=f"SIP/2.0/{transport} 127.0.0.1:5060;branch=z9hG4bK-{number}",
        call_id=f"call-{number}",
        headers=("Content-Type: application/sdp", *headers),
        body=SDP,
    )


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[SipHouse]:
    async with SipHouse(tmp_path) as made:
        yield made


async def test_calls_over_tls_share_one_connection_on_each_side(house: SipHouse, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    ours, gateways, trunk = (authority.sign(name) for name in ("tdgate", "gateway", "trunk"))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(gateways.certificate, gateways.key)
    client = ssl.create_default_context(cafile=str(authority.file))
    client.load_cert_chain(trunk.certificate, trunk.key)
    async with StreamGateway() as gateway:
        port = await gateway.listen(server)
        tls = {"certificate": ours.certificate, "key": ours.key, "ca": authority.file}
        await house.start(
            [{"port": port, "transport": "tls"}],
            listeners=({"port": 0, "transport": "tls", "tls": tls},),
            carrier={"tls": {"ca": authority.file}},
        )
        caller = await connected(house.ports["sip+tls"], client)
        for number in (1, 2):
            caller.send(invite(number, transport="TLS"))
        carrier = await gateway.next()
        both = [await carrier.asked("INVITE"), await carrier.asked("INVITE")]
        for asked in both:
            assert (asked.first("via") or b"").startswith(b"SIP/2.0/TLS 127.0.0.1:")
            assert asked.uri.endswith(b";transport=tls;user=phone")
            contact = f"<sip:b@127.0.0.1:{port};transport=tls>"
            carrier.send(a_response(asked, 486, to_tag="b", contact=contact).octets())
            await carrier.asked("ACK")
            await caller.answered(486)
        assert gateway.count == 1
        caller.close()
    await house.end()


async def test_without_a_certificate_of_the_authority_nobody_calls(house: SipHouse, tmp_path: Path) -> None:
    authority, other = Authority(tmp_path / "ca"), Authority(tmp_path / "other", "another authority")
    ours, stranger = authority.sign("tdgate"), other.sign("stranger")
    tls = {"certificate": ours.certificate, "key": ours.key, "ca": authority.file}
    await house.start(
        [{"port": free_port(), "transport": "tls"}], listeners=({"port": 0, "transport": "tls", "tls": tls},)
    )
    client = ssl.create_default_context(cafile=str(authority.file))
    client.load_cert_chain(stranger.certificate, stranger.key)
    with contextlib.suppress(ssl.SSLError, OSError):
        caller = await connected(house.ports["sip+tls"], client)
        caller.send(invite(1, transport="TLS"))
        assert await caller.ended()
    await house.end()


async def test_what_does_not_fit_a_datagram_goes_by_tcp(house: SipHouse) -> None:
    """RFC 3261 §18.1.1: the gateway is one of UDP, the INVITE is too large, so it comes by TCP to the same port."""
    port = free_port()
    async with StreamGateway() as gateway:
        await gateway.listen(port=port)
        await house.start([port], listeners=({"port": 0}, {"port": 0, "transport": "tcp"}))
        caller = await connected(house.ports["sip+tcp"])
        caller.send(invite(1, headers=("X-Long: " + "x" * 1500,)))
        carrier = await gateway.next()
        asked = await carrier.asked("INVITE")
        assert (asked.first("via") or b"").startswith(b"SIP/2.0/TCP ")
        carrier.send(a_response(asked, 603, to_tag="b").octets())
        await caller.answered(603)
        caller.close()
    await house.end()


async def test_a_gateway_whose_connection_breaks_leads_to_the_next(house: SipHouse) -> None:
    nobody = free_port()
    async with StreamGateway() as gateway:
        port = await gateway.listen()
        gateways = [{"port": each, "transport": "tcp", "priority": place} for place, each in enumerate((nobody, port))]
        await house.start(gateways, listeners=({"port": 0, "transport": "tcp"},))
        caller = await connected(house.ports["sip+tcp"])
        caller.send(invite(1))
        carrier = await gateway.next()
        asked = await carrier.asked("INVITE")
        carrier.send(a_response(asked, 486, to_tag="b").octets())
        await caller.answered(486)
        assert [line["status"] for line in await house.event("call.failed_over")] == [503]
        caller.close()
    await house.end()


async def test_octets_in_pieces_are_one_message_and_a_slow_sender_is_cut_off(house: SipHouse) -> None:
    await house.start(
        [{"port": free_port(), "transport": "tcp"}],
        listeners=({"port": 0, "transport": "tcp"},),
        sip={"message_timer_s": 0.5},
    )
    options = request_octets("OPTIONS", via="SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bK-o")
    peer = await connected(house.ports["sip+tcp"])
    for place in range(0, len(options), 7):
        peer.send(options[place : place + 7])
        await asyncio.sleep(0)
    await peer.answered(200)
    peer.send(options[:40])
    assert await peer.ended()
    await house.end()
    assert len(house.logged("connection.stalled")) == 1


async def test_a_content_length_that_nobody_can_read_ends_the_connection(house: SipHouse) -> None:
    await house.start([{"port": free_port(), "transport": "tcp"}], listeners=({"port": 0, "transport": "tcp"},))
    for wrong in (b"Content-Length: -1", b"Content-Length: 99999999999", b"Content-Length: 1\r\nContent-Length: 2"):
        peer = await connected(house.ports["sip+tcp"])
        options = request_octets("OPTIONS", via="SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bK-o")
        peer.send(options.replace(b"Content-Length: 0", wrong))
        message = await peer.heard()
        assert isinstance(message, SipResponse)
        assert message.status in (400, 513)
        assert await peer.ended()
    await house.end()


async def test_a_call_survives_the_loss_of_the_gateway_s_connection(house: SipHouse) -> None:
    async with StreamGateway() as gateway:
        port = await gateway.listen()
        await house.start([{"port": port, "transport": "tcp"}], listeners=({"port": 0, "transport": "tcp"},))
        caller = await connected(house.ports["sip+tcp"])
        caller.send(invite(1))
        carrier = await gateway.next()
        asked = await carrier.asked("INVITE")
        contact = f"<sip:b@127.0.0.1:{port};transport=tcp>"
        carrier.send(a_response(asked, 200, to_tag="b", contact=contact).octets())
        called = ((await caller.answered(200)).first("to") or b"").decode()
        await carrier.asked("ACK")
        via = "SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bK-"
        caller.send(request_octets("ACK", via=via + "ack", call_id="call-1", called=called))
        await carrier.closed()
        caller.send(request_octets("OPTIONS", via=via + "options", call_id="between"))
        await caller.answered(200)
        caller.send(request_octets("BYE", via=via + "bye", call_id="call-1", called=called, cseq="2 BYE"))
        await caller.answered(200)
        again = await gateway.next()
        bye = await again.asked("BYE")
        again.send(a_response(bye, 200).octets())
        caller.close()
    await house.end()
