"""How tdgate is put into the bench: the one seam between the bench and the product.

Owns its configuration for a run. Never measures and never starts a process. The state directory comes from
`bench.world`; all rules of the product and the evidence are on, and the pack is open all day.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from bench import world
from bench.cases import Case
from bench.smpp.measure import free_port
from proxy.registry.packs import find_config
from proxy.rules.content import CONTENT_RULES

#: What `make fast` installs, and this checkout as it stands.
COMPILED = Path(__file__).resolve().parents[1] / ".venv-fast" / "bin" / "tdgate"
_BASIS = 'basis = "product default"'
PURE = (sys.executable, "-m", "proxy")


def command() -> tuple[str, ...]:
    """The compiled build where there is one, else the pure one."""
    return (str(COMPILED),) if COMPILED.exists() else PURE


@dataclass(frozen=True)
class Prepared:
    """Arguments of tdgate, and the address of the page, if the configuration opens it."""

    arguments: list[str]
    page: str | None = None


def prepare(
    folder: Path,
    case: Case,
    *,
    listen_port: int,
    upstream_port: int,
    tls_key: Path | None,
    tls_cert: Path | None,
) -> Prepared:
    """Writes configuration and state below `folder` and says how to start the product on them.

    Called before every start, which gets a state directory of its own: the evidence of an earlier one is not there.

    Listens on 127.0.0.1:`listen_port` (TLS if a key is given), mirror mode, one carrier at 127.0.0.1:`upstream_port`
    that takes any system_id and password. Registry: `account(0)` to `account(ACCOUNTS - 1)` with PASSWORD, one
    institution whose NUMBER carries marketing, a consent of each `person(n)`, OTHER_SUPPRESSIONS of people who are no
    `person(n)`, and `suppressed_persons(case.suppressed)`. `case.page_per_s` asks for the page on a free port.
    Raises OSError or CalledProcessError if that cannot be done.
    """
    state, config = folder / "var", folder / "tdgate.toml"
    world.put_state(state, case.suppressed)
    page_port = free_port() if case.page_per_s else 0
    lines = [
        f"state = {_quoted(state)}",
        "[[smpp.listeners]]",
        f"port = {listen_port}",
        *(
            ["[smpp.listeners.tls]", f"certificate = {_quoted(tls_cert)}", f"key = {_quoted(tls_key)}"]
            if tls_key
            else []
        ),
        *(
            # WHY this name: it is what the accounts of the world call their route.
            ["[smpp.pools.default]", 'routes = ["one"]', "[smpp.routes.one]", 'system_id = "pool"', "binds = 4"]
            if case.pool
            else ["[smpp.routes.default]"]
        ),
        f"port = {upstream_port}",
        "[policy]",
        f"pack = {_quoted(_pack_of_texts(folder) if case.texts else Path('cn-open'))}",
        "[console]",
        f"enabled = {str(bool(case.page_per_s)).lower()}",
        f"port = {page_port}",
        "[log]",
        'level = "warning"',
    ]
    config.write_text("\n".join(lines) + "\n", "utf-8")
    page = f"http://127.0.0.1:{page_port}/" if case.page_per_s else None
    return Prepared(["run", "--config", str(config)], page)


def _pack_of_texts(folder: Path) -> Path:
    """The open pack, with all rules of texts enforced, and nothing passing that is not on record."""
    lines = [find_config("packs", "cn-open").read_text("utf-8").replace('"cn-open"', '"cn-texts"')]
    lines += ["[content]", 'refusal_in = ["marketing", "collection"]', 'unrecorded = "refuse"', _BASIS]
    for rule in sorted(CONTENT_RULES):
        lines += [f'[rules."{rule}"]', _BASIS]
    pack = folder / "cn-texts.toml"
    pack.write_text("\n".join(lines) + "\n", "utf-8")
    return pack


def _quoted(path: Path | None) -> str:
    """A TOML basic string, which a JSON string without control characters is."""
    return json.dumps(str(path))
