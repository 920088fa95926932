"""A house with its window open, and tokens made by the command: for tests of the HTTP interface."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.tools.raw_http import HttpAnswer, ask
from tests.wire.house import House

#: Every hour of the day is open, and every setting of the interface is small.
OPEN: dict[str, Any] = {"policy": {"pack": "cn-open", "packs": []}, "console": {"enabled": True, "port": 0}}


class ApiHouse(House):
    """`ask` with the name of a token that `token` made."""

    tokens: dict[str, str]

    async def open(self, **configuration: Any) -> ApiHouse:
        """Starts, and waits for the window."""
        await self.start(**{**OPEN, **configuration})
        self.tokens = getattr(self, "tokens", {})
        await self.until(lambda: self.console)
        return self

    @property
    def http_port(self) -> int:
        return int(self.console.rstrip("/").rpartition(":")[2])

    async def token(self, name: str, institution: str, *scopes: str, until: str = "2099-12-31") -> dict[str, Any]:
        """Makes a token by the command; what it told."""
        code, out, err = await self.command(
            *("token", "create", "--institution", institution, "--scopes", ",".join(scopes)),
            *("--until", until, "--by", "管理员（虚构）", "--label", name, "--json"),
        )
        assert code == 0, err
        made: dict[str, Any] = json.loads(out)
        self.tokens[name] = made["token"]
        return made

    async def ask(self, name: str, method: str, path: str, body: Any = None, **more: Any) -> HttpAnswer:
        return await ask(self.http_port, method, path, token=self.tokens.get(name, ""), body=body, **more)

    async def kill_all(self) -> None:
        """Kills the proxy and waits until its window has noticed."""
        port = self.http_port
        await self.kill()
        for _ in range(400):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return
            writer.close()
            await asyncio.sleep(0.05)
        raise AssertionError("the window outlives its proxy")
