"""sippy's b2bua_simple (PyPI, in an environment of its own: see scripts/install-peers): a carrier that is a B2BUA too.

async with Sippy(tmp_path, behind=port_of_the_called_side) as sippy:
    sippy.port
    sippy.messages                      # its own trace of SIP
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.interop.peers.process import ROOT, Peer, free_port
from tests.tools.sipp import bound

PROGRAM = ROOT / "build/sippy/bin/b2bua_simple"


class Sippy(Peer):
    """One b2bua_simple."""

    def __init__(self, folder: Path, *, behind: int) -> None:
        super().__init__("sippy", folder / "sippy")
        self.port = free_port()
        self._behind = behind

    async def __aenter__(self) -> Sippy:
        if not PROGRAM.exists():
            pytest.skip("missing: sippy (scripts/install-peers)")
        here, there = ("-l", "127.0.0.1", "-p", str(self.port)), ("-n", f"127.0.0.1:{self._behind}")
        await self.spawn(PROGRAM, "-f", *here, *there, env={"SIPLOG_BEND": "stderr", "SIPLOG_LVL": "DBUG"})
        async with asyncio.timeout(60):
            while not bound(self.port, "udp"):
                assert self.process is not None
                assert self.process.returncode is None, self.log.read_text()[-3000:]
                # WHY a pause: a port that opens in another process is no event one could wait for.
                await asyncio.sleep(0.02)
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.stop()

    @property
    def messages(self) -> str:
        return self.log.read_text(errors="replace")
