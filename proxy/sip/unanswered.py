"""What a person's refusal came with, and who gave it still waits for: the 200 of a BYE, the ACK of a 607.

Owns when and how it is answered, once. Must never answer by itself: who runs the calls says when the refusal is kept.
How it works: until then the peer repeats itself (RFC 3261 §17.1.2, §17.2.1), and the transactions swallow that.
"""

from typing import Final

from proxy.sip.reply import reply
from proxy.sip.transaction.base import ServerTransaction
from proxy.sip.transaction.invite_client import InviteClient

_RETRY_AFTER: Final = b"5"


class Unanswered:
    """One such answer."""

    __slots__ = ()

    def kept(self, now: float) -> None:
        """What was said is kept: answer it."""
        raise NotImplementedError

    def lost(self, now: float) -> None:
        """It could not be kept: do not answer as if it were."""
        raise NotImplementedError


class ByeUnanswered(Unanswered):
    """A BYE. Where it is lost: 500, since every request gets an answer."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: ServerTransaction) -> None:
        self._transaction: Final = transaction

    def kept(self, now: float) -> None:
        """200."""
        request = self._transaction.request
        if request is not None:
            self._transaction.respond(reply(request, 200), now)

    def lost(self, now: float) -> None:
        """500, with Retry-After."""
        request = self._transaction.request
        if request is not None:
            self._transaction.respond(reply(request, 500, b"", [("retry-after", _RETRY_AFTER)]), now)


class FinalUnanswered(Unanswered):
    """A final response to an INVITE of ours. Where it is lost: no ACK, ever; timer H ends it there, timer D here."""

    __slots__ = ("_client",)

    def __init__(self, client: InviteClient) -> None:
        self._client: Final = client

    def kept(self, now: float) -> None:
        """ACK."""
        self._client.acknowledge()

    def lost(self, now: float) -> None:
        """Nothing."""
