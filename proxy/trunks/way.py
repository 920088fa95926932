"""One way of octets to one peer, whatever carries them: an address on a UDP socket, or a connection.

Owns what both have in common for who sends: `send`, and the `Hop` under which we appear there. A `sip/flow.Flow` bears
its way as its key.
"""

from typing import Final

from proxy.sip.flow import Flow
from proxy.sip.hop import Hop

_NONE: Final[frozenset[str]] = frozenset()


class Local:
    """How we appear on one listener: `host` (IPv6 in brackets) and `port` that peers are told; `transport` in upper
    case.
    """

    __slots__ = ("contact", "host", "port", "transport")

    def __init__(self, transport: bytes, host: str, port: int) -> None:
        self.transport: Final = transport
        self.host: Final = (f"[{host}]" if ":" in host else host).encode()
        self.port: Final = port
        via = b"" if transport == b"UDP" else b";transport=" + transport.lower()
        self.contact: Final = b"sip:tdgate@%s:%d" % (self.host, port) + via


class Way:
    """Where octets go. `peer` is the address without port, `local` how we appear there; `identities` those of the
    certificate that the peer of a connection which came has shown.
    """

    __slots__ = ("__weakref__", "flow", "hop", "identities", "local", "port")

    def __init__(self, local: Local, peer: str, port: int, *, reliable: bool) -> None:
        self.local: Final = local
        self.port = port
        self.identities: frozenset[str] = _NONE
        self.flow = Flow(self, peer.encode(), reliable)
        self.hop = Hop(self.flow, local.transport, local.host, local.port, local.contact)

    def found_at(self, peer: str, port: int) -> None:
        """Where the peer is, of a connection that came. INVARIANT: before anything was sent or received."""
        self.port = port
        self.flow = Flow(self, peer.encode(), True)
        self.hop = Hop(self.flow, self.local.transport, self.local.host, self.local.port, self.local.contact)

    def send(self, octets: bytes) -> bool:
        """Send one message; False where this way leads nowhere any more."""
        raise NotImplementedError


def way_of(flow: Flow) -> Way:
    """The way that a flow bears. INVARIANT: the shell makes flows of ways only."""
    way = flow.key
    if not isinstance(way, Way):
        raise TypeError("a flow without a way")
    return way
