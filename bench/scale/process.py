"""One tdgate on a world of `bench.scale.world`, with its carrier: started, asked, looked at, ended.

Owns the processes. Must never measure more than what /proc and the status file tell.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import msgspec

from bench import tdgate_hop
from bench.scale import world
from bench.smpp.measure import build, free_port, stop, wait_for
from proxy.commands.registry_access import StoreAccess
from proxy.control import call
from proxy.settings import load
from proxy.telemetry.loop_watch import Pause
from proxy.telemetry.status import decode_status, status_path

ROOT: Final = Path(__file__).resolve().parents[2]
BUILD: Final = ROOT / "bench" / "build"


def kept_world(size: world.Size, *, fresh: bool) -> Path:
    """The folder of a world of this size, made where it is missing; `fresh` makes it anew."""
    BUILD.mkdir(parents=True, exist_ok=True)
    folder = BUILD / world.name_of(size)
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    if not folder.is_dir():
        making = BUILD / f"making-{os.getpid()}-{folder.name}"
        try:
            world.make(making, size)
            making.rename(folder)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return folder


class ScaleProcess:
    """tdgate on a copy of a kept world. Everything is gone when the block ends. Raises OSError or RuntimeError."""

    def __init__(self, kept: Path, folder: Path, command: Sequence[str] | None = None) -> None:
        self.command = tuple(command or tdgate_hop.command())
        self.port = free_port()
        self.smppload, self._smscsim = build(BUILD)
        self._upstream = free_port()
        self.folder = folder
        self._running = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        shutil.copytree(kept / "var", folder / "var")
        shutil.copy2(kept / "scale.toml", folder / "scale.toml")
        self.config = folder / "tdgate.toml"
        self.config.write_text(
            world.configuration(folder / "var", self.port, self._upstream, folder / "scale.toml"), "utf-8"
        )
        self.access = StoreAccess(load(self.config))

    def __enter__(self) -> ScaleProcess:
        simulator = subprocess.Popen([self._smscsim, "-p", str(self._upstream), "-q"], start_new_session=True)
        self._running.callback(stop, simulator)
        if not wait_for(self._upstream, simulator, 10):
            self._running.close()
            raise RuntimeError("the simulated carrier does not listen")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def start(self) -> None:
        """Starts the process and returns at once."""
        with (self.folder / "tdgate.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self.command, "run", "--config", str(self.config)],
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=ROOT,
            )
        self._running.callback(stop, self._process)

    def end(self) -> None:
        """Ends it in order."""
        if self._process is not None:
            stop(self._process)

    @property
    def pid(self) -> int:
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"tdgate does not run: {(self.folder / 'tdgate.log').read_text('utf-8')[-500:]}")
        return self._process.pid

    def cpu_s(self) -> float:
        """User and system time of the process until now."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("ascii", "replace").rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> dict[str, float]:
        """VmRSS, its peak VmHWM, and the anonymous part of it RssAnon, in MB (10^6 octets); mapped files count."""
        found = {}
        for line in Path(f"/proc/{self.pid}/status").read_text("ascii", "replace").splitlines():
            name, _, value = line.partition(":")
            if name in ("VmRSS", "VmHWM", "RssAnon"):
                found[name] = int(value.split()[0]) * 1024 / 1e6
        return found

    def pause(self) -> tuple[int, Pause]:
        """When the status was written (µs), and the longest pause before it; nothing yet: 0."""
        try:
            found = decode_status(status_path(self.folder / "var").read_bytes())
        except OSError:
            return 0, Pause()
        return found.at_us, found.pause

    def ask(self, verb: str, **args: Any) -> dict[str, Any]:
        """One request over the control socket; raises ControlError."""
        return call(self.folder / "var" / "control.sock", verb, args)

    def stage(self, name: str, sections: dict[str, Any]) -> Path:
        """A registry file of these sections, for `tdgate registry import`."""
        path = self.folder / name
        path.write_bytes(msgspec.json.encode(sections))
        return path

    def command_line(self, *arguments: str) -> list[str]:
        """A command of tdgate on this configuration, by this interpreter: what an operator runs beside the process."""
        return [sys.executable, "-m", "proxy", *arguments, "--config", str(self.config)]


def wait_until(deadline: float, what: str) -> None:
    """Raises RuntimeError after a monotonic moment; else takes a breath."""
    if time.monotonic() > deadline:
        raise RuntimeError(f"{what}: waited in vain")
    time.sleep(0.001)
