"""The real product in the demonstration: its state folder, its process, its addresses, its evidence.

Owns one `tdgate run` as a child process. Must never reach into it: what it knows comes from its standard output, its
log and its evidence, as anybody could read them.
"""

import asyncio
import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

from proxy.evidence.keys import load_signing_key, public_pem
from proxy.evidence.layout import LayoutError
from proxy.evidence.read import entries
from proxy.evidence.records import Decision
from simulators.demo_world import CALLING, passwords, registry_for

_START_S: Final = 60.0
_STOP_S: Final = 20.0
_EVIDENCE_S: Final = 10.0
_LOG_TAIL: Final = 5
_PR_SET_PDEATHSIG: Final = 1
CONFIG: Final = """\
# The demonstration's. Ports are free ones; the pack is open all day, but for one institution's.
state = "state"

[[smpp.listeners]]
port = 0

[smpp.routes.default]
port = {carrier}

[policy]
pack = "cn-open"

[console]
port = 0

[log]
level = "warning"
"""
#: One for each of the calling accounts: all are at one address, and known by their passwords.
TRUNK: Final = """
[sip.trunks.{account}]
account = "{account}"
addresses = ["127.0.0.1/32"]
username = "{account}"
password = "{password}"
"""
CALLS: Final = """
[[sip.listeners]]
port = 0

[sip.carriers.default]
gateways = [{{ port = {gateway} }}]
options_s = 5.0
keys_by = "info"
"""


class HouseError(Exception):
    """The product did not do what the demonstration needs; the text says what, with the end of its log."""


def _ends_with(parent: int) -> Callable[[], None] | None:
    """What a child does before it begins, so that it ends in order when its parent is killed; None where none can."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # WHY here: after the fork nothing may be loaded any more

    def before() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return before


class House:
    """One running tdgate in `folder`, towards a carrier on 127.0.0.1; with a gateway's port it takes calls too."""

    def __init__(self, folder: Path, carrier_port: int, gateway_port: int = 0) -> None:
        self.folder = folder
        self.port = 0
        self.calls_port = 0
        self._gateway_port = gateway_port
        self.page = ""
        self._carrier_port = carrier_port
        self._config = folder / "tdgate.toml"
        self._log = folder / "tdgate.log"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def evidence(self) -> Path:
        """The directory of the evidence log."""
        return self.folder / "state" / "evidence"

    async def start(self) -> None:
        """Imports the registry and starts; returns when senders can bind and the page can be opened. HouseError."""
        config = CONFIG.format(carrier=self._carrier_port)
        if self._gateway_port:
            config += CALLS.format(gateway=self._gateway_port)
            config += "".join(TRUNK.format(account=each, password=passwords()[each]) for each in CALLING)
        self._config.write_text(config, "utf-8")
        registry = self.folder / "registry.json"
        registry.write_text(json.dumps(registry_for(date.today()), ensure_ascii=False, indent=1), "utf-8")  # noqa: DTZ011
        imported = await self.run("registry", "import", "--config", str(self._config), str(registry))
        if imported[0]:
            raise HouseError(f"the registry was not imported: {imported[1]}")
        with self._log.open("ab") as log:
            # WHY its own session: Ctrl-C is for the demonstration, which then ends it in order.
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "proxy", "run", "--config", str(self._config)),
                stdin=subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                preexec_fn=_ends_with(os.getpid()),
            )
        try:
            async with asyncio.timeout(_START_S):
                await self._listens()
        except TimeoutError as late:
            raise HouseError(f"tdgate does not listen after {_START_S:g} s{self._tail()}") from late

    async def _listens(self) -> None:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        while not (self.port and self.page and (self.calls_port or not self._gateway_port)):
            line = (await process.stdout.readline()).decode()
            if not line:
                raise HouseError(f"tdgate ended{self._tail()}")
            if line.startswith("listening smpp "):
                self.port = int(line.rpartition(":")[2])
            elif line.startswith("listening sip "):
                self.calls_port = int(line.rpartition(":")[2])
            elif line.startswith("console: "):
                self.page = line.removeprefix("console: ").strip()

    def _tail(self) -> str:
        lines = self._log.read_text("utf-8", "replace").splitlines()[-_LOG_TAIL:] if self._log.exists() else []
        return "".join(f"\n  {line}" for line in lines)

    async def run(self, *arguments: str) -> tuple[int, str]:
        """One tdgate command beside it: exit code and what it wrote."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "proxy", *arguments),
            stdin=subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        return process.returncode or 0, out.decode("utf-8", "replace").strip()

    async def decisions(self, count: int) -> list[Decision]:
        """All decisions of the evidence log, in order, as soon as there are `count`, or what there is in the end."""
        found: list[Decision] = []
        end = asyncio.get_running_loop().time() + _EVIDENCE_S
        while asyncio.get_running_loop().time() < end:
            try:
                found = [one for entry in entries(self.evidence) if isinstance(one := entry.record, Decision)]
            except LayoutError:
                found = []
            if len(found) >= count:
                break
            await asyncio.sleep(0.05)
        return found

    async def verify(self) -> tuple[bool, str]:
        """Whether `tdgate evidence verify` finds the log whole; its last line."""
        key = self.folder / "evidence.pub.pem"
        signing = load_signing_key(self.folder / "state" / "keys" / "evidence.pem")
        key.write_bytes(public_pem(signing.public_key()))
        code, said = await self.run("evidence", "verify", "--json", "--key", str(key), str(self.evidence))
        return code == 0, said

    async def stop(self) -> int | None:
        """SIGTERM, and waits for its end; the exit code, None where it had to be killed or never ran."""
        process = self._process
        if process is None:
            return None
        if process.returncode is not None:
            return process.returncode
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_S):
                await process.communicate()
        except TimeoutError:
            process.kill()
            await process.communicate()
            return None
        return process.returncode
