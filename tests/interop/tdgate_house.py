"""tdgate between real peers: the wire tests' House with a carrier that is not its own scripted one.

Adds to it: a fixed carrier port (a tap), a pack that is open all day (but for 澜海银行, invented, always closed), and a
listening port that later starts keep, so that peers find tdgate again.

    async with House(template, tmp_path, carrier_port=tap.port) as house:
        await house.open()                  # further keys of [smpp] and of the route may be given
        ...house.port
"""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path
from typing import Any

from proxy.evidence.records import EFFECT_NAMES
from tests.wire import house as wire

PACK = """
[pack]
id = "interop"
version = 1
region = "CN"
source = "for tests only"
effective = "2026-01-01"

[[hours]]
purposes = ["marketing", "collection"]
channels = ["sms", "voice"]
opens = "00:00"
closes = "24:00"
basis = "for tests only: open all day"

[[institution_hours]]
institution = "lanhai"
opens = "00:00"
closes = "00:00"
basis = "for tests only: always closed"

[validity]
cap_s = 86400
basis = "product default"

[collection_refusal]
closes_channel = true
basis = "product default"
"""


class House(wire.House):
    """One tdgate and its state folder. Entered, it is not started yet: see `open`."""

    def __init__(self, template: Path, folder: Path, *, carrier_port: int) -> None:
        super().__init__(template, folder / "house")
        self._carrier_port = carrier_port

    async def open(self, *, smpp: wire.Table | None = None, route: wire.Table | None = None) -> House:
        """Starts it, again on the port it had before. Returns when it listens."""
        self.folder.mkdir(parents=True, exist_ok=True)
        pack = self.folder / "pack.toml"
        pack.write_text(PACK, encoding="utf-8")
        await self.start(
            smpp={"listeners": [{"port": self.port}], "drain_s": 3.0, **(smpp or {})},
            route={"port": self._carrier_port, **(route or {})},
            policy={"pack": str(pack)},
        )
        return self

    async def drain(self) -> None:
        """SIGTERM; returns when it has drained and ended in order."""
        self.send_signal(signal.SIGTERM)
        assert await self.exit_code() == 0

    def by_rule(self) -> Counter[tuple[str, str]]:
        """How many decisions of each (effect, rule) the evidence holds; the rule of an allow is ""."""
        return Counter((EFFECT_NAMES[one.effect], one.rule) for one in self.decisions())

    def told(self, event: str, **fields: Any) -> int:
        """How many lines of its log have this event."""
        return len(self.logged(event, **fields))
