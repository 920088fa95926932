"""Delivery receipts: which deliver_sm is one, which message it speaks of, and what became of that.

Owns the two spellings of a receipt, TLVs and the text of appendix B. Must never take a person's words for a receipt:
esm_class alone says what is one, whatever the text looks like.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from proxy.smpp import consts
from proxy.smpp.consts import (
    ESM_TYPE_INTERMEDIATE,
    ESM_TYPE_MASK,
    ESM_TYPE_RECEIPT,
    TAG_MESSAGE_STATE,
    TAG_RECEIPTED_MESSAGE_ID,
)
from proxy.smpp.short_message import ShortMessage
from proxy.smpp.tlv import first_tlv

_FIELD: Final = re.compile(
    rb"(?<![0-9A-Za-z_])(id|sub|dlvrd|submit date|done date|stat|err|text)[ ]*:[ ]*", re.IGNORECASE
)
_ID_IN_FRONT: Final = re.compile(rb"id:([^\s\0]{1,64})", re.IGNORECASE)
_FIRST_ID: Final = re.compile(rb"[ \r\n\t\0]*([^\s\0]{1,64})")

_UNDER_WAY: Final = (bytes((consts.STATE_ENROUTE,)), bytes((consts.STATE_ACCEPTED,)))

STATES: Final[Mapping[bytes, int]] = MappingProxyType(
    {
        b"ENROUTE": consts.STATE_ENROUTE,
        b"DELIVRD": consts.STATE_DELIVERED,
        b"DELIVERED": consts.STATE_DELIVERED,
        b"EXPIRED": consts.STATE_EXPIRED,
        b"DELETED": consts.STATE_DELETED,
        b"UNDELIV": consts.STATE_UNDELIVERABLE,
        b"UNDELIVERABLE": consts.STATE_UNDELIVERABLE,
        b"ACCEPTD": consts.STATE_ACCEPTED,
        b"ACCEPTED": consts.STATE_ACCEPTED,
        b"UNKNOWN": consts.STATE_UNKNOWN,
        b"REJECTD": consts.STATE_REJECTED,
        b"REJECTED": consts.STATE_REJECTED,
    }
)
"""message_state by the word that stands behind `stat:` (SMPP v3.4 appendix B), and its long forms."""


#: What ended messages are said to be (SMPP v3.4 §5.2.28).
STATE_NAMES: Final[Mapping[int, str]] = MappingProxyType(
    {
        consts.STATE_DELIVERED: "delivered",
        consts.STATE_EXPIRED: "expired",
        consts.STATE_DELETED: "deleted",
        consts.STATE_UNDELIVERABLE: "undeliverable",
        consts.STATE_UNKNOWN: "unknown",
        consts.STATE_REJECTED: "rejected",
    }
)


def is_receipt(esm_class: int) -> bool:
    """Tell whether a deliver_sm or data_sm from the SMSC is a receipt: types 0x04 and 0x20, no others."""
    return esm_class & ESM_TYPE_MASK in (ESM_TYPE_RECEIPT, ESM_TYPE_INTERMEDIATE)


def receipt_fields(text: bytes) -> dict[str, bytes]:
    """Read the fields of a receipt's text by lower-case name, in any case and order; the first of a name counts.

    `text:` quotes the message and ends the search: what looks like a field inside it is the sender's. Only where
    no `id:` stood before it is what follows read too, since some carriers put it in front.
    """
    found: dict[str, bytes] = {}
    matches = list(_FIELD.finditer(text))
    for index, match in enumerate(matches):
        name = match[1].decode("ascii").lower()
        end = matches[index + 1].start() if index + 1 < len(matches) else len(text)
        if name == "text" and "id" in found:
            found.setdefault(name, text[match.end() :])
            break
        found.setdefault(name, text[match.end() : end].strip(b" \r\n\t\0"))
    return found


def id_span(text: bytes) -> tuple[int, int] | None:
    """Find where the id stands that `id:` of a receipt's text names: from, to; None where it names none."""
    # WHY: nearly all carriers put the id in front; the general search costs ten times as much.
    front = _ID_IN_FRONT.match(text)
    if front is not None:
        return front.span(1)
    for field in _FIELD.finditer(text):
        if field[1].lower() == b"id":
            following = _FIELD.search(text, field.end())
            found = _FIRST_ID.match(text, field.end(), following.start() if following is not None else len(text))
            return found.span(1) if found is not None else None
    return None


def receipt_ids(sm: ShortMessage, text: bytes) -> tuple[bytes, ...]:
    """Name the message a receipt speaks of: the receipted_message_id TLV, then `id:` of the text; distinct, maybe none.

    `text` holds the octets of the receipt without UDH. Ids are as the carrier wrote them: see `receipt_ids.likely_ids`
    """
    ids: list[bytes] = []
    for tag, value in sm.tlvs:
        if tag == TAG_RECEIPTED_MESSAGE_ID:
            named = value.partition(b"\0")[0]
            if named and named not in ids:
                ids.append(named)
    span = id_span(text)
    if span is not None:
        named = text[span[0] : span[1]]
        if named not in ids:
            ids.append(named)
    return tuple(ids)


def receipt_state(sm: ShortMessage, text: bytes) -> int | None:
    """Tell the message_state of a receipt, from the TLV, else from `stat:`; None where neither says (§5.2.28)."""
    value = first_tlv(sm.tlvs, TAG_MESSAGE_STATE)
    if value is not None and len(value) == 1:
        return value[0]
    word = re.match(rb"[A-Z]*", receipt_fields(text).get("stat", b"").upper())
    return STATES.get(word[0]) if word is not None else None


def final_state(sm: ShortMessage) -> str:
    """Name what a final receipt says became of its message; "ended" where it does not say in a form known here.

    WHY not `receipt_state`: that reads every field, and this is asked of every receipt.
    """
    value = first_tlv(sm.tlvs, TAG_MESSAGE_STATE) if sm.tlvs else None
    if value is None:
        text = sm.short_message
        at = text.find(b"stat:")
        state = STATES.get(text[at + 5 : at + 12].rstrip().upper()) if at >= 0 else None
    else:
        state = value[0] if len(value) == 1 else None
    return "ended" if state is None else STATE_NAMES.get(state, "ended")


def is_final(sm: ShortMessage, text: bytes) -> bool:
    """Tell whether a receipt brings its message to an end: it is no notification, and names no state on the way.

    WHY not `receipt_state`: that reads every field, and this is asked of every receipt. A spelling that is not known
    here counts as the end, which most receipts are.
    """
    if sm.esm_class & ESM_TYPE_MASK != ESM_TYPE_RECEIPT:
        return False
    if sm.tlvs:
        state = first_tlv(sm.tlvs, TAG_MESSAGE_STATE)
        if state is not None:
            return state not in _UNDER_WAY
    return b"stat:ENROUTE" not in text and b"stat:ACCEPT" not in text
