"""One call that goes on, in either direction: which gateways were tried, and how it stands.

Owns that state for as long as the call lives. Must never decide where it goes next: that is the desk's. `first` is the
only thing that writes the INVITE of leg B: `Outbound` towards a carrier, which was made of a permit, or `Inward`
towards a trunk.
"""

from typing import Final, Protocol

from proxy.sip.call_events import CallControl, EndedBy
from proxy.sip.carried import NOTHING, Carried
from proxy.sip.hop import Hop
from proxy.sip.message import SipRequest
from proxy.sip.reply import Headers
from proxy.sip.share import Share
from proxy.sip.timers import Timer
from proxy.sip_settings import SipCarrier
from proxy.trunks.gateways import Carrier, Gateway
from proxy.trunks.judge import Followed
from proxy.trunks.outbound import HeaderRules
from proxy.trunks.peers import Trunk
from proxy.trunks.refusing import Declined
from proxy.trunks.way import Way


class FirstInvite(Protocol):
    """Who writes the INVITE of leg B, anew for each try; see `Outbound.invite`."""

    def invite(
        self,
        gateway: Gateway,
        carrier: SipCarrier,
        rules: HeaderRules,
        hop: Hop,
        via: bytes,
        identity_host: bytes,
        allow: bytes,
        call_id: bytes,
        tag: bytes,
        number: int,
        credentials: tuple[str, bytes] | None = None,
    ) -> SipRequest: ...


class Attempt:
    """One call. `carrier` is the group of gateways that it goes to: a carrier's, or of a call from a carrier (`inward`)
    the trunk's.
    """

    __slots__ = (
        "answered_at",
        "asked",
        "by",
        "call",
        "call_id",
        "carrier",
        "cause",
        "challenged",
        "declined",
        "first",
        "followed",
        "gateway",
        "inward",
        "longest",
        "number",
        "rules",
        "share",
        "status",
        "tag",
        "tried",
        "trunk",
        "way",
    )

    def __init__(
        self,
        call: CallControl,
        trunk: Trunk,
        carrier: Carrier,
        rules: HeaderRules,
        first: FirstInvite,
        followed: Followed,
        *,
        inward: bool = False,
    ) -> None:
        self.call: Final = call
        self.trunk: Final = trunk
        self.carrier: Final = carrier
        self.rules: Final = rules
        self.first: Final = first
        self.followed: Final = followed
        self.inward: Final = inward
        #: Whose calls it is counted among; None before it is.
        self.share: Share | None = None
        #: The INVITE of leg A, where a 3xx may have it asked about once more.
        self.asked: SipRequest | None = None
        self.longest: Timer | None = None
        self.tried: list[Gateway] = []
        self.gateway: Gateway | None = None
        self.way: Way | None = None
        self.call_id = b""
        self.tag = b""
        self.number = 1
        self.challenged = False
        self.answered_at: float | None = None
        #: The final response that leg A was given by us, and whose it was.
        self.status = 0
        self.by: EndedBy = "us"
        #: The rule for which it was not brought to a further gateway; empty for none.
        self.cause = ""
        #: A 607 that is on its way to disk.
        self.declined: Declined | None = None

    def refuse(
        self, status: int, headers: Headers, now: float, carried: Carried = NOTHING, reason: bytes | None = None
    ) -> None:
        """The end of a call that was not answered."""
        self.status = status
        self.call.refuse(status, headers, now, carried, reason)

    def expired(self, name: str, now: float) -> None:
        """It has lasted as long as it may."""
        self.call.end([("reason", b'Q.850;cause=16;text="duration"')], now, name)
