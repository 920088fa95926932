"""Who is who by address: trunks and carriers. Pure but for a bounded memory.

Must never take somebody for another: where two trunks share an address, both stand for it, and only digest can tell
them apart.
"""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from proxy.sip_settings import SipCarrier, SipGateway, SipTrunk

_KEPT: Final = 4096
_NOBODY: Final[frozenset[str]] = frozenset()


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
    """What one address may be: the trunks that may call from there, the carriers whose gateway is there, and the names
    of the trunks that surely stand there: by a network of theirs, or since they take calls there.
    """

    __slots__ = ("carriers", "sure", "trunks")

    def __init__(self, trunks: tuple[Trunk, ...], carriers: frozenset[str], takers: frozenset[str]) -> None:
        self.trunks: Final = trunks
        self.carriers: Final = carriers
        # WHY not without networks: digest alone says nothing of an address.
        self.sure: Final = takers.union(each.name for each in trunks if each.networks)

    @property
    def stranger(self) -> bool:
        """Whether it is nobody."""
        return not self.trunks and not self.carriers and not self.sure

    def shares(self, other: "Peer") -> bool:
        """Whether both are gateways of one carrier, or addresses of one trunk; where this one is both, both have to be
        shared.
        """
        carrier = not self.carriers.isdisjoint(other.carriers)
        trunk = not self.sure.isdisjoint(other.sure)
        return (carrier or not self.carriers) and (trunk or not self.sure) and (carrier or trunk)


class Peers:
    """All of them."""

    __slots__ = ("_gateways", "_known", "_takers", "trunks")

    def __init__(self, trunks: Mapping[str, SipTrunk], carriers: Mapping[str, SipCarrier]) -> None:
        self.trunks: Final = tuple(Trunk(name, each) for name, each in trunks.items())
        self._gateways: Final = _by_host({name: each.gateways for name, each in carriers.items()})
        self._takers: Final = _by_host({name: each.gateways for name, each in trunks.items()})
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
            return Peer((), _NOBODY, _NOBODY)
        mapped = getattr(host, "ipv4_mapped", None)
        host = mapped or host
        trunks = tuple(
            trunk
            for trunk in self.trunks
            if (not trunk.networks and trunk.by_digest) or any(_holds(network, host) for network in trunk.networks)
        )
        written = host.compressed.encode()
        return Peer(trunks, self._gateways.get(written, _NOBODY), self._takers.get(written, _NOBODY))


def _by_host(groups: Mapping[str, list[SipGateway]]) -> dict[bytes, frozenset[str]]:
    """Whose gateways are at a host, by their names."""
    found: dict[bytes, set[str]] = {}
    for name, gateways in groups.items():
        for gateway in gateways:
            found.setdefault(ip_address(gateway.host).compressed.encode(), set()).add(name)
    return {host: frozenset(names) for host, names in found.items()}


def _holds(network: IPv4Network | IPv6Network, host: object) -> bool:
    return host in network
