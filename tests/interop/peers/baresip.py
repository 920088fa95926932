"""baresip (Debian's `baresip-core`) as a telephone: driven by its control socket, with a tone in place of a microphone.

async with Baresip("caller", tmp_path, user="95500", tone_hz=440) as caller:
    await caller.command("dial", f"sip:8613800138001@127.0.0.1:{port}")
    await caller.event("CALL_ESTABLISHED")
    sent, received = await caller.packets()         # RTP, of the call that stands
    caller.heard_hz()                                # what it was played, from the WAV that it keeps

`messages` is its own trace of SIP. Sockets are on 127.0.0.1 only; no sound device, no display, no name service.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import wave
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.interop.peers.process import Peer, free_port, listening, need

MODULES = "/usr/lib/baresip/modules"
CONFIG = """\
poll_method epoll
sip_listen 127.0.0.1:{port}
net_interface 127.0.0.1
rtp_stats yes
audio_source ausine,{tone_hz}
audio_player aubridge,nobody
audio_alert aubridge,nobody
ausrc_srate 48000
auplay_srate 48000
ausrc_channels 2
ausrc_format s16
auplay_format s16
auenc_format s16
audec_format s16
snd_path {folder}
ringback_disabled yes
ctrl_tcp_listen 127.0.0.1:{control}
module_path {modules}
module g711.so
module sndfile.so
module ausine.so
module aubridge.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
"""


def sip_port() -> int:
    """A free port, with the next one free too: baresip takes that one for TLS."""
    return free_port(neighbours=1)


class Baresip(Peer):
    """One telephone. `account` are further parameters of its account (RFC 3261 address, then `;name=value`)."""

    def __init__(
        self, name: str, folder: Path, *, user: str, tone_hz: int, port: int = 0, account: str = "", display: str = ""
    ) -> None:
        super().__init__(name, folder / name)
        self.user, self.tone_hz, self.account, self.display = user, tone_hz, account, display
        self.port = port or sip_port()
        self.events: list[dict[str, Any]] = []
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._tokens = itertools.count(1)
        self._changed = asyncio.Condition()
        self._seen = 0

    async def __aenter__(self) -> Baresip:
        need("baresip")
        self.folder.mkdir(parents=True, exist_ok=True)
        control = free_port()
        (self.folder / "config").write_text(
            CONFIG.format(port=self.port, control=control, tone_hz=self.tone_hz, folder=self.folder, modules=MODULES)
        )
        address = f'"{self.display}" <sip:{self.user}@127.0.0.1:{self.port}>'
        codecs = ";regint=0;audio_codecs=PCMU/8000/1"
        (self.folder / "accounts").write_text(f"{address}{self.account}{codecs}\n")
        (self.folder / "contacts").write_text("\n")
        await self.spawn("baresip", "-f", self.folder, "-v", "-s")
        assert self.process is not None
        await listening(control, self.process)
        reader, self._writer = await asyncio.open_connection("127.0.0.1", control)
        self._reading = asyncio.create_task(self._read(reader))
        # WHY asked at once: it takes one connection at a time, and the first may still be that of `listening`.
        await self.command("callstat")
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.stop()
        if hasattr(self, "_reading"):
            self._writer.close()
            await self._reading

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Netstrings of JSON: answers, and events."""
        try:
            while True:
                length = int((await reader.readuntil(b":"))[:-1])
                told = json.loads(await reader.readexactly(length))
                await reader.readexactly(1)
                if "token" in told:
                    self._answers[told["token"]].set_result(told)
                    continue
                async with self._changed:
                    self.events.append(told)
                    self._changed.notify_all()
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return

    async def command(self, name: str, params: str = "") -> str:
        """One command of its menu; what it answered."""
        token = str(next(self._tokens))
        answer = self._answers[token] = asyncio.get_running_loop().create_future()
        octets = json.dumps({"command": name, "params": params, "token": token}).encode()
        self._writer.write(b"%d:%s," % (len(octets), octets))
        told = await asyncio.wait_for(answer, 60)
        assert told["ok"], told
        return str(told["data"])

    async def event(self, kind: str, check: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """The next event of this kind, after the one that was taken last."""

        def found() -> int | None:
            for place in range(self._seen, len(self.events)):
                if self.events[place]["type"] == kind and check(self.events[place]):
                    return place
            return None

        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(lambda: found() is not None)
        place = found()
        assert place is not None
        self._seen = place + 1
        return self.events[place]

    async def packets(self) -> tuple[int, int]:
        """RTP packets of the call that stands: sent, received."""
        told = await self.command("audio_debug")
        sent, received = re.search(r"TX: packets=(\d+)", told), re.search(r"rcvd=(\d+)", told)
        return int(sent[1]) if sent else 0, int(received[1]) if received else 0

    async def talked(self, least: int) -> tuple[int, int]:
        """Returns when it has sent and received so many packets."""
        async with asyncio.timeout(60):
            while True:
                counted = await self.packets()
                if min(counted) >= least:
                    return counted
                # WHY a pause: it tells its counts only when asked.
                await asyncio.sleep(0.05)

    def heard_hz(self) -> float:
        """The frequency of what it was played in its last call, by zero crossings."""
        file = max(self.folder.glob("dump-*-dec.wav"), key=lambda one: one.stat().st_mtime_ns)
        with wave.open(str(file)) as played:
            rate, samples = played.getframerate(), array("h", played.readframes(played.getnframes()))
        assert len(samples) > rate // 4, "too little was played"
        crossings = sum(1 for one, next_ in itertools.pairwise(samples) if (one < 0) != (next_ < 0))
        return crossings * rate / 2 / len(samples)

    @property
    def messages(self) -> str:
        """All SIP messages that it sent and received, and what it says between them."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self.log.read_text(errors="replace"))

    @property
    def heard(self) -> list[str]:
        """The heads of all SIP messages that it received; what its descriptions say of media is not in them."""
        found = re.findall(r"^UDP \S+ -> (\S+)\n(.*?)^$", self.messages, re.M | re.S)
        return [head for to, head in found if to == f"127.0.0.1:{self.port}"]
