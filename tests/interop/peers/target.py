"""Where an ESME binds: straight at an SMSC, or at the product in between. Scenarios take one and do not know which."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """Address and credentials of one account."""

    host: str
    port: int
    system_id: str
    password: str
