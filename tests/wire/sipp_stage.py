"""One process for all SIPp scenarios: each trunk is an address of its own, and leads to a carrier of its own.

    await stage.play(uac, (uas, stage.first))                       # leg A from PLAIN, leg B at the first gateway
    await stage.play(uac, (uas, stage.second), host=HASTY)

What a test has logged is `stage.house.logged`; between two tests nothing may be left (`SipHouse.rests`).
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from tests.tools.sip_house import SipHouse
from tests.tools.sipp import Scenario, free_port

#: Patient with its gateways, so that no fail-over comes by chance.
PLAIN = "127.0.0.2"
#: Takes a gateway for failed after 0.6 s without any 1xx.
HASTY = "127.0.0.3"
#: Has to prove itself by digest.
PROVING = "127.0.0.4"
#: Its carrier asks for credentials, and is given them.
CHALLENGED = "127.0.0.5"
#: Its carrier's gateway is asked by TCP.
STREAMED = "127.0.0.6"
USERNAME, PASSWORD = "callcentre", "Wire-P4s"


class SippStage:
    """The process, and the ports of its gateways: `first` and `second` of all carriers, `stream` by TCP."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.house = SipHouse(folder)
        self.first, self.second, self.stream = free_port(), free_port(), free_port()
        self._plays = itertools.count(1)

    async def start(self) -> None:
        both = [{"port": self.first, "priority": 1}, {"port": self.second, "priority": 2}]
        patient: dict[str, Any] = {"options_s": 0.0, "no_answer_s": 15.0, "gateways": both}
        carriers = {
            HASTY: {**patient, "no_answer_s": 0.6},
            PROVING: patient,
            CHALLENGED: {**patient, "username": "tdgate", "password": PASSWORD},
            STREAMED: {**patient, "gateways": [{"port": self.stream, "transport": "tcp"}]},
        }
        tables: dict[str, dict[str, Any]] = {}
        for place, (host, carrier) in enumerate(carriers.items()):
            tables[f"sip.trunks.t{place}"] = {
                "account": "jl-voice",
                "addresses": [f"{host}/32"],
                "carrier": f"c{place}",
            }
            tables[f"sip.carriers.c{place}"] = carrier
            if host == PROVING:
                tables[f"sip.trunks.t{place}"] |= {"username": USERNAME, "password": PASSWORD}
        await self.house.start(
            both,
            sip={"algorithms": ["MD5"]},
            trunk={"addresses": [f"{PLAIN}/32"]},
            carrier={"no_answer_s": 15.0},
            listeners=({"port": 0}, {"port": 0, "transport": "tcp"}),
            tables=tables,
        )

    async def begin_anew(self) -> None:
        """Ends the process as a crash does, and starts another."""
        await self.house.__aexit__()
        self.house = SipHouse(self.folder)
        await self.start()

    async def play(
        self,
        uac: Scenario,
        *servers: tuple[Scenario, int],
        host: str = PLAIN,
        transport: str = "u1",
        behind: str = "u1",
        never: int = 0,
    ) -> None:
        """Runs leg A from `host` until it and those that it reaches are done. `transport` is leg A's, `behind` leg B's;
        at the port `never` somebody listens whom no INVITE may reach.
        """
        folder = self.folder / str(next(self._plays))
        folder.mkdir()
        bystander = Scenario("bystander", ('<recv request="INVITE"></recv>',))
        others = [(bystander, never)] if never else []
        uac.host = host
        try:
            for server, port in (*servers, *others):
                await server.start(folder, local=port, remote=self.house.udp, transport=behind)
            remote = self.house.ports["sip" if transport == "u1" else "sip+tcp"]
            await uac.start(folder, local=free_port(), remote=remote, transport=transport)
            await uac.done()
            for server, _ in servers:
                await server.done()
            assert not never or bystander.received("INVITE") == []
        finally:
            for each in (uac, *(server for server, _ in (*servers, *others))):
                await each.end()
