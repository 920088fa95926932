"""How a leg reaches its peer, and how we appear to it: flow, Via, Contact."""

from typing import Final

from proxy.sip.flow import Flow


class Hop:
    """One way to a peer. `contact` is the URI at which we want to be asked, without brackets; `host` and `port` are
    ours.
    """

    __slots__ = ("_via_end", "_via_start", "contact", "flow")

    def __init__(self, flow: Flow, transport: bytes, host: bytes, port: int, contact: bytes) -> None:
        self.flow: Final = flow
        self.contact: Final = b"<" + contact + b">"
        self._via_start: Final = b"SIP/2.0/" + transport + b" " + host + (b":%d" % port if port else b"") + b";branch="
        # WHY no rport on streams: the connection itself is the way back.
        self._via_end: Final = b"" if flow.reliable else b";rport"

    def via(self, branch: bytes) -> bytes:
        """The value of Via for a request of ours."""
        return self._via_start + branch + self._via_end
