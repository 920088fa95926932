"""One connection of a simulated ESME: requests with their answers, deliveries with theirs, enquire_link.

Owns sequence numbers and what waits for an answer. Must never send a message by itself: `esme` and `load` do. Answers
to submit_sm go to `on_answer` with offsets into the buffer, so that a load reads no more of them than their status.
"""

from collections.abc import Callable
from typing import Final

from proxy.smpp import consts
from proxy.smpp.pdu import HEADER, generic_nack, response
from simulators.link import Link

_pack_header = HEADER.pack
_RESPONSE: Final = consts.RESPONSE_BIT

OnAnswer = Callable[[int, int, int, bytes, int, int], None]
"""command, status, sequence, buffer, at, stop of a response (generic_nack among them)."""
OnDelivery = Callable[[int, bytes], int | None]
"""command and octets of a deliver_sm or data_sm; returns the status to answer, None for no answer."""


class EsmeLink(Link):
    """A connection towards an SMSC."""

    def __init__(self, on_answer: OnAnswer, on_delivery: OnDelivery, on_lost: Callable[[], None]) -> None:
        super().__init__()
        self.sequence = 0
        self.unbound_by_peer = False
        self.after_chunk: Callable[[], None] | None = None
        """Called when a chunk was taken: a load sends its next messages then, in one write."""
        self.on_answer, self.on_delivery, self.on_lost = on_answer, on_delivery, on_lost

    def take(self, command: int, status: int, sequence: int, buffer: bytes, at: int, stop: int) -> None:
        if command & _RESPONSE:
            self.on_answer(command, status, sequence, buffer, at, stop)
        elif command == consts.DELIVER_SM or command == consts.DATA_SM:
            answer = self.on_delivery(command, buffer[at:stop])
            if answer is not None:
                self._out.append(_pack_header(17, command | _RESPONSE, answer, sequence) + b"\0")
        elif command == consts.ENQUIRE_LINK:
            self.send(response(consts.ENQUIRE_LINK_RESP, 0, sequence))
        elif command == consts.UNBIND:
            self.unbound_by_peer = True
            self.send(response(consts.UNBIND_RESP, 0, sequence))
            self.close()
        elif command != consts.ALERT_NOTIFICATION:
            self.send(generic_nack(consts.ESME_RINVCMDID, sequence))

    def chunk_taken(self) -> None:
        if self.after_chunk is not None:
            self.after_chunk()

    def lost(self) -> None:
        self.on_lost()

    def request(self, command: int, body: bytes) -> int:
        """Send a request under the next sequence_number, which is returned."""
        sequence = self.sequence % consts.SEQUENCE_LAST + 1
        self.sequence = sequence
        self.send(_pack_header(16 + len(body), command, 0, sequence) + body)
        return sequence

    def enquire(self) -> None:
        """Ask the SMSC for life."""
        self.request(consts.ENQUIRE_LINK, b"")
