"""Kamailio (Debian) as a stateful, record-routing proxy: at the carrier's side, and in front of a call centre.

async with Kamailio(tmp_path, forked="8613800138002") as kamailio:
    kamailio.carrier                    # relays to `first`; the number `forked` to `first` and `second` at once
    kamailio.busy                       # answers 503
    kamailio.digest                     # asks for credentials (SHA-256), then relays
    kamailio.moody                      # relays; `mood(1)` has it answer OPTIONS with 503
    kamailio.front                      # on FRONT_HOST, relays to the port that the header X-Next names
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

from tests.interop.peers.process import Peer, free_port, need

CONFIG = Path(__file__).with_suffix(".cfg")
FRONT_HOST = "127.0.0.9"
#: Invented, for tests only.
PASSWORD = "Carrier-P4s"


class Kamailio(Peer):
    """One Kamailio; what it does depends on the port that is asked."""

    def __init__(self, folder: Path, *, forked: str) -> None:
        super().__init__("kamailio", folder / "kamailio")
        self.carrier, self.busy, self.digest, self.moody, self.front = (free_port() for _ in range(5))
        self.first, self.second = free_port(), free_port()
        self._forked = forked

    async def __aenter__(self) -> Kamailio:
        need("kamailio")
        given = {
            "CARRIER_PORT": self.carrier,
            "BUSY_PORT": self.busy,
            "DIGEST_PORT": self.digest,
            "MOODY_PORT": self.moody,
            "FRONT_PORT": self.front,
            "FRONT_HOST": FRONT_HOST,
            "FIRST_PORT": self.first,
            "SECOND_PORT": self.second,
            "FORKED_USER": self._forked,
            "CARRIER_PASSWORD": PASSWORD,
        }
        # WHY written out: what -A defines is not replaced inside strings.
        text = CONFIG.read_text(encoding="utf-8")
        for name, value in given.items():
            text = text.replace(name, str(value))
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "kamailio.cfg"
        file.write_text(text, encoding="utf-8")
        await self.spawn("kamailio", "-DD", "-E", "-m", "64", "-M", "8", "-Y", self.folder, "-f", file)
        await self._asked_until_it_answers()
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.stop()

    async def _asked_until_it_answers(self) -> None:
        async with asyncio.timeout(60):
            while True:
                assert self.process is not None
                assert self.process.returncode is None, self.log.read_text()[-3000:]
                with contextlib.suppress(TimeoutError):
                    await self.mood(0, limit_s=0.2)
                    return

    async def mood(self, value: int, *, limit_s: float = 5.0) -> None:
        """Sets whether `moody` is so, by an OPTIONS of the test's own."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.setblocking(False)
            asking.bind(("127.0.0.1", 0))
            port = asking.getsockname()[1]
            lines = (
                f"OPTIONS sip:127.0.0.1:{self.carrier} SIP/2.0",
                f"Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-mood-{port}-{value};rport",
                f"From: <sip:test@127.0.0.1:{port}>;tag=mood",
                f"To: <sip:127.0.0.1:{self.carrier}>",
                f"Call-ID: mood-{port}-{value}",
                "CSeq: 1 OPTIONS",
                "Max-Forwards: 5",
                f"X-Mood: {value}",
                "Content-Length: 0",
            )
            asking.sendto("\r\n".join((*lines, "", "")).encode(), ("127.0.0.1", self.carrier))
            answer = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(asking, 4096), limit_s)
            assert answer.startswith(b"SIP/2.0 200"), answer
