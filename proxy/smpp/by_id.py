"""Requests that name a message by its id, and their answers: where the id stands, and another in its place. Pure.

Must never look for a message, and touches no octet but the id and command_length.
"""

from typing import Final

from proxy.smpp.consts import (
    CANCEL_SM,
    CANCEL_SM_RESP,
    ESME_RCANCELFAIL,
    QUERY_SM,
    QUERY_SM_RESP,
)
from proxy.smpp.pdu import HEADER, Pdu, response

BY_ID: Final = (QUERY_SM, CANCEL_SM)


class OwnMessage:
    """A message that its sender knows by an id of tdgate's own, `name`, as a query_sm or cancel_sm about it goes.

    `answer` is tdgate's own answer (sequence_number 0); empty where the carrier is asked.
    """

    __slots__ = ("answer", "name")

    def __init__(self, name: bytes, answer: bytes) -> None:
        self.name: Final = name
        self.answer: Final = answer


def _span(raw: bytes, command_id: int) -> tuple[int, int]:
    """From and to of the message_id of a query_sm, its response, or a cancel_sm (SMPP v3.4 §4.8, §4.9)."""
    start = 16
    if command_id == CANCEL_SM:
        start = raw.find(0, 16) + 1
    return start, raw.find(0, start)


def named_id(pdu: Pdu) -> bytes:
    """The message_id that a query_sm or cancel_sm names; empty where it names none or cannot be read."""
    start, end = _span(pdu.raw, pdu.command_id)
    return pdu.raw[start:end] if 16 <= start < end else b""


def with_id(raw: bytes, command_id: int, message_id: bytes) -> bytes:
    """The same PDU about another message_id; as it is where it has none."""
    start, end = _span(raw, command_id)
    if not 16 <= start <= end:
        return raw
    size = len(raw) - (end - start) + len(message_id)
    return HEADER.pack(size, *HEADER.unpack_from(raw)[1:]) + raw[16:start] + message_id + raw[end:]


def query_answer(message_id: bytes, state: int) -> bytes:
    """A query_sm_resp about a message that tdgate still has (§4.8.2): no final_date, no error."""
    return response(QUERY_SM_RESP, 0, 0, message_id + b"\0" + b"\0" + bytes((state, 0)))


def cancel_answer(is_cancelled: bool) -> bytes:
    """A cancel_sm_resp (§4.9.2)."""
    return response(CANCEL_SM_RESP, 0 if is_cancelled else ESME_RCANCELFAIL, 0)
