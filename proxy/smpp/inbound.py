"""Reads what a carrier delivers: a receipt, or what a person wrote back.

Owns the branch between the two: only esm_class types 0x04 and 0x20 are receipts (SMPP v3.4 §5.2.12), so a receipt that
quotes "TD" refuses nothing, and a user acknowledgement that says "TD" does. Must never decide what a text means.
"""

from collections.abc import Sequence
from itertools import islice, product
from typing import Final

from msgspec import Struct

from proxy.core import addresses
from proxy.smpp.consts import (
    DATA_SM,
    TAG_DEST_PORT,
    TAG_MESSAGE_PAYLOAD,
    TAG_SAR_MSG_REF_NUM,
    TAG_SAR_SEGMENT_SEQNUM,
    TAG_SAR_TOTAL_SEGMENTS,
    TAG_SOURCE_PORT,
)
from proxy.smpp.pdu import Pdu, PduError
from proxy.smpp.receipt import is_final, is_receipt, receipt_ids
from proxy.smpp.short_message import ShortMessage, read_data_sm, read_sm
from proxy.smpp.text import AlphabetTable, reply_readings
from proxy.smpp.udh import concatenation, ports, split_udh

_UDHI = 0x40
#: Texts that are tried where the parts of a reply have several readings each.
_JOINED_MOST = 16

#: TLVs of messages of applications.
_PORT_TAGS = frozenset((TAG_DEST_PORT, TAG_SOURCE_PORT))
#: Octets of a reply in no alphabet that are shown: a whole one of the radio's.
_SHOWN_MOST = 140

#: source and destination as on the wire, reference, total
PartKey = tuple[bytes, bytes, int, int]


class Receipt:
    """A delivery receipt: the ids by which it may name its message, and its fields as they were read.

    `final` says that nothing more will become of the message.
    """

    __slots__ = ("final", "ids", "sm")

    def __init__(self, ids: tuple[bytes, ...], sm: ShortMessage, final: bool) -> None:
        self.ids: Final = ids
        self.sm: Final = sm
        self.final: Final = final

    @property
    def about(self) -> bytes:
        """The address that the message went to, as on the wire."""
        return self.sm.source


class ReplyPart(Struct, frozen=True):
    """Where a part of a reply belongs, and its octets without header."""

    key: PartKey
    total: int
    number: int
    data_coding: int
    octets: bytes


class Reply(Struct, frozen=True):
    """What a person wrote: `person` canonical (None where the address has no form), `number` the one written to.

    `readings` are all plausible readings; () where the text cannot be decoded, and then `unread` shows its octets.
    `part` says that more belongs to it.
    """

    person: str | None
    number: str | None
    readings: tuple[str, ...]
    part: ReplyPart | None = None
    unread: str = ""


def read_inbound(pdu: Pdu, table: AlphabetTable) -> Receipt | Reply:
    """Reads a deliver_sm or data_sm from the SMSC side; raises PduError with the status to answer."""
    sm = read_data_sm(pdu.raw) if pdu.command_id == DATA_SM else read_sm(pdu.raw)
    octets = sm.short_message
    if sm.tlvs:
        # WHY: where both stand, what the person wrote may be in either: both are read.
        payloads = [value for tag, value in sm.tlvs if tag == TAG_MESSAGE_PAYLOAD]
        if not octets and payloads:
            octets = payloads[0]
    if is_receipt(sm.esm_class):
        said = _behind_header(octets) if sm.esm_class & _UDHI else octets
        return Receipt(receipt_ids(sm, said), sm, is_final(sm, said))
    texts = _texts(sm, octets, table)
    return Reply(
        person_of(sm.source_ton, sm.source_npi, sm.source),
        addresses.sender(sm.dest_ton, sm.dest_npi, sm.dest),
        texts,
        _part(sm, octets),
        "" if texts else _unread(sm, octets),
    )


def joined(replies: Sequence[Reply], table: AlphabetTable) -> Reply:
    """The reply that parts are together, in order: octets are joined before they are read, where one alphabet holds.

    INVARIANT: each of `replies` is a part.
    """
    parts = [reply.part for reply in replies if reply.part is not None]
    first = replies[0]
    if len({part.data_coding for part in parts}) == 1:
        texts = reply_readings(b"".join([part.octets for part in parts]), parts[0].data_coding, table)
    else:
        texts = ()
    # WHY too: a part may be in an alphabet of its own, or declared wrongly; then it reads as it did alone.
    each = [reply.readings or ("",) for reply in replies]
    apart = ("".join(one) for one in islice(product(*each), _JOINED_MOST))
    found = tuple(dict.fromkeys([text for text in (*texts, *apart) if text]))
    unread = "" if texts else " ".join([reply.unread for reply in replies if reply.unread])
    return Reply(first.person, first.number, found, None, unread)


def _part(sm: ShortMessage, octets: bytes) -> ReplyPart | None:
    """Where a reply belongs that is one of several parts; None for a whole one, or where its header does not say."""
    place: tuple[int, int, int] | None = None
    text = octets
    if sm.esm_class & _UDHI:
        try:
            elements, text = split_udh(octets)
            place = concatenation(elements)
        except PduError:
            return None
    elif sm.tlvs:
        given = {tag: int.from_bytes(value) for tag, value in sm.tlvs if len(value) <= 2}
        reference, total = given.get(TAG_SAR_MSG_REF_NUM), given.get(TAG_SAR_TOTAL_SEGMENTS)
        number = given.get(TAG_SAR_SEGMENT_SEQNUM)
        if reference is not None and total is not None and number is not None and 1 <= number <= total <= 0xFF:
            place = (reference, total, number)
    if place is None or place[1] == 1:
        return None
    reference, total, number = place
    return ReplyPart((sm.source, sm.dest, reference, total), total, number, sm.data_coding, text)


def person_of(ton: int, npi: int, octets: bytes) -> str | None:
    """Who wrote: the canonical form under the TON and NPI given, or under those that a submit_sm could have had.

    WHY lenient: carriers write a reply's source as network specific, alphanumeric or without its plus; a person who
    can be reached must be able to refuse however the address comes back.
    """
    for as_ton, as_npi in ((ton, npi), (1, 1), (0, 1)):
        found = addresses.recipient(as_ton, as_npi, octets)
        if found is not None:
            return found
    return None


def _texts(sm: ShortMessage, octets: bytes, table: AlphabetTable) -> tuple[str, ...]:
    bodies = [octets]
    bodies += [value for tag, value in sm.tlvs if tag == TAG_MESSAGE_PAYLOAD and value != octets]
    found: list[str] = []
    for body in bodies:
        plain = _behind_header(body) if sm.esm_class & _UDHI else body
        found += [text for text in reply_readings(plain, sm.data_coding, table) if text not in found]
    return tuple(found)


def _unread(sm: ShortMessage, octets: bytes) -> str:
    """What a person's telephone sent that is in no alphabet, as somebody may look at it; "" for what nobody wrote."""
    if any(tag in _PORT_TAGS for tag, _ in sm.tlvs):
        return ""
    if sm.esm_class & _UDHI:
        try:
            elements, octets = split_udh(octets)
            if ports(elements) is not None:
                # Applications among themselves: a picture's notification, a card, settings.
                return ""
        except PduError:
            pass
    shown = octets[:_SHOWN_MOST]
    return f"data_coding {sm.data_coding}: {shown.hex()}{'…' if len(shown) < len(octets) else ''}" if octets else ""


def _behind_header(body: bytes) -> bytes:
    try:
        return split_udh(body)[1]
    except PduError:
        # WHY: a header that cannot be read may be no header at all; a refusal must not be lost over it.
        return body
