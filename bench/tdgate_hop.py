"""How tdgate is put into the bench: the one seam between the bench and the product.

Owns the preparation of a state directory with a seeded registry and of its configuration. Never measures and never
starts a process. The world to seed stands in `bench.cases`; all rules of the product and the evidence are on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.cases import Case


class HopNotReadyError(RuntimeError):
    """The product cannot be measured yet; the message says why."""


@dataclass(frozen=True)
class Prepared:
    """Arguments of `python -m proxy`, and the address of the page, if the configuration opens it."""

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
    """Writes configuration and registry below `folder` and says how to start the product on them.

    Called before every start; `folder` is the same for all starts of a run with the same `case.suppressed`, and empty
    at the first one: the registry is seeded then and found again later.

    Listens on 127.0.0.1:`listen_port` (TLS if a key is given), mirror mode, one carrier at 127.0.0.1:`upstream_port`
    that takes any system_id and password. Registry: `account(0)` to `account(ACCOUNTS - 1)` with PASSWORD, one
    institution whose NUMBER carries marketing, a consent of each `person(n)`, OTHER_SUPPRESSIONS of people who are no
    `person(n)`, and `suppressed_persons(case.suppressed)`. `case.page_per_s` asks for the page on a free port.
    Raises HopNotReadyError if that cannot be done.
    """
    raise HopNotReadyError("bench/tdgate_hop.py: prepare() is to be written once the product runs")
