"""The hops that stand side by side: haproxy (bare TCP), a node-smpp relay (no policy), and tdgate.

A hop is something that turns ports into a command. It never measures.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import tdgate_hop
from bench.cases import Case

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PEERS = HERE / "smpp" / "peers"
# WHY: Debian keeps servers where a plain user's PATH does not look.
SEARCH_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


@dataclass(frozen=True)
class Ports:
    """Where the hop listens and where it forwards to, all on 127.0.0.1."""

    listen: int
    upstream: int


@dataclass(frozen=True)
class Certificate:
    """PEM files of a self-signed certificate for 127.0.0.1; `both` holds key and certificate."""

    key: Path
    cert: Path
    both: Path


@dataclass(frozen=True)
class Start:
    """How a hop is started. `page`: address of its page, if it has one."""

    command: list[str]
    env: dict[str, str] = field(default_factory=dict)
    page: str | None = None


@dataclass(frozen=True)
class Hop:
    """`start(folder, case, ports, certificate)`; `enforces`: it refuses what the case says is to be refused."""

    name: str
    start: Callable[[Path, Case, Ports, Certificate], Start]
    enforces: bool = False


def _program(name: str) -> str:
    found = shutil.which(name, path=SEARCH_PATH)
    if found is None:
        raise FileNotFoundError(f"{name} is missing: make peers")
    return found


def _haproxy(folder: Path, case: Case, ports: Ports, certificate: Certificate) -> Start:
    env = {"LISTEN_PORT": str(ports.listen), "UPSTREAM_PORT": str(ports.upstream), "PEM": str(certificate.both)}
    config = PEERS / ("haproxy_tls.cfg" if case.tls else "haproxy.cfg")
    return Start([_program("haproxy"), "-f", str(config)], env)


def _node(folder: Path, case: Case, ports: Ports, certificate: Certificate) -> Start:
    env = {"NODE_PATH": str(ROOT / "node_modules")}
    if case.tls:
        env |= {"TLS_KEY": str(certificate.key), "TLS_CERT": str(certificate.cert)}
    if not (ROOT / "node_modules" / "smpp").is_dir():
        raise FileNotFoundError("node-smpp is missing: make peers")
    return Start([_program("node"), str(PEERS / "node_relay.js"), str(ports.listen), str(ports.upstream)], env)


def tdgate(name: str, command: Sequence[str]) -> Hop:
    """A tdgate that `command` starts."""

    def start(folder: Path, case: Case, ports: Ports, certificate: Certificate) -> Start:
        return _tdgate(command, folder, case, ports, certificate)

    return Hop(name, start, enforces=True)


def _tdgate(command: Sequence[str], folder: Path, case: Case, ports: Ports, certificate: Certificate) -> Start:
    made = tdgate_hop.prepare(
        folder,
        case,
        listen_port=ports.listen,
        upstream_port=ports.upstream,
        tls_key=certificate.key if case.tls else None,
        tls_cert=certificate.cert if case.tls else None,
    )
    return Start([*command, *made.arguments], {}, made.page)


HOPS = {
    "haproxy": Hop("haproxy", _haproxy),
    "node-smpp": Hop("node-smpp", _node),
    "tdgate": tdgate("tdgate", tdgate_hop.command()),
    "tdgate-pure": tdgate("tdgate-pure", tdgate_hop.PURE),
}
