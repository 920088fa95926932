"""rtpengine (Debian) as the media relay, in user space: it carries RTP between two sockets and logs the keys it sees.

async with Rtpengine(tmp_path, digits=house.ports["digits"]) as relay:
    media = await relay.between(call_id, from_tag, to_tag)     # as a proxy would have it, from one leg's messages
    media.press("9", of="to")                                   # RFC 4733 packets from who was called on that leg
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from itertools import count
from pathlib import Path
from typing import Any

from tests.interop.peers.process import Peer, free_port, need

ANSWER_S = 1.0
TRIES = 30
_EVENT = 101
_KEYS = "0123456789*#ABCD"


class Media:
    """RTP of both sides of one leg. `press` sends an event as a telephone does: its end three times."""

    def __init__(self) -> None:
        self.sockets = {side: _socket() for side in ("from", "to")}
        self.towards: dict[str, int] = {}
        self._numbers = count(1)

    def sdp(self, side: str) -> str:
        port = self.sockets[side].getsockname()[1]
        return (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0 {_EVENT}\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:{_EVENT} telephone-event/8000\r\n"
        )

    def press(self, key: str, *, of: str) -> None:
        began = next(self._numbers) * 8000
        for place, (last, duration) in enumerate([(0, 160), (0, 320), (0x80, 480), (0x80, 480), (0x80, 480)]):
            kind = _EVENT | (0x80 if place == 0 else 0)
            packet = struct.pack("!BBHII", 0x80, kind, next(self._numbers) % 65_536, began, 0x5D15)
            packet += struct.pack("!BBH", _KEYS.index(key), last | 10, duration)
            self.sockets[of].sendto(packet, ("127.0.0.1", self.towards[of]))

    def close(self) -> None:
        for each in self.sockets.values():
            each.close()


class Rtpengine(Peer):
    """One relay. It reports keys to the port `digits`, or to who connects to its port `told`."""

    def __init__(self, folder: Path, *, digits: int = 0, told: int = 0) -> None:
        super().__init__("rtpengine", folder / "rtpengine")
        self._keys = [f"--dtmf-log-dest=127.0.0.1:{digits}"] if digits else []
        self._keys += ["--dtmf-log-ng-tcp", f"--listen-tcp-ng=127.0.0.1:{told}"] if told else []
        self._control = free_port()
        self._cookies = count(1)
        self._media: list[Media] = []

    async def __aenter__(self) -> Rtpengine:
        need("rtpengine")
        await self.spawn(
            *("rtpengine", "--foreground", "--log-stderr", "--log-level=6", "--table=-1", "--num-threads=1"),
            *("--interface=127.0.0.1", f"--listen-ng=127.0.0.1:{self._control}"),
            *(*self._keys, "--port-min=32000", "--port-max=32200"),
        )
        assert (await self.ask(command="ping"))["result"] == "pong"
        return self

    async def __aexit__(self, *raised: object) -> None:
        for each in self._media:
            each.close()
        await self.stop()

    async def ask(self, **question: Any) -> dict[str, Any]:
        """One command of its ng protocol, in JSON."""
        loop = asyncio.get_running_loop()
        with _socket() as asking:
            octets = b"%d " % next(self._cookies) + json.dumps(question).encode()
            for _ in range(TRIES):
                asking.sendto(octets, ("127.0.0.1", self._control))
                try:
                    data = await asyncio.wait_for(loop.sock_recv(asking, 65_535), ANSWER_S)
                except (TimeoutError, ConnectionError):
                    # WHY a pause: a port that nobody has opened yet is no event one could wait for.
                    await asyncio.sleep(0.05)
                    continue
                return dict(json.loads(data.partition(b" ")[2]))
        raise AssertionError("rtpengine does not answer")

    async def between(self, call_id: bytes, from_tag: bytes, to_tag: bytes) -> Media:
        """Carries the media of one leg, by the names that its messages bear."""
        media = Media()
        self._media.append(media)
        names = {"call-id": call_id.decode(), "from-tag": from_tag.decode()}
        offered = await self.ask(command="offer", sdp=media.sdp("from"), **names)
        answered = await self.ask(command="answer", sdp=media.sdp("to"), **names, **{"to-tag": to_tag.decode()})
        media.towards = {"to": _port(offered), "from": _port(answered)}
        return media


def _port(answer: dict[str, Any]) -> int:
    assert answer["result"] == "ok", answer
    (line,) = [each for each in answer["sdp"].splitlines() if each.startswith("m=audio ")]
    return int(line.split()[1])


def _socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    made.bind(("127.0.0.1", 0))
    return made
