"""What the shell of the calls asks of the rest of the house, as one small protocol.

The shell knows no policy, no store and no evidence. `CallQuestion` is what is asked: the INVITE as it was read, who sent
it, and what was counted of him; the answer is a permit whose octets are a `sip/judged.JudgedCall`, or a refusal.
"""

from typing import Final, Protocol

from proxy.core.decision import Permit, Refusal
from proxy.sip.message import SipRequest
from proxy.sip.reply import Headers
from proxy.sip.uri import Uri


class CallQuestion:
    """`account` is the registry's id of who the trunk belongs to; `trusted` says that its P-Asserted-Identity counts.

    `uri` is the Request-URI, read: its user is who is called. `source` is the address without port; `over_rate` says
    that the trunk asks more often than it may, `over_calls` that it holds as many calls as it may.
    """

    __slots__ = ("account", "over_calls", "over_rate", "request", "source", "trunk", "trusted", "uri")

    def __init__(
        self,
        trunk: str,
        account: str,
        trusted: bool,
        request: SipRequest,
        uri: Uri,
        source: bytes,
        over_rate: bool = False,
        over_calls: bool = False,
    ) -> None:
        self.trunk: Final = trunk
        self.account: Final = account
        self.trusted: Final = trusted
        self.request: Final = request
        self.uri: Final = uri
        self.source: Final = source
        self.over_rate: Final = over_rate
        self.over_calls: Final = over_calls


class RefusedAs:
    """A refusal on the wire: status and header lines (Reason among them)."""

    __slots__ = ("headers", "status")

    def __init__(self, status: int, headers: Headers) -> None:
        self.status: Final = status
        self.headers: Final = headers


class CallJudge(Protocol):
    """All trunks' way to policy and evidence. Never raises."""

    def judge(self, question: CallQuestion) -> Permit | Refusal:
        """May this call be made? Recorded in the evidence before it returns."""
        ...

    def refused_as(self, refusal: Refusal) -> RefusedAs:
        """What leg A is told."""
        ...

    def ended(self, decision_id: int, answered: bool, by: str, cause: str) -> None:
        """How a permitted call ended: `by` a, b or us; `cause` a word or a status."""
        ...
