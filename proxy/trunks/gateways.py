"""A carrier's gateways: which one is next, and which ones live.

Owns their state. Must never choose one twice for a call, nor one that did not answer our last OPTIONS. How it works: of
those of the lowest priority number each has credit by its weight, and whoever has most is next (smooth weighted round
robin), so shares are even without chance.
"""

from collections.abc import Container
from typing import Final

from proxy.settings_shape import Tls
from proxy.sip_settings import SipCarrier, SipGateway


class Gateway:
    """One gateway. `carrier` is its carrier's name, or with `of_trunk` that of the trunk which takes calls there; `tls`
    how it is verified. `up` until it is found silent or says 503. `rang` once it has rung or answered since it was last
    asked by OPTIONS. `asked` counts the calls that it was chosen for.
    """

    __slots__ = ("asked", "carrier", "credit", "name", "of_trunk", "rang", "settings", "tls", "up")

    def __init__(self, carrier: str, settings: SipGateway, tls: Tls | None = None, *, of_trunk: bool = False) -> None:
        self.carrier: Final = carrier
        self.settings: Final = settings
        self.tls: Final = tls
        self.of_trunk: Final = of_trunk
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        self.name: Final = f"{host}:{settings.port}"
        self.up = True
        self.rang = False
        self.asked = 0
        self.credit = 0


class Carrier:
    """One carrier with its gateways; with `of_trunk` a trunk, as calls from a carrier reach it."""

    __slots__ = ("gateways", "name", "settings")

    def __init__(self, name: str, settings: SipCarrier, *, of_trunk: bool = False) -> None:
        self.name: Final = name
        self.settings: Final = settings
        self.gateways: Final = tuple(Gateway(name, each, settings.tls, of_trunk=of_trunk) for each in settings.gateways)

    def choose(self, tried: Container[Gateway]) -> Gateway | None:
        """The next one for a call that was tried at these; None where none is left."""
        open_ = [each for each in self.gateways if each.up and each not in tried]
        if not open_:
            return None
        first = min(each.settings.priority for each in open_)
        best: Gateway | None = None
        total = 0
        for each in open_:
            if each.settings.priority == first:
                each.credit += each.settings.weight
                total += each.settings.weight
                if best is None or each.credit > best.credit:
                    best = each
        if best is not None:
            best.credit -= total
            best.asked += 1
        return best
