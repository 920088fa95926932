"""What is on its way through the pool: who asked, what was asked, and the permit to be spent.

Owns the kinds: a message (`Ticket`), a request about one that a carrier has (`Errand`), and a cancel of tdgate's own
(`TakenBack`), which has no permit. INVARIANT: a message's type is `Ticket` itself: its way costs one look.
"""

from collections.abc import Callable
from typing import Final, Protocol

from proxy.core.decision import Permit
from proxy.smpp.consts import CANCEL_SM
from proxy.smpp.pdu import Pdu


class Asker(Protocol):
    """The ESME's side of a bind, as the carrier's side knows it (`desk.py`)."""

    account: str

    def answered(self, ticket: "Ticket", octets: bytes) -> None:
        """The carrier answered: `octets` are the response as the ESME gets it, its sequence_number included."""
        ...

    def left_unknown(self, ticket: "Ticket") -> None:
        """The carrier's side was lost, or too slow, after the request went out: nobody knows what became of it."""
        ...

    def unroutable(self, ticket: "Ticket") -> None:
        """No route takes the request; its permit was not spent."""
        ...

    def stands(self, ticket: "Ticket") -> bool:
        """Whether a request that had to wait would be permitted now as well; where not, it has ended by now."""
        ...

    def called_back(self, ticket: "Ticket") -> None:
        """Its ESME cancelled a request that waited; its permit is not spent."""
        ...


class Ticket:
    """One permitted request. `person` is the recipient's digest, `carrier` the name of the recipient's carrier.

    `part` is None but for the parts of a long message: 0 for its first, an id of their own for the others. `message` is
    what the ESME will know the request by: the decision's id, or that of the part. `since` is monotonic seconds.
    """

    __slots__ = ("asker", "carrier", "decision_id", "message", "part", "pdu", "permit", "person", "since")

    def __init__(
        self, asker: Asker, pdu: Pdu, permit: Permit, carrier: str, since: float, part: int | None = None
    ) -> None:
        self.asker: Final = asker
        self.pdu: Final = pdu
        self.permit: Final = permit
        self.carrier: Final = carrier
        self.decision_id: Final = permit.decision.id
        self.person: Final = permit.decision.person
        self.part: Final = part
        self.since: Final = since
        self.message: Final = part or permit.decision.id

    def concerns(self, person: bytes) -> bool:
        """Whether it is on its way to a person."""
        return self.person == person


class Errand(Ticket):
    """A request about a message that a carrier has (query_sm, cancel_sm, replace_sm): it goes by `route` or not at all.

    `message` is what the ESME knows that message by. The permit's octets name it by the carrier's id.
    """

    __slots__ = ("route",)

    def __init__(self, asker: Asker, pdu: Pdu, permit: Permit, route: str, message: int, since: float) -> None:
        # WHY as a part: it is no message of its own, and none is counted when it ends.
        super().__init__(asker, pdu, permit, "", since, message)
        self.route: Final = route


class TakenBack:
    """A cancel_sm of tdgate's own that waits for the carrier; `decision_id` is that of the message it takes back.

    `ended` is told of the end: that id, and the carrier's status, None where it gave none in time.
    """

    __slots__ = ("decision_id", "ended", "pdu")

    def __init__(self, decision_id: int, ended: Callable[[int, int | None], None]) -> None:
        self.decision_id: Final = decision_id
        self.ended: Final = ended
        self.pdu: Final = _OWN_CANCEL


#: What stands for a request that no ESME made.
_OWN_CANCEL: Final = Pdu(CANCEL_SM, 0, 0, b"")
