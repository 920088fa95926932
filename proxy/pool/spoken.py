"""Which message an ESME speaks of in query_sm, cancel_sm and replace_sm: the one id is ours, the other the carrier's.

Owns the exchange of the id in such a PDU. Must never give out a message of
another account, nor leave the ESME's id in what goes to a carrier. Sans-IO.
"""

from typing import Final, Protocol

from proxy.pool.ticket import Ticket
from proxy.smpp.consts import HEADER_OCTETS
from proxy.smpp.pdu import Pdu, response


class Spoken:
    """A message of the account that asked: where it is, and what its carrier calls it.

    `ticket` is set while it still waits here, `route` and `carrier_id` once a carrier has it.
    """

    __slots__ = ("carrier_id", "message", "route", "ticket")

    def __init__(self, message: int, route: str, carrier_id: bytes, ticket: Ticket | None = None) -> None:
        self.message: Final = message
        self.route: Final = route
        self.carrier_id: Final = carrier_id
        self.ticket: Final = ticket


class Names(Protocol):
    """Who knows which message an account's ESME means (`judging/pool_names.py`)."""

    def find(self, account: str, pdu: Pdu) -> Spoken | None:
        """The message that a query_sm, cancel_sm or replace_sm names; None where it is none of this account's."""
        ...


def named_in(raw: bytes) -> bytes:
    """The message_id of a query_sm, cancel_sm or replace_sm; empty where there is none to be read."""
    start = _id_at(raw)
    end = raw.find(0, start)
    return raw[start:end] if 0 < start < end else b""


def renamed(pdu: Pdu, message_id: bytes) -> Pdu:
    """The same request about a message, by another id; every other octet of its body as it was.

    INVARIANT: the caller has found the id by `named_in`.
    """
    start = _id_at(pdu.raw)
    end = pdu.raw.find(0, start)
    body = pdu.raw[HEADER_OCTETS:start] + message_id + pdu.raw[end:]
    return Pdu(pdu.command_id, pdu.status, pdu.sequence, response(pdu.command_id, pdu.status, pdu.sequence, body))


def _id_at(raw: bytes) -> int:
    """Where message_id begins: cancel_sm has service_type before it (SMPP v3.4 §4.9.1)."""
    if raw[4:8] != b"\0\0\0\x08":
        return HEADER_OCTETS
    end = raw.find(0, HEADER_OCTETS)
    return end + 1
