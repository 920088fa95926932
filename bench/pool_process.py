"""tdgate with a pool before a simulated carrier, for what is measured of the whole process rather than beside peers.

Owns a small world of its own: a hundred accounts of one invented institution, each with room for all binds, and a
thousand persons who agreed. So what it costs is what binds, ids and receipts cost; the big lists have a bench of their
own (`suppressions`). Must never measure.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from bench import tdgate_hop, world
from bench.cases import ACCOUNTS, NUMBER, PASSWORD, PERSON_DIGITS, TEXTS, person
from bench.smpp.measure import build, free_port, stop, tree, wait_for

HERE: Final = Path(__file__).resolve().parent
#: Persons 0 to 999: this prefix and three random digits.
PERSONS: Final = 1000
PREFIX: Final = person(0)[:-3]
_START_LIMIT_S: Final = 60.0


def _records() -> dict[str, Any]:
    records = world.records()
    for account in records["accounts"]:
        account |= {"max_binds": 1000, "route": "pool"}
    given = {"institution": world.INSTITUTION, "channels": ["sms"], "given": "2026-01-01", "until": world.UNTIL}
    records["consents"] = [{"recipient": person(n), "source": "虚构", **given} for n in range(PERSONS)]
    return records


class PoolProcess:
    """One tdgate with a pool of one route and `binds` binds, and its carrier, which sends receipts if told to.

    Everything is gone when the block ends. Raises OSError, RuntimeError or CalledProcessError where it does not start.
    """

    def __init__(self, *, binds: int, receipts: bool, command: Sequence[str] | None = None) -> None:
        self.port = free_port()
        self.smppload, self._smscsim = build(HERE / "build")
        self._upstream = free_port()
        self._binds, self._receipts = binds, receipts
        self._command = tuple(command or tdgate_hop.command())
        self._running = ExitStack()
        self._folder = Path()
        self._process: subprocess.Popen[bytes] | None = None
        self._simulator: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> PoolProcess:
        self._folder = Path(tempfile.mkdtemp(prefix="tdgate-bench-"))
        self._running.callback(shutil.rmtree, self._folder, ignore_errors=True)
        try:
            self._prepare()
            self._start_simulator()
            self.start()
        except BaseException:
            self._running.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def _prepare(self) -> None:
        route = f'port = {self._upstream}\nsystem_id = "pool"\npassword = "pw"\nbinds = {self._binds}\n'
        (self._folder / "tdgate.toml").write_text(
            'state = "var"\n'
            f"[[smpp.listeners]]\nport = {self.port}\n"
            f'[smpp.pools.pool]\nroutes = ["one"]\n[smpp.routes.one]\n{route}'
            '[policy]\npack = "cn-open"\n[console]\nenabled = false\n[log]\nlevel = "warning"\n',
            "utf-8",
        )
        registry = self._folder / "registry.json"
        registry.write_text(json.dumps(_records(), ensure_ascii=False), "utf-8")
        subprocess.run(
            [sys.executable, "-m", "proxy", "registry", "import", "--config", self._folder / "tdgate.toml", registry],
            check=True,
            cwd=HERE.parent,
            stdout=subprocess.DEVNULL,
        )

    def _start_simulator(self) -> None:
        options = ["-D"] if self._receipts else []
        with (self._folder / "smscsim.log").open("ab") as said:
            self._simulator = subprocess.Popen(
                [self._smscsim, "-p", str(self._upstream), "-q", *options], stderr=said, start_new_session=True
            )
        self._running.callback(stop, self._simulator)
        if not wait_for(self._upstream, self._simulator, 10):
            raise RuntimeError("the simulated carrier does not listen")

    def start(self, *, wait: bool = True) -> None:
        """Starts tdgate on the state that is there, and waits until it listens unless told not to."""
        with (self._folder / "tdgate.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, "run", "--config", str(self._folder / "tdgate.toml")],
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=HERE.parent,
            )
        self._running.callback(stop, self._process)
        if wait and not wait_for(self.port, self._process, _START_LIMIT_S):
            raise RuntimeError(f"tdgate does not listen: {(self._folder / 'tdgate.log').read_text('utf-8')[-500:]}")

    def kill(self) -> None:
        """Ends tdgate as a crash does."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def load(self, *options: object) -> dict[str, Any]:
        """One run of smppload with these options; its figures. Raises RuntimeError where it did not end well."""
        who = ("-u", "acct%d", "-N", ACCOUNTS, "-x", PASSWORD, "-s", NUMBER, "-T", 0, "-d", PREFIX, "-D", PERSON_DIGITS)
        command = [self.smppload, "-p", self.port, *who, "-f", TEXTS, "-O", 20, *options]
        run = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        if run.returncode:
            raise RuntimeError(f"smppload: {run.stderr.strip() or run.returncode}")
        figures: dict[str, Any] = json.loads(run.stdout)
        if figures["nonzero"]:
            raise RuntimeError(f"{figures['nonzero']} refused, last 0x{figures['last_nonzero']:x}")
        return figures

    def receipts_taken(self) -> int:
        """How many receipts tdgate has acknowledged to its carrier since both started."""
        assert self._simulator is not None
        log = self._folder / "smscsim.log"
        before = log.stat().st_size
        self._simulator.send_signal(signal.SIGUSR1)
        until = time.monotonic() + 5
        while time.monotonic() < until:
            said = log.read_bytes()[before:]
            if said.endswith(b"\n"):
                return int(json.loads(said)["receipts_taken"])
            time.sleep(0.02)
        raise RuntimeError("the simulated carrier does not tell its figures")

    def rss_mb(self) -> float:
        """Resident memory of the process and what it started, VmRSS, in MB (10^6 octets)."""
        assert self._process is not None
        total = 0
        for pid in tree(self._process.pid):
            for line in Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1]) * 1024
        return total / 1e6
