"""A submit_multi in a pool: its persons are subscribers of several carriers, so that it goes out in several PDUs.

Owns the joining of what becomes of them into the one answer, under one id of ours. Must never answer before each of
them has ended. How it works: the gate makes a `Gathered` with a `Several` for each carrier's subscribers, which a
`SeveralTicket` brings to a route; whoever was not taken, for whatever reason, stands in unsuccess_sme. Sans-IO.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from proxy.core.decision import Decision
from proxy.pool.ticket import Asker, Ticket
from proxy.smpp.codec import UnsuccessSme
from proxy.smpp.consts import RESPONSE_BIT, SUBMIT_MULTI
from proxy.smpp.pdu import Pdu, response
from proxy.smpp.several import Several
from proxy.smpp.submit_multi import Destination, MultiAnswer, read_multi_answer, with_unsuccess


class Gathered(Several):
    """A judged submit_multi whose `groups` go on apart: (name of the carrier, its persons with their permit)."""

    __slots__ = ("_not_taken", "_open", "_taken", "groups", "shown")

    def __init__(
        self,
        pdu: Pdu,
        groups: Sequence[tuple[str, Several]],
        permitted: Sequence[tuple[Destination, Decision]],
        refused: Sequence[UnsuccessSme],
    ) -> None:
        super().__init__(pdu, None, permitted, refused)
        self.groups: Final = tuple(groups)
        #: What the ESME knows all of it by: the first permitted decision; 0 where nobody is permitted.
        self.shown: Final = permitted[0][1].id if permitted else 0
        self._open = len(self.groups)
        self._taken = 0
        self._not_taken: list[UnsuccessSme] = []

    def end(self, group: Several, statuses: Mapping[int, int], raw: bytes = b"") -> None:
        """Takes what became of a group: the status of each decision whose person was not taken; `raw` is the answer."""
        for destination, decision in group.permitted:
            status = statuses.get(decision.id, 0)
            if status:
                self._not_taken.append(destination.unsuccess(status))
            else:
                self._taken += 1
        self._open -= 1
        if self._open:
            return
        if self._taken:
            # WHY of a single answer only: of TLVs of several carriers nobody knows which holds.
            after = read_multi_answer(raw).after if raw and len(self.groups) == 1 else b""
            ours = MultiAnswer(0, b"%016x" % self.shown, tuple(self._not_taken), after, True)
            self._answer = with_unsuccess(ours, self.refused)
        else:
            self._answer = response(SUBMIT_MULTI | RESPONSE_BIT, self._not_taken[0].error_status, 0)


class SeveralTicket(Ticket):
    """The persons of a submit_multi whose carrier is one; `whole` gathers what becomes of them."""

    __slots__ = ("several", "whole")

    def __init__(self, asker: Asker, whole: Gathered, carrier: str, several: Several, since: float) -> None:
        permit = several.permit
        assert permit is not None
        super().__init__(asker, whole.pdu, permit, carrier, since, None)
        self.whole: Final = whole
        self.several: Final = several

    def concerns(self, person: bytes) -> bool:
        return any(decision.person == person for _, decision in self.several.permitted)
