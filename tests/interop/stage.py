"""A stage for calls: the real tdgate, and SIPp at both ends of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.interop.callers import CallHouse
from tests.tools.sipp import Scenario, free_port


@dataclass
class Stage:
    """`play` runs one call; what each side saw is kept below `folder`, a folder for each play."""

    house: CallHouse
    folder: Path
    played: int = 0

    async def play(
        self,
        uac: Sequence[str],
        *uas: tuple[Sequence[str], int],
        host: str = "127.0.0.1",
        to: tuple[str, int] | None = None,
    ) -> None:
        """The calling side from `host`, the called ones at their ports; returns when all have gone as written."""
        self.played += 1
        folder = self.folder / str(self.played)
        folder.mkdir()
        servers = [(Scenario(f"uas{place}", steps), port) for place, (steps, port) in enumerate(uas, 1)]
        remote_host, remote = to or ("127.0.0.1", self.house.sip)
        caller = Scenario("uac", uac, host=host, remote_host=remote_host)
        try:
            for server, port in servers:
                await server.start(folder, local=port, remote=self.house.sip)
            await caller.start(folder, local=free_port(), remote=remote)
            await caller.done()
            for server, _ in servers:
                await server.done()
        finally:
            for each in (caller, *(server for server, _ in servers)):
                await each.end()
