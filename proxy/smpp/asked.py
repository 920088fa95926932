"""What waits for the carrier's answer: a request of the ESME, or one of tdgate's own. Sans-IO.

Owns what a relay keeps of each, and the addresses by which a receipt that comes early is known to be about it. Must
never hold a permit: it is spent when the request goes out.
"""

from typing import Final, Protocol

from proxy.core.decision import Decision, Permit
from proxy.smpp.consts import (
    DATA_SM,
    DATA_SM_RESP,
    REPLACE_SM,
    REPLACE_SM_RESP,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
)
from proxy.smpp.pdu import Pdu
from proxy.smpp.several import Several

#: Octets at the end of an address by which a receipt knows its message.
TAIL: Final = 8
#: Requests for one message. What replaces one is judged, and counted, as another.
SINGLE: Final = (SUBMIT_SM, DATA_SM, REPLACE_SM)
#: Answers in which the carrier takes a message; those to a replace_sm give no id.
ACCEPTING: Final = (SUBMIT_SM_RESP, DATA_SM_RESP, REPLACE_SM_RESP)


class Asked:
    """A permitted request that waits for the carrier. Without a `pdu` tdgate itself sent it."""

    __slots__ = ("decision", "pdu")

    def __init__(self, pdu: Pdu | None, decision: Decision) -> None:
        self.pdu: Final = pdu
        self.decision: Final = decision

    @property
    def decision_id(self) -> int:
        return self.decision.id


class AskedPart(Asked):
    """A permitted part of a long message, whose decision is that of the whole."""

    __slots__ = ()


class KeptTeller(Protocol):
    """Who is told what became of a part of a stalled message (see `stalled.py`), each once."""

    def taken(self, id_: int, carrier_id: bytes, decision: Decision) -> None:
        """The carrier took it; after `left_unknown` too, where its answer came late."""
        ...

    def rejected_by_carrier(self, id_: int, status: int) -> None: ...

    def left_unknown(self, id_: int) -> None: ...

    def unsent(self, id_: int, rule: str) -> None: ...

    def stands_still(self, id_: int) -> bool:
        """Whether a part that had to wait for room would be permitted now as well; where not, it has ended by now."""
        ...


class AskedKept(Asked):
    """A permitted part of a stalled message, known to its sender by `id`: nobody waits for its answer but `teller`."""

    __slots__ = ("id", "teller")

    def __init__(self, pdu: Pdu, decision: Decision, id_: int, teller: KeptTeller) -> None:
        super().__init__(pdu, decision)
        self.id: Final = id_
        self.teller: Final = teller


class AskedById(Asked):
    """A query_sm or cancel_sm about a message that its sender knows by an id of tdgate's own."""

    __slots__ = ("ours",)

    def __init__(self, pdu: Pdu, decision: Decision, ours: bytes) -> None:
        super().__init__(pdu, decision)
        self.ours: Final = ours


class AskedSeveral(Asked):
    """A submit_multi that waits for the carrier, with what becomes of each of its destinations."""

    __slots__ = ("several",)

    def __init__(self, several: Several, permit: Permit) -> None:
        super().__init__(several.pdu, permit.decision)
        self.several: Final = several


class AskedToCancel:
    """A cancel_sm of tdgate's own that waits for the carrier: `decision_id` is that of the message."""

    __slots__ = ("decision_id", "pdu")

    def __init__(self, decision_id: int) -> None:
        self.pdu: Final[Pdu | None] = None
        self.decision_id: Final = decision_id


def decisions_of(asked: Asked | AskedToCancel) -> tuple[int, ...]:
    """The ids of all decisions under which a request went out."""
    if isinstance(asked, AskedSeveral):
        return tuple(decision.id for _, decision in asked.several.permitted)
    return (asked.decision_id,)


def messages_of(asked: Asked | AskedToCancel) -> int:
    """How many messages of the ESME end with the answer: a part is none, its message is counted where it was judged."""
    if isinstance(asked, AskedSeveral):
        return len(asked.several.permitted)
    return int(type(asked) is Asked and asked.pdu is not None and asked.pdu.command_id in SINGLE)


def destinations_of(asked: Asked | AskedToCancel) -> tuple[bytes, ...]:
    """The ends of the addresses that a request goes to, to know its receipts by."""
    if isinstance(asked, AskedSeveral):
        return tuple(destination.address[-TAIL:] for destination, _ in asked.several.permitted)
    return () if asked.pdu is None else (_destination(asked.pdu)[-TAIL:],)


def _destination(pdu: Pdu) -> bytes:
    """The destination_addr of a submit_sm or data_sm as it stands on the wire, to know its receipt by."""
    raw = pdu.raw
    after_source = raw.find(0, raw.find(0, 16) + 3)
    end = raw.find(0, after_source + 3)
    return raw[after_source + 3 : end] if after_source + 3 <= end else b""


def message_id(raw: bytes) -> bytes:
    """The message_id of a response, empty where it came without a body."""
    return raw[16:].partition(b"\0")[0]
