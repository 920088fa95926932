"""Who is who by address and certificate: trunks and carriers. Pure but for a bounded memory.

Must never take somebody for another: where two trunks share an address, both stand for it, and only digest can tell
them apart. A trunk with certificates is it on connections that have shown one, and on no other.
"""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from proxy.sip.flow import Flow
from proxy.sip_settings import SipCarrier, SipGateway, SipTrunk
from proxy.trunks.certificate import normal_identity
from proxy.trunks.way import way_of

_KEPT: Final = 4096
_NOBODY: Final[frozenset[str]] = frozenset()


class Trunk:
    """One trunk; `by_digest` says that it has to prove itself, `placed` that where it calls from says who it is."""

    __slots__ = (
        *("account", "by_digest", "carrier", "certificates", "name", "networks", "password", "placed", "username"),
    )

    def __init__(self, name: str, settings: SipTrunk) -> None:
        self.name: Final = name
        self.account: Final = settings.account
        self.carrier: Final = settings.carrier
        self.username: Final = settings.username.encode()
        self.password: Final = settings.password.encode()
        self.by_digest: Final = bool(settings.username)
        self.networks: Final = tuple(ip_network(each) for each in settings.addresses)
        self.certificates: Final = frozenset(normal_identity(each) for each in settings.certificates)
        self.placed: Final = bool(self.networks or self.certificates)

    def fits(self, host: object, identities: frozenset[str]) -> bool:
        """Whether this may be it: at this address, with these identities of its certificate."""
        if self.networks and not any(_holds(network, host) for network in self.networks):
            return False
        if self.certificates:
            return not self.certificates.isdisjoint(identities)
        return bool(self.networks) or self.by_digest


class Peer:
    """What one address may be: the trunks that may call from there, the carriers whose gateway is there, and the names
    of the trunks that surely stand there: by a network or certificate of theirs, or since they take calls there.
    `holder` is under whose name it is counted, empty for all who are not surely anybody.
    """

    __slots__ = ("carriers", "holder", "sure", "trunks")

    def __init__(self, trunks: tuple[Trunk, ...], carriers: frozenset[str], takers: frozenset[str]) -> None:
        self.trunks: Final = trunks
        self.carriers: Final = carriers
        # WHY not by digest alone: it says nothing of an address.
        self.sure: Final = takers.union(each.name for each in trunks if each.placed)
        self.holder: Final = holder_of(min(self.sure, default=""), min(carriers, default=""))

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


def holder_of(trunk: str, carrier: str) -> str:
    """The name under which a trunk, or else a carrier, is counted: both may bear the same one."""
    return trunk or (carrier and f"carrier {carrier}")


class Peers:
    """All of them."""

    __slots__ = ("_gateways", "_known", "_shown", "_takers", "trunks")

    def __init__(self, trunks: Mapping[str, SipTrunk], carriers: Mapping[str, SipCarrier]) -> None:
        self.trunks: Final = tuple(Trunk(name, each) for name, each in trunks.items())
        self._gateways: Final = _by_host({name: each.gateways for name, each in carriers.items()})
        self._takers: Final = _by_host({name: each.gateways for name, each in trunks.items()})
        self._known: dict[bytes, Peer] = {}
        self._shown: dict[tuple[bytes, frozenset[str]], Peer] = {}

    def of(self, flow: Flow) -> Peer:
        """Whoever may be at the other end."""
        identities = way_of(flow).identities
        return self.shown(flow.peer, identities) if identities else self.at(flow.peer)

    def at(self, address: bytes) -> Peer:
        """Whoever may be at this address (without port), where no certificate was shown."""
        peer = self._known.get(address)
        if peer is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            peer = self._known[address] = self._found(address, _NOBODY)
        return peer

    def shown(self, address: bytes, identities: frozenset[str]) -> Peer:
        """Whoever may be at this address and has shown a certificate of these identities."""
        key = (address, identities)
        peer = self._shown.get(key)
        if peer is None:
            if len(self._shown) >= _KEPT:
                self._shown.clear()
            peer = self._shown[key] = self._found(address, identities)
        return peer

    def _found(self, address: bytes, identities: frozenset[str]) -> Peer:
        try:
            host = ip_address(address.decode())
        except ValueError:
            return Peer((), _NOBODY, _NOBODY)
        mapped = getattr(host, "ipv4_mapped", None)
        host = mapped or host
        trunks = tuple(each for each in self.trunks if each.fits(host, identities))
        # WHY only those, where there are any: who shows a certificate of one trunk is not another at that address.
        trunks = tuple(each for each in trunks if each.certificates) or trunks
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
