"""Receipts as an SMSC writes them and an ESME reads them (SMPP v3.4 appendix B), with a clock that can be set.

Owns the text of receipts and the names of their states. Must never decide whether a receipt is due.
"""

import struct
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

import msgspec

from proxy.smpp.consts import ESM_TYPE_RECEIPT, TAG_MESSAGE_STATE, TAG_RECEIPTED_MESSAGE_ID
from proxy.smpp.receipt import receipt_fields
from proxy.smpp.short_message import ShortMessage

Clock = Callable[[], datetime]

STATES: Final = MappingProxyType(
    {
        "ENROUTE": 1,
        "DELIVRD": 2,
        "EXPIRED": 3,
        "DELETED": 4,
        "UNDELIV": 5,
        "ACCEPTD": 6,
        "UNKNOWN": 7,
        "REJECTD": 8,
    }
)
"""Names in the text and values of message_state (SMPP v3.4 §5.2.28)."""

_TAG_LENGTH: Final = struct.Struct(">HH")
# esm_class, protocol_id, priority, both times, registered_delivery, replace, data_coding, sm_default_msg_id
_RECEIPT_FLAGS: Final = bytes((ESM_TYPE_RECEIPT, 0, 0, 0, 0, 0, 0, 0, 0))
STATE_NAMES: Final = {value: name for name, value in STATES.items()}


def wall_clock() -> datetime:
    """Give the time of this machine in UTC."""
    return datetime.now(UTC)


def standing_clock(moment: datetime) -> Clock:
    """Make a clock that always shows `moment`: two runs give the same octets."""
    return lambda: moment


def receipt_text(message_id: str, state: str, clock: Clock, quoted: bytes = b"") -> bytes:
    """Write the text of a receipt; `quoted` is the beginning of the message, cut at 20 octets."""
    moment = clock().strftime("%y%m%d%H%M")
    delivered = "001" if state == "DELIVRD" else "000"
    error = "000" if state in ("DELIVRD", "ACCEPTD", "ENROUTE") else "001"
    dates = f"submit date:{moment} done date:{moment}"
    head = f"id:{message_id} sub:001 dlvrd:{delivered} {dates} stat:{state} err:{error} text:"
    return head.encode("ascii") + quoted[:20]


def receipt_tlvs(message_id: str, state: str) -> bytes:
    """Say the same in TLVs: receipted_message_id and message_state."""
    octets = message_id.encode("ascii") + b"\0"
    head = _TAG_LENGTH.pack(TAG_RECEIPTED_MESSAGE_ID, len(octets))
    return head + octets + _TAG_LENGTH.pack(TAG_MESSAGE_STATE, 1) + bytes((STATES.get(state, 7),))


def receipt_body(message: ShortMessage, text: bytes, tlvs: bytes) -> bytes:
    """Write the body of the deliver_sm that answers for a message, addresses the other way round (§4.6.1).

    WHY not by the codec: a bench asks for one a message, and every octet here was decoded from a valid field.
    """
    return b"".join(
        (
            b"\0",
            bytes((message.dest_ton, message.dest_npi)),
            message.dest,
            b"\0",
            bytes((message.source_ton, message.source_npi)),
            message.source,
            b"\0",
            _RECEIPT_FLAGS,
            bytes((len(text),)),
            text,
            tlvs,
        )
    )


class ReceiptFields(msgspec.Struct, frozen=True):
    """What a receipt says, from its TLVs where it has them, else from its text."""

    message_id: str
    """As it stands there: other radix, case or padding than in the response are left as they are."""
    state: str
    """`DELIVRD`, …; empty where the receipt names none."""
    error: str


def read_receipt(octets: bytes, tlvs: Iterable[tuple[int, bytes]]) -> ReceiptFields:
    """Read a receipt leniently: whatever is missing is empty."""
    found = {name: value.decode("latin-1") for name, value in receipt_fields(octets).items()}
    message_id, state = found.get("id", ""), found.get("stat", "").upper()
    for tag, value in tlvs:
        if tag == TAG_RECEIPTED_MESSAGE_ID:
            message_id = value.rstrip(b"\0").decode("latin-1")
        elif tag == TAG_MESSAGE_STATE and len(value) == 1:
            state = STATE_NAMES.get(value[0], state)
    return ReceiptFields(message_id, state, found.get("err", ""))
