"""A peer of SIP over UDP in a few words: what it sends, and the next message that it hears."""

from __future__ import annotations

import asyncio
import socket

from proxy.sip.framing import read_datagram
from proxy.sip.message import Limits, Message, SipRequest, SipResponse
from tests.tools.sip_house import PERSON
from tests.tools.sip_messages import SDP, request_octets

#: Against waiting for ever; nothing is judged by it.
LIMIT_S = 60.0


class Peer:
    """A UDP socket of a peer's. `heard` waits for the next message."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind((host, 0))
        self.host, self.port = self.socket.getsockname()
        self._told: set[bytes] = set()

    def send(self, octets: bytes, port: int) -> None:
        self.socket.sendto(octets, ("127.0.0.1", port))

    async def heard(self) -> Message:
        """The next message, be it one that came before."""
        return (await self._next())[0]

    async def new(self) -> Message:
        """The next message that did not come before: what a slow machine answers or acknowledges late comes again."""
        while True:
            message, is_new = await self._next()
            # WHY these too: no provisional response is retransmitted, so the same one twice was sent twice.
            if is_new or (isinstance(message, SipResponse) and message.status < 200):
                return message

    async def _next(self) -> tuple[Message, bool]:
        data = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.socket, 65_535), LIMIT_S)
        message = read_datagram(data, Limits())
        assert message is not None
        is_new = data not in self._told
        self._told.add(data)
        return message, is_new

    async def asked(self, method: str) -> SipRequest:
        """The next request that did not come before."""
        message = await self.new()
        assert isinstance(message, SipRequest), message.octets()
        assert message.method == method
        return message

    async def answered(self, status: int) -> SipResponse:
        """The next response that did not come before, but a 100."""
        while True:
            message = await self.new()
            assert isinstance(message, SipResponse), message.octets()
            if message.status != 100:
                assert message.status == status, message.octets()
                return message

    def nothing(self) -> bool:
        """Whether nothing waits but what came before."""
        try:
            while self.socket.recv(65_535) in self._told:
                pass
        except BlockingIOError:
            return True
        return False


def asking(peer: Peer, method: str = "INVITE", branch: str = "1", **parts: object) -> bytes:
    parts.setdefault("uri", f"sip:{PERSON}@127.0.0.1")
    parts.setdefault("via", f"SIP/2.0/UDP {peer.host}:{peer.port};branch=z9hG4bK-{peer.port}-{branch}")
    parts.setdefault("contact", f"<sip:95500@{peer.host}:{peer.port}>")
    if method == "INVITE" and "body" not in parts:
        headers = parts.get("headers", ())
        assert isinstance(headers, tuple)
        parts |= {"body": SDP, "headers": (*headers, "Content-Type: application/sdp")}
    return request_octets(method, **parts)  # type: ignore[arg-type]
