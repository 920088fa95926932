"""Who is who by address: trunks and carriers. Pure but for a bounded memory.

Must never take somebody for another: where two trunks share an address, both stand for it, and only digest can tell
them apart.
"""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from proxy.sip_settings import SipCarrier, SipTrunk

_KEPT: Final = 4096


class Trunk:
    """One trunk; `by_digest` says that it has to prove itself."""

    __slots__ = ("account", "by_digest", "carrier", "name", "networks", "password", "username")

    def __init__(self, name: str, settings: SipTrunk) -> None:
        self.name: Final = name
        self.account: Final = settings.account
        self.carrier: Final = settings.carrier
        self.username: Final = settings.username.encode()
        self.password: Final = settings.password.encode()
        self.by_digest: Final = bool(settings.username)
        self.networks: Final = tuple(ip_network(each) for each in settings.addresses)


class Peer:
    """What one address may be: the trunks that it stands for, the carriers whose gateway is there."""

    __slots__ = ("carriers", "trunks")

    def __init__(self, trunks: tuple[Trunk, ...], carriers: frozenset[str]) -> None:
        self.trunks: Final = trunks
        self.carriers: Final = carriers

    @property
    def stranger(self) -> bool:
        """Whether it is nobody."""
        return not self.trunks and not self.carriers


class Peers:
    """All of them."""

    __slots__ = ("_gateways", "_known", "trunks")

    def __init__(self, trunks: Mapping[str, SipTrunk], carriers: Mapping[str, SipCarrier]) -> None:
        self.trunks: Final = tuple(Trunk(name, each) for name, each in trunks.items())
        gateways: dict[bytes, set[str]] = {}
        for name, carrier in carriers.items():
            for gateway in carrier.gateways:
                gateways.setdefault(ip_address(gateway.host).compressed.encode(), set()).add(name)
        self._gateways = {host: frozenset(names) for host, names in gateways.items()}
        self._known: dict[bytes, Peer] = {}

    def at(self, address: bytes) -> Peer:
        """Whoever may be at this address (without port)."""
        peer = self._known.get(address)
        if peer is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            peer = self._known[address] = self._found(address)
        return peer

    def _found(self, address: bytes) -> Peer:
        try:
            host = ip_address(address.decode())
        except ValueError:
            return Peer((), frozenset())
        mapped = getattr(host, "ipv4_mapped", None)
        host = mapped or host
        trunks = tuple(
            trunk
            for trunk in self.trunks
            if (not trunk.networks and trunk.by_digest) or any(_holds(network, host) for network in trunk.networks)
        )
        return Peer(trunks, self._gateways.get(host.compressed.encode(), frozenset()))


def _holds(network: IPv4Network | IPv6Network, host: object) -> bool:
    return host in network
