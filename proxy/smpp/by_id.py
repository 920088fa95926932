"""Requests that name a message by its id: tdgate's own answers to them, and the carrier's under another id. Pure.

Must never look for a message, and touches no octet but the id and command_length.
"""

from typing import Final

from proxy.smpp.consts import (
    CANCEL_SM,
    CANCEL_SM_RESP,
    ESME_RCANCELFAIL,
    HEADER_OCTETS,
    QUERY_SM,
    QUERY_SM_RESP,
)
from proxy.smpp.pdu import HEADER, response

BY_ID: Final = (QUERY_SM, CANCEL_SM)


class OwnMessage:
    """A message that its sender knows by an id of tdgate's own, `name`, as a query_sm or cancel_sm about it goes.

    `answer` is tdgate's own answer (sequence_number 0); empty where the carrier is asked, and where it waits for the
    disk (`is_held`): then it comes by `concat.Holder.part_answered`.
    """

    __slots__ = ("answer", "is_held", "name")

    def __init__(self, name: bytes, answer: bytes, is_held: bool = False) -> None:
        self.name: Final = name
        self.answer: Final = answer
        self.is_held: Final = is_held


def with_id(raw: bytes, message_id: bytes) -> bytes:
    """The same query_sm_resp about another message_id; as it is where it has none."""
    end = raw.find(0, HEADER_OCTETS)
    if end < 0:
        return raw
    head = HEADER.pack(len(raw) - end + HEADER_OCTETS + len(message_id), *HEADER.unpack_from(raw)[1:])
    return head + message_id + raw[end:]


def query_answer(message_id: bytes, state: int) -> bytes:
    """A query_sm_resp about a message that tdgate still has (§4.8.2): no final_date, no error."""
    return response(QUERY_SM_RESP, 0, 0, message_id + b"\0" + b"\0" + bytes((state, 0)))


def cancel_answer(is_cancelled: bool) -> bytes:
    """A cancel_sm_resp (§4.9.2)."""
    return response(CANCEL_SM_RESP, 0 if is_cancelled else ESME_RCANCELFAIL, 0)
