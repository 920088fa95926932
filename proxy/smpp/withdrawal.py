"""tdgate's own cancel_sm: takes back a message that the carrier still holds for a person who has refused. Sans-IO.

Owns its octets. Must never carry a text, nor name a message by its addresses alone: the message_id is never empty. How
it works: the addresses are those of the message as it was sent (SMPP v3.4 §4.9.1 wants them alike), cut out by offsets.
"""

from typing import Final

from proxy.smpp.consts import CANCEL_SM, ESME_RCANCELFAIL, ESME_ROK, GENERIC_NACK, HEADER_OCTETS
from proxy.smpp.pdu import Pdu, response

#: service_type (6) and two addresses (2 + 21 each): all that cancel_sm repeats of a submit_sm stands within these.
_HEAD_OCTETS: Final = 6 + 2 * (2 + 21)
_ADDRESS_MOST: Final = 20
#: Where as much of a submit_sm or data_sm ends as its cancel_sm needs. WHY no function: it is cut from each message;
#: and no slice object, which the compiled build takes for a number.
HEAD_END: Final = HEADER_OCTETS + _HEAD_OCTETS


class Withdrawal:
    """A message to be cancelled, known as `message_id`; `decision_id` is that of its permit."""

    __slots__ = ("_addresses", "_service_type", "decision_id", "message_id", "octets")

    def __init__(self, message_id: bytes, service_type: bytes, addresses: bytes, decision_id: int) -> None:
        if not message_id or b"\0" in message_id:
            raise ValueError("a cancel_sm without a message_id names messages by addresses, anybody's")
        self.decision_id: Final = decision_id
        self.message_id: Final = message_id
        self._service_type: Final = service_type
        self._addresses: Final = addresses
        body = service_type + b"\0" + message_id + b"\0" + addresses
        #: The cancel_sm, its sequence_number 0.
        self.octets: Final = response(CANCEL_SM, 0, 0, body)

    def under(self, message_id: bytes) -> "Withdrawal":
        """The same, by another id: that under which a pool's carrier knows the message."""
        return Withdrawal(message_id, self._service_type, self._addresses, self.decision_id)


def failure_of(pdu: Pdu) -> int:
    """The status of an answer to a cancel_sm; a generic_nack cancels nothing, whatever it says."""
    return pdu.status or (ESME_RCANCELFAIL if pdu.command_id == GENERIC_NACK else ESME_ROK)


def withdrawal_of(message_id: bytes, head: bytes, decision_id: int) -> Withdrawal | None:
    """The cancel_sm of a message; None where its addresses do not fit one (those of a data_sm may be longer).

    `head` are the octets that were sent, from behind the header to `HEAD_END`.
    """
    service_end = head.find(0)
    source_end = head.find(0, service_end + 3)
    end = head.find(0, source_end + 3)
    if not message_id or not -1 < service_end < source_end < end:
        return None
    if source_end - service_end - 3 > _ADDRESS_MOST or end - source_end - 3 > _ADDRESS_MOST:
        return None
    return Withdrawal(message_id, head[:service_end], head[service_end + 1 : end + 1], decision_id)
