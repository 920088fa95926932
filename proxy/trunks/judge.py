"""What the desk asks of the rest of the house, as one small protocol.

The desk knows no policy, no store and no evidence. It tells who sent an INVITE and gets a permit, whose octets are a
`sip/judged.JudgedCall`; or nothing, and then the refusal comes through `answer`, at once or when it is on disk. Whoever
answers reserves the call's place before it judges; `Permitted.ended` gives it back.
"""

from collections.abc import Callable, Container
from typing import Final, Protocol

from proxy.core.decision import Permit
from proxy.sip.call_events import EndedBy, Side
from proxy.sip.message import SipMessage, SipRequest, SipResponse
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


#: Called once when a person's refusal is on disk (True) or could not be put there (False).
Committed = Callable[[bool], None]


class Listening:
    """Who hears a person refuse in a call, also in one that is over. This one hears nothing; times are monotonic
    seconds.

    Where a method gives True, it was a refusal: it binds by then, and `committed` is called when it is on disk or could
    not be put there. Whoever gave it is answered then and not before.
    """

    __slots__ = ()

    def info(self, request: SipRequest, side: Side, now: float, committed: Committed) -> bool:
        """An INFO inside the call."""
        del request, side, now, committed
        return False

    def pressed(self, key: str, side: Side, now: float, seen: str, committed: Committed) -> bool:
        """A key that a media relay reports; `seen` tells apart where it was seen."""
        del key, side, now, seen, committed
        return False

    def unwanted(self, message: SipMessage, side: Side, committed: Committed) -> bool:
        """A 607 to the INVITE, or a BYE with one as its reason."""
        del message, side, committed
        return False

    def again(self, committed: Committed) -> bool:
        """Once more the refusal that could not be put on disk. False where it is there by now."""
        del committed
        return False

    def leaving(self) -> Headers | None:
        """The Reason with which the call is released for a refusal in it; None: it goes on."""
        return None


class Followed(Listening):
    """A call that goes on, as its judge follows it. `longest_s` is how long it may last, 0: no end.

    This one follows nothing.
    """

    def __init__(self, longest_s: float = 0.0) -> None:
        self.longest_s: Final = longest_s

    def tried(self, carrier: str) -> None:
        """A gateway of this carrier is asked."""

    def may_go_on(self, answer: "Answer") -> bool:
        """Asked before each further INVITE of the call: may it still be made? Where not, `answer` is called as by
        `CallJudge.judge`.
        """
        del answer
        return True

    def rang(self, response: SipResponse) -> None:
        """A 18x came and was passed on."""

    def answered(self, response: SipResponse, now: float) -> None:
        """Somebody took the call."""

    def failed(self, response: SipResponse) -> None:
        """The carrier's side gave a final response that is no 2xx."""

    def after(self) -> Listening | None:
        """Who still listens once the call is over: a 607 may have crossed what ended it."""
        return None

    def closed_by(self) -> str:
        """The rule that would close this call now, where calls that run are ended for it; empty for none."""
        return ""

    def ending(self, rule: str) -> Headers:
        """The Reason headers with which it is ended for a rule."""
        del rule
        return []

    def ended(self, by: EndedBy, cause: str, status: int, request: SipRequest | None) -> None:
        """It is over: by whom, why (a word or a status), the final response to leg A (0: none), the BYE or CANCEL."""


class Permitted(Followed):
    """A permitted call."""

    def __init__(self, permit: Permit, longest_s: float = 0.0) -> None:
        super().__init__(longest_s)
        self.permit: Final = permit


class CallBack(Followed):
    """A call from a carrier that one of our accounts takes: which account, and the number as the library has it."""

    def __init__(self, account: str, number: str) -> None:
        super().__init__()
        self.account: Final = account
        self.number: Final = number


class NotTaken:
    """A call from a carrier that nobody takes: the answer, and why, for the log."""

    __slots__ = ("cause", "headers", "status")

    def __init__(self, status: int, headers: Headers, cause: str) -> None:
        self.status: Final = status
        self.headers: Final = headers
        self.cause: Final = cause


class Answer(Protocol):
    """Takes a refusal, once."""

    def __call__(self, refused: Refused) -> None: ...


class CallJudge(Protocol):
    """All trunks' way to policy and evidence. Never raises."""

    def judge(
        self, account: str, request: SipRequest, uri: Uri, answer: Answer, *, offers_text: bool = False
    ) -> Permitted | None:
        """May this account make this call? `uri` is the Request-URI, read; `offers_text` as `CallAsked` has it. None
        where not: `answer` is called then.
        """
        ...

    def put_off(self, account: str, request: SipRequest, uri: Uri, rule: str, answer: Answer) -> None:
        """A refusal for a reason outside the rules (`internal.*`, `throughput.account`)."""
        ...

    def call_back(self, carrier: str, request: SipRequest, uri: Uri, taking: Container[str]) -> CallBack | NotTaken:
        """Whose call from a carrier is this? `uri` is the Request-URI, read; `taking` are the accounts that have
        somewhere to take it. No permit is needed: it goes towards the sender.
        """
        ...
