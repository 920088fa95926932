"""One submit_multi on its way: whom it goes to, whom it does not, and the answer that tells both.

Owns what becomes of each destination and the waiting of the answer for the disk. Must never be answered before the
refusals in it are on disk. How it works: the gate makes one with a permit for those permitted, the relay forwards it,
gives it the carrier's word, and sends `answer` once `ready`.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from proxy.core.addresses import recipient
from proxy.core.decision import Decision, Permit
from proxy.smpp.codec import UnsuccessSme
from proxy.smpp.consts import GENERIC_NACK, RESPONSE_BIT, SUBMIT_MULTI
from proxy.smpp.pdu import Pdu, response
from proxy.smpp.submit_multi import Destination, read_multi_answer, with_unsuccess


class Several:
    """A judged submit_multi. `permit` is None where nobody of it is permitted; `waiting` counts records under way.

    `permitted` holds the destinations that go on, each with its decision; `refused` all others with their status.
    """

    __slots__ = ("_answer", "abandoned", "before", "pdu", "permit", "permitted", "refused", "waiting")

    def __init__(
        self,
        pdu: Pdu,
        permit: Permit | None,
        permitted: Sequence[tuple[Destination, Decision]],
        refused: Sequence[UnsuccessSme],
        before: bytes = b"",
    ) -> None:
        self.pdu: Final = pdu
        #: service_type to source_addr as they stand on the wire.
        self.before: Final = before
        self.permit: Final = permit
        self.permitted: Final = tuple(permitted)
        self.refused: Final = tuple(refused)
        self.waiting = 0
        #: The log took not all of the decisions: what was recorded of them answers nobody.
        self.abandoned = False
        self._answer = b""

    @property
    def ready(self) -> bool:
        """Whether the answer stands and every refusal in it is on disk."""
        return bool(self._answer) and not self.waiting

    @property
    def answer(self) -> bytes:
        """The answer as it goes to the ESME, but for its sequence_number; empty until there is one."""
        return self._answer

    def refuse(self, texts: bytes) -> None:
        """Nobody is permitted: the answer has the status of the first destination; `texts` are TLVs for it, or none."""
        # WHY the empty list: TLVs need the mandatory fields before them; without TLVs a refusal has no body (v3.4).
        body = b"\0\0" + texts if texts else b""
        self._answer = response(SUBMIT_MULTI | RESPONSE_BIT, self.refused[0].error_status, 0, body)

    def unknown(self, status: int) -> None:
        """The carrier was lost before it answered: nothing is known of the whole."""
        self._answer = response(SUBMIT_MULTI | RESPONSE_BIT, status, 0)

    def answered(self, raw: bytes) -> tuple[bytes, bool]:
        """Takes the carrier's answer: the message_id of what it took (empty if nothing), and whether it was readable.

        Where nobody was refused, or the carrier took nobody at all, its answer passes byte for byte.
        """
        found = read_multi_answer(raw)
        nothing = found.status != 0 or int.from_bytes(raw[4:8]) == GENERIC_NACK
        if nothing or not self.refused:
            self._answer = raw
        else:
            self._answer = with_unsuccess(found, self.refused)
        return b"" if nothing else found.message_id, found.readable

    def decision(self, decision_id: int) -> Decision:
        """The permitted decision with this id; StopIteration for any other."""
        return next(decision for _, decision in self.permitted if decision.id == decision_id)

    def rejected(self, raw: bytes) -> Iterator[tuple[int, int]]:
        """(decision id, status) of each permitted destination that the carrier did not take, in their order."""
        found = read_multi_answer(raw)
        if found.status or int.from_bytes(raw[4:8]) == GENERIC_NACK:
            yield from ((decision.id, found.status) for _, decision in self.permitted)
            return
        named: dict[tuple[int, int, bytes], deque[int]] = {}
        for each in found.unsuccess:
            named.setdefault((each.ton, each.npi, each.address), deque()).append(each.error_status)
        exactly = {}
        for destination, decision in self.permitted:
            # WHY a queue: the same address may stand twice, and be taken once.
            statuses = named.get((destination.ton, destination.npi, destination.address))
            if statuses:
                exactly[decision.id] = statuses.popleft()
        # WHY then by person: carriers write a number back with or without its country code, in a TON and NPI of theirs.
        persons: dict[str, deque[int]] = {}
        for (ton, npi, address), left in named.items():
            person = recipient(ton, npi, address)
            if left and person is not None:
                persons.setdefault(person, deque()).extend(left)
        for destination, decision in self.permitted:
            status = exactly.get(decision.id)
            if status is None and persons:
                others = persons.get(recipient(destination.ton, destination.npi, destination.address) or "")
                status = others.popleft() if others else None
            if status is not None:
                yield decision.id, status
