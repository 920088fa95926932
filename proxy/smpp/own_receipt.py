"""Receipts that tdgate writes itself, for messages that it answered for. Pure.

Owns when an ESME asked for one (SMPP v3.4 §5.2.17), and its text and TLVs (appendix B). Must never quote the message:
`text:` stays empty. Dates are those of Asia/Shanghai, as carriers there write them.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from proxy.smpp import consts
from proxy.smpp.consts import DELIVER_SM, ESM_TYPE_RECEIPT, TAG_MESSAGE_STATE, TAG_RECEIPTED_MESSAGE_ID
from proxy.smpp.pdu import response
from proxy.smpp.short_message import ShortMessage
from proxy.smpp.tlv import encode_tlvs

#: registered_delivery, bits 1 and 0: a receipt whatever happens, or one of failure.
_RECEIPT_BITS: Final = 0x03
_ASKS: Final = (1, 2)
_SHANGHAI: Final = timedelta(hours=8)
_WORDS: Final = {
    consts.STATE_EXPIRED: "EXPIRED",
    consts.STATE_DELETED: "DELETED",
    consts.STATE_UNDELIVERABLE: "UNDELIV",
    consts.STATE_UNKNOWN: "UNKNOWN",
    consts.STATE_REJECTED: "REJECTD",
}
_ERROR_MOST: Final = 0xFFF


def asks_for_failure(registered_delivery: int) -> bool:
    """Whether a message's sender wants to hear that it failed."""
    return registered_delivery & _RECEIPT_BITS in _ASKS


def own_receipt(sm: ShortMessage, message_id: bytes, state: int, status: int, since: float, now: float) -> bytes:
    """A deliver_sm (sequence_number 0) that says how a message ended that never was delivered.

    `sm` is the message, `state` a message_state (§5.2.28) other than a delivery, `status` the command_status that says
    why: its last three hexadecimal digits stand behind `err:`. `since` and `now` are UTC seconds.
    """
    head = f"submit date:{_date(since)} done date:{_date(now)} stat:{_WORDS[state]} err:{status & _ERROR_MOST:03x}"
    text = b"id:" + message_id + b" sub:001 dlvrd:000 " + head.encode("ascii") + b" text:"
    flags = bytes((ESM_TYPE_RECEIPT, 0, 0, 0, 0, 0, 0, 0, 0, len(text)))
    body = b"".join(
        (
            b"\0",
            bytes((sm.dest_ton, sm.dest_npi)),
            sm.dest,
            b"\0",
            bytes((sm.source_ton, sm.source_npi)),
            sm.source,
            b"\0",
            flags,
            text,
            encode_tlvs(((TAG_RECEIPTED_MESSAGE_ID, message_id + b"\0"), (TAG_MESSAGE_STATE, bytes((state,))))),
        )
    )
    return response(DELIVER_SM, 0, 0, body)


def _date(at: float) -> str:
    return (datetime.fromtimestamp(at, UTC) + _SHANGHAI).strftime("%y%m%d%H%M")
