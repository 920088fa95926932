"""What the shell of the calls asks of the rest of the house, as one small protocol.

The shell knows no policy, no store and no evidence. It tells who sent an INVITE and gets a permit, whose octets say who
calls whom, or the refusal as leg A is to be told it. Whoever answers reserves the call's place before it judges, and
`ended` gives it back.
"""

from typing import Final, Protocol

from proxy.core.decision import Permit
from proxy.sip.message import SipRequest
from proxy.sip.reply import Headers
from proxy.sip.uri import Uri


class Refused:
    """A refusal on the wire: status, header lines (Reason among them), and by which rule, for the log."""

    __slots__ = ("headers", "rule", "status")

    def __init__(self, status: int, headers: Headers, rule: str) -> None:
        self.status: Final = status
        self.headers: Final = headers
        self.rule: Final = rule


class Permitted:
    """A permit, and how long the call may last (seconds, 0: no end)."""

    __slots__ = ("longest_s", "permit")

    def __init__(self, permit: Permit, longest_s: float = 0.0) -> None:
        self.permit: Final = permit
        self.longest_s: Final = longest_s


class CallJudge(Protocol):
    """All trunks' way to policy and evidence. Never raises."""

    def judge(self, account: str, request: SipRequest, uri: Uri, source: bytes) -> Permitted | Refused:
        """May this account make this call? `uri` is the Request-URI, read; `source` the address it came from."""
        ...

    def ended(self, decision_id: int, cause: str, *, by: str, answered: bool, seconds: float) -> None:
        """How a permitted call ended: `by` a, b or us; `cause` a word or a status; how long it was answered."""
        ...


class ClosedJudge:
    """Who answers while there is no policy for calls: nobody may call."""

    def judge(self, account: str, request: SipRequest, uri: Uri, source: bytes) -> Permitted | Refused:
        del account, request, uri, source
        return Refused(503, [("reason", b'Q.850;cause=41;text="internal.rule"')], "internal.rule")

    def ended(self, decision_id: int, cause: str, *, by: str, answered: bool, seconds: float) -> None:
        raise AssertionError("nothing was permitted")
