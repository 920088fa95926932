"""The id in a receipt: the ways in which a carrier may have written it, and its replacement by the id the ESME knows.

Owns both. Must never touch an octet of a receipt that is neither the id nor a length that follows from it, and never
let the carrier's own id through in one place where it is replaced in another.

How: the receipt is read in full first (`short_message`), so every offset is one that the reader vouched for. The text
is looked at as single octets, and as UCS-2 by its low octets: what stands in it decides, not only data_coding,
since carriers copy the data_coding of the message onto a receipt that they write in ASCII.
"""

import re
from typing import Final

from proxy.smpp.consts import (
    ESM_UDHI,
    ESME_RINVMSGLEN,
    ESME_RX_P_APPN,
    SM_LENGTH_MAX,
    TAG_MESSAGE_PAYLOAD,
    TAG_RECEIPTED_MESSAGE_ID,
)
from proxy.smpp.pdu import PduError
from proxy.smpp.receipt import id_span, is_receipt, receipt_ids
from proxy.smpp.short_message import ShortMessage
from proxy.smpp.text import DEFAULT_TABLE
from proxy.smpp.tlv import encode_tlvs
from proxy.smpp.udh import split_udh

_HEX: Final = re.compile(rb"[0-9A-Fa-f]{1,32}")
_OURS: Final = re.compile(rb"[0-9A-Za-z._-]{1,64}")
_QUOTED: Final = re.compile(rb"(?<![0-9A-Za-z_])text *:", re.IGNORECASE)
_ID_ENDS: Final = b" \t\n\r\v\f\0"
_UCS2: Final = ("utf-16-be",)
_PAYLOAD_MOST: Final = 0xFFFF
_LENGTHS: Final = tuple([bytes((size,)) for size in range(256)])
#: What stands for a character of UCS-2 that is no single octet: in no id, and no space.
_OTHER: Final = 0x3F


def likely_ids(message_id: bytes) -> tuple[bytes, ...]:
    """List what to look up for an id that a receipt names: as written, then in the other radix; distinct.

    Case and leading zeros are left to the look-up, which must find ids that differ only in them. Digits alone may be
    decimal or hexadecimal. As written goes first, since most carriers write the same both times; then as if the receipt
    were decimal and the submit_sm_resp hexadecimal (what SMPP v3.4 appendix B asks for); then the reverse. With letters
    among hexadecimal digits only the reverse is left. Anything else, and more than 32 digits, stands for itself.

    A carrier that numbers its messages one by one has given most of the short ids in either radix, to other messages.
    So an id in another radix is right only if something else agrees too: the person that the message went to.
    """
    if _HEX.fullmatch(message_id) is None:
        return (message_id,)
    plain = message_id.lstrip(b"0").upper() or b"0"
    forms = [message_id]
    if plain.isdigit():
        forms.append(b"%X" % int(plain))
    forms.append(b"%d" % int(plain, 16))
    # WHY: what differs from the written one in zeros and case only would be looked up twice.
    return tuple(dict.fromkeys(form for form in forms if form is message_id or form != plain))


def receipt_text(octets: bytes, data_coding: int) -> bytes:
    """Give a receipt's text as single octets, for `receipt.receipt_ids` and its like; "?" for what is none.

    `octets` come without UDH. UCS-2 counts as such where `id:` is found in it, whatever data_coding says.
    """
    found = _located(octets, data_coding)
    return octets if found is None else found[0]


def rewritten(raw: bytes, sm: ShortMessage, ours: bytes) -> bytes:
    """Put `ours` in the place of the carrier's message id in a receipt.

    `raw` is a deliver_sm or data_sm, `sm` the same as it was read.

    Replaced are `id:` of the text, in short_message and message_payload alike, and receipted_message_id (SMPP v3.4
    §5.3.2.12), which gets its NUL. sm_length, the TLV lengths and command_length follow; no other octet changes. What
    esm_class does not call a receipt comes back as it is. Behind `text:`, which quotes the message, an `id:` is
    replaced only where none stood before, and where the TLV, if there is one, names the same.

    Raises ValueError where `ours` is not 1 to 64 letters, digits and ``._-``, and `PduError` with these reasons:
    `receipt.no_id`, it names no message (as the later parts of a long receipt do);
    `receipt.overlong_id`, an id of more than 64 octets, of which a rest would stay; `receipt.too_long`, the text would
    pass 254 octets, or the payload 65,535: nothing is cut off to make room.
    """
    if _OURS.fullmatch(ours) is None:
        raise ValueError("a message id of ours has 1 to 64 letters and digits")
    if not is_receipt(sm.esm_class):
        return raw
    has_header = bool(sm.esm_class & ESM_UDHI)
    if not (sm.tlvs or has_header):
        return _with_id_in_text(raw, sm, ours)
    replaced = 0
    tlvs: list[tuple[int, bytes]] = []
    for tag, value in sm.tlvs:
        kept = value
        if tag == TAG_RECEIPTED_MESSAGE_ID:
            kept = ours + b"\0"
            replaced += 1
        elif tag == TAG_MESSAGE_PAYLOAD:
            changed = _with_id(value, sm, has_header, ours)
            if changed is not None:
                kept = changed
                replaced += 1
        if len(kept) > _PAYLOAD_MOST:
            raise PduError(ESME_RINVMSGLEN, "receipt.too_long")
        tlvs.append((tag, kept))
    text = _with_id(sm.short_message, sm, has_header, ours)
    if text is None and not replaced:
        raise PduError(ESME_RX_P_APPN, "receipt.no_id")
    # INVARIANT: the reader has accounted for every octet: TLVs stand last, and the text right before them.
    tlvs_at = len(raw) - sum([4 + len(value) for _, value in sm.tlvs])
    front = raw[8:tlvs_at]
    if text is not None:
        if len(text) > SM_LENGTH_MAX:
            raise PduError(ESME_RINVMSGLEN, "receipt.too_long")
        front = raw[8 : tlvs_at - len(sm.short_message) - 1] + bytes((len(text),)) + text
    body = front + encode_tlvs(tlvs)
    return (8 + len(body)).to_bytes(4, "big") + raw[4:8] + body


def _with_id_in_text(raw: bytes, sm: ShortMessage, ours: bytes) -> bytes:
    """The same for most receipts, whose text alone can name the message."""
    text = _with_id(sm.short_message, sm, False, ours)
    if text is None:
        raise PduError(ESME_RX_P_APPN, "receipt.no_id")
    size = len(text)
    if size > SM_LENGTH_MAX:
        raise PduError(ESME_RINVMSGLEN, "receipt.too_long")
    # INVARIANT: the text stands last, its length before it.
    at = len(raw) - len(sm.short_message) - 1
    return (at + 1 + size).to_bytes(4, "big") + raw[4:at] + _LENGTHS[size] + text


def _with_id(body: bytes, sm: ShortMessage, has_header: bool, ours: bytes) -> bytes | None:
    """Replace the id in user data; None where it names none."""
    header = b""
    text = body
    if has_header:
        try:
            text = split_udh(body)[1]
            header = body[: len(body) - len(text)]
        except PduError:
            # WHY: as `inbound` reads it: a header that cannot be read may be no header at all.
            text = body
    found = _located(text, sm.data_coding)
    if found is None:
        return None
    view, start, end, width, order = found
    # WHY 8: before an id that stands further in front is no room for `text:id:`.
    if start >= 8 and _QUOTED.search(view, 0, start) is not None:
        named = [form for each in receipt_ids(sm, b"") for form in likely_ids(each)]
        # WHY: where the TLV names the message, a number in the quoted text that is another one is the sender's own.
        if named and view[start:end] not in named:
            return None
    if end < len(view) and view[end] not in _ID_ENDS:
        raise PduError(ESME_RX_P_APPN, "receipt.overlong_id")
    if width == 1:
        return header + text[:start] + ours + text[end:]
    return header + text[: 2 * start] + ours.decode("ascii").encode(order) + text[2 * end :]


def _located(text: bytes, data_coding: int) -> tuple[bytes, int, int, int, str] | None:
    """Find the id: the text as single octets, from and to in it, octets a character, and the codec of two of them."""
    declared = DEFAULT_TABLE.names(data_coding) == _UCS2
    if not declared:
        span = id_span(text)
        if span is not None:
            return text, span[0], span[1], 1, ""
    if declared or 0 in text:
        for order in ("utf-16-be", "utf-16-le"):
            view = _low_octets(text, order == "utf-16-le")
            span = id_span(view)
            if span is not None:
                return view, span[0], span[1], 2, order
    if declared:
        span = id_span(text)
        if span is not None:
            return text, span[0], span[1], 1, ""
    return None


def _low_octets(text: bytes, little: bool) -> bytes:
    """The characters of UCS-2 that are single octets, "?" for the others; an odd octet at the end is left out."""
    even = len(text) & ~1
    low, high = (text[0:even:2], text[1:even:2]) if little else (text[1:even:2], text[0:even:2])
    if not any(high):
        return low
    view = bytearray(low)
    for at, octet in enumerate(high):
        if octet:
            view[at] = _OTHER
    return bytes(view)
