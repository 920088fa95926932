"""What the desk asks of the rest of the house, as one small protocol.

The desk knows no policy, no store and no evidence. It tells who sent an INVITE and gets a permit, whose octets are a
`sip/judged.JudgedCall`; or nothing, and then the refusal comes through `answer`, at once or when it is on disk. Whoever
answers reserves the call's place before it judges, and `ended` gives it back.
"""

from typing import Final, Protocol

from proxy.core.decision import Permit
from proxy.sip.message import SipRequest
from proxy.sip.reply import Headers
from proxy.sip.uri import Uri


class Refused:
    """A refusal on the wire: status, its phrase, header lines (Reason among them), and by which rule, for the log."""

    __slots__ = ("headers", "phrase", "rule", "status")

    def __init__(self, status: int, phrase: bytes, headers: Headers, rule: str) -> None:
        self.status: Final = status
        self.phrase: Final = phrase
        self.headers: Final = headers
        self.rule: Final = rule


class Permitted:
    """A permit, how long the call may last (seconds, 0: no end), and what the judge wants back at its end."""

    __slots__ = ("longest_s", "permit", "place")

    def __init__(self, permit: Permit, longest_s: float = 0.0, place: object = None) -> None:
        self.permit: Final = permit
        self.longest_s: Final = longest_s
        self.place: Final = place


class Answer(Protocol):
    """Takes a refusal, once."""

    def __call__(self, refused: Refused) -> None: ...


class CallJudge(Protocol):
    """All trunks' way to policy and evidence. Never raises."""

    def judge(self, account: str, request: SipRequest, uri: Uri, answer: Answer) -> Permitted | None:
        """May this account make this call? `uri` is the Request-URI, read. None where not: `answer` is called then."""
        ...

    def put_off(self, account: str, request: SipRequest, uri: Uri, rule: str, answer: Answer) -> None:
        """A refusal for a reason outside the rules (`internal.*`)."""
        ...

    def ended(self, permitted: Permitted, cause: str, *, by: str, answered: bool, seconds: float) -> None:
        """How a permitted call ended: `by` a, b or us; `cause` a word or a status; how long it was answered."""
        ...


class ClosedJudge:
    """Who answers while there is no policy for calls: nobody may call."""

    def judge(self, account: str, request: SipRequest, uri: Uri, answer: Answer) -> Permitted | None:
        self.put_off(account, request, uri, "internal.rule", answer)
        return None

    def put_off(self, account: str, request: SipRequest, uri: Uri, rule: str, answer: Answer) -> None:
        del account, request, uri
        reason = b'Q.850;cause=41;text="%s"' % rule.encode()
        answer(Refused(503, b"Service Unavailable", [("reason", reason)], rule))

    def ended(self, permitted: Permitted, cause: str, *, by: str, answered: bool, seconds: float) -> None:
        raise AssertionError("nothing was permitted")
